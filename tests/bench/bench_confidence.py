"""Is the number that an answer about the person's data carries what it says? Questions of LoCoMo, whose evidence is known.

    python -m tests.bench.bench_confidence LOCOMO.json [--embedder use] [--json]

LoCoMo (Maharana et al. 2024) is not part of this repository. Each of its conversations is a memory. It is asked its own
questions (categories 1 to 4) and those of the other conversations with the names exchanged, without a model. "In your data"
is right where one of the items quoted is evidence, "not in your data" where the question was another conversation's. Where that
is said, it is asked again for the closest there is, as for a question that the router takes to be about the person's data.

Printed are, for each tenth of the number, how many answers carried it, what they said on average and how often they were right;
then the line in log odds that half of the conversations give, and how far off the other half is with it (mean absolute
difference over tenths).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_llm.answering import Answerer
from edge_llm.home import Home
from edge_llm.memory.memory import Memory
from edge_llm.turns import Answer
from tests.bench.bench_memory_answerable import exchanged
from tests.bench.bench_memory_recall import read_locomo

_STEPS = 60
"""Of Newton's method; it settles in ten."""


@dataclass(frozen=True)
class Said:
    """One answer."""

    conversation: int
    basis: str
    confidence: float
    right: bool
    odds: float
    """The number as log odds: a line of the score that it was made from."""


@dataclass(frozen=True)
class Row:
    """Answers that carried about the same number."""

    basis: str
    answers: int
    said: float
    right: float


def ask_all(path: Path, embedder: str) -> list[Said]:
    """Every question of every conversation."""
    from edge_llm.memory.embedders import open_embedder

    conversations = read_locomo(path)
    raw = {document["sample_id"]: document for document in json.loads(path.read_text("utf-8"))}
    told: list[Said] = []
    home = Home()
    with tempfile.TemporaryDirectory() as folder, open_embedder(embedder, home=home) as encoder:
        for place, conversation in enumerate(conversations):
            file = Path(folder) / f"{place}.db"
            with Memory.open(file, key=bytes(32), embedder=encoder, home=home) as memory:
                memory.add(conversation.turns, source=conversation.name)
                answerer = Answerer(None, memory)
                asked = [(question.text, question.evidence) for question in conversation.questions]
                asked += [(text, frozenset[str]()) for text in exchanged(conversation, conversations, raw)]
                for text, evidence in asked:
                    told.append(_said(answerer.answer(text, "en"), memory, place, evidence))
                    if told[-1].basis == "not in your data":
                        closest = answerer.answer(text, "en", must_be_own=True)
                        if closest.items:
                            told.append(replace(_said(closest, memory, place, evidence), basis="the closest"))
    return told


def _said(answer: Answer, memory: Memory, place: int, evidence: frozenset[str]) -> Said:
    quoted = {item.locator for item in memory.store.items(answer.items)}
    right = bool(quoted & evidence) if answer.items else not evidence
    value = answer.confidence.value
    return Said(place, answer.confidence.basis, value, right, float(np.log(value / (1 - value))))


def table(told: Sequence[Said]) -> list[Row]:
    """By what was said, in tenths of the number."""
    rows = []
    for basis in sorted({one.basis for one in told}):
        for tenth in range(10):
            here = [one for one in told if one.basis == basis and min(int(one.confidence * 10), 9) == tenth]
            if here:
                said, right = (float(np.mean([getattr(one, name) for one in here])) for name in ("confidence", "right"))
                rows.append(Row(basis, len(here), round(said, 3), round(right, 3)))
    return rows


def off(rows: Sequence[Row]) -> float:
    """By how much the numbers are off, over all answers."""
    return sum(row.answers * abs(row.said - row.right) for row in rows) / sum(row.answers for row in rows)


def refitted(told: Sequence[Said]) -> list[tuple[str, list[float], float]]:
    """The line through the log odds that is best for half of the conversations, and how far off it is for the rest; (0, 1) is
    the line as it is."""
    found = [one for one in told if one.basis == "in your data"]
    halves = []
    for rest in (0, 1):
        learned = [one for one in found if one.conversation % 2 != rest]
        line = _fit(np.array([one.odds for one in learned]), np.array([one.right for one in learned], float))
        left = [one for one in found if one.conversation % 2 == rest]
        values = 1 / (1 + np.exp(-(line[0] + line[1] * np.array([one.odds for one in left]))))
        moved = [Said(one.conversation, one.basis, float(v), one.right, one.odds) for one, v in zip(left, values, strict=True)]
        halves.append((f"conversations {1 - rest}, {3 - rest}, ...", line, off(table(moved))))
    return halves


def _fit(odds: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> list[float]:
    """Logistic regression by Newton's method."""
    columns = np.stack([np.ones_like(odds), odds], axis=1)
    line = np.zeros(2)
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-columns @ line))
        curvature = (columns * (likely * (1 - likely))[:, None]).T @ columns
        line += np.linalg.solve(curvature, columns.T @ (right - likely))
    return [round(float(value), 3) for value in line]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("locomo", type=Path)
    parser.add_argument("--embedder", default="use")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    told = ask_all(options.locomo, options.embedder)
    rows, halves = table(told), refitted(told)
    if options.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "halves": halves, "off": round(off(rows), 3)}, indent=2))
        return 0
    for row in rows:
        print(f"{row.basis:18}  answers {row.answers:4}  said {row.said:.2f}  right {row.right:.2f}")
    print(f"off by {off(rows):.3f}")
    for name, line, wrong in halves:
        print(f"fitted on {name}: {line}; the other half is then off by {wrong:.3f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
