"""What a correction changes: "no, tomorrow", "not Li, Wang", "make it half past", "不对，是明天", "换成三点"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from edge_llm.actions.manifest import Action, Slot, SlotRole
from edge_llm.actions.values import SlotValue
from edge_llm.understand.answers import answer_slot
from edge_llm.understand.by_rules import handle_wanted, typed
from edge_llm.understand.context import Context
from edge_llm.understand.corrections_chinese import figure_changed, heart_of, with_part
from edge_llm.understand.courtesy import without_remark
from edge_llm.understand.durations import find_durations
from edge_llm.understand.language import chinese_marks
from edge_llm.understand.list_changes import list_changed
from edge_llm.understand.moved_times import both_ends, moved_time, shifted
from edge_llm.understand.reading import PEOPLE
from edge_llm.understand.recipients import find_named, read_reply, values_of
from edge_llm.understand.remarks import put_right, remarked
from edge_llm.understand.said_anew import COMING, count_alone, said_anew
from edge_llm.understand.text_slots import trimmed
from edge_llm.understand.times import find_times, shown_time

_LEAD = re.compile(
    r"^(?:(?:not (?:him|her|it|that|them|this|those)|my mistake|silly me|no+|nope|nah|ugh|argh|er+m?|uh|lol|whoops"
    r"|my bad|scratch that|wait|sorry|oops|actually|hmm|um|oh|well"
    r"|ok(?:ay)?|hang on|hold on|i mean|i meant|i said|rather"
    r"|please|instead|but|"
    r"make (?:it|that)|change (?:it|that) to|change (?:it|that)|let'?s (?:do|make it|say)|it should (?:be|say|go to)"
    r"|should be|it'?s|that'?s|use|better|let'?s|try|i (?:want|need)(?: it)?|say|"
    r"(?:改|换|修改)一下|我(?:要|想要?|说)(?:听|点|买|吃|说|去|看|找|叫|放|订)?的?是|不对|不是?"
    r"|我?(?:说|打|写|搞|弄|记|看|点|选)?错了?|等等|等一下|抱歉|哦|噢|是|应该是|我是说|我说的是|改成"
    r"|改到|改为|换成|换到|换为|换一?[首个家杯份条张道种]|换|还是|要|改|而是"
    r"|(?:提前|提早|推迟|延后|延|往后推|往前提|推|挪|移|调整?|变)(?:到|成|至)"
    r"|(?:can|could) (?:it|that) be|(?:can|could) (?:you|we)(?: (?:do|have|make it|say|go for))?"
    r"|(?:move|push|shift|bring|put|set) (?:it|that)(?: forward| back)?(?: to)?|reschedule (?:it|that)?(?: (?:to|for))?"
    r"|不要这个|帮我|把它)(?:$|[\s,，.。!！:：;；]+|(?<=[\u3400-\u9fff])))+",
    re.IGNORECASE,
)
_TRAIL = re.compile(
    r"(?:[，,\s]*(?:(?<=\w) (?:suits|sounds|works|would be|is)\b[^,]*\b(?:better|nicer|best)|\bi (?:should have said"
    r"|mean(?:t)?(?: to say)?)|吧|呗|啦|好了|才对|才是|谢谢|\binstead|\bplease|\bthen|\bsorry|\bactually|\bthanks"
    r"|\bmy (?:mistake|bad|fault)|\bsilly me|\boops"
    r"|\bif (?:you (?:would|could|don'?t mind)|possible)))+$",
    re.IGNORECASE,
)
_NOT = (
    re.compile(r"^(?:no,?\s+)?not\s+(?P<old>.+?)[,;]?\s+(?:but|rather|,)\s*(?P<new>.+)$", re.IGNORECASE),
    re.compile(r"^(?:no,?\s+)?not\s+(?P<old>[^,;]+)[,;]\s*(?:it'?s\s+)?(?P<new>.+)$", re.IGNORECASE),
    re.compile(r"^(?P<new>.+?),?\s+(?:not|instead of|rather than)\s+(?P<old>.+)$", re.IGNORECASE),
    re.compile(r"^(?:change|replace|switch)\s+(?P<old>.+?)\s+(?:to|with|for|by)\s+(?P<new>.+)$", re.IGNORECASE),
    re.compile(r"^(?:不，|不对，)?(?:不是|不要|别)(?P<old>[^，,]+?)[，, ]*(?:而?是|要|换成|改成)(?P<new>.+)$"),
    re.compile(r"^(?:不，|不对，)?(?:不是|不要|别)(?P<old>[^，,]+)[，,](?P<new>.+)$"),
    re.compile(
        r"^(?:不，|不对，)?不(?:去|打给?|发给?|点|买|订|给|找|听|看|叫)(?P<old>[^，,]+?)了?[，,](?:改"
        r"|换成?|要|而是)?(?P<new>.+)$"
    ),
    re.compile(r"^(?:把|将)(?P<old>.+?)(?:改|换)(?:成|为|到)?(?P<new>.+)$"),
    re.compile(r"^(?:是)?(?P<new>.+?)[，,]\s*(?:不是|而不是)(?P<old>.+)$"),
)
_MARKED = re.compile(
    r"^(?:just )?say\b|\b(?:no|nah|nope|ugh|not|actually|instead|i mean(?:t)?|make (?:it|that)|change|should be|sorry"
    r"|wait|rather|wrong|oops|whoops|typo|correction|should have|my mistake|silly me|better"
    r"|it'?s|move"
    r"|push|shift|reschedule)\b|不|错|提前|提早|推迟|延后|挪|调|变成"
    r"|改|换|(?:听|点|买|吃|去|看|找|叫|放|订|要)的是|应该|我是说|等等|还是|而是",
    re.IGNORECASE,
)
_RESAID = re.compile(
    r"^(?:不对[，,]?|不是[，,]?|还是|改成|改为|改一下[，,]?|换成|就|那就)*(?:就?说(?!错)|内容(?:改成"
    r"|是|换成))[：:，,]?(?P<new>.{2,})$"
)
"""A message said anew: "改成说我快到了"."""
_CLAUSES = re.compile(r"\s*(?:[,;.!?…]+(?=\s|$)(?:\s*(?:and|but)\b)?|\band\b|\s[-–—]+\s|\bso\b|\bbecause\b)\s*", re.IGNORECASE)
_REQUEST = re.compile(
    r"(?:remind|call|text|send|play|book|order|add|find|open|wake|start|e-?mail|tell|translate|write|note|what|how"
    r"|when|where|who|will)\b"
    r"|(?:set|get|show|make|give)\s+(?!it\b|that\b)",
    re.IGNORECASE,
)
"""What begins something else than a correction."""
_I_NEED = re.compile(r"\s+(?:i|we)(?:'m| am)? (?:need|want|mean|meant|after)[,;]?$", re.IGNORECASE)
_TOLD = re.compile(
    r"^(?:(?:the|it|my|his|her|their|this|that|they|he|she)\b[\w' ]{0,25}|\w+) (?:says?|said|reads?|needs?|takes?|wants?"
    r"|(?:doesn'?t |does not |won'?t |only )?(?:starts?|begins?|opens?)(?: (?:at|until|till))?)\s+(?P<x>.+)$",
    re.IGNORECASE,
)
"""What something says it should be: "the packet says 18"."""
_CODE = re.compile(r"(?<![A-Za-z\d])[A-Za-z]*\d[A-Za-z\d-]*(?![A-Za-z\d])")
_ROLE_WORDS: Mapping[str, SlotRole] = {
    "time": "time", "date": "time", "day": "time", "hour": "time", "when": "time", "时间": "time", "日期": "time",
    "recipient": "recipient",
    "person": "recipient", "name": "recipient", "number": "recipient", "收件人": "recipient", "duration": "duration",
    "length": "duration",
    "时长": "duration", "place": "place", "destination": "place", "location": "place", "目的地": "place", "地点": "place",
    "message": "text",
    "text": "text", "title": "text", "内容": "text", "标题": "text", "amount": "amount", "金额": "amount",
}  # fmt: skip


def correct(call_slots: Mapping[str, SlotValue], action: Action, words: str, context: Context) -> dict[str, SlotValue] | None:
    """The slots that a correction changes, with their new values; None where the words correct nothing.

    A day keeps the hour that was said before and an hour the day. Which slot is meant is told by its name in the words, by
    what they replace, or by what kind of value they hold.

    Args:
        call_slots: the values so far.
    """
    text = _TRAIL.sub("", chinese_marks(words).strip().strip(".。!！").strip())
    marked = _MARKED.search(words) is not None
    if (remark := _by_remark(call_slots, action, text, context)) is not None:
        return remark
    text, is_changed = heart_of(text)
    marked |= is_changed
    for pattern in _NOT:
        match = pattern.match(text)
        if match is None:
            continue
        new, old = _I_NEED.sub("", _LEAD.sub("", match["new"])).strip(), _LEAD.sub("", match["old"]).strip()
        slot = _slot_named(action, old) or _slot_holding(call_slots, action, old)
        slot = slot or _slot_holding(call_slots, action, re.sub(r"^(?:the|my)\s+", "", old))
        if slot is not None and (changed := _changed(call_slots, action, slot, old, new, context)):
            return changed
        if (changed := _by_kind(call_slots, action, new, context)) is not None:
            return changed
    if (more := remarked(call_slots, action, text, context)) is not None:
        return more
    rest = _LEAD.sub("", text).strip()
    if not rest:
        return None
    if (changed := _by_value(call_slots, action, text, context, is_marked=marked)) is not None:
        return changed
    texts = [slot for slot in action.slots if slot.role in ("text", "item", "query", "place") and slot.name in call_slots]
    needed = [slot for slot in texts if slot.required]
    texts = needed if len(needed) == 1 else texts  # the dish, not where it goes
    rest = rest if "message" in call_slots else without_remark(rest.rpartition(": ")[2])
    if not marked or rest == words.strip(" .。!！") or len(texts) != 1:
        return None
    said = _mended(call_slots[texts[0].name], texts[0], rest, context) or answer_slot(texts[0], rest, context, action=action)
    return None if said is None else {texts[0].name: said}


def _mended(held: SlotValue, slot: Slot, new: str, context: Context) -> SlotValue | None:
    """A text with a part of it changed: what is of the kind of `new`, what resembles it, or its only code."""
    if slot.role == "text" and (mended := put_right(held, new, context)) is not None:
        return mended
    part = with_part(held.value, new) if slot.role == "text" and isinstance(held.value, str) else None
    return _like(held.value, new) if part is None else typed(part)


def _by_value(
    call_slots: Mapping[str, SlotValue], action: Action, text: str, context: Context, *, is_marked: bool
) -> dict[str, SlotValue] | None:
    """What the new value in a reply changes: the reply is the value, or one of its clauses is."""
    rest = _LEAD.sub("", text).strip()
    if (changed := said_anew(call_slots, action, text, rest, context, is_marked=is_marked)) is not None:
        return changed
    if (changed := _by_name(call_slots, action, rest, context)) is not None:
        return changed
    if (changed := _bare(call_slots, action, rest, context)) is not None:
        return changed
    changed = _by_kind(call_slots, action, rest, context)
    if changed is not None and (is_marked or _covers(rest, changed, context)):
        return changed
    if (changed := _by_clause(call_slots, action, text, context)) is not None:
        return changed
    told = _TOLD.match(rest)
    return None if told is None else _by_clause(call_slots, action, told["x"], context)


def _by_remark(call_slots: Mapping[str, SlotValue], action: Action, text: str, context: Context) -> dict[str, SlotValue] | None:
    """What a remark in Chinese says of one slot: a message said anew, a longer list, an hour moved."""
    message = _RESAID.match(text)
    if message is not None and "message" in call_slots:
        return {"message": typed(message["new"])}
    return (
        list_changed(call_slots, action, text) or figure_changed(call_slots, text) or shifted(call_slots, action, text, context)
    )


def _like(held: object, new: str) -> SlotValue | None:
    """A text in which `new` stands for the only code or number of its kind: "车位号A12" after "不对，是A21"."""
    if not isinstance(held, str) or not _CODE.fullmatch(new):
        return None
    codes = list(_CODE.finditer(held))
    return typed(held[: codes[0].start()] + new + held[codes[0].end() :]) if len(codes) == 1 else None


def _changed(
    call_slots: Mapping[str, SlotValue], action: Action, slot: Slot, old: str, new: str, context: Context
) -> dict[str, SlotValue] | None:
    """`slot` with `new` in it: in the place of `old` where the value is text that has it, else as a whole."""
    value = call_slots.get(slot.name)
    if value is not None and isinstance(value.value, list) and old in value.value:
        items = [new if item == old else item for item in value.value]
        return {slot.name: typed(items, ", ".join(items))}
    if (
        slot.role in ("text", "query", "item")
        and value is not None
        and isinstance(value.value, str)
        and old
        and old in value.value
    ):
        said = _put_in(value.value, old, new) if old != value.value else new
        return {slot.name: typed(said)}
    if slot.role == "time":
        return moved_time(call_slots, slot, new, context)
    answer = answer_slot(slot, new, context, action=action)
    return None if answer is None else {slot.name: answer}


def _put_in(text: str, old: str, new: str) -> str:
    """`text` with `new` for `old`; what `new` repeats of the words after it stays once: "八点到家" for "七点" of "七点到家"."""
    before, _, after = text.partition(old)
    shared = next((count for count in range(min(len(new), len(after)), 0, -1) if after.startswith(new[-count:])), 0)
    return f"{before}{new}{after[shared:]}"


def _by_name(call_slots: Mapping[str, SlotValue], action: Action, text: str, context: Context) -> dict[str, SlotValue] | None:
    """The slot that is named with its new value: "the time should be five", "put the subject as Monday"."""
    named = re.match(
        r"^(?:(?:and|also)\s+)?(?:(?:put|make|set|use|have|change)\s+)?(?:the\s+)?(?P<slot>\w+)\s+(?:is|should be|to"
        r"|as|should say)\s+(?P<new>.+)$|^(?P<zh>时间|日期|收件人|时长|地点"
        r"|目的地|内容|标题|主题|题目|金额)(?:是|改成|改为|换成|应该是)(?P<new2>.+)$",
        text,
        re.I,
    )
    if named is not None and (slot := _slot_named(action, named["slot"] or named["zh"])) is not None:
        return _changed(call_slots, action, slot, "", named["new"] or named["new2"], context)
    return None


def _by_kind(call_slots: Mapping[str, SlotValue], action: Action, text: str, context: Context) -> dict[str, SlotValue] | None:
    """The first slot whose kind of value the text holds: a length, a time, a person, a number, a place."""
    by_role = {
        role: [slot for slot in action.slots if slot.role == role]
        for role in ("duration", "time", "recipient", "number", "amount", "choice", "place")
    }
    count = next((slot for slot in by_role["number"] if slot.schema.get("type") == "integer"), None)
    if count is not None and PEOPLE.search(text) and (answer := answer_slot(count, text, context, action=action)) is not None:
        return {count.name: answer}
    if by_role["duration"] and find_durations(text) and not find_times(text, context.now):
        slot = by_role["duration"][0]
        answer = answer_slot(slot, text, context, action=action)
        return None if answer is None else {slot.name: answer}
    is_short = len(text.split()) <= 6 and len(text) <= 40
    if is_short and (both := both_ends(call_slots, by_role["time"], text, context)) is not None:
        return both
    if by_role["time"] and is_short and (changed := moved_time(call_slots, by_role["time"][0], text, context)) is not None:
        return changed
    if by_role["recipient"] and is_short:
        slot = by_role["recipient"][0]
        person = read_reply(text, context.people, region=context.region)
        if person is not None and (person.contacts or person.handle):
            values = values_of(person, handle_wanted(action, slot))
            if len(values) == 1:
                value = values[0]
                return {
                    slot.name: SlotValue([value.value], value.shown, value.provenance)
                    if slot.schema.get("type") == "array"
                    else value
                }
    for role in ("amount", "number", "choice"):
        for slot in by_role[role]:
            if slot.name in call_slots and (answer := answer_slot(slot, text, context, action=action)) is not None:
                return {slot.name: answer}
    going = re.match(r"^(?:(?:go(?:ing)? )?to|at|(?P<from>from)|去|到|在)\s*(?P<x>.+)$", text, re.IGNORECASE)
    if going is not None and by_role["place"]:
        starts = [slot for slot in by_role["place"] if slot.name in ("origin", "restaurant")] if going["from"] else []
        slot = (starts or by_role["place"])[0]
        answer = answer_slot(slot, going["x"], context, action=action)
        return None if answer is None else {slot.name: answer}
    return None


def _bare(call_slots: Mapping[str, SlotValue], action: Action, text: str, context: Context) -> dict[str, SlotValue] | None:
    """ "20" for a timer of ten minutes, "half past" for seven o'clock: what is not said stays."""
    bare = re.fullmatch(r"(\d{1,3})(?:\s*instead)?", text)
    timer = next((slot for slot in action.slots if slot.role == "duration" and slot.name in call_slots), None)
    time = next((slot for slot in action.slots if slot.role == "time"), None)
    if bare is not None and timer is not None and time is None:
        unit = {"S": "seconds", "M": "minutes", "H": "hours"}.get(str(call_slots[timer.name].value)[-1])
        answer = None if unit is None else answer_slot(timer, f"{bare[1]} {unit}", context)
        return None if answer is None else {timer.name: answer}
    if re.fullmatch(r"(?:at )?half past|半", text) and time is not None and time.name in call_slots:
        at = datetime.fromisoformat(call_slots[time.name].value).replace(minute=30)
        return {time.name: typed(at.isoformat(timespec="seconds"), shown_time(at, context.now, context.language))}
    return None


def _by_clause(call_slots: Mapping[str, SlotValue], action: Action, text: str, context: Context) -> dict[str, SlotValue] | None:
    """What one clause of a reply says anew, where the others say why: "they've got club today, quarter past four"; what several
    say, where each of them is a value: "three people, and eight o'clock"."""
    clauses = [clause.strip() for clause in _CLAUSES.split(text) if clause.strip()]
    if not clauses or any(_REQUEST.match(_LEAD.sub("", clause)) for clause in clauses):
        return None
    changed: dict[str, SlotValue] = {}
    for place in reversed(range(len(clauses))):
        others = " ".join(clauses[:place] + clauses[place + 1 :])
        said = _clause_value(call_slots, action, clauses[place], others, context)
        changed = {**(said or {}), **changed}
    return changed or None


def _clause_value(
    call_slots: Mapping[str, SlotValue], action: Action, clause: str, others: str, context: Context
) -> dict[str, SlotValue] | None:
    """What a clause that is a value changes; None for one that tells something."""
    rest = _LEAD.sub("", _TRAIL.sub("", clause)).strip()
    count = next((slot for slot in action.slots if slot.schema.get("type") == "integer"), None)
    if not rest:
        return None
    if count is not None and COMING.search(others) and (number := count_alone(rest)) is not None:
        return {count.name: typed(number)}
    changed = _bare(call_slots, action, rest, context) or _by_kind(call_slots, action, rest, context)
    lengths = {slot.name for slot in action.slots if slot.role in ("duration", "number", "amount")}
    return changed if changed is not None and (_covers(rest, changed, context) or set(changed) & lengths) else None


def _slot_named(action: Action, text: str) -> Slot | None:
    bare = re.sub(r"^(?:the|my)\s+|的?$", "", text.strip().lower())
    for slot in action.slots:
        if bare == slot.name.replace("_", " ") or (slot.name == "subject" and bare in ("主题", "标题", "题目")):
            return slot
    role = _ROLE_WORDS.get(bare)
    return next((slot for slot in action.slots if slot.role == role), None)


def _slot_holding(call_slots: Mapping[str, SlotValue], action: Action, old: str) -> Slot | None:
    """The slot whose value the replaced words name."""
    folded = old.lower()
    for slot in action.slots:
        value = call_slots.get(slot.name)
        if value is None or not folded:
            continue
        if folded in value.shown.lower() or folded in str(value.value).lower():
            return slot
    return None


def _covers(text: str, changed: Mapping[str, SlotValue], context: Context) -> bool:
    """The whole reply is the new value: "tomorrow", "3pm", "Anna"."""
    if any(isinstance(value.value, str) and value.value.lower() == text.lower() for value in changed.values()):
        return True
    bare = re.sub(r"^(?:in|into|to|on|at|with|for|from)\s+", "", text, flags=re.IGNORECASE).lower()
    if any(isinstance(value.value, str) and value.value.lower() == bare for value in changed.values()):
        return True
    times = find_times(text, context.now, is_bare=True)
    if times:
        return trimmed(text[: times[0].start] + text[times[0].end :]) is None
    lengths = find_durations(text)
    if len(lengths) == 1:
        return trimmed(text[: lengths[0].start] + text[lengths[0].end :]) is None
    return bool(find_named(f"to {text}", context.people)) and len(text.split()) <= 3
