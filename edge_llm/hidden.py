"""Characters that change what a reader sees without being seen: controls, bidirectional overrides, zero-width ones.

Text from outside may carry them to rewrite a terminal, to turn a file name around or to hide words from a person and not
from a model. Knows which they are and how to write them so that they are seen; nothing of where text goes.
"""

from __future__ import annotations

import re

# Unicode 16: C0 and C1 controls but tab and newline; soft hyphen; combining grapheme joiner; Arabic letter mark; Hangul
# fillers; Khmer and Mongolian invisible marks; zero-width spaces and joiners, marks, embeddings, overrides and isolates
# (UAX 9); line and paragraph separators; word joiner and invisible operators; variation selectors; byte order mark;
# interlinear annotation and what is left ignorable around it; shorthand and musical format controls; tag characters.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINER = "\u200d"
_SELECTORS = "\ufe0e\ufe0f"
_KEYCAP = "\u20e3"
_EMOJI_BELOW = frozenset("\xa9\xae\u203c\u2049\u2122\u2139\u3030\u303d\u3297\u3299")


def show_hidden(text: str) -> str:
    r"""`text` with each hidden character written out, as in `\u202e`. Joiners and selectors within emoji stay."""
    return _HIDDEN.sub(lambda found: found.group() if _is_of_emoji(found) else _escaped(found.group()), text)


def drop_hidden(text: str) -> str:
    """`text` without hidden characters; what separated lines becomes a newline. Joiners and selectors within emoji stay."""

    def kept(found: re.Match[str]) -> str:
        if found.group() in "\u2028\u2029\x0b\x0c\x85":
            return "\n"
        return found.group() if _is_of_emoji(found) else ""

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


def _is_of_emoji(found: re.Match[str]) -> bool:
    return _joins_emoji(found) or _selects_emoji(found)


def _joins_emoji(found: re.Match[str]) -> bool:
    """Whether this is a zero-width joiner between two emoji, as in a family or a flag (UTS 51)."""
    text, place = found.string, found.start()
    return text[place] == _JOINER and 0 < place < len(text) - 1 and _is_emoji(text[place - 1]) and _is_emoji(text[place + 1])


def _selects_emoji(found: re.Match[str]) -> bool:
    """Whether this is the one selector that says how the emoji or the keycap before it is drawn. More of them, or any after
    other text, carry something that nobody sees."""
    text, place = found.string, found.start()
    if text[place] not in _SELECTORS or place == 0:
        return False
    before = text[place - 1]
    if before in "0123456789#*":
        return text.startswith(_KEYCAP, place + 1)
    return before in _EMOJI_BELOW or (before not in _SELECTORS and _is_emoji(before))


def _is_emoji(character: str) -> bool:
    return character >= "\U0001f000" or "\u2190" <= character <= "\u2bff" or character == "\ufe0f"
