"""From a conversation to token ids: the chat template and the tokenizer, put together safely.

A template writes control tokens (`<|im_end|>`) as text and the tokenizer turns that text into the tokens. What people,
files and tools wrote must not gain that power: a message that spells a control token keeps it as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from edge_llm.messages import Message, require_messages
from edge_llm.template import ChatTemplate

if TYPE_CHECKING:
    from runtimes.tokenizer import Tokenizer

# A stand-in for a control token's text: noncharacters, which no text that is exchanged contains (Unicode 23.7).
_STAND_IN = re.compile("\ufdd0([0-9]+)\ufdd1")


class ChatPrompt:
    """One model's way of writing a conversation. Safe to use from several threads.

    Args:
        source: the chat template.
        stop_token_ids: the tokens that end a turn, the vocabulary's end-of-sequence token first.
    """

    def __init__(self, source: str, tokenizer: Tokenizer, stop_token_ids: Sequence[int]) -> None:
        self._source = source
        self._tokenizer = tokenizer
        self._eos_id = stop_token_ids[0] if stop_token_ids else None

    def encode(self, messages: Iterable[Message]) -> list[int]:
        """Token ids of the conversation, up to where the assistant's next turn begins.

        Raises:
            PromptError: no messages, or the last one is a blank user message.
            TemplateError: the template fails, or refuses these messages.
        """
        spelled: list[str] = []

        def stand_in(found: re.Match[str]) -> str:
            spelled.append(found.group())
            return f"\ufdd0{len(spelled) - 1}\ufdd1"

        turns = [
            replace(message, content=self._control.sub(stand_in, message.content)) for message in require_messages(messages)
        ]
        parts = _STAND_IN.split(self._template.render(turns))
        ids = self._tokenizer.encode(parts[0])
        for index, text in zip(parts[1::2], parts[2::2], strict=True):
            ids += self._tokenizer.encode(spelled[int(index)], special=False)
            ids += self._tokenizer.encode(text) if text else []
        return ids

    def render(self, messages: Iterable[Message]) -> str:
        """The template's own text of the conversation, up to where the assistant's next turn begins. What people wrote is in
        it as it is: for `encode` it is made safe first. Raises TemplateError."""
        return self._template.render(messages)

    @cached_property
    def _template(self) -> ChatTemplate:
        return ChatTemplate(
            self._source, bos_token=self._text_of(self._tokenizer.bos_id), eos_token=self._text_of(self._eos_id)
        )

    @cached_property
    def _control(self) -> re.Pattern[str]:
        """Whatever must not reach the tokenizer as it is: the spellings of control tokens, and forged stand-ins."""
        texts = filter(None, map(self._tokenizer.token_text, self._tokenizer.special_ids))
        longest_first = sorted({*texts, "\ufdd0", "\ufdd1"}, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)))

    def _text_of(self, token: int | None) -> str:
        return "" if token is None else self._tokenizer.token_text(token)
