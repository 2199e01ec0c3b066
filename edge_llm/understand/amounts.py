"""Money: "$12.50", "twelve euros", "50块", "三千元人民币"; canonically {"amount": "12.50", "currency": "CNY"}."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from edge_llm.understand.numbers import CHINESE_NUMBER, ENGLISH_NUMBER, read_chinese, read_english

_NAMES = {
    "CNY": "yuan|rmb|cny|renminbi|kuai|人民币|元人民币|块钱|块(?![港美欧日英韩台加澳新泰卢])|元",
    "USD": "us dollars?|american dollars?|dollars?|bucks?|usd|美元|美金|美刀|刀",
    "EUR": "euros?|eur|欧元|欧(?![元洲盟式美姆])",
    "GBP": "british pounds?|pounds? sterling|sterling|pounds?|quid|gbp|英镑",
    "JPY": "japanese yen|yen|jpy|日元|日币|日圆",
    "HKD": "hong kong dollars?|hkd|港币|港元|港纸",
    "TWD": "taiwan dollars?|twd|台币|新台币",
    "KRW": "korean won|won|krw|韩元|韩币",
    "INR": "indian rupees?|rupees?|inr|卢比",
    "CAD": "canadian dollars?|cad|加元|加币",
    "AUD": "australian dollars?|aud|澳元|澳币",
    "SGD": "singapore dollars?|sgd|新加坡元|新币",
    "CHF": "swiss francs?|francs?|chf|瑞士法郎|法郎",
    "RUB": "roubles?|rubles?|rub|卢布",
    "THB": "thai baht|baht|thb|泰铢",
    "MXN": "mexican pesos?|pesos?|mxn|比索",
    "SEK": "swedish kron(?:a|or)|sek|瑞典克朗",
    "NZD": "new zealand dollars?|nzd|新西兰元",
    "MYR": "ringgit|myr|马币|林吉特",
    "VND": "vietnamese dong|dong|vnd|越南盾",
    "BRL": "brazilian reals?|brl|雷亚尔",
}
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY", "￥": "CNY", "₩": "KRW", "₹": "INR", "HK$": "HKD", "US$": "USD"}
_DOLLAR_HOMES = {"US": "USD", "CA": "CAD", "AU": "AUD", "HK": "HKD", "SG": "SGD", "NZ": "NZD", "TW": "TWD"}


def _named(pattern: str) -> str:
    return "|".join(rf"\b(?:{part})\b" if part[0].isascii() else part for part in pattern.split("|"))


_BY_NAME = [(re.compile(_named(names), re.IGNORECASE), code) for code, names in _NAMES.items()]
_ANY_NAME = "|".join(
    part for names in sorted(_NAMES.values(), key=len) for part in sorted(_named(names).split("|"), key=len, reverse=True)
)
_SIGNED = re.compile(rf"(?P<sign>HK\$|US\$|[$€£¥￥₩₹])\s*(?P<count>{ENGLISH_NUMBER}k?)", re.IGNORECASE)
_WORDED = re.compile(rf"(?P<count>{ENGLISH_NUMBER}|\ban?\b)\s*(?P<name>{_ANY_NAME})", re.IGNORECASE)
_CHINESE = re.compile(
    rf"(?P<count>{CHINESE_NUMBER}|半)\s*(?:块(?=[港美欧日英韩台加澳新泰卢]))?(?P<name>{_ANY_NAME})(?P<tenth>[一二三四五六七八九]|[五5]毛)?(?![一-鿿]?[亲家])"
)

_BUDGET = re.compile(rf"(?:不超过|最多|预算)(?P<count>{CHINESE_NUMBER})|(?P<top>{CHINESE_NUMBER})(?:以内|以下|之内|左右|上下)")
HOME_CURRENCIES = {
    "CN": "CNY", "US": "USD", "GB": "GBP", "JP": "JPY", "HK": "HKD", "CA": "CAD", "AU": "AUD", "SG": "SGD", "DE": "EUR",
    "FR": "EUR",
}  # fmt: skip
"""What money is called at home: the currency of an amount for which none is said."""


@dataclass(frozen=True)
class Money:
    """A sum at [start, end) of a text."""

    start: int
    end: int
    amount: Decimal
    currency: str
    """ISO 4217."""

    @property
    def canonical(self) -> dict[str, str]:
        """{"amount": "12.50", "currency": "CNY"}: text, so that nothing is rounded."""
        return {"amount": f"{self.amount:f}", "currency": self.currency}


@dataclass(frozen=True)
class Currency:
    """A currency named at [start, end) of a text, with or without a sum."""

    start: int
    end: int
    code: str


def find_money(text: str, *, region: str = "") -> list[Money]:
    """Every sum with its currency in a text, from left to right.

    Args:
        region: where "$" and "dollars" are at home ("AU"); the United States where it is not known.
    """
    found: list[Money] = []
    for match in _SIGNED.finditer(text):
        value = _value(match["count"])
        if value is not None:
            found.append(Money(match.start(), match.end(), value, _home(_SIGNS[match["sign"].upper()], match["sign"], region)))
    for pattern in (_WORDED, _CHINESE):
        for match in pattern.finditer(text):
            value = _value(match["count"])
            code = code_of(match["name"])
            if value is None or code is None or any(one.start < match.end() and match.start() < one.end for one in found):
                continue
            if pattern is _CHINESE and match["tenth"]:
                tenth = read_chinese(match["tenth"].removesuffix("毛")) or Decimal(5)
                value += tenth / 10
            found.append(Money(match.start(), match.end(), value, _home(code, match["name"], region)))
    return sorted(found, key=lambda one: one.start)


def find_budget(text: str, *, region: str) -> Money | None:
    """The most that something may cost, where no currency is said: "三百以内"; in the money of `region`."""
    match = _BUDGET.search(text)
    value = None if match is None else _value(match["count"] or match["top"])
    currency = HOME_CURRENCIES.get(region)
    return None if match is None or value is None or currency is None else Money(match.start(), match.end(), value, currency)


def find_currencies(text: str) -> list[Currency]:
    """Every currency named in a text, from left to right."""
    found: list[Currency] = []
    spans = [(match.start(), match.end(), code) for pattern, code in _BY_NAME for match in pattern.finditer(text)]
    spans += [(match.start(), match.end(), _SIGNS[match[0]]) for match in re.finditer(r"HK\$|US\$|[$€£¥￥₩₹]", text)]
    for start, end, code in sorted(spans, key=lambda span: (span[0], -(span[1]))):
        if not found or start >= found[-1].end:
            found.append(Currency(start, end, code))
    return found


def code_of(name: str) -> str | None:
    """The ISO 4217 code of a currency's name or sign, or None."""
    text = name.strip()
    if text.upper() in _NAMES:
        return text.upper()
    if text in _SIGNS:
        return _SIGNS[text]
    return next((code for pattern, code in _BY_NAME if pattern.fullmatch(text)), None)


def _home(code: str, said: str, region: str) -> str:
    is_bare_dollar = said == "$" or re.fullmatch("dollars?|bucks?", said, re.IGNORECASE) is not None
    return _DOLLAR_HOMES.get(region, code) if is_bare_dollar else code


def _value(text: str) -> Decimal | None:
    if text.lower().endswith("k") and text[:-1].replace(".", "").replace(",", "").isdigit():
        return Decimal(text[:-1].replace(",", "")) * 1000
    read = read_english(text) if text.isascii() else read_chinese(text)
    return read if read is not None else read_chinese(text)
