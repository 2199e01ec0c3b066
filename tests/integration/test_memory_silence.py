"""Memory opens no socket and leaves nothing elsewhere: whole commands under a system-call trace, with the real embedder."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.integration.test_silence import Sandbox, assert_silent


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    if shutil.which("strace") is None:
        assert "CI" not in os.environ, "strace is missing; scripts/test_tools.sh installs it"
        pytest.skip("strace is missing: the system-call trace was not checked")
    return Sandbox(tmp_path)


def test_add_search_forget(sandbox: Sandbox) -> None:
    out = sandbox.root / "out"
    (out / "notes").mkdir(parents=True)
    (out / "notes" / "trip.md").write_text("# Japan\n\nThe flight to Osaka leaves from gate 14.\n", encoding="utf-8")
    (out / "notes" / "teeth.txt").write_text("The dentist moved the appointment to Thursday.", encoding="utf-8")
    key = ("--key-file", str(out / "memory.key"))
    assert_silent(sandbox.run("memory", "key", "init", *key), sandbox)
    added = sandbox.run("memory", "add", str(out / "notes"), *key, "--json")
    assert json.loads(added.stdout)["added"] == 2
    assert_silent(added, sandbox)
    found = sandbox.run("memory", "search", "when is the dentist?", *key, "--json")
    assert "dentist" in json.loads(found.stdout)["hits"][0]["text"]
    assert_silent(found, sandbox)
    forgotten = sandbox.run("memory", "forget", "--query", "dentist", "--yes", "--json", *key)
    receipt = json.loads(forgotten.stdout)["receipt"]
    assert_silent(forgotten, sandbox)
    assert_silent(sandbox.run("memory", "verify", "--erased", receipt, *key), sandbox)
