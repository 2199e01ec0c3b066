"""The bare loop beside the peers: onnx and onnxruntime-genai on one directory, llamacpp and llama-cpp-python on GGUF.

Prefill, and decoding with one token fed at a time over random prompts. What a whole answer gains from speculation is the
matter of `bench_answers`.

    python -m tests.bench.bench_peers --onnx DIR --gguf FILE [--gguf FILE] [--json]

Every engine loads its model in a process of its own and then waits for work; the two of a pair take turns, each round
on a prompt nobody saw before, so that a noisy moment of the machine hits both. Exit code 1 when the median ratio of
the rounds is below a bound.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

WARM_UP_ROUNDS = 1
BOUNDS = {"onnx": (1.5, 0.97), "llamacpp": (0.97, 0.97)}
"""Least ratio of prefill and of decode speed to the peer's. One token at a time runs the same kernels on both sides, so there
is nothing to gain, and nothing may be lost."""
PEERS = {"onnx": "onnxruntime-genai", "llamacpp": "llama-cpp-python"}

Engine = Callable[[list[int], int], tuple[float, float]]
"""Prompt ids and a count of new tokens -> seconds of prefill and of greedy decode."""


@dataclass(frozen=True)
class Workload:
    """What every engine is asked to do in a round."""

    prompt_tokens: int
    new_tokens: int
    threads: int
    rounds: int


@dataclass(frozen=True)
class Row:
    """One runtime of ours beside its peer, in tokens per second; medians of the rounds, ratios of each round's pair."""

    runtime: str
    peer: str
    model: str
    prefill: float
    peer_prefill: float
    prefill_ratio: float
    prefill_bound: float
    decode: float
    peer_decode: float
    decode_ratio: float
    decode_bound: float

    @property
    def met(self) -> bool:
        return self.prefill_ratio >= self.prefill_bound and self.decode_ratio >= self.decode_bound


def ours(path: str, threads: int, context: int) -> tuple[Engine, int]:
    """A session of our own, by the bundle's default runtime."""
    from runtimes import RuntimeConfig, open_session

    session = open_session(path, config=RuntimeConfig(threads=threads, context_length=context))

    def run(prompt: list[int], new_tokens: int) -> tuple[float, float]:
        session.rewind(0)
        start = time.perf_counter()
        token = int(session.feed(prompt)[0].argmax())
        between = time.perf_counter()
        for _ in range(new_tokens):
            token = int(session.feed([token])[0].argmax())
        return between - start, time.perf_counter() - between

    return run, session.capabilities.vocabulary_size


def onnxruntime_genai(path: str, threads: int, context: int) -> tuple[Engine, int]:
    """onnxruntime-genai's own generator on the same directory; its threads are set as its users set them."""
    import onnxruntime_genai as og

    config = og.Config(path)
    config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": threads}}}}))
    model = og.Model(config)

    def run(prompt: list[int], new_tokens: int) -> tuple[float, float]:
        length = len(prompt) + new_tokens + 1
        params = og.GeneratorParams(model)
        params.set_search_options(do_sample=False, max_length=length, min_length=length)
        generator = og.Generator(model, params)
        start = time.perf_counter()
        generator.append_tokens(np.array([prompt], np.int32))
        generator.generate_next_token()  # samples from the prefill's logits; runs no model
        between = time.perf_counter()
        for _ in range(new_tokens):
            generator.generate_next_token()
        return between - start, time.perf_counter() - between

    return run, _vocabulary_size(path)


def llama_cpp_python(path: str, threads: int, context: int) -> tuple[Engine, int]:
    """A bare `Llama.eval` loop."""
    from llama_cpp import Llama

    model = Llama(path, n_ctx=context, n_batch=512, n_threads=threads, n_threads_batch=threads, verbose=False)

    def next_token() -> int:
        return int(np.ctypeslib.as_array(model._ctx.get_logits(), (model.n_vocab(),)).argmax())

    def run(prompt: list[int], new_tokens: int) -> tuple[float, float]:
        model.reset()
        start = time.perf_counter()
        model.eval(prompt)
        token = next_token()
        between = time.perf_counter()
        for _ in range(new_tokens):
            model.eval([token])
            token = next_token()
        return between - start, time.perf_counter() - between

    return run, model.n_vocab()


ENGINES = {"ours": ours, "onnxruntime-genai": onnxruntime_genai, "llama-cpp-python": llama_cpp_python}


def _vocabulary_size(path: str) -> int:
    return int(json.loads((Path(path) / "genai_config.json").read_text(encoding="utf-8"))["model"]["vocab_size"])


def serve(engine: str, path: str, work: Workload) -> None:
    """Child: load one engine, then answer each line of standard input (a seed) with the two times."""
    context = work.prompt_tokens + work.new_tokens + 1
    run, vocabulary_size = ENGINES[engine](path, work.threads, context)
    for line in sys.stdin:
        prompt = np.random.default_rng(int(line)).integers(0, vocabulary_size, work.prompt_tokens).tolist()
        sys.stdout.write(json.dumps(run(prompt, work.new_tokens)) + "\n")
        sys.stdout.flush()


class Process:
    """An engine in a process of its own, waiting for rounds."""

    def __init__(self, engine: str, arguments: Sequence[str]) -> None:
        """Start `engine` as python with `arguments`: a program that answers each line of its input with one of JSON."""
        environment = os.environ | {"ORT_DISABLE_TELEMETRY": "1"}
        self._engine = engine
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def ask(self, line: str) -> Any:
        """The engine's answer. Ends this program when the engine has died."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(f"{line}\n")
            stdin.flush()
        except BrokenPipeError:
            raise SystemExit(f"{self._engine} ended with exit code {self._process.wait()}") from None
        answer = stdout.readline()
        if not answer:
            raise SystemExit(f"{self._engine} ended with exit code {self._process.wait()}")
        return json.loads(answer)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def _start(engine: str, path: str, work: Workload) -> Process:
    return Process(engine, ["-m", "tests.bench.bench_peers", "--serve", engine, path, json.dumps(asdict(work))])


def compare(runtime: str, path: str, work: Workload) -> Row:
    """Alternate ours and its peer over the same prompts."""
    peer = PEERS[runtime]
    times: dict[str, list[tuple[float, float]]] = {"ours": [], peer: []}
    with ExitStack() as stack:
        processes = {engine: stack.enter_context(_start(engine, path, work)) for engine in times}
        for seed in range(WARM_UP_ROUNDS + work.rounds):
            order = list(times) if seed % 2 else list(reversed(times))
            for engine in order:
                times[engine].append(tuple(processes[engine].ask(str(seed))))
    kept = {engine: rounds[WARM_UP_ROUNDS:] for engine, rounds in times.items()}

    def speed(engine: str, part: int, tokens: int) -> float:
        return tokens / statistics.median(seconds[part] for seconds in kept[engine])

    def ratio(part: int) -> float:
        return statistics.median(theirs[part] / own[part] for own, theirs in zip(kept["ours"], kept[peer], strict=True))

    bounds = BOUNDS[runtime]
    return Row(
        runtime=runtime,
        peer=peer,
        model=path,
        prefill=speed("ours", 0, work.prompt_tokens),
        peer_prefill=speed(peer, 0, work.prompt_tokens),
        prefill_ratio=ratio(0),
        prefill_bound=bounds[0],
        decode=speed("ours", 1, work.new_tokens),
        peer_decode=speed(peer, 1, work.new_tokens),
        decode_ratio=ratio(1),
        decode_bound=bounds[1],
    )


def _table(rows: Sequence[Row]) -> str:
    lines = [f"{'tok/s':<10}{'phase':<9}{'ours':>8}{'peer':>8}{'ratio':>8}{'bound':>8}  peer, model"]
    for row in rows:
        for phase, own, theirs, ratio, bound in (
            ("prefill", row.prefill, row.peer_prefill, row.prefill_ratio, row.prefill_bound),
            ("decode", row.decode, row.peer_decode, row.decode_ratio, row.decode_bound),
        ):
            label = f"{row.peer}, {row.model}{'' if ratio >= bound else '  BELOW THE BOUND'}"
            lines.append(f"{row.runtime:<10}{phase:<9}{own:>8.1f}{theirs:>8.1f}{ratio:>8.2f}{bound:>8.2f}  {label}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", action="append", default=[], metavar="DIR", help="an int4 bundle in ONNX format")
    parser.add_argument("--gguf", action="append", default=[], metavar="FILE", help="a GGUF file")
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="rows as JSON instead of a table")
    parser.add_argument("--serve", nargs=3, metavar=("ENGINE", "PATH", "WORKLOAD"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        engine, path, work = options.serve
        serve(engine, path, Workload(**json.loads(work)))
        return 0
    work = Workload(options.prompt_tokens, options.new_tokens, options.threads, options.rounds)
    rows = [compare("onnx", path, work) for path in options.onnx] + [compare("llamacpp", path, work) for path in options.gguf]
    sys.stdout.write((json.dumps([asdict(row) for row in rows], indent=2) if options.json else _table(rows)) + "\n")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
