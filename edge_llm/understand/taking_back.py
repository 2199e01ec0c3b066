"""Whether a Chinese reply takes a request back: "算了算了，先别打", "不用了不用了，我儿子来接我", "哎呀改天再说".

Read clause by clause: one takes it back, the others only sigh or say why. Where one asks for something else, nothing is taken
back here: "算了，换成拿铁" changes the request.
"""

from __future__ import annotations

import re

from edge_llm.understand.language import ASKS_ANEW, THEN_LEFT, is_cancel
from edge_llm.understand.spelling import spelt
from edge_llm.understand.spoken import HESITATION, PARTICLES

_VERBS = (
    "打|发|叫|点|订|定|设|加|买|去|约|放|听|查|搜|看|弄|做|搞|说|记|提醒|写|翻译|翻|导航|存|分享|转发|转|换算|算|画|开|打开|打车|走|吃"
    "|喝|要|送|预约|预订|麻烦|管|改|来|告诉|通知|联系|叫车|点外卖|建|安排|打电话"
)
_THING = r"(?:它|这个|那个|他|她|电话|车|外卖|了)?"
_END = rf"(?:{PARTICLES}|了|谢谢|掉|先)*"
_BACK = re.compile(
    rf"(?:{HESITATION}|还是|那就?|就|先|要不|我|你|等等|等一下|等会儿?|慢着|且慢|停)*"
    rf"(?:算[了啦]|取消(?:掉)?|撤(?:销|回|掉)?|作废|作罢|打住|停(?:下|止)?|放弃|罢了|拉倒|免了|(?:留|放|搁)着|保留"
    rf"|(?:不用|不要|不必|不需要|用不着|别|甭|先别|先不|暂时不|不|不想)(?:再)?(?:给\S{{1,3}})?(?:{_VERBS})*{_THING}"
    rf"|当我没说|没事儿?|没什么|没啥事?|忘了(?:它|吧)|(?:我)?(?:再|先)(?:想想|看看|考虑考虑|考虑一下"
    rf"|说)|(?:改天|下次|回头|以后|晚点|过会儿)(?:再)?(?:说|弄|看|打|来|订|买|点)?"
    rf"|(?:我)?改主意了?|(?:我)?反悔了?){_END}",
    re.IGNORECASE,
)
_SIGH = re.compile(
    rf"(?:{HESITATION}|等等|等一下|等会儿?|慢着|且慢|不|不对|不好意思|抱歉|对不起|谢谢(?:你|啦|了)?"
    rf"|没关系|好了?|行了?|嗯|那){PARTICLES}*",
    re.IGNORECASE,
)
_ASKS = re.compile(
    rf"^(?:那|就|还是|你|我)?(?:换|改|要(?!下雨)|来(?:个|份|杯|首|点)|帮|给|打(?!算)|叫|发|订|定"
    rf"|放|点|去|到|买|设|提醒|查|搜|导航|用|把|在|从"
    rf"|(?:明天|后天|今晚|今天|下?周[一二三四五六日])(?:[早中下晚上吧]|$|[\d一二三四五六七八九十])"
    rf"|[\d一二两三四五六七八九十]+[点个分])(?!{PARTICLES}*$)"
)
_REASON = re.compile(
    r"^(?:我|他|她|你|有人|人家|我们|已经|太|没|下次|改天|以后|回头|等|晚点|今天不|现在不|其实|突然|刚)(?!要|想要|换|改)"
)
_TELLS = re.compile(
    r"(?!还是|要不|那就?|就|来|应该|而是|是)(?=.{4,}).*?[\u3400-\u9fff](?:了|着|没|有|不|在|来|去|会|能|太|很|挺|还|已|够|住|歇|休|放|接|送|到|要|可以|行|差|贵|远|小|大)"
)
"""A clause that tells something: "家里放不下", "冰箱有剩饭"."""
_CLAUSE = re.compile(r"[，,；;。.！!？?…~～\s]+")
_ENGLISH_CLAUSE = re.compile(r"\s*(?:[,;.!?…]+|\s[-–—]+\s|\bso\b|\band\b)\s*", re.IGNORECASE)
_LEFT = re.compile(rf"(?:{THEN_LEFT}\b[,. ]*)+", re.IGNORECASE)
_DONT = re.compile(r"(?:please )?(?:don'?t|do not)(?: do (?:it|that|this))?|(?:just )?cancel (?:the|my) \w+", re.IGNORECASE)
_NOT_NEEDED = re.compile(
    r"(?:(?:oh|ah|um+|ok(?:ay)?|actually|ugh)[\s,]+)*(?:no+|nah|nope)\b[\s,]*(?:wait\b[\s,]*)?(?:(?:i|we)(?:'ll"
    r"| will) (?:walk|drive|cycle|cook"
    r"|wait|manage|do (?:it|that)|go|leave|tell|ask|ring|call|see|get|take)\b(?! for| with| the \w+ one)[^\d]*|(?:i"
    r"|we|he|she|they|it|mum|dad)"
    r"(?:'ve|'s| have| has)? (?:just |already |now )+(?:\w+ed|done|got|found|sent|rung|called|been|had|made|bought"
    r"|seen|told|left|gone"
    r"|here)\b[^\d]*)"
    r"|(?:(?:you know what|actually|on second thoughts?|hm+|oh)\b[\s,]*)+i(?:'ll| will) (?:walk|drive|cycle|cook"
    r"|manage|stay (?:in|home|here)|do it myself)\b[^\d]*"
    r"|(?:.*\b)?i(?:'d| would) rather not\b[^\d,]*",
    re.IGNORECASE,
)
"""A no with what is done instead: "nah I'll walk", "no wait, I've just done it"."""
_TELLS_WHY = re.compile(
    r"(?:(?:because|as|since|cause|cos|it seems|turns out|apparently|looks like)\s+)?(?:i|we|he|she|they|it|you|my|our|his|her"
    r"|their|the|there|someone|somebody|everyone|everything|that|this|too|no|not|already|just|found|got|thanks?"
    r"|thank you|\w+'s|[a-z]+ (?:is|has"
    r"|was|are|just))"
    r"(?:\b|')",
    re.IGNORECASE,
)


def is_taken_back(words: str) -> bool:
    """Whether a reply takes the request back, and asks for nothing in its place."""
    clauses = [part for clause in _CLAUSE.split(words.strip()) if clause for part in _parts(clause)]
    backs = [_is_back(clause) for clause in clauses]
    if not any(backs):
        return False
    rest = [clause for clause, back in zip(clauses, backs, strict=True) if not back and not _SIGH.fullmatch(clause)]
    return all(
        (_REASON.match(clause) or _TELLS.match(clause) or len(clause) <= 4) and not _ASKS.match(clause) for clause in rest
    )


def is_left_for_a_reason(words: str) -> bool:
    """Whether an English reply says why before it takes the request back: "oh she'll be asleep, leave it"."""
    said = spelt(words.replace("’", "'").strip()).text
    clauses = [clause for clause in _ENGLISH_CLAUSE.split(said) if clause]
    backs = [any(is_cancel(one) or _DONT.fullmatch(one) for one in (clause, _LEFT.sub("", clause))) for clause in clauses]
    if not any(backs) and _NOT_NEEDED.fullmatch(said.strip(" .!")) and not ASKS_ANEW.search(said):
        return True
    if not any(backs) or (ASKS_ANEW.search(said) and not backs[-1]):
        return False
    rest = [clause for clause, back in zip(clauses, backs, strict=True) if not back]
    return all(any(not one or _TELLS_WHY.match(one) for one in (clause, _LEFT.sub("", clause))) for clause in rest)


def _parts(clause: str) -> list[str]:
    """A clause, or two where what takes back runs into the reason without a mark: "不用设了明天休息"."""
    match = _BACK.match(clause)
    if match is None or match.end() == len(clause) or match[0][-1] not in "了啦吧" or _is_back(clause):
        return [clause]
    return [match[0], clause[match.end() :]]


def _is_back(clause: str) -> bool:
    """Whether a clause only takes back, once or in one breath several times ("算了算了")."""
    if _BACK.fullmatch(clause) is not None:
        return clause not in ("不", "别")
    half = re.fullmatch(r"(.{2,5})\1+(了|啦|吧)?", clause)
    if half is not None:
        return _BACK.fullmatch(half[1]) is not None
    twice = re.fullmatch(r"(.{2,6}?)(?=(?:算了|不|别|取消|先))(.+)", clause)
    return twice is not None and all(_BACK.fullmatch(part) for part in (twice[1], twice[2]))
