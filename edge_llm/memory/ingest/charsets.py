"""Character sets as mails and cards name them, and text decoded by what is declared, or by its looks where that is wrong.

Knows names and their usual misuse; what a text looks like is told by encoding.py.
"""

from __future__ import annotations

from edge_llm.memory.ingest.encoding import detect_encoding, fits

_CODECS = {
    "gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030",
    "hz-gb-2312": "hz", "us-ascii": "utf-8", "ascii": "utf-8", "ansi_x3.4-1968": "utf-8", "iso-8859-1": "cp1252",
    "latin1": "cp1252", "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "x-sjis": "cp932", "shift_jis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext", "big5": "big5hkscs", "x-unknown": "utf-8", "unknown-8bit": "utf-8", "8bit": "utf-8",
}  # fmt: skip
"""A name, and the codec that also reads what programs wrongly put under it."""


def codec(charset: str | None) -> str | None:
    """The codec of a character set; None for no name, an unknown one, or one that is no text encoding ("zlib")."""
    name = (charset or "").strip("\"' ").lower()
    name = _CODECS.get(name, name)
    try:
        b" ".decode(name, "replace")
    except (LookupError, ValueError):
        return None
    return name or None


def decode_text(raw: bytes, charset: str | None) -> str:
    """Bytes as text: by the declared character set when they fit it, else by what they look like."""
    encoding = codec(charset)
    if encoding is None and b"\x1b$" in raw:
        encoding = "iso2022_jp_ext"  # all its bytes are ASCII, so its escapes are the only sign
    if encoding is None or not fits(raw, encoding):
        encoding = detect_encoding(raw)
    return raw.decode(encoding, "replace")
