"""The text of a slot in a Chinese request, by the words around it (cues_chinese.py), without what only ends a sentence."""

from __future__ import annotations

import re
from typing import Final

from edge_llm.actions.manifest import Action, Slot
from edge_llm.understand.clauses_chinese import clauses, spans, without_remarks
from edge_llm.understand.context_chinese import gone, thing_before
from edge_llm.understand.cues_chinese import APP_FIRST, CUES_CHINESE
from edge_llm.understand.language import has_cjk
from edge_llm.understand.places_chinese import PLACE_AHEAD
from edge_llm.understand.spoken import ASIDES, HESITATION, PARTICLES, without_particles
from edge_llm.understand.text_slots import trimmed

_COURTESY = re.compile(
    rf"^(?:(?:{HESITATION}|请|麻烦(?:你|您)?|劳驾|帮忙|(?:帮|替|给)我们?(?![妈爸哥姐弟妹老媳爷奶外])"
    rf"|帮(?=[把打叫点买订放看查搜加记写])|能不能|可以|你(?=帮|给|把|先|替)|先(?=把))[，,\s]*)+"
)
_ASIDE = re.compile(rf"(?:[，,。\s]+{ASIDES}{PARTICLES}*)+[。.！!？?~]*$", re.IGNORECASE)
_EDGE = re.compile(
    rf"^(?:的?时候[，,\s]|[-–—]\s*|[到至](?=出差|旅游|去)|{PARTICLES}*[，,：:；;、\s]+|的(?=[\u3400-\u9fff])|着[，,\s]+)+|(?:[，,：:；;、\s]|的)+$"
)
_ITEM_BREAK = re.compile(r"(?<=[\u3400-\u9fff])\s+(?:还有|和|以及)?\s*(?=[\u3400-\u9fffA-Za-z\d])")
_PLACE_CLAUSE: Final = re.compile(
    r"^(?:地点|位置)?(?:是|在|：|:)?(?P<x>[^，,]*?(?:会议室|饭店|酒店|餐厅|酒楼|公司|医院|学校"
    r"|咖啡馆|咖啡厅|广场|公园|体育馆|图书馆|大厦|大楼|中心|家里|楼下|教室|[店楼厅馆室]))$"
    rf"|^(?!{PLACE_AHEAD.pattern.replace('?P<x>', '?:')})在(?P<y>[^，,]{{2,12}})$"
)
_BUDGET = re.compile(r"[，,\s]*(?:预算|不超过|最多|[\d一二两三四五六七八九十百千]+(?:块钱?|元)?(?:以内|以下|之内|左右))")
_TAKES_OFF: Final = re.compile(r"(?:里|上|中|单|把).{1,10}(?:划|删|勾|去|拿|移|清)(?:掉|除|去|了)")
_POINTS: Final = re.compile(
    r"(?:你|它们?|他们?|她们?|这(?:[个些条件]|件事|些事)?|那(?:[个些条件])?|都|也|可以|就|给我|帮我|请|把|一[下笔条声个]|上|里|中|里头|里面|上面|掉|着|好"
    r"|进去|存|存通讯录|存一?下|下来|了|吧|安排|事儿?|东西|啥|网上买?|把?(?:一|这|那|几)[句段]话|一首歌|歌|听听|来听听|[查搜]+|看看)+"
)
"""What names nothing: a pronoun, or what is left of a verb."""
_TO_BUY: Final = re.compile(
    r"^(?:(?:去|到|上)[\u3400-\u9fff]{1,4}?)?(?:还|我)?(?:要|得|想|需要)?买(?:点|些)?(?=[\u3400-\u9fff]{2})"
)
_CONVENED: Final = re.compile(r"^(?:兹?定于?|拟于?)?(?:召开|举行|举办|进行)|^兹?定于?(?=[\u3400-\u9fff]{2})")
_BUDGET_AHEAD: Final = re.compile(r"^一?个?[\d一二两三四五六七八九十百千]+(?:来|多)?(?:块钱?|元)?(?:以内|以下|之内|左右)的")
_LEFT_OVER: Final = re.compile(r"^(?:开始|结束|开|持续|时长|大概|左右|到|从|，|,|\s)*$")
_DESIRED: Final = ("items", "item", "dish", "query", "app", "title", "text", "label")


def said_in(words: str, action: Action, slot: Slot) -> str | None:
    """The text of `slot` in a Chinese request for `action`; None where no cue of that slot fits, or the words are not Chinese.

    Args:
        words: the request, without its times where another slot of the action takes them.
    """
    if not has_cjk(words):
        return None
    text = _ASIDE.sub("", without_particles(_ASIDE.sub("", _COURTESY.sub("", words.strip()))))
    if slot.name == "items" and action.id == "shopping.add" and (left := gone(clauses(text))) is not None:
        return left
    if slot.role == "app" and not slot.required and (first := APP_FIRST.search(text)) is not None:
        return first["x"]
    asking = [one for one in clauses(text) if _TAKES_OFF.search(one)] if action.id == "list.remove" else []
    for part in dict.fromkeys((*asking, text, *clauses(text))):
        if (said := _by_cues(part, action, slot)) is not None:
            return said
    before = thing_before(action.id, text) if slot.required else None
    return None if before is None else _kept(before, action)


def points_only(said: str) -> bool:
    """Whether words name nothing: "它", "东西 网上买"."""
    return _POINTS.fullmatch(said.replace(" ", "")) is not None or re.fullmatch(r"送[到去来过].{1,6}", said) is not None


def _by_cues(text: str, action: Action, slot: Slot) -> str | None:
    for cue in CUES_CHINESE.get(f"{action.id}.{slot.name}{'' if slot.required else '?'}", ()):
        match = cue.search(text)
        if match is not None and (said := _kept(match["x"], action)) is not None:
            return said
    return None


def _kept(text: str, action: Action) -> str | None:
    """What a cue or the context found, as the action wants it; None where it only points at something or is left of a verb."""
    said = _cleaned(text)
    if said is None or points_only(said):
        return None
    if action.id in ("reminder.add", "todo.add"):
        return without_remarks(said)
    if action.id == "shop.buy":
        return _cleaned(_BUDGET.split(_BUDGET_AHEAD.sub("", said))[0])
    if action.id == "shopping.add":
        return _TO_BUY.sub("", said) or None
    if action.id == "list.remove":
        return re.sub(r"(?:都|也|全)+$", "", said) or None
    if action.id == "calendar.add":
        return _without_place(_CONVENED.sub("", said))
    return said


_CALENDAR = re.compile("日历|日程")


def place_clause(words: str) -> str | None:
    """The clause of an appointment that only says where it is: "在湖边饭店", "3号会议室"."""
    for clause in re.split(r"[，,。；;]|\s{1,}", words):
        match = _PLACE_CLAUSE.match(clause.strip())
        if match is not None and len(clause) > 2 and not _CALENDAR.search(clause):
            return str(match["x"] or match["y"])
    return None


def reply_text(words: str, action: Action, slot: Slot) -> str | None:
    """What a Chinese reply to a question names, without the verb it may come with ("来首后来吧") and its particles; None where
    nothing of it is to be changed: what is to be sent or noted stays as it was said."""
    if not has_cjk(words) or slot.name in ("message", "subject") or slot.name not in _DESIRED:
        return None
    if (slot.role in ("query", "item", "app") or action.id == "translate") and (
        said := said_in(words, action, slot)
    ) is not None:
        return said
    if action.id == "contact.add":
        return re.split(r"[，,：:；\s\d+]", re.sub(r"^(?:叫|名字(?:是|叫)?|是)", "", words.strip()))[0] or None
    if slot.role == "item" and slot.schema.get("type") != "array":  # "一碗螺蛳粉吧，加辣"
        first = without_particles(clauses(words)[0])
        return _cleaned(re.sub(r"^(?:就|要|我要)?(?:一[个份杯碗盒只把台张本箱件条双套瓶袋]|[个份杯碗])(?=..)", "", first))
    return _cleaned(_ASIDE.sub("", words.strip()))


def spaced_items(text: str) -> str:
    """A list whose items are parted by blanks, with marks: "抽纸 洗衣液" are two."""
    return _ITEM_BREAK.sub("、", text) if has_cjk(text) else text


def parted_figures(text: str) -> str:
    """Figures that were said in one breath, with marks and without what is counted: "周一12单周二9单" is "周一12，周二9"."""
    if has_cjk(text) and re.search(r"\d", text):  # only the clauses that have figures
        marks = [(start, end) for start, end in spans(text) if re.search(r"\d", text[start:end])]
        text = text[marks[0][0] : marks[-1][1]]
    counted = [match[1] for match in re.finditer(r"\d(?!\d)([\u3400-\u9fff]{0,2})", text)]
    last = counted[-1] if counted else ""
    if not has_cjk(text) or len(counted) < 2 or not last or not all(one.startswith(last) for one in counted):
        return text
    return re.sub(rf"(?<=\d){last}[，,、\s]*(?=.)", "，", text).removesuffix(last)


def _cleaned(text: str) -> str | None:
    before = None
    while before != text:
        text = re.sub(rf"[，,\s]+{PARTICLES}+$", "", text)
        before, text = text, without_particles(_EDGE.sub("", _ASIDE.sub("", text.strip())))
    return trimmed(text)


def _without_place(title: str) -> str | None:
    """The first clause that is neither a place nor what is left of a time."""
    clauses = [clause.strip() for clause in re.split(r"[，,；;]|(?<=[\u3400-\u9fff])\s+", title)]
    named = [one for one in clauses if one and not _LEFT_OVER.match(one) and _PLACE_CLAUSE.match(one) is None]
    return PLACE_AHEAD.sub("", named[0]) if named else trimmed(title)
