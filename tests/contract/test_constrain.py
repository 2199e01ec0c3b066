"""Answers under a constraint, over every registered runtime: each token is the likeliest that was allowed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from edge_llm.constrain import Constraint
from edge_llm.context import Context
from edge_llm.events import Done
from edge_llm.generate import generate
from edge_llm.mask import MaskMaker
from edge_llm.score import score
from runtimes import Session
from tests.contract.conftest import OpenSession
from tests.contract.test_session import TOLERANCE

PROMPT = [7, 8, 9, 10, 11, 12, 13] * 6
PATTERN = "(first ([0-9A-F]{4}-){3}end, ){2}[a-c]{40}!"


class Bytes:
    """A token is a byte, as far as the model has tokens; the others are no text."""

    bos_id = None

    def __init__(self, size: int) -> None:
        self.vocabulary_size = size
        self.special_ids = frozenset(range(256, size))

    def encode(self, text: str, *, bos: bool = False, special: bool = True) -> list[int]:
        return list(text.encode())

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", "replace")

    def token_bytes(self, token_id: int) -> bytes:
        return bytes([token_id]) if token_id < 256 else b""

    def token_text(self, token_id: int) -> str:
        return f"<{token_id}>"


def test_every_token_is_the_likeliest_that_was_allowed(session: Session, open_model: OpenSession) -> None:
    tokenizer = Bytes(session.capabilities.vocabulary_size)
    masks = MaskMaker(tokenizer, [])
    constraint = Constraint.regex(PATTERN)
    *_, last = generate(Context(session), tokenizer, PROMPT, mask=masks.start(constraint), logprobs=1)
    assert isinstance(last, Done)
    assert re.fullmatch(PATTERN, last.result.text)
    plain, mask = open_model(), masks.start(constraint)
    logits = plain.feed(PROMPT)[0]
    for its in last.result.logprobs:
        allowed = mask.apply(logits)
        if not its.forced:
            assert allowed.max() - allowed[its.token] <= 2 * TOLERANCE * np.std(logits)
        mask.accept(its.token)
        logits = plain.feed([its.token])[0]
    assert mask.ended
    assert last.result.usage.forced_tokens == len("first ---end, " * 2 + "!")


def test_scores_are_those_of_one_token_at_a_time(session: Session, open_model: OpenSession) -> None:
    texts = [[3, 1, 4, 1, 5], [3, 1, 4, 2], [9], [3, 1]]
    for tokens, logprobs in zip(texts, score(Context(session), PROMPT, texts), strict=True):
        plain, ids = open_model(), PROMPT
        for token, logprob in zip(tokens, logprobs, strict=True):
            row = plain.feed(ids)[0].astype(np.float64)
            assert abs(row[token] - np.log(np.exp(row).sum()) - logprob) <= 4 * TOLERANCE * np.std(row)
            ids = [token]
