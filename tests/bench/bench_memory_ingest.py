"""How long it takes to take in 10,000 messages with the default embedder, and to add the same folder again.

    python -m tests.bench.bench_memory_ingest [--messages N] [--json]

Makes a folder of one person's messages, half in English and half in Chinese, from a seed (nobody real): an SMS backup, two
WhatsApp exports, a mailbox, single mails, JSON Lines and notes in Markdown. Exit code 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from time import perf_counter
from xml.sax.saxutils import quoteattr

from edge_llm.memory import Memory
from edge_llm.progress import Progress
from runtimes.memory import peak_memory_bytes

FIRST_S, AGAIN_S = 60.0, 2.0
"""Bounds for 10,000 messages on two cores."""
_START = datetime(2023, 1, 1, 8, tzinfo=timezone.utc)
_PEOPLE = ("Anna Lee", "Ben Wu", "Katharina Braun", "Omar Haddad", "王小明", "李静", "赵一鸣", "陈雨桐")
_ENGLISH = (
    ("I", "we", "the neighbours", "my sister", "Katharina", "the plumber", "our landlord", "grandma"),
    ("will bring", "forgot", "just booked", "cannot find", "asked about", "paid for", "moved", "promised"),
    ("the train tickets", "a table for six", "the dentist appointment", "the blue suitcase", "the insurance papers"),
    ("on Tuesday", "tonight", "next weekend", "before the holidays", "at half past nine", "for the birthday"),
    ("so please call me back.", "and it costs 48 euros.", "because of the rain.", "near the harbour.", "as we said."),
)
_CHINESE = (
    ("我", "我们", "妈妈", "小明", "楼下的邻居", "王老师", "医生", "房东"),
    ("下周三", "今天晚上", "周末", "春节以前", "明天早上九点", "月底"),
    ("要去", "忘了带", "已经订好", "找不到", "问了一下", "付了"),
    ("高铁票", "护照和签证", "那家火锅店", "牙医的预约", "蓝色的行李箱", "保险合同"),
    ("记得给我回电话。", "一共四十八块。", "因为下雨。", "就在外滩附近。", "跟上次说的一样。"),
)


def sentence(chance: random.Random) -> str:
    """Something that somebody might write."""
    chinese = chance.random() < 0.5
    parts = [chance.choice(options) for options in (_CHINESE if chinese else _ENGLISH)]
    return ("" if chinese else " ").join(parts) + ("" if chinese else f" {chance.randint(2, 99)}")


def times(chance: random.Random) -> Iterator[datetime]:
    """Later and later."""
    now = _START
    while True:
        now += timedelta(minutes=chance.randint(1, 180))
        yield now


def write_folder(folder: Path, messages: int, seed: int = 7) -> int:
    """Write about so many messages into a new folder; returns how many items they make."""
    chance = random.Random(seed)
    when = times(chance)
    tenth = max(messages // 10, 1)
    _write_sms(folder / "sms.xml", chance, when, 3 * tenth)
    _write_whatsapp(folder / "WhatsApp Chat with Anna Lee.txt", chance, when, "Anna Lee", 2 * tenth)
    _write_whatsapp(folder / "WhatsApp Chat with 王小明.txt", chance, when, "王小明", tenth)
    _write_mbox(folder / "archive.mbox", chance, when, 2 * tenth)
    (folder / "mails").mkdir()
    for number in range(tenth // 2):
        (folder / "mails" / f"{number:05}.eml").write_bytes(bytes(_mail(chance, next(when), number)))
    records = [
        {"id": f"r{number}", "text": sentence(chance), "time": next(when).isoformat(), "people": [chance.choice(_PEOPLE)]}
        for number in range(tenth)
    ]
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (folder / "notes of an app.jsonl").write_text(lines, encoding="utf-8")
    notes = tenth // 2
    for number in range(max(notes // 10, 1)):
        sections = "".join(f"## Note {number}.{part}\n\n{sentence(chance)} {sentence(chance)}\n\n" for part in range(10))
        (folder / f"note {number:04}.md").write_text(sections, encoding="utf-8")
    return 3 * tenth + 3 * tenth + 2 * tenth + tenth // 2 + tenth + max(notes // 10, 1) * 10


def _write_sms(path: Path, chance: random.Random, when: Iterator[datetime], count: int) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(f"<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<smses count=\"{count}\">\n")
        for _ in range(count):
            person = chance.randrange(len(_PEOPLE))
            stream.write(
                f'<sms protocol="0" address="+4915112345{person:02}" date="{int(next(when).timestamp() * 1000)}"'
                f' type="{chance.choice((1, 2))}" body={quoteattr(sentence(chance))} read="1" status="-1"'
                f" contact_name={quoteattr(_PEOPLE[person])} />\n"
            )
        stream.write("</smses>\n")


def _write_whatsapp(path: Path, chance: random.Random, when: Iterator[datetime], other: str, count: int) -> None:
    with path.open("w", encoding="utf-8") as stream:
        for _ in range(count):
            sender = chance.choice((other, "Me Myself"))
            stream.write(f"{next(when):%d.%m.%y, %H:%M} - {sender}: {sentence(chance)}\n")


def _write_mbox(path: Path, chance: random.Random, when: Iterator[datetime], count: int) -> None:
    with path.open("wb") as stream:
        for number in range(count):
            stream.write(b"From someone@example.org Thu Jan  1 00:00:00 2023\n")
            stream.write(bytes(_mail(chance, next(when), number)).replace(b"\nFrom ", b"\n>From ") + b"\n")


def _mail(chance: random.Random, when: datetime, number: int) -> EmailMessage:
    message = EmailMessage()
    sender = chance.randrange(len(_PEOPLE))
    message["From"] = f"{_PEOPLE[sender]} <person{sender}@example.org>"
    message["To"] = "Me Myself <me@example.org>"
    message["Subject"] = sentence(chance)
    message["Date"] = format_datetime(when)
    message["Message-ID"] = f"<{number}.{when:%Y%m%d%H%M}@example.org>"
    message.set_content("\n".join(sentence(chance) for _ in range(chance.randint(1, 5))) + "\n")
    return message


def measure(messages: int, folder: Path) -> dict[str, float]:
    """Seconds and counts of adding a folder of messages, and of adding it again."""
    source = folder / "messages"
    source.mkdir()
    expected = write_folder(source, messages)
    began_embedding = 0.0

    def watch(step: Progress) -> None:
        nonlocal began_embedding
        if step.stage == "embed" and not began_embedding:
            began_embedding = perf_counter()

    with Memory.open(folder / "memory.db", key=bytes(32)) as memory:
        began, cpu_began = perf_counter(), _cpu_s()
        added = memory.add(source, owner=("Me Myself",), timezone="Europe/Berlin", progress=watch)
        ended, cpu_s = perf_counter(), _cpu_s() - cpu_began
    with Memory.open(folder / "memory.db", key=bytes(32)) as memory:
        again_began = perf_counter()
        again = memory.add(source, owner=("Me Myself",), timezone="Europe/Berlin")
        again_s = perf_counter() - again_began
        size = memory.stats().bytes
    if added.failures or added.added != expected or again.added or again.files:
        raise SystemExit(f"{expected} items were expected; {added} and then {again}")
    return {
        "items": added.added,
        "files": added.files,
        "embedded": added.embedded,
        "first_s": ended - began,
        "cpu_s": cpu_s,
        "read_and_store_s": (began_embedding or ended) - began,
        "embed_s": ended - (began_embedding or ended),
        "again_s": again_s,
        "store_bytes": size,
        "source_bytes": sum(path.stat().st_size for path in source.rglob("*") if path.is_file()),
        "peak_rss_bytes": peak_memory_bytes(),
    }


def _cpu_s() -> float:
    """Processor time of this process and of the readers that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 1 when a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options.messages, Path(folder))
    scale = max(options.messages / 10_000, 1.0)
    met = found["first_s"] <= FIRST_S * scale and found["again_s"] <= AGAIN_S * scale
    if options.json:
        print(json.dumps({**found, "met": met}, indent=2))
    else:
        for name, value in found.items():
            print(f"{name:<18} {value:>14,.2f}" if name.endswith("_s") else f"{name:<18} {value:>14,}")
        print(f"bounds: {FIRST_S * scale:.0f} s and {AGAIN_S * scale:.0f} s: {'met' if met else 'MISSED'}", file=sys.stderr)
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
