"""What the shape of a sentence settles before any comparison: requests that hold another's words, and no request at all.

"Remind me to call mum" resembles a call more than a reminder, and "our taxi was late" resembles a request for one. Few rules,
each about how people ask, not about what they ask for; where none fits, the router's probabilities count.
"""

from __future__ import annotations

import re

_COURTESY = (
    r"^(?:(?:hey|hi|ok(?:ay)?|please|can you|could you|would you|will you|i want (?:you )?to|i'?d like (?:you )?to"
    r"|i need (?:you )?to"
    r"|just|kindly|now|then|and)\s*,?\s+)*"
)
_POLITE = r"^(?:请你?|麻烦你?|帮我|帮忙|给我|你?能不能|可以|我[要想]|再|然后|就|顺便)*"
_DATA = r"(?:e-?mails?|mails?|messages|texts|files|notes|documents|chats|chat history|calendar)"
_HEADS = tuple(
    (action, re.compile(pattern, re.IGNORECASE))
    for action, pattern in (
        ("reminder.add", r"\bremind me\b(?!\s+(?:what|who|when|where|how|why|which)\b)(?!.*\?$)"),
        ("reminder.add", r"(?<!别)(?<!不用)提醒我(?!.*[吗?？]$)|(?:设|建|加|定|添加|创建)(?:置|立)?(?:一?个)?提醒"),
        ("translate", rf"{_COURTESY}translate\s|{_POLITE}(?:把.+)?翻译(?!官)"),
        ("web.search", rf"{_COURTESY}(?:google|bing|search (?:the (?:web|internet)|online) for)\s|{_POLITE}(?:百度|谷歌"
        rf"|必应)一?下?(?!地图)"),
        ("web.search", rf"{_POLITE}(?:上网|在?网上)(?:查|搜|找|看看)"),
        ("note.add", rf"{_COURTESY}(?:take|make) a note (?:that|of|:)|{_COURTESY}(?:jot|note) down\b"
        rf"|{_POLITE}(?:记个?笔记|写个?备忘)"),
        ("sms.send", rf"{_COURTESY}(?:send|write|shoot) (?:an? )?(?:text|sms|message"
        rf"|text message)\b(?!.*(?:\b(?:whatsapp|wechat)\b|@))"),
        ("sms.send", rf"{_POLITE}发一?[个条]?(?:短信|消息)(?!.*(?:微信|whatsapp))"),
        ("share.text", rf"{_COURTESY}share\s+(?:this|the following|the (?:text|sentence))\b|{_POLITE}分享[：:，,]"),
        ("web.search", rf"{_COURTESY}search\s*:"),
        ("note.add", rf"{_COURTESY}note\s*:|^笔记[：:，,]"),
        ("list.remove", rf"{_COURTESY}(?:take|cross|remove|delete|clear|scratch|strike|erase)\b.*\b(?:off|from)\b.*\blist\b"),
        ("list.remove", r"(?:清单|待办|列表).*(?:删[掉除去了]|划掉|去掉|移除)"),
        ("taxi.book", r"(?:打车|叫车|叫[个辆]车)(?:去|到|回)"),
        ("call.start", rf"{_POLITE}(?:打给|呼叫|拨打|致电|接通)"),
        (
            "memory.search",
            rf"^(?:what|when|where|who|which|did|find|search|look)\b.*\b(?:in|through|from|check|among)\s+(?:my|his|her|their|our)\s+{_DATA}\b",
        ),
        ("memory.search", r"(?:找|查|翻|搜|看看).*(?:邮件|短信|聊天记录|消息|文件|笔记|文档)(?:里|中)"),
    )
)  # fmt: skip

_ONE_CLAUSE = re.compile(r"^[^,;:.!?，；：。！？]+[.!?。！？~]*$")
_SIGH = re.compile(r"^(?!.*(?:帮|请|给我|提醒|麻烦|说)).*(?:累|烦|气|笑|无聊|后悔|困|吓|吵)死(?:我)?了[。！!~]*$")
_TOLD = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # somebody, and what they did, do or are
        r"^(?:(?:yesterday|last \w+|this morning|earlier),?\s+)?(?:i|we|he|she|they|(?:my|our|his|her|their"
        r"|the)\s+\w+(?:\s+\w+){0,3}?)\s+"
        r"(?:(?:just|never|always|often|usually|once|really|finally|already)\s+)*"
        r"(?:(?!need|feed)\w{2,}ed|was|were|had|took|forgot|ran(?! out)|ate|made|went|said|told|came|saw|felt|lost"
        r"|hates?|loves?|enjoys?|forgets?"
        r"|misses|keeps?|never|always)\b",
        r"^(?:my|our|his|her)\s+\w+(?:\s+\w+)?\s+(?:is|are|has|have)\s+(?!out\b|at\b|on\b|from\b)",
        r"^\w+ing\s+(?:\w+\s+){0,3}(?:is|was|bores|makes|sucks|can be)\b",
        r"^(?:do|are|did|were) you\s+(?:ever\s+|really\s+)?(?:like|love|feel|think|able|bored|happy|real|human|believe"
        r"|dream)\b",
        r"^(?:昨天|昨晚|前天|上次|上周|上个月|去年|刚才|今早|之前|以前)(?!.*(?:什么|哪|谁|几|多少|吗|提醒|记|查|找|搜|帮|请)).*$",
        r"^(?:我|我们|他|她|他们|我(?:的)?(?:朋友|同事|哥|姐|弟|妹|爸|妈|老婆|老公)\w{0,2})(?:每天都|总是|经常|从来|老是|一直|最?喜欢|讨厌|好想)",
        r"^我(?:的)?(?:朋友|同事|[哥姐弟妹爸妈]{1,2})是",
        r"^(?!.*(?:帮|请|给我|提醒|要|麻烦|发|说|告诉|写|记|译|搜|享|回复)).*(?:真|太|特别|非常|挺|好)(?:好[听吃看玩喝]|难[听吃看过受]|麻烦|累|贵|逗"
        r"|无聊|有意思|漂亮|可爱|开心|烦|棒|厉害|吵|慢|美|差|糟糕?)(?:了|的|啊|呀)?$",
    )
)


def action_of(words: str) -> str | None:
    """The id of the action that the way of asking names, or None."""
    return next((action for action, pattern in _HEADS if pattern.search(words)), None)


def is_told(words: str) -> bool:
    """Whether a sentence only tells something, or asks the assistant about itself, and so asks for no action."""
    text = words.strip()
    if _SIGH.search(text):
        return True
    return _ONE_CLAUSE.match(text) is not None and any(pattern.search(text) for pattern in _TOLD)
