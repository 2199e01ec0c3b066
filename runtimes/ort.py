"""ONNX Runtime as a runtime: the graphs quantize writes, run by a thin loop of our own.

Knows the graph's inputs and outputs (below) and how to keep one KV buffer bound as both past and present. Knows no
operator, no quantization and no text.

Inputs, batch 1:  `input_ids` int64 (1, S); `attention_mask` int64 (1, T) of ones, T = tokens held after this call;
`past_key_values.N.key|value` float32 (1, kv_heads, P, head_dim), P >= T the buffer's length; and the optional
`logits_start` int64 [1], the first position whose logits are wanted (negative: from the end).
Outputs:  `logits` float32 (1, rows, vocabulary); `present.N.key|value`, bound to the buffers given as past, so that
GroupQueryAttention appends in place (https://onnxruntime.ai/docs/genai/howto/past-present-share-buffer.html).
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from runtimes.contract import Capabilities, RuntimeStatus
from runtimes.errors import BundleError, PromptError, RuntimeFailedError, RuntimeUnavailableError
from runtimes.ort_library import FATAL, INSTALL, failures, first_line, load_library
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
_FLOAT_PREFILL_MACHINES = frozenset({"x86_64", "amd64"})
"""A bundle's graph for prefill widens 4-bit codes to float32. From _PREFILL_TOKENS at once that is faster on x86 (512 tokens
of SmolLM2-135M: 450 ms, 640 without; 128 tokens: 106 and 158; AVX-512, 2 threads). Its own layout of the weights is what it
costs: 351 MB at the peak, 242 without. Elsewhere it was not measured: Arm's int8 instructions may well win."""
_SPIN_US = "20"
"""Microseconds a worker spins for its next share of work before it sleeps. Beside one busy process, at a context of 64 tokens,
20 decodes a token in 12.4 ms and the default of a millisecond in 14.8; on a quiet machine they are within 6 % of each other."""
_ROW_COST = 0.33
"""Capabilities.row_cost. SmolLM2-135M after 600 tokens, AVX2, 2 threads: 4 bits 7.7 ms for one token, 10.3 for two, 14.6 for
four, 23.9 for eight; 8 bits the same in proportion. The rows of a longer feed are as good as a single one and rounded
otherwise: MatMulNBits and GroupQueryAttention have kernels of their own for one row."""
_PAST = re.compile(r"past_key_values\.(\d+)\.(key|value)")


class _Graph:
    """One loaded graph, and what is bound to its inputs and outputs."""

    def __init__(self, library: ModuleType, path: Path, threads: int) -> None:
        """Raises RuntimeFailedError."""
        self._library = library
        self._path = path
        options = library.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_US)
        options.log_severity_level = FATAL  # whatever goes wrong comes back as an exception too
        try:
            self.session = library.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except failures() as error:
            raise RuntimeFailedError(
                f"ONNX Runtime cannot load {path}: {first_line(error)}. Quantize the model again."
            ) from error
        self._binding = self.session.io_binding()

    def read_signature(self, declared: int) -> _Signature:
        """What the graph expects and gives. Raises BundleError, also when its vocabulary is not as `declared`."""
        path = self._path
        inputs = {item.name: item for item in self.session.get_inputs()}
        outputs = {item.name: item for item in self.session.get_outputs()}
        optional = {item.name for item in self.session.get_overridable_initializers()}
        past = {name: item for name, item in inputs.items() if _PAST.fullmatch(name)}
        expected = {"input_ids", "attention_mask", *past}
        names = tuple(name.removeprefix("past_key_values.") for name in past)
        produced = {"logits", *(f"present.{name}" for name in names)}
        if not past or set(inputs) != expected or set(outputs) != produced or "logits_start" not in optional:
            raise BundleError(
                f"{path} is not a graph that edge-llm wrote: its inputs or outputs differ. Quantize the model again."
            )
        shapes = {(item.type, len(item.shape), item.shape[1], item.shape[-1]) for item in past.values()}
        kind, rank, heads, head_dim = shapes.pop()
        vocabulary_size = outputs["logits"].shape[-1]
        sizes = (heads, head_dim, vocabulary_size)
        if shapes or kind != "tensor(float)" or rank != 4 or not all(isinstance(size, int) and size > 0 for size in sizes):
            raise BundleError(f"{path} has KV buffers or logits of an unknown shape. Quantize the model again.")
        if vocabulary_size != declared:
            raise BundleError(
                f"{path} has {vocabulary_size} tokens and its manifest says {declared}. Quantize the model again."
            )
        return _Signature(names, heads, head_dim, vocabulary_size)

    def bind_cache(self, values: Mapping[str, Any]) -> None:
        """Bind each KV buffer, an OrtValue, as past and as present."""
        for name, value in values.items():
            self._binding.bind_ortvalue_input(f"past_key_values.{name}", value)
            self._binding.bind_ortvalue_output(f"present.{name}", value)

    def run(self, chunk: npt.NDArray[np.int64], mask: npt.NDArray[np.int64], wanted_from: int, into: Logits) -> None:
        """One pass over `chunk`; logits from `wanted_from` on are written to `into`. Raises RuntimeFailedError."""
        bind, value_of = self._binding, self._library.OrtValue.ortvalue_from_numpy
        try:
            bind.bind_ortvalue_input("input_ids", value_of(chunk[None]))
            bind.bind_ortvalue_input("attention_mask", value_of(mask[None]))
            bind.bind_ortvalue_input("logits_start", value_of(np.array([wanted_from], np.int64)))
            bind.bind_ortvalue_output("logits", value_of(into[None]))
            self.session.run_with_iobinding(bind)
        except failures() as error:
            raise RuntimeFailedError(
                f"ONNX Runtime failed on {chunk.size} tokens of {self._path}: {first_line(error)}. "
                "Nothing was added; close other programs or use a shorter context."
            ) from error


@dataclass(frozen=True)
class _Signature:
    """Names of the KV buffers ("N.key" and "N.value") and the sizes of a graph."""

    names: tuple[str, ...]
    heads: int
    head_dim: int
    vocabulary_size: int


class OrtSession(CheckedSession):
    """One ONNX model and its KV buffers, which grow in steps up to the context length.

    Where the bundle has a graph of its own for prefill, it is loaded when the first long chunk comes: a short
    conversation never pays for it.
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
        self._graph = _Graph(self._library, bundle.model_path, threads)
        self._prefill: _Graph | None = None
        widens = not exact and platform.machine().lower() in _FLOAT_PREFILL_MACHINES
        self._prefill_path = bundle.prefill_path if widens else None
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
        for graph in (self._graph, self._prefill):
            if graph is not None:
                graph.bind_cache(self._cache_values())

    def _cache_values(self) -> dict[str, Any]:
        value_of = self._library.OrtValue.ortvalue_from_numpy
        return {name: value_of(buffer) for name, buffer in zip(self._signature.names, self._buffers, strict=True)}

    def _graph_for(self, tokens: int) -> _Graph:
        """The graph that takes `tokens` at once the fastest."""
        if tokens < _PREFILL_TOKENS or self._prefill_path is None:
            return self._graph
        if self._prefill is None:
            prefill = _Graph(self._library, self._prefill_path, self._threads)
            if prefill.read_signature(self._signature.vocabulary_size) != self._signature:
                raise BundleError(f"{self._prefill_path} and {self._bundle.model_path} differ. Quantize the model again.")
            prefill.bind_cache(self._cache_values())
            self._prefill = prefill
        return self._prefill

    def _append(self, ids: npt.NDArray[np.int64], rows: int) -> Logits:
        self._reserve(self._position + ids.size)
        computed = rows
        if self._exact and rows == 1 and ids.size > 1:
            computed = 2  # the last layer of a single row would run the kernels for one row, which round otherwise
        logits = np.empty((computed, self._capabilities.vocabulary_size), np.float32)
        first_wanted = ids.size - computed
        for start in range(0, ids.size, self._chunk):
            chunk = ids[start : start + self._chunk]
            wanted_from = min(max(0, first_wanted - start), chunk.size)
            row = start + wanted_from - first_wanted
            into = logits[max(0, row) : max(0, row) + chunk.size - wanted_from]
            self._run(chunk, self._position + start + chunk.size, wanted_from, into)
        return logits[computed - rows :]

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
