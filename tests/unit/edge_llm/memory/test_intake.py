"""Putting sources: what differs is touched, what is gone is removed, nothing is lost when a reader fails half-way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge_llm.memory import erase
from edge_llm.memory.items import Draft, Mention
from edge_llm.memory.records import Changes, Stamp
from edge_llm.memory.store import Store
from edge_llm.memory.verify import verify
from runtimes.errors import CancelledError, ConfigError, UnreadableFileError
from tests.unit.edge_llm.memory.store_samples import KEY, NOON, add_vectors, messages, open_store

STAMP = Stamp(12, 34, "ab", 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def locators(store: Store, source: str = "a") -> list[str]:
    """The source's locators in the source's order."""
    items = store.items(store.select(source=source))
    return [item.locator for item in sorted(items, key=lambda item: item.ordinal)]


def count(store: Store, table: str) -> int:
    with store.reading() as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").get)


def test_putting_the_same_again_changes_nothing(store: Store) -> None:
    store.put("a", "text", messages(30), stamp=STAMP)
    generation = store.generation()
    again = store.put("a", "text", messages(30), stamp=STAMP)
    assert again == Changes(unchanged=30)
    assert store.generation() == generation


def test_only_what_differs_is_touched(store: Store) -> None:
    drafts = messages(10)
    ids = store.put("a", "text", drafts).added
    drafts[3] = replace(drafts[3], text="something else")
    del drafts[7]
    new = Draft("at the beginning", "note", "new")
    changes = store.put("a", "text", [new, *drafts])
    assert (changes.changed, changes.removed, changes.unchanged) == ((ids[3],), (ids[7],), 8)
    assert locators(store) == ["new", *(draft.locator for draft in drafts)]
    assert store.items([ids[3]])[0].text == "something else"
    assert verify(store).ok


def test_a_changed_item_loses_what_was_made_of_the_old_one(store: Store) -> None:
    draft = replace(messages(1)[0], text="zebra", people=(Mention("from", "Quentin"),))
    ids = store.put("a", "text", [draft]).added
    add_vectors(store, ids)
    store.put("a", "text", [replace(draft, text="giraffe", people=())])
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM terms WHERE terms MATCH 'zebra'").get == 0
        assert connection.execute("SELECT count(*) FROM terms WHERE terms MATCH 'giraff'").get == 1
    assert [count(store, table) for table in ("mentions", "people", "vector_segments")] == [0, 0, 0]


@pytest.mark.parametrize("part", ["title", "external_id", "time", "end", "people", "thread", "kind"])
def test_every_part_of_an_item_counts(store: Store, part: str) -> None:
    values = {"time": NOON, "end": NOON, "people": (Mention("about", "Eve"),), "kind": "mail"}
    draft = Draft("text", "note", "1")
    store.put("a", "text", [draft])
    assert len(store.put("a", "text", [replace(draft, **{part: values.get(part, "value")})]).changed) == 1


def test_what_is_added_to_a_source_comes_after_what_is_there(store: Store) -> None:
    store.put("a", "chat", [Draft("one", "chat", "1")], complete=False)
    changes = store.put("a", "chat", [Draft("two", "chat", "2")], complete=False)
    assert (len(changes.added), changes.removed) == (1, ())
    assert locators(store) == ["1", "2"]
    assert store.stamp("a") is None


def test_two_items_under_one_locator_are_both_kept_and_both_found_again(store: Store) -> None:
    drafts = [Draft("first", "note", "x"), Draft("second", "note", "x"), Draft("third", "note", "x")]
    ids = store.put("a", "text", drafts).added
    assert len(ids) == 3
    assert store.put("a", "text", drafts).unchanged == 3
    changes = store.put("a", "text", [drafts[0], replace(drafts[1], text="other"), drafts[2]])
    assert changes.changed == (ids[1],)


def test_repeated_locators_across_batches(store: Store) -> None:
    drafts = [Draft(f"text {number}", "note", str(number % 600)) for number in range(1300)]
    assert len(store.put("a", "text", drafts).added) == 1300
    assert store.put("a", "text", drafts).unchanged == 1300


def test_a_reader_that_fails_keeps_what_it_gave_and_removes_nothing(store: Store) -> None:
    store.put("a", "text", messages(10), stamp=STAMP)

    def failing() -> Iterator[Draft]:
        yield replace(messages(1)[0], text="changed")
        yield Draft("new", "note", "new")
        raise UnreadableFileError("page 2 is damaged")

    with pytest.raises(UnreadableFileError):
        store.put("a", "text", failing(), stamp=STAMP)
    assert len(store.select()) == 11
    assert store.stamp("a") is None
    assert verify(store).ok


def test_cancelling_keeps_what_was_read(store: Store) -> None:
    cancel = threading.Event()

    def drafts() -> Iterator[Draft]:
        for number, draft in enumerate(messages(1000)):
            if number == 700:
                cancel.set()
            yield draft

    with pytest.raises(CancelledError):
        store.put("a", "text", drafts(), cancel=cancel)
    assert len(store.select()) == 701
    assert store.put("a", "text", messages(1000)).unchanged == 701


def test_what_was_committed_is_told(store: Store) -> None:
    told: list[int] = []
    store.put("a", "text", messages(1200), committed=lambda changes: told.append(len(changes.added)))
    assert told == [512, 1024, 1200, 1200]


def test_a_stamp_is_what_the_file_was(store: Store) -> None:
    assert store.stamp("a") is None
    store.put("a", "text", messages(3), stamp=STAMP)
    assert store.stamp("a") == STAMP
    source = store.source("a")
    assert source is not None
    assert (source.bytes, source.items, source.format) == (12, 3, "text")
    store.put("a", "markdown", messages(2), stamp=replace(STAMP, bytes=10))
    source = store.source("a")
    assert source is not None
    assert (source.bytes, source.items, source.format) == (10, 2, "markdown")


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="time zone"):
        store.put("a", "text", [Draft("x", "note", "1", time=datetime(2024, 1, 1))])


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_every_time_there_is_comes_back(store: Store, year: int) -> None:
    time = datetime(year, 12, 31, 23, 59, 59, 999000, tzinfo=timezone.utc)
    ids = store.put("a", "text", [Draft("x", "note", "1", time=time, end=time)]).added
    assert (store.items(ids)[0].time, store.items(ids)[0].end) == (time, time)


def test_halves_of_characters_do_not_cost_an_item(store: Store) -> None:
    draft = Draft(
        "a\ud83d\ude00b \ud800c", "note", "\udfff", title="\ud83d", people=(Mention("from", "\ud800", ("\udc00@x.org",)),)
    )
    item = store.items(store.put("a", "text", [draft]).added)[0]
    assert (item.text, item.title, item.locator) == ("a\U0001f600b \ufffdc", "\ufffd", "\ufffd")
    assert store.put("a", "text", [draft]).unchanged == 1


@pytest.mark.parametrize("text", ["\0nul\0", "\u202eright to left", "x" * 200_000, "长" * 100_000, "\r\n\t"])
def test_any_text_comes_back(store: Store, text: str) -> None:
    ids = store.put("a", "text", [Draft(text, "note", "1", title=text, external_id=text, thread=text)]).added
    item = store.items(ids)[0]
    assert (item.text, item.title, item.external_id) == (text, text, text)
    assert verify(store).ok


def test_what_is_older_than_the_retention_is_not_stored(store: Store) -> None:
    now = datetime.now(timezone.utc)
    drafts = [
        Draft("old", "note", "1", time=now - timedelta(days=40)),
        Draft("new", "note", "2", time=now),
        Draft("no time", "note", "3"),
    ]
    changes = store.put("a", "text", drafts, keep_days=30)
    assert (len(changes.added), changes.expired) == (2, 1)
    assert store.put("a", "text", drafts) == Changes(unchanged=2, expired=1)


def test_two_that_put_one_source_at_once_agree(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        threads = [threading.Thread(target=store.put, args=("a", "text", messages(1200))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.select()) == 1200
        assert verify(store).ok


TEXTS = st.sampled_from(["apple pie", "banana bread", "今天去公园", "今天 tea", "x"])
DRAFTS = st.lists(
    st.builds(
        Draft,
        text=TEXTS,
        kind=st.just("note"),
        locator=st.sampled_from("abcdef"),
        title=st.none() | TEXTS,
        people=st.sampled_from([(), (Mention("from", "Ann", ("ann@x.org",)),), (Mention("to", "Ann"), Mention("from", "Bo"))]),
        thread=st.none() | st.sampled_from("pq"),
    ),
    max_size=6,
    unique_by=lambda draft: draft.locator,
)


class Model(RuleBasedStateMachine):
    """A store beside a dictionary of what it should hold."""

    @initialize(folder=st.just(None))
    def make(self, folder: None) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "memory"
        self.store = Store.open(self.path, KEY)
        self.expected: dict[str, dict[str, tuple[int, Draft]]] = {"s": {}, "t": {}}
        self.ids: set[int] = set()

    @rule(source=st.sampled_from("st"), drafts=DRAFTS, complete=st.booleans())
    def put(self, source: str, drafts: list[Draft], complete: bool) -> None:
        held = self.expected[source]
        changes = self.store.put(source, "text", drafts, complete=complete)
        new = [draft for draft in drafts if draft.locator not in held]
        changed = [draft for draft in drafts if draft.locator in held and held[draft.locator][1] != draft]
        assert len(changes.added) == len(new)
        assert set(changes.added).isdisjoint(self.ids)
        assert set(changes.changed) == {held[draft.locator][0] for draft in changed}
        self.ids |= set(changes.added)
        for item_id, draft in zip(changes.added, new, strict=True):
            held[draft.locator] = (item_id, draft)
        for draft in changed:
            held[draft.locator] = (held[draft.locator][0], draft)
        if complete:
            gone = held.keys() - {draft.locator for draft in drafts}
            assert set(changes.removed) == {held.pop(locator)[0] for locator in gone}

    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        here = [item_id for held in self.expected.values() for item_id, _ in held.values()]
        chosen = data.draw(st.lists(st.sampled_from(here), unique=True) if here else st.just([]))
        assert erase.forget(self.store, chosen).clean
        for held in self.expected.values():
            for locator in [locator for locator, (item_id, _) in held.items() if item_id in chosen]:
                del held[locator]

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = Store.open(self.path, KEY)

    @invariant()
    def holds_what_it_should(self) -> None:
        for source, held in self.expected.items():
            items = {item.locator: item for item in self.store.items(self.store.select(source=source))}
            assert {locator: (item.id, item.text, item.title) for locator, item in items.items()} == {
                locator: (item_id, draft.text, draft.title) for locator, (item_id, draft) in held.items()
            }
            for locator, (_, draft) in held.items():
                assert [(part.role, part.person.name) for part in items[locator].people] == [
                    (mention.role, mention.name) for mention in draft.people
                ]
                assert (items[locator].thread is None) == (draft.thread is None)

    def teardown(self) -> None:
        assert verify(self.store).problems == ()
        self.store.close()
        self.folder.cleanup()


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=12,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
