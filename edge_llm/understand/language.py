"""Which language someone writes, and the shortest of answers: yes, no, leave it. Knows no action."""

from __future__ import annotations

import re

from edge_llm.actions.manifest import Language
from edge_llm.understand.spelling import spelt

_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+(?:['’][A-Za-z]+)?")
_EDGES = " \t\r\n.,!?;:。，！？；：、~～…"

_YES = re.compile(
    r"(?:oh |ok(?:ay)?,? |well,? |um+,? |that'?s )?(?:y|yes|yeah|yep|yup|sure|ok|okay|of course|correct|right|exactly"
    r"|confirm(?:ed)?|"
    r"do it|go ahead|go for it|send it|sounds good|looks good|perfect|please do|absolutely|definitely|fine|that'?s right|"
    r"that is right|i confirm)(?:,? (?:please|thanks|thank you|do it|send it|go ahead|that'?s (?:right|fine|it)|sure))*"
    r"|(?:嗯+，?|好，?)?(?:是的?|是啊|对的?|对啊|没错|好的?|好啊|好吧|行吧?|可以的?|确认|确定|发吧|发送|没问题|同意|嗯+"
    r"|当然|就这样|就这么办|去吧|要得?|ok)"
    r"(?:[，,]?(?:发吧|谢谢|就这样|可以|没问题|好的|对))*",
    re.IGNORECASE,
)
_NO = re.compile(
    r"(?:oh |um+,? |actually,? |ugh,? )?(?:n|no|nope|nah|not really|don'?t|do not|wrong|incorrect|never|no way"
    r"|that'?s (?:wrong|not right|not it)|"
    r"not (?:that|this|yet|now)|i don'?t (?:think so|want (?:that|it|to)))(?:,? (?:thanks|thank you|please|don'?t(?: do "
    r"(?:it|that))?))*"
    r"|(?:不|不是的?|不对|不行|不要|不用了?|不了|不可以|不好|错了?|不同意|别|没有|先别|不需要)(?:[，,]?(?:谢谢|了|不是|不对))*",
    re.IGNORECASE,
)
THEN_LEFT = (
    r"(?:no+|nah|nope|ok(?:ay)?|oh|ah|aw+|ugh|argh|h+m+|u[mh]+|lol|omg|(?:my |oh |dear )?(?:god|gosh|lord)|dear"
    r"|blimey|shoot|damn|crap"
    r"|yikes|oops|whoops|eek|stop|quick|yeah|right|well|wait|actually|please|just|let'?s|ha+|sorry|you know what|tell you what"
    r"|(?:come to|now that i) think of it|on reflection|thinking about it|hang on|hold on|on second thoughts?|in fact)"
)
"""What somebody says before they take a request back."""
_VERB = (
    r"(?:send|do|call|ring|text|message|e-?mail|order|book|buy|set|add|save|say|write|play|share|bother(?: with)?|worry about)"
)
_TAKEN_BACK = (
    r"(?:cancel|scrap|scratch|skip|ditch|drop|leave|forget|undo|ignore) (?:it|that|this|everything|all that"
    r"|the (?:whole thing|lot))"
    r"|forget (?:about (?:it|that|this)|what i (?:just )?(?:said|asked))|never ?mind(?: (?:about )?(?:it|that|this)"
    r"|(?! (?:the|my|our|your|his|her)\b))"
    rf"|(?:don'?t|do not) {_VERB}(?: (?:it|that|this|them|anything|one))?(?: (?:any ?more|after all|yet|now))?"
    rf"|don'?t (?:worry|bother)"
    r"|(?:i )?(?:don'?t|do not|no longer) (?:want|need) (?:it|that|this|one|to|anything)(?: (?:any ?more|after all|now))?"
    r"|(?:it'?s|that'?s) (?:fine|ok(?:ay)?|alright|all right)(?=[\s,.;!-]+(?:i|we|he|she|they|no)\b)"
    r"|no need(?: (?:to|for (?:it|that)))?(?: (?:any ?more|now|after all))?|(?:the|that) \w+ can go"
    r"|(?:i(?:'ve)? )?(?:just|already) (?:did|done) (?:it|that)|not needed|no (?:\w+ )?(?:needed|required|necessary)"
    r"|(?:(?:i|we)(?:'ve"
    r"| have)? )?changed (?:my|our) (?:minds?|plans?)|call it off|i(?:'d"
    r"| would) rather not|let'?s not"
)
_CANCEL = re.compile(
    rf"(?:{THEN_LEFT}[,. ]+)*(?:{_TAKEN_BACK}|cancel(?: the \w+)?|stop(?: it| that)?|abort|quit)"
    r"(?:[,.]? (?:please|thanks|thank you|then|for now|now|dear|mate|love|lol|sorry|i think|instead of that))*"
    r"|(?:no+|nah|nope|actually|wait)[, ]+(?:(?:it'?s|that'?s) (?:fine|ok(?:ay)?|alright|all right)|don'?t|i'?m (?:good"
    r"|ok(?:ay)?|fine))"
    r"(?:[,.]? (?:please|thanks|thank you|then|for now|now|dear|mate|love|lol|sorry|i think|instead of that))*"
    r"|(?:还是|那|那就|唉|哦|先)?(?:算了吧?|取消(?:吧|掉|它|这个|操作)?|不用了|不要了|不弄了|别发了?|别打了?|别弄了?"
    r"|别[订点买叫约设加]了?|不[发打订点买叫约设加去]了|停(?:下|止)?|停吧|作废|"
    r"不做了|撤销|放弃|当我没说|我改主意了|忘了(?:它|这事)吧?)(?:吧|了|啦|，?谢谢)*",
    re.IGNORECASE,
)
_CANCEL_FIRST = re.compile(
    rf"(?:{THEN_LEFT}[,. ]+)*(?:{_TAKEN_BACK})(?: (?:dear|mate|love|then|please|now))?[\s,;.!–-]+(?=\w)", re.IGNORECASE
)
_REASON = re.compile(
    r"(?:(?:because|as|since|cause),? )?(?:i|we|he|she|they|it|you|my|our|his|her|the|there|someone|somebody"
    r"|that)\b(?:'\w+)?|\w+'s\b"
    r"|(?:too late|no need|not needed|don'?t need|all (?:good|done|sorted)|already|found|got|sorted|done|just|not"
    r"|no longer|don'?t)\b",
    re.IGNORECASE,
)
"""How people say why they take something back: "forget it, I'll walk"."""
ASKS_ANEW = re.compile(
    r"\b(?:instead|rather|make (?:it|that)|change|let'?s|please|(?:can|could|would) you|i meant?|should (?:be|say)"
    r"|i(?:'d| would) (?:like|prefer)"
    r"|i (?:want|need)(?! to (?:sleep|think|check|wait|ask|see|talk|be)\b))\b",
    re.IGNORECASE,
)

_WIDE = {",": "，", ":": "：", ";": "；", "?": "？", "!": "！"}
_NARROW = re.compile(f"(?<={_CJK.pattern})[,:;?!]|[,:;?!](?={_CJK.pattern})")
_CLAUSE = re.compile(r"[,，;；.。!！]+")
_FILLER = re.compile(
    r"(?:oh|no|nah|wait|oh wait|ok(?:ay)?|actually|sorry|thanks|thank you|please|hmm+|um+|ugh|well|dear|mate"
    r"|on second thoughts?|哎|唉|不"
    r"|等等|等一下|谢谢|不好意思|抱歉)",
    re.IGNORECASE,
)


def language_of(words: str) -> Language:
    """The language a person is writing: Chinese where a good part of it is Chinese characters (names and apps of the other
    language count little), else English."""
    characters = len(_CJK.findall(words))
    return "zh" if characters and characters >= len(_LATIN_WORD.findall(words)) else "en"


def chinese_marks(words: str) -> str:
    """The words with the marks between Chinese characters in their Chinese form, which is as long: rules know one form."""
    return _NARROW.sub(lambda found: _WIDE[found[0]], words)


def is_yes(words: str) -> bool:
    """The whole reply says yes and nothing else. "Yes, but tomorrow" does not."""
    return _YES.fullmatch(_bare(words)) is not None


def is_no(words: str) -> bool:
    """The whole reply says no and nothing else. "No, tomorrow" is a correction."""
    return _NO.fullmatch(_bare(words)) is not None


def is_cancel(words: str) -> bool:
    """The whole reply takes the request back, in one clause or several, or says why after it: "forget it, I'll walk". "Cancel
    my alarm" is a request of its own, and "never mind that, make it six" a correction."""
    bare = spelt(_bare(words)).text
    first = _CANCEL_FIRST.match(bare)
    if first is not None and _REASON.match(bare, first.end()) and not ASKS_ANEW.search(bare, first.end()):
        return True
    if re.search(r"\bcancel the (?!message|text|call|order|request|action|mail|email)", bare, re.I):
        return False
    clauses = [clause for part in _CLAUSE.split(bare) if (clause := part.strip(_EDGES))]
    takes_back = [_CANCEL.fullmatch(clause) is not None for clause in clauses]
    rest = [clause for clause, back in zip(clauses, takes_back, strict=True) if not back]
    return _CANCEL.fullmatch(bare) is not None or (any(takes_back) and all(map(_FILLER.fullmatch, rest)))


def has_cjk(words: str) -> bool:
    """Whether there is a Chinese character in it."""
    return _CJK.search(words) is not None


def _bare(words: str) -> str:
    return " ".join(words.replace("’", "'").strip(_EDGES).split())
