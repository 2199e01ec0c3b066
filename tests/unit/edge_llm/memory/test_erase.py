"""Forgetting: what it would do, what it does, what it keeps, and what is made up for when it was cut off."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NoReturn

import pytest

from edge_llm.memory import erase
from edge_llm.memory.items import Draft, Mention
from edge_llm.memory.receipt import Receipt
from edge_llm.memory.store import Store
from edge_llm.memory.verify import verify
from runtimes.errors import InputError, StorageError
from tests.unit.edge_llm.memory.store_samples import KEY, NOON, add_vectors, messages, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def count(store: Store, table: str) -> int:
    with store.reading() as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").get)


def test_a_plan_says_what_would_go_and_changes_nothing(store: Store) -> None:
    kept = store.put("a", "text", messages(20)).added
    gone = store.put("b", "text", [replace(draft, people=(Mention("from", "Zoe"),)) for draft in messages(4, 1)]).added
    add_vectors(store, [*kept, *gone])
    generation = store.generation()
    plan = erase.plan(store, [*gone, kept[3], kept[3], 999])
    assert plan.ids == (kept[3], *gone)
    assert (plan.sources, plan.emptied, plan.kinds) == ({"a": 1, "b": 4}, ("b",), {"message": 5})
    assert (plan.people, plan.vectors) == (1, 5)
    assert (plan.since, plan.until) == (NOON, NOON + timedelta(minutes=3))
    assert {item.id for item in plan.examples} <= set(plan.ids)
    assert (store.generation(), len(store.select())) == (generation, 24)


def test_a_plan_for_nothing(store: Store) -> None:
    plan = erase.plan(store, [])
    assert (plan.ids, plan.examples, plan.since, plan.people) == ((), (), None, 0)


def test_examples_are_few_and_spread(store: Store) -> None:
    ids = store.put("a", "text", messages(100)).added
    examples = [item.id for item in erase.plan(store, ids).examples]
    assert examples == [ids[0], ids[20], ids[40], ids[60], ids[80]]


def test_what_is_forgotten_is_gone_from_every_table(store: Store) -> None:
    kept = store.put("a", "text", messages(10)).added
    gone = store.put("b", "text", [replace(draft, people=(Mention("from", "Zoe"),)) for draft in messages(4, 1)]).added
    add_vectors(store, [*kept, *gone])
    receipt = erase.forget(store, gone)
    assert (receipt.ids, receipt.keys, receipt.people, receipt.vectors, receipt.clean) == (gone, 1, 1, 4, True)
    assert store.select() == list(kept)
    assert [source.name for source in store.sources()] == ["a"]
    assert [count(store, table) for table in ("sources", "source_copies", "terms", "threads")] == [1, 1, 10, 2]
    assert verify(store) == replace(verify(store), damaged=(), problems=(), unscrubbed=False)


def test_a_source_that_keeps_items_keeps_its_key_and_stamp(store: Store) -> None:
    from edge_llm.memory.records import Stamp

    ids = store.put("a", "text", messages(10), stamp=Stamp(5)).added
    receipt = erase.forget(store, ids[:4])
    assert receipt.keys == 0
    assert store.stamp("a") == Stamp(5)
    assert [item.id for item in store.items(ids)] == list(ids[4:])


def test_forgetting_nothing_gives_an_empty_receipt(store: Store) -> None:
    receipt = erase.forget(store, [7])
    assert (receipt.ids, receipt.traces, receipt.clean) == ((), 0, True)


def test_ids_are_never_given_again(store: Store) -> None:
    ids = store.put("a", "text", messages(5)).added
    erase.forget(store, ids)
    assert min(store.put("a", "text", messages(5)).added) > max(ids)


def test_a_receipt_holds_nothing_of_what_was_forgotten(store: Store) -> None:
    draft = Draft("the secret rendezvous", "note", "under the bridge", title="Tryst", people=(Mention("from", "Zoe"),))
    ids = store.put("diary of Ann", "text", [draft]).added
    document = json.dumps(erase.forget(store, ids).to_json())
    assert not [word for word in ("secret", "rendez", "bridge", "Tryst", "Zoe", "diary", "Ann") if word in document]


def test_a_receipt_survives_json_and_a_change_of_key(store: Store) -> None:
    from edge_llm.memory import residue
    from edge_llm.memory.keys import RawKey

    ids = store.put("a", "text", messages(30)).added
    receipt = erase.forget(store, ids[:20])
    store.rotate(RawKey(b"n" * 32))
    again = Receipt.from_json(json.loads(json.dumps(receipt.to_json())))
    assert again == receipt
    assert residue.search(store, again).clean


@pytest.mark.parametrize("name", ["items", "ids", "time", "sealed", "traces", "store"])
def test_a_changed_receipt_is_found_out(store: Store, name: str) -> None:
    ids = store.put("a", "text", messages(3)).added
    document = erase.forget(store, ids).to_json()
    document[name] = {
        "items": document["items"] + 1,
        "ids": [[5, 9]],
        "time": "2001-01-01T00:00:00+00:00",
        "sealed": "A" + document["sealed"][1:],
        "traces": 0,
        "store": "0" * 32,
    }[name]
    if name == "items":  # a count that the ids tell too
        assert Receipt.from_json(document).to_json()["items"] == 3
        return
    with pytest.raises(InputError, match=r"changed|another memory"):
        Receipt.from_json(document).tracer(store)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "not a receipt"),
        ({"kind": "invoice"}, "not a receipt"),
        ({"kind": "edge-llm memory receipt", "version": 2}, "Update"),
        ({"kind": "edge-llm memory receipt", "version": 1, "store": "x"}, "damaged"),
    ],
)
def test_what_is_no_receipt(document: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Receipt.from_json(document)


def test_a_reader_that_holds_old_pages_is_waited_for_and_then_made_up_for(tmp_path: Path) -> None:
    with open_store(tmp_path, timeout_s=0.2) as store:
        ids = store.put("a", "text", messages(20)).added
        began, done = threading.Event(), threading.Event()

        def read() -> None:
            with store.reading() as connection:
                connection.execute("SELECT count(*) FROM items").fetchall()
                began.set()
                done.wait()

        reader = threading.Thread(target=read)
        reader.start()
        began.wait()
        receipt = erase.forget(store, ids[:5])
        assert not receipt.clean
        assert verify(store).unscrubbed
        assert len(store.select()) == 15
        done.set()
        reader.join()
        assert erase.scrub(store)
        assert not verify(store).unscrubbed


def test_what_a_kill_left_unscrubbed_is_scrubbed_at_the_next_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(tmp_path) as store:
        ids = store.put("a", "text", messages(20)).added
        with monkeypatch.context() as patched:
            patched.setattr(erase, "scrub", lambda store: False)
            assert not erase.forget(store, ids[:5]).clean
        assert erase.unscrubbed(store)
    with open_store(tmp_path, read_only=True) as store:
        assert erase.unscrubbed(store)
    with open_store(tmp_path) as store:
        assert not erase.unscrubbed(store)


def test_no_space_for_scrubbing_forgets_all_the_same(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        ids = store.put("a", "text", messages(200)).added
        with store.maintaining() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        def full() -> NoReturn:
            raise StorageError("No space")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(store, "maintaining", full)
            receipt = erase.forget(store, ids[:5])
        assert not receipt.clean
        assert len(store.select()) == 195
        assert erase.scrub(store)


def test_retention_forgets_what_is_older(tmp_path: Path) -> None:
    now = datetime.now(timezone.utc)
    drafts = [Draft(f"text {age}", "note", str(age), time=now - timedelta(days=age)) for age in (1, 5, 20)]
    with open_store(tmp_path) as store:
        ids = store.put("a", "text", [*drafts, Draft("no time", "note", "-")]).added
        forever = store.put("b", "text", drafts).added
        assert erase.apply_retention(store) is None
        assert erase.keep(store, "a", 10)
        assert not erase.keep(store, "nobody", 10)
        assert erase.expired(store) == [ids[2]]
        receipt = erase.apply_retention(store, now=now + timedelta(days=7))
        assert receipt is not None
        assert receipt.ids == (ids[1], ids[2])
        erase.keep(store, "a", 0)
    with open_store(tmp_path) as store:
        assert store.select() == list(forever)


def test_dropping_a_source(store: Store) -> None:
    ids = store.put("a", "text", messages(2)).added
    assert not erase.drop_source(store, "a")
    with store.writing() as connection:
        from edge_llm.memory.removal import remove_items

        remove_items(connection, store, ids)
    assert erase.drop_source(store, "a")
    assert (store.sources(), count(store, "source_copies")) == ([], 0)


def test_forgetting_in_another_process_is_seen(tmp_path: Path) -> None:
    with open_store(tmp_path) as reader:
        with Store.open(tmp_path / "memory", KEY) as writer:
            ids = writer.put("a", "text", messages(5)).added
            generation = reader.generation()
            erase.forget(writer, ids[:2])
        assert reader.generation() > generation
        assert reader.select() == list(ids[2:])


def test_a_receipt_of_many_items_stays_small_and_covers_each(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge_llm.memory import evidence, residue

    monkeypatch.setattr(evidence, "MOST", 600)
    ids = store.put("a", "text", [replace(draft, text=draft.text * 20) for draft in messages(100)]).added
    receipt = erase.forget(store, ids)
    assert 300 < receipt.traces <= 600
    assert receipt.untraced > 1000
    assert residue.search(store, receipt).clean
