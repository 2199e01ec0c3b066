"""A Chinese request clause by clause: where a command may begin, without the courtesies, the hour and the hesitation before it.

Speech has no marks: a blank between two Chinese words parts clauses as a comma does. What is dictated is no command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from edge_llm.understand.spoken import HESITATION, PARTICLES

_N: Final = r"(?:\d+(?:\.\d+)?|[零一二两俩三四五六七八九十百半几]+)"
_TIME: Final = (
    r"(?:(?:大?[后前]天|[今明后昨]天|[今明]儿个?|[今明当次]日|[今明当]晚|[今明]早|(?:这|下|本|上)?个?(?:周末|(?:周|星期|礼拜)[一二三四五六日天末])"
    rf"|{_N}月(?:底|初|{_N}[号日]?)?|{_N}[号日](?!线)|凌晨|清晨|早晨|早上|一早|上午|中午|正午|下午|傍晚|晚上|夜里|半夜|早|晚"
    rf"|{_N}[点时](?:钟|半|整|[一三]刻|{_N}分?)?钟?|\d{{1,2}}[:：]\d\d"
    rf"|过?(?:{_N}个?半?|半个?)(?:分钟?|小时|钟头|刻钟|天|秒钟?)(?:以|之)?后|待会儿?|一会儿?|等会儿?|回头|到时候|到点|每天|天天|工作日|路上|在路上|到时)"
    r"(?:的时候|左右|前后|之前|以前|前|整|的)?)"
)
_COURTESY: Final = (
    rf"(?:{HESITATION}(?![\u3400-\u9fff])|(?:嗯+|呃+|哎[呀哟]?|那个|那|就是|对了)(?=[，,请麻帮给我你提])"
    r"|(?:请|麻烦|劳驾|劳烦|拜托|有劳|烦请)(?:你|您)?(?!假|客|教|柬|柬)|(?:你|您)(?=[帮替给来把先再就记去看查打在用发写跟叫定设订放搜导提告通约存加买])|帮个?忙|问一?下|得空|有空|抽空|方便的时候|协助|代为|手机上"
    r"|(?:帮|替|给|为)(?:我|咱|一下我)们?(?![妈爸哥姐弟妹老媳爷奶外女儿])|帮(?=[^我])|可?以?能不能|可不可以|可以|能(?!吃|喝|睡)|方便的话"
    r"|(?:我|咱们?)?(?:想要|要|想|得|需要)(?!不)|(?:顺便|顺手|顺带|另外|然后|接着|现在|马上|赶紧|赶快|快|先|再|就|也|还|都)|给(?=[上网查搜放画算])"
    r"|(?:哥们|兄弟|亲|宝|大哥|师傅|小助手|助手)(?:儿)?(?=[，,\s]))"
)
_LEAD: Final = re.compile(rf"(?:{_COURTESY}[，,、\s]*)+", re.IGNORECASE)
_LEAD_OR_TIME: Final = re.compile(rf"(?:(?:{_COURTESY}|{_TIME})[，,、\s]*)+", re.IGNORECASE)
_BREAK: Final = re.compile(rf"{PARTICLES}?[，,。；;！!？?~～…\n]+\s*|(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_RUNS_ON: Final = re.compile(r"(?<=[\u3400-\u9fff])(?:了|啦)(?=跟|给我|帮我|麻烦|请(?!假|客)|提醒|你给|你帮|把|快给|赶紧)")
"""Where a command follows what is told without a mark: "到货了跟李伟说一声"."""
_BLANK: Final = re.compile(r"(?<=[\u3400-\u9fff])[ \t]+(?=[A-Za-z])|(?<=[A-Za-z])[ \t]+(?=[\u3400-\u9fff])")
_DICTATES: Final = re.compile(
    r"[：:“\"「]|[说讲问](?!明|起|[不好]|什么|啥)|告诉|转告|通知|翻译|记一?下|分享|提醒|别忘|主题|正文|内容"
)
_BACK_TO_ME: Final = re.compile(
    r"(?:这个?|这[些事话条]+|把(?:这|它|他|她)|你?(?:帮我|给我|替我)|麻烦|请|你(?=[在给用帮])|就?[存记加放写发标列添](?:到|进|在|成))"
)
"""How somebody speaks to the assistant again after what was dictated."""

_REMARK: Final = re.compile(
    r"(?:我|咱|俺|人家|他|她|孩子)(?!们?(?:要|得|该)).{0,8}(?:忘|记不|怕|忙|等着)|怕|不然|要不然|否则|省得|免得|好让|千万|可?别(?:又|再|给)?忘|上次|上回"
    r"|(?:最近|我)?(?:老|总|经常|一忙|容易).{0,4}(?:忘|记不)|(?:人)?(?:岁数|年纪)|(?:我)?(?:脑子|记性|忘性)|.{0,4}(?:不记事|记不住|健忘|好忘事?|爱忘事?)"
    r"|.{1,6}(?:快|要|已经|正)?(?:来不及|超时|迟到|等着|催)(?:了|呢|我)|(?:我)?(?:赶时间|着急|很急|急)"
)
"""How a clause begins that says why something is asked, after it was asked."""


def without_remarks(text: str) -> str:
    """A task without the clauses after it that only say why the person asks: "吃药，我记性不好"."""
    breaks = [match for match in _BREAK.finditer(text) if match.start() and _REMARK.match(text, match.end())]
    return text[: breaks[0].start()] if breaks else text


def closed_up(words: str) -> str:
    """The words without the blanks that only part Chinese from Latin letters: "用WhatsApp跟Tom说"."""
    return _BLANK.sub("", words)


def clauses(words: str) -> list[str]:
    """The clauses of a sentence, from left to right, without the marks between them."""
    return [clause.strip() for clause in _BREAK.split(words) if clause.strip()]


def core(words: str) -> str:
    """A request without the courtesies it begins with; the words themselves where nothing else is left."""
    match = _LEAD.match(words)
    return words if match is None or match.end() == len(words) else words[match.end() :]


def begins_with_time(words: str) -> bool:
    """Whether a request begins with its hour: "下午三点提醒我取快递"."""
    match = _LEAD_OR_TIME.match(words)
    return match is not None and re.search(_TIME, match[0]) is not None


def spans(words: str) -> list[tuple[int, int]]:
    """Where the clauses of a sentence begin and end."""
    marks = [match.span() for match in _BREAK.finditer(words)]
    return list(zip([0, *(end for _, end in marks)], [*(start for start, _ in marks), len(words)], strict=True))


def begins(words: str) -> Iterator[str]:
    """The sentence from each place where a command may begin, with what stands before the verb ("请你", "明天早上") and
    without it. Clauses that somebody may dictate begin none."""
    starts = sorted(
        {0, *(match.end() for match in _BREAK.finditer(words)), *(match.end() for match in _RUNS_ON.finditer(words))}
    )
    for start in starts:
        rest = words[start:]
        if not rest or (start and _DICTATES.search(words, 0, start) and not _BACK_TO_ME.match(rest)):
            continue
        yield from leads(rest)


def leads(words: str) -> list[str]:
    """A sentence with what stands before its verb, without the courtesies, and without the hour too."""
    said = [words]
    for lead in (_LEAD, _LEAD_OR_TIME):
        match = lead.match(words)
        if match is not None and match.end() < len(words) and words[match.end() :] not in said:
            said.append(words[match.end() :])
    return said
