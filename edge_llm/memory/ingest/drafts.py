"""Drafts made fit to be kept, and carried between two processes as JSON.

Readers yield what they find; here every text is cleaned, cut to the limits and given a locator of its own. What arrives
from the other process is checked field by field, because that process has read a hostile file. Knows no file format.

Texts keep what a person could have typed, bidirectional and zero-width characters included: they are content, searches
ignore them and displays escape them. Control characters, which only ever do harm, are dropped.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from edge_llm.memory.ingest.passages import Numbering, split_text
from edge_llm.memory.ingest.reader import Limits
from edge_llm.memory.items import KINDS, ROLES, Draft, Mention
from runtimes.errors import UnreadableFileError

LINE_CHARS = 500
"""Longest title, locator, thread, name and handle."""
ID_CHARS = 2_000
"""Longest external id."""
SWELLING = 64
"""What a file may say, in characters for each of its bytes; `SWELLING_FROM` characters are always allowed."""
SWELLING_FROM = 16 << 20
PEOPLE = 1_000
"""Most people of one item, and most handles of one of them."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class InvalidDraftError(ValueError):
    """What arrived is no draft."""


def clean(text: str) -> str:
    """Text as it is kept: newlines are \\n, surrogate pairs are joined and lone ones become U+FFFD, no control characters
    but newline and tab, nothing blank at either end."""
    if _ODD.search(text) is not None:
        if _SURROGATE.search(text) is not None:
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        text = _CONTROL.sub("", _BREAK.sub("\n", text))
    return text.strip().strip("\ufeff").strip()


def clean_line(text: str, limit: int = LINE_CHARS) -> str:
    """Text on one line of at most `limit` characters; what is longer keeps its beginning and a hash of the whole."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else f"{line[: limit - 18]}… {hashlib.sha256(line.encode()).hexdigest()[:16]}"


class DraftFinisher:
    """Makes the drafts of one file fit to be kept: clean, within the limits, each with a locator of its own.

    Args:
        file_bytes: how large the file is. No format says much more than it is long, unless it was made to.
    """

    def __init__(self, limits: Limits, file_bytes: int) -> None:
        self._limits = limits
        self._numbering = Numbering()
        self._items_left = limits.items
        self._most_chars = min(file_bytes + limits.expanded_bytes, max(file_bytes * SWELLING, SWELLING_FROM))
        self._chars_left = self._most_chars

    def finish(self, draft: Draft) -> Iterator[Draft]:
        """The draft, in several parts where its text is too long; nothing when it has neither text nor title.

        Raises:
            UnreadableFileError: the file has more items or more text than one may have.
        """
        title = clean_line(draft.title) or None if draft.title else None
        text = clean(draft.text) or title
        if not text:
            return
        place = clean_line(draft.locator) or "item"
        external_id = None if draft.external_id is None else clean_line(draft.external_id, ID_CHARS) or None
        thread = None if draft.thread is None else clean_line(draft.thread) or None
        time, end = _representable(draft.time), _representable(draft.end)
        people = tuple(_clean_mention(mention) for mention in draft.people[:PEOPLE])
        for number, part in enumerate(split_text(text, self._limits.item_chars), start=1):
            self._count(len(part))
            locator = self._numbering.unique(place if number == 1 else f"{place}, part {number}")
            yield Draft(part, draft.kind, locator, external_id, title, time, end, people, thread)

    def _count(self, chars: int) -> None:
        self._items_left -= 1
        self._chars_left -= chars
        if self._items_left < 0:
            raise UnreadableFileError(f"it has more than {self._limits.items:,} items")
        if self._chars_left < 0:
            raise UnreadableFileError(
                f"it says the same over and over: more than {self._most_chars:,} characters in so small a file"
            )


def _representable(time: datetime | None) -> datetime | None:
    """None for a time that has no counterpart in UTC: the first and the last hours of the calendar."""
    try:
        return None if time is None or time.astimezone(timezone.utc) is None else time
    except OverflowError:
        return None


def _clean_mention(mention: Mention) -> Mention:
    handles = tuple(handle for handle in map(clean_line, mention.handles[:PEOPLE]) if handle)
    name = clean_line(mention.name) if mention.name else ""
    return Mention(mention.role, name or None, handles, mention.is_owner)


def to_json(draft: Draft) -> bytes:
    """A finished draft as one line of UTF-8 JSON; fields that are empty are left out."""
    fields: dict[str, Any] = {"text": draft.text, "kind": draft.kind, "locator": draft.locator}
    for name in ("external_id", "title", "thread"):
        if (value := getattr(draft, name)) is not None:
            fields[name] = value
    if draft.time is not None:
        fields["time"] = draft.time.isoformat()
    if draft.end is not None:
        fields["end"] = draft.end.isoformat()
    if draft.people:
        fields["people"] = [[who.role, who.name, list(who.handles), who.is_owner] for who in draft.people]
    return _ENCODER.encode(fields).encode("utf-8")


def from_json(fields: Mapping[str, Any], limits: Limits) -> Draft:
    """The draft that `to_json` wrote.

    Raises:
        InvalidDraftError: a field is missing, unknown, of another type, too long or unclean. Names it.
    """
    unknown = fields.keys() - {"text", "kind", "locator", "external_id", "title", "thread", "time", "end", "people"}
    if unknown:
        raise InvalidDraftError(f"unknown field {sorted(unknown)[0]!r:.50}")
    if fields.get("kind") not in KINDS:
        raise InvalidDraftError("kind is none of the known ones")
    people = fields.get("people", [])
    if not isinstance(people, list) or len(people) > PEOPLE:
        raise InvalidDraftError("people is no list, or too long")
    return Draft(
        text=_text(fields.get("text"), "text", limits.item_chars),
        kind=fields["kind"],
        locator=_text(fields.get("locator"), "locator", LINE_CHARS + 40),
        external_id=_optional_text(fields.get("external_id"), "external_id", ID_CHARS),
        title=_optional_text(fields.get("title"), "title", LINE_CHARS),
        thread=_optional_text(fields.get("thread"), "thread", LINE_CHARS),
        time=_time(fields.get("time"), "time"),
        end=_time(fields.get("end"), "end"),
        people=tuple(map(_mention, people)),
    )


def _text(value: object, name: str, limit: int) -> str:
    if not isinstance(value, str):
        raise InvalidDraftError(f"{name} is no text")
    if not value.strip() or len(value) > limit or _ODD.search(value) is not None:
        raise InvalidDraftError(f"{name} is blank, longer than {limit:,} characters, or holds control characters")
    return value


def _optional_text(value: object, name: str, limit: int) -> str | None:
    return None if value is None else _text(value, name, limit)


def _time(value: object, name: str) -> datetime | None:
    if value is None:
        return None
    text = _text(value, name, 40)
    try:
        time = datetime.fromisoformat(text)
        time.astimezone(timezone.utc)
    except (OverflowError, ValueError) as error:
        raise InvalidDraftError(f"{name} is no time: {error}") from error
    if time.tzinfo is None:
        raise InvalidDraftError(f"{name} has no time zone")
    return time


def _mention(value: object) -> Mention:
    match value:
        case [str(role), name, [*handles], bool(is_owner)] if role in ROLES and len(handles) <= PEOPLE:
            checked = tuple(_text(handle, "handle", LINE_CHARS) for handle in handles)
            return Mention(role, _optional_text(name, "name", LINE_CHARS), checked, is_owner)
    raise InvalidDraftError("people holds something that is no person")
