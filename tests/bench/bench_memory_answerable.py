"""Does memory know when it has no answer? Questions that a conversation answers, and questions that it does not.

    python -m tests.bench.bench_memory_answerable LOCOMO.json [--other QUESTIONS.txt] [--embedder use] [--json]

LoCoMo (Maharana et al. 2024) is not part of this repository. Each of its conversations is a store. Asked are its own questions
(categories 1 to 4), those of the other conversations with the names exchanged for its own speakers' (nobody there ever
spoke of them, but of much alike), its own of category 5, which twist something that was said, and with `--other` those of a
text, one a line. Printed are the shares that get passages (`found`), and of the answerable ones the recall of evidence turns
among what is shown, beside that of the search itself.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_llm.home import Home
from edge_llm.memory.recall import Recall, relevant
from edge_llm.memory.search import Searcher
from tests.bench.bench_memory_recall import Conversation, opened, read_locomo

_EVERY = 6
"""Of the other conversations' questions, one in so many is asked."""


@dataclass
class Share:
    """How often something held."""

    asked: int = 0
    found: int = 0
    evidence: float = 0.0
    """Summed recall of the evidence among what is kept."""
    evidence_before: float = 0.0
    """The same among all hits."""

    def line(self, name: str) -> dict[str, object]:
        """For people and programs."""
        count = max(self.asked, 1)
        row: dict[str, object] = {"questions": name, "asked": self.asked, "found": round(self.found / count, 3)}
        if self.evidence_before:
            row |= {"recall": round(self.evidence / count, 3), "recall_of_search": round(self.evidence_before / count, 3)}
        return row


def measure(path: Path, others: Sequence[str], embedder: str) -> list[dict[str, object]]:
    """A row for each kind of question."""
    conversations = read_locomo(path)
    raw = {document["sample_id"]: document for document in json.loads(path.read_text("utf-8"))}
    own, foreign, twisted, other = (Share() for _ in range(4))
    with tempfile.TemporaryDirectory() as folder:
        for conversation in conversations:
            with opened(conversation, embedder, Path(folder), Home()) as searcher:
                for question in conversation.questions:
                    _ask(own, searcher, conversation, question.text, question.evidence)
                for text in exchanged(conversation, conversations, raw):
                    _ask(foreign, searcher, conversation, text)
                for asked in raw[conversation.name]["qa"]:
                    if asked["category"] == 5:
                        _ask(twisted, searcher, conversation, asked["question"])
                for text in others:
                    _ask(other, searcher, conversation, text)
    rows = [own.line("answerable"), foreign.line("of other conversations"), twisted.line("twisted (category 5)")]
    return [*rows, other.line("other")] if others else rows


def exchanged(
    conversation: Conversation, conversations: Sequence[Conversation], raw: dict[str, dict[str, dict[str, str]]]
) -> Iterator[str]:
    """Questions of the other conversations, as if they were about the speakers of this one."""
    names = _speakers(raw[conversation.name])
    for other in conversations:
        if other.name != conversation.name:
            for question in other.questions[::_EVERY]:
                text = question.text
                for stranger, speaker in zip(_speakers(raw[other.name]), names, strict=True):
                    text = text.replace(stranger, speaker)
                yield text


def _speakers(document: dict[str, dict[str, str]]) -> tuple[str, str]:
    return document["conversation"]["speaker_a"], document["conversation"]["speaker_b"]


def _ask(
    share: Share, searcher: Searcher, conversation: Conversation, text: str, evidence: frozenset[str] = frozenset()
) -> None:
    hits = searcher.search(text, Recall().items, now=conversation.asked).hits
    kept = relevant(hits)
    share.asked += 1
    share.found += bool(kept)
    if evidence:
        share.evidence += len({hit.item.locator for hit in kept} & evidence) / len(evidence)
        share.evidence_before += len({hit.item.locator for hit in hits} & evidence) / len(evidence)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("locomo", type=Path)
    parser.add_argument("--other", type=Path, help="a text with a question a line that the conversations do not answer")
    parser.add_argument("--embedder", default="use")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    others = [] if options.other is None else options.other.read_text("utf-8").splitlines()
    rows = measure(options.locomo, others, options.embedder)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        for row in rows:
            print("  ".join(f"{name} {value}" for name, value in row.items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
