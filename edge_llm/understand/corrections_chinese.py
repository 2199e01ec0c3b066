"""A Chinese correction down to its heart: "哎呀看错票了，应该是武汉站" is "应该是武汉站", "牛肉太贵了，换辣椒炒肉" is its end.

And a new part put in the place of the one it resembles: "北门" in "我在南门等".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from edge_llm.actions.values import Provenance, SlotValue
from edge_llm.understand.clauses_chinese import spans
from edge_llm.understand.language import has_cjk
from edge_llm.understand.spoken import HESITATION, PARTICLES

_SLIP: Final = re.compile(
    rf"(?:{HESITATION}|我|刚才|刚刚|不好意思|抱歉|对不起|等等|等一下|等会儿?|好像|是|又)*"
    r"(?:(?:说|打|写|看|记|搞|弄|听|点|选|输|发|手滑|口误|按|买|订|讲|念)*错(?:了|啦)?[^，,。\s]{0,2}了?|手滑了?|算了(?:算了)?|口误|嘴瓢了?|不对(?:不对)?|不是(?:不是)?|不|记[岔混反]了|看反了|急?糊涂了|看走眼了|脑子短路了|弄混了|搞混了)"
    rf"{PARTICLES}*"
)
"""A clause that only says that something was wrong."""
_HESITATES: Final = re.compile(rf"(?:{HESITATION}|等等|等一下|等会儿?|不好意思|抱歉|对不起|那个){PARTICLES}*")
_CHANGES: Final = re.compile(
    rf"(?:{HESITATION}|还是|那就?|就|我|给我|帮我|你|先|要不|干脆)*(?:[改换]|应该|其实是?|而是|要(?!不|是|下雨|迟到|晚|开会|走|出)"
    r"|来(?=一?[份个杯点碗首盒瓶])|我要|我说的是)"
)
"""How a clause begins that names the new value."""
_SLIP_AHEAD: Final = re.compile(
    rf"^(?:{HESITATION}[，,\s]*)*(?:我)?(?:说|打|写|看|记|搞|弄|听|点|选|输|讲)?(?:错了|岔了)(?=[是去到改换应要][^错])",
    re.IGNORECASE,
)


def heart_of(words: str) -> tuple[str, bool]:
    """The clauses of a correction from the one that names the new value on, and whether they are marked as a correction."""
    if not has_cjk(words):
        return words, False
    text = _SLIP_AHEAD.sub("", words)
    parts = [(start, text[start:end].strip()) for start, end in spans(text) if text[start:end].strip()]
    if len(parts) > 1 and _SLIP.fullmatch(parts[-1][1]) and not _SLIP.fullmatch(parts[0][1]):
        last = parts.pop()  # "是2244，记错了"
        text = text[: last[0]].rstrip("，,。；; ")
    wrong = max((place for place, (_, part) in enumerate(parts) if _SLIP.fullmatch(part)), default=-1)
    if wrong + 1 < len(parts) and (wrong >= 0 or text != words):
        return text[parts[wrong + 1][0] :], True
    changing = next((place for place, (_, part) in enumerate(parts) if _CHANGES.match(part)), None)
    if changing is not None:
        return text[parts[changing][0] :], True
    first = next((start for start, part in parts if not _HESITATES.fullmatch(part)), 0)
    return text[first:], False


def with_part(held: str, new: str) -> str | None:
    """`held` with `new` in the place of the part of it that is as long and shares its last or its first character."""
    length = len(new)
    if not has_cjk(new) or not 2 <= length <= 6 or length >= len(held):
        return None
    parts = [held[at : at + length] for at in range(len(held) - length + 1)]
    alike = [part for part in parts if part != new and part[-1] == new[-1]] or [
        part for part in parts if part != new and part[0] == new[0] and length > 2
    ]
    best = max(alike, key=lambda part: sum(one == other for one, other in zip(part, new, strict=True)), default=None)
    return None if best is None or new in held else held.replace(best, new, 1)


def figure_changed(call_slots: Mapping[str, SlotValue], text: str) -> dict[str, SlotValue] | None:
    """A figure of a chart said anew after its name: "二月的数看反了，54"."""
    held = call_slots.get("items")
    said = re.findall(r"\d+(?:\.\d+)?", text)
    if held is None or not isinstance(held.value, str) or len(said) != 1:
        return None
    for match in re.finditer(r"(?P<name>[^\d，,、；;：:\s]{1,8})[：:\s]*(?P<figure>\d+(?:\.\d+)?)", held.value):
        if match["name"] in text and not match["name"].isdigit():
            whole = held.value[: match.start("figure")] + said[0] + held.value[match.end("figure") :]
            return {"items": SlotValue(whole, whole, Provenance("typed"))}
    return None
