"""Requests that share a verb or a thing: "a timer for 10 minutes and another for 25", "remind me at two to ring the vet and at
five to feed the fish". Each is written out, so that it can be read by itself.
"""

from __future__ import annotations

import re
from typing import Final

_HOUR: Final = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_NUMBER: Final = (
    rf"(?:\d|{_HOUR}\b|half\b|quarter\b|a quarter\b|noon\b|midday\b|midnight\b|an?\s+(?:half\s+)?hour\b|fifteen\b|twenty\b"
    r"|thirty\b|forty\b|fifty\b|sixty\b|ninety\b)"
)
_DAY: Final = (
    r"(?:tomorrow|tonight|today|this|next|every|each|on\s+(?:\w+day|weekdays|the)|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|in the (?:morning|afternoon|evening))"
)
_JOINT: Final = r"(?:\s*,\s*(?:and\s+|plus\s+)?|\s+(?:and|plus|&)\s+)(?:(?:then|also|maybe|again|after that)\s+)*"
_ANOTHER = re.compile(
    rf"^(?P<head>.*\b(?P<thing>timer|alarm|reminder)\b.*?){_JOINT}(?:set\s+)?(?:(?:(?:an?|the)\s+)?(?:another|second"
    rf"|other|further|extra)"
    rf"(?:\s+(?:one|timer|alarm|reminder))?\s+(?P<rest>\S.*)|(?:an?|the)\s+(?P<kind>[\w-]+(?:\s+[\w-]+)?)\s+one\b(?P<after>.*)"
    rf"|one\s+(?P<one>(?:for|at|in|to)\s+\S.*))$",
    re.IGNORECASE,
)
"""The thing is said once: "a timer for 10 minutes and another for 25", "a five minute timer and a twelve minute one"."""
_PLURAL = re.compile(
    r"^(?P<head>.*\b(?P<thing>timer|alarm|reminder|wake-?up)s\b)(?:\s+please)?\s*[,:]?\s*(?:at|for|of|to go off at)?\s*"
    rf"(?P<values>(?:one\s+)?(?:(?:at|for|in)\s+)?{_NUMBER}.*)$",
    re.IGNORECASE,
)
_WAKES = re.compile(
    rf"^(?P<head>.*\b(?:wake|get|call) (?:me|us)(?:\s+up)?\b|.*\balarms?\b(?:\s+(?:set|please))?)\s+"
    rf"(?P<values>(?:at|for)\s+{_NUMBER}.*)$",
    re.IGNORECASE,
)
_VALUES = re.compile(rf"{_JOINT}(?:(?:one|another)\s+)?(?:(?:at|for|in)\s+)?(?={_NUMBER})", re.IGNORECASE)
_VALUE_LEAD = re.compile(r"^(?:(?:one|another|again)\s+)?(?:(?:at|for|in|of)\s+)?", re.IGNORECASE)
_CLOCK = re.compile(
    rf"^(?:at\s+|for\s+)?(?:(?:\d{{1,2}}|{_HOUR})(?:[:. ]?[0-5]\d|[- ](?:thirty|fifteen"
    rf"|forty[- ]five))?(?:\s*[ap]\.?m\.?|\s*o'?clock)?"
    rf"|(?:an?\s+)?(?:half|quarter|ten|twenty|five|\d+)(?:[- ]five)?(?:\s+(?:past|to))?(?:\s+(?:\d{{1,2}}|{_HOUR}))?"
    rf"|noon|midday|midnight)"
    rf"(?:\s+(?:again|please|{_DAY}.*))?[.!?]*$",
    re.IGNORECASE,
)
_LENGTH = re.compile(r"(?:seconds?|secs?|minutes?|mins?|hours?|hrs?)\b", re.IGNORECASE)
_BARE_NUMBER = re.compile(
    rf"^(?:for\s+)?(?:\d{{1,3}}|{_HOUR}|fifteen|twenty|thirty|forty|fifty|sixty"
    rf"|ninety)(?:[- ]five)?(?=\W*$|\s+for\b)",
    re.I,
)
_PAST = re.compile(
    r"\b(?P<part>quarter|half|ten|twenty|five|twenty[- ]five)\s+past\b(?!\s+(?:\d|" + _HOUR + r"))", re.IGNORECASE
)
_TIMED: Final = rf"(?:(?:at|in|by|on|around)\s+\S+(?:\s+\S+){{0,3}}?|{_DAY}(?:\s+\S+){{0,3}}?)"
_REMINDED = re.compile(
    rf"^(?P<head>.*?\bremind (?:me"
    rf"|us))\s+(?P<first>{_TIMED}\s+to\s+.+?){_JOINT}(?P<second>{_TIMED}\s+to\s+[a-z].*)$",
    re.IGNORECASE,
)
_REMINDED_AT = re.compile(
    rf"^(?P<head>.*?\bremind (?:me|us))\s+(?P<first>to\s+.+?\s(?:at"
    rf"|by)\s+\S+(?:\s+\S+){{0,2}}?){_JOINT}(?P<second>(?:to\s+)?[a-z].*"
    rf"\s(?:at|by)\s+{_NUMBER}\S*(?:\s+\S+){{0,2}})$",
    re.IGNORECASE,
)
"""As in "to take my tablet at two and ring Mum at six"."""


def written_out(words: str) -> list[str]:
    """The requests of an English sentence that share a verb or a thing, each whole; the sentence itself where it is one."""
    reminded = _REMINDED.match(words)
    if reminded is not None:
        head = reminded["head"]
        return [f"{head} {reminded['first']}", f"remind me {reminded['second']}"]
    timed = _REMINDED_AT.match(words)
    if timed is not None:
        return [f"{timed['head']} {timed['first']}", f"remind me to {re.sub('^to ', '', timed['second'], flags=re.IGNORECASE)}"]
    another = _ANOTHER.match(words)
    if another is not None:
        return _another(another)
    plural = _PLURAL.match(words)
    if plural is not None:
        return _each(
            plural["values"], f"set a {plural['thing']} for" if plural["thing"].lower() != "alarm" else "set an alarm for"
        ) or [words]
    wakes = _WAKES.match(words)
    if wakes is not None and all(_CLOCK.match(_VALUE_LEAD.sub("", one)) for one in _VALUES.split(wakes["values"])):
        head = wakes["head"] if re.search(r"(?:wake|get|call) ", wakes["head"], re.IGNORECASE) else "set an alarm"
        return _each(wakes["values"], f"{head} at") or [words]
    return [words]


def _another(match: re.Match[str]) -> list[str]:
    head, thing = match["head"], match["thing"].lower()
    if match["kind"] is not None:
        return [head, f"set a {match['kind']} {thing}{match['after']}"]
    rest = match["rest"] or match["one"]
    hour = re.search(rf"\b(?:\d{{1,2}}|{_HOUR})\b", head, re.IGNORECASE)
    if hour is not None and thing == "alarm":
        rest = _PAST.sub(rf"\g<part> past {hour[0]}", rest)
    unit = None if thing != "timer" or _LENGTH.search(rest) else _LENGTH.search(head)
    if unit is not None and (bare := _BARE_NUMBER.match(rest)) is not None:
        rest = f"{bare[0]} {unit[0]}{rest[bare.end() :]}"
    article = "an" if thing == "alarm" else "a"
    return [head, f"set {article} {thing} {rest}"]


def _each(values: str, head: str) -> list[str]:
    """`head` before every value; nothing where there is one. The day that one of them is on is that of all."""
    parts = [_VALUE_LEAD.sub("", one.strip(" ,.!?")) for one in _VALUES.split(values)]
    if len(parts) < 2:
        return []
    day = re.search(rf"\s+{_DAY}.*$", parts[-1], re.IGNORECASE)
    unit = _LENGTH.search(values)
    whole: list[str] = []
    hour = None
    for part in parts:
        said = part if day is None or re.search(rf"\b{_DAY}", part, re.IGNORECASE) else part + day[0]
        if unit is not None and _LENGTH.search(said) is None and (bare := _BARE_NUMBER.match(said)) is not None:
            said = f"{bare[0]} {unit[0]}{said[bare.end() :]}"
        if hour is not None:
            said = _PAST.sub(rf"\g<part> past {hour}", said)
        number = re.search(rf"\d{{1,2}}|{_HOUR}", part, re.IGNORECASE)
        hour = hour if number is None else number[0]
        whole.append(f"{head} {said}")
    return whole
