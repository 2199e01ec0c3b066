"""`edge-llm chat`: a conversation, on a terminal or through a pipe."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_llm.catalog import DEFAULT_MODEL
from edge_llm.cli import options
from edge_llm.cli.answers import cancel_on_interrupt, show_answer
from edge_llm.cli.chat_commands import COMMANDS, Conversation, obey
from edge_llm.cli.chat_sources import answer_document, show_sources
from edge_llm.cli.memory_documents import say_document
from edge_llm.cli.memory_opening import StoreChoice
from edge_llm.cli.output import note, report
from edge_llm.cli.turns import piped_lines, read_turn, terminal_lines
from runtimes.errors import EdgeLLMError, TemplateError

if TYPE_CHECKING:
    from threading import Event

    from edge_llm import Model, Result, Sampling


def chat(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A name, a bundle, a .gguf file or a Hugging Face directory.")
    ] = DEFAULT_MODEL,
    system: options.SystemText = None,
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
    assistant: options.AsAssistant = False,
    memory: options.WithMemory = False,
    remember: options.Remember = False,
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.HomeFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Talk with a model. Without MODEL, with a small one that is fetched and prepared once.

    The answer appears as it is made. Ctrl-C stops it and keeps the conversation; Ctrl-D or /quit leaves; /help shows
    what else there is. Nothing is kept on disk unless you /save it, or let it be remembered.

    With --memory answers are made from your own data, and say which items they lean on; see `edge-llm memory --help`.
    With --assistant it also acts; see `edge-llm ask --help`.

    In a pipe each line is a turn and stdout carries only the answers; with --json one line of JSON for each.

    Examples:
        edge-llm chat
        edge-llm chat out/onnx --system "Answer in one sentence." --temperature 0.7 --top-p 0.9
        edge-llm chat --memory
        edge-llm chat --assistant
        edge-llm chat --json < questions.txt
    """
    from edge_llm import Sampling
    from edge_llm.cli.opening import open_model

    sampling = Sampling(temperature, top_k, top_p, min_p, repetition_penalty, seed=seed)
    limits = Limits(sampling, max_tokens, tuple(stop or ()))
    choice = StoreChoice(store, key_file, passphrase, home)
    with open_model(model, runtime=runtime, threads=threads, context_length=context, exact=exact, home=home) as opened:
        if assistant:
            from edge_llm.cli.assistant_mode import talk

            talk(opened, choice, as_json=as_json)
            return
        with _begin(opened, system, choice) as conversation:
            if memory or remember:
                conversation.use_memory()
            conversation.chat.remember = remember
            _converse(conversation, limits, opened.info.name if Path(model).exists() else model, as_json=as_json)


def _converse(conversation: Conversation, limits: Limits, title: str, *, as_json: bool) -> None:
    """Talk on a terminal, or answer line by line in a pipe."""
    if sys.stdin.isatty() and not as_json:
        note(f"{title} on {conversation.chat.model.info.runtime}. /help shows the commands, /quit leaves.")
        _talk(conversation, limits)
    else:
        _answer_lines(conversation, limits, as_json=as_json)


def _begin(model: Model, system: str | None, store: StoreChoice) -> Conversation:
    """A conversation with a model that is open. Raises TemplateError: it was not made for any."""
    from edge_llm import Chat, Home

    if not model.info.chat:
        raise TemplateError(
            f"{model.info.name} has no chat template: it was not made for conversations. "
            "Let it continue a text instead: edge-llm run MODEL PROMPT --raw."
        )
    return Conversation(Chat(model, system=system), Home(store.home).chats, store)


@dataclass(frozen=True)
class Limits:
    """How every answer of a conversation is sampled and where it ends."""

    sampling: Sampling
    max_tokens: int | None
    stop: tuple[str, ...]


def _talk(conversation: Conversation, limits: Limits) -> None:
    """A conversation on a terminal: what goes wrong in a turn is told, and the conversation goes on."""
    read_line = terminal_lines(list(COMMANDS))
    while not conversation.over:
        try:
            turn = read_turn(read_line)
        except KeyboardInterrupt:
            note("Ctrl-D or /quit leaves.")
            continue
        except EOFError:
            return
        try:
            with cancel_on_interrupt() as cancel:
                _take(conversation, turn, limits, cancel)
        except (EdgeLLMError, OSError) as error:
            report(error, as_json=False)


def _answer_lines(conversation: Conversation, limits: Limits, *, as_json: bool) -> None:
    """A conversation through a pipe: what goes wrong in a turn ends it, so that a script notices."""
    read_line = piped_lines()
    while not conversation.over:
        try:
            turn = read_turn(read_line)
        except EOFError:
            return
        result = _take(conversation, turn, limits, quiet=as_json)
        if as_json and result is not None:
            say_document(answer_document(result, conversation.chat.model.info), one_line=True)


def _take(
    conversation: Conversation, turn: str, limits: Limits, cancel: Event | None = None, *, quiet: bool = False
) -> Result | None:
    """Obey a command, or have the model answer until `cancel` is set. A blank turn is nothing."""
    if turn.startswith("/"):
        obey(conversation, turn)
        return None
    if not turn.strip():
        return None
    events = conversation.chat.send(
        turn, sampling=limits.sampling, max_tokens=limits.max_tokens, stop=limits.stop, cancel=cancel
    )
    conversation.last = show_answer(events, quiet=quiet)
    if not quiet:
        show_sources(conversation.last)
    return conversation.last
