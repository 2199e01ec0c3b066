"""One ONNX graph that quantize wrote, loaded: its signature checked, its KV buffers bound, one pass at a time.

Inputs, batch 1:  `input_ids` int64 (1, S); `attention_mask` int64 (1, T) of ones, T = tokens held after this call;
`past_key_values.N.key|value` float32 (1, kv_heads, P, head_dim), P >= T the buffer's length; and the optional
`logits_start` int64 [1], the first position whose logits are wanted (negative: from the end).
Outputs:  `logits` float32 (1, rows, vocabulary); `present.N.key|value`, bound to the buffers given as past, so that
GroupQueryAttention appends in place (https://onnxruntime.ai/docs/genai/howto/past-present-share-buffer.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from runtimes.errors import BundleError, RuntimeFailedError
from runtimes.graph_metadata import most_tokens, scored_heads
from runtimes.ort_library import FATAL, failures, first_line

if TYPE_CHECKING:
    import numpy.typing as npt

    from runtimes.contract import Logits

    Ids = npt.NDArray[np.int64]

_SPIN_US = "300"
"""Microseconds a worker spins for its next share of work before it sleeps.

A token of SmolLM2-135M, 4 bits, after 300, on a 2-core Xeon (Sapphire Rapids) VM, two quiet runs and one beside a busy
process: 20 takes 10.5, 10.0 and 19.0 ms, 60 takes 9.3, 9.6 and 20.7, 120 takes 9.0, 9.8 and 23.0, the default of a millisecond
9.5, 9.7 and 24.2. Between two tokens of an answer lie 300 microseconds of Python: on a 2-core EPYC answers with `exact` come at
0.93 and 0.95 of onnxruntime-genai's speed (text, chat) with 60, at 0.95 and 0.98 with 300."""
_PAST = re.compile(r"past_key_values\.(\d+)\.(key|value)")


@dataclass(frozen=True)
class Signature:
    """Names of the KV buffers ("N.key" and "N.value") and the sizes of a graph."""

    names: tuple[str, ...]
    heads: int
    head_dim: int
    vocabulary_size: int


class LoadedGraph:
    """A graph, and what is bound to its inputs and outputs."""

    def __init__(self, library: ModuleType, path: Path, threads: int, *, reuse_plan: bool = True) -> None:
        """Load it. Raises RuntimeFailedError, BundleError.

        Args:
            reuse_plan: keep what the first pass of each length needed as one piece of memory: saves time in short passes.
        """
        self._library = library
        self._path = path
        options = library.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_US)
        # as the Kotlin library does: KleidiAI, on Arm, rounds a whole row of activations with one scale (docs/android.md)
        options.add_session_config_entry("mlas.disable_kleidiai", "1")
        options.enable_mem_pattern = reuse_plan
        options.log_severity_level = FATAL  # whatever goes wrong comes back as an exception too
        try:
            self.session = library.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except failures() as error:
            raise RuntimeFailedError(
                f"ONNX Runtime cannot load {path}: {first_line(error)}. Quantize the model again."
            ) from error
        try:
            self._scored_heads = scored_heads(self.session.get_modelmeta().custom_metadata_map)
        except ValueError as error:
            raise BundleError(f"{path} has metadata that edge-llm did not write: {error}. Quantize the model again.") from error
        self._binding = self.session.io_binding()
        self._one_id = np.zeros((1, 1), np.int64)
        self._one_id_value = library.OrtValue.ortvalue_from_numpy(self._one_id)

    def tokens_of_pass(self, wanted: int, position: int) -> int:
        """How many of `wanted` tokens one pass may take after `position`, by the memory that attention works in."""
        return min(wanted, most_tokens(self._scored_heads, position + wanted)) if self._scored_heads else wanted

    def bind_cache(self, values: Mapping[str, Any]) -> None:
        """Bind each KV buffer, an OrtValue, as past and as present."""
        for name, value in values.items():
            self._binding.bind_ortvalue_input(f"past_key_values.{name}", value)
            self._binding.bind_ortvalue_output(f"present.{name}", value)

    def _pass_over(self, chunk: Ids, mask: Ids) -> None:
        if chunk.size == 1:  # of an answer: nothing is made anew for it
            self._one_id[0, 0] = chunk[0]
            self._binding.bind_ortvalue_input("input_ids", self._one_id_value)
        else:
            self._bind("input_ids", chunk[None])
        self._bind("attention_mask", mask[None])
        self.session.run_with_iobinding(self._binding)

    def _bind(self, name: str, values: npt.NDArray[Any]) -> None:
        """Bind an input to an array, which the caller keeps until the graph has run."""
        self._binding.bind_ortvalue_input(name, self._library.OrtValue.ortvalue_from_numpy(values))

    @contextmanager
    def _telling(self, tokens: int) -> Iterator[None]:
        """ONNX Runtime's failures as ours."""
        try:
            yield
        except failures() as error:
            raise RuntimeFailedError(
                f"ONNX Runtime failed on {tokens} tokens of {self._path}: {first_line(error)}. "
                "Nothing was added; close other programs or use a shorter context."
            ) from error


class Graph(LoadedGraph):
    """A whole model: ids in, logits out."""

    def read_signature(self, declared: int) -> Signature:
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
        return Signature(names, heads, head_dim, vocabulary_size)

    def run(self, chunk: Ids, mask: Ids, wanted_from: int, into: Logits) -> None:
        """One pass over `chunk`; logits from `wanted_from` on are written to `into`. Raises RuntimeFailedError."""
        with self._telling(chunk.size):
            start = np.array([wanted_from], np.int64)
            self._bind("logits_start", start)
            self._binding.bind_ortvalue_output("logits", self._library.OrtValue.ortvalue_from_numpy(into[None]))
            self._pass_over(chunk, mask)
