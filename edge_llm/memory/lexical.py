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
_ANY = "SELECT EXISTS(SELECT 1 FROM terms WHERE terms MATCH ?)"
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
    found = [columns.rows_of(read_ids(connection, _IDS, (match_expression(group), MOST_ITEMS))) for group in groups]
    rare = [group for group, rows in zip(groups, found, strict=True) if 0 < len(rows) <= _TITLED_ITEMS]
    if rare and not connection.execute(_ANY, (_in_title(*rare),)).get:
        rare = []
    listed = []
    for group, rows in zip(groups, found, strict=True):
        titled = np.empty(0, np.int64)
        if group in rare:
            titled = columns.rows_of(read_ids(connection, _IDS, (_in_title(group), _TITLED_ITEMS)))
        idf = float(np.log1p((len(columns) - len(rows) + 0.5) / (len(rows) + 0.5)))
        listed.append(Posting(group, rows, titled, idf))
    return listed


def match_expression(group: Group) -> str:
    """The FTS5 query for a group. Terms hold no quotes, so nothing that was typed is ever read as syntax."""
    end = "*" if group.prefix else ""
    return " OR ".join(f'"{" ".join(terms)}"{end}' for terms in group.alternatives)


def _in_title(*groups: Group) -> str:
    return f"title : ({' OR '.join(map(match_expression, groups))})"
