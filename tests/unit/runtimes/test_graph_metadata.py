"""What a graph says of itself, and the memory its attention may take."""

from __future__ import annotations

import pytest

from runtimes.graph_metadata import SCORED_HEADS, most_tokens, scored_heads


def test_a_graph_without_the_entry_works_in_tiles() -> None:
    assert scored_heads({"other": "7"}) == 0
    assert scored_heads({SCORED_HEADS: "9"}) == 9


@pytest.mark.parametrize("text", ["", "nine", "-1", "9.5"])
def test_what_is_no_number_of_heads_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        scored_heads({SCORED_HEADS: text})


@pytest.mark.parametrize("heads", [1, 9, 32])
@pytest.mark.parametrize("positions", [256, 2048, 8192])
def test_scores_stay_within_64_megabytes_or_the_pass_is_the_smallest(heads: int, positions: int) -> None:
    tokens = most_tokens(heads, positions)
    assert tokens == 128 or tokens * heads * positions * 4 <= 64 << 20 < (tokens + 1) * heads * positions * 4
    assert tokens >= 128
