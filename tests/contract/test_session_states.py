"""Feed, rewind, snapshot and restore in any order: a session is always the replay of what it holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle as Saved
from hypothesis.stateful import RuleBasedStateMachine, consumes, invariant, precondition, rule, run_state_machine_as_test

from runtimes import Bundle, RuntimeConfig, Session, find_runtime
from runtimes.errors import PromptError
from tests.contract.test_session import assert_same

IDS = st.lists(st.integers(0, 255), min_size=1, max_size=6)
LIMIT = 40


def machine_of(session: Session, replay: Session) -> type[RuleBasedStateMachine]:
    """The rules, over two open sessions: one that is used and one that feeds everything afresh."""

    class SessionMachine(RuleBasedStateMachine):
        saved = Saved("saved")

        def __init__(self) -> None:
            super().__init__()
            session.rewind(0)
            self.held: list[int] = []

        @precondition(lambda self: len(self.held) + 6 <= LIMIT)
        @rule(ids=IDS, data=st.data())
        def feed(self, ids: list[int], data: st.DataObject) -> None:
            rows = data.draw(st.integers(0, len(ids)))
            found = session.feed(ids, rows=rows)
            self.held = self.held + ids
            replay.rewind(0)
            assert_same(found, replay.feed(self.held, rows=len(self.held))[len(self.held) - rows :])

        @rule(data=st.data())
        def rewind(self, data: st.DataObject) -> None:
            to = data.draw(st.integers(0, len(self.held)))
            really = session.rewind(to)
            assert really == to or not session.capabilities.rewind
            self.held = self.held[:really]

        @precondition(lambda self: session.capabilities.snapshot)
        @rule(target=saved)
        def snapshot(self) -> tuple[bytes, list[int]]:
            return session.snapshot(), self.held

        @rule(state=saved)
        def restore(self, state: tuple[bytes, list[int]]) -> None:
            session.restore(state[0])
            self.held = state[1]

        @rule(state=consumes(saved), place=st.integers(0, 10**6))
        def refuse(self, state: tuple[bytes, list[int]], place: int) -> None:
            damaged = np.frombuffer(state[0], np.uint8).copy()
            damaged[place % damaged.size] ^= 0x80
            with pytest.raises(PromptError):
                session.restore(damaged.tobytes())

        @invariant()
        def position_is_what_is_held(self) -> None:
            assert session.position == len(self.held)

    return SessionMachine


def test_a_session_is_the_replay_of_what_it_holds(runtime: str, bundle: Bundle) -> None:
    config, found = RuntimeConfig(threads=1, context_length=LIMIT), find_runtime(runtime)
    with found.open(bundle, config) as session, found.open(bundle, config) as replay:
        run_state_machine_as_test(
            machine_of(session, replay),
            settings=settings(
                max_examples=25,
                stateful_step_count=20,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
