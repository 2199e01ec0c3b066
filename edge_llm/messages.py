"""The turns of a conversation, and their JSON form. Knows no template and no model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from runtimes.errors import PromptError

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
_ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Message:
    """One turn. Raises PromptError for a role no chat template knows, or content that is not text."""

    role: Role
    content: str

    def __post_init__(self) -> None:
        if self.role not in _ROLES:
            raise PromptError(f"A message has the role {self.role!r}; it must be one of {', '.join(_ROLES)}.")
        if not isinstance(self.content, str):
            raise PromptError(f"A message's content is of type {type(self.content).__name__}; it must be text.")
        try:
            self.content.encode()
        except UnicodeEncodeError as error:
            raise PromptError(
                f"A message holds a lone surrogate (character {error.start}), so it is not valid Unicode text. "
                "Read the text as UTF-8."
            ) from error

    def to_json(self) -> dict[str, str]:
        """The form chat templates and files use: `{"role": ..., "content": ...}`."""
        return {"role": self.role, "content": self.content}

    @classmethod
    def from_json(cls, value: object) -> Message:
        """The message in `{"role": ..., "content": ...}`. Raises PromptError for anything else."""
        if not isinstance(value, Mapping) or set(value) != {"role", "content"}:
            raise PromptError('A message must be a JSON object with exactly "role" and "content".')
        return cls(value["role"], value["content"])


def require_messages(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The messages as a tuple. Raises PromptError when there are none, or the last user turn is blank."""
    turns = tuple(messages)
    if not turns:
        raise PromptError("There are no messages. Start with a user message.")
    if turns[-1].role == "user" and not turns[-1].content.strip():
        raise PromptError("The prompt is empty. Write something to answer.")
    return turns
