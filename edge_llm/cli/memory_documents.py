"""What memory holds as JSON and as lines for people. Text from outside is shown so that nothing in it is hidden."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_llm.cli.output import say
from edge_llm.hidden import escape_in_json, show_hidden
from runtimes.errors import InputError, StorageError

if TYPE_CHECKING:
    from edge_llm.memory.items import Hit, Involved, Item, Person, Source

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LINE_CHARS = 300


def say_document(document: Any, *, one_line: bool = False) -> None:
    """Print a JSON document whose strings come from outside: what is hidden in them is escaped, their value is the same."""
    text = json.dumps(document, indent=None if one_line else 2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(escape_in_json(text) + "\n")
    sys.stdout.flush()


def say_text(text: str = "") -> None:
    """Print text from outside on stdout, with what is hidden in it written out."""
    say(show_hidden(text))


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document to a new file. Raises StorageError."""
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(json.dumps(document, indent=2) + "\n")
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror or error}.") from error


def item_document(item: Item) -> dict[str, Any]:
    """An item as JSON. Times are ISO 8601 in UTC."""
    return {
        "id": item.id,
        "kind": item.kind,
        "text": item.text,
        "title": item.title,
        "source": item.source.name,
        "format": item.source.format,
        "locator": item.locator,
        "external_id": item.external_id,
        "time": _iso(item.time),
        "end": _iso(item.end),
        "people": [_involved_document(part) for part in item.people],
        "hash": item.hash,
    }


def hit_document(hit: Hit) -> dict[str, Any]:
    """A hit as JSON: its item, why it is one, and its neighbours."""
    return {
        **item_document(hit.item),
        "score": hit.score,
        "why": hit.why,
        "parts": dict(hit.parts),
        "spans": [[span.start, span.end] for span in hit.spans],
        "neighbours": {
            "before": [item_document(item) for item in hit.before],
            "after": [item_document(item) for item in hit.after],
        },
    }


def source_document(source: Source) -> dict[str, Any]:
    """A source as JSON."""
    return {
        "id": source.id,
        "name": source.name,
        "format": source.format,
        "items": source.items,
        "bytes": source.bytes,
        "added": _iso(source.added),
        "keep_days": source.keep_days,
    }


def person_document(person: Person) -> dict[str, Any]:
    """A person as JSON."""
    return {
        "id": person.id,
        "name": person.name,
        "names": list(person.names),
        "handles": list(person.handles),
        "is_owner": person.is_owner,
    }


def heading(item: Item) -> str:
    """One line about an item: its id, when, who, what kind and where from."""
    facts = [f"[{item.id}]"]
    if item.time is not None:
        facts.append(f"{item.time.astimezone():%Y-%m-%d %H:%M}")
    senders = _names(item.people, "from")
    receivers = _names(item.people, "to")
    if senders or receivers:
        facts.append(f"{senders} → {receivers}" if senders and receivers else senders or f"→ {receivers}")
    facts.append(f"{item.kind} in {item.source.name} ({item.locator})")
    return "  ".join(facts)


def one_line(item: Item) -> str:
    """The beginning of an item, its title first, on one line."""
    text = " ".join(f"{item.title + ': ' if item.title else ''}{item.text}".split())
    return text if len(text) <= _LINE_CHARS else text[: _LINE_CHARS - 2] + " …"


def parse_time(text: str | None, option: str, *, end: bool = False) -> datetime | None:
    """A time as a person writes it; without a zone it is this machine's.

    Args:
        end: a day without a time of day means its end.

    Raises:
        InputError: it says no time.
    """
    if text is None:
        return None
    try:
        found: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        import dateparser

        found = dateparser.parse(text, settings={"RETURN_AS_TIMEZONE_AWARE": True, "PREFER_DATES_FROM": "past"})
    if found is None:
        raise InputError(f"{option} {text!r} is no time. Write 2024-05-31, 2024-05-31T18:00, or words such as `last Monday`.")
    if end and _DAY.fullmatch(text.strip()):
        found += timedelta(days=1)
    return found.astimezone()


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _names(people: Sequence[Involved], role: str) -> str:
    return ", ".join("me" if part.person.is_owner else part.person.name for part in people if part.role == role)


def _involved_document(part: Involved) -> dict[str, Any]:
    return {"id": part.person.id, "name": part.person.name, "role": part.role, "is_owner": part.person.is_owner}
