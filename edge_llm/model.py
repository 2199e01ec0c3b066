"""A loaded model: text or messages in, events or a result out. Knows where its parts come from; holds no conversation."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar, overload

from edge_llm.catalog import DEFAULT_MODEL
from edge_llm.constrain import Constraint
from edge_llm.context import CHUNK, Context
from edge_llm.events import Done, EventStream, Result
from edge_llm.generate import generate
from edge_llm.messages import Message
from edge_llm.prompt import ChatPrompt
from edge_llm.sampling import GREEDY, Sampling
from edge_llm.structured import reason_then_answer, reasoning_limit, with_value
from runtimes.contract import RuntimeConfig
from runtimes.errors import ConfigError, PromptError, TemplateError

if TYPE_CHECKING:
    from types import TracebackType

    from pydantic import BaseModel
    from typing_extensions import Self

    from edge_llm.constrain_schema import Schema
    from edge_llm.home import Home
    from edge_llm.mask import MaskMaker
    from edge_llm.progress import ProgressCallback
    from edge_llm.score import Score
    from runtimes.bundle import Bundle
    from runtimes.contract import Session
    from runtimes.tokenizer import Tokenizer

Object = TypeVar("Object", bound="BaseModel")
"""A pydantic model."""


@dataclass(frozen=True)
class ModelInfo:
    """What a loaded model is and what runs it."""

    name: str
    runtime: str
    format: str
    family: str
    path: Path
    """The bundle directory or the .gguf file."""
    context_length: int
    """Most tokens it holds, as it was opened."""
    vocabulary_size: int
    chat: bool
    """It has a chat template, so `chat` works."""
    licence: str | None
    load_s: float
    """Seconds that loading took, downloads and conversions not counted."""


def load(
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    *,
    runtime: str | None = None,
    threads: int | None = None,
    context_length: int | None = None,
    exact: bool = False,
    home: Home | None = None,
    progress: ProgressCallback | None = None,
) -> Model:
    """Load a model, fetching and converting it first where that was not done before.

    Args:
        model: a bundle directory, a .gguf file, a Hugging Face directory, a name of the catalog, or hf:owner/repo.
        runtime: "onnx" or "llamacpp"; None takes the one that opens the model.
        threads: worker threads; None takes the cores this process may use.
        context_length: most tokens to hold, prompt and answer together; None takes the model's limit.
        exact: give the greedy tokens of the format's own engine (onnxruntime-genai, llama.cpp), at its speed: by one graph,
            the prompt fed whole (`cancel` waits for that), the answer one token at a time. Otherwise answers may part from
            that engine's where two tokens are as likely as each other but for rounding. Its rounding hangs on `threads` too.
        home: where models are kept; None takes EDGE_LLM_HOME or this user's data folder.
        progress: told how far a download or a conversion has come.

    Raises:
        UnknownModelError, NetworkError, StorageError: the model could not be had.
        BundleError, SourceError, TokenizerError: it is damaged, or of a kind this build does not know.
        RuntimeUnavailableError, RuntimeFailedError, ConfigError: it cannot be run, or not like this.
    """
    from edge_llm.resolve import resolve
    from runtimes.registry import runtime_for
    from runtimes.tokenizer import open_bundle_tokenizer

    config = RuntimeConfig(threads=threads, context_length=context_length, exact=exact)
    bundle = resolve(model, runtime=runtime, home=home, progress=progress)
    chosen = runtime_for(bundle, runtime)
    began = perf_counter()
    with ExitStack() as opened:
        session = opened.enter_context(chosen.open(bundle, config))
        tokenizer = open_bundle_tokenizer(bundle)
        load_s = perf_counter() - began
        loaded = Model(bundle, session, tokenizer, runtime=chosen.name, exact=exact, load_s=load_s)
        opened.pop_all()
    return loaded


class Model:
    """One model in memory; get one from `load`. A context manager. Safe to use from several threads.

    It answers one request at a time. Another thread's request waits for the answer under way. One thread may begin an
    answer before it has read the last one to its end: both are right, and the older one is slower for it.
    """

    def __init__(
        self,
        bundle: Bundle,
        session: Session,
        tokenizer: Tokenizer,
        *,
        runtime: str,
        exact: bool = False,
        load_s: float = 0.0,
    ) -> None:
        manifest = bundle.manifest
        self._context = Context(session, chunk=session.capabilities.context_length if exact else CHUNK)
        self._exact = exact
        self._stop_token_ids = frozenset(manifest.stop_token_ids)
        source = bundle.read_chat_template()
        self._prompt = None if source is None else ChatPrompt(source, tokenizer, manifest.stop_token_ids)
        self.tokenizer = tokenizer
        """The model's own tokenizer."""
        self.info = ModelInfo(
            name=manifest.name,
            runtime=runtime,
            format=manifest.format,
            family=manifest.family,
            path=bundle.path,
            context_length=session.capabilities.context_length,
            vocabulary_size=session.capabilities.vocabulary_size,
            chat=source is not None,
            licence=manifest.licence,
            load_s=load_s,
        )

    def stream(
        self,
        prompt: str,
        *,
        sampling: Sampling = GREEDY,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
        constraint: Constraint | None = None,
        logprobs: int = 0,
    ) -> EventStream:
        """Continue a text, as it is, without a chat template. Ask for the events to run the model; close to stop it.

        Args:
            sampling: how tokens are chosen; by default always the likeliest.
            max_tokens: most tokens of answer; None goes on until the model stops or the context is full.
            stop: texts that end the answer and are not part of it.
            cancel: set it, from any thread, to end the answer within one token.
            constraint: what the answer must look like. It ends where nothing can follow.
            logprobs: alternatives to report for each token in `Result.logprobs`; 0 reports no probabilities.

        Raises:
            PromptError: an empty prompt. ContextOverflowError: one longer than the context (both numbers).
            ConfigError: an option out of range, or a constraint together with stop strings.
            ConstraintError: the constraint does not compile, or the model has no token for what it wants.
            AnswerError: later, from the iterator: the token limit cut the answer short of the constraint.
            RuntimeFailedError, SessionClosedError: later, from the iterator.
        """
        ids = self.tokenizer.encode(prompt, bos=True) if prompt else []
        return self._stream(ids, sampling, max_tokens, stop, cancel, constraint, logprobs)

    def generate(
        self,
        prompt: str,
        *,
        sampling: Sampling = GREEDY,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
        constraint: Constraint | None = None,
        logprobs: int = 0,
    ) -> Result:
        """The whole continuation of a text: `stream` to its end."""
        return _result_of(
            self.stream(
                prompt,
                sampling=sampling,
                max_tokens=max_tokens,
                stop=stop,
                cancel=cancel,
                constraint=constraint,
                logprobs=logprobs,
            )
        )

    def chat_stream(
        self,
        messages: Iterable[Message],
        *,
        sampling: Sampling = GREEDY,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
        constraint: Constraint | None = None,
        logprobs: int = 0,
    ) -> EventStream:
        """Answer a conversation, written out by the model's own chat template. Arguments and errors as for `stream`.

        Text in a message that spells a control token of the model stays text.

        Raises:
            TemplateError: the model has no chat template, or it refuses these messages.
        """
        return self._stream(self._encode_chat(messages), sampling, max_tokens, stop, cancel, constraint, logprobs)

    @overload
    def chat(
        self,
        messages: Iterable[Message],
        *,
        sampling: Sampling = GREEDY,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
        constraint: Constraint | None = None,
        logprobs: int = 0,
        schema: Mapping[str, Any] | None = None,
        reason_first: bool | int = False,
    ) -> Result[Any]: ...

    @overload
    def chat(
        self,
        messages: Iterable[Message],
        *,
        sampling: Sampling = GREEDY,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
        constraint: Constraint | None = None,
        logprobs: int = 0,
        schema: type[Object],
        reason_first: bool | int = False,
    ) -> Result[Object]: ...

    def chat(
        self,
        messages: Iterable[Message],
        *,
        sampling: Sampling = GREEDY,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
        constraint: Constraint | None = None,
        logprobs: int = 0,
        schema: Schema | None = None,
        reason_first: bool | int = False,
    ) -> Result[Any]:
        """The whole answer to a conversation: `chat_stream` to its end.

        Args:
            schema: a pydantic model or a JSON schema; the answer is JSON of that form, and `Result.value` what it says: the
                validated object, or plain JSON. A property that is not required is null in the text where the model has no
                value for it, and has its default (or is absent) in the value. The prompt has to say what is wanted.
            reason_first: let the model write freely before the constraint or schema takes hold, 256 tokens at most or as
                many as given here. What it wrote is in `Result.reasoning`.

        Raises:
            AnswerError: the answer was cut short, or pydantic refuses the value. CancelledError: `cancel` left no value.
        """
        if schema is not None:
            if constraint is not None:
                raise ConfigError("An answer follows a schema or a constraint; give one of them.")
            constraint = Constraint.json_schema(schema)
        if reason_first is not False and constraint is None:
            raise ConfigError("reason_first needs a schema or a constraint to follow afterwards.")
        ids = self._encode_chat(messages)

        def run(ids: list[int], max_tokens: int | None, *, stop: Sequence[str] = stop, free: bool = False) -> Result:
            form, shown = (None, 0) if free else (constraint, logprobs)
            return _result_of(self._stream(ids, sampling, max_tokens, stop, cancel, form, shown))

        if reason_first is False:
            result = run(ids, max_tokens)
        else:
            limit = reasoning_limit(reason_first=reason_first, room=self.info.context_length - len(ids))
            result = reason_then_answer(run, self.tokenizer, ids, limit, max_tokens)
        return result if schema is None else with_value(result, schema)

    def score(self, prompt: str | Iterable[Message], continuations: Sequence[str]) -> tuple[Score, ...]:
        """How likely each text is to continue the prompt, in the order they were given. The prompt is fed once.

        Args:
            prompt: a text as it is, or a conversation that the continuations answer.
            continuations: texts, none of them empty. Spell the space before a word that follows another one.

        Raises:
            PromptError: an empty prompt or continuation. ContextOverflowError: together they are longer than the context.
            TemplateError: the model has no chat template, or it refuses these messages.
            RuntimeFailedError, SessionClosedError: while running.
        """
        from edge_llm.continuation import encode_continuation
        from edge_llm.score import Score, score

        ids = self.tokenizer.encode(prompt, bos=True) if isinstance(prompt, str) else self._encode_chat(prompt)
        tokens = [encode_continuation(self.tokenizer, text) for text in continuations]
        if not ids or not all(tokens):
            raise PromptError("A prompt or a continuation to score is empty. Give each some text.")
        scored = score(self._context, ids, tokens)
        return tuple(
            Score(text, tuple(its), tuple(logprobs)) for text, its, logprobs in zip(continuations, tokens, scored, strict=True)
        )

    def count_tokens(self, prompt: str | Iterable[Message]) -> int:
        """How many tokens of the context a text, or a conversation as its template writes it, takes."""
        if isinstance(prompt, str):
            return len(self.tokenizer.encode(prompt, bos=True))
        return len(self._encode_chat(prompt))

    def clear_cache(self) -> None:
        """Forget the tokens that earlier answers left in the KV cache.

        What is still cached of a prompt is not fed again, and a runtime rounds a little differently with every way of
        feeding the same tokens. After this, the same prompt, sampling and seed give the same answer to the bit.
        """
        self._context.clear()

    def close(self) -> None:
        """Free the model, once the token under way is done. Idempotent; an answer under way ends in SessionClosedError."""
        self._context.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _encode_chat(self, messages: Iterable[Message]) -> list[int]:
        if self._prompt is None:
            raise TemplateError(
                f"{self.info.name} has no chat template. Continue plain text with it instead (--raw, `generate`)."
            )
        return self._prompt.encode(messages)

    def _stream(
        self,
        ids: list[int],
        sampling: Sampling,
        max_tokens: int | None,
        stop: Sequence[str],
        cancel: threading.Event | None,
        constraint: Constraint | None,
        logprobs: int,
    ) -> EventStream:
        if constraint is not None and stop:
            raise ConfigError("An answer under a constraint ends by itself; leave the stop strings out.")
        return generate(
            self._context,
            self.tokenizer,
            ids,
            sampling=sampling,
            max_tokens=max_tokens,
            stop=stop,
            stop_token_ids=self._stop_token_ids,
            cancel=cancel,
            speculate=not self._exact,
            load_s=self.info.load_s,
            mask=None if constraint is None else self._masks.start(constraint),
            logprobs=logprobs,
        )

    @cached_property
    def _masks(self) -> MaskMaker:
        from edge_llm.mask import MaskMaker

        return MaskMaker(self.tokenizer, self._stop_token_ids)


def _result_of(events: EventStream) -> Result:
    return next(event.result for event in events if isinstance(event, Done))
