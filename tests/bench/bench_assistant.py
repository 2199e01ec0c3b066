"""Does the assistant do what people ask of it? Plays every dialogue of tests/assistant_set through the real assistant.

    EDGE_LLM_TEST_HOME=... python -m tests.bench.bench_assistant [--half dev] [--errors] [--json]

The default model and the sentence encoders are those of EDGE_LLM_TEST_HOME; carriers record instead of acting, and the person
approves a proposal only when it equals the label. Half of the set is held out: nothing may be tuned on it. All dialogues
are played twice, without a model (for the time of what is not the model's) and with the default one. Exit code 1 when a bound
is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from edge_llm.actions.values import Call
from edge_llm.assistant import Assistant
from edge_llm.home import Home
from edge_llm.model import Model
from edge_llm.model import load as load_model
from edge_llm.requested import route_all
from edge_llm.turns import Proposal, Question
from tests.assistant_dialogues import Dialogue, Played, load, play, recorders, setting, wrong_slots

SUCCESS = 0.85
"""Least share of requests that end as labelled."""
MODEL_FREE_S = 0.1
"""Most time of a turn without the model, at the median and at the 95th percentile."""
TURNS_PER_MINUTE = 5
MODEL = "smollm2-135m-instruct"


def run(dialogues: Sequence[Dialogue], model: Model | None, home: Home) -> tuple[list[Played], float]:
    """Play all, each in a conversation of its own.

    Returns:
        What came of each, and the seconds for all turns together.
    """
    now, region, people = setting()
    calls: list[Call] = []
    with Assistant(model, contacts=people, region=region, home=home, now=lambda: now, providers=recorders(calls)) as assistant:
        router = assistant._routes()
        for words in ("hello", "你好"):  # what is learned once, before the clock runs
            assistant.conversation().ask(words) if model is None else router.route(words)
        played = []
        start = time.perf_counter()
        for one in dialogues:
            routed = [part.actions[0].id for part in route_all(router, one.say[0]) if part.actions]
            played.append(play(one, assistant.conversation(), calls, routed))
        return played, time.perf_counter() - start


def figures(played: Sequence[Played]) -> dict[str, Any]:
    """Shares and counts over requests, and over words that ask for nothing."""
    requests = [one for one in played if one.dialogue.kind != "none"]
    none = [one for one in played if one.dialogue.kind == "none"]
    verdicts = Counter(one.verdict for one in requests)
    right = verdicts["right"]
    return {
        "requests": len(requests),
        "success": right / max(1, len(requests)),
        "at once": sum(one.verdict == "right" and not one.clarified for one in requests) / max(1, len(requests)),
        "wrong but proposed": sum(one.wrong_proposed for one in played),
        "wrong but executed": sum(bool(one.wrong_executed) for one in played),
        "routing errors": verdicts["route"],
        "slot errors": verdicts["slots"],
        "still asking": verdicts["asked"],
        "not cancelled": verdicts["not cancelled"],
        "no request": len(none),
        "left alone": sum(one.verdict == "right" for one in none),
    }


def report(played: Sequence[Played]) -> dict[str, dict[str, Any]]:
    """Figures of all, and per author, language and half."""
    groups: dict[str, list[Played]] = {"all": list(played)}
    for one in played:
        author, language, half = one.dialogue.author, one.dialogue.language, one.dialogue.half
        for key in (author, language, half, f"{language} {half}", f"{author} {half}"):
            groups.setdefault(key, []).append(one)
    return {name: figures(group) for name, group in groups.items()}


def explain(played: Sequence[Played]) -> list[str]:
    """Every dialogue that went wrong, and how."""
    lines = []
    for one in played:
        if one.verdict == "right" and not one.wrong_proposed and not one.wrong_executed and not one.clarified:
            continue
        lines.append(f"{one.dialogue.id} {one.dialogue.kind} {one.verdict} {' | '.join(one.dialogue.say)}")
        for turn in one.turns:
            said = turn.text.replace("\n", " / ")[:160]
            if isinstance(turn, Proposal):
                shown = [(review.call.action.id, {k: v.value for k, v in review.call.slots.items()}) for review in turn.reviews]
                wrong = [wrong_slots(r.call, step) for r, step in zip(turn.reviews, one.dialogue.steps, strict=False)]
                said = f"{shown} wrong: {wrong}"
            elif isinstance(turn, Question):
                action = None if turn.action is None else turn.action.id
                said = f"{said} [{action} {turn.slot} { ({k: v.value for k, v in turn.slots.items()}) }]"
            lines.append(f"    {type(turn).__name__}: {said}")
        lines.append(f"    wanted {[(step.action, dict(step.slots)) for step in one.dialogue.steps]}")
    return lines


def percentile(seconds: Sequence[float], share: float) -> float:
    """The smallest time that `share` of them do not exceed."""
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("dev", "held out"), help="only this half")
    parser.add_argument("--ids", nargs="+", default=(), help="only these dialogues")
    parser.add_argument("--no-model", action="store_true", help="only without a model; nothing is bound but what must never be")
    parser.add_argument("--errors", action="store_true", help="show every dialogue that went wrong, of the development half")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args()


def main() -> int:
    """Play, print, and compare with the bounds."""
    options = parse()
    folder = os.environ.get("EDGE_LLM_TEST_HOME")
    if folder is None:
        raise SystemExit("EDGE_LLM_TEST_HOME names the models folder that holds the default model and the encoders.")
    home = Home(folder)
    dialogues = [one for one in load() if options.half in (None, one.half) and (not options.ids or one.id in options.ids)]
    played, _ = run(dialogues, None, home)
    seconds = [second for one in played for second in one.seconds]
    result: dict[str, Any] = {
        "without a model": report(played),
        "model-free p50 ms": statistics.median(seconds) * 1e3,
        "model-free p95 ms": percentile(seconds, 0.95) * 1e3,
    }
    missed = [] if percentile(seconds, 0.95) <= MODEL_FREE_S else ["model-free p95"]
    if not options.no_model:
        with load_model(MODEL, home=home) as model:
            played, took = run(dialogues, model, home)
        result["with the default model"] = report(played)
        result["turns per minute"] = 60 * sum(len(one.seconds) for one in played) / took
        worded = [second for one in played if one.dialogue.kind == "none" for second in one.seconds]
        result["answers in words per minute"] = 60 / statistics.mean(worded)
        slowest = min(result["turns per minute"], result["answers in words per minute"])
        missed += ["turns per minute"] if slowest < TURNS_PER_MINUTE else []
        missed += ["success"] if figures(played)["success"] < SUCCESS else []
    missed += ["wrong but executed"] if any(one.wrong_executed for one in played) else []
    result["missed"] = missed
    if options.json:
        print(json.dumps(result, ensure_ascii=False, indent=1))
    else:
        show(result)
    if options.errors:
        print("\n".join(explain([one for one in played if one.dialogue.half == "dev"])))
    return 1 if missed else 0


def show(result: dict[str, Any]) -> None:
    """Print the figures as text."""
    for name, value in result.items():
        if isinstance(value, dict):
            print(name)
            for group, counts in value.items():
                told = "  ".join(
                    f"{key} {count:.3f}" if isinstance(count, float) else f"{key} {count}" for key, count in counts.items()
                )
                print(f"  {group:18} {told}")
        else:
            print(f"{name}: {value:.1f}" if isinstance(value, float) else f"{name}: {value}")


if __name__ == "__main__":
    sys.exit(main())
