"""Nothing of what was forgotten is in any byte. The same search finds it before, and finds it when a step is left out.

Bytes are looked at twice: by `residue.search`, and by a plain search in every page as SQLite deciphers it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_llm.memory import erase, residue
from edge_llm.memory.items import Draft, Mention
from edge_llm.memory.receipt import Receipt
from edge_llm.memory.store import Store
from tests.unit.edge_llm.memory.store_samples import add_vectors, messages, open_store, plain_pages

SECRET = Draft(
    "Meet me at the abandoned lighthouse, bring the violoncello. 我们在灯塔见面，别告诉任何人。",
    "message",
    "secret-1",
    title="Rendezvous 暗号",
    external_id="external-4711",
    people=(Mention("from", "Quentin Zweig", ("quentin.zweig@example.net", "+4915112345678")),),
    thread="hidden thread",
)
STRINGS = ["lighthouse", "abandoned", "violoncello", "lighthous", "violoncello", "Rendezvous", "rendezv", "Quentin", "quentin"]
STRINGS += ["zweig", "4915112345678", "external-4711", "hidden thread", "secret-1"]
BIGRAMS = [text[at : at + 2] for text in ("灯塔见面", "告诉任何", "暗号") for at in range(len(text) - 1)]


def present(store: Store, strings: Sequence[bytes]) -> list[bytes]:
    """Those that a plain search finds in SQLite's pages, or in the files as they are."""
    pages = plain_pages(store)
    raw = b"".join(path.read_bytes() for path in sorted(store.path.parent.glob(f"{store.path.name}*")) if path.suffix != "-shm")
    return [string for string in strings if string in pages or string in raw]


def encoded(strings: Sequence[str]) -> list[bytes]:
    return [string.encode() for string in strings]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path)
    opened.put("around", "text", messages(120))
    return opened


def forget_secret(store: Store) -> tuple[Receipt, bytes, list[bytes]]:
    """Put the secret in the middle of others, and forget it: the receipt, its vector's codes, its sealed cells."""
    drafts = [*messages(60, 1), SECRET, *messages(60, 2)]
    drafts = [
        Draft(draft.text, draft.kind, f"{at}", people=draft.people) if draft is not SECRET else draft
        for at, draft in enumerate(drafts)
    ]
    ids = store.put("mixed", "text", drafts).added
    codes = add_vectors(store, ids)
    with store.reading() as connection:
        sealed = connection.execute("SELECT sealed FROM items WHERE id = ?", (ids[60],)).get
        segment = connection.execute("SELECT sealed FROM vector_segments").get
    assert present(store, encoded(["lighthous", "灯塔", "quentin.zweig@example.net"])) != []  # the control
    return erase.forget(store, [ids[60]]), codes[ids[60]], [sealed, sealed[:16], segment[:64], segment[-64:]]


def test_no_string_no_bigram_and_no_vector_is_left(store: Store) -> None:
    receipt, codes, sealed = forget_secret(store)
    assert receipt.clean
    assert receipt.terms > 10
    found = residue.search(store, receipt)
    assert (found.left, found.present, found.unread) == ((), (), ())
    assert found.traces == receipt.traces > 30
    assert found.bytes > 2 * store.path.stat().st_size * 0.9
    assert present(store, encoded([*STRINGS, *BIGRAMS])) == []
    assert present(store, [codes, codes[:8], codes[-8:], *sealed]) == []


def test_the_search_would_have_found_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erase, "remove_items", lambda connection, store, ids: None)
    ids = store.put("mixed", "text", [*messages(20, 1, prefix="x "), SECRET]).added
    add_vectors(store, ids)
    found = residue.search(store, erase.forget(store, ids[-1:]))
    assert found.present == (ids[-1],)
    assert {trace.kind for trace in found.held} >= {"text"}
    assert {trace.kind for trace in found.left} >= {"sealed"}


def test_a_page_that_was_only_freed_is_found(store: Store) -> None:
    """Rows deleted without overwriting them: the search sees them in freed pages, where no table leads."""
    ids = store.put("gone", "text", [SECRET, *messages(300, 3)]).added
    with store.maintaining() as connection:
        connection.pragma("secure_delete", "OFF")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(erase, "scrub", lambda store: False)
        receipt = erase.forget(store, ids)
    found = residue.search(store, receipt)
    assert {trace.kind for trace in found.left} >= {"text", "sealed"}
    assert all(" of " in trace.place for trace in found.left)
    with store.maintaining() as connection:
        connection.pragma("secure_delete", "ON")
    assert erase.scrub(store)
    assert residue.search(store, receipt).clean


def test_old_frames_of_the_log_are_searched(store: Store) -> None:
    ids = store.put("gone", "text", [SECRET]).added
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(erase, "scrub", lambda store: False)
        receipt = erase.forget(store, ids)
    assert any("frame" in trace.place for trace in residue.search(store, receipt).left)


def only_deleted(folder: Path, seed: int) -> tuple[Store, Receipt]:
    """A store of which more than half was forgotten, with nothing done but deleting."""
    chosen = random.Random(seed)
    drafts = []
    for number in range(1500):
        words = ["".join(chosen.choices("abcdefghijklmnopqrstuvwxyz", k=chosen.randint(6, 11))) for _ in range(4)]
        han = "".join(chr(0x4E00 + chosen.randrange(3000)) for _ in range(12))
        people = (Mention("from", f"{words[0]} {words[1]}"),)
        drafts.append(Draft(f"{' '.join(words)} {han}", "message", f"{number}", people=people))
    store = open_store(folder)
    ids = store.put("a", "text", drafts).added
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(erase, "scrub", lambda store: False)
        return store, erase.forget(store, sorted(chosen.sample(ids, 900)))


def places_left(store: Store, receipt: Receipt) -> int:
    with store.maintaining() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return len(residue.search(store, receipt).left)


def test_each_step_of_scrubbing_is_needed(tmp_path: Path) -> None:
    """secure_delete alone leaves the first terms of pages; FTS5's optimize takes those, and VACUUM what is between cells."""
    for seed in range(2, 8):  # which pages are full depends on the terms
        store, receipt = only_deleted(tmp_path / str(seed), seed)
        deleted = places_left(store, receipt)
        with store.writing() as connection:
            connection.execute("INSERT INTO terms(terms) VALUES('optimize')")
        optimized = places_left(store, receipt)
        assert erase.scrub(store)
        assert places_left(store, receipt) == 0
        if deleted > optimized > 0:
            return
    pytest.fail("no step but VACUUM was needed: can forgetting be simpler?")


def test_forgetting_again_and_again_leaves_nothing_either(tmp_path: Path) -> None:
    """The second time the word index is one segment, which FTS5's optimize alone does not write anew."""
    store, _ = only_deleted(tmp_path / "again", 2)
    assert erase.scrub(store)
    for _ in range(3):
        receipt = erase.forget(store, random.Random(9).sample(store.select(), 100))
        assert residue.search(store, receipt).left == ()
    store.put("b", "text", messages(5))
    receipt = erase.forget(store, store.select())
    assert (residue.search(store, receipt).left, store.select()) == ((), [])


def test_a_string_that_another_item_holds_is_said_to_be_its(store: Store) -> None:
    twin = Draft(SECRET.text, "note", "twin")
    kept = store.put("kept", "text", [twin]).added
    receipt = erase.forget(store, store.put("gone", "text", [SECRET]).added)
    found = residue.search(store, receipt)
    assert found.clean
    assert f"item {kept[0]}" in {trace.held_by for trace in found.held}
    erase.forget(store, kept)
    assert residue.search(store, receipt).held == ()


def test_words_the_store_is_made_of_and_names_of_sources_do_not_cry_wolf(store: Store) -> None:
    ids = store.put(
        "/home/ann/lighthouse keeper.txt",
        "text",
        [Draft("message handle sources lighthouse", "note", "1"), Draft("x", "note", "2")],
    ).added
    receipt = erase.forget(store, ids[:1])
    found = residue.search(store, receipt)
    assert found.clean
    assert {str(trace.held_by).split(" source ")[0] for trace in found.held} >= {"the store itself", "the name of"}


def test_other_files_are_searched_too(store: Store, tmp_path: Path) -> None:
    receipt, _, _ = forget_secret(store)
    chat = tmp_path / "chat.json"
    chat.write_text(f'{{"content": "You said: {SECRET.text}"}}', encoding="utf-8")
    found = residue.search(store, receipt, [chat])
    assert {trace.place.split(" of ")[1] for trace in found.left} == {str(chat)}
    chat.write_text('{"content": "Hello"}', encoding="utf-8")
    assert residue.search(store, receipt, [chat]).clean


def test_a_source_that_is_gone_takes_its_key_along(store: Store) -> None:
    ids = store.put("gone", "text", [SECRET]).added
    with store.reading() as connection:
        wrapped = connection.execute("SELECT wrapped_key FROM sources WHERE name = 'gone'").get
    assert present(store, [wrapped]) == [wrapped]
    receipt = erase.forget(store, ids)
    assert receipt.keys == 1
    assert present(store, [wrapped, wrapped[:16], wrapped[-16:]]) == []
    assert residue.search(store, receipt).clean


def test_a_copy_without_the_key_shows_nothing(store: Store, tmp_path: Path) -> None:
    """Entropy and strings of the raw file: what is readable is the page size and the cipher's fixed bytes."""
    store.put("/home/ann/secret source name", "text", [SECRET])
    store.close()
    raw = (tmp_path / "memory").read_bytes()
    counts = [raw.count(bytes([value])) for value in range(256)]
    expected = len(raw) / 256
    assert sum((seen - expected) ** 2 / expected for seen in counts) < 400  # chi-squared, 255 degrees: p(400) < 1e-7
    every = encoded([*STRINGS, *BIGRAMS, "secret source", "example", "Person", "SQLite", "CREATE TABLE", "message"])
    assert [string for string in every if string in raw or string.decode().encode("utf-16-le") in raw] == []
    longest = max(len(run) for run in re.findall(rb"[\x20-\x7e]+", raw))
    assert longest < 16
