"""How fast a bundle runs: one measurement, each in a process of its own.

A fresh process for each keeps measurements apart: no warm cache, no memory peak and no thread pool of the one
before. Knows nothing of tables and medians.
"""

from __future__ import annotations

import multiprocessing
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

from runtimes.errors import EdgeLLMError, RuntimeFailedError


@dataclass(frozen=True)
class Load:
    """What is measured: one prompt, one answer."""

    bundle: Path
    runtime: str
    threads: int
    prompt_tokens: int
    new_tokens: int


@dataclass(frozen=True)
class Speed:
    """What came out."""

    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    """Tokens after the first per second; the first one is prefill's."""
    load_s: float
    """Seconds from a verified bundle to a session that can be fed."""
    peak_rss_bytes: int
    """Most resident memory of the whole process, Python and all."""


def measure(load: Load) -> Speed:
    """Measure in a new process, which ends with this call.

    Raises:
        EdgeLLMError: the run failed in the other process.
        RuntimeFailedError: that process died.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure_into, args=(sender, load), daemon=True)
    process.start()
    sender.close()
    try:
        outcome = receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeFailedError(
            f"{load.runtime} ended its process (exit code {process.exitcode}) while running {load.bundle}. "
            "`edge-llm doctor` shows what is installed."
        ) from None
    finally:
        process.terminate()
        process.join()
        receiver.close()
    if isinstance(outcome, Speed):
        return outcome
    raise RuntimeFailedError(outcome)


def _measure_into(sender: Connection, load: Load) -> None:
    # Ctrl-C reaches every process of the terminal; the one that started this one ends it and tells the person.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        sender.send(_measure(load))
    except EdgeLLMError as error:
        sender.send(str(error))


def _measure(load: Load) -> Speed:
    from edge_llm.context import Context
    from edge_llm.events import Done
    from edge_llm.generate import generate
    from runtimes import RuntimeConfig, open_session, read_bundle
    from runtimes.memory import peak_memory_bytes
    from runtimes.tokenizer import open_bundle_tokenizer

    bundle = read_bundle(load.bundle)
    tokenizer = open_bundle_tokenizer(bundle)
    began = perf_counter()
    config = RuntimeConfig(threads=load.threads, context_length=load.prompt_tokens + load.new_tokens)
    with open_session(bundle, load.runtime, config) as session:
        load_s = perf_counter() - began
        # What the tokens are makes no difference to the work, as long as no two runs of them are alike.
        prompt = [index * index % session.capabilities.vocabulary_size for index in range(load.prompt_tokens)]
        # No stop tokens: every run makes exactly the tokens it is timed over. No speculation: on such a prompt
        # the model babbles in circles, and the rate would be one that no text of interest reaches.
        *_, last = generate(Context(session), tokenizer, prompt, max_tokens=load.new_tokens, speculate=False)
    if not isinstance(last, Done):
        raise RuntimeFailedError("A run ended without its result.")
    timings = last.result.timings
    return Speed(timings.prefill_tokens_per_s or 0.0, timings.decode_tokens_per_s or 0.0, load_s, peak_memory_bytes())
