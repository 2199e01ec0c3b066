"""The model's own chat template: messages in, the exact text the model was trained on out.

Gives what transformers' `apply_chat_template` gives (same whitespace rules, loop controls, `tojson`, `strftime_now`,
`raise_exception`, `{% generation %}`), in a sandbox bounded in time, memory and output. Knows no tokens.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, LoopControlExtension

from edge_llm.budget import BoundExceededError, Budget, measure
from edge_llm.sandbox import BoundedEnvironment
from runtimes.errors import TemplateError

if TYPE_CHECKING:
    from jinja2.parser import Parser

    from edge_llm.messages import Message

SOURCE_LIMIT = 1 << 16
"""Longest template, in characters; the longest that popular models ship have about 20,000."""
OUTPUT_LIMIT = 1 << 20
"""Longest rendered text, in characters, of a conversation that is not itself longer than a quarter of this."""
_OUTPUT_FACTOR = 4
TIME_LIMIT_S = 2.0
_DATE_FORMAT_LIMIT = 128
_JSON_DEPTH_ROOM = 1 << 24

# What the operations of a template may raise once it is wrong: it is a program in a language of Python values.
_COMPILE_FAILURES = (jinja2.TemplateError, SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
_RENDER_FAILURES = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


class ChatTemplate:
    """A compiled chat template. Safe to use from several threads.

    Args:
        source: the Jinja template as the model ships it.
        bos_token, eos_token: the vocabulary's own texts of these tokens; templates write them where they belong.
        time_limit_s: longest render, in seconds.

    Raises:
        TemplateError: too long, or not a Jinja template.
    """

    def __init__(self, source: str, *, bos_token: str = "", eos_token: str = "", time_limit_s: float = TIME_LIMIT_S) -> None:
        if len(source) > SOURCE_LIMIT:
            raise TemplateError(f"The chat template has {len(source)} characters; one never has more than {SOURCE_LIMIT}.")
        self._fixed = {"bos_token": bos_token, "eos_token": eos_token, "tools": None, "documents": None}
        self._time_limit_s = time_limit_s
        self._one_render = threading.Lock()
        self._environment = BoundedEnvironment(
            extensions=(LoopControlExtension, _GenerationBlock),
            globals_={"raise_exception": _raise_exception, "strftime_now": _strftime_now},
            tojson=_tojson,
        )
        try:
            self._template = self._environment.compile_bounded(source)
        except _COMPILE_FAILURES as error:
            raise TemplateError(f"The model's chat template cannot be compiled: {_reason(error)}. {_RAW}") from error

    def render(self, messages: Iterable[Message], *, add_generation_prompt: bool = True) -> str:
        """The conversation as the model expects it.

        Args:
            add_generation_prompt: end with the beginning of an assistant's turn.

        Raises:
            TemplateError: the template refuses these messages, fails, or runs past its bounds.
        """
        turns = [message.to_json() for message in messages]
        variables = {**self._fixed, "messages": turns, "add_generation_prompt": add_generation_prompt}
        content = sum(len(turn["content"]) for turn in turns) + measure(turns, OUTPUT_LIMIT)
        size = max(OUTPUT_LIMIT, _OUTPUT_FACTOR * content)
        with self._one_render:
            try:
                return self._environment.render_bounded(self._template, variables, Budget(size, self._time_limit_s))
            except _RENDER_FAILURES as error:
                raise TemplateError(f"The model's chat template failed: {_reason(error)}. {_next_step(error)}") from error


_RAW = "Use another copy of the model, or give the prompt as raw text."


def _next_step(error: BaseException) -> str:
    if isinstance(error, BoundExceededError):
        return _RAW
    return "Check the roles of the messages and their order."


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it nests too deeply"
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"line {error.lineno}: {error.message}".rstrip(".")
    return str(error)[:300].rstrip(".") or type(error).__name__


def _raise_exception(message: object) -> None:
    """How templates refuse a conversation."""
    raise jinja2.TemplateError(str(message))


def _strftime_now(date_format: str) -> str:
    """The local date and time. Templates of Llama 3 and others write the date into the system message."""
    if len(date_format) > _DATE_FORMAT_LIMIT:
        raise ValueError(f"a date format of {len(date_format)} characters")
    return datetime.now().astimezone().strftime(date_format)


def _tojson(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as transformers writes it: not escaped for HTML, unlike Jinja's own `tojson`."""
    if indent is None:
        return json.dumps(value, ensure_ascii=ensure_ascii, separators=separators, sort_keys=sort_keys)
    encoder = json.JSONEncoder(ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    pieces, length = [], 0
    for piece in encoder.iterencode(value):  # deep values cost their depth in indentation at every line
        length += len(piece)
        if length > _JSON_DEPTH_ROOM:
            raise ValueError(f"JSON of more than {_JSON_DEPTH_ROOM} characters")
        pieces.append(piece)
    return "".join(pieces)


class _GenerationBlock(Extension):
    """`{% generation %}...{% endgeneration %}` marks an assistant's turn for training; for rendering it is its body."""

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        self.tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        """The body, in a scope of its own as in transformers."""
        line = next(parser.stream).lineno
        return nodes.Scope(list(parser.parse_statements(("name:endgeneration",), drop_needle=True)), lineno=line)
