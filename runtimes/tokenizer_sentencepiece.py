"""SentencePiece `.model` files through the `sentencepiece` library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from runtimes.errors import TokenizerError
from runtimes.tokenizer import byte_of_piece, check_text

_VISIBLE_SPACE = "\u2581"


class SentencePieceTokenizer:
    """A `runtimes.tokenizer.Tokenizer` over a SentencePiece model."""

    def __init__(self, model: bytes, path: Path) -> None:
        """`path` is only for messages. Raises TokenizerError."""
        self._backend = SentencePieceProcessor()
        try:
            self._backend.load_from_serialized_proto(model)
            self._pieces = [str(self._backend.id_to_piece(index)) for index in range(self._backend.get_piece_size())]
        except (RuntimeError, OSError, ValueError) as error:
            raise TokenizerError(f"{path} is not a valid SentencePiece model: {error}. Download the model again.") from error
        self._control = {piece: index for index, piece in enumerate(self._pieces) if self._backend.is_control(index)}
        self._special_ids = frozenset([*self._control.values(), int(self._backend.unk_id())])
        self._bytes = [
            b"" if index in self._special_ids else self._spelled_bytes(index, piece) for index, piece in enumerate(self._pieces)
        ]
        longest_first = sorted(filter(None, self._control), key=len, reverse=True)
        self._control_pattern = re.compile("(" + "|".join(map(re.escape, longest_first)) + ")") if longest_first else None

    @property
    def vocabulary_size(self) -> int:
        return len(self._bytes)

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
        return self._bytes[token_id] if 0 <= token_id < len(self._bytes) else b""

    def token_text(self, token_id: int) -> str:
        return self._pieces[token_id] if 0 <= token_id < len(self._pieces) else ""

    def _spelled_bytes(self, index: int, piece: str) -> bytes:
        byte = byte_of_piece(piece) if self._backend.is_byte(index) else None
        return piece.replace(_VISIBLE_SPACE, " ").encode() if byte is None else byte

    def _parts(self, text: str) -> list[str]:
        """The text cut at what spells a control token; those stand alone in the result."""
        return [text] if self._control_pattern is None else self._control_pattern.split(text)
