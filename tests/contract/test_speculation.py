"""Answers made with drafts, over every registered runtime: each token is the one a plain loop would take."""

from __future__ import annotations

import numpy as np

from edge_llm.context import Context
from edge_llm.events import Done
from edge_llm.generate import generate
from edge_llm.speculate import LONGEST_DRAFT
from runtimes import Session
from tests.contract.conftest import OpenSession
from tests.contract.test_session import TOLERANCE

WORDS = [7, 8, 9, 10, 11, 12, 13]


class Bytes:
    """A token is a byte."""

    def token_bytes(self, token_id: int) -> bytes:
        return bytes([token_id % 256])


def test_every_token_is_the_likeliest_but_for_rounding(session: Session, open_model: OpenSession) -> None:
    """A runtime may round the rows of a longer feed otherwise, so that two tokens as likely as each other may change
    places. Nothing else may differ."""
    fed: list[int] = []

    class Counted:
        capabilities, rewind = session.capabilities, staticmethod(session.rewind)
        position = property(lambda _: session.position)

        def feed(self, ids: list[int], *, rows: int) -> object:
            fed.append(len(ids))
            return session.feed(ids, rows=rows)

    prompt = WORDS * 12
    *_, last = generate(Context(Counted()), Bytes(), prompt, max_tokens=100)  # type: ignore[arg-type]
    assert isinstance(last, Done)
    answer = list(last.result.token_ids)
    assert len(answer) == 100
    assert max(fed[1:]) <= 1 + LONGEST_DRAFT
    plain = open_model()
    logits = plain.feed(prompt)[0]
    for token in answer:
        assert logits.max() - logits[token] <= 2 * TOLERANCE * np.std(logits)
        logits = plain.feed([token])[0]
