"""A chat template made into data: probed with marked conversations, and proven to say the same as the template.

A phone has no Jinja. Nearly every chat template only writes fixed texts between the turns; which texts, the template
itself tells when it renders contents that can be found again. Knows conversations and texts; the template is a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TypeAlias

from android_bridge.manifest import SystemTurn, TurnFormat
from runtimes.errors import TemplateError

Conversation: TypeAlias = Sequence[tuple[str, str]]
"""(role, content) of each turn."""
Render: TypeAlias = Callable[[Conversation], str]
"""The template with the beginning of the assistant's answer at its end. Raises TemplateError for what it refuses."""

_MARK = "Q{}zJ"
"""What stands for a turn's content: letters and a digit, which no template treats in a way of its own."""
_REASONING_END = "</think>"


def compile_turns(render: Render) -> TurnFormat:
    """The turn format of a chat template.

    Args:
        render: the model's template.

    Raises:
        TemplateError: it cannot be said this way (the message shows where it differs), or it refuses plain conversations.
    """
    exchange = [("user", _MARK.format(1)), ("assistant", _MARK.format(2)), ("user", _MARK.format(3))]
    opening, forth, back, answer = _between(render(exchange), 3)
    alone = _between(render(exchange[:1]), 1)
    if alone != [opening, answer]:
        raise TemplateError(_differs("a conversation's first turn depends on what follows it", opening, alone[0]))
    system = _system_turn(render, exchange)
    problem = ""
    for trim, reasoning_end in product((False, True), (None, _REASONING_END)):
        turns = TurnFormat(opening, system, forth, back, answer, trim=trim, reasoning_end=reasoning_end)
        difference = _first_difference(turns, render)
        if difference is None:
            return turns
        problem = problem or difference
    raise TemplateError(problem)


def write_turns(turns: TurnFormat, conversation: Conversation) -> str:
    """The text of a conversation up to where the answer begins: what the Kotlin library writes.

    Args:
        conversation: perhaps a system turn, then user and assistant in turn, a user turn last.

    Raises:
        TemplateError: the turns do not alternate so, or the model takes no system turn.
    """
    rest = list(conversation)
    if rest and rest[0][0] == "system":
        if turns.system is None:
            raise TemplateError("This model takes no system turn. Put what it says into the first user turn.")
        text = turns.system.before + _content(turns, rest.pop(0)[1]) + turns.system.after
    else:
        text = turns.opening
    if [role for role, _ in rest] != [("user", "assistant")[index % 2] for index in range(len(rest))] or len(rest) % 2 == 0:
        raise TemplateError("The turns must alternate between user and assistant, from the user's first to the user's last.")
    for index, (role, content) in enumerate(rest):
        if role == "assistant":
            text += turns.user_to_assistant + _content(turns, _without_reasoning(turns, content)) + turns.assistant_to_user
        else:
            text += _content(turns, content) + (turns.answer if index == len(rest) - 1 else "")
    return text


def _content(turns: TurnFormat, content: str) -> str:
    return content.strip() if turns.trim else content


def _without_reasoning(turns: TurnFormat, content: str) -> str:
    if turns.reasoning_end is None:
        return content
    _, found, answer = content.rpartition(turns.reasoning_end)
    return answer.lstrip("\n") if found else content


def _system_turn(render: Render, exchange: Conversation) -> SystemTurn | None:
    try:
        text = render([("system", _MARK.format(0)), *exchange])
    except TemplateError:
        return None
    if _MARK.format(0) not in text:
        return None  # the template leaves it out, so the app must not believe that the model read it
    before, after = _between(text, 4, first=0)[:2]
    return SystemTurn(before, after)


def _between(text: str, marks: int, *, first: int = 1) -> list[str]:
    """The texts around the marks of a rendered conversation, one more than there are marks."""
    parts = []
    for index in range(first, first + marks):
        part, found, text = text.partition(_MARK.format(index))
        if not found or _MARK.format(index) in text:
            raise TemplateError(
                "The chat template does not write each turn once and in order, so it cannot be exported. "
                "Use another chat template, or a model with a simpler one."
            )
        parts.append(part)
    return [*parts, text]


def _first_difference(turns: TurnFormat, render: Render) -> str | None:
    """Where the turn format parts from the template on a set of conversations, or None when it never does."""
    for conversation in _conversations(with_system=turns.system is not None):
        expected, written = render(conversation), write_turns(turns, conversation)
        if expected != written:
            said = ", ".join(f"{role} {content!r}" for role, content in conversation)
            return _differs(f"the turns {said} are not written by fixed texts around them", expected, written)
    return None


_CONTENTS = (
    "How are you?",
    "  two spaces before, a line break after\n",
    "第一行\n\n第二行 🙂",
    "{{ 1 + 1 }} <b>&amp;</b> \\n %s",
    "user: not a turn\nassistant: neither",
)
_ANSWERS = ("Fine.", " Fine.\n\n", "<think>\nOne, two.\n</think>\n\nThree.", "答案是四。")


def _conversations(*, with_system: bool) -> Iterator[Conversation]:
    systems: tuple[str | None, ...] = (None, "Be brief.", " 请简短。\n") if with_system else (None,)
    for system, content, length in product(systems, range(len(_CONTENTS)), (0, 1, 2, 3)):
        turns: list[tuple[str, str]] = [] if system is None else [("system", system)]
        for turn in range(length):
            turns.append(("user", _CONTENTS[(content + turn) % len(_CONTENTS)]))
            turns.append(("assistant", _ANSWERS[(content + turn) % len(_ANSWERS)]))
        yield [*turns, ("user", _CONTENTS[(content + length) % len(_CONTENTS)])]


def _differs(fact: str, expected: str, written: str) -> str:
    place = next(
        (index for index, pair in enumerate(zip(expected, written, strict=False)) if pair[0] != pair[1]),
        min(len(expected), len(written)),
    )
    start = max(0, place - 20)
    return (
        f"The chat template cannot be exported: {fact}. It writes {expected[start : place + 40]!r} where fixed texts give "
        f"{written[start : place + 40]!r}. Use another chat template, or a model with a simpler one."
    )
