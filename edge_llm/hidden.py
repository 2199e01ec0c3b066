"""Characters that change what a reader sees without being seen: controls, bidirectional overrides, zero-width ones.

Text from outside may carry them to rewrite a terminal, to turn a file name around or to hide words from a person and not
from a model. Knows which they are and how to write them so that they are seen; nothing of where text goes.
"""

from __future__ import annotations

import re

# Unicode 16: C0 and C1 controls but tab and newline; soft hyphen; combining grapheme joiner; Arabic letter mark; Hangul
# fillers; Khmer and Mongolian invisible marks; zero-width spaces and joiners, marks, embeddings, overrides and isolates
# (UAX 9); line and paragraph separators; word joiner and invisible operators; byte order mark; interlinear annotation;
# tag characters.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_JOINER = "\u200d"


def show_hidden(text: str) -> str:
    r"""`text` with each hidden character written out, as in `\u202e`. Joiners within emoji stay as they are."""
    return _HIDDEN.sub(lambda found: found.group() if _joins_emoji(found) else _escaped(found.group()), text)


def drop_hidden(text: str) -> str:
    """`text` without hidden characters; what separated lines becomes a newline. Joiners within emoji stay."""

    def kept(found: re.Match[str]) -> str:
        if found.group() in "\u2028\u2029\x0b\x0c\x85":
            return "\n"
        return found.group() if _joins_emoji(found) else ""

    return _HIDDEN.sub(kept, text.replace("\r\n", "\n").replace("\r", "\n"))


def escape_in_json(document: str) -> str:
    r"""A JSON document in which hidden characters are written as JSON's own escapes: the same document, safe to print.

    Outside strings JSON has only spaces, tabs and newlines, so every character that is replaced is inside one.
    """
    return _HIDDEN.sub(lambda found: "".join(f"\\u{unit:04x}" for unit in _utf16(found.group())), document)


def _escaped(character: str) -> str:
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def _utf16(character: str) -> tuple[int, ...]:
    data = character.encode("utf-16-be")
    return tuple(int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2))


def _joins_emoji(found: re.Match[str]) -> bool:
    """Whether this is a zero-width joiner between two emoji, as in a family or a flag (UTS 51)."""
    text, place = found.string, found.start()
    return text[place] == _JOINER and 0 < place < len(text) - 1 and _is_emoji(text[place - 1]) and _is_emoji(text[place + 1])


def _is_emoji(character: str) -> bool:
    return character >= "\U0001f000" or "\u2190" <= character <= "\u2bff" or character == "\ufe0f"
