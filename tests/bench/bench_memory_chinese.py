"""Does memory find Chinese: lines that hold a word of one or two characters, in whichever characters either was written.

    python -m tests.bench.bench_memory_chinese [--lines 50000] [--queries 400]

Lines are generated from a seed; a third of them is stored in traditional characters, and every query is asked in both. What
should be found are the lines that hold the query as it stands, before anything was converted. Beside memory's own index the
tokenizers that FTS5 ships with are asked the same. Words are also typed in pinyin, whole and as initials: how many of the lines
that hold the word are found, how many of the first hits hold it, and how many sound so (homophones count there). And every
English word of this repository's documentation is asked for, none of which is in the lines: how many find something as pinyin.
Exit code 1 when recall is below 0.99 or precision below 1.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import apsw
from opencc import OpenCC

from edge_llm.memory.items import Draft
from edge_llm.memory.keys import RawKey
from edge_llm.memory.lexical import match_expression
from edge_llm.memory.query import parse
from edge_llm.memory.records import Stamp
from edge_llm.memory.search import Searcher
from edge_llm.memory.store import Store
from tests.bench.chinese_lines import Line, lines, queries

_SHOWN = 20


@dataclass
class Tally:
    """How a way to search did."""

    recalls: list[float] = field(default_factory=list)
    precisions: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)

    def add(self, found: set[int], right: set[int], ms: float) -> None:
        self.recalls.append(len(found & right) / len(right))
        self.precisions.append(len(found & right) / len(found) if found else 1.0)
        self.ms.append(ms)

    def __str__(self) -> str:
        recall, precision = (sum(values) / len(values) for values in (self.recalls, self.precisions))
        return f"recall {recall:.4f}  precision {precision:.4f}  p50 {sorted(self.ms)[len(self.ms) // 2]:.2f} ms"

    @property
    def good(self) -> bool:
        return sum(self.recalls) >= 0.99 * len(self.recalls) and min(self.precisions) == 1.0


def fts5(made: Sequence[Line], tokenizer: str) -> Callable[[str], set[int]]:
    """FTS5 with one of its own tokenizers, over the same lines."""
    connection = apsw.Connection(":memory:")
    connection.execute(f"CREATE VIRTUAL TABLE lines USING fts5(line, tokenize='{tokenizer}')")
    with connection:
        connection.executemany(
            "INSERT INTO lines(rowid, line) VALUES(?, ?)", ((at, line.stored) for at, line in enumerate(made))
        )
    asked = "SELECT rowid FROM lines WHERE lines MATCH ?"
    return lambda query: {int(row[0]) for row in connection.execute(asked, (f'"{query}"',))}


def index(store: Store) -> Callable[[str], set[int]]:
    """Memory's own index: everything that holds the words of a query."""

    def find(query: str) -> set[int]:
        expression = match_expression(parse(query).groups[0])
        with store.reading() as connection:
            asked = connection.execute("SELECT rowid FROM terms WHERE terms MATCH ?", (expression,))
            return {int(row[0]) - 1 for row in asked}

    return find


def show_pinyin(searcher: Searcher, made: Sequence[Line], asked: Sequence[str]) -> bool:
    """Words as they are typed in pinyin; whether every line that holds one is found by its syllables."""
    from pypinyin import Style, lazy_pinyin

    plain = [lazy_pinyin(line.plain) for line in made]
    everything_found = True
    for title, style in (("pinyin", Style.NORMAL), ("initials", Style.FIRST_LETTER)):
        recalls, holds, sounds, ms = [], [], [], []
        for word in asked:
            query = "".join(lazy_pinyin(word, style=style))
            right = {at for at, line in enumerate(made) if word in line.plain}
            begun = time.perf_counter()
            first = [hit.id - 1 for hit in searcher.search(query, _SHOWN, context=0).hits]
            ms.append((time.perf_counter() - begun) * 1e3)
            found = searcher.candidates(query, len(made))
            rows = found.postings[0].rows if found.postings else found.rows[:0]
            recalls.append(len(right & set((found.columns.ids[rows] - 1).tolist())) / len(right))
            spoken = "".join(lazy_pinyin(word))
            holds += [at in right for at in first]
            sounds += [spoken in "".join(plain[at]) for at in first]
        print(
            f"\n{title}: {len(asked)} words, recall {sum(recalls) / len(recalls):.4f}; of the first {_SHOWN} hits "
            f"{sum(holds) / max(1, len(holds)):.3f} hold the word, {sum(sounds) / max(1, len(sounds)):.3f} sound so; "
            f"p50 {sorted(ms)[len(ms) // 2]:.1f} ms",
            flush=True,
        )
        everything_found &= style is not Style.NORMAL or min(recalls) == 1.0
    text = "\n".join(file.read_text("utf-8") for file in sorted((Path(__file__).parents[2] / "docs").glob("*.md")))
    english = sorted(set(re.findall(r"\b[a-z]{2,24}\b", text)))
    read = [word for word in english if searcher.search(word, 1, context=0).hits]
    print(f"\nEnglish words read as pinyin: {len(read)} of {len(english)}: {' '.join(read[:40])}", flush=True)
    return everything_found


def search(searcher: Searcher) -> Callable[[str], set[int]]:
    """The search itself, by words alone."""
    return lambda query: {hit.id - 1 for hit in searcher.search(query, _SHOWN, context=0).hits}


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate, ask and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    made, traditional = lines(options.lines, options.seed), OpenCC("s2t")
    everything_good = True
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "memory.db", RawKey(bytes(32))) as store:
        store.put("lines", "records", (Draft(line.stored, "message", str(at)) for at, line in enumerate(made)), stamp=Stamp(1))
        ways = {
            "memory's index": index(store),
            f"search, first {_SHOWN}": search(Searcher(store)),
            "FTS5 unicode61": fts5(made, "unicode61"),
            "FTS5 trigram": fts5(made, "trigram"),
        }
        for kind, asked in queries(made, options.queries, options.seed).items():
            tallies = {way: Tally() for way in ways}
            for simplified in dict.fromkeys(asked):
                right = {at for at, line in enumerate(made) if simplified in line.plain}
                for query in {simplified, traditional.convert(simplified)} if right else ():
                    for way, find in ways.items():
                        start = time.perf_counter()
                        found = find(query)
                        ms = (time.perf_counter() - start) * 1e3
                        wanted = right if way != f"search, first {_SHOWN}" or len(right) <= _SHOWN else right & found or right
                        tallies[way].add(found, wanted, ms)
            print(f"\n{kind}: {len(tallies['FTS5 trigram'].ms)} queries")
            for way, tally in tallies.items():
                print(f"  {way:<18}{tally}", flush=True)
            everything_good &= all(tallies[way].good for way in list(ways)[:2])
        everything_good &= show_pinyin(Searcher(store), made, queries(made, options.queries, options.seed)["words"])
    return int(not everything_good)


if __name__ == "__main__":
    raise SystemExit(main())
