"""A thousand answers cancelled and engines closed at random moments, on this machine's JVM: nothing lost, nothing kept.

    python -m tests.bench.bench_cancels [--rounds 1000] [--bits 4] [--seed 1]

Prints JSON; exit code 1 when the resident memory grew. A crash or lost text is an error. The default model must be in
EDGE_LLM_TEST_HOME.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from quantize.pipeline import quantize
from quantize.recipe import recipe_for
from runtimes.bundle import read_bundle
from tests.android.conftest import compile_library, export_for_tests, prepare
from tests.android.test_cancels import GROWTH_BYTES, cancel_at_random
from tests.bench.bench_arm import installed_source


def main() -> int:
    """1 when the memory grew."""
    parser = argparse.ArgumentParser(description="Answers cancelled and engines closed at random moments.")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--bits", type=int, default=4, choices=[8, 4])
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    tools = prepare()
    with tempfile.TemporaryDirectory() as folder:
        bundle, phone = Path(folder) / "bundle", Path(folder) / "phone"
        quantize(installed_source(), bundle, recipe=recipe_for(chosen.bits), formats=("onnx",))
        export_for_tests(read_bundle(bundle, verify=False), phone)
        found = cancel_at_random(tools, compile_library(tools), phone, chosen.rounds, chosen.seed)
    print(json.dumps({**asdict(found), "growth": found.growth}))
    return int(found.growth >= GROWTH_BYTES)


if __name__ == "__main__":
    raise SystemExit(main())
