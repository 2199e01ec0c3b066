"""What 8 and 4 bits cost on both runtimes, measured on a text against the source's own 32-bit form.

    python -m tests.bench.bench_quality --text FILE [--source MODEL.gguf] [--out FIGURES.json]

Writes JSON: the figures of each bundle, the bounds, and whether each is met. Exit code 1 when one is not. With the
defaults it takes some minutes; the bounds hold for the default model and 4,096 tokens in windows of 512.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_llm.catalog import installed_models
from edge_llm.home import Home
from quantize.evaluate import Evaluation, evaluate
from quantize.pipeline import quantize
from quantize.recipe import recipe_for

MODEL = "smollm2-135m-instruct"
KLD_8_BITS = 0.012
TOP1_8_BITS = 0.94
KLD_4_BITS_OVER_LLAMA = 1.10
"""Mean KL divergence of our 4 bits over that of llama.cpp's own Q4_0."""


@dataclass(frozen=True)
class Bound:
    """One promise, and what was measured."""

    name: str
    value: float
    least: float = float("-inf")
    most: float = float("inf")

    @property
    def met(self) -> bool:
        return self.least <= self.value <= self.most


def measure(source: Path, text: str, tokens: int, context: int, threads: int | None) -> dict[str, Evaluation]:
    """Convert and evaluate: "onnx 8", "llamacpp 8", "onnx 4", "llamacpp 4", and "llama.cpp Q4_0", which is its own work."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        quantize(source, place / "32", recipe=recipe_for(32), formats=("onnx",))
        candidates = {}
        for bits in (8, 4):
            quantize(source, place / str(bits), recipe=recipe_for(bits), formats=("onnx", "gguf"))
            candidates[f"onnx {bits}"] = (place / str(bits) / "onnx", "onnx")
            candidates[f"llamacpp {bits}"] = (place / str(bits) / "gguf", "llamacpp")
        quantize(source, place / "own", recipe=recipe_for(32), formats=("gguf",), llama_type="Q4_0")
        candidates["llama.cpp Q4_0"] = (place / "own", "llamacpp")
        for name, (bundle, runtime) in candidates.items():
            found[name] = evaluate(bundle, place / "32", text, tokens=tokens, context=context, runtime=runtime, threads=threads)
            print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    return found


def bounds(found: dict[str, Evaluation]) -> list[Bound]:
    """The promises of docs/quality.md."""
    own = found["llama.cpp Q4_0"].kld_mean
    listed = []
    for runtime in ("onnx", "llamacpp"):
        eight, four = found[f"{runtime} 8"], found[f"{runtime} 4"]
        listed.append(Bound(f"{runtime}, 8 bits: mean KL divergence", eight.kld_mean, most=KLD_8_BITS))
        listed.append(Bound(f"{runtime}, 8 bits: top-1 agreement", eight.top1_agreement, least=TOP1_8_BITS))
        name = f"{runtime}, 4 bits: mean KL divergence over that of llama.cpp's Q4_0"
        listed.append(Bound(name, four.kld_mean / own, least=1 / KLD_4_BITS_OVER_LLAMA, most=KLD_4_BITS_OVER_LLAMA))
    return listed


def default_source() -> Path | None:
    """The default model, where the tests have it: pulled into EDGE_LLM_TEST_HOME."""
    folder = os.environ.get("EDGE_LLM_TEST_HOME")
    models = [] if folder is None else installed_models(Home(folder))
    return next((model.path for model in models if model.name == MODEL), None)


def _finite(bound: Bound) -> dict[str, Any]:
    limits = {name: value for name, value in asdict(bound).items() if value not in (float("inf"), float("-inf"))}
    return {**limits, "met": bound.met}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the figures; 1 when a bound is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--source", type=Path, default=default_source())
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path, help="where to write the JSON; standard output without it")
    options = parser.parse_args(arguments)
    if options.source is None:
        parser.error(f"--source names the checkpoint ({MODEL} is not in EDGE_LLM_TEST_HOME)")
    raw = options.text.read_bytes()
    found = measure(options.source, raw.decode("utf-8"), options.tokens, options.context, options.threads)
    checked = bounds(found)
    figures = {
        "source": options.source.name,
        "text": {"name": options.text.name, "sha256": hashlib.sha256(raw).hexdigest()},
        "tokens": options.tokens,
        "context": options.context,
        "rows": {name: asdict(row) for name, row in found.items()},
        "bounds": [_finite(bound) for bound in checked],
    }
    written = json.dumps(figures, indent=2)
    if options.out is None:
        print(written)
    else:
        options.out.write_text(written + "\n", encoding="utf-8")
    return 0 if all(bound.met for bound in checked) else 1


if __name__ == "__main__":
    raise SystemExit(main())
