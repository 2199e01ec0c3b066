"""Long work: a bar on a terminal, a line a stage elsewhere, nothing at all when there is nothing to wait for."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from edge_llm.cli.progress import ProgressDisplay
from edge_llm.progress import Progress
from quantize.pipeline import Progress as QuantizeProgress

ROOT = Path(__file__).parents[4]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressDisplay() as display:
        for done in range(3):
            display.on_model_step(Progress("download", done * 10**6, 2 * 10**6, "a.whl"))
        display.on_model_step(Progress("unpack", 0, 10, "a.gguf"))
        display.on_quantize_step(QuantizeProgress("weights", 1, 2))
        display.on_positions(0, 10)
        display.on_positions(10, 10)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == ""


def test_on_a_terminal_there_are_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with ProgressDisplay() as display:
        display.on_model_step(Progress("download", 0, 0, "[bold]a.whl\x1b]0;owned\x07"))
        display.on_model_step(Progress("download", 10**6, 0, "[bold]a.whl\x1b]0;owned\x07"))
        display.on_model_step(Progress("convert", 1, 4, "model"))
    shown = screen.getvalue()
    assert "Fetching [bold]a.whl" in shown
    assert "1.0 MB" in shown
    assert "25 %" in shown
    assert "\x1b]0" not in shown


def test_nothing_is_imported_before_there_is_something_to_show() -> None:
    code = """if True:
        import sys
        from edge_llm.cli.progress import ProgressDisplay
        with ProgressDisplay():
            print("rich.progress" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"
