"""What "the usual" is: a value that the person refers to instead of saying it, looked up in memory.

What is found is somebody's text, whoever wrote it: it gets the provenance of its item, and policy goes by that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge_llm.actions.values import Provenance, SlotValue
from edge_llm.hidden import drop_hidden

if TYPE_CHECKING:
    from edge_llm.actions.manifest import Slot
    from edge_llm.memory.items import Item
    from edge_llm.memory.view import MemoryView

_REFERS = re.compile(
    r"\b(?:same as (?:always|last time|usual)|(?:(?:my|the|our)\s+)?(?<!\bas )usual|(?:my|our)\s+(?:regular|favou?rite))\b"
    r"|老样子|老规矩|跟上次一样|(?:我)?(?:平时|平常|经常|常|一直|最爱|最喜欢)(?:点|吃|喝|去|买|听)?(?:的|$)",
    re.IGNORECASE,
)
_SAYS = re.compile(
    r"(?P<what>[^:：\n.。;；]*(?:usual|regular|favou?rite|平时|平常|常|老样子|最爱|最喜欢)[^:：\n.。;；]{0,30}?)"
    r"(?:\bis\b|\bare\b|[:：=]|是|点的是|[点吃](?!的))\s*(?P<value>[^\n.。;；]{1,80})",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z]+|[\u3400-\u9fff]+")
_FILLING: Final = frozenset({"a", "an", "the", "of", "for", "from", "at", "in", "to", "some", "one", "please", "order", "那家"})
"""Words beside the reference that do not say what it is the usual of."""
ROLES: Final = frozenset({"item", "place", "query", "text"})
"""Roles of slots that may be referred to."""
_HITS = 5


def refers(text: str) -> bool:
    """Whether words stand for what is usual instead of saying it."""
    return _REFERS.search(text) is not None


def look_up(memory: MemoryView, slot: Slot, words: str) -> SlotValue | None:
    """What memory says the usual is: what somebody else wrote only where nothing else says it.

    Args:
        words: the slot's value as the person said it: "my usual lunch". Where they are free text, they must be that and nothing
            else: a message that speaks of the usual is not the usual.

    Returns:
        The value, with the item it is from; None where no item says it of the same thing.
    """
    meant = set(_WORD.findall(_REFERS.sub(" ", words).casefold())) - _FILLING
    if slot.role == "text" and (_REFERS.match(words.strip()) is None or len(meant) > 1):
        return None
    for hit in sorted(memory.search(words, _HITS), key=lambda hit: _sender(hit.item) is not None):
        for found in _SAYS.finditer(drop_hidden(hit.text)):
            value = found["value"].strip(" ,，\"“”'")
            if value and all(word in found["what"].casefold() for word in meant):
                said: object = [value] if slot.schema.get("type") == "array" else value
                return SlotValue(said, value, Provenance("memory", _where(hit.item), hit.item.id))
    return None


def _sender(item: Item) -> str | None:
    """Who wrote it, where that was somebody else."""
    return next((part.person.name for part in item.people if part.role == "from" and not part.person.is_owner), None)


def _where(item: Item) -> str:
    sender = _sender(item)
    parts = (item.kind, f"from {sender}" if sender else "", item.title or item.source.name.rpartition("/")[2])
    return " ".join(part for part in parts if part)
