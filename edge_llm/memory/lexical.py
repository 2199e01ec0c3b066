"""Which items hold a word: the full text index, asked for one group of a query at a time.

Knows FTS5's query syntax and table `terms`; knows no score. FTS5's own ranking reads every position of every hit (a common
word of 100,000 items takes 170 ms); ids alone take a tenth of that, and ranking.py needs nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_llm.memory.columns import Columns, read_ids

if TYPE_CHECKING:
    import apsw
    import numpy.typing as npt

    from edge_llm.memory.query import Group

MOST_ITEMS = 20_000
"""Items of one word that are looked at, the latest first. A word in more of them tells hardly anything apart."""
_TITLED_ITEMS = 2_000
_IDS = "SELECT group_concat(rowid) FROM (SELECT rowid FROM terms WHERE terms MATCH ? ORDER BY rowid DESC LIMIT ?)"


@dataclass(frozen=True, eq=False)
class Posting:
    """Where a group of the query is found."""

    group: Group
    rows: npt.NDArray[np.int64]
    """Rows of the columns, each once."""
    titled: npt.NDArray[np.int64]
    """Those that have it in their title."""
    idf: float
    """How much it tells: Robertson and Spärck Jones' weight, never below 0, as in BM25+."""


def find(connection: apsw.Connection, columns: Columns, groups: Sequence[Group]) -> list[Posting]:
    """The postings of each group, in the order given."""
    return [_posting(connection, columns, group) for group in groups]


def match_expression(group: Group, column: str | None = None) -> str:
    """The FTS5 query for a group. Terms hold no quotes, so nothing that was typed is ever read as syntax."""
    end = "*" if group.prefix else ""
    phrases = (f'"{" ".join(terms)}"{end}' for terms in group.alternatives)
    expression = " OR ".join(phrases)
    return expression if column is None else f"{column} : ({expression})"


def _posting(connection: apsw.Connection, columns: Columns, group: Group) -> Posting:
    rows = columns.rows_of(read_ids(connection, _IDS, (match_expression(group), MOST_ITEMS)))
    titled = np.empty(0, np.int64)
    if 0 < len(rows) <= _TITLED_ITEMS:
        titled = columns.rows_of(read_ids(connection, _IDS, (match_expression(group, "title"), _TITLED_ITEMS)))
    count = len(rows)
    return Posting(group, rows, titled, float(np.log1p((len(columns) - count + 0.5) / (count + 0.5))))
