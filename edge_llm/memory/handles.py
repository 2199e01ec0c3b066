"""One way to write a phone number, an address and a name, so that two spellings of the same one are equal.

Knows no database and no person. What it cannot read as a number or an address it keeps as an id, never drops.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from opencc import OpenCC

HandleKind: TypeAlias = Literal["phone", "mail", "id"]
Region: TypeAlias = str
"""A country as ISO 3166 names it ("CN", "US"); "" when it is not known."""

_LONGEST = 254
"""Longest handle that is compared whole: RFC 5321 allows an address no more."""
_LONGEST_NAME = 120
_MAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_MESSENGER_ID = re.compile(r"(\d{7,15})@(?:s\.whatsapp\.net|c\.us)")
_PHONE = re.compile(r"[+\d(][\d\s().\-/·*#]*(?:(?:;ext=|ext\.?|x|转|#)\s*\d{1,6})?", re.IGNORECASE)
_SCHEME = re.compile(r"(?:mailto|tel|sms|smsto|phone):", re.IGNORECASE)
_CHINESE_MOBILE = re.compile(r"1[3-9]\d{9}")
_NORTH_AMERICAN = re.compile(r"1[\s.\-(]+\d{3}[\s.\-)]+\d{3}[\s.\-]\d{4}.*")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−－", "-"))
_CJK = r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_SPACE_IN_CJK = re.compile(rf"(?<={_CJK})\s+(?={_CJK})")
_NOT_A_FIRST_NAME = re.compile(r"(?:jr|sr|i{2,3}|iv|ph\.?d|m\.?d|esq|inc|ltd|llc|co|corp|gmbh|ag)\.?", re.IGNORECASE)


@dataclass(frozen=True)
class Handle:
    """A number, address or id in the one form it is compared in."""

    kind: HandleKind
    value: str
    """E.164 for a number whose country is known, else its digits; an address or id case-folded."""

    @property
    def is_local(self) -> bool:
        """A number that could not be told from others abroad: its country is not known, or it is a service's short code."""
        return self.kind == "phone" and not self.value.startswith("+")


@lru_cache(maxsize=16384)
def normalise(written: str, region: Region = "") -> Handle | None:
    """The handle in `written`, or None when there is nothing in it.

    Args:
        written: as a source has it: "(415) 555-0123", "mailto:A@B.example", "0086 138...", "wxid_abc".
        region: where numbers without a country code are at home. Without it a Chinese mobile number and a valid North
            American one are recognised by their form, and any other stays as its digits.
    """
    text = "".join(char for char in written[:1024] if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    text = unicodedata.normalize("NFKC", text)
    text = _SCHEME.sub("", text.translate(_DASHES).strip().strip("<>\"'").strip(), count=1).strip()[:_LONGEST]
    if not text:
        return None
    messenger = _MESSENGER_ID.fullmatch(text.lower())
    if messenger is not None:
        text = f"+{messenger[1]}"
    if _MAIL.fullmatch(text):
        return Handle("mail", text.casefold())
    if _PHONE.fullmatch(text) and sum(char.isdigit() for char in text) >= 3:
        return Handle("phone", _phone(text, region))
    return Handle("id", " ".join(text.casefold().split()))


def looks_like_handle(name: str) -> bool:
    """Whether a "name" is only a number or an address, as address books show who has no name."""
    handle = normalise(name)
    return handle is not None and (handle.kind == "mail" or (handle.kind == "phone" and sum(map(str.isdigit, name)) >= 5))


def region_of(number: str) -> Region:
    """The country of an E.164 number; "" when it has none."""
    import phonenumbers

    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    except phonenumbers.NumberParseException:
        return ""


def is_mobile(number: str) -> bool:
    """Whether an E.164 number is surely a mobile phone's, so one person's. False where a country does not tell them apart."""
    import phonenumbers

    try:
        return phonenumbers.number_type(phonenumbers.parse(number)) == phonenumbers.PhoneNumberType.MOBILE
    except phonenumbers.NumberParseException:
        return False


def _phone(text: str, region: Region) -> str:
    import phonenumbers
    from phonenumbers import ValidationResult

    digits = re.sub(r"[^\d+]", "", re.split(r"[;xe转#]", text, maxsplit=1, flags=re.IGNORECASE)[0]) or text
    if digits.startswith("00") and len(digits) > 9:
        text = digits = f"+{digits[2:]}"
    international = digits.startswith("+")
    possible = ""
    for home in (None,) if international else (*filter(None, [region]), *_regions_by_form(text, digits)):
        try:
            number = phonenumbers.parse(text, home)
        except phonenumbers.NumberParseException:
            continue
        extension = f";ext={number.extension}" if number.extension else ""
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) + extension
        if phonenumbers.is_valid_number(number):
            return written
        # numbers reserved for fiction are none that are in use
        reason = phonenumbers.is_possible_number_with_reason(number)
        if not possible and reason == ValidationResult.IS_POSSIBLE and (international or home == region) and len(digits) > 6:
            possible = written
    return possible or digits


def _regions_by_form(text: str, digits: str) -> list[Region]:
    """Where a number without a country code can be at home, judged by how many digits it has and how they are grouped."""
    regions = ["CN"] if _CHINESE_MOBILE.fullmatch(digits) else []
    if len(digits) == 10 or (len(digits) == 11 and digits.startswith("1")):
        regions.insert(0 if _NORTH_AMERICAN.fullmatch(text) else len(regions), "US")
    return regions


@lru_cache(maxsize=16384)
def fold_name(name: str) -> str:
    """The form in which names are compared: case, width, script variant, spaces and "Last, First" do not count.

    Empty when nothing of the name is left. Idempotent.
    """
    text = "".join(char for char in name[: 4 * _LONGEST_NAME] if unicodedata.category(char) not in ("Cf", "Cc", "Co", "Cs"))
    text = unicodedata.normalize("NFKC", text)
    last, comma, first = text.partition(",")
    if comma and last.strip() and first.strip() and "," not in first and not _NOT_A_FIRST_NAME.fullmatch(first.strip()):
        text = f"{first} {last}"
    text = unicodedata.normalize("NFKC", text.casefold())
    if not text.isascii():
        text = _simplifier().convert(text)
    text = " ".join(text.strip(" \t\"'“”‘’「」<>()~·").split())[:_LONGEST_NAME].strip()
    return _SPACE_IN_CJK.sub("", text)


@lru_cache(maxsize=1)
def _simplifier() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("t2s")
