"""What an answer was made from, for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_llm.cli.answers import result_document
from edge_llm.cli.memory_documents import heading, item_document, one_line
from edge_llm.cli.output import note
from edge_llm.hidden import show_hidden

if TYPE_CHECKING:
    from edge_llm import ModelInfo, Result
    from edge_llm.memory.packing import Passage
    from edge_llm.memory.recall import Recalled

_SHOWN = 3


def answer_document(result: Result, info: ModelInfo) -> dict[str, Any]:
    """What `chat --json` prints for a turn: as `run --json`, and in a chat with a memory what the answer was made from."""
    document = result_document(result, info)
    if result.recalled is not None:
        document["recalled"] = _recalled_document(result.recalled)
    return document


def show_sources(result: Result) -> None:
    """Say on stderr which items an answer leans on, or that memory had none."""
    if result.recalled is None:
        return
    if not result.recalled.found:
        note("Nothing in memory is about this. /memory off answers without it.")
        return
    cited = result.recalled.cited
    for passage in result.recalled.passages:
        if passage.item.id in cited[:_SHOWN]:
            _note_item(passage)
    if not cited:
        note(
            f"No sentence of this is found in the {len(result.recalled.passages)} items it was made from; /sources shows them."
        )


def list_sources(result: Result | None) -> None:
    """Say on stderr everything the model was shown for an answer."""
    if result is None or result.recalled is None or not result.recalled.passages:
        note("The latest answer was made from no items of memory.")
        return
    for passage in result.recalled.passages:
        _note_item(passage)


def _note_item(passage: Passage) -> None:
    note(show_hidden(heading(passage.item)))
    note(show_hidden(f"     {one_line(passage.item)}"))


def _recalled_document(recalled: Recalled) -> dict[str, Any]:
    return {
        "found": recalled.found,
        "shown": [
            {"number": passage.number, "score": passage.score, "shown": passage.text, **item_document(passage.item)}
            for passage in recalled.passages
        ],
        "claims": [
            {"start": claim.start, "end": claim.end, "items": list(claim.items), "share": claim.share}
            for claim in recalled.claims
        ],
    }
