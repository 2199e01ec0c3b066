"""Sentences compared: by meaning, with one or several sentence encoders, and by their surface.

Knows encoders and arithmetic; what a sentence asks for is not its business. Vectors of known sentences are kept in a folder,
if the caller names one: they are those of manifests, never a person's words.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.memory.blas import one_blas_thread
from edge_llm.route.lexical import LexicalIndex, plain

if TYPE_CHECKING:
    from edge_llm.memory.embedder import Embedder, Vectors
    from edge_llm.route.lexical import Matrix

_MEANING, _SURFACE = 2.0, 0.5
"""Shares of the likeness; the encoders divide theirs evenly."""
_SHARPNESS = 4.0
"""Of the kernel exp(s (likeness - 1)): on CLINC150's training split 1 and 2 refuse worse, 8 confuses more."""
_LEAST_SPREAD = 0.6
"""An encoder to which sentences of a language look more alike than this does not read its script: it sees unknown signs."""


class SentenceSpace:
    """Sentences to compare others with.

    Args:
        texts: at least one.
        embedders: those that read the language are used, at least the first.
        name: what the sentences are, such as their language; the cache keeps one file for each name and embedder.
        cache: a folder for the vectors of `texts`; it is made, and a file that cannot be read is made again.

    Raises:
        RuntimeFailedError, SessionClosedError and what an embedder raises when it is first used.
    """

    def __init__(
        self, texts: Sequence[str], embedders: Sequence[Embedder], *, name: str = "", cache: Path | None = None
    ) -> None:
        spelled = [plain(text) for text in texts]
        self._lexical = LexicalIndex(spelled)
        self._views: list[_View] = []
        for number, embedder in enumerate(embedders):
            view = _View(embedder, _known_vectors(embedder, spelled, name, cache))
            if number == 0 or view.spread >= _LEAST_SPREAD:
                self._views.append(view)

    @property
    def encoders(self) -> tuple[str, ...]:
        """The ids of those that read the language."""
        return tuple(view.encoder for view in self._views)

    def gram(self) -> Matrix:
        """(n, n): the kernel of each of the sentences with each."""
        import numpy as np

        with one_blas_thread():
            meaning = np.sum([view.centred @ view.centred.T for view in self._views], axis=0)
        return self._kernel(meaning, self._lexical.gram())

    def compare(self, words: str) -> Matrix:
        """(n,): the kernel of one other sentence with each."""
        import numpy as np

        spelled = plain(words)
        meaning = np.sum([view.compare(spelled) for view in self._views], axis=0)
        return self._kernel(meaning, self._lexical.compare(spelled))

    def _kernel(self, meaning: Matrix, surface: Matrix) -> Matrix:
        import numpy as np

        likeness = (meaning * (_MEANING / len(self._views)) + surface * _SURFACE) / (_MEANING + _SURFACE)
        result: Matrix = np.exp(_SHARPNESS * (likeness - 1)).astype(np.float32)
        return result


class _View:
    """The sentences as one encoder has them. What all have in common is taken away, so that the rest tells them apart."""

    def __init__(self, embedder: Embedder, vectors: Vectors) -> None:
        import numpy as np

        self._embedder = embedder
        self._mean = vectors.mean(axis=0)
        self.centred = self._centre(vectors)
        self.spread = float(1 - np.square(self._mean).sum())

    @property
    def encoder(self) -> str:
        return self._embedder.model_id

    def compare(self, text: str) -> Matrix:
        with one_blas_thread():
            likeness: Matrix = self.centred @ self._centre(self._embedder.embed([text]))[0]
        return likeness

    def _centre(self, vectors: Vectors) -> Matrix:
        import numpy as np

        rest = vectors - self._mean
        result: Matrix = rest / np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1e-6)
        return result


def _known_vectors(embedder: Embedder, texts: Sequence[str], name: str, cache: Path | None) -> Vectors:
    """Vectors of the texts. Those in the cache are not made again; it then holds these texts' and no others'."""
    import numpy as np

    if cache is None:
        return embedder.embed(texts)
    file = cache / f"{_digest(embedder.model_id, name)}.npz"
    known = _read(file)
    names = [_digest(embedder.model_id, text) for text in texts]
    missing = [number for number, name in enumerate(names) if name not in known]
    if missing:
        made = embedder.embed([texts[number] for number in missing])
        known.update(zip((names[number] for number in missing), made, strict=True))
    vectors: Vectors = np.stack([known[name] for name in names])
    if missing:
        cache.mkdir(parents=True, exist_ok=True)
        half = file.with_name(f"{file.stem}.{os.getpid()}.part")
        with half.open("wb") as out:
            np.savez(out, names=np.array(names), vectors=vectors)
        half.replace(file)
    return vectors


def _read(file: Path) -> dict[str, Vectors]:
    """What the cache holds; nothing where it is not there yet, or torn: its vectors are then made again."""
    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as stored:
            return dict(zip(stored["names"].tolist(), stored["vectors"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}


def _digest(*texts: str) -> str:
    return blake2b("\n".join(texts).encode("utf-8", "replace"), digest_size=16).hexdigest()
