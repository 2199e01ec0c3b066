"""Bar, line and pie charts from a table of labels and figures, drawn by matplotlib without a screen."""

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
from edge_llm.home import Home
from runtimes.errors import InputError, RuntimeUnavailableError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
        format: png, or svg; what has Chinese in it is svg where no font for it is installed, so that its reader's fonts
            show it.
    """

    def __init__(self, folder: Path, *, format: ChartFormat = "png") -> None:  # noqa: A002  (matplotlib's word)
        self._folder = folder
        self._format = format

    def draw_chart(
        self, items: Sequence[Mapping[str, Any]], label: str | None = None, title: str | None = None
    ) -> dict[str, Any]:
        """See `draw_chart`."""
        kind = chart_kind(label)
        names, values = _columns(items)
        if kind == "pie" and (min(values) < 0 or sum(values) <= 0):
            raise InputError(
                "A pie chart shows shares of a whole: its figures cannot be negative, or all 0. Ask for a bar chart."
            )
        data, form = _drawn(kind, names, values, title or "", self._format)
        path = write_new(self._folder, title or f"{kind}-chart", f".{form}", data)
        return {"path": str(path), "kind": kind, "rows": len(values)}


def draw_chart(items: Sequence[Mapping[str, Any]], label: str | None = None, title: str | None = None) -> dict[str, Any]:
    """A chart as a picture, in the home's folder `made`.

    Args:
        items: rows {"label": text, "value": number}, at most 1,000.
        label: bar, line or pie, also as people say it ("饼图"); bar where none is named.
        title: stands above it.

    Returns:
        {"path", "kind", "rows"}: a PNG, or an SVG where there is Chinese to show and no font for it.

    Raises:
        InputError: no rows, a figure that is none, or one that the kind cannot show.
        RuntimeUnavailableError: matplotlib is not installed. StorageError: the disk refuses.
    """
    return Charts(made_folder(Home())).draw_chart(items, label, title)


def chart_kind(words: str | None) -> ChartKind:
    """The kind of chart that words name; a bar chart for None. Raises InputError for words that name none."""
    if words is None:
        return "bar"
    for kind, parts in _WORDS_OF.items():
        if any(part in words.lower() for part in parts):
            return kind
    raise InputError(f"{words!r} is no kind of chart that is drawn: {', '.join(get_args(ChartKind))} are.")


def _columns(items: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[float]]:
    if not 0 < len(items) <= _MOST:
        raise InputError(f"A chart of {len(items)} rows; it needs one to {_MOST}.")
    names, values = [], []
    for item in items:
        value = item.get("value")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"{value!r}, of {item.get('label')!r}, is no number that can be drawn.")
        names.append(str(item.get("label", "")))
        values.append(float(value))
    return names, values


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
