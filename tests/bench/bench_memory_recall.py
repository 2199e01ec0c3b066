"""Recall of memory's search on LoCoMo: does it find the turns that answer a question about a long conversation?

    python -m tests.bench.bench_memory_recall LOCOMO.json [--embedder use --embedder all-minilm-l6-v2 --embedder none]
    python -m tests.bench.bench_memory_recall LOCOMO.json --fit --embedder use --embedder all-minilm-l6-v2
    python -m tests.bench.bench_memory_recall LOCOMO.json --rerank smollm2-135m-instruct --home MODELS     (an hour)

LoCoMo (Maharana et al. 2024) is not part of this repository. Each conversation is a store of its own; each turn is an item: its
words, and on a line of their own the caption of the photo it shares; the speaker is its sender, the session's date its time,
the conversation its thread. Asked are the questions that can be answered (categories 1 to 4) and name turns that exist.
Recall@k is the share of a question's evidence turns among the first k hits, averaged over questions; MRR that of the first
evidence turn. A question is asked on the day of the last session.

The weights in fusion.py are fitted on the first conversations (`--fitted`, three of five) for all embedders named, and
held out are the others. `--fit` prints them, and what fitting gives where every conversation in turn is left out.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from edge_llm.home import Home
from edge_llm.memory import fusion
from edge_llm.memory.embedders import open_embedder
from edge_llm.memory.embedding import embed_pending
from edge_llm.memory.items import Draft, Mention
from edge_llm.memory.keys import RawKey
from edge_llm.memory.model_reranker import ModelReranker
from edge_llm.memory.records import Stamp
from edge_llm.memory.search import Reranker, Searcher
from edge_llm.memory.store import Store
from edge_llm.memory.vectors import VectorIndex
from edge_llm.model import load

DEPTHS = (5, 10)
_TURN = re.compile(r"D\d+:\d+")
_WORDS_ALONE = "none"


@dataclass(frozen=True)
class Question:
    """A question, and the turns that answer it."""

    text: str
    evidence: frozenset[str]
    category: int


@dataclass(frozen=True)
class Conversation:
    """One of LoCoMo's conversations."""

    name: str
    turns: tuple[Draft, ...]
    questions: tuple[Question, ...]
    asked: datetime


@dataclass(frozen=True)
class Answer:
    """What a search found for a question."""

    conversation: str
    category: int
    recall: tuple[float, ...]
    """At each of DEPTHS."""
    reciprocal_rank: float
    ms: float


def read_locomo(path: Path) -> list[Conversation]:
    """The conversations of a LoCoMo file."""
    return [_conversation(document) for document in json.loads(path.read_text("utf-8"))]


def _conversation(document: dict[str, Any]) -> Conversation:
    talk, turns, date = document["conversation"], [], datetime.min
    for session in sorted(int(key[8:]) for key in talk if re.fullmatch(r"session_\d+", key)):
        date = datetime.strptime(talk[f"session_{session}_date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=timezone.utc)
        for turn in talk[f"session_{session}"]:
            text = turn["text"] + (f"\n[{turn['blip_caption']}]" if turn.get("blip_caption") else "")
            people = (Mention("from", turn["speaker"]),)
            turns.append(Draft(text, "message", turn["dia_id"], time=date, people=people, thread=document["sample_id"]))
    known = {turn.locator for turn in turns}
    questions = []
    for asked in document["qa"]:
        evidence = frozenset(_TURN.findall(" ".join(asked["evidence"]))) & known
        if asked["category"] != 5 and evidence:
            questions.append(Question(asked["question"], evidence, asked["category"]))
    return Conversation(document["sample_id"], tuple(turns), tuple(questions), date)


@contextmanager
def opened(conversation: Conversation, embedder: str, folder: Path, home: Home) -> Iterator[Searcher]:
    """A store of a conversation, and its search."""
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(folder / f"{conversation.name}-{embedder}.db", RawKey(bytes(32))))
        store.put(conversation.name, "records", conversation.turns, stamp=Stamp(1))
        if embedder == _WORDS_ALONE:
            yield Searcher(store)
            return
        encoder = stack.enter_context(open_embedder(embedder, home=home))
        embed_pending(store, encoder)
        yield Searcher(store, encoder, stack.enter_context(VectorIndex(store, encoder.model_id)))


def ask(conversation: Conversation, searcher: Searcher, reranker: Reranker | None = None) -> list[Answer]:
    """Ask every question."""
    answers = []
    searcher.search("warm up")
    for question in conversation.questions:
        start = time.perf_counter()
        hits = searcher.search(question.text, max(DEPTHS), now=conversation.asked, reranker=reranker).hits
        ms = (time.perf_counter() - start) * 1e3
        found = [hit.item.locator for hit in hits]
        recall = tuple(len(question.evidence & set(found[:depth])) / len(question.evidence) for depth in DEPTHS)
        ranks = [rank for rank, locator in enumerate(found, 1) if locator in question.evidence]
        answers.append(Answer(conversation.name, question.category, recall, 1 / ranks[0] if ranks else 0.0, ms))
    return answers


def tables(conversation: Conversation, searcher: Searcher) -> list[tuple[fusion.Table, fusion.Table]]:
    """The signals of every turn for every question, and which turns answer it."""
    listed = []
    with searcher.store.reading() as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM items")]
    locators = {item.id: item.locator for item in searcher.store.items(ids)}
    for question in conversation.questions:
        found = searcher.candidates(question.text, now=conversation.asked)
        held = [locators[int(item)] in question.evidence for item in found.columns.ids[found.rows]]
        if any(held):
            answer = np.array(held, np.float64)
            listed.append((found.table, answer / answer.sum()))
    return listed


def summary(answers: Sequence[Answer]) -> dict[str, float]:
    """Means over questions, and the time of one."""
    if not answers:
        return {}
    recalls = np.mean([answer.recall for answer in answers], axis=0)
    figures = {f"recall@{depth}": float(value) for depth, value in zip(DEPTHS, recalls, strict=True)}
    ms = [answer.ms for answer in answers]
    return {
        "questions": len(answers),
        **figures,
        "mrr": float(np.mean([answer.reciprocal_rank for answer in answers])),
        "p50_ms": float(np.percentile(ms, 50)),
        "p95_ms": float(np.percentile(ms, 95)),
    }


def groups(answers: Sequence[Answer], fitted: Sequence[str]) -> dict[str, list[Answer]]:
    """Answers by what they are reported as."""
    rows: dict[str, Callable[[Answer], bool]] = {
        "all": lambda _: True,
        "fitted": lambda answer: answer.conversation in fitted,
        "held out": lambda answer: answer.conversation not in fitted,
    }
    rows |= {name: lambda answer, name=name: answer.conversation == name for name in sorted({a.conversation for a in answers})}  # type: ignore[misc]
    rows |= {f"category {number}": lambda answer, number=number: answer.category == number for number in (1, 2, 3, 4)}  # type: ignore[misc]
    return {title: [answer for answer in answers if chosen(answer)] for title, chosen in rows.items()}


def fit(
    conversations: Sequence[Conversation], searchers: Sequence[Sequence[Searcher]], fitted: Sequence[str]
) -> fusion.Weights:
    """The weights fitted on the named conversations, for all embedders together."""
    questions = [
        table
        for of_embedder in searchers
        for conversation, searcher in zip(conversations, of_embedder, strict=True)
        if conversation.name in fitted
        for table in tables(conversation, searcher)
    ]
    return fusion.fit(questions)


def _show(title: str, rows: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}")
    for name, figures in rows.items():
        if figures:
            shown = "  ".join(f"{key} {value:.3f}" if key != "questions" else f"{value:4.0f}" for key, value in figures.items())
            print(f"  {name:<12}{shown}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, or fit, and print. Exit code 1 when recall@10 over all questions is below `--least`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("locomo", type=Path)
    parser.add_argument("--embedder", action="append", help="a name, or none for words alone; repeatable (default: use)")
    parser.add_argument("--fitted", type=int, default=3, help="how many conversations the weights are fitted on")
    parser.add_argument("--rerank", metavar="MODEL", help="a chat model that judges the first ten hits again")
    parser.add_argument("--fit", action="store_true", help="fit weights instead of using those in fusion.py")
    parser.add_argument("--least", type=float, default=0.0, help="recall@10 that the first embedder must reach")
    parser.add_argument("--home", type=Path, help="where pulled encoders are")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    conversations = read_locomo(options.locomo)
    embedders = options.embedder or ["use"]
    names = [conversation.name for conversation in conversations]
    fitted = names[: options.fitted]
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        reranker = None
        if options.rerank is not None:
            reranker = ModelReranker(stack.enter_context(load(options.rerank, home=Home(options.home))))
        searchers = [
            [stack.enter_context(opened(one, embedder, Path(folder), Home(options.home))) for one in conversations]
            for embedder in embedders
        ]
        if options.fit:
            weights = fit(conversations, searchers, fitted)
            report["weights"] = dict(zip(fusion.SIGNALS, astuple(weights), strict=True))
            print("fitted on", ", ".join(fitted), {name: round(value, 2) for name, value in report["weights"].items()})
            left_out = {name: fit(conversations, searchers, [other for other in names if other != name]) for name in names}
        for embedder, of_embedder in zip(embedders, searchers, strict=True):
            answers, crossed = [], []
            for conversation, searcher in zip(conversations, of_embedder, strict=True):
                if options.fit:
                    searcher.weights = left_out[conversation.name]
                    crossed += ask(conversation, searcher)
                    searcher.weights = weights
                answers += ask(conversation, searcher, reranker)
            report[embedder] = {name: summary(some) for name, some in groups(answers, fitted).items()}
            _show(embedder, report[embedder])
            if crossed:
                _show(f"{embedder}, each conversation with weights fitted on the others", {"all": summary(crossed)})
    if options.json:
        print(json.dumps(report, indent=1))
    reached = report[embedders[0]]["all"]["recall@10"]
    if reached < options.least:
        print(f"recall@10 is {reached:.3f}, below {options.least}", file=sys.stderr)
    return int(reached < options.least)


if __name__ == "__main__":
    raise SystemExit(main())
