"""What a spreadsheet's cell shows: its stored value under its number format (ECMA-376 part 1, 18.8.30 and 18.17.4).

Dates and times become ISO 8601, percentages keep their sign; other formats (currency, digits, colours) show the number
itself. Knows no sheets.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from edge_llm.memory.ingest.package import Package

Shown: TypeAlias = Literal["number", "percent", "date", "time", "datetime"]
_BUILT_IN: dict[int, Shown] = {
    9: "percent", 10: "percent", **dict.fromkeys(range(14, 18), "date"), **dict.fromkeys(range(18, 22), "time"), 22: "datetime",
    **dict.fromkeys(range(27, 32), "date"), **dict.fromkeys(range(32, 36), "time"), 36: "date",
    45: "time", 46: "number", 47: "time", **dict.fromkeys(range(50, 59), "date"),
}  # fmt: skip
"""The formats that files refer to without spelling them; 27 to 36 and 50 to 58 are those of East Asian editions."""
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)
_EPOCH = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}
_LAST_DAY = 2_958_465
"""9999-12-31."""


@functools.lru_cache(maxsize=4096)
def shown_as(code: str) -> Shown:
    """What a format code such as `dd/mm/yyyy` makes of a number."""
    plain = _LITERAL.sub("", code.split(";", 1)[0]).lower()
    if "[" in plain:
        return "number"  # elapsed time, as in [h]:mm
    clock = "h" in plain or "s" in plain or "am/pm" in plain
    day = "y" in plain or "d" in plain or ("m" in plain and not clock)
    if day and plain not in ("general", "@"):
        return "datetime" if clock else "date"
    return "time" if clock else "percent" if "%" in plain else "number"


class CellStyles:
    """Style index -> what a number under it is."""

    def __init__(self, package: Package, part: str | None, *, from_1904: bool) -> None:
        self._epoch = _EPOCH[from_1904]
        self._shown: list[Shown] = []
        if part is not None:
            codes: dict[str, str] = {}
            inside = False
            for event in package.events(part):
                attributes = event.attributes
                if event.value == "numFmt" and event.kind == "start":
                    codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
                elif event.value == "cellXfs":
                    inside = event.kind == "start"
                elif inside and event.value == "xf" and event.kind == "start":
                    self._shown.append(_shown(attributes.get("numFmtId", "0"), codes))

    def text(self, value: str, style: str) -> str:
        """A stored number as its cell shows it; what is no number comes back unchanged."""
        try:
            number = float(value)
        except ValueError:
            return value
        shown = self._shown[int(style)] if style.isdecimal() and int(style) < len(self._shown) else "number"
        if shown == "percent":
            return f"{number * 100:.10g}%"
        if shown == "number" or not 0 <= number <= _LAST_DAY:
            return value if value.lstrip("-").isdecimal() else f"{number:.15g}"
        at = self._epoch + timedelta(seconds=round(number * 86400))
        if shown == "date":
            return f"{at:%Y-%m-%d}" if number == int(number) else f"{at:%Y-%m-%d %H:%M}"
        if shown == "time" and number < 1:
            return f"{at:%H:%M}" if at.second == 0 else f"{at:%H:%M:%S}"
        return f"{at:%Y-%m-%d %H:%M}"


def _shown(number: str, codes: dict[str, str]) -> Shown:
    if number in codes:
        return shown_as(codes[number])
    return _BUILT_IN.get(int(number), "number") if number.isdecimal() else "number"


def shared_strings(package: Package, part: str | None) -> Sequence[str]:
    """The texts that cells refer to by number. Readings above Japanese text are left out."""
    if part is None:
        return ()
    return tuple(_rich_texts(package, part, "si"))


def _rich_texts(package: Package, part: str, element: str) -> Iterator[str]:
    pieces: list[str] = []
    in_text = phonetic = False
    for kind, name, _ in package.events(part):
        if kind == "text":
            if in_text and not phonetic:
                pieces.append(name)
        elif name == "t":
            in_text = kind == "start"
        elif name == "rPh":
            phonetic = kind == "start"
        elif name == element:
            if kind == "end":
                yield "".join(pieces)
            pieces = []
