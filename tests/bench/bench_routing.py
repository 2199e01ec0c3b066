"""Does routing find the action that is asked for, and does it leave alone what asks for none?

    python -m tests.bench.bench_routing CLINC150.json [--train DATA_FULL.json] [--seeds 3] [--embedders use all-minilm-l6-v2]
        [--model smollm2-135m-instruct] [--cache FOLDER]
    python -m tests.bench.bench_routing --own            the sentences of routing_requests.json, the standard actions

CLINC150 (Larson et al. 2019, CC BY 3.0) is not part of this repository. Its phone-like intents become actions with eight
examples each and no word more; every other intent, and its out-of-scope sentences, must be refused.

* `half`: the examples come from one half of the file's `val` part (every second sentence of an intent), and the other half is
  asked. Neighbours in that file are often one writer's variants of one sentence, so this is the easier half of the truth.
* `train` (with --train): the examples are drawn with a seed from CLINC150's training split, and the whole file is asked.

Of the half that is not asked nothing but those eight sentences is used; sentences that ask for nothing are the package's own.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import edge_llm
from edge_llm.actions.library import library
from edge_llm.actions.manifest import Action, Text
from edge_llm.home import Home
from edge_llm.memory.embedders import open_embedder
from edge_llm.route import Router

INTENTS = {
    "text": "sms.send",
    "make_call": "call.start",
    "alarm": "alarm.set",
    "timer": "timer.set",
    "reminder": None,
    "reminder_update": "reminder.add",
    "calendar": "calendar.show",
    "calendar_update": "calendar.add",
    "schedule_meeting": "meeting.schedule",
    "shopping_list": "shopping.show",
    "shopping_list_update": "shopping.add",
    "todo_list": "todo.show",
    "todo_list_update": "todo.add",
    "play_music": "music.play",
    "directions": "directions.show",
    "uber": "taxi.book",
    "order": "shop.buy",
    "restaurant_reservation": "restaurant.reserve",
    "book_flight": "flight.book",
    "book_hotel": "hotel.book",
    "weather": "weather.show",
    "translate": "translate",
    "calculator": "calculate",
    "measurement_conversion": "convert.units",
    "exchange_rate": "convert.currency",
}
"""The phone-like intents, and the standard action that is nearest."""
EXAMPLES = 8
REFUSED = 0.88
"""Share of the rest at which accuracy is compared with other work."""
_OWN = Path(__file__).with_name("routing_requests.json")


@dataclass(frozen=True)
class Asked:
    """A sentence and the id of the action it asks for; "" for none, and then its kind."""

    words: str
    action: str
    kind: str


def intents_of(rows: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """Sentences by intent, in the file's order."""
    found: dict[str, list[str]] = defaultdict(list)
    for words, intent in rows:
        found[intent].append(words)
    return found


def make_actions(examples: Mapping[str, Sequence[str]], *, with_library: bool) -> list[Action]:
    """An action for each intent; with the standard action's own examples and negatives where that is asked for."""
    standard = {action.id: action for action in library()}
    actions = []
    for intent, lines in examples.items():
        name = intent.replace("_", " ")
        near = standard.get(INTENTS[intent] or "") if with_library else None
        extra = () if near is None else near.examples["en"]
        negatives = {} if near is None else near.negatives
        text = Text(name, name)
        actions.append(
            Action(intent, text, text, "read", "none", () if near is None else near.slots, {"en": (*lines, *extra)}, negatives)
        )
    return actions


def halves(document: Mapping[str, Sequence[Sequence[str]]], asked_half: int) -> tuple[dict[str, list[str]], list[Asked]]:
    """Examples from one half of `val`; the other half and `oos_val`, to be asked."""
    intents = intents_of(document["val"])
    examples = {intent: intents[intent][1 - asked_half :: 2][:EXAMPLES] for intent in INTENTS}
    asked = [Asked(w, i if i in INTENTS else "", i) for i, lines in intents.items() for w in lines[asked_half::2]]
    return examples, [*asked, *(Asked(words, "", "oos") for words, _ in document["oos_val"])]


def from_train(
    document: Mapping[str, Sequence[Sequence[str]]], train: Mapping[str, Sequence[Sequence[str]]], seed: int
) -> tuple[dict[str, list[str]], list[Asked]]:
    """Examples drawn from the training split; all of the file, to be asked."""
    draw = random.Random(seed)
    intents = intents_of(train["train"])
    examples = {intent: draw.sample(intents[intent], EXAMPLES) for intent in INTENTS}
    asked = [Asked(w, i if i in INTENTS else "", i) for w, i in document["val"]]
    return examples, [*asked, *(Asked(words, "", "oos") for words, _ in document["oos_val"])]


def measure(router: Router, asked: Sequence[Asked]) -> dict[str, float]:
    """Shares at the router's own threshold, and at the one that refuses REFUSED of the rest."""
    best, none, ids, times = [], [], [], []
    processor = time.process_time()
    for one in asked:
        start = time.perf_counter()
        routed = router.route(one.words)
        times.append(time.perf_counter() - start)
        none.append(routed.none_probability)
        best.append(routed.candidates[0].probability)
        ids.append(routed.candidates[0].action.id)
    processor = (time.process_time() - processor) / len(asked)
    wanted = np.array([one.action for one in asked])
    oos = np.array([one.kind == "oos" for one in asked])
    inside, right = wanted != "", np.array(ids) == wanted
    taken = np.array(none) < 0.5
    bound = np.quantile(-np.array(none)[~inside], REFUSED)
    beyond = -np.array(none) > bound
    correct = inside & right
    return {
        "asked_in_scope": int(inside.sum()),
        "accuracy": float((right & taken)[inside].mean()),
        "wrong_action_taken": float((~right & taken)[inside].mean()),
        "rest_refused": float((~taken)[~inside].mean()),
        **({"oos_refused": float((~taken)[oos].mean())} if oos.any() else {}),
        f"accuracy_at_{REFUSED}": float((right & beyond)[inside].mean()),
        "accuracy_without_refusal": float(right[inside].mean()),
        "calibration_error": calibration_error(np.array(best), correct),
        "p50_ms": float(np.median(times) * 1e3),
        "processor_ms": processor * 1e3,
        "p95_ms": float(np.quantile(times, 0.95) * 1e3),
    }


def calibration_error(said: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: how far what is said lies from what is right, over bins of equal width."""
    place = np.minimum((said * bins).astype(int), bins - 1)
    return float(
        sum((place == b).mean() * abs(said[place == b].mean() - right[place == b].mean()) for b in set(place.tolist()))
    )


def own_rows(router: Router) -> list[dict[str, object]]:
    """The package's own sentences, each language by itself."""
    document = json.loads(_OWN.read_text("utf-8"))
    rows: list[dict[str, object]] = []
    for language in ("en", "zh"):
        asked = [
            Asked(words, "" if action == "none" else action, action)
            for action, lines in document[language].items()
            for words in lines
        ]
        router.warm(language)
        rows.append({"set": f"own {language}", **measure(router, asked)})
    return rows


def main() -> None:
    """Print a row for each set of examples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clinc", type=Path, nargs="?")
    parser.add_argument("--train", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--embedders", nargs="+", default=["use", "all-minilm-l6-v2"])
    parser.add_argument("--cache", type=Path, help="keeps vectors between runs")
    parser.add_argument("--model", help="a chat model that settles close calls")
    parser.add_argument("--own", action="store_true")
    options = parser.parse_args()
    embedders = [open_embedder(name, home=Home()) for name in options.embedders]
    if options.own:
        for row in own_rows(Router(library(), embedders, cache=options.cache)):
            _print(row)
    if options.clinc is None:
        return
    model = edge_llm.load(options.model) if options.model else None
    document = json.loads(options.clinc.read_text("utf-8"))
    sets = [(f"half {half}", *halves(document, half)) for half in (1, 0)]
    if options.train is not None:
        train = json.loads(options.train.read_text("utf-8"))
        sets += [(f"train {seed}", *from_train(document, train, seed)) for seed in range(options.seeds)]
    for name, examples, asked in sets:
        for with_library in (False, True):
            router = Router(make_actions(examples, with_library=with_library), embedders, model=model, cache=options.cache)
            start = time.perf_counter()
            router.warm("en")
            learned = time.perf_counter() - start
            _print({"set": name, "library": with_library, **measure(router, asked), "learned_s": learned})


def _print(row: Mapping[str, object]) -> None:
    shown = {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}
    print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    main()
