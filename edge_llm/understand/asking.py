"""English requests that do not begin with what they ask: "we're out of ketchup, put it on the list", "I keep forgetting the
bins, remind me at seven", "nappies need to go on the shopping list", "if you could take us to the zoo that'd be lovely".

Each is read as the request it makes: "put ketchup on the list". What is only said besides is left out; the words that are
kept are the person's own. A sentence of another shape stays as it is, and a dictated message is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from edge_llm.understand.contacts import ContactBook
from edge_llm.understand.context import Context
from edge_llm.understand.courtesy import LEAD, TAIL, core
from edge_llm.understand.recipients import find_anyone
from edge_llm.understand.repairs import repaired
from edge_llm.understand.spoken import plainly
from edge_llm.understand.text_slots import trimmed, without
from edge_llm.understand.times import find_times

_I: Final = r"(?:i|we)"
_HAVE: Final = rf"(?:{_I}(?:'ve| have)|{_I})"
_PUT: Final = (
    r"(?:add|put|stick|pop|chuck|bung|whack|sling|throw|toss|shove|write|jot|note|mark|get|save|enter|log|include|pencil"
    r"|squeeze|slot|book|schedule)"
)
_TAKE: Final = r"(?:take|cross|tick|knock|check|scratch|strike|remove|delete|clear|get|wipe|drop|mark)"
_THEM: Final = r"(?:it|that|this|them|those|these|that one|the lot|both|all of (?:it|them|that))"
_LISTED: Final = (
    r"(?:(?:my|the|our|a)\s+)?(?:\w+[\s-]+){0,2}?(?:(?:shopping|groceries|grocery|to[- ]?dos?|tasks?)\s+lists?|lists?"
    r"|calendar|diary"
    r"|agenda|schedule|planner|basket|to[- ]?dos?|tasks|shopping|groceries|notes)"
)
_POLITE: Final = (
    rf"(?:(?:{LEAD}|so|and|then|but|you(?:'d| had)? better|we(?:'d| had) better|you (?:may|might) as well|might you|may you"
    r"|remember to|(?:i|we)(?:'d| would)? (?:need|like|want) (?:you )?to|don'?t forget to)\b[\s,]*)*"
)
_JOINT: Final = r"(?:\s*[,;.!?…]+\s*|\s+[-–—]+\s+|\s+(?=(?:so|and)\s))"
_PUT_THEM = re.compile(
    rf"^(?P<before>.+?){_JOINT}{_POLITE}(?P<verb>{_PUT})\s+(?:(?:down|in)\s+)?{_THEM}\s+(?:all\s+|both\s+|down\s+)?"
    rf"(?P<where>(?:on|onto|in|into|to|for|down (?:in|on))(?:to)?\s+{_LISTED}\b.*)$",
    re.IGNORECASE | re.DOTALL,
)
"""What is put somewhere was named before."""
_TAKE_THEM = re.compile(
    rf"^(?P<before>.+?){_JOINT}{_POLITE}(?:you can\s+)?(?P<verb>{_TAKE})\s+(?:{_THEM}\s+(?:off|from|out of"
    rf"|as)(?:\s+(?:of\s+)?(?P<where>{_LISTED}))?"
    rf"|off\s+{_THEM}).*$",
    re.IGNORECASE | re.DOTALL,
)
_BELONGS = re.compile(
    rf"^(?P<x>.+?)\s+(?:(?:really|also|still|definitely|probably)\s+)?(?:(?:should|must|needs?|has|have|ought|want|wants|can"
    rf"|could|had better|'d better|will have|got)\s+(?:(?:to|also|really|probably|just)\s+)*(?:go(?:es)?|be (?:put"
    rf"|added|written|noted"
    rf"|listed))|(?:needs?|wants?) (?:adding|putting|writing|to be (?:added|put))|goes|to be (?:added|put)|to go)(?:\s+(?:down"
    rf"|straight|up))?\s+(?P<where>(?:on|onto|in|into|to)(?:to)?\s+{_LISTED}\b.*)$",
    re.IGNORECASE,
)
"""What should go on a list, said without asking for it."""
_EVENT = re.compile(
    r"^(?!(?:i|we|you|there|it|book|reserve|order|get|call|make|set)\b)(?P<x>[^,]+?)(?:,|'s(?!\s+(?:\d|the))|\s+(?:is"
    r"|are|starts"
    r"|begins|will be|takes place"
    r"|happens|has (?:been )?(?:moved|changed|rescheduled|put back|brought forward)(?= to)))\s+(?P<when>(?:on|at|from|in"
    r"|to|this|next|tomorrow|today|tonight|mon|tue|wed|thu|fri|sat|sun|the|\d|half|quarter)\w*\b.*)$",
    re.IGNORECASE,
)
"""What is to happen, and when: "Parents' evening is on the 17th"."""
_LAST_CLAUSE = re.compile(r".*(?:[.;!?…]\s+|,?\s+so\s+|\s[-–—]\s)", re.IGNORECASE | re.DOTALL)
_SHORT_OF = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:out of|outta|low on|short of|short on|down to (?:the|my|our) last(?: (?:bit|few|drop|couple))?(?: of)?)\s+"
        r"(?:the\s+)?(?P<x>.+)",
        rf"^(?:there(?:'s| is| are)|{_HAVE}(?: got)?)\s+(?:no|hardly any|barely any|not (?:much|any|enough)|(?:a )?little)"
        r"\s+(?:more\s+)?(?P<x>.+?)(?:\s+left(?:\s+.*)?)?$",
        rf"^(?:for (?:the|my|our|this|tomorrow|tonight)[\w' ]*?,?\s+)?(?:{_I}|you)(?:'ll|'re| will| are| really| also"
        rf"| still)*\s+(?:need|want|could do with|must (?:get|buy|have)|have to"
        r" (?:get|buy)|going to need|should (?:get|buy)|ought to (?:get|buy)|are missing|forgot|needs)\s+(?:to (?:get|buy|pick"
        r" up)\s+)?(?:some\s+|more\s+)*(?P<x>.+)",
        rf"^{_HAVE}\s+(?:just\s+|nearly\s+|almost\s+)*(?:used|finished|eaten|drunk|opened|had)\s+(?:up\s+"
        rf"|off\s+)?(?:the|our|my) last"
        r"(?: (?:bit|tin|packet|bottle|jar|bag|box))?(?: of)?\s+(?:the\s+|our\s+|my\s+)?(?P<x>.+)",
        r"^(?:(?:the|my|our|all the)\s+)?(?P<x>.+?)(?:'s|'ve|\s+(?:has|have|is|are|just|nearly|almost|all"
        r"|'s))*\s+(?:run(?:ning)?"
        r"|ran)\s+(?:out|low|short)\b.*$",
        r"^(?:(?:the|my|our|all the)\s+)?(?P<x>.+?)(?:'s|\s+(?:is|are))\s+(?:nearly |almost |all |getting |looking "
        r"|running |completely "
        r"|just about )*(?:gone"
        r"|finished|low|empty|used up|done)\b.*$",
        r"\b(?:calls for|needs|requires|takes|uses|asks for)\s+(?:some\s+)?(?P<x>(?!to\b)[^,]+?)(?:,?\s+(?:and"
        r"|but)\s+(?:i|we)\b.*)?$",
    )
)
_DONE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^(?:{_HAVE}\s+)?(?:(?:already|just|finally|now|since)\s+)*(?:got(?: hold of)?|bought|picked up|grabbed"
        rf"|rung|\w{(2,)}ed|paid(?: for)?"
        r"|done|finished|sorted(?: out)?|did|completed|fixed|ordered|called|rang|booked|posted|sent|collected|found|have)\s+"
        r"(?P<x>.+)",
        rf"^(?:{_I}(?:'ve)?|there(?:'s| is| are))\s+(?:(?:still|already|got|have|do)\s+)*(?:plenty|enough|loads|lots|a lot|tons"
        rf"|heaps|some)\s+(?:of\s+)?(?P<x>.+)",
        r"^(?P<x>.+?)(?:'s|'re|\s+(?:is|are|has|have|was|were))\s+(?:been\s+|already\s+|all\s+|now\s+)*(?:done|paid|bought"
        r"|sorted|finished|completed|fixed|in the (?:cupboard|fridge|bag))\b.*$",
    )
)
_EXTRA = re.compile(
    r"(?:\s+(?:already|again|now|today|this morning|yesterday|earlier|left|at home|for now|at the moment|in the house"
    r"|too|as well|after all))+$",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"(?:i|we|you|he|she|they|it|there|this|that)\b", re.IGNORECASE)
_FORGETS = re.compile(
    rf"^(?:{_POLITE})(?:"
    rf"{_I}(?:'m|'re| am| are)?\s+(?:(?:for ?ever|always|constantly|usually|often|sometimes|still|really|just|keep(?: on)?"
    r"|bound to|likely to|going to|gonna|sure to|also|never|mustn'?t|must not|can'?t|cannot|don'?t want to|will|'ll"
    r"|shouldn'?t|nearly|probably)\s+)*(?:forget(?:ting)?|forgot|remember)\s+(?:to\s+|about\s+)?"
    rf"|{_I}(?:'ve| have)?\s+(?:(?:really|probably|also|just|still)\s+)*(?:got to|need to|must|should|ought to"
    rf"|have to|have got to|has to|to|want to|promised to)\s+"
    rf"|{_I}(?:'m| am|'re| are)\s+(?:supposed|meant|due|expected|planning|to)\s+(?:to\s+)?)"
    r"(?P<x>.+)$",
    re.IGNORECASE,
)
"""What somebody has to do and may forget."""
_REMIND = re.compile(
    rf"^(?P<before>.+?){_JOINT}{_POLITE}(?:i(?:'ll| will)? need (?:a )?remind(?:er|ing)|remind (?:me|us)(?: (?:about|of|to do)"
    r" (?:it|that|this))?|(?:give|drop) (?:me|us) (?:an?|the) (?:little |quick )?(?:nudge|shout|prod|poke|reminder"
    r"|heads[ -]?up|buzz|ping)(?: about (?:it|that))?|(?:nudge|prod|ping) me|set (?:me )?a reminder(?: for (?:it|that))?"
    r"|don'?t let me forget)\b(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_NO_MORE = re.compile(rf"(?:\W*(?:{TAIL}|{LEAD})\b)*\W*", re.IGNORECASE)
_COULD = re.compile(
    r"^(?P<before>.*?(?:^|[,;.!?]\s*|\s))(?:so\s+|and\s+|but\s+)?(?:if|whether) you(?:'d| (?:could|can|would|might|were able"
    r" to|wouldn'?t mind|don'?t mind))(?:\s+(?:please|just|possibly|maybe|kindly|be able to|be so kind as to))*\s+(?P<x>.+?)"
    r"(?:,?\s+(?:(?:that|it|this|which)(?:'d| would|'ll| will|'s| is)|i(?:'d| would)(?= be))\s+.*)$",
    re.IGNORECASE,
)
_MUSIC_WORD = (
    r"music|songs?|tunes?|jazz|blues|rock|pop|reggae|opera|classical|hip[ -]?hop|rap|techno|house|folk|soul|funk|metal|punk"
    r"|country|swing|disco|piano|guitar|choir|carols?|playlist|radio"
)
_SOME = r"(?:some|a (?:little )?(?:bit|spot|dose|drop|touch|dash|blast) of|a little|something by|anything by|more)"
_NAME = rf"(?:(?-i:[A-Z])[^,.;!?]*?|[^,.;!?]*?\b(?:{_MUSIC_WORD}))"
_LIKED = re.compile(
    rf"^(?:.*[.;!?]\s+)?(?:{_POLITE})(?:{_SOME}\s+)(?P<x>{_NAME})\s+(?:would(?:n'?t)?|'d|might|should)\s+(?:be|go|do|hit|suit"
    r"|help|make|sound|cheer|really)\b(?:.*)$",
    re.IGNORECASE,
)
_OWNED = re.compile(
    rf"^(?:{_POLITE})(?:(?:have you|do you have|you) got|do you have|is there|got)\s+(?:any"
    rf"|some)\s+(?P<x>{_NAME})\s*$",
    re.IGNORECASE,
)
_JUST_SOME = re.compile(rf"^{_SOME}\s+(?P<x>(?-i:[A-Z])[^,.;!?]*?),?\s+please\W*$", re.IGNORECASE)
_WANTED = re.compile(
    rf"^(?:{_POLITE})(?:i(?:'d| would| could)?\s+(?:really\s+)?(?:do with|fancy|love|like|murder|use|go for|feel like"
    rf"|want)|i'?m"
    rf" in the mood for)\s+(?:to (?:hear|listen to)\s+)?(?:{_SOME}\s+)(?P<x>{_NAME})(?:\s+(?:right now|please|now))*[.!]*$",
    re.IGNORECASE,
)
_ON = re.compile(
    rf"^(?P<before>.+?){_JOINT}{_POLITE}(?:(?:put|stick|pop|chuck|whack|bung)\s+(?:him|her|them|it|one|some|that)\s+on"
    r"|play\s+(?:him|her|them|it|one|some|that|me some))\b.*$",
    re.IGNORECASE,
)
_TELL_THEM = re.compile(
    rf"^(?P<before>.+?){_JOINT}(?P<asks>{_POLITE}(?:text|message|whatsapp|e-?mail|tell|call|ring|phone|let|ask|drop|send|give))"
    r"\s+(?P<who>him|her|them)\b(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
"""Somebody who was named before: "Anna's waiting, tell her I'm late"."""
_SHOULD_KNOW = re.compile(
    r"^.*?\b(?:needs|has|ought|should|wants|must|doesn't"
    r"|does not)\s+(?:to\s+)?know\s+(?:that\s+)?(?P<x>.+)$",
    re.IGNORECASE,
)
_IS_MESSAGE = re.compile(
    rf"^(?:{_POLITE})(?:text|message|e-?mail|whatsapp|wechat|send|tell|write|reply|drop|translate|share|note|let|ask"
    rf"|say|jot)\b",
    re.IGNORECASE,
)


def plain_words(words: str, context: Context | None) -> str:
    """A request as somebody would say it who neither hesitates nor puts anything right, and asks first."""
    words = plainly(words)
    if context is None or context.language != "en":
        return words
    words = repaired(words, context.people, context.now.date())
    return plain_request(_told_them(words, context.people) or words, context.now)


def plain_request(words: str, now: datetime) -> str:
    """The request that an English sentence makes, its object before its remarks; the words themselves where it has no such
    shape."""
    if _IS_MESSAGE.match(words):
        return words
    changed = words
    for read in _READINGS:
        changed = read(changed) or changed
    return _reminded(changed, now) or changed


def _could(words: str) -> str | None:
    """ "if you could ... that'd be lovely"."""
    match = _COULD.match(words)
    return None if match is None else f"{match['before']}{match['x']}"


def _put_them(words: str) -> str | None:
    """ "we're out of ketchup, put it on the list"."""
    match = _PUT_THEM.match(words)
    if match is None:
        return None
    before = match["before"].strip()
    if re.search(r"calendar|diary|agenda|schedule|planner", match["where"], re.IGNORECASE):
        event = _EVENT.match(core(before))
        where = re.match(rf"\w+(?: \w+)?\s+{_LISTED}", match["where"], re.IGNORECASE)
        if event is None or where is None:
            return None
        more = match["where"][where.end() :].rstrip("?!. ")
        return f"{match['verb']} {event['x']} {where[0]}, {event['when']}{more if re.search(r'[0-9]| at ', more) else ''}"
    named = _object_of(before, _SHORT_OF)
    if named is None and re.match(rf"^{_POLITE}(?:book|reserve|order|get|call|make|arrange|set up)\s", before, re.IGNORECASE):
        return None  # two requests
    if named is None:
        forgets = _FORGETS.match(before)
        if forgets is None and _SUBJECT.match(before):
            return None
        named = re.sub(r"^(?:really|also|just|probably)\s+", "", forgets["x"]) if forgets is not None else before
    return f"{match['verb']} {named} {match['where']}"


def _take_them(words: str) -> str | None:
    """ "got the eggs already, take them off the list"."""
    match = _TAKE_THEM.match(words)
    named = None if match is None else _object_of(match["before"].strip(), _DONE)
    return None if match is None or named is None else f"remove {named} from {match['where'] or 'the list'}"


def _belongs(words: str) -> str | None:
    """ "nappies and wipes need to go on the shopping list"."""
    match = _BELONGS.match(words)
    if match is None:
        return None
    named = core(_LAST_CLAUSE.sub("", match["x"]))
    if re.fullmatch(_THEM + "|they|these|both", named, re.IGNORECASE):
        before = match["x"][: -len(named)].strip(" ,.;!?")
        named = _object_of(re.sub(r"\W+(?:so|and)$", "", before), _SHORT_OF) or named
    if re.match(r"(?:i|we|you|they|he|she|it|that|this|there|what|which|who)\b|.*\b(?:did|do|does|that|which)$", named, re.I):
        return None
    return f"put {named} {match['where']}"


def _reminded(words: str, now: datetime) -> str | None:
    """ "I keep forgetting the bins, remind me at seven"."""
    match = _REMIND.match(words)
    if match is None:
        return None
    times = find_times(match["rest"], now)
    rest = without(match["rest"], [(one.start, one.end) for one in times])
    if trimmed(core(rest).strip(" ?!.,")) is not None and not _NO_MORE.fullmatch(rest):
        return None
    before = match["before"].strip(" ,.;!?")
    forgets = _FORGETS.match(before)
    named = forgets["x"] if forgets is not None else core(before)
    if find_times(named, now) and trimmed(without(named, [(one.start, one.end) for one in find_times(named, now)])) is None:
        return None  # "at seven tonight, remind me ..."
    when = " ".join(match["rest"][one.start : one.end].strip() for one in times)
    return f"remind me {when} to {named}" if forgets is not None else f"remind me {when}: {named}".replace(" :", ":")


def _told_them(words: str, people: ContactBook) -> str | None:
    """ "Anna needs to know the gate is locked, text her that": with her name, and what she should know."""
    match = _TELL_THEM.match(words)
    named = [] if match is None else find_anyone(match["before"], people)
    if match is None or len(named) != 1 or _IS_MESSAGE.match(match["before"]):
        return None
    rest = match["rest"]
    said = _SHOULD_KNOW.match(match["before"])
    if said is not None and re.fullmatch(r"\W*(?:(?:about )?(?:that|this|it|so|please|for me)\W*)*", rest, re.IGNORECASE):
        rest = f" that {said['x']}"
    return f"{match['asks']} {named[0].text}{rest}"


def _played(words: str) -> str | None:
    """ "a bit of Bach would be nice", "some Bach would go down well, put him on"."""
    on = _ON.match(words)
    said = words if on is None else on["before"]
    liked = _LIKED.match(said) or _WANTED.match(said) or (None if on is None else _OWNED.match(said))
    liked = liked or _JUST_SOME.match(said)
    return None if liked is None else f"play {liked['x']}"


_READINGS: Final[tuple[Callable[[str], str | None], ...]] = (_could, _played, _take_them, _put_them, _belongs)


def _object_of(before: str, shapes: tuple[re.Pattern[str], ...]) -> str | None:
    """What a clause says is missing, or is done: of the last sentence that says so."""
    for sentence in reversed(re.split(r"[.;!?…]\s+|\s[-–—]\s", before)):
        said = core(sentence.strip(" ,.;!?"))
        for shape in shapes:
            match = shape.search(said)
            if match is not None:
                named = _EXTRA.sub("", match["x"].strip(" ,.;!?"))
                named = re.sub(r"^(?:(?:the|my|our|some|any|all|more)\s+)+", "", named, flags=re.IGNORECASE)
                return named or None
    return None
