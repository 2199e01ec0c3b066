"""`edge-llm run`: one prompt, one answer."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from edge_llm.cli import options
from edge_llm.cli.output import say_json
from edge_llm.cli.turns import as_text


def run(
    model: options.ModelName,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What to ask; - reads it from stdin.")],
    system: options.SystemText = None,
    raw: Annotated[bool, typer.Option("--raw", help="Continue PROMPT as it is, without the model's chat template.")] = False,
    max_tokens: options.MaxTokens = None,
    stop: options.Stop = None,
    runtime: options.RuntimeName = None,
    threads: options.Threads = None,
    context: options.ContextLength = None,
    exact: options.Exact = False,
    temperature: options.Temperature = 0.0,
    top_k: options.TopK = 0,
    top_p: options.TopP = 1.0,
    min_p: options.MinP = 0.0,
    repetition_penalty: options.RepetitionPenalty = 1.0,
    seed: options.Seed = None,
    home: options.HomeFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Answer one prompt and exit. The answer appears on stdout as it is made, and nothing else does.

    A model that is not here yet is fetched, and one in another form is converted once and kept. A model without a
    chat template continues the prompt. Ctrl-C stops with exit code 130.

    Examples:
        edge-llm run smollm2-135m-instruct "What is the capital of Japan?"
        edge-llm run out/gguf "Name three colours." --temperature 0.7 --seed 1 --max-tokens 60
        cat letter.txt | edge-llm run smollm2-135m-instruct - --system "Summarise in one sentence."
        edge-llm run ./model.gguf "Once upon a time" --raw --json
    """
    from edge_llm import Message, Sampling
    from edge_llm.cli.answers import result_document, show_answer
    from edge_llm.cli.opening import open_model

    text = _read_prompt(prompt)
    sampling = Sampling(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=repetition_penalty, seed=seed
    )
    with open_model(model, runtime=runtime, threads=threads, context_length=context, exact=exact, home=home) as opened:
        if raw or not opened.info.chat:
            events = opened.stream(text, sampling=sampling, max_tokens=max_tokens, stop=stop or ())
        else:
            messages = [Message("system", system)] if system is not None else []
            messages.append(Message("user", text))
            events = opened.chat_stream(messages, sampling=sampling, max_tokens=max_tokens, stop=stop or ())
        result = show_answer(events, quiet=as_json)
    if as_json:
        say_json(result_document(result, opened.info))


def _read_prompt(prompt: str) -> str:
    """The prompt's text; "-" stands for stdin. Raises PromptError when it is not UTF-8."""
    # Bytes of an argument that are not UTF-8 arrive as lone surrogates; fsencode gives them back.
    return as_text(sys.stdin.buffer.read() if prompt == "-" else os.fsencode(prompt))
