"""Several Chinese requests in one sentence: cut where a word joins them and what follows names an action of its own.

What is dictated ("说我到了") or to be done later ("提醒我...") ends only at a command that nobody would dictate.
"""

from __future__ import annotations

import re

from edge_llm.route.heads import action_of
from edge_llm.understand.clauses_chinese import begins_with_time

_JOINT = re.compile(
    r"(?:[，,；;。！!\s]*(?P<word>然后|接着|顺便|顺带|另外|(?<=[，,；;。！!\s])(?:此外|之后|完了"
    r"|并且|并(?=[于在请提叫给帮])|同时|还有就是|还有|还要|对了|最后|再(?![见说次想])|也))"
    r"(?:再|还要|还)?|[，,；;。！!]|(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff]))[，,]?\s*"
)
_QUOTED = re.compile('"[^"]*"|“[^”]*”|「[^」]*」|『[^』]*』')
_MESSAGES = ("wechat.send", "sms.send", "whatsapp.send", "mail.send", "share.text", "translate")
_LATER = ("reminder.add", "todo.add", "note.add", "calendar.add")
_ONLY_HERE = ("alarm.set", "timer.set", "reminder.add", "directions.show", "music.play", "weather.show")
"""What only an assistant is asked for: nobody dictates it to a friend."""
_ERRANDS = ("taxi.book", "takeaway.order", "shopping.add")
"""What a friend may be told of, unless a mark ends the message."""
_ORDERED = re.compile(r"^(?:请|麻烦|帮我|给我)*(?:[打叫约点来订](?:一?[个辆台份杯])|把|帮我|给我)")
_TO_OTHERS = re.compile(r"^(?:请|麻烦|帮我)?(?:给|跟|打给|打电话|微信|短信|用)")
_TO_ME = re.compile(r"^(?:请|麻烦|你)?(?:帮我|给我|替我)")
_TO_YOU = re.compile(r"你(?!帮|给我|替)|咱|我们")
_BEGINS = re.compile(
    r"^(?:请|麻烦|帮我|给我)*(?:订|买|查|搜|打|发|给|设|定|提醒|叫|放|播|导航|记|写|算|翻译|画"
    r"|告诉|通知|看看|点|约|安排|加|把)"
)
_REFERS_BACK = re.compile(
    r"^[^，,]{0,14}?(?:提醒|叫|喊)(?:一下)?我(?:一下|一声)?[吧啊哈]?$|^(?:请|麻烦|你|都|再|就|帮我"
    r"|给我)*(?:加|记|放|写|存|标|排|列)(?:到|进|在|入|上)"
)
"""What does something with what was said before."""


def split_chinese(text: str) -> list[str]:
    """The requests in a Chinese sentence, in order; the sentence itself where it is one. What is quoted stays whole."""
    pieces, start = [], 0
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    for joint in _JOINT.finditer(text):
        before, after = text[start : joint.start()].strip(), text[joint.end() :].strip()
        if not before or not after or any(left < joint.end() and joint.start() < right for left, right in quoted):
            continue
        if _parts(before, after, joint["word"], is_marked=joint[0].strip()[:1] in tuple("，,；;。！!")):
            pieces.append(before)
            start = joint.end()
    return [*pieces, text[start:].strip()]


def _parts(before: str, after: str, word: str | None, *, is_marked: bool) -> bool:
    """Whether two requests meet here."""
    first, second = action_of(before), action_of(re.split(r"[，,；;。]", after)[0]) or action_of(after)
    if _REFERS_BACK.match(after):
        return False
    if first in _MESSAGES:
        is_own = (
            second in _ONLY_HERE
            or (
                second in ("call.start", *_MESSAGES[:4])
                and is_marked
                and word is not None
                and _TO_OTHERS.match(after) is not None
            )
            or (second in _ERRANDS and is_marked and word is not None and _ORDERED.match(after) is not None)
        )
        return is_own and (word is not None or is_marked) and not _TO_YOU.search(after)
    if first == second and first in _ONLY_HERE[:3]:  # each with its hour
        return begins_with_time(before) and begins_with_time(after)
    if first in _LATER:
        return (
            word is not None
            and second is not None
            and ((second in _ONLY_HERE[:3] and second != first) or _TO_ME.match(after) is not None)
        )
    if second is None:
        return word is not None and is_marked and first is not None and _BEGINS.match(after) is not None
    if first is None and word in ("还有", "还要", "也"):  # a list goes on
        return False
    return (first is not None or word is not None) and (word is not None or first != second)
