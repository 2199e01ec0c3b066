"""Text that code does not find: a model points at it among the person's own words, or says that it is not there.

The answer is held to a list: every run of whole words of the request, and null. So a value is never of the model's making.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edge_llm.actions.manifest import Action, Slot
from edge_llm.understand.text_slots import bare_request, trimmed

if TYPE_CHECKING:
    from edge_llm.model import Model

_MOST_WORDS = 24
_NULL = "null"


def ask_model(model: Model, action: Action, slot: Slot, words: str) -> str | None:
    """The words of the request that fill `slot`, or None where the model sees none.

    Raises:
        RuntimeFailedError: while the model runs.
    """
    from edge_llm.constrain import Constraint
    from edge_llm.messages import Message

    spans = [span for span in _spans(bare_request(words)) if not _names(action, span)]
    if not spans or not model.info.chat:
        return None
    wanted = slot.description.en or slot.name.replace("_", " ")
    prompt = (
        f'Request: "{words}"\nAction: {action.description.en}\n'
        f"Copy the part of the request that is the {slot.name.replace('_', ' ')} ({wanted}). Answer {_NULL} if it is not said."
    )
    answer = model.chat([Message("user", prompt)], constraint=Constraint.choices([*spans, _NULL]), max_tokens=96).text.strip()
    return None if answer == _NULL or answer not in spans else trimmed(answer)


def _names(action: Action, span: str) -> bool:
    """Whether a span only says which action is meant: "发短信" is no message."""
    return span.casefold() in (action.name.en.casefold(), action.name.zh.casefold())


def _spans(text: str) -> list[str]:
    words = [match.span() for match in re.finditer(r"[\w'’.-]*\w|[^\w\s]", text)][:_MOST_WORDS]
    found = [text[words[first][0] : words[last][1]] for first in range(len(words)) for last in range(first, len(words))]
    return [span for span in dict.fromkeys(found) if re.search(r"\w", span)]
