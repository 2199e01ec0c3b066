"""Token ids of a text that goes on from another one. Knows tokenizers; knows no model.

Some vocabularies put a space before whatever they encode, which is right for the beginning of a text only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtimes.tokenizer import Tokenizer

_LEAD = "\x02"
"""A character no token joins to what follows it: put in front, it takes the space instead."""


def encode_continuation(tokenizer: Tokenizer, text: str) -> list[int]:
    """Token ids that add `text`, and no more than it, after other tokens. A control token's spelling stays text.

    Where the vocabulary rewrites the text (a normalisation), these are the tokens of what it makes of it.

    Raises:
        PromptError, TokenizerError: as `Tokenizer.encode`.
    """
    ids = tokenizer.encode(text, special=False)
    wanted = text.encode()
    if _bytes_of(tokenizer, ids) == wanted:
        return ids
    led = tokenizer.encode(_LEAD + text, special=False)
    lead = b""
    for place, token in enumerate(led):
        lead += tokenizer.token_bytes(token)
        if lead.strip(b" ") == _LEAD.encode() and _bytes_of(tokenizer, led[place + 1 :]) == wanted:
            return led[place + 1 :]
    return ids


def _bytes_of(tokenizer: Tokenizer, ids: list[int]) -> bytes:
    return b"".join(map(tokenizer.token_bytes, ids))
