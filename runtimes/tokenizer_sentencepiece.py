"""SentencePiece `.model` files through the `sentencepiece` library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from runtimes.errors import TokenizerError
from runtimes.tokenizer import check_text

_VISIBLE_SPACE = "\u2581"


class SentencePieceTokenizer:
    """A `runtimes.tokenizer.Tokenizer` over a SentencePiece model."""

    def __init__(self, model: bytes, path: Path) -> None:
        """`path` is only for messages. Raises TokenizerError."""
        self._backend = _load(model, path)
        self._path = path
        self._size = int(self._backend.get_piece_size())
        control = [index for index in range(self._size) if self._backend.is_control(index)]
        self._special_ids = frozenset([*control, self._backend.unk_id()])
        self._control = {self._backend.id_to_piece(index): index for index in control}
        longest_first = sorted(filter(None, self._control), key=len, reverse=True)
        self._control_pattern = re.compile("(" + "|".join(map(re.escape, longest_first)) + ")") if longest_first else None

    @property
    def vocabulary_size(self) -> int:
        return self._size

    @property
    def bos_id(self) -> int | None:
        bos = int(self._backend.bos_id())
        return bos if bos >= 0 else None

    @property
    def special_ids(self) -> frozenset[int]:
        return self._special_ids

    def encode(self, text: str, *, bos: bool = False, special: bool = True) -> list[int]:
        check_text(text)
        ids: list[int] = []
        for part in self._parts(text) if special else [text]:
            if special and part in self._control:
                ids.append(self._control[part])
            elif part:
                ids += self._backend.encode(part)
        if bos and self.bos_id is not None and ids[:1] != [self.bos_id]:
            ids.insert(0, self.bos_id)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", errors="replace")

    def token_bytes(self, token_id: int) -> bytes:
        if not 0 <= token_id < self._size or token_id in self._special_ids:
            return b""
        piece = str(self._backend.id_to_piece(token_id))
        if self._backend.is_byte(token_id):
            return bytes.fromhex(piece[3:5])
        return piece.replace(_VISIBLE_SPACE, " ").encode()

    def token_text(self, token_id: int) -> str:
        return str(self._backend.id_to_piece(token_id)) if 0 <= token_id < self._size else ""

    def _parts(self, text: str) -> list[str]:
        """The text cut at what spells a control token; those stand alone in the result."""
        return [text] if self._control_pattern is None else self._control_pattern.split(text)


def _load(model: bytes, path: Path) -> SentencePieceProcessor:
    backend = SentencePieceProcessor()
    try:
        backend.load_from_serialized_proto(model)
    except (RuntimeError, OSError, ValueError) as error:
        raise TokenizerError(f"{path} is not a valid SentencePiece model: {error}. Download the model again.") from error
    return backend
