"""What people say around a request and do not ask for: greetings, "would you be so kind as to", "real quick", and why they ask.

Data and the cutting of it. Knows no action.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_DEAR = r"(?:dear|mate|love|there|buddy|pal|darling|bro|dude|man|assistant|computer)"
LEAD: Final = (
    rf"(?:hey|hi|hello|hiya|yo|oi|morning|good (?:morning|afternoon|evening))(?:,? {_DEAR})?|ok(?:ay)?|right|so|well"
    rf"|u[mh]+|er+m?"
    r"|h+m+|ah|oh|ugh|lol|omg|haha|pretty please|please|kindly|just|quickly|real quick|actually|basically|also|then|and|now"
    r"|(?:can|could|would|will) you(?: (?:please|kindly|possibly|just|also|maybe|quickly|go and|be able to|mind))*"
    r"|(?:would you )?be so (?:kind as to|good as to|kind and)|(?:would you )?be a (?:dear|love|star) and"
    r"|do me a favou?r(?: and|[,:])?"
    r"|(?:would|is) it (?:be )?possible (?:for you )?to|any chance (?:you (?:can|could)|of you)|are you able to"
    r"|if you (?:could|can|would|don'?t mind|please)|you couldn'?t|you wouldn'?t mind"
    r"|i(?:'d| would)? (?:want|need|like|love|appreciate it if) you (?:to|could|would)|i (?:was wondering"
    r"|wonder) if you (?:could|can|would)"
    r"|i'?d be grateful if you (?:could|would)|could i (?:please )?(?:get|ask|trouble) you to|go ahead and"
    r"|help me(?: to)?|let'?s"
    r"|you can|do you mind|mind|do please|might i (?:trouble|ask) you to|(?:i(?:'d| should| would) be (?:most |very |so "
    r"|ever so )?(?:grateful|obliged|glad)"
    r"|i wonder|i was wondering) if you(?:'d| would| could| might)(?: be able to)?|bro|mate|dude|ngl|tbh|what on earth"
)
"""Regular expressions of what a request may begin with, without case."""
TAIL: Final = (
    r"pretty please|please|for me|real(?:ly)? quick(?:ly)?|quickly|quick|asap|rn|(?:right )?now|lol|haha|thanks(?: (?:a lot"
    r"|so much))?"
    r"|thank you(?: (?:so|very) much)?|cheers|ta|ok(?:ay)?|will you|would you|could you|can you"
    r"|if (?:you (?:would|could|can|please|don'?t mind|wouldn'?t mind|like)|possible|that'?s (?:ok(?:ay)?|alright|possible))"
    rf"|when you (?:can|get a (?:chance|minute|moment|sec(?:ond)?))|or nah|or not|or what|(?<=,)\s*{_DEAR}"
    rf"|there'?s a (?:dear|love)"
)
"""Regular expressions of what a request may end with, without case."""
_LEAD = re.compile(rf"^(?:(?:{LEAD})\b[\s,.!:…-]*)+(?=\w)", re.IGNORECASE)
_TAIL = re.compile(rf"(?:[\s,.!?…-]+(?:{TAIL})(?!\w)|[\s,.!…]+)+$", re.IGNORECASE)
_CLAUSE = re.compile(r"\s*(?:[.;!?]+(?=\s|$)|,|\s[-–—]\s)\s*(?:(?:so|and so|but|and|then)\b,?\s*)?", re.IGNORECASE)
_REMARK = re.compile(
    r"(?:[,.;!]\s+(?:honestly|seriously|really|ugh|sorry))?(?:\s*[,;.!…]+\s*|\?\s+|\s+[-–—]+\s+)(?:(?:and|but|so|because"
    r"|cause|cos|as|since|or|otherwise|or else|before|though)\s+)*"
    r"(?:i|it|that|this|he|she|they|we|you|there|(?:my|the|our|his|her|their)\s+\w+|everyone|everybody|nobody|\w+)"
    r"(?:'(?:m|s|re|ve|ll)\b|\s+(?:just\s+|always\s+|never\s+|only\s+|really\s+|still\s+)*(?:am|is|are|was|were"
    r"|have|has|had|do|does"
    r"|did|don'?t|doesn'?t|didn'?t|can|can'?t|cannot|could|couldn'?t|will|won'?t|wouldn'?t"
    r"|keep|keeps|kept|forgot|forget|forgets|hate|hates|might|must|should|shouldn'?t|look|looks"
    r"|got|get|gets|go"
    r"|goes|feel|feels|think|hope|know|knows|mean|swear|never|always)\b)[^,;.!?]*[.!]*$"
    r"|\s+(?:before i forget|while i remember|as i(?:'m| am| have|'ve)\b[^,;.!?]*|because\s+[^,;.!?]*|cos\s+[^,;.!?]*)[.!?]*$",
    re.IGNORECASE,
)
"""A last clause that says why, or how it is: "I keep putting it off", "it's costing me a fortune"."""
_ASKS_AFTER = re.compile(r"^(?:(?:so|and|but)\b,?\s+)?(?:i wonder|i was wondering|tell me|do you know)[,:]?\s+", re.IGNORECASE)


def core(words: str) -> str:
    """A request without the courtesies around it; the words themselves where nothing else is left."""
    left = _ASKS_AFTER.sub("", _TAIL.sub("", _LEAD.sub("", words.strip()))).strip()
    return left or words.strip()


def clauses(words: str) -> Iterator[str]:
    """The clauses of a sentence, without courtesies, from left to right."""
    for clause in _CLAUSE.split(words):
        if clause and clause.strip():
            yield core(clause)


def without_remark(words: str) -> str:
    """A request without the last clauses that only say why, or how things are."""
    kept = words
    while (match := _REMARK.search(kept)) is not None and kept[: match.start()].strip():
        kept = kept[: match.start()].rstrip()
    return kept
