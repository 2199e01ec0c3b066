"""What a constraint costs and saves: time in the mask, tokens that were not sampled, whole answers beside free ones.

    python -m tests.bench.bench_constrain [--runtime NAME]... [--rounds N] [--json]

Three ways take turns on the default model, greedy, from an empty cache: the constraint as it is; the same with what it
determines sampled token by token; and a free answer of as many tokens as the constrained one has. Exit code 1 when a
bound is missed. Times are processor time, with one thread, so that what else the machine does counts little.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from unittest import mock

import edge_llm
from edge_llm import Constraint, Message, Model
from edge_llm.mask import Mask, MaskMaker

MASK_BOUND = 0.05
"""Most of a constrained answer's time that the mask may take."""
SPEED_BOUND = 1.0
"""Least ratio of a free answer's time to that of a constrained one of as many tokens."""
TEXT = {"type": "string", "maxLength": 24}
EVENT = {
    "type": "object",
    "properties": {
        "title": TEXT,
        "start_date": TEXT,
        "location": TEXT,
        "participants": {"type": "array", "items": TEXT, "maxItems": 3},
        "reminder_minutes": {"type": "integer", "minimum": 0, "maximum": 600},
    },
    "required": ["title", "start_date"],
}
ACTIONS = [
    f"{verb}_{thing}" for verb in ("create", "cancel", "show", "change") for thing in ("alarm", "timer", "event", "note")
]
WORDS = "Lunch with Anna and Bob at the Harbour Cafe on Friday, remind me half an hour before."
CASES: dict[str, tuple[str, Constraint]] = {
    "event": (f"Write the event as JSON. {WORDS}", Constraint.json_schema(EVENT)),
    "call": (
        f"Write the call as JSON. {WORDS}",
        Constraint.json_schema(
            {
                "type": "object",
                "properties": {"action": {"enum": ACTIONS}, "arguments": EVENT},
                "required": ["action", "arguments"],
            }
        ),
    ),
    "choice": (f"Which action is it? {WORDS}", Constraint.choices(ACTIONS)),
    "pattern": ("Write down a telephone number.", Constraint.regex(r"\+[1-9][0-9]{1,2}( [0-9]{3}){3}")),
}


@dataclass(frozen=True)
class Row:
    """The least of the rounds, in milliseconds of processor time."""

    runtime: str
    case: str
    tokens: int
    forced: int
    constrained_ms: float
    sampled_ms: float
    """The same answer with every token sampled."""
    free_ms: float
    mask_us_per_token: float
    mask_share: float
    compile_ms: float


@contextmanager
def timed_mask() -> Iterator[list[float]]:
    """Seconds of processor time spent in each call of a mask."""
    spent: list[float] = []

    def timing(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            began = time.process_time()
            try:
                return method(*arguments)
            finally:
                spent.append(time.process_time() - began)

        return call

    with mock.patch.multiple(
        Mask, **{name: timing(getattr(Mask, name)) for name in ("forced", "apply", "accept", "allowed_of")}
    ):
        yield spent


def seconds(model: Model, words: str, constraint: Constraint | None, max_tokens: int | None = None) -> tuple[float, Any]:
    """How long one answer takes after its prompt, which is fed before."""
    prompt = [Message("user", words)]
    model.clear_cache()
    model.score(prompt, ["a"])
    began = time.process_time()
    result = model.chat(prompt, constraint=constraint, max_tokens=max_tokens)
    return time.process_time() - began, result


def measure(model: Model, case: str, rounds: int) -> Row:
    """One case, its ways in turn."""
    words, constraint = CASES[case]
    times: dict[str, list[float]] = {"constrained": [], "sampled": [], "free": [], "mask": [], "compile": []}
    for _ in range(rounds):
        taken, result = seconds(model, words, constraint)
        times["constrained"].append(taken)
        with timed_mask() as spent:
            seconds(model, words, constraint)
        times["mask"].append(sum(spent))
        with mock.patch.object(Mask, "forced", return_value=[]):
            times["sampled"].append(seconds(model, words, constraint)[0])
        free, other = seconds(model, words, None, len(result.token_ids))
        times["free"].append(free * len(result.token_ids) / max(1, len(other.token_ids)))
        began = time.process_time()
        MaskMaker.start(model._masks, Constraint(constraint.grammar, f"{constraint.what} {began}"))
        times["compile"].append(time.process_time() - began)
    least = {name: min(values) for name, values in times.items()}
    return Row(
        runtime=model.info.runtime,
        case=case,
        tokens=len(result.token_ids),
        forced=result.usage.forced_tokens,
        constrained_ms=least["constrained"] * 1e3,
        sampled_ms=least["sampled"] * 1e3,
        free_ms=least["free"] * 1e3,
        mask_us_per_token=least["mask"] * 1e6 / len(result.token_ids),
        mask_share=least["mask"] / least["constrained"],
        compile_ms=least["compile"] * 1e3,
    )


def main() -> int:
    """Measure, print, compare with the bounds."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runtime", action="append")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    rows: list[Row] = []
    for runtime in options.runtime or ["onnx", "llamacpp"]:
        with edge_llm.load(runtime=runtime, threads=1, context_length=1024) as model:
            began = time.process_time()
            model._masks.start(Constraint.choices(["a"]))
            print(f"{runtime}: vocabulary for masks in {time.process_time() - began:.2f} s, once", file=sys.stderr)
            rows += [measure(model, case, options.rounds) for case in CASES]
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        print("runtime   case     tokens forced  constrained  sampled   free    mask/token  of the time  compile")
        for row in rows:
            print(
                f"{row.runtime:<9} {row.case:<8} {row.tokens:>5} {row.forced:>6}  {row.constrained_ms:>8.1f} ms "
                f"{row.sampled_ms:>7.1f} {row.free_ms:>7.1f} {row.mask_us_per_token:>8.0f} us {row.mask_share:>9.1%} "
                f"{row.compile_ms:>9.2f} ms"
            )
    total = {kind: sum(getattr(row, kind) for row in rows) for kind in ("constrained_ms", "free_ms")}
    missed = [row.case for row in rows if row.mask_share > MASK_BOUND]
    if total["free_ms"] / total["constrained_ms"] < SPEED_BOUND:
        missed.append("speed")
    print(f"missed: {', '.join(missed) or 'nothing'}", file=sys.stderr)
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())
