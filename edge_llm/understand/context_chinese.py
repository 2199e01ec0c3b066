"""What a Chinese request is about where the clause that asks only points at it: "牛奶我买着了，清单上划掉", "鸡蛋没了，记上".

The clauses before the asking one name it, with what became of it ("买回来了", "快没了") or why it is asked ("老板让我弄懂...").
"""

from __future__ import annotations

import re
from typing import Final

from edge_llm.understand.clauses_chinese import clauses

_ASKS: Final = {
    action: re.compile(pattern, re.IGNORECASE)
    for action, pattern in (
        ("list.remove", r"清单|列表|单子|购物车|待办|任务|[划勾删]掉|[划勾删]了|去掉"),
        ("shopping.add", r"清单|列表|单子|购物单|购物车|采购单|[加记添写存列]到|[加记添写]进|[加记添写列]上|都[加记添写]"),
        ("todo.add", r"待办|任务|家务"),
        ("note.add", r"笔记|备忘|便签|记下|记一下|记着|记住"),
        ("calendar.add", r"日历|日程|行程"),
        ("contact.add", r"通讯录|联系人|存|号码簿"),
        ("web.search", r"上网|网上|百度|谷歌|搜|查"),
        ("reminder.add", r"提醒|[叫喊]我"),
    )
}
_STATE = r"(?:我|咱|他|她|也|都|已经|已|刚刚|刚|快|就|马上|要|只|又|真的?|家里|昨天|今天|今早|早就|早|全|又)*"
_HOME = r"(?:[^，,：:]{1,6}[：:])?(?:(?:我们?|咱)?家里?的?|(?:冰箱|厨房|厕所|柜子|公司|店|办公室)里?的?|那个|把)?"
_GONE = (
    re.compile(
        rf"^{_HOME}(?P<x>.{{1,10}}?){_STATE}(?:没(?:有|几\S)?(?:了|多少了?)?|[吃用喝穿使](?:完|光|得?差不多|没)|见底|不够[吃用喝]?"
        r"|不多|断货|剩.{1,5}|告急|空|快.{0,2}完|过期|坏|蔫)(?:了|啦)?$"
    ),
    re.compile(r"^(?:快|马上|家里|又|要|已经|也|就)*(?:没(?:有)?|缺|断|少|用完|吃完)(?P<x>[^了]{1,8}?)(?:了|啦)$"),
)
_ONLY_LIST: Final = re.compile(r"(?:都|全)?(?:加|记|写|放)?(?:到|进)?(?:购物|采购|买菜)?(?:清单|列表|单子|购物单)(?:上|里)?")
_AND: Final = re.compile(r"^(?:还有|还得|以及|和|跟|外加|另外)(?P<x>[^，,]{1,10}?)(?:也(?:是|没了?|快没了?|要)?)?(?:了|啦)?$")
_GOT: Final = re.compile(
    rf"^{_HOME}(?P<x>.{{1,12}}?)(?:这(?:件|个|条)?事?儿?)?{_STATE}"
    r"(?:[\u3400-\u9fff](?:完|过|好|到|齐|着|回来|来|上|掉|成)(?:了|啦|咯)|搞定了?|不用.{0,2}了|有人?.{0,4}了|还有|有了|办妥了?|[买交做办寄取修]了)$"
)
_WHY: Final = re.compile(
    r"^(?:.{0,8}?(?:让|叫|要|催)我.{0,2}?)?(?:我)?(?:一直|老|就|特别|也)?(?:想|要|得)?(?:整明白|整清楚|弄明白|弄清楚|搞明白|搞清楚|搞懂|弄懂|问问|打听|查查|了解|研究"
    r"|知道|看看)(?:一下|下)?(?=..)|^.{0,8}?(?:让|叫|要)我(?=..)|^(?:我)?(?:不知道|不清楚|不晓得|不懂|没弄懂|忘了)(?=..)"
)
_CALLED: Final = re.compile(r"(?:名字叫|名叫|名字是|叫做?|姓名|称呼)(?P<x>[\u3400-\u9fff]{2,4}|[A-Z][\w ]{1,20})$")
_WHO: Final = re.compile(
    r"^(?:这|那)?(?:是)?(?P<x>(?!.*(?:存|记|加|帮|号码$|电话$))[\u3400-\u9fff]{2,8}?)(?:的)?(?:新)?(?:电话|手机号?|号码|联系方式)(?:号码)?(?:是|换成|改成)?[：:]?\s*\+?\d*$"
)


def thing_before(action: str, words: str) -> str | None:
    """What the clauses before the asking one say of the thing that `action` is about; None where they name none."""
    asks = _ASKS.get(action)
    said = clauses(words)
    at = None if asks is None else next((place for place, one in enumerate(said) if asks.search(one)), None)
    before = said[:at] if at is not None else []
    if action == "contact.add":
        found = [match["x"] for one in said for pattern in (_CALLED, _WHO) if (match := pattern.search(one))]
        return found[0] if found else None
    if not before:
        return None
    if action == "list.remove":
        return _of(_GOT, before[-1])
    if action == "shopping.add":
        return gone(before) or ("、".join(before) if _ONLY_LIST.fullmatch(said[at or 0]) else None)
    if action == "web.search":
        return _WHY.sub("", before[-1]) or None
    if action == "note.add":
        return words[: words.rindex(said[at or 0])].strip(" ，,。；;")
    return before[-1] if action != "reminder.add" or len(said) > 1 else None


def gone(said: list[str]) -> str | None:
    """What has run out, by clauses: "鸡蛋就剩俩了", "酱油也见底了", "快没纸巾了，还有洗手液"."""
    found: list[str] = []
    for clause in said:
        match = (
            next((one for pattern in _GONE if (one := pattern.match(clause))), None) or (found and _AND.match(clause)) or None
        )
        if match:
            found.append(match["x"])
    return "、".join(found) if found else None


def _of(pattern: re.Pattern[str], clause: str) -> str | None:
    match = pattern.match(clause)
    return None if match is None else match["x"]
