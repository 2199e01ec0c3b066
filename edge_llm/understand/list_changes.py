"""What a Chinese remark adds to a list, takes off it, or exchanges: "再加一盒草莓", "面包不要了，换成吐司"."""

from __future__ import annotations

import re
from collections.abc import Mapping

from edge_llm.actions.manifest import Action
from edge_llm.actions.values import Provenance, SlotValue
from edge_llm.understand.language import has_cjk
from edge_llm.understand.said_chinese import spaced_items
from edge_llm.understand.spoken import without_particles
from edge_llm.understand.text_slots import items_of, trimmed

_ADDED = re.compile(
    r"^(?:再|还有|还要|另外|也|加上|还得|再给我|再帮我)+(?:加|来|要|添|买|记|写|放|补)?(?:上|个"
    r"|一?些|点儿?|一个)?[，,：:\s]*(?P<x>.+?)(?:也|都)?(?:加上|要|加进去|记上|写上|放进去)?$"
    r"|^(?P<y>.+?)也(?:加上|要|加进去|记上|写上|放进去|来(?:点|个))$"
)
_DROPPED = re.compile(
    r"^(?:把)?(?P<x>[^，,]+?)(?:就)?(?:不要|不用|不用买|去掉|删掉|删|划掉|拿掉|取消)(?:了|吧|啦)?(?:[，,\s]*(?:"
    r"换成|改成|改为|换|改|要)(?P<new>.+))?$"
    r"|^(?:把)?(?P<z>[^，,]+?)(?:换成|改成|改为)(?P<new3>.+)$"
    r"|^(?:不要|不用买|去掉|删掉)(?P<y>[^，,]+?)(?:了|吧|啦)?(?:[，,\s]*(?:换成|改成|改为|换|改|要)(?P<new2>.+))?$"
)
_TOO = re.compile(
    r"^(?:把|还有)?(?P<x>[^，,]+?)(?:也|还有)(?:一起|一块儿?|都|给我)*(?:划掉|删掉|去掉|拿掉|勾掉|不要了|删了|划了)[吧]?$"
)
_A_REQUEST = re.compile(r"^(?:帮|给|叫|打(?!火)|提醒|设|定|订|查|搜|放|导航|发|麻烦|请|告诉|通知|把)")


def list_changed(call_slots: Mapping[str, SlotValue], action: Action, words: str) -> dict[str, SlotValue] | None:
    """The list of a call after the remark; None where the call has no list, or the words say nothing of it."""
    slot = next((one for one in action.slots if one.role == "item" and one.schema.get("type") == "array"), None)
    held = None if slot is None else call_slots.get(slot.name)
    if slot is None or held is None or not has_cjk(words):
        return None
    items: list[str] = list(held.value)
    text = without_particles(words.strip())
    dropped = _DROPPED.match(text)
    if dropped is not None:
        old, new = (dropped["x"] or dropped["y"] or dropped["z"]).strip(), dropped["new"] or dropped["new2"] or dropped["new3"]
        if old in items and (new or len(items) > 1):
            place = items.index(old)
            items[place : place + 1] = [without_particles(new)] if new else []
            return {slot.name: _listed(items)}
    added = _ADDED.match(text) or (_TOO.match(text) if action.id == "list.remove" else None)
    said = None if added is None else trimmed(added["x"] or added.groupdict().get("y") or "")
    if said is None or _A_REQUEST.match(said):
        return None
    return {slot.name: _listed([*items, *(one for one in items_of(spaced_items(said)) if one not in items)])}


def _listed(items: list[str]) -> SlotValue:
    return SlotValue(items, ", ".join(items), Provenance("typed"))
