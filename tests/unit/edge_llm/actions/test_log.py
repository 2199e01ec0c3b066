"""The log is only added to, tells when it was changed, and forgets content without breaking."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import apsw
import pytest

from edge_llm.actions.log import ActionLog
from edge_llm.actions.values import Call
from edge_llm.memory import erase
from edge_llm.memory.store import Store
from runtimes.errors import InputError, StorageError, StoreDamagedError
from tests.unit.edge_llm.actions.desk_samples import Setting, call, setting, value
from tests.unit.edge_llm.memory.store_samples import KEY, messages, open_store, plain_pages

SECRET = "the door code is 4711"


def filled(here: Setting, count: int = 6) -> ActionLog:
    for number in range(count):
        here.log.append("done", call(text=value(f"{SECRET} {number}")), {"carrier": "uri"})
    return here.log


def tamper(store: Store, *statements: str) -> None:
    """Change the log as somebody could who has the key of the pages: the triggers do not stop them."""
    with store.writing() as connection:
        connection.execute("DROP TRIGGER IF EXISTS action_log_only_grows")
        connection.execute("DROP TRIGGER IF EXISTS action_log_stays")
        for statement in statements:
            connection.execute(statement)


def test_what_was_added_is_read_back(here: Setting) -> None:
    number = here.log.append("done", call(text=value("bye", "memory", "mail from bob", item=3)), {"carrier": "uri"})
    (entry,) = here.log.entries()
    assert (entry.number, entry.kind, number) == (1, "done", 1)
    assert abs(entry.time - datetime.now(timezone.utc)) < timedelta(minutes=1)
    assert entry.content == {
        "action": "sms.send",
        "version": 1,
        "digest": call(text=value("bye")).digest,
        "arguments": {"recipient": "+8613800138000", "text": "bye"},
        "sources": {
            "recipient": {"origin": "contact", "source": "Zhang San", "item": None},
            "text": {"origin": "memory", "source": "mail from bob", "item": 3},
        },
        "carrier": "uri",
    }


def test_the_latest_come_last_and_can_be_chosen(here: Setting) -> None:
    log = filled(here)
    assert [entry.number for entry in log.entries()] == [1, 2, 3, 4, 5, 6]
    assert [entry.number for entry in log.entries(limit=2)] == [5, 6]
    assert log.entries(since=datetime.now(timezone.utc) + timedelta(hours=1)) == []


def test_any_text_is_kept(here: Setting) -> None:
    odd = "\ud800 \u202e \0 \n 👩‍👧"
    here.log.append("refused", call(text=value(odd)))
    content = here.log.entries()[0].content
    assert content is not None
    assert content["arguments"]["text"] == odd


def test_arguments_without_end_are_known_by_their_digest_only(here: Setting) -> None:
    endless = call(text=value("x" * 200_000))
    here.log.append("refused", endless)
    content = here.log.entries()[0].content
    assert content is not None
    assert (content["arguments"], content["digest"]) == (None, endless.digest)


def test_it_is_sealed(here: Setting) -> None:
    filled(here)
    pages = plain_pages(here.store)
    assert not any(word in pages for word in (SECRET.encode(), b"13800138000", b"Zhang San", b"sms.send"))


def test_a_whole_log_verifies_also_in_another_process(tmp_path: Path) -> None:
    with setting(tmp_path) as first:
        head = filled(first).head()
        assert first.log.verify().ok
    with setting(tmp_path) as second:
        filled(second, 2)
        found = second.log.verify(head)
        assert (found.ok, found.entries, found.forgotten) == (True, 8, 0)
        assert found.head == second.log.head() != head


def test_an_empty_log_verifies(here: Setting) -> None:
    assert here.log.verify().ok
    assert here.log.verify(here.log.head()).ok


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM action_log WHERE number = 3",
        "UPDATE action_log SET time = time - 1 WHERE number = 3",
        "UPDATE action_log SET kind = 'denied' WHERE number = 3",
        "UPDATE action_log SET sealed = zeroblob(60) WHERE number = 3",
        "UPDATE action_log SET number = 30 WHERE number = 3",
    ],
)
def test_sql_cannot_change_or_remove_an_entry(here: Setting, statement: str) -> None:
    log = filled(here)
    with pytest.raises(apsw.ConstraintError, match="only added to"), here.store.writing() as connection:
        connection.execute(statement)
    assert log.verify().ok


CHANGES = {
    "the first removed": ["DELETE FROM action_log WHERE number = 1"],
    "one removed": ["DELETE FROM action_log WHERE number = 3"],
    "one removed and the rest renumbered": [
        "DELETE FROM action_log WHERE number = 3",
        "UPDATE action_log SET number = number - 1 WHERE number > 3",
    ],
    "the last removed": ["DELETE FROM action_log WHERE number = 6"],
    "the end cut off": ["DELETE FROM action_log WHERE number > 2"],
    "all removed": ["DELETE FROM action_log"],
    "all removed with the head": ["DELETE FROM action_log WHERE number < 6", "DELETE FROM meta WHERE key = 'action_log_head'"],
    "two in another order": [
        "UPDATE action_log SET number = -1 WHERE number = 3",
        "UPDATE action_log SET number = 3 WHERE number = 4",
        "UPDATE action_log SET number = 4 WHERE number = -1",
    ],
    "another kind": ["UPDATE action_log SET kind = 'denied' WHERE number = 3"],
    "another time": ["UPDATE action_log SET time = time + 1 WHERE number = 3"],
    "another commitment": ["UPDATE action_log SET commitment = zeroblob(32) WHERE number = 3"],
    "content of another": ["UPDATE action_log SET sealed = (SELECT sealed FROM action_log WHERE number = 2) WHERE number = 3"],
    "content turned": ["UPDATE action_log SET sealed = zeroblob(80) WHERE number = 3"],
    "one added": ["INSERT INTO action_log SELECT 7, time, kind, commitment, chain, sealed FROM action_log WHERE number = 6"],
    "one in front": ["INSERT INTO action_log SELECT 0, time, kind, commitment, chain, sealed FROM action_log WHERE number = 1"],
    "the chain written anew": ["UPDATE action_log SET chain = randomblob(16)"],
    "the head removed": ["DELETE FROM meta WHERE key = 'action_log_head'"],
    "the head of nothing": ["UPDATE meta SET value = zeroblob(52) WHERE key = 'action_log_head'"],
}  # fmt: skip


@pytest.mark.parametrize("statements", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_is_changed_is_found(here: Setting, statements: list[str]) -> None:
    log = filled(here)
    tamper(here.store, *statements)
    assert not log.verify().ok


@pytest.mark.parametrize("statements", [CHANGES["one removed"], CHANGES["the end cut off"], CHANGES["another kind"]])
def test_it_is_still_found_after_more_was_added(here: Setting, statements: list[str]) -> None:
    log = filled(here)
    tamper(here.store, *statements)
    filled(here, 3)
    assert not log.verify().ok


def test_with_the_head_gone_nothing_more_is_added(here: Setting) -> None:
    log = filled(here)
    tamper(here.store, *CHANGES["the head removed"])
    with pytest.raises(StoreDamagedError, match="log --verify"):
        log.append("done", call())


def test_a_whole_older_file_is_found_by_a_head_kept_elsewhere(tmp_path: Path) -> None:
    with setting(tmp_path) as here:
        filled(here)
    older = (tmp_path / "memory").read_bytes()
    with setting(tmp_path) as here:
        head = filled(here, 1).head()
    for left in tmp_path.glob("memory*"):
        left.unlink()
    (tmp_path / "memory").write_bytes(older)
    with setting(tmp_path) as here:
        assert here.log.verify().ok, "nothing inside a file tells that it is an older one"
        assert not here.log.verify(head).ok
        filled(here, 1)
        assert not here.log.verify(head).ok


@pytest.mark.parametrize("known", ["", "12", "x:00", "3:zz", "3:" + "0" * 30])
def test_what_is_no_head_is_refused(here: Setting, known: str) -> None:
    with pytest.raises(InputError, match="no head"):
        here.log.verify(known)


def test_what_is_forgotten_is_gone_and_the_log_still_verifies(here: Setting) -> None:
    log = filled(here)
    head = log.head()
    assert log.forget([2, 3]) == 2
    assert [entry.content is None for entry in log.entries()] == [False, True, True, False, False, False, False]
    found = log.verify(head)
    assert (found.ok, found.forgotten) == (True, 2)
    assert log.entries()[-1].kind == "forgotten"
    assert log.forget([2, 3]) == 0
    assert log.forget() == 5
    assert log.verify(head).ok


def test_the_sealed_bytes_of_what_is_forgotten_are_in_no_page(here: Setting) -> None:
    log = filled(here)
    with here.store.reading() as connection:
        sealed = connection.execute("SELECT sealed FROM action_log WHERE number = 3").get
    assert sealed in plain_pages(here.store)
    log.forget([3])
    assert sealed not in plain_pages(here.store)
    assert not erase.unscrubbed(here.store)


def test_what_is_left_of_a_forgotten_entry_does_not_tell_a_guess_from_another(here: Setting) -> None:
    """The commitment is salted: equal content has unequal commitments."""
    for _ in range(2):
        here.log.append("done", call())
    with here.store.reading() as connection:
        assert connection.execute("SELECT count(DISTINCT commitment) FROM action_log").get == 2


def test_forgotten_content_cannot_be_put_back(here: Setting) -> None:
    log = filled(here)
    log.forget([3])
    with pytest.raises(apsw.ConstraintError), here.store.writing() as connection:
        connection.execute("UPDATE action_log SET sealed = (SELECT sealed FROM action_log WHERE number = 2) WHERE number = 3")


def from_item(item_id: int) -> Call:
    return call(text=value(SECRET, "memory", "a message", item=item_id))


def test_what_came_from_an_item_is_forgotten_with_it(tmp_path: Path) -> None:
    with setting(tmp_path) as here:
        here.store.put("chat", "text", messages(3))
        first, second, _ = here.store.select()
        both = call(text=value("a", "memory", item=first), recipient=value("b", "memory", item=second))
        for of in (from_item(first), from_item(second), both, call()):
            here.log.append("done", of)
        head = here.log.head()
        erase.forget(here.store, [first])
        assert [entry.content is None for entry in here.log.entries()] == [True, False, True, False]
        assert here.log.verify(head).ok
        with here.store.reading() as connection:
            assert connection.execute("SELECT item_id, number FROM action_log_items").fetchall() == [(second, 2)]


def test_threads_and_stores_take_turns(tmp_path: Path) -> None:
    with setting(tmp_path) as here, open_store(tmp_path) as second:
        logs = (here.log, ActionLog(second))
        threads = [
            threading.Thread(target=lambda log=log: [log.append("done", call()) for _ in range(10)])
            for log in logs
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = here.log.verify()
        assert (found.ok, found.entries) == (True, 40)


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    Store.open(tmp_path / "memory", KEY).close()
    with open_store(tmp_path, read_only=True) as store, pytest.raises(StorageError, match="reading only"):
        ActionLog(store).append("done", call())


def test_an_older_store_gets_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge_llm.memory import schema

    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        older.setattr(schema, "VERSION", 1)
        with open_store(tmp_path) as store:
            store.put("chat", "text", messages(3))
    with setting(tmp_path) as here:
        filled(here)
        assert here.log.verify().ok
        assert len(here.store.select()) == 3


def test_a_damaged_entry_is_named(here: Setting) -> None:
    log = filled(here)
    tamper(here.store, "UPDATE action_log SET sealed = zeroblob(80) WHERE number = 3")
    assert log.verify().problems == ("the content of entry 3 cannot be opened: it was changed",)
    assert [entry.number for entry in log.entries() if entry.damaged] == [3]
