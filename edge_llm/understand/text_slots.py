"""Free text in a request: items, queries, titles, names of apps. Found by the words around it, kept in the person's own words.

Which words surround which slot is data (cues.py). Where none fits, the action's examples do: "text {recipient} that {text}".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from edge_llm.actions.manifest import Action, Language
from edge_llm.understand.courtesy import LEAD, TAIL
from edge_llm.understand.cues import CUES
from edge_llm.understand.goods import goods_in
from edge_llm.understand.language import has_cjk

_COURTESY = re.compile(
    rf"^(?:(?:{LEAD}|can i|could i|may i|i want to|i'?d (?:like|love) to|i would (?:like|love) to|i have to|i'?ve got to"
    rf"|i must(?! not)|i should(?: like to)?"
    r"|i need to|i need)\b[\s,.!:-]*|(?:帮我|帮忙|请你?|麻烦你?|能不能|可以|能|我想要?|我要|给我们?|你(?=帮|能|可以|给"
    r"|去|来|把))[,，]?\s*)+",
    re.IGNORECASE,
)
_TAIL = re.compile(
    rf"(?:,?\s+(?:{TAIL})(?!\w)\??|[，,](?:好吗|好不好|行吗|可以吗"
    r"|谢谢|帮我(?!记|加|添|放|写|存|列|建).{0,5}|安排一下)|(?:吧|呗|一下)|[\s.!。！,，;；:：])+$",
    re.I,
)
_EDGE = re.compile(
    r"^(?:\s|的(?=[\u3400-\u9fff]{2})|[,，.。:：;；\"“”]|\b(?:at|on|in|for|by|from|and|to|around"
    r"|about)\s+$)+|(?:\s+(?:at|on|in|for|by|from|and"
    r"|around|to|the))+\s*$|[\s,，:：;；\"“”]+$",
    re.IGNORECASE,
)
_PARTICLE = re.compile(r"(?<=\w\w)\s(?:in|on)(?=[ .!]*$)", re.IGNORECASE)
_SPLIT = re.compile(r"\s*(?:,\s*(?:and\s+)?|\band\b|&|\+|，|、|和|还有|以及|跟|；|;)\s*")
_ITEM_LEAD = re.compile(r"^(?:some|a few|a|an|the|more|一些|一点|点儿?|些)\s+|^(?:一些|一点|些)", re.IGNORECASE)
_NOTHING = re.compile(
    r"(?:one|some|any) of (?:my|the) \w+|(?:it'?s|this is|that'?s) (?:an?|my) (?:note|reminder|message|task|to-?do)"
    r"|(?:an?|the|my|some|any)|(?:(?:some|any|an?|the|my|another|new|more|other|a (?:few|bit of|piece of))\s+)*"
    r"(?:it|this|that|me|us|myself|something|anything|somebody|someone|things?|stuff|one|text|words|message|please|event"
    r"|appointment|meeting|reminder|alarm|timer|note|task|list|item|entry|music|song|songs|tune|food|meal|take-?away"
    r"|take-?out|delivery|app"
    r"|place|contact|(?:the )?(?:web|internet))?"
    r"(?:\s+(?:online|else|for me|up|down|on it|from the web))*"
    r"|(?:来|要|一?(?:[个点些段样条件首份项句张篇]|点儿|下)|新的?|几[个样件])?(?:东西|什么|日程"
    r"|闹钟|提醒|音乐|歌曲?|外卖|吃的|事情?|文字|话|内容|消息"
    r"|短信|图|笔记|待办|商品|物品|地方|联系人|网|索)?|一下|它|这个|翻译?|译|我(?:一下)?",
    re.IGNORECASE,
)


def bare_request(words: str) -> str:
    """A request without what is only courtesy: "could you please ... for me"."""
    return _TAIL.sub("", _COURTESY.sub("", words.strip())).strip()


def find_text(words: str, name: str) -> str | None:
    """The text of slot `name` by the words around it, or None."""
    text = bare_request(words)
    for cue in CUES.get(name, ()):
        match = cue.search(text)
        if match is not None and (said := trimmed(match["x"], is_last=match.end("x") == len(text))) is not None:
            return said
    return None


def trimmed(text: str, *, is_last: bool = False) -> str | None:
    """Without the prepositions and marks that are left at its edges; None where it says nothing.

    Args:
        is_last: nothing follows it, so that a last "in" or "on" is its own: "take the bins in".
    """
    particle = _PARTICLE.search(text) if is_last else None
    end = "" if particle is None else particle[0]
    before = None
    while before != text:
        before = text
        text = _EDGE.sub("", text.strip(' \t\n.。,，;；:：!！"“”')).strip()
    if len(text) > 2 and text[0] in "'‘" and text[-1] in "'’":
        text = text[1:-1].strip()
    text += end if text and not text.endswith(end) else ""
    return None if _NOTHING.fullmatch(text.rstrip("?! ")) else text


def items_of(text: str) -> list[str]:
    """What a list names: "milk, eggs and bread" are three."""
    items = [item for part in _SPLIT.split(text) if (item := _ITEM_LEAD.sub("", part.strip()).strip())]
    return [thing for item in items for thing in goods_in(item)] if "," not in text else items


def by_examples(words: str, action: Action, slot: str) -> str | None:
    """The text that stands in the place of `slot` in one of the action's examples; the example that says most itself counts."""
    text = bare_request(words)
    language: Language = "zh" if has_cjk(text) else "en"
    best: tuple[int, str] | None = None
    for example in action.examples.get(language, ()):
        if f"{{{slot}}}" not in example:
            continue
        match = _pattern(example).fullmatch(text)
        fixed = len(re.sub(r"\{\w+\}", "", example))
        if match is not None and (said := trimmed(match[slot])) is not None and (best is None or fixed > best[0]):
            best = (fixed, said)
    return None if best is None else best[1]


def without(words: str, spans: Sequence[tuple[int, int]]) -> str:
    """A text with some spans cut out."""
    kept, position = [], 0
    for start, end in sorted(spans):
        if start >= position:
            kept.append(words[position:start])
            position = end
    kept.append(words[position:])
    joined = re.sub(r"[ \t]{2,}", " ", "".join(kept))
    return re.sub(r"\s+([,.!?])", r"\1", joined).strip()


def _pattern(example: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", bare_request(example))
    seen: set[str] = set()
    pattern = ""
    for number, part in enumerate(parts):
        if number % 2 == 0:
            pattern += (
                r"\s*".join(map(re.escape, part.split()))
                if has_cjk(part)
                else re.sub(r"(?:\\\s|\s)+", r"\\s+", re.escape(part))
            )
        else:
            pattern += f"(?P<{part}>.+?)" if part not in seen else f"(?P={part})"
            seen.add(part)
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)
