"""Speed of whole answers beside the peers: real prompts through `Model.generate` and `Model.chat`, greedy, tokens compared.

    python -m tests.bench.bench_answers --onnx DIR --gguf FILE [--text FILE] [--json]

Beside `bench_peers`, which times a bare loop over random tokens, this is what a person gets: speculation gains where an
answer repeats itself or its prompt, so the text matters. Two kinds of prompts: passages of 512 tokens that the model goes
on with (of FILE, or of the documentation that ships inside Python), and questions to a chat. Three processes take turns on
each: ours, ours with `exact`, the peer. Exit code 1 when a median ratio is below its bound.
"""

from __future__ import annotations

import argparse
import json
import pydoc_data.topics
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from tests.bench.bench_peers import PEERS, Process

PROMPT_TOKENS = 512
NEW_TOKENS = 128
BOUNDS = {("onnx", "text"): 1.1, ("onnx", "chat"): 0.97, ("llamacpp", "text"): 0.97, ("llamacpp", "chat"): 0.97}
"""Least median of the ratio of decode speed to the peer's."""
EXACT_BOUND = 0.97
QUESTIONS = (
    "What are the benefits of regular exercise?",
    "Write a short story about a lighthouse keeper.",
    "Explain how photosynthesis works.",
    "Give me a recipe for pancakes.",
    "Write a Python function that computes Fibonacci numbers.",
    "Describe the causes of the French Revolution.",
    "Write an email to my boss asking for a day off.",
    "How do I change a bicycle tyre?",
    "List ten animals that live in the sea.",
    "What is the difference between a cat and a dog?",
    "Tell me about black holes.",
    "Why is the sky blue?",
)

Answer: TypeAlias = tuple[list[int], float]
"""Token ids, and tokens after the first per second."""
Answers: TypeAlias = Sequence[Answer]


@dataclass(frozen=True)
class Prompt:
    """What ours is asked, and the tokens that makes."""

    text: str
    ids: list[int]
    chat: bool = False

    def line(self) -> str:
        return json.dumps(asdict(self))


Engine: TypeAlias = Callable[[Prompt], Answer]


@dataclass(frozen=True)
class Row:
    """One of ours beside its peer on one kind of prompts: decode in tokens per second."""

    runtime: str
    mode: str
    """"default" or "exact"."""
    kind: str
    peer: str
    model: str
    prompts: int
    decode: float
    """Median of the answers, as the next three."""
    peer_decode: float
    ratio: float
    bound: float
    slowest_ratio: float
    fastest_ratio: float
    parted: int
    """Answers whose tokens are not the peer's."""
    over_exact: float
    """Median ratio to ours with `exact`: what speculation alone gains. Unlike `ratio` it does not hang on how each engine
    bears a busy machine."""

    @property
    def met(self) -> bool:
        return self.ratio >= self.bound


def ours(path: str, threads: int, *, exact: bool) -> Engine:
    """The public API."""
    import edge_llm

    model = edge_llm.load(path, threads=threads, exact=exact)

    def run(prompt: Prompt) -> Answer:
        model.clear_cache()
        if prompt.chat:
            result = model.chat([edge_llm.Message("user", prompt.text)], max_tokens=NEW_TOKENS)
        else:
            result = model.generate(prompt.text, max_tokens=NEW_TOKENS)
        assert result.usage.prompt_tokens == len(prompt.ids), "the peer was asked something else"
        return list(result.token_ids), result.timings.decode_tokens_per_s or 0.0

    return run


def onnxruntime_genai(path: str, threads: int) -> Engine:
    """onnxruntime-genai's own generator, set up as its users do."""
    import onnxruntime_genai as og

    config = og.Config(path)
    config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": threads}}}}))
    model = og.Model(config)

    def run(prompt: Prompt) -> Answer:
        params = og.GeneratorParams(model)
        params.set_search_options(do_sample=False, max_length=len(prompt.ids) + NEW_TOKENS)
        generator = og.Generator(model, params)
        generator.append_tokens(np.array([prompt.ids], np.int32))
        generator.generate_next_token()
        began, steps = time.perf_counter(), 0
        while not generator.is_done():
            generator.generate_next_token()
            steps += 1
        took = time.perf_counter() - began
        return [int(token) for token in generator.get_sequence(0)][len(prompt.ids) :], steps / took

    return run


def llama_cpp_python(path: str, threads: int) -> Engine:
    """A bare `Llama.eval` loop."""
    from llama_cpp import Llama

    model = Llama(
        path, n_ctx=PROMPT_TOKENS + NEW_TOKENS, n_batch=512, n_threads=threads, n_threads_batch=threads, verbose=False
    )
    stops = {model.token_eos(), model._model.token_eot()}

    def run(prompt: Prompt) -> Answer:
        model.reset()
        fed, began = list(prompt.ids), time.perf_counter()
        given: list[int] = []
        while len(given) < NEW_TOKENS:
            model.eval(fed)
            fed = [int(np.ctypeslib.as_array(model._ctx.get_logits(), (model.n_vocab(),)).argmax())]
            if not given:
                began = time.perf_counter()
            if fed[0] in stops:
                break
            given += fed
        return given, (len(given) - 1) / (time.perf_counter() - began)

    return run


def _engine(name: str, path: str, threads: int) -> Engine:
    if name in ("default", "exact"):
        return ours(path, threads, exact=name == "exact")
    return {"onnxruntime-genai": onnxruntime_genai, "llama-cpp-python": llama_cpp_python}[name](path, threads)


def serve(name: str, path: str, threads: int) -> None:
    """Child: load one engine, then answer each prompt that comes on standard input."""
    run = _engine(name, path, threads)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(Prompt(**json.loads(line)))) + "\n")
        sys.stdout.flush()


def prompts_of(path: str, text: str, count: int) -> dict[str, list[Prompt]]:
    """Passages spread over `text`, and questions as the model's template writes them."""
    from edge_llm import Message
    from edge_llm.prompt import ChatPrompt
    from runtimes.bundle import read_bundle
    from runtimes.tokenizer import open_bundle_tokenizer

    bundle = read_bundle(path)
    tokenizer = open_bundle_tokenizer(bundle)

    def passage(place: int) -> Prompt:
        begin = text.index(" ", place * len(text) // count)
        ids = tokenizer.encode(text[begin : begin + 8 * PROMPT_TOKENS], bos=True)[:PROMPT_TOKENS]
        cut = b"".join(map(tokenizer.token_bytes, ids)).decode("utf-8", "ignore")
        return Prompt(cut, tokenizer.encode(cut, bos=True)[:PROMPT_TOKENS])

    chosen = {"text": [passage(place) for place in range(count)]}
    source = bundle.read_chat_template()
    if source is not None:
        template = ChatPrompt(source, tokenizer, bundle.manifest.stop_token_ids)
        chosen["chat"] = [Prompt(asked, template.encode([Message("user", asked)]), chat=True) for asked in QUESTIONS[:count]]
    return chosen


def compare(runtime: str, path: str, options: argparse.Namespace, text: str) -> list[Row]:
    """Every engine over every prompt, taking turns; the first passage warms them up."""
    peer = PEERS[runtime]
    answers: dict[tuple[str, str], list[Answer]] = {}
    names = ["default", "exact", peer]
    prompts = prompts_of(path, text, options.prompts)
    with ExitStack() as stack:
        engines = {name: stack.enter_context(_start(name, path, options.threads)) for name in names}
        for process in engines.values():
            process.ask(prompts["text"][0].line())
        for turn, (kind, prompt) in enumerate((kind, prompt) for kind, chosen in prompts.items() for prompt in chosen):
            for name in names if turn % 2 else reversed(names):
                ids, speed = engines[name].ask(prompt.line())
                answers.setdefault((name, kind), []).append((ids, speed))
    return [
        _row(runtime, mode, kind, path, answers[mode, kind], answers[peer, kind], answers["exact", kind])
        for kind in prompts
        for mode in ("default", "exact")
    ]


def _start(name: str, path: str, threads: int) -> Process:
    return Process(name, ["-m", "tests.bench.bench_answers", "--serve", name, path, "--threads", str(threads)])


def _row(runtime: str, mode: str, kind: str, path: str, own: Answers, theirs: Answers, exact: Answers) -> Row:
    ratios = _ratios(own, theirs)
    return Row(
        runtime=runtime,
        mode=mode,
        kind=kind,
        peer=PEERS[runtime],
        model=path,
        prompts=len(own),
        decode=statistics.median(speed for _, speed in own),
        peer_decode=statistics.median(speed for _, speed in theirs),
        ratio=statistics.median(ratios),
        bound=BOUNDS[runtime, kind] if mode == "default" else EXACT_BOUND,
        slowest_ratio=min(ratios),
        fastest_ratio=max(ratios),
        parted=sum(_parts(mine[0], other[0]) for mine, other in zip(own, theirs, strict=True)),
        over_exact=statistics.median(_ratios(own, exact)),
    )


def _ratios(own: Answers, theirs: Answers) -> list[float]:
    return [mine[1] / other[1] for mine, other in zip(own, theirs, strict=True)]


def _parts(own: Sequence[int], theirs: Sequence[int]) -> bool:
    """Whether the answers differ; the token that ended one may be left out of the other."""
    shared = min(len(own), len(theirs))
    return own[:shared] != theirs[:shared] or abs(len(own) - len(theirs)) > 1


def _table(rows: Sequence[Row]) -> str:
    titles = ("ours", "peer", "ratio", "bound", "min", "max", "/ exact")
    lines = [f"{'decode, tok/s':<18}{'prompts':<8}{''.join(f'{title:>8}' for title in titles)}{'parted':>10}  peer, model"]
    for row in rows:
        speeds = f"{row.decode:>8.1f}{row.peer_decode:>8.1f}"
        ratios = "".join(
            f"{ratio:>8.2f}" for ratio in (row.ratio, row.bound, row.slowest_ratio, row.fastest_ratio, row.over_exact)
        )
        label = f"{row.peer}, {row.model}{'' if row.met else '  BELOW THE BOUND'}"
        parted = f"{row.parted} of {row.prompts}"
        lines.append(f"{f'{row.runtime} {row.mode}':<18}{row.kind:<8}{speeds}{ratios}{parted:>10}  {label}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", action="append", default=[], metavar="DIR", help="an int4 bundle in ONNX format")
    parser.add_argument("--gguf", action="append", default=[], metavar="FILE", help="a GGUF file")
    parser.add_argument("--text", type=Path, metavar="FILE", help="UTF-8 text to take passages from")
    parser.add_argument("--prompts", type=int, default=len(QUESTIONS), help="prompts of each kind")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="rows as JSON instead of a table")
    parser.add_argument("--serve", nargs=2, metavar=("ENGINE", "PATH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        name, path = options.serve
        serve(name, path, options.threads)
        return 0
    text = options.text.read_text(encoding="utf-8") if options.text else "\n\n".join(pydoc_data.topics.topics.values())
    models = [("onnx", path) for path in options.onnx] + [("llamacpp", path) for path in options.gguf]
    rows = [row for runtime, path in models for row in compare(runtime, path, options, text)]
    sys.stdout.write((json.dumps([asdict(row) for row in rows], indent=2) if options.json else _table(rows)) + "\n")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
