"""Token ids of a text that goes on from another one. Knows tokenizers; knows no model.

Some vocabularies put a space before whatever they encode, which is right for the beginning of a text only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtimes.tokenizer import Tokenizer

_LEADS = ("\x02", "~")
"""Put in front, one takes the space instead, if no token joins it to what follows. The first never is joined; normalisers
may drop it."""


def encode_continuation(tokenizer: Tokenizer, text: str) -> list[int]:
    """Token ids that add `text`, and no more than it, after other tokens. A control token's spelling stays text.

    Where the vocabulary rewrites the text (a normalisation), these are the tokens of what it makes of it.

    Raises:
        PromptError, TokenizerError: as `Tokenizer.encode`.
    """
    ids = tokenizer.encode(text, special=False)
    wanted, written = text.encode(), _bytes_of(tokenizer, ids)
    if written == wanted:
        return ids
    for lead in _LEADS:
        led = tokenizer.encode(lead + text, special=False)
        before = b""
        for place, token in enumerate(led, 1):
            before += tokenizer.token_bytes(token)
            if before.strip(b" ") == lead.encode():
                if _bytes_of(tokenizer, led[place:]) in (wanted, written.removeprefix(b" ")):
                    return led[place:]
                break
    return ids


def _bytes_of(tokenizer: Tokenizer, ids: list[int]) -> bytes:
    return b"".join(map(tokenizer.token_bytes, ids))
