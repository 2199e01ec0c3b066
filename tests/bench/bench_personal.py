"""Personal formats and who is who: how fast a made-up person's data is read, linked and told apart, and how rightly.

    python -m tests.bench.bench_personal [--messages 10000] [--people 200] [--seed 7] [--json]

Reads generated files of each format in this process, links what they mention in an encrypted store's tables in memory, and
compares the people found with those who were made up: each should be one person with all their numbers and addresses.
Times are of the processor, so that other programs do not count.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timezone
from pathlib import Path

import apsw

from edge_llm.memory import people, schema
from edge_llm.memory.ingest.formats import named_reader
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft
from tests import personal_data

Made = Callable[[int, Sequence[personal_data.Persona]], bytes]
FORMATS: Mapping[str, Made] = {
    "vcard": lambda _count, known: personal_data.address_book(known, "2.1"),
    "sms": lambda count, known: personal_data.sms_backup(personal_data.messages(count, people=known)),
    "mbox": lambda count, known: personal_data.mailbox(count, people=known),
    "records": lambda count, known: personal_data.records(personal_data.messages(count, people=known)),
    "whatsapp": lambda count, known: personal_data.whatsapp_export(personal_data.messages(count, people=known[:1])),
    "icalendar": lambda count, known: personal_data.calendar(count // 4, people=known),
}


def linked(drafts: Sequence[Draft]) -> tuple[apsw.Connection, float]:
    """The tables with everyone the drafts mention, and the seconds it took."""
    connection = apsw.Connection(":memory:")
    schema.migrate(connection)
    begun = time.process_time()
    with connection:
        for number, draft in enumerate(drafts, start=1):
            connection.execute(
                "INSERT INTO items(id, source_id, ordinal, locator_key, kind, added, hash, generation, sealed)"
                " VALUES(?1, 1, ?1, ?1, 'note', 0, x'00', 1, x'00')",
                (number,),
            )
            people.link(connection, number, draft.people)
    return connection, time.process_time() - begun


def judged(connection: apsw.Connection, known: Sequence[personal_data.Persona]) -> dict[str, float]:
    """How many made-up people are exactly one person with all their handles, and how many people nobody made up."""
    found = people.everyone(connection)
    wanted = {(one.mail, one.phone.replace(" ", "")) for one in known}
    whole = [one for one in found if tuple(sorted(one.handles, reverse=True)) in wanted]
    strangers = [one for one in found if not one.is_owner and one not in whole]
    return {"people": len(found), "whole": len(whole), "made": len(known), "not_made": len(strangers)}


def measure(count: int, number: int, seed: int) -> dict[str, object]:
    """Every figure of the bench."""
    known = personal_data.personas(number, seed)
    rows, everything = [], []
    for name, make in FORMATS.items():
        data = make(count, known)
        path = Path(f"WhatsApp Chat with {known[0].name}.txt" if name == "whatsapp" else f"a.{name}")
        begun = time.process_time()
        drafts = list(named_reader(name).read(io.BytesIO(data), Reading(path, timezone.utc, personal_data.OWNER)))
        rows.append({"format": name, "bytes": len(data), "items": len(drafts), "seconds": time.process_time() - begun})
        everything += drafts
    connection, seconds = linked(everything)
    begun = time.process_time()
    people.involved(connection, range(len(everything) - 10, len(everything)))
    involved_ms = (time.process_time() - begun) * 1000
    begun = time.process_time()
    people.find(connection, known[1].name)
    find_ms = (time.process_time() - begun) * 1000
    mentions = connection.execute("SELECT count(*) FROM mentions").get
    identity = {
        "items": len(everything),
        "mentions": mentions,
        "link_s": seconds,
        "involved_ms": involved_ms,
        "find_ms": find_ms,
    }
    return {"formats": rows, "identity": identity, "judged": judged(connection, known)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the bench and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(options.messages, options.people, options.seed)
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for row in figures["formats"]:  # type: ignore[attr-defined]
        print(f"{row['format']:<10} {row['items']:>7} items  {row['bytes'] / 1e6:>6.1f} MB  {row['seconds']:>6.2f} s")
    print(figures["identity"])
    print(figures["judged"])


if __name__ == "__main__":
    main()
