"""The tokens in a session's KV cache, and whose turn it is to use it. Knows no text and no sampling.

A session holds one sequence. A run (one answer) asks for the logits after *its* sequence, and only what the cache
does not hold yet is fed: so a conversation's next turn costs its new tokens, and a run that another one displaced is
slower for it but never wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from runtimes.errors import SessionClosedError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from runtimes.contract import Capabilities, Session

CHUNK = 128
"""Tokens fed at once during prefill: how long a cancelled run may still take."""
PATIENCE_S = 0.25
"""How long another thread's run may rest between two steps before its place is taken."""


@dataclass(frozen=True)
class Step:
    """What one call of `Context.advance` did."""

    fed: int
    """Tokens fed; 0 when another run was at work."""
    logits: npt.NDArray[np.float32] | None
    """float32 (1 + drafted, vocabulary_size) after the last token and after each drafted one, or None while tokens are left
    to feed."""


class Context:
    """A session shared by runs, one step at a time. Safe to use from several threads.

    Args:
        chunk: most tokens of a prompt to feed at once. A runtime may round otherwise with every size.
    """

    def __init__(self, session: Session, *, chunk: int = CHUNK) -> None:
        self._session = session
        self._chunk = chunk
        self._tokens: list[int] = []
        self._turn = threading.Condition()
        self._holder: object = None
        self._holder_thread = 0
        self._last_use = 0.0
        self._closed = False
        self.capabilities: Capabilities = session.capabilities

    def advance(self, run: object, ids: list[int], draft: Sequence[int] = ()) -> Step:
        """Feed the next tokens of `ids`, at most a chunk; call again until there are logits.

        While another thread's run is at work this waits, at most `PATIENCE_S` at a time.

        Args:
            run: whose sequence this is; compared by identity.
            ids: the run's whole sequence so far, at least one token.
            draft: what may come next, fed with the last token. What of it the next call's `ids` do not go on with is dropped.

        Raises:
            ContextOverflowError, PromptError, RuntimeFailedError, SessionClosedError: from the session.
        """
        with self._turn:
            self._require_open()
            if not self._take_turn(run):
                return Step(0, None)
            try:
                return self._feed_next(ids, draft)
            finally:
                self._last_use = monotonic()

    def release(self, run: object) -> None:
        """The run is over: the next one need not wait."""
        with self._turn:
            if self._holder is run:
                self._holder = None
                self._turn.notify_all()

    def clear(self) -> None:
        """Drop every token from the cache. A run under way feeds its own again."""
        with self._turn:
            self._require_open()
            self._tokens = self._tokens[: self._session.rewind(0)]

    def close(self) -> None:
        """Close the session, after the step that may be under way. Idempotent."""
        with self._turn:
            self._closed = True
            self._session.close()
            self._turn.notify_all()

    def _require_open(self) -> None:
        if self._closed:
            raise SessionClosedError("The model was closed. Load it again.")

    def _take_turn(self, run: object) -> bool:
        """Whether the cache is `run`'s now. One thread never waits for itself: its older run is displaced at once."""
        thread = threading.get_ident()
        if self._holder is not None and self._holder is not run and self._holder_thread != thread:
            rest = self._last_use + PATIENCE_S - monotonic()
            if rest > 0:
                self._turn.wait(rest)
                return False
        self._holder = run
        self._holder_thread = thread
        return True

    def _feed_next(self, ids: list[int], draft: Sequence[int]) -> Step:
        held = self._keep_common(ids)
        chunk = ids[held : held + self._chunk]
        rows = 0
        if held + len(chunk) == len(ids):
            chunk += draft
            rows = 1 + len(draft)
        logits = self._session.feed(chunk, rows=rows)
        self._tokens += chunk
        return Step(len(chunk), logits if rows else None)

    def _keep_common(self, ids: list[int]) -> int:
        """Drop what the cache holds beyond the beginning it shares with `ids`; returns how many tokens stay.

        One token of `ids` at least is left to feed: only a feed gives logits.
        """
        if self._session.position != len(self._tokens):
            # an interrupt fell between the feed and its entry here
            self._tokens = self._tokens[: self._session.rewind(0)]
        shared = min(_common_prefix(self._tokens, ids), len(ids) - 1)
        if shared < len(self._tokens):
            kept = self._session.rewind(shared)
            del self._tokens[kept:]
        return len(self._tokens)


def _common_prefix(left: list[int], right: list[int]) -> int:
    """Length of the longest common beginning."""
    length = min(len(left), len(right))
    if left[:length] == right[:length]:
        return length
    return next(index for index, (one, other) in enumerate(zip(left, right, strict=False)) if one != other)
