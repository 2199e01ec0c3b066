"""`edge-llm memory search`, `show` and `list`: what memory has."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edge_llm.cli import options
from edge_llm.cli.memory_documents import (
    heading,
    hit_document,
    item_document,
    one_line,
    parse_time,
    person_document,
    say_document,
    say_text,
    source_document,
)
from edge_llm.cli.memory_opening import StoreChoice, open_memory
from edge_llm.cli.output import in_bytes, note

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.text import Text

    from edge_llm.memory.items import Hit, Item, Span
    from edge_llm.memory.memory import Memory
    from edge_llm.memory.search import Reranker

_EXCERPT = 400
_PINYIN = {"auto": None, "always": True, "never": False}


def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words, a question, a time such as `last Tuesday`.")],
    k: Annotated[int, typer.Option("-k", "--limit", metavar="N", min=1, help="Most hits.")] = 10,
    source: options.OfSource = None,
    person: options.OfPerson = None,
    since: options.Since = None,
    until: options.Until = None,
    kind: options.OfKind = None,
    context: Annotated[bool, typer.Option("--context", help="Show what stands before and after each hit.")] = False,
    rerank: Annotated[
        str | None, typer.Option("--rerank", metavar="MODEL", help="A chat model that judges the first ten hits again.")
    ] = None,
    pinyin: Annotated[
        Literal["auto", "always", "never"],
        typer.Option(
            "--pinyin", metavar="WHEN", help="Read Latin letters as pinyin: always, never, or auto: if not found as typed."
        ),
    ] = "auto",
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """Find items by words and by meaning, in any of the languages they are written in.

    A time in TEXT (`last Tuesday`, `上周三`) narrows the search to it. Each hit says why it is one.

    Examples:
        edge-llm memory search "when is the dentist?"
        edge-llm memory search "flight to Osaka" --person "Anna Lee" --since 2024-01-01 -k 5
        edge-llm memory search 护照 --json
        edge-llm memory search huzhao --pinyin always
        edge-llm memory search "what did Anna say about the flat?" --rerank smollm2-135m-instruct
    """
    with open_memory(StoreChoice(store, key_file, passphrase, home), read_only=True) as memory, _judge(rerank, home) as judge:
        hits = memory.search(
            text,
            k,
            source=source,
            person=person,
            since=parse_time(since, "--since"),
            until=parse_time(until, "--until", end=True),
            kind=kind,
            reranker=judge,
            pinyin=_PINYIN[pinyin],
        )
    if as_json:
        say_document({"query": text, "hits": [hit_document(hit) for hit in hits]})
        return
    for hit in hits:
        _print_hit(hit, context=context)
    if not hits:
        note("Nothing was found.")


@contextmanager
def _judge(model: str | None, home: Path | None) -> Iterator[Reranker | None]:
    """The model that reads hits again, loaded; None where none was named."""
    if model is None:
        yield None
        return
    from edge_llm.cli.opening import open_model
    from edge_llm.memory.model_reranker import ModelReranker

    with open_model(model, runtime=None, threads=None, context_length=None, home=home) as loaded:
        yield ModelReranker(loaded)


def show(
    ids: Annotated[list[int], typer.Argument(metavar="ID...", help="Items, by the number that search and list show.")],
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """Show items whole: text, source and place, time, people.

    Examples:
        edge-llm memory show 12
        edge-llm memory show 12 13 --json
    """
    with open_memory(StoreChoice(store, key_file, passphrase, home), read_only=True) as memory:
        items = [memory.show(number) for number in ids]
    if as_json:
        say_document({"items": [item_document(item) for item in items]})
        return
    for item in items:
        say_text(heading(item))
        if item.title:
            say_text(item.title)
        say_text(item.text)
        say_text()


def list_(
    what: Annotated[
        Literal["items", "sources", "people", "chats"],
        typer.Argument(metavar="WHAT", help="items, sources, people, or chats that were kept."),
    ] = "items",
    source: options.OfSource = None,
    person: options.OfPerson = None,
    since: options.Since = None,
    until: options.Until = None,
    kind: options.OfKind = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Most items.")] = 50,
    offset: Annotated[int, typer.Option("--offset", metavar="N", min=0, help="Items to pass over first.")] = 0,
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """List what is in memory: items (the latest first), sources, people, or kept conversations.

    The filters and --limit are for items.

    Examples:
        edge-llm memory list sources
        edge-llm memory list --person "Anna Lee" --kind mail --since "last month"
        edge-llm memory list people --json
    """
    with open_memory(StoreChoice(store, key_file, passphrase, home), read_only=True) as memory:
        if what == "items":
            items = memory.list(
                source=source,
                person=person,
                since=parse_time(since, "--since"),
                until=parse_time(until, "--until", end=True),
                kind=kind,
                limit=limit,
                offset=offset,
            )
            _print_items(items, as_json=as_json)
        elif what == "sources":
            _print_sources(memory, as_json=as_json)
        elif what == "people":
            _print_people(memory, as_json=as_json)
        else:
            _print_chats(memory, as_json=as_json)


def _print_items(items: Sequence[Item], *, as_json: bool) -> None:
    if as_json:
        say_document({"items": [item_document(item) for item in items]})
        return
    for item in items:
        say_text(heading(item))
        say_text(f"     {one_line(item)}")


def _print_sources(memory: Memory, *, as_json: bool) -> None:
    sources = memory.sources()
    if as_json:
        say_document({"sources": [source_document(source) for source in sources]})
        return
    for source in sources:
        kept = "" if source.keep_days is None else f", kept {source.keep_days} days"
        say_text(f"{source.items:>7}  {source.format:<10} {source.name} ({in_bytes(source.bytes)}{kept})")


def _print_people(memory: Memory, *, as_json: bool) -> None:
    people = memory.people()
    if as_json:
        say_document({"people": [person_document(person) for person in people]})
        return
    for person in people:
        others = ", ".join((*(name for name in person.names if name != person.name), *person.handles))
        say_text(f"{person.id:>7}  {person.name}{' (you)' if person.is_owner else ''}{': ' + others if others else ''}")


def _print_chats(memory: Memory, *, as_json: bool) -> None:
    names = memory.chats.names()
    if as_json:
        say_document({"chats": names})
        return
    for name in names:
        say_text(name)


def _print_hit(hit: Hit, *, context: bool) -> None:
    say_text(heading(hit.item))
    if hit.item.title:
        say_text(f"     {' '.join(hit.item.title.split())}")
    for item in hit.before if context else ():
        say_text(f"   - {one_line(item)}")
    _say_marked(hit.item.text, hit.spans)
    for item in hit.after if context else ():
        say_text(f"   + {one_line(item)}")
    note(f"     {hit.why}  (score {hit.score:.3f})")


def _say_marked(text: str, spans: Sequence[Span]) -> None:
    """The part of a text around the first thing that was found; what was found is bold on a terminal."""
    begin = max(0, spans[0].start - _EXCERPT // 4) if spans else 0
    end = min(len(text), begin + _EXCERPT)
    if not sys.stdout.isatty():
        say_text("     " + " ".join(_cut(text, begin, end).split()))
        return
    from rich.console import Console

    Console(highlight=False).print(_marked(text, spans, begin, end), soft_wrap=True)


def _marked(text: str, spans: Sequence[Span], begin: int, end: int) -> Text:
    from rich.text import Text

    from edge_llm.hidden import show_hidden

    shown = Text("     … " if begin else "     ")
    place = begin
    for span in sorted(spans, key=lambda span: span.start):
        if span.end > place and span.start < end:
            start, stop = max(span.start, place), min(span.end, end)
            shown.append(show_hidden(text[place:start]).replace("\n", " "))
            shown.append(show_hidden(text[start:stop]).replace("\n", " "), style="bold")
            place = stop
    shown.append(show_hidden(text[place:end]).replace("\n", " ") + (" …" if end < len(text) else ""))
    return shown


def _cut(text: str, begin: int, end: int) -> str:
    return f"{'… ' if begin else ''}{text[begin:end]}{' …' if end < len(text) else ''}"
