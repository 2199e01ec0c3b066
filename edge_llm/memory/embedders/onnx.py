"""Any ONNX sentence encoder of BERT's kind, run by onnxruntime: one graph, one tokenizer.json, mean or first-token pooling.

Inputs: `input_ids`, `attention_mask` and, where the graph has them, `token_type_ids`, int64 (texts, tokens). Outputs: token
states float (texts, tokens, dimensions), or `sentence_embedding` (texts, dimensions), which is then taken as it is.

A text longer than the encoder takes is cut into windows; its vector is their mean, each with the weight of its tokens.
Knows nothing of stores, and of names only what encoder_directory.py says.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from edge_llm.memory.embedders.encoder_directory import read_encoder
from edge_llm.memory.embedders.texts import portions, unit
from runtimes.errors import BundleError, RuntimeFailedError, SessionClosedError, TokenizerError
from runtimes.threads import available_cores

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Self

    from edge_llm.memory.embedder import Vectors
    from edge_llm.memory.embedders.encoder_directory import EncoderDirectory

_BATCH_TOKENS = 256
"""Tokens of one run, padding included, unless one window has more. MiniLM on two cores: 256 and 512 take 14.5 ms of processor
a message, 1,024 17.1 and 2,048 22.5; peak memory with long texts 291, 360, 499 and 754 MB."""
_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
_WHOLE = "sentence_embedding"
_AGAIN = "Pull or export the encoder again."


@dataclass(frozen=True)
class _Window:
    text: int
    """Its text's place among those that are embedded."""
    ids: list[int]


class OnnxEmbedder:
    """The encoder in a directory (see `Embedder`). Any thread may use it.

    Args:
        name: what its vectors are called, with a digest of the encoder behind it.
        threads: how many runs go on at once; None takes the cores there are.
    """

    def __init__(self, path: Path, *, name: str = "onnx", threads: int | None = None) -> None:
        self._path = path
        self._name = name
        self._threads = threads or available_cores()
        self._lock = threading.Lock()
        self._loaded: _Graph | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False

    @cached_property
    def _encoder(self) -> EncoderDirectory:
        return read_encoder(self._path)

    @cached_property
    def model_id(self) -> str:
        """See `Embedder.model_id`. Raises BundleError."""
        return f"{self._name}:{self._encoder.digest}"

    @cached_property
    def dimensions(self) -> int:
        """See `Embedder.dimensions`. Raises BundleError."""
        return self._encoder.dimensions or self._load().dimensions

    def embed(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> Vectors:
        """See `Embedder.embed`."""
        import numpy as np

        graph = self._load()
        vectors = np.zeros((len(texts), graph.dimensions), np.float32)
        for start, portion in portions(texts, cancel):
            windows = graph.cut(portion)
            batches = list(_batches(windows, 1 if graph.quantizes_inputs else None))
            run = map if len(batches) == 1 else self._workers().map
            for batch, encoded in zip(batches, run(graph.encode, batches), strict=True):
                for window, vector in zip(batch, encoded, strict=True):
                    vectors[start + window.text] += len(window.ids) * vector
        return unit(vectors)

    def close(self) -> None:
        """See `Embedder.close`."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
            self._loaded = None
        if pool is not None:
            pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _load(self) -> _Graph:
        with self._lock:
            if self._closed:
                raise SessionClosedError("The embedder was closed. Open it again.")
            if self._loaded is None:
                self._loaded = _Graph(self._encoder)
            return self._loaded

    def _workers(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="edge-llm-embed")
            return self._pool


class _Graph:
    """The loaded graph and tokenizer. A run stays on its caller's thread; several go side by side, none spins."""

    def __init__(self, encoder: EncoderDirectory) -> None:
        """Raises RuntimeUnavailableError, RuntimeFailedError, BundleError or TokenizerError."""
        from runtimes.ort_library import FATAL, failures, first_line, load_library

        self._encoder = encoder
        self._failures, self._first_line = failures, first_line
        self._tokenizer = _open_tokenizer(encoder)
        library = load_library()
        options = library.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = FATAL
        try:
            self._session = library.InferenceSession(str(encoder.model), options, providers=["CPUExecutionProvider"])
        except failures() as error:
            raise RuntimeFailedError(f"ONNX Runtime cannot load {encoder.model}: {first_line(error)}. {_AGAIN}") from error
        self._inputs = {item.name for item in self._session.get_inputs()}
        self._output, self.dimensions = self._find_output()
        if not {"input_ids", "attention_mask"} <= self._inputs <= _INPUTS:
            raise BundleError(
                f"{encoder.model} takes {', '.join(sorted(self._inputs))}; a sentence encoder takes "
                f"{', '.join(sorted(_INPUTS))}. Choose another encoder."
            )
        self.quantizes_inputs = _quantizes_inputs(encoder.model)

    def _find_output(self) -> tuple[str, int]:
        outputs = {item.name: item.shape for item in self._session.get_outputs()}
        whole = outputs.get(_WHOLE)
        name = _WHOLE if whole is not None and len(whole) == 2 else next((n for n, s in outputs.items() if len(s) == 3), None)
        if name is None or not isinstance(outputs[name][-1], int):
            raise BundleError(f"{self._encoder.model} gives neither token states nor {_WHOLE}. Choose another encoder.")
        return name, int(outputs[name][-1])

    def cut(self, texts: Sequence[str]) -> list[_Window]:
        """The windows of each text; one at least. Raises TokenizerError."""
        windows = []
        for number, encoding in enumerate(_tokenize(self._tokenizer, texts, self._encoder.tokenizer)):
            windows += [_Window(number, part.ids) for part in (encoding, *encoding.overflowing)]
        return [window if window.ids else _Window(window.text, [self._encoder.pad_id]) for window in windows]

    def encode(self, windows: Sequence[_Window]) -> Vectors:
        """Unit vectors of windows of about one length. Raises RuntimeFailedError."""
        import numpy as np

        longest = max(len(window.ids) for window in windows)
        ids = np.full((len(windows), longest), self._encoder.pad_id, np.int64)
        mask = np.zeros_like(ids)
        for row, window in enumerate(windows):
            ids[row, : len(window.ids)] = window.ids
            mask[row, : len(window.ids)] = 1
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        try:
            (found,) = self._session.run([self._output], {name: feeds[name] for name in self._inputs})
        except self._failures() as error:
            raise RuntimeFailedError(
                f"ONNX Runtime failed on {mask.sum()} tokens of {self._encoder.model}: {self._first_line(error)}. "
                "Close other programs, or choose another encoder."
            ) from error
        return unit(self._pool(found.astype(np.float32, copy=False), mask))

    def _pool(self, states: npt.NDArray[np.float32], mask: npt.NDArray[np.int64]) -> Vectors:
        if states.ndim == 2:
            return states
        if self._encoder.pooling == "cls":
            return states[:, 0]
        import numpy as np

        weights = mask.astype(np.float32) / mask.sum(axis=1, keepdims=True, dtype=np.float32)
        pooled: Vectors = np.einsum("btd,bt->bd", states, weights)
        return pooled


def _open_tokenizer(encoder: EncoderDirectory) -> Any:
    """The tokenizer, set to cut at the encoder's length. Raises TokenizerError."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(encoder.tokenizer))
        tokenizer.no_padding()
        tokenizer.enable_truncation(encoder.max_tokens)
    except Exception as error:
        raise TokenizerError(f"{encoder.tokenizer} is not a valid tokenizer.json: {error}. {_AGAIN}") from error
    return tokenizer


def _tokenize(tokenizer: Any, texts: Sequence[str], path: Path) -> Sequence[Any]:
    try:
        encodings: Sequence[Any] = tokenizer.encode_batch_fast(list(texts))
    except Exception as error:
        raise TokenizerError(f"{path} cannot tokenize a text: {error}. {_AGAIN}") from error
    return encodings


def _batches(windows: Sequence[_Window], most: int | None) -> Iterator[list[_Window]]:
    """Windows of about one length together, so that little is padding; `most` of them at once where that is given."""
    group: list[_Window] = []
    for window in sorted(windows, key=lambda window: len(window.ids)):
        if group and ((len(group) + 1) * len(window.ids) > _BATCH_TOKENS or len(group) == most):
            yield group
            group = []
        group.append(window)
    if group:
        yield group


def _quantizes_inputs(model: Path) -> bool:
    """Whether the graph rounds what flows through it by the range of all texts of a run: then a text must run alone, or its
    vector would depend on its company. The operator's name is looked for in the file's bytes, in which protobuf keeps it plain.
    """
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return mapped.find(b"DynamicQuantize") >= 0
