"""The words of a message within a request: "text mum that I'm late" says "I'm late"; "给妈妈发微信说我到家了" says "我到家了".

They stay the person's own words: nothing is rephrased.
"""

from __future__ import annotations

import re

_QUOTED = re.compile(r"[\"“「『](.+?)[\"”」』]|(?<!\w)['‘](.+?)['’](?!\w)")
_TITLED = re.compile(r"(?:\b(?:subject(?: line)?|titled|called)\b[\s:]*|(?:主题|标题|题目)[是为叫写：:]*)$", re.IGNORECASE)
"""What is quoted after this is no message."""
_SAYING = re.compile(
    r"\b(?:saying|say|that says|which says|with the (?:message|text|words|body)|reading|and (?:tell (?:him|her|them)"
    r"|say))\b\s*[:,]?\s*(?:that\s+)?(?P<x>.+)$"
    r"|(?:内容(?:是|为|写)?|就?说(?:一?声)?|写(?:着|上|道)?|告诉(?:他|她|他们)|讲)[：:，,]?\s*(?P<y>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_AFTER = re.compile(
    r"^\s*(?:know\s+(?=(?:on|via|by|through|over)\s))?(?:(?:(?:an?|the|this|my|quick)\s+)*(?:text"
    r"|message|sms|e-?mail|mail|whatsapp|wechat|dm|note|line)s?"
    r"(?:\s+message)?\b)?\s*"
    r"(?:(?:on|via|by|through|over|in|using)\s+(?:whatsapp|wechat|sms|text|e-?mail|mail|imessage|signal|telegram)"
    r"(?:\s+message)?\b)?\s*(?:now|back)?\s*(?P<lead>[:,]|[-–—](?=\s)|saying(?: that)?|(?:that |which )?says?(?: that)?"
    r"|with(?= (?:sounds|the words|ok|yes"
    r"|no))|and ask(?: (?:him|her|them))?(?= )|that|to (?:say|tell (?:him|her|them)|let (?:him|her|them) know)(?: that)?"
    r"|to ask (?:him |her |them )?|asking(?: (?:him|her|them))?(?= (?:if|whether|when|what|where|how|why)\b)"
    r"|know(?: that)?|(?:and )?just (?:to )?say(?: that)?|and (?:say|tell (?:him|her|them))(?: that)?|to|telling (?:him"
    r"|her|them)"
    r"(?: that)?|about|(?=if |whether |when |what |where |how |why ))?\s*[:,]?\s*(?P<x>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_ASIDE = re.compile(
    r"^(?:\s*(?:an?|the)\s+(?:\w+\s+)?(?:text|message|sms|e-?mail|mail|line|note)(?=\s*,))?\s*,?\s*(?:(?:please|pls"
    r"|for me|quickly|real quick|nothing fancy|if you (?:could|would))\b"
    r"|[^,]{1,40},\s*(?=(?:just |and )*(?:to )?say\b))[\s,]*"
    r"(?=\w)",
    re.IGNORECASE,
)
"""What stands between who gets a message and what it says, and is neither."""
_COMMA = re.compile(r"^\s*,\s*(?=(?:that|saying|to say|asking|and say|and tell)\b)", re.IGNORECASE)
_CHINESE_APP = r"(?:(?:用|在|通过)?(?:微信|短信|邮件|WhatsApp)(?:上|里)?)"
_CHINESE_SENDS = (
    r"(?:(?:发|打|写|寄|送|回|留|转告|转|捎|带|去|编|知会|通知|转达|交代|吱|递)(?:送|了|去|个)?)?(?:一?(?:[个条封份则句声]|下(?![午周个班课次月楼雨雪]))|一下)?\s*"
    r"(?:微信|短信|消息|信息|邮件|邮箱|电邮|留言|WhatsApp|口信|信儿?|话儿?|言)?(?:消息|信息)?(?:过去)?"
)
_CHINESE_SAYS = (
    r"(?:(?:就|你就|你|跟(?:他|她)|也)*(?:告诉(?:他|她)|[说讲](?:一?[声嘴句]|一下)?|内容(?:是|为)?|写|问(?:他|她|一下|问)?"
    r"|让(?:他|她)知道)[：:，,]?)"
)
_CHINESE_AFTER = re.compile(
    rf"^\s*(?:的)?{_CHINESE_APP}?\s*{_CHINESE_SENDS}\s*(?:[吧呗啊哈][，,：:\s]+|[，,：:]?\s*){_CHINESE_SAYS}?\s*(?P<x>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_CONTENT = re.compile(
    r"(?:(?:内容|正文|里面)(?:就)?(?:是|为|写|说)?(?:上|着)?|\b(?:with (?:the )?(?:body|text|message)"
    r"|the (?:body|message) (?:is|should be)))[：:，"
    r",]?\s*(?P<x>.+)$",
    re.IGNORECASE,
)
_NOT_TEXT = re.compile(
    r"(?:an?\s+)?(?:\w+\s+)?(?:text|message|sms|e-?mail|mail|whatsapp|wechat|note)(?:\s+message)?|please|for me|back"
    r"|a call|with"
    r" the subject.*|主题.*|关于.{1,20}的(?:邮件|信)|一[声下]|电子?邮件|now|on (?:whatsapp|wechat)|via \w+|"
    r"(?:发|打|写|捎|带|留|回)?(?:一?[个条封句])?(?:微信|短信|消息|信息|邮件|电话|口信|信儿?|话儿?)(?:吧|呗)?|[吧呗]|一下"
    r"|(?:说|讲|知会|通知)?(?:一?[声嘴]|一下)[吧呗]?",
    re.IGNORECASE,
)
_FIELDS = re.compile(
    r"\b(?:(?:with|and|the)\s+)*subject(?:\s+line)?\s*(?:is|being|should be|:|=|of"
    r"|-)?\s*[:,]?\s*(?P<subject>\S.*?)\s*(?:[.,;]\s*(?:and\s+)?"
    r"|\s+and\s+|\s+)(?:(?:the|with|a|its)\s+)*(?:(?:text|body|message|content)s?\b\s*(?:(?:should|must|to|will"
    r"|that)\s+)*(?:be|is|reads?|says?"
    r"|being)?|(?:saying|says?|which says|that says|tell(?:ing)? (?:him|her"
    r"|them)))\s*(?:that\s+(?=[a-z]+\s))?\s*[:,]?\s*(?P<message>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
"""A mail dictated field by field: "subject rota change and say can you swap", "Subject: Parking. Text: it is closed"."""
_BETWEEN = re.compile(
    r"\b(?:send|text|message|say|write|whatsapp|e-?mail)\s+(?P<x>(?!an?\s+(?:text|message|sms|e-?mail|mail|whatsapp|wechat"
    r"|note)\b|to\b).+?)\s+to\s*$",
    re.IGNORECASE,
)
_CHINESE_BETWEEN = re.compile(r"(?:把|将)[“\"]?(?P<x>.+?)[”\"]?(?:这句话|这条消息)?(?:发送?|转)给\s*$")


_ABOUT = re.compile(
    r"\be-?mail\b[^:]*?\b(?:about|regarding"
    r"|re)\s+(?P<subject>[^:.]{2,40}):\s*(?P<message>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)


def fields_in(words: str) -> tuple[str, str] | None:
    """The subject and the text of a mail that is dictated field by field, or None."""
    match = _FIELDS.search(words) or _ABOUT.search(words)
    subject, message = (None, None) if match is None else (_clean(match["subject"]), _clean(match["message"]))
    return None if subject is None or message is None or '"' in subject else (subject, message)


def message_in(words: str, recipient: tuple[int, int] | None) -> str | None:
    """The message in a request, or None.

    Args:
        recipient: where the recipient's name stands, when it does: what follows is the message.
    """
    quoted = next((one for one in _QUOTED.finditer(words) if not _TITLED.search(words[: one.start()])), None)
    if quoted is not None and (recipient is None or quoted.start() >= recipient[1] or quoted.end() <= recipient[0]):
        return _clean(quoted[1] or quoted[2])
    if recipient is not None:
        explicit = _CONTENT.search(words)
        if explicit is not None:
            return _clean(explicit["x"])
        before, after = words[: recipient[0]], _COMMA.sub(" ", _ASIDE.sub("", words[recipient[1] :]))
        chinese = re.match(r"^\s*[\u3400-\u9fff，：]", after) is not None
        match = (_CHINESE_AFTER if chinese else _AFTER).match(after)
        said = None if match is None else _clean(match["x"])
        if said and not _NOT_TEXT.fullmatch(said):
            return said
        later = None if chinese else _SAYING.search(after)
        if later is not None:  # with the subject Budget, saying ...
            return _clean(later["x"] or later["y"])
        ahead = re.match(r"^(?P<x>.{2,}?)[，,](?:就|帮我|替我|麻烦|请|你)*(?:跟|给|告诉|通知|和|同)$", before)
        if ahead is not None:  # 要迟到了，跟老板说一声
            return _clean(ahead["x"])
        for pattern in (_BETWEEN, _CHINESE_BETWEEN):
            between = pattern.search(before)
            if between is not None:
                return _clean(between["x"])
        return None
    match = _SAYING.search(words)
    return None if match is None else _clean(match["x"] or match["y"])


def quoted_in(words: str, *, is_all: bool = False) -> str | None:
    """What a request that is about one quoted text quotes: the quote is a good part of it, or `is_all` that it can be about."""
    quoted = _QUOTED.search(words)
    return (
        None if quoted is None or (not is_all and 3 * len(quoted[0]) < len(words)) else (quoted[1] or quoted[2]).strip() or None
    )


def _clean(text: str) -> str | None:
    """Without the mark that ends a request; a question keeps its own."""
    text = re.sub(r",?\s+please[.!]?$", "", text.strip(), flags=re.IGNORECASE)
    text = re.sub(r"[，,](?:用|发)(?:个|条)?(?:短信|微信|邮件)(?:就行|就好|即可|说|吧)?$", "", text)
    return text.strip(" \t\n,，;；:：。").removesuffix(".").strip(' "“”「」') or None
