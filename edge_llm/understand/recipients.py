"""Finds who a request is for: where in the words they are named, and which contacts that may be.

Knows the grammar around names in both languages ("text X that", "给X发"); contacts.py knows the people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge_llm.actions.values import Provenance, SlotValue
from edge_llm.memory.handles import normalise
from edge_llm.understand.clauses_chinese import begins, closed_up
from edge_llm.understand.contacts import Contact, ContactBook, HandleWanted
from edge_llm.understand.courtesy import LEAD
from edge_llm.understand.language import has_cjk, language_of

_MAIL = re.compile(r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"(?<![A-Za-z0-9_.])\+?\(?\d[\d\s().\-]{5,18}\d(?![A-Za-z0-9_.]*[A-Za-z0-9_])|(?<!\d)\d{3,6}(?!\d)")
_VERBS = (
    "text|call|phone|ring|dial|message|tell|e-?mail|mail|ping|notify|ask|remind|whatsapp|wechat|dm|sms|facetime|let|inform"
    "|invite|telephone|buzz|bell|msg|txt|calling|ringing|phoning|texting|telling|asking|hit up|dial|"
    "contact|skype|write|video call|drop|shoot|give|send|meet|see|reply to|answer|forward|share with|say"
)
_ENGLISH_CUE = re.compile(
    rf"\b(?:(?P<verb>{_VERBS})|to|with|for|get(?:\s+me)?|hit up|hold of|(?:me|i) and)\s+(?=\S)", re.IGNORECASE
)
_ARTICLE = re.compile(r"(?:the|my|our)\s+(?=[a-z])", re.IGNORECASE)
_CHINESE_CUE = re.compile(
    r"(?:发[^给，。]{0,8}给|打[^给，。]{0,4}给|发送给|转发给|写[^给，。]{0,6}给|转?告诉?|知会|通知|呼叫|接通|联系|提醒|邀请|回复|问一下"
    r"|问问|问|[约拉喊]上?|拨打|拨给|打给|给|跟|和|与|向|(?<![合不相共胡])同(?![事学时样意步期行类一])|叫上?"
    r"|(?<![A-Za-z])(?:call|cue|text)(?![A-Za-z])\s*|致电|(?:致|去|发)函(?:给|至)?|@|(?:发|寄|转)至"
    r"|[打拨](?=[^，,\s电给]{1,5}?的?(?:电话|手机|座机|语音|视频))|回(?=[^，,复\s]{1,6}[：:])|回(?=[^，,复]{1,5}(?:微信"
    r"|短信|消息|邮件|电话))|(?:微信|短信|邮件)(?=[^，,。：:\s给跟和发说上里支群告通"
    r"问回转同]{1,6}(?:[：:，,]|[说讲])))"
    r"(?:一下|一声|下(?![午周个月班课楼次]))?\s*(?=\S)"
)
_CHINESE_END = re.compile(
    r"(?:微信|短信|发|打|写|寄|送|回|拨|留|说|讲|转|约|开|对一下|谈|一个|个|去个|半|视频|通话|通电话|开会|见面|吃|一起|，|,|：|:|。"
    r"|今|明|后天|周|下|的|在|我|他|她|关于|来|去|到|喝|看|聊|说|\s|$)"
)
_ENGLISH_WORD = re.compile(r"[\w'’.-]*\w")
_NO_NAME = {
    "a", "an", "the", "me", "him", "her", "them", "us", "it", "you", "my", "our", "his", "that", "this", "text", "message",
    "to",
    "out", "all", "email", "mail", "i", "everyone", "if", "know", "be", "go", "get", "one", "your", "some", "sms", "in",
    "at", "on",
    "up", "back", "and", "of", "today", "tomorrow", "tonight", "say", "do", "is", "with", "for", "note", "call", "whatsapp",
    "wechat", "someone", "somebody", "anyone", "people",
}  # fmt: skip
_CHINESE_PRONOUNS = ("我", "他", "她", "你", "它", "咱", "大家", "自己", "谁")
_NO_CHINESE_NAME = ("个", "一", "下", "了", "吧", "这", "那", "几", "点", "声")
"""What follows a verb and begins no name: "约个会", "问下"."""
_MINE = re.compile(r"(?:我|咱们?|俺)的?(?=[爸妈哥姐弟妹老媳爷奶外儿女太爱丈房同朋])")
_JOINT = re.compile(r"\s*(?:,\s*and\b|,|\b(?:and|plus)(?: then| also)?\b|&|、|，|和|跟|与|以及)\s*", re.IGNORECASE)
_TELLS = re.compile(
    rf"^(?:(?:{LEAD})\b[\s,.!:-]*)*(?:tell(?:ing)?|ask(?:ing)?|let(?:ting)?(?=.* know\b)|inform|ping|hit up|reply to"
    rf"|answer|drop(?=.*\b(?:line|note"
    rf"|text)\b))\s+",
    re.IGNORECASE,
)
_SAYS_TO = re.compile(rf"^(?:(?:{LEAD})\b[\s,.!:-]*)*say\s+\S.{{0,60}}?\s+to\s+(?=\w)", re.IGNORECASE)
_TELLS_CHINESE = re.compile(
    r"(?:(?:用|在)?(?:微信|短信|邮件|whatsapp)(?:上|里)?)?"
    r"(?:(?P<asks>问一?下|问问|问|告诉|通知|转告|回复?|知会)|给|跟|和|同|向)(?:一下|一声)?",
    re.IGNORECASE,
)
_SAID_CHINESE = re.compile(
    r"[^，,]{0,4}?(?:说(?!话)|讲(?!话)|捎|带[句个]|留[个句]|传[个句]|发(?!.{0,2}红包)|回[个条句]|报|道[个声]|问[个声])"
)
"""What follows the name of somebody who is spoken to."""
_CALLS_CHINESE = re.compile(r"(?:接通?|呼叫?|[打拨](?!车)|电话|联系)(?:一下|一?个|通)?")
_CALLED_CHINESE = re.compile(r"的?(?:电话|手机|座机|视频|语音)?[吧啊呗。！!]*")
_WRITES = (
    ("whatsapp.send", re.compile(r"\bwhatsapp\b|whatsapp(?=[\u3400-\u9fff])", re.IGNORECASE)),
    ("wechat.send", re.compile(r"\b(?:wechat|weixin)\b|微信", re.IGNORECASE)),
    ("mail.send", re.compile(r"\b(?:by|via|in an?) e-?mail\b|邮件", re.IGNORECASE)),
)
_MOST_WORDS, _MOST_CHARACTERS = 4, 12


@dataclass(frozen=True)
class Named:
    """Someone named at [start, end) of a text."""

    start: int
    end: int
    text: str
    contacts: tuple[Contact, ...] = ()
    """Who that may be; () for a name that is in no contact."""
    handle: str | None = None
    """A number or address that the person wrote out."""


def find_named(words: str, book: ContactBook, *, region: str = "") -> list[Named]:
    """Who is named in a request, the surest first: those who are known or written out as a number, then unknown names."""
    found = _handles(words, region)
    guesses: list[Named] = []
    for start, is_verb in _cues(words):
        if any(one.start <= start < one.end for one in found):
            continue
        known = known_at(words, start, book)
        if known is not None and not any(one.start < known.end and known.start < one.end for one in found):
            found += [known, *_joined(words, known, book)]
        elif known is None and (guess := _guess(words, start, is_verb=is_verb)) is not None:
            guesses.append(guess)
    found.sort(key=lambda one: one.start)
    return [*found, *guesses]


def addressed(words: str, book: ContactBook) -> str | None:
    """The id of the action that writes to somebody who is known: "tell Anna I'm late", "ask mum if she needs bread"; None where
    nobody is told anything."""
    if language_of(words) == "zh":
        return _addressed_in_chinese(closed_up(words), book)
    match, said = _TELLS.match(words), _SAYS_TO.match(words)
    known = None if match is None else known_at(words, match.end(), book)
    is_said = said is not None and (to := known_at(words, said.end(), book)) is not None and bool(to.contacts)
    if not is_said and (known is None or not known.contacts or not words[known.end :].strip(" .!?")):
        return None
    return next((action for action, app in _WRITES if app.search(words)), "sms.send")


def _addressed_in_chinese(words: str, book: ContactBook) -> str | None:
    """As `addressed`: "问一下赵磊来不来", "跟妈妈带句话", in any clause that is not dictated."""
    for said in begins(words):
        match = _TELLS_CHINESE.match(said)
        known = None if match is None else known_at(said, match.end(), book)
        called = _CALLS_CHINESE.match(said)
        reached = None if called is None else known_at(said, called.end(), book)
        if reached is not None and reached.contacts and _CALLED_CHINESE.fullmatch(said[reached.end :]):
            return "call.start"
        if match is None or known is None or not known.contacts:
            continue
        rest = said[known.end :].strip(" 。！？!?")
        if len(rest) > 1 and "电话" not in rest[:6] and (match["asks"] or _SAID_CHINESE.match(rest)):
            return next((action for action, app in _WRITES if app.search(said[: known.end + 8])), "sms.send")
    return None


def in_one_breath(words: str, named: Sequence[Named]) -> list[Named]:
    """The first of those who are named, and who is named in one breath with them: "Anna and James"."""
    found = list(named[:1])
    for one in named[1:]:
        if _JOINT.fullmatch(words[found[-1].end : one.start]) is None:
            break
        found.append(one)
    return found


def find_anyone(words: str, book: ContactBook) -> list[Named]:
    """Who of those who are known is named anywhere in a request that says nothing else of people: "帮我呼叫赵磊"."""
    found: list[Named] = []
    for match in re.finditer(r"\b[A-ZÀ-Þ]\w+|[\u3400-\u9fff]", words):
        if found and match.start() < found[-1].end:
            continue
        known = known_at(words, match.start(), book)
        if known is None or (len(known.text) < 2 and _MINE.match(words, match.start()) is None):
            continue
        if any(has_cjk(one.name) == has_cjk(known.text) for one in known.contacts):  # not by its sound alone
            found.append(known)
    return found


def read_reply(words: str, book: ContactBook, *, region: str = "") -> Named | None:
    """Who is meant by a reply to "who?": the whole of it is a name, or it names someone."""
    handles = _handles(words, region)
    if handles:
        return handles[0]
    stripped = words.strip(" \t.,!?。，！？")
    bare = (
        re.sub(
            r"^(?:(?:to|it'?s|call|text)(?: (?:the|my|our))?|the|my friend|给|是|发给|打给|找|就)\s*",
            "",
            stripped,
            flags=re.IGNORECASE,
        )
        or stripped
    )
    for text in dict.fromkeys((bare, stripped)):
        contacts = tuple(book.find(text))
        if contacts:
            at = words.find(text)
            return Named(at, at + len(text), text, contacts)
    named = [one for one in find_named(words, book, region=region) if one.contacts or one.handle]
    if named:
        return named[0]
    return Named(0, len(words), bare) if len(bare) <= 40 and bare else None


def values_of(named: Named, wanted: HandleWanted) -> tuple[SlotValue, ...]:
    """The canonical values that a name may stand for: one is certain, several are asked about, none is not known."""
    if named.handle is not None:
        read = normalise(named.handle)
        if wanted in ("phone", "mail") and (read is None or read.kind != wanted):
            return ()
        return (SlotValue(named.handle, named.handle, Provenance("typed", named.text)),)
    values = []
    for contact in named.contacts:
        handles = contact.handles_for(wanted)
        for handle in handles:
            shown = contact.name if handle == contact.name else f"{contact.name} ({handle})"
            values.append(SlotValue(handle, shown, Provenance("contact", f"contact {contact.name}")))
    return tuple(dict.fromkeys(values))


def _handles(words: str, region: str) -> list[Named]:
    found = [Named(match.start(), match.end(), match[0], handle=match[0].casefold()) for match in _MAIL.finditer(words)]
    for match in _PHONE.finditer(words):
        read = normalise(match[0], region)
        digits = sum(character.isdigit() for character in match[0])
        is_cued = re.search(
            r"(?:\b(?:call|dial|text|phone|ring|number|sms|to)\s+|打(?:电话)?(?:给)?|拨打?(?:一下)?|号码|给)\s*$",
            words[: match.start()],
            re.I,
        )
        if (
            read is None
            or read.kind != "phone"
            or (digits < 7 and not is_cued)
            or re.search(r"^\s*(?:点|分|号|元|块|[ap]m)", words[match.end() :])
        ):
            continue
        if re.fullmatch(r"\d{4}-\d\d?-\d\d?.*", match[0]) or any(
            one.start < match.end() and match.start() < one.end for one in found
        ):
            continue
        found.append(Named(match.start(), match.end(), match[0].strip(), handle=read.value))
    return found


def _cues(words: str) -> Iterator[tuple[int, bool]]:
    for match in _ENGLISH_CUE.finditer(words):
        yield match.end(), match["verb"] is not None
    for match in _CHINESE_CUE.finditer(words):
        yield match.end(), True
        if words.startswith("下", match.end()):  # 问下周敏
            yield match.end() + 1, True


def known_at(words: str, start: int, book: ContactBook) -> Named | None:
    """The longest run of words from `start` on that is somebody's name."""
    if has_cjk(words[start : start + 1]):
        mine = _MINE.match(words, start)
        start = start if mine is None else mine.end()
        if words.startswith(_CHINESE_PRONOUNS, start):
            return None
        for end in range(min(len(words), start + _MOST_CHARACTERS), start, -1):
            text = words[start:end]
            if end - start == 1 and mine is None and not _CHINESE_END.match(words[end:]):
                break
            contacts = tuple(book.find(text))
            if contacts:
                return Named(start, end, text, contacts)
        return None
    article = _ARTICLE.match(words, start)  # "the boss", "my dad"
    start = start if article is None else article.end()
    run: list[int] = []
    position = start
    for match in _ENGLISH_WORD.finditer(words, start):
        if len(run) == _MOST_WORDS or words[position : match.start()].strip() or has_cjk(match[0][:1]):
            break
        latin = re.match(r"[A-Za-zÀ-ɏ'’.-]*[A-Za-zÀ-ɏ]", match[0])
        end = match.end() if latin is None else match.start() + latin.end()
        run.append(end)
        position = end
        if end != match.end():
            break
    for end in reversed(run):
        text = words[start:end]
        bare = re.sub(r"['’]s$", "", text)
        if bare.lower() in _NO_NAME or len(bare) < 2:
            continue
        contacts = tuple(book.find(bare))
        if contacts:
            return Named(start, start + len(bare), bare, contacts)
    return None


def _joined(words: str, first: Named, book: ContactBook) -> Iterator[Named]:
    """Those who are named in one breath with someone: "James and Emma", "王芳、赵磊"."""
    last: Named | None = first
    while last is not None:
        joint = _JOINT.match(words, last.end)
        last = None if joint is None else known_at(words, joint.end(), book)
        if last is not None:
            yield last


def _guess(words: str, start: int, *, is_verb: bool) -> Named | None:
    """What may be a name that nobody knows."""
    if has_cjk(words[start : start + 1]):
        mine = _MINE.match(words, start)
        if mine is None and words.startswith(_CHINESE_PRONOUNS, start):
            return None
        if mine is None and words.startswith(_NO_CHINESE_NAME, start):
            return None
        first = start + 1 if mine is None else mine.end() + 1
        end = next((at for at in range(first, min(len(words), start + 6) + 1) if _CHINESE_END.match(words[at:])), None)
        return None if end is None else Named(start, end, words[start:end])
    match = re.match(
        r"(?:my|our)\s+[a-z]+|[A-ZÀ-Þ][\w'’-]*(?:\s+[A-ZÀ-Þ][\w'’-]*){0,2}"
        + (r"|the\s+[a-z]+|[a-z][a-z'’-]+" if is_verb else ""),
        words[start:],
    )
    if match is None or match[0].lower() in _NO_NAME or match[0].split()[0].lower() in _NO_NAME - {"my", "our", "the"}:
        return None
    text = re.sub(r"['’]s$", "", match[0])
    return Named(start, start + len(text), text)
