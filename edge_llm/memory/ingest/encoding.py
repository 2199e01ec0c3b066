"""Which encoding a text is in: what it says itself, then what its bytes allow, then what its characters suggest.

Knows byte order marks and how often the commonest Chinese and Japanese characters occur. Knows no file format.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

SAMPLE_BYTES = 1 << 16
"""How much of a file is looked at."""
_CHUNK_BYTES = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The commonest characters of simplified and traditional Chinese: more than a third of any running text is among them.
_COMMON = {
    "gb18030": frozenset(
        "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方"
        "多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情"
        "明性知全三"
    ),
    "big5": frozenset(
        "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事成方"
        "多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民第公此已工使情"
        "明性知全三"
    ),
}
_PUNCTUATION = "，。、！？：；「」（）《》“”…"
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc]")
_WIDE = re.compile("[^\x00-\x7f]")
_LIKELY = 0.25
"""Share of a text's characters beyond ASCII that must be common ones."""


def detect_encoding(sample: bytes, declared: str | None = None) -> str:
    """The name of a codec for a text that begins with `sample`.

    A byte order mark decides, then what is declared (if it fits the sample), then UTF-8 if the bytes are that, then the
    likeliest of GB18030, Big5, Shift JIS and EUC-JP, and Windows-1252 where nothing else fits.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    if (wide := _wide_without_mark(sample)) is not None:
        return wide
    for claimed in (declared, "utf-8"):
        if claimed is not None and fits(sample, claimed):
            return codecs.lookup(claimed).name
    likeliest = max(("gb18030", "big5", "shift_jis", "euc_jp"), key=lambda name: _likelihood(sample, name))
    return likeliest if _likelihood(sample, likeliest) >= _LIKELY else "cp1252"


def fits(sample: bytes, name: str) -> bool:
    """Whether the bytes are text in that encoding, a character cut off at the end left aside. False for what is no
    text encoding's name."""
    try:
        b" ".decode(name, "ignore")  # refuses codecs between bytes ("zlib"), which a decoder made by name would run
        codecs.getincrementaldecoder(name)("strict").decode(sample)
    except (LookupError, UnicodeError, ValueError):
        return False
    return True


def is_binary(head: bytes) -> bool:
    """Whether bytes are no text in any encoding: they hold NUL or many control characters, and are no UTF-16 or UTF-32."""
    if any(head.startswith(mark) for mark, _ in _MARKS) or _wide_without_mark(head) is not None:
        return False
    control = sum(head.count(byte) for byte in (*range(1, 9), *range(14, 27), *range(28, 32)))
    return head.count(0) * 256 > len(head) or control * 32 > len(head)


def decode_stream(file: BinaryIO, encoding: str) -> Iterator[str]:
    """The file's text in pieces; what is no character in this encoding becomes U+FFFD."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    while chunk := file.read(_CHUNK_BYTES):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _wide_without_mark(sample: bytes) -> str | None:
    """UTF-16 without a byte order mark: nearly every other byte of Latin text in it is NUL."""
    pairs = len(sample) // 2
    if pairs < 4:
        return None
    even, odd = sample[0 : pairs * 2 : 2].count(0), sample[1 : pairs * 2 : 2].count(0)
    for name, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros * 2 > pairs and others * 64 <= pairs and fits(sample[: pairs * 2], name):
            return name
    return None


def _likelihood(sample: bytes, name: str) -> float:
    """The share of characters beyond ASCII that a text in this encoding would commonly have; 0 when the bytes are not it."""
    if not fits(sample, name):
        return 0.0
    text = codecs.getincrementaldecoder(name)("strict").decode(sample)
    wide = _WIDE.findall(text)
    if not wide:
        return 0.0
    if name in _COMMON:
        common = _COMMON[name]
        return sum(1 for character in wide if character in common or character in _PUNCTUATION) / len(wide)
    return len(_KANA.findall(text)) / len(wide)
