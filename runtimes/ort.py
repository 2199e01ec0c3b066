"""ONNX Runtime as a runtime: the graphs quantize writes, run by a thin loop of our own.

Knows which of a bundle's graphs takes how many tokens, and the KV buffers that they share. Knows no operator, no
quantization and no text.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import numpy as np

from runtimes.contract import Capabilities, RuntimeStatus
from runtimes.cpu import multiplies_int8
from runtimes.errors import BundleError, PromptError, RuntimeUnavailableError
from runtimes.ort_fill import FillGraph
from runtimes.ort_graph import Graph
from runtimes.ort_library import INSTALL, load_library
from runtimes.session import CheckedSession, context_length_of, fingerprint
from runtimes.threads import available_cores

if TYPE_CHECKING:
    import numpy.typing as npt

    from runtimes.bundle import Bundle
    from runtimes.contract import Logits, Runtime, RuntimeConfig

_CHUNK = 256
"""Most tokens of one run: attention's scratch memory grows with chunk x cache. 64 to 512 are equally fast at 512 tokens."""
_STEP = 256
"""KV positions the buffers grow by, at least."""
_PREFILL_TOKENS = 128
_X86 = frozenset({"x86_64", "amd64"})
"""A bundle's graph for prefill widens 4-bit codes to float32. From _PREFILL_TOKENS at once that is faster on x86 (512 tokens
of SmolLM2-135M: 450 ms, 640 without; 128 tokens: 106 and 158; AVX-512, 2 threads). Its own layout of the weights is what it
costs: 371 MB at the peak, 266 without. Elsewhere it was not measured: Arm's int8 instructions may well win."""
_FILL_TOKENS = 112
"""Where the CPU multiplies int8, the graph that fills the buffers takes all tokens of a feed but those whose logits are wanted,
from so many on: twice as fast as the graph for prefill (512 tokens: 0.63 s of one core and 1.22), in as much memory (363 MB).
Making its weights takes 0.6 s of a core, once. A little less than _PREFILL_TOKENS, so that no session needs both graphs for
feeds that want a few rows; and by the feed alone, so that the same text gives the same logits whatever came before."""
_ROW_COST = 0.33
"""Capabilities.row_cost. SmolLM2-135M after 600 tokens, AVX2, 2 threads: 4 bits 7.7 ms for one token, 10.3 for two, 14.6 for
four, 23.9 for eight; 8 bits the same in proportion. The rows of a longer feed are as good as a single one and rounded
otherwise: MatMulNBits and GroupQueryAttention have kernels of their own for one row."""


class OrtSession(CheckedSession):
    """One ONNX model and its KV buffers, which grow in steps up to the context length.

    Where the bundle has graphs of their own for prefill, one is loaded when the first long feed comes: a short conversation
    never pays for it.
    """

    def __init__(self, bundle: Bundle, limit: int, threads: int, *, exact: bool = False) -> None:
        """Load the graph. Raises RuntimeUnavailableError, RuntimeFailedError or BundleError.

        Args:
            exact: run as onnxruntime-genai does: this one graph, over the whole of a feed. With as many threads as that has,
                the logits are its own to the bit.
        """
        self._library = load_library()
        self._bundle = bundle
        self._threads = threads
        self._exact = exact
        self._chunk = limit if exact else _CHUNK
        self._identity: bytes | None = None
        self._graph = Graph(self._library, bundle.model_path, threads)
        self._prefill: Graph | None = None
        widens = not exact and platform.machine().lower() in _X86
        self._prefill_path = bundle.prefill_path if widens else None
        self._fill: FillGraph | None = None
        self._fill_path = bundle.fill_path if widens and multiplies_int8() else None
        self._signature = self._graph.read_signature(bundle.manifest.vocabulary_size)
        super().__init__(Capabilities(limit, self._signature.vocabulary_size, rewind=True, snapshot=True, row_cost=_ROW_COST))
        empty = (1, self._signature.heads, 0, self._signature.head_dim)
        self._buffers: list[npt.NDArray[np.float32]] = [np.empty(empty, np.float32) for _ in self._signature.names]
        self._mask = np.ones(limit, np.int64)
        self._reserve(min(_STEP, limit))

    def _reserve(self, tokens: int) -> None:
        """Make the KV buffers hold `tokens`, keeping what they hold."""
        held = self._buffers[0].shape[2]
        if tokens <= held:
            return
        wanted = max(-(-tokens // _STEP) * _STEP, held + held // 2)
        length = min(wanted, self._capabilities.context_length)
        grown = []
        for buffer in self._buffers:
            larger = np.empty((*buffer.shape[:2], length, buffer.shape[3]), np.float32)
            larger[:, :, : self._position] = buffer[:, :, : self._position]
            grown.append(larger)
        self._buffers = grown
        for graph in (self._graph, self._prefill, self._fill):
            if graph is not None:
                graph.bind_cache(self._cache_values())

    def _cache_values(self) -> dict[str, Any]:
        value_of = self._library.OrtValue.ortvalue_from_numpy
        return {name: value_of(buffer) for name, buffer in zip(self._signature.names, self._buffers, strict=True)}

    def _graph_for(self, tokens: int) -> Graph:
        """The graph that takes `tokens` at once the fastest."""
        if tokens < _PREFILL_TOKENS or self._prefill_path is None:
            return self._graph
        if self._prefill is None:
            prefill = Graph(self._library, self._prefill_path, self._threads)
            if prefill.read_signature(self._signature.vocabulary_size) != self._signature:
                raise BundleError(f"{self._prefill_path} and {self._bundle.model_path} differ. Quantize the model again.")
            prefill.bind_cache(self._cache_values())
            self._prefill = prefill
        return self._prefill

    def _fill_graph_for(self, tokens: int) -> FillGraph | None:
        """The graph that fills the buffers, where `tokens` without logits are worth it."""
        if self._fill_path is None or tokens < _FILL_TOKENS:
            return None
        if self._fill is None:
            weights = self._bundle.weights_path
            fill = FillGraph(self._library, self._fill_path, weights, self._signature, self._threads)
            fill.bind_cache(self._cache_values())
            self._fill = fill
        return self._fill

    def _append(self, ids: npt.NDArray[np.int64], rows: int) -> Logits:
        self._reserve(self._position + ids.size)
        computed = rows
        if self._exact and rows == 1 and ids.size > 1:
            computed = 2  # the last layer of a single row would run the kernels for one row, which round otherwise
        logits = np.empty((computed, self._capabilities.vocabulary_size), np.float32)
        first_wanted = ids.size - computed
        start = self._fill_with(ids[:first_wanted])
        while start < ids.size:
            size = min(self._chunk, ids.size - start)
            chunk = ids[start : start + self._graph_for(size).tokens_of_pass(size, self._position + start)]
            wanted_from = min(max(0, first_wanted - start), chunk.size)
            row = start + wanted_from - first_wanted
            into = logits[max(0, row) : max(0, row) + chunk.size - wanted_from]
            self._run(chunk, self._position + start + chunk.size, wanted_from, into)
            start += chunk.size
        return logits[computed - rows :]

    def _fill_with(self, ids: npt.NDArray[np.int64]) -> int:
        """Write keys and values of `ids`, where there is a graph for no more than that; returns how many were written."""
        graph = self._fill_graph_for(ids.size)
        if graph is None:
            return 0
        start = 0
        while start < ids.size:
            chunk = ids[start : start + graph.tokens_of_pass(self._chunk, self._position + start)]
            start += chunk.size
            graph.run(chunk, self._mask[: self._position + start])
        return ids.size

    def _run(self, chunk: npt.NDArray[np.int64], total: int, wanted_from: int, into: Logits) -> None:
        """One pass over `chunk`, which ends at position `total`; logits from `wanted_from` on are written to `into`."""
        self._graph_for(chunk.size).run(chunk, self._mask[:total], wanted_from, into)

    def _keep(self, tokens: int) -> int:
        return tokens  # what lies behind `position` in the buffers is never read

    def _fingerprint(self) -> bytes:
        if self._identity is None:
            self._identity = fingerprint(self._bundle, OrtRuntime.name)
        return self._identity

    def _save(self) -> bytes:
        return b"".join(buffer[:, :, : self._position].tobytes() for buffer in self._buffers)

    def _load(self, payload: memoryview, tokens: int) -> None:
        _, heads, _, head_dim = self._buffers[0].shape
        values = np.frombuffer(payload, np.uint8)
        if values.size != len(self._buffers) * heads * tokens * head_dim * 4:
            raise PromptError("The snapshot has the wrong size for this model. Feed the text again.")
        self._reserve(tokens)
        saved = values.view("<f4").reshape(len(self._buffers), heads, tokens, head_dim)
        for buffer, part in zip(self._buffers, saved, strict=True):
            buffer[0, :, :tokens] = part

    def _release(self) -> None:
        del self._graph
        self._prefill = None
        self._fill = None
        self._buffers = []


class OrtRuntime:
    """The runtime behind `--runtime onnx`."""

    name = "onnx"
    formats = frozenset({"onnx"})

    def describe(self) -> RuntimeStatus:
        """Version of onnxruntime and its execution providers."""
        try:
            library = load_library()
        except RuntimeUnavailableError:
            return RuntimeStatus(self.name, installed=False, hint=INSTALL)
        providers = tuple(library.get_available_providers())
        return RuntimeStatus(self.name, installed=True, version=library.__version__, providers=providers)

    def open(self, bundle: Bundle, config: RuntimeConfig) -> OrtSession:
        """Load the graph (see `contract.Runtime.open`)."""
        limit = context_length_of(config, bundle.manifest.context_length)
        return OrtSession(bundle, limit, config.threads or available_cores(), exact=config.exact)


RUNTIME: Runtime = OrtRuntime()
