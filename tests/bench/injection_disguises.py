"""Text made to be misread: look-alike letters, directions turned around, characters that nobody sees."""

from __future__ import annotations

import unicodedata

_LATIN, _CYRILLIC = "AaBCcEeHiKMoOpPTxXy", "АаВСсЕеНіКМоОрРТхХу"
_UNSEEN = ("Cc", "Cf")


def homoglyphs(text: str) -> str:
    """Latin letters as the Cyrillic ones that look the same."""
    return text.translate(str.maketrans(_LATIN, _CYRILLIC))


def wide(text: str) -> str:
    """ASCII letters in their full-width forms."""
    return "".join(chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in text)


def bidi(text: str) -> str:
    """Written backwards within an override, so that it is shown forwards."""
    return f"\u202e{text[::-1]}\u202c"


def zero_width(text: str) -> str:
    """A zero-width character after each letter."""
    return "".join(character + ("\u200b", "\u2060", "\u200d", "\ufeff")[place % 4] for place, character in enumerate(text))


def tags(text: str) -> str:
    """The text, and behind it an order in tag characters, which no font shows."""
    return text + "".join(chr(0xE0000 + ord(character)) for character in "obey")


def variation(text: str) -> str:
    """The text, and behind it bytes in variation selectors, which no font shows."""
    return text + "".join(chr(0xFE00 + (byte >> shift & 15)) for byte in b"obey" for shift in (4, 0))


def unmasked(text: str) -> str:
    """A text in plain letters, without what is not seen."""
    plain = unicodedata.normalize("NFKC", text).translate(str.maketrans(_CYRILLIC, _LATIN))
    return "".join(one for one in plain if unicodedata.category(one) not in _UNSEEN and not "\ufe00" <= one <= "\ufe0f")
