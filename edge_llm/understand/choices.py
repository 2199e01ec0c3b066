"""Slots whose value is one of a kind: units, currencies, languages, members of an enumeration."""

from __future__ import annotations

import re

from edge_llm.actions.manifest import Slot
from edge_llm.understand.amounts import find_currencies, find_money
from edge_llm.understand.text_slots import find_text
from edge_llm.understand.units import find_measures, target_unit, unit_at

_TO_CURRENCY = re.compile(r"(?:\b(?:in|into|to)\s+|(?:换算?|兑换?|转换?|等于|合|值)(?:成|为)?(?:多少)?)\s*$", re.IGNORECASE)
_HOW_MANY = re.compile(r"(?:how (?:many|much)(?: is)?|多少|几)\s*$", re.IGNORECASE)
_SYNONYMS = {
    "bar": ("column", "columns", "柱状", "柱形", "条形"), "line": ("curve", "trend", "折线", "曲线"), "pie": ("饼",),
}  # fmt: skip


def find_choice(words: str, slot: Slot) -> str | None:
    """The member that the words name, or None."""
    members = slot.schema.get("enum")
    if isinstance(members, list):
        return _member(words, [member for member in members if isinstance(member, str)])
    if slot.name in ("currency_from", "currency_to", "currency"):
        return _currency(words, is_target=slot.name == "currency_to")
    if slot.name in ("from_unit", "to_unit"):
        return _unit(words, is_target=slot.name == "to_unit")
    return find_text(words, slot.name)


def _member(words: str, members: list[str]) -> str | None:
    lowered = words.lower()
    for member in sorted(members, key=len, reverse=True):
        for name in (member.lower().replace("_", " "), *_SYNONYMS.get(member, ())):
            if name and re.search(
                rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])" if name.isascii() else re.escape(name), lowered
            ):
                return member
    return None


def _currency(words: str, *, is_target: bool) -> str | None:
    named = find_currencies(words)
    # "300块人民币" names one twice
    found = [one for at, one in enumerate(named) if not at or one.code != named[at - 1].code or one.start > named[at - 1].end]
    if not found:
        return None
    if len(found) == 1:
        marked = _TO_CURRENCY.search(words[: found[0].start]) or _HOW_MANY.search(words[: found[0].start])
        return found[0].code if (marked is not None) == is_target else None
    counted = find_money(words)
    if len(counted) == 1:  # "how much is £20 in dollars": what is counted is changed
        own = next((one for one in found if one.start < counted[0].end and counted[0].start < one.end), None)
        other = next((one for one in found if one is not own), None)
        if own is not None and other is not None:
            return (other if is_target else own).code
    # "how many dollars is 50 euros": what is counted comes second
    asked = next((one for one in found if _HOW_MANY.search(words[: one.start])), None)
    target = asked or next((one for one in found[1:] if _TO_CURRENCY.search(words[: one.start])), found[1])
    source = next(one for one in found if one is not target)
    return (target if is_target else source).code


def _unit(words: str, *, is_target: bool) -> str | None:
    measures = find_measures(words)
    first = measures[0] if measures else None
    if is_target:
        return target_unit(words, beyond=first)
    if first is not None:
        return first.unit
    for match in re.finditer(r"\b(?:an?|one)\s+(?=[a-z])|一(?=[一-鿿])", words):
        unit = unit_at(words, match.end())
        if unit is not None:
            return unit[0]
    return None
