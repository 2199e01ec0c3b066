"""Nothing phones home: whole commands under a system-call trace open no socket and leave no file elsewhere.

The dependencies' telemetry is as their wheels ship it: onnxruntime >= 1.29 writes a device id under the
cache folder and uploads from a thread unless it is told not to before the import.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tiny import write_fake_bundle

WRITES = "creat,openat,open,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat"
NETWORK = "socket,connect,bind,listen,accept,accept4,sendto,sendmsg,sendmmsg"
CREATING = re.compile(r"\b(?:creat|mkdir(?:at)?|rename(?:at2?)?|link(?:at)?|symlink(?:at)?|mknod(?:at)?)\(|O_CREAT")


@dataclass(frozen=True)
class Trace:
    """What one traced command did."""

    stdout: str
    network: list[str]
    written: list[Path]


@dataclass(frozen=True)
class Sandbox:
    """An empty home directory, a home for models and an output folder; nothing else may be written."""

    root: Path

    def run(self, *command: str, stdin: str = "") -> Trace:
        log = self.root / "trace.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "HF_", "XDG_"))}
        environment |= {
            "HOME": str(self.root / "person"),
            "EDGE_LLM_HOME": str(self.root / "home"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        tracer = ["strace", "-f", "-qq", "-e", f"trace={NETWORK},{WRITES}", "-o", str(log)]
        (self.root / "person").mkdir(exist_ok=True)
        done = subprocess.run(
            [*tracer, sys.executable, "-m", "edge_llm", *command],
            input=stdin,
            capture_output=True,
            text=True,
            env=environment,
            cwd=self.root / "person",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return _read(log, done.stdout, self.root / "person")


def _read(log: Path, stdout: str, cwd: Path) -> Trace:
    network, written = [], []
    for line in log.read_text(errors="replace").splitlines():
        call = line.split(maxsplit=1)[-1]
        if re.match(rf"(?:{NETWORK.replace(',', '|')})\(", call):
            network.append(call)
        elif CREATING.search(call) and not re.search(r"= -1 E", call):
            written += [cwd / name for name in re.findall(r'"([^"]+)"', call)]
    return Trace(stdout, network, written)


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    if shutil.which("strace") is None:
        assert "CI" not in os.environ, "strace is missing; scripts/test_tools.sh installs it"
        pytest.skip("strace is missing: the system-call trace was not checked")
    return Sandbox(tmp_path)


def strays(trace: Trace, allowed: Sequence[Path]) -> list[Path]:
    """Paths written outside `allowed` (devices and a process's own /proc entries aside)."""
    roots = [*allowed, Path("/dev"), Path("/proc")]
    return [path for path in trace.written if not any(path.is_relative_to(root) for root in roots)]


def assert_silent(trace: Trace, sandbox: Sandbox) -> None:
    assert trace.network == []
    assert strays(trace, [sandbox.root / "home", sandbox.root / "out"]) == []
    assert list((sandbox.root / "person").rglob("*")) == []


def test_quantize_and_chat_on_both_runtimes(sandbox: Sandbox, smol_gguf: Path) -> None:
    out = sandbox.root / "out"
    made = sandbox.run("quantize", str(smol_gguf), "-o", str(out), "--bits", "4", "--format", "both", "--json")
    assert_silent(made, sandbox)
    for bundle in json.loads(made.stdout)["bundles"]:
        said = sandbox.run("chat", bundle["path"], "--temperature", "0", "--max-tokens", "4", stdin="What is 2 + 2?\n/quit\n")
        assert said.stdout.strip()
        assert_silent(said, sandbox)


def test_fake_runtime(sandbox: Sandbox) -> None:
    bundle = write_fake_bundle(sandbox.root / "out" / "fake")
    assert_silent(sandbox.run("run", str(bundle), "hello", "--max-tokens", "4"), sandbox)


def test_the_trace_would_see_a_socket_and_a_stray_file(sandbox: Sandbox) -> None:
    log = sandbox.root / "trace.log"
    stray = sandbox.root / "elsewhere"
    code = f"import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(); open({str(stray)!r}, 'w').close()"
    subprocess.run(
        ["strace", "-f", "-qq", "-e", f"trace={NETWORK},{WRITES}", "-o", str(log), sys.executable, "-c", code], check=True
    )
    trace = _read(log, "", sandbox.root)
    assert [call.split("(")[0] for call in trace.network] == ["socket"]
    assert strays(trace, [sandbox.root / "home"]) == [stray]
