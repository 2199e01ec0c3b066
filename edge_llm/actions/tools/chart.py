"""Bar, line and pie charts of figures that were said or that are in memory, drawn by matplotlib without a screen."""

from __future__ import annotations

import io
import math
import re
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from edge_llm.actions.tools.events import made_folder, write_new
from edge_llm.actions.tools.table import Row, figures_in, table_in
from edge_llm.home import Home
from runtimes.errors import InputError, RuntimeUnavailableError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from edge_llm.memory.view import MemoryView

ChartKind: TypeAlias = Literal["bar", "line", "pie"]
ChartFormat: TypeAlias = Literal["png", "svg"]
_MOST = 1_000
_WORDS_OF: Mapping[ChartKind, tuple[str, ...]] = {
    "bar": ("bar", "column", "柱", "条"),
    "line": ("line", "curve", "折线", "曲线", "线"),
    "pie": ("pie", "饼"),
}
_CJK = re.compile("[⺀-鿿가-힯豈-﫿]")
_CJK_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Hiragino Sans GB", "Heiti SC", "Microsoft YaHei",
    "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip
_SETTINGS = threading.Lock()
"""matplotlib's settings are one set for a process."""


class Charts:
    """Charts as files in one folder.

    Args:
        folder: made when the first file is.
        memory: where tables are looked for; None draws only figures that are given.
        format: png, or svg; what has Chinese in it is svg where no font for it is installed, so that its reader's fonts
            show it.
    """

    def __init__(self, folder: Path, memory: MemoryView | None = None, *, format: ChartFormat = "png") -> None:  # noqa: A002
        self._folder = folder
        self._memory = memory
        self._format = format

    def draw_chart(
        self, items: str | Sequence[Mapping[str, Any]], label: str | None = None, title: str | None = None
    ) -> dict[str, Any]:
        """See `draw_chart`."""
        kind = chart_kind(label)
        source = None
        if isinstance(items, str):
            rows, source = self._found(items)
        else:
            rows = _given(items)
        if not 0 < len(rows) <= _MOST:
            raise InputError(f"A chart of {len(rows)} rows; it needs one to {_MOST}.")
        values = [row.value for row in rows]
        if kind == "pie" and (min(values) < 0 or sum(values) <= 0):
            raise InputError(
                "A pie chart shows shares of a whole: its figures cannot be negative, or all 0. Ask for a bar chart."
            )
        data, form = _drawn(kind, [row.label for row in rows], values, title or "", self._format)
        path = write_new(self._folder, title or f"{kind}-chart", f".{form}", data)
        return {"path": str(path), "kind": kind, "rows": len(values), "source": source}

    def _found(self, words: str) -> tuple[Sequence[Row], str | None]:
        """The figures in words, or of the first table that memory has for them, with its source's name."""
        if rows := figures_in(words):
            return rows, None
        if self._memory is not None:
            for name in dict.fromkeys(hit.item.source.name for hit in self._memory.search(words)):
                lines = [line for item in self._memory.list(source=name)[::-1] for line in item.text.splitlines()]
                if rows := table_in(lines, words):
                    return rows, name
        raise InputError(f"No figures are in {words!r}, and no table for it in memory. Say them: rent 900, food 400.")


def draw_chart(items: str | Sequence[Mapping[str, Any]], label: str | None = None, title: str | None = None) -> dict[str, Any]:
    """A chart as a picture, in the home's folder `made`.

    Args:
        items: "rent 900, food 400"; or words that find a table (CSV) in the home's memory, and name its column; or rows
            {"label": text, "value": number}. At most 1,000.
        label: bar, line or pie, also as people say it ("饼图"); bar where none is named.
        title: stands above it.

    Returns:
        {"path", "kind", "rows", "source"}: a PNG, or an SVG where there is Chinese to show and no font for it; the source is
        the table's name, or None.

    Raises:
        InputError: no figures, one that is none, or one that the kind cannot show.
        RuntimeUnavailableError: matplotlib is not installed. StorageError: the disk refuses.
    """
    folder = made_folder(Home())
    if not isinstance(items, str) or figures_in(items):
        return Charts(folder).draw_chart(items, label, title)
    from edge_llm.memory import Memory

    with Memory.open(read_only=True, create=False) as memory:
        return Charts(folder, memory).draw_chart(items, label, title)


def chart_kind(words: str | None) -> ChartKind:
    """The kind of chart that words name; a bar chart for None. Raises InputError for words that name none."""
    if words is None:
        return "bar"
    for kind, parts in _WORDS_OF.items():
        if any(part in words.lower() for part in parts):
            return kind
    raise InputError(f"{words!r} is no kind of chart that is drawn: {', '.join(get_args(ChartKind))} are.")


def _given(items: Sequence[Mapping[str, Any]]) -> list[Row]:
    rows = []
    for item in items:
        value = item.get("value")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"{value!r}, of {item.get('label')!r}, is no number that can be drawn.")
        rows.append(Row(str(item.get("label", "")), float(value)))
    return rows


def _drawn(kind: ChartKind, names: list[str], values: list[float], title: str, form: ChartFormat) -> tuple[bytes, ChartFormat]:
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise RuntimeUnavailableError(
            'Charts need matplotlib, which is not installed: pip install "edge-llm[assistant]".'
        ) from error
    family: list[str] = ["DejaVu Sans"]
    if any(_CJK.search(text) for text in (*names, title)):
        found = _cjk_font()
        form = "svg" if found is None else form
        family = family if found is None else [found, *family]
    settings: dict[Any, Any] = {"svg.fonttype": "none", "font.family": family, "text.parse_math": False}
    with _SETTINGS, matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph ")  # only measured with this font: the SVG's reader has one
        figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
        _plot(figure, kind, names, values, title)
        written = io.BytesIO()
        # no date and no version, so that equal tables make equal files
        figure.savefig(written, format=form, metadata={"Date": None, "Creator": None} if form == "svg" else {"Software": None})
    return written.getvalue(), form


def _plot(figure: Figure, kind: ChartKind, names: list[str], values: list[float], title: str) -> None:
    axes = figure.add_subplot()
    if kind == "pie":
        axes.pie(values, labels=names, autopct="%1.0f%%", startangle=90, counterclock=False)
    else:
        places = range(len(values))
        if kind == "bar":
            axes.bar(places, values)
        else:
            axes.plot(places, values, marker="o" if len(values) <= 60 else "")
        step = max(1, len(names) // 24)
        turned = len(names) > 6 or max(map(len, names)) > 10
        axes.set_xticks(list(places)[::step], names[::step], rotation=45 if turned else 0, ha="right" if turned else "center")
        axes.grid(axis="y", alpha=0.3)
    if title:
        axes.set_title(title)


def _cjk_font() -> str | None:
    """A font on this machine that has Chinese characters."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _CJK_FONTS if name in installed), None)
