"""Tables in text: "rent 900, food 400", "房租900，吃饭400", or lines of CSV with a header. Knows labels and figures only."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?", re.ASCII)
_PAIR = re.compile(
    rf"(?P<label>.*?)\s*(?:[:：=]|\bis\b|是|为)?\s*[$€£¥￥]?\s*(?P<value>{_NUMBER.pattern})\s*(?:[%$€£]|元|块钱?|percent|dollars|euros)?"
)
_CHUNKS = re.compile(r"[;；，、\n]|,(?!\d{3}(?!\d))|\band\b|和(?=[^\d]*\d)")
_DELIMITERS = ("\t", ";", "|", ",")


@dataclass(frozen=True)
class Row:
    """One label with its figure."""

    label: str
    value: float


def figures_in(words: str) -> tuple[Row, ...]:
    """The figures that words list, each with the label before it, or its number where there is none; none unless all parts of
    the list have one."""
    rows = []
    for number, chunk in enumerate((part for part in _CHUNKS.split(words) if part.strip()), 1):
        found = _PAIR.fullmatch(chunk.strip(" .。"))
        if found is None:
            return ()
        rows.append(Row(found["label"].strip() or str(number), _figure(found["value"])))
    return tuple(rows)


def table_in(lines: Sequence[str], wanted: str = "") -> tuple[Row, ...]:
    """The rows of a CSV text: the first column that is no figure, and a column of figures.

    Args:
        lines: the first names the columns.
        wanted: words; the column of figures that they name is taken, or else the first.

    Returns:
        no rows where it is no table, or has no column of figures.
    """
    kept = [line for line in lines if line.strip()]
    if len(kept) < 2:
        return ()
    delimiter = max(_DELIMITERS, key=kept[0].count)
    if delimiter not in kept[0]:
        return ()
    try:
        names, *rows = csv.reader(kept, delimiter=delimiter)
    except csv.Error:  # a cell of more than csv's 128 KiB
        return ()
    rows = [row for row in rows if len(row) == len(names)]
    columns = [[row[place].strip() for row in rows] for place in range(len(names))] if rows else []
    figures = [place for place, column in enumerate(columns) if all(_NUMBER.fullmatch(cell) for cell in column)]
    if not figures:
        return ()
    named = [place for place in figures if names[place].strip() and names[place].strip().lower() in wanted.lower()]
    value = (named or figures)[-1 if len(figures) == len(columns) and not named else 0]
    labels = [place for place in range(len(names)) if place not in figures] or [place for place in figures if place != value]
    cells = columns[labels[0]] if labels else [str(number) for number in range(1, len(rows) + 1)]
    return tuple(Row(label, _figure(cell)) for label, cell in zip(cells, columns[value], strict=True))


def _figure(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))
