"""Whether a Chinese sentence only tells something or sighs, and so asks for no action. Data and its reading, for heads.py."""

from __future__ import annotations

import re

from edge_llm.understand.clauses_chinese import spans

_IMPERATIVE = (
    r"帮(?:我|忙|个忙)|(?:^|[，,。\s]|你)给我(?![妈爸哥姐弟妹老媳爷奶外])|^把|分享|转发|[：:]|请(?!假"
    r"|客)|麻烦(?:你|您)|提醒我|别让我|[加记写放添](?:到|进|上|一?下|在)|划掉|删掉|[设定](?:个"
    r"|一)|订(?:个|一|张)|查(?:一?下|查)"
    r"|搜|打开|导航(?!把|又)|叫(?:个|辆)|打给|发(?:给|个|条)|点(?:个|份|杯)|来(?:个|份|杯|首|点)"
    r"|告诉(?!我)|播放|翻译(?:成|一下)|怎么[走去说]|[吗呢么？?]$|什么|多少|哪|几点|记住|记一|别忘"
)
_BROKEN = r"(?:没响|不准|不灵|打不通|没人接|超时|难用|急死|到吐|崩了|卡死|闪退|不好使)"
_APPS_AND_THINGS = r"(?:微信|短信|邮件|闹钟|外卖|打车|滴滴|支付宝|淘宝|京东|机票|酒店|导航|清单|日历|whatsapp|天气预报)"
_TELLING = tuple(
    re.compile(pattern)
    for pattern in (
        # what happened, and what somebody always does
        r"^(?:我|我们|咱们?|他们?|她们?|这|那|孩子|老板|领导|同事|老师|闹钟|快递|外卖|导航|手机|航班"
        r"|会议?|公交|地铁|[我他她][妈爸哥姐弟妹]|我?(?:老婆|老公|儿子|女儿|闺女|奶奶|爷爷|室友|朋友)).{0,16}"
        r"(?:又|天天|老是|老(?=[让给把催])|总是?|居然|竟然|终于|好像|都(?=[没在怪快设])|响了|一直|从来|昨天|昨晚|前天|刚才?)",
        r"^(?:我)?(?:刚|已经|又)?[定设叫点买订打发放记加]了(?!吧|没|吗|[，,].*(?:帮|给我|提醒))",
        r"^(?:我|他|她)?(?:[妈爸哥姐弟妹]|老板|领导|老师|老婆|老公|同事|朋友)(?:让|叫|要|逼|催|总说"
        r"|说)(?:我|他|她|大家).{2,}",
        rf"{_BROKEN}(?:了)?(?:急死|烦死|气死)?.{{0,3}}$|^[这那]个?破",
        r"^(?:刚才?|刚刚|昨天|昨晚|昨儿|前天|前两天|上周|上个月|今早|早上|今天|昨)(?=.*[了过的完]).{0,24}(?:了"
        r"|过|的|死|多|钱|久|完.{0,3})[。！!~]*$",
        r"(?:服了|无语|气死我?|累死|烦死|醉了|崩溃|吐了|笑死|麻了|绝了|裂开|离谱|太坑|坑爹|倒霉)(?:了|啊|啦)?[。！!~]*$",
        r"^[^，,]{1,10}(?:又|还|都).{0,3}(?:涨价|降价|坏|没电|迟到|堵|排队|晚点|延误|取消)(?:了|啦)?.{0,8}$",
        r"^(?:我|他|她|我们|(?:我|他|她)[妈爸哥姐弟妹])(?:不|没|从不|不会|不想|讨厌|最烦).{2,}",
        r"^[^说讲写：:发给跟]*(?:小哥|司机|师傅|骑手|客服|房东|邻居|同事|领导|老板)[^说讲写：:]{1,12}了[。！!~]*$",
        r"又.{1,4}了.{0,8}$|得(?:不行|要命|要死|慌|厉害)[了啊]?$|越来越.{1,5}(?:了)?$|^那[家个].{2,8}(?:差评"
        r"|不行|一般|太差|坑)",
        r"^[^，,]{2,12}(?:好像|可能|估计|应该|貌似)(?:被|是|要|会|不).{1,10}(?:了|吧)?$",
        r"^.{0,8}(?:真|太|好(?!不)|特别|超|挺|有点)(?:好|不错|美|棒|热闹|难|不好).{0,4}[啊呀哦呢了的]?[。！!~]*$",
        r"^.{1,8}(?:排队|等)了?.{0,3}(?:小时|分钟|半天|好久).*$",
        r"^.{1,6}(?:吃|喝|睡|坐|走|跑|打|玩|看)(?:撑|饱|多|过头|累|吐|醉|困|哭)了$",
    )
)
_ASKED = re.compile(_IMPERATIVE)
_ASKS_HOW = re.compile(
    rf"^{_APPS_AND_THINGS}[^：:说]{{0,6}}(?:怎么|咋(?!样)|为什么|为啥|要多少|能不能|可不可以|好用|安全|收费)"
    r"|^(?:你)?(?:给我|帮我)?(?:唱|讲|背|编|猜)(?:一?[首个段句篇])(?:歌|故事|.{0,4}笑话|诗|谜语|绕口令|作文)",
    re.IGNORECASE,
)
"""Questions about an app, and what is asked of the assistant itself."""


def asked_after(words: str) -> str:
    """What follows the clauses that only tell something: "孩子发烧了，跟王芳说一声" asks in its second; "" if none do."""
    ends = [end for start, end in spans(words) if is_told_chinese(words[start:end])]
    starts = [start for start, _ in spans(words) if ends and start > ends[0]]
    return words[starts[0] :] if starts else ""


def is_told_chinese(words: str) -> bool:
    """Whether a Chinese sentence, of one clause or several, only tells or sighs."""
    text = words.strip().rstrip("。！!~～… ")
    return _ASKS_HOW.search(text) is not None or (
        _ASKED.search(text) is None and any(pattern.search(text) for pattern in _TELLING)
    )
