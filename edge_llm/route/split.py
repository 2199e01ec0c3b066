"""Several requests in one sentence, taken apart in their order: "text Anna I'm late and then set a timer".

Knows the words that join requests and those that begin one. Where it is not clear whether words still belong to a message
that is being dictated, they do: splitting a message would send half of it.
"""

from __future__ import annotations

import re

from edge_llm.route.shared_verb import written_out
from edge_llm.route.split_chinese import split_chinese
from edge_llm.understand.courtesy import LEAD
from edge_llm.understand.cues import SOCIAL
from edge_llm.understand.language import has_cjk
from edge_llm.understand.spelling import spelt

_VERB = (
    r"(?:text|call|phone|ring|dial|message|email|e-mail|whatsapp|wechat|send|tell(?! (?:him|her|them))|let|set|start"
    r"|remind|wake|add|put|stick|pop|chuck|directions|book|reserve|order|buy|"
    r"get me|play|navigate|take me|show|find|search|google|look up|open|launch|schedule|arrange|create|make|write|note|"
    r"convert|calculate|translate|check|turn|share|save|remove|delete|draw|plot|give me|what|how|when|where|will it|is it|"
    r"throw|bung|whack|queue|fetch|get (?:us|directions)|look|see (?:what|if|how)|cross|tick|dial|pull up|cancel|do i"
    r"|have i|am i|did i)\b"
)
_THING = (
    r"(?:an?|another|the)\s+(?:\w+[\s-]+){0,2}?(?:taxi|cab|minicab|uber|alarm|timer|reminder|table|flight"
    r"|hotel(?: room)?|wake-?up call)\b"
    r"\s+(?:for|to|at|from|in|on|by)\b"
)
# What only the assistant can be asked to do: nobody dictates it to a friend.
_OWN = (
    r"(?:set (?:an?|the|my|another) (?:\w+ ){0,2}(?:timer|alarm|reminder)|start (?:an?|the) (?:\w+ ){0,2}timer|"
    r"remind me|wake me|play (?:some|my|me|the)\b|(?:throw|put|stick|pop) on (?:some|a bit of)\b|order me"
    r"|get me an? (?:taxi|cab|uber|ride)|book (?:me|an?)\b|"
    r"add .{1,60} to (?:my|the) |"
    r"put .{1,60} on (?:my|the) |navigate|(?:get (?:me )?|give me |show me |find me )?(?:directions to|the (?:way"
    r"|route) to)|call an? (?:taxi|cab|uber)"
    rf"|open (?:up )?(?:the \w+|{SOCIAL}|spotify|youtube|netflix|maps|settings)|turn (?:on|off)|"
    r"(?:tell me|show me) (?:what|how|the|if|whether)|what(?:'s| is| will) the (?:weather|forecast|time)|how do i get|"
    r"(?P<reach>(?:text|call|email|message|whatsapp|phone) (?!me\b|him\b|her\b|them\b|us\b|you\b|it\b)\w+))"
)
_DICTATED = re.compile(
    r"\b(?:text|tell|message|email|e-mail|whatsapp|wechat|write|saying|says|say|let \w+ know|send|remind|note|translate)\b",
    re.I,
)
_WRITES = re.compile(
    rf"(?:(?:{LEAD})\b\W*)*(?:text|tell|message|e-?mail|whatsapp|wechat|write|say|let|send|note|translate|ask|drop"
    rf"|reply)\b",
    re.I,
)
"""Whose words are somebody's to read."""
_ERRAND = re.compile(r"\b(?:remind|tell|ask|note|todo|to-do|task)\b", re.I)
"""What somebody is to do may well be a call: "remind me to buy milk and call mom"."""
_POLITE = r"(?:please |also |can you |could you |i need you to )*"
_THEN = re.compile(
    rf"\s*(?:[,;.]\s*|\s)(?:and |but )?(?:then|after that|afterwards|and also|also)[,]?\s+(?={_POLITE}{_VERB})", re.I
)
_THEN_OWN = re.compile(_THEN.pattern.replace(_VERB, _OWN), re.I)
_AND = re.compile(rf"\s*(?:[;,.]\s*(?:and\s+|plus\s+)?|\s+(?:and|plus)\s+)(?={_POLITE}(?:{_VERB}|{_THING}))", re.I)
_AND_OWN = re.compile(rf"\s*(?:[;,.]\s*(?:and\s+)?|\s+and\s+)(?={_POLITE}{_OWN})", re.I)
_OF_IT = re.compile(r"(?:so )?(?:what|how)\b[^,.;]*\b(?:it|that|this|they|those)\b", re.I)
"""A question about what was just said."""
_QUOTED = re.compile("\"[^\"]*\"|“[^”]*”|「[^」]*」|『[^』]*』|‘[^’]*’|(?<!\\w)'[^']*'(?!\\w)")


def split_requests(words: str) -> list[str]:
    """The requests in a sentence, in order; the whole sentence where it is one, nothing where it is blank.

    Words in quotation marks stay together, and short forms ("n" for "and") stay as they were typed.
    """
    said = spelt(words.strip())
    parts = [said.text]
    for joint, joint_own, dictated in (
        (_THEN, _THEN_OWN, _DICTATED),
        (_AND, _AND_OWN, _DICTATED),
    ):
        parts = [piece for part in parts for piece in _cut(part, joint, joint_own, dictated)]
    parts = [piece for part in parts for piece in (split_chinese(part) if has_cjk(part) else _english(part))]
    return [said.as_typed(part) for part in parts]


def _english(text: str) -> list[str]:
    """The requests of a part that share a verb, written out; what is dictated stays."""
    return [text] if _WRITES.match(text) else written_out(text)


def _cut(text: str, joint: re.Pattern[str], joint_own: re.Pattern[str], dictated: re.Pattern[str]) -> list[str]:
    """`text` cut at its joints; in what may be dictated, only at those of `joint_own`."""
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    pieces, start = [], 0
    for match in joint.finditer(text):
        before = text[start : match.start()]
        if not before.strip(" ,;.，；。") or any(left < match.end() and match.start() < right for left, right in quoted):
            continue
        if _OF_IT.match(text, match.end()) and " and " not in match[0]:  # "twelve miles, how many kilometers is that"
            continue
        if dictated.search(before):
            own = joint_own.match(text, match.start())
            if own is None or (own.groupdict().get("reach") and _ERRAND.search(before)):
                continue
        pieces.append(before.strip(" ,;.，；。"))
        start = match.end()
    return [*pieces, text[start:].strip()] if text[start:].strip() else pieces
