"""Long work on the screen: bars on stderr where that is a terminal, nothing where it is not."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from edge_llm.cli.output import in_bytes, printable

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress as Bars
    from rich.progress import TaskID
    from typing_extensions import Self

    from edge_llm.progress import Progress, Stage
    from quantize.pipeline import Progress as QuantizeProgress

_TITLES: dict[Stage, str] = {
    "wait": "Waiting for another program that prepares",
    "download": "Fetching",
    "unpack": "Unpacking",
    "convert": "Converting",
    "read": "Reading",
    "embed": "Embedding",
}
_COUNTED_IN_BYTES = frozenset({"download", "unpack"})


class ProgressDisplay:
    """Shows how far long work is; a context manager. Its `on_...` methods are the callbacks of that work.

    Nothing is imported or drawn before the first call, so work that turns out to be done already costs nothing.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._title: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def show(self, title: str, done: int, total: int, *, amount: str = "") -> None:
        """Show that `done` of `total` (0: not known) of what `title` says is done; `amount` says it in words."""
        if title != self._title:
            self._title = title
            self._begin(printable(title))
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=done, total=total or None, amount=amount)

    def on_model_step(self, step: Progress) -> None:
        """A step of a pull, or of a conversion that opening a model needs."""
        if step.stage in _COUNTED_IN_BYTES:
            amount = f"{in_bytes(step.done)} of {in_bytes(step.total)}" if step.total else in_bytes(step.done)
        else:
            amount = f"{step.done * 100 // step.total} %" if step.total else ""
        self.show(f"{_TITLES[step.stage]} {step.item}", step.done, step.total, amount=amount)

    def on_memory_step(self, step: Progress) -> None:
        """A step of `Memory.add`: files read, then items embedded."""
        unit, place = ("files", step.item[-40:]) if step.stage == "read" else ("items", "")
        self.show(_TITLES[step.stage], step.done, step.total, amount=printable(f"{step.done} of {step.total} {unit} {place}"))

    def on_quantize_step(self, step: QuantizeProgress) -> None:
        """A step of `quantize.pipeline`."""
        self.show(f"Quantizing: {step.stage}", step.done, step.total, amount=f"{step.done * 100 // max(step.total, 1)} %")

    def on_positions(self, done: int, total: int) -> None:
        """Positions compared by `quantize.evaluate`."""
        self.show("Evaluating", done, total, amount=f"{done} of {total} tokens")

    def _begin(self, title: str) -> None:
        if not sys.stderr.isatty():
            return
        if self._bars is None:
            self._bars = self._stack.enter_context(_open_bars())
        self._task = self._bars.add_task(title, total=None, amount="")


def _open_bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
