"""Words in reply to words: from the person's data where it has something, else from what the model knows, and which it is.

A small model retells badly what it was shown. So an answer from memory quotes the item first; what the model makes of it
follows only where every sentence of it leans on an item. Knows no action.
"""

from __future__ import annotations

import math
import re
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from edge_llm.actions.manifest import Language
from edge_llm.confidence import Confidence, from_items, guess
from edge_llm.hidden import show_hidden
from edge_llm.messages import Message
from edge_llm.turns import Answer
from runtimes.errors import ContextOverflowError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_llm.memory.items import Hit, Item
    from edge_llm.memory.memory import Memory
    from edge_llm.memory.packing import Passage
    from edge_llm.model import Model

_TOKENS: Final = 160
_QUOTED: Final = 240
"""Characters of an item that an answer quotes."""
_SHOWN: Final = 3
_PERSONAL = re.compile(
    r"\b(?:i|me|my|mine|we|our|us|did .{1,40} (?:say|send|write|tell))\b|[我咱]|发给我|跟我说", re.IGNORECASE
)
_FOR_ME = re.compile(
    r"\b(?:tell|give|show|help|teach|sing|write|read|make|recommend|let|remind|(?:explain|read|talk) to) (?:me|us)\b"
    r"|\b(?:can|could|should|shall|may|must) (?:i|we)\b|\bhow (?:do|can|should) (?:i|we)\b"
    r"|(?:给|帮|教|告诉|替|为|陪|跟|和|对)我们?(?:讲|说说|聊|写|唱|推荐|解释|想|看看|一下|一个|点)?|我(?:该|应该|可以|能|要)",
    re.IGNORECASE,
)
"""Who is spoken to, or asks for advice: the words are no question about their data."""
_ASKS = re.compile(
    r"[?？]|^(?:(?:tell|show) me )?(?:when|where|what|which|who|whom|whose|how|why)\b"
    r"|^(?:did|do|does|have|has|had|was|were|is|are|am)\b"
    r"|谁|什么|哪|几|多少|吗|何时|怎么|有没有",
    re.IGNORECASE,
)
_AT_ZERO: Final = -3.61
_PER_POINT: Final = 0.376
"""How likely one of the items quoted holds the answer, as log odds of the first one's score in the search. Fitted by
tests/bench/bench_confidence.py, where two questions in five are about somebody else's life: docs/assistant.md."""
_CLOSEST: Final = 0.08
"""How often items that only share a word with the question hold the answer, by the same bench."""
_NOTHING: Final = 0.87
"""How often "not in your data" is right, by the same bench."""
_GUESS_MOST: Final = 0.5
"""A model of this size is wrong about the world more often than not, however sure its tokens are: a bound, not measured."""


@dataclass(frozen=True)
class Answerer:
    """Answers from a memory, a model, or both.

    Args:
        model: None leaves quoting what memory has.
        memory: None leaves what the model knows.
    """

    model: Model | None
    memory: Memory | None

    def answer(
        self,
        words: str,
        language: Language,
        *,
        history: Sequence[Message] = (),
        must_be_own: bool = False,
        cancel: threading.Event | None = None,
    ) -> Answer:
        """Reply to words that ask for no action.

        Args:
            history: what was said before, oldest first.
            must_be_own: the person asked about their own data, so the model's knowledge is no answer.

        Raises:
            EdgeLLMError: memory or the model failed. ContextOverflowError: the words alone are longer than the model's context.
        """
        passages = self._passages(words)
        if passages:
            return self._from_data(words, language, passages, cancel)
        if near := self._near(words) if must_be_own else ():
            said = "你的数据里最接近的：" if language == "zh" else "The closest in your data:"
            text = "\n".join([said, *(_quote(hit.item, hit.text, language) for hit in near)])
            return Answer(text, from_items(_CLOSEST, len(near)), tuple(hit.id for hit in near))
        if must_be_own or self.model is None or (self.memory is not None and _asks_own(words)):
            said = "你的数据里没有。" if language == "zh" else "That is not in your data."
            return Answer(said, from_items(_NOTHING, 0))
        return self._from_model(self.model, words, history, cancel)

    def _passages(self, words: str) -> tuple[Passage, ...]:
        from edge_llm.memory.recall import Recall, recall

        if self.memory is None:
            return ()
        model = self.model
        count = len if model is None else lambda piece: len(model.tokenizer.encode(piece, special=False))
        options = Recall(items=_SHOWN)
        return recall(self.memory, words, previous=None, count=count, budget=options.tokens, options=options)

    def _near(self, words: str) -> list[Hit]:
        """Items that share a word with a question about the person's data, though too little to be an answer for sure."""
        from edge_llm.memory.query import parse

        told = [group.text for group in parse(words).groups if not group.is_weak and group.weight >= 1]
        return [] if self.memory is None or not told else self.memory.search(" ".join(told), _SHOWN)

    def _from_data(self, words: str, language: Language, passages: Sequence[Passage], cancel: threading.Event | None) -> Answer:
        from edge_llm.memory.citing import find_claims

        hits = sorted((one for one in passages if one.score is not None), key=lambda one: -(one.score or 0.0))[:_SHOWN]
        quotes = [_quote(passage.item, passage.text, language) for passage in hits]
        text = "\n".join(quotes)
        if self.model is not None:
            retold = self._retell(self.model, words, passages, cancel)
            claims = find_claims(retold, passages, words) if retold else ()
            if claims and all(claim.items for claim in claims):
                text = f"{show_hidden(retold)}\n{text}"
        return Answer(text, from_items(_answered(hits[0].score or 0.0), len(hits)), tuple(passage.item.id for passage in hits))

    def _retell(self, model: Model, words: str, passages: Sequence[Passage], cancel: threading.Event | None) -> str:
        from edge_llm.memory.packing import frame

        asked = Message("user", frame(passages, words))
        try:
            return model.chat([asked], max_tokens=_TOKENS, cancel=cancel).text.strip()
        except ContextOverflowError:  # the quotes alone are the answer
            return ""

    def _from_model(self, model: Model, words: str, history: Sequence[Message], cancel: threading.Event | None) -> Answer:
        try:
            result = model.chat([*history, Message("user", words)], max_tokens=_TOKENS, logprobs=1, cancel=cancel)
        except ContextOverflowError:
            if not history:
                raise
            return self._from_model(model, words, history[2:], cancel)  # without the oldest words and their reply
        return Answer(show_hidden(result.text.strip()), _guessed([one.logprob for one in result.logprobs or ()]))


def _asks_own(words: str) -> bool:
    """Whether words ask about the person's own life, which a model knows nothing of."""
    rest = _FOR_ME.sub(" ", words.strip())
    return _ASKS.search(words.strip()) is not None and _PERSONAL.search(rest) is not None


def _answered(score: float) -> float:
    """How likely an answer whose best item has this score holds what was asked for."""
    return 1.0 / (1.0 + math.exp(-(_AT_ZERO + _PER_POINT * score)))


def _guessed(logprobs: Sequence[float]) -> Confidence:
    """The model's own probability per token, as far as a guess can go."""
    likely = math.exp(math.fsum(logprobs) / len(logprobs)) if logprobs else 0.0
    return guess(_GUESS_MOST * min(1.0, likely), "guess: the model's own words, not your data")


def _quote(item: Item, said: str, language: Language) -> str:
    text = show_hidden(" ".join(said.split()))
    cut = text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"
    sender = next((part.person.name for part in item.people if part.role == "from"), None)
    told = [show_hidden(part) for part in (sender, _day(item.time), item.title or item.source.name.rpartition("/")[2]) if part]
    return f"“{cut}”（{'，'.join(told)}，#{item.id}）" if language == "zh" else f"“{cut}” ({', '.join(told)}, #{item.id})"


def _day(time: datetime | None) -> str | None:
    return None if time is None else f"{time.astimezone():%Y-%m-%d %H:%M}"
