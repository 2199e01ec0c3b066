"""Everything `make bench` measures, with the bounds it must meet; exit code 1 when one is missed.

    python -m tests.bench          the default model must be in EDGE_LLM_TEST_HOME (`make bench` pulls it)

Quality is measured apart (`make quality TEXT=...`): it needs a text that is not part of this repository.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.bench_process import MODEL


def _run(*command: str) -> int:
    print("\n$", *command[1:], flush=True)
    return subprocess.run(command, check=False).returncode


def main() -> int:
    """Make the bundles, then run the benches one after the other: they would disturb each other."""
    home = os.environ.get("EDGE_LLM_TEST_HOME")
    if home is None:
        raise SystemExit("EDGE_LLM_TEST_HOME names the models folder that holds the default model. Use `make bench`.")
    os.environ["EDGE_LLM_HOME"] = home
    edge_llm = str(Path(sys.executable).with_name("edge-llm"))
    with tempfile.TemporaryDirectory() as folder:
        for bits in ("4", "8"):
            _run(sys.executable, edge_llm, "quantize", MODEL, "-o", f"{folder}/int{bits}", "--bits", bits, "--format", "both")
        gguf = [word for bits in ("4", "8") for word in ("--gguf", f"{folder}/int{bits}/gguf/model.gguf")]
        codes = [
            _run(sys.executable, "-m", "tests.bench.bench_process", "--home", home),
            _run(sys.executable, "-m", "tests.bench.bench_peers", "--onnx", f"{folder}/int4/onnx", *gguf),
            _run(sys.executable, "-m", "tests.bench.bench_answers", "--onnx", f"{folder}/int4/onnx", *gguf),
        ]
    return max(codes)


if __name__ == "__main__":
    raise SystemExit(main())
