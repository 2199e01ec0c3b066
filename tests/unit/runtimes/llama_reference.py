"""llama.cpp's own tokenizer, as the reference."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llama_cpp import llama_cpp as api


class LlamaVocabulary:
    """The vocabulary of a GGUF file as llama.cpp reads it."""

    def __init__(self, model: object) -> None:
        self._vocabulary = api.llama_model_get_vocab(model)

    def encode(self, text: str, *, bos: bool = False, special: bool = True) -> list[int]:
        """Token ids."""
        raw = text.encode()
        room = len(raw) + 8
        buffer = (api.llama_token * room)()
        count = api.llama_tokenize(self._vocabulary, raw, len(raw), buffer, room, bos, special)
        assert count >= 0
        return list(buffer[:count])

    def token_bytes(self, token_id: int) -> bytes:
        """The piece of one token, empty for special ones."""
        buffer = ctypes.create_string_buffer(1024)
        count = api.llama_token_to_piece(self._vocabulary, token_id, buffer, 1024, 0, 0)
        assert count >= 0
        return buffer.raw[:count]

    def stop_ids(self) -> tuple[int, ...]:
        """Every token that ends generation."""
        return tuple(index for index in range(self.size) if api.llama_vocab_is_eog(self._vocabulary, index))

    @property
    def size(self) -> int:
        """Number of tokens."""
        return int(api.llama_vocab_n_tokens(self._vocabulary))

    @property
    def adds_bos(self) -> bool:
        """Whether BOS goes before a prompt."""
        return bool(api.llama_vocab_get_add_bos(self._vocabulary))


@contextmanager
def llama_vocabulary(path: Path) -> Iterator[LlamaVocabulary]:
    """Loads the vocabulary only."""
    params = api.llama_model_default_params()
    params.vocab_only = True
    model = api.llama_model_load_from_file(str(path).encode(), params)
    assert model, f"llama.cpp refuses {path}"
    try:
        yield LlamaVocabulary(model)
    finally:
        api.llama_model_free(model)
