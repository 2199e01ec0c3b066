"""The program in this process: what it prints and the code it would exit with."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_llm.cli.main import execute
from tests.tiny import write_fake_bundle
from tests.unit.edge_llm.cli.program import Outcome, Program


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """Calls the program with these arguments."""

    def call(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        code = execute([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return call


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """A bundle for the fake runtime that says two things in turn."""
    return write_fake_bundle(tmp_path / "fake", answers=["Tokyo, of course.", "Four."])
