"""`edge-llm run`: one prompt, one answer."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from edge_llm.cli import options
from edge_llm.cli.output import say_json
from edge_llm.cli.turns import as_text
from runtimes.errors import ConfigError, ConstraintError


def run(
    model: options.ModelName,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What to ask; - reads it from stdin.")],
    system: options.SystemText = None,
    raw: Annotated[bool, typer.Option("--raw", help="Continue PROMPT as it is, without the model's chat template.")] = False,
    max_tokens: options.MaxTokens = None,
    stop: options.Stop = None,
    schema: options.SchemaFile = None,
    logprobs: options.Logprobs = 0,
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
        edge-llm run smollm2-135m-instruct "Who is it? Bob is 42 years old." --schema person.json --json
    """
    from edge_llm import Constraint, Message, Sampling
    from edge_llm.cli.answers import result_document, show_answer
    from edge_llm.cli.opening import open_model
    from edge_llm.constrain_schema import read_answer

    if logprobs and not as_json:
        raise ConfigError("--logprobs shows probabilities in the JSON of --json only; add it.")
    text = _read_prompt(prompt)
    form = None if schema is None else _read_schema(schema)
    constraint = None if form is None else Constraint.json_schema(form)
    sampling = Sampling(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=repetition_penalty, seed=seed
    )
    with open_model(model, runtime=runtime, threads=threads, context_length=context, exact=exact, home=home) as opened:
        if raw or not opened.info.chat:
            ask = partial(opened.stream, text)
        else:
            turns = [Message("system", system)] if system is not None else []
            ask = partial(opened.chat_stream, [*turns, Message("user", text)])
        events = ask(sampling=sampling, max_tokens=max_tokens, stop=stop or (), constraint=constraint, logprobs=logprobs)
        result = show_answer(events, quiet=as_json)
    if as_json:
        said = {} if form is None else {"value": read_answer(form, result.text)}
        say_json({**result_document(result, opened.info), **said})


def _read_schema(path: Path) -> dict[str, Any]:
    """Raises ConstraintError when the file holds no JSON object."""
    try:
        schema = json.loads(as_text(path.read_bytes(), str(path)))
    except OSError as error:
        raise ConstraintError(f"{path} cannot be read: {error.strerror}. Give the path of a JSON schema.") from error
    except (ValueError, RecursionError) as error:
        raise ConstraintError(f"{path} is not valid JSON: {error}. Give the path of a JSON schema.") from error
    if not isinstance(schema, dict):
        raise ConstraintError(f'{path} holds no JSON object. Write a JSON schema, such as {{"type": "object", ...}}.')
    return schema


def _read_prompt(prompt: str) -> str:
    """The prompt's text; "-" stands for stdin. Raises PromptError when it is not UTF-8."""
    # Bytes of an argument that are not UTF-8 arrive as lone surrogates; fsencode gives them back.
    return as_text(sys.stdin.buffer.read() if prompt == "-" else os.fsencode(prompt))
