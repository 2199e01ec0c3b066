"""Damage is found, named by what it held, and costs no more than that: salvage gets everything else."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from edge_llm.memory.btree import MalformedPageError
from edge_llm.memory.image import Image
from edge_llm.memory.items import Draft
from edge_llm.memory.ownership import holdings
from edge_llm.memory.pages import PAGE
from edge_llm.memory.salvage import Salvage
from edge_llm.memory.store import Store
from edge_llm.memory.verify import examine, verify
from runtimes.errors import StoreDamagedError, WrongKeyError
from tests.unit.edge_llm.memory.store_samples import KEY, OTHER_KEY, add_vectors, messages, open_store

COUNT = 205


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a closed store: 200 messages, five long documents, vectors."""
    folder = tmp_path_factory.mktemp("whole")
    with open_store(folder) as store:
        ids = store.put("a", "text", messages(200)).added
        store.put("b", "text", [Draft(f"{number} " + "长" * 6000, "document", str(number)) for number in range(5)])
        add_vectors(store, ids)
    return (folder / "memory").read_bytes()


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory, whole: bytes) -> dict[int, str]:
    """What each page of it is for."""
    path = write(tmp_path_factory.mktemp("held"), whole)
    with Store.open(path, KEY) as store, Image(path, store.cipher) as image:
        return {number: str(holding) for number, holding in holdings(image).items()}


def write(folder: Path, raw: bytes, *damaged: int) -> Path:
    """The store with a bit of these pages flipped."""
    changed = bytearray(raw)
    for page in damaged:
        changed[(page - 1) * PAGE + random.Random(page).randrange(30 if page == 1 else 0, PAGE)] ^= 0x10
    (folder / "memory").write_bytes(changed)
    return folder / "memory"


def salvaged(path: Path) -> tuple[int, Salvage]:
    with Salvage(path, KEY) as salvage:
        return len({item.id for item in salvage.items()}), salvage


def test_a_whole_store_is_found_whole(tmp_path: Path, whole: bytes) -> None:
    path = write(tmp_path, whole)
    with Store.open(path, KEY) as store:
        found = verify(store)
    assert (found.ok, found.items, found.pages) == (True, COUNT, len(whole) // PAGE)
    assert path.read_bytes() == whole


def test_every_page_has_a_purpose(whole: bytes, held: dict[int, str]) -> None:
    assert set(held) == set(range(1, len(whole) // PAGE + 1))


def test_each_damaged_page_is_named_and_costs_what_it_held(
    tmp_path: Path, whole: bytes, held: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page of each purpose."""
    monkeypatch.setattr("edge_llm.memory.verify._PAUSE_S", 0)
    chosen = {said.split(" from ")[0].split(" to ")[0].rstrip("0123456789 "): page for page, said in held.items()}
    assert len(chosen) > 12
    for page in chosen.values():
        path = write(tmp_path, whole, page)
        try:
            with Store.open(path, KEY) as store:
                found = verify(store)
        except StoreDamagedError:
            found = examine(path, KEY)
        assert [damage.page for damage in found.damaged] == [page]
        damage = found.damaged[0]
        assert damage.holds in (held[page], "unknown, or nothing")
        if damage.items is not None and damage.items[1] is not None:
            first, last = damage.items
            assert 0 < COUNT - found.items <= last - first + 1
        else:
            assert found.items == COUNT


def test_the_rest_stays_readable(tmp_path: Path, whole: bytes, held: dict[int, str]) -> None:
    page = next(page for page, said in held.items() if said.startswith("items ") and " to " in said)
    with Store.open(write(tmp_path, whole, page), KEY) as store:
        found = store.items(list(range(1, COUNT + 1)))
        first, last = verify(store).damaged[0].items or (0, 0)
        assert {item.id for item in found} == set(range(1, COUNT + 1)) - set(range(first, (last or 0) + 1))
        with pytest.raises(StoreDamagedError, match="verify"):
            store.items([first])
        assert store.items([first, 1 if first > 1 else COUNT])[0].id != first


def test_one_of_the_two_pages_with_keys_is_enough(tmp_path: Path, whole: bytes, held: dict[int, str]) -> None:
    keys, copies = ([page for page, said in held.items() if said.startswith(name)] for name in ("sources", "second copies"))
    assert salvaged(write(tmp_path, whole, *keys))[0] == COUNT
    assert salvaged(write(tmp_path, whole, *copies))[0] == COUNT
    saved, salvage = salvaged(write(tmp_path, whole, *keys, *copies))
    assert (saved, len(salvage.lost_items)) == (0, COUNT)


def test_what_is_salvaged_is_what_was_stored(tmp_path: Path, whole: bytes) -> None:
    with Store.open(write(tmp_path, whole), KEY) as store:
        expected = store.items(store.select())
    with Salvage(tmp_path / "memory", KEY) as salvage:
        assert list(salvage.items()) == expected


def test_half_of_the_pages_damaged(tmp_path: Path, whole: bytes) -> None:
    pages = random.Random(5).sample(range(2, len(whole) // PAGE + 1), len(whole) // PAGE // 2)
    saved, salvage = salvaged(write(tmp_path, whole, *pages))
    assert salvage.lost_pages == tuple(sorted(pages))
    assert 0 < saved < COUNT


def test_a_file_that_was_cut(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "memory"
    path.write_bytes(whole[: len(whole) // 2 + 100])
    assert 0 < salvaged(path)[0] < COUNT
    found = examine(path, KEY)
    assert found.pages == len(whole) // 2 // PAGE


def test_a_wrong_key_salvages_nothing(tmp_path: Path, whole: bytes) -> None:
    with pytest.raises(WrongKeyError):
        Salvage(write(tmp_path, whole), OTHER_KEY)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM terms WHERE rowid = 7", "no word finds: 7"),
        ("DELETE FROM mentions", "people nobody mentions"),
        ("DELETE FROM people", "mentions of nobody"),
        ("DELETE FROM threads", "items of no thread"),
        ("DELETE FROM items WHERE id = 9", "terms of no item: 9"),
        ("UPDATE sources SET items = items + 1 WHERE id = 2", "count their items wrong: 2"),
        ("UPDATE items SET sealed = zeroblob(40) WHERE id = 3", r"cannot be opened \(1\): 3"),
        ("UPDATE items SET sealed = (SELECT sealed FROM items WHERE id = 4) WHERE id = 5", r"cannot be opened \(1\): 5"),
        ("UPDATE vector_segments SET sealed = zeroblob(40)", "vectors that cannot be opened"),
        ("DELETE FROM models", "vectors of no model"),
        (
            "INSERT INTO source_copies SELECT 99, name, format, added, wrapped_key FROM sources LIMIT 1",
            "copies of keys of no source: 99",
        ),
        ("UPDATE source_copies SET wrapped_key = zeroblob(60) WHERE id = 1", "no second copy: 1"),
    ],
)
def test_what_does_not_fit_together_is_found(tmp_path: Path, whole: bytes, statement: str, said: str) -> None:
    with Store.open(write(tmp_path, whole), KEY) as store:
        with store.writing() as connection:
            connection.execute(statement)
        found = verify(store)
    assert not found.ok
    assert re.search(said, "\n".join(found.problems))


def test_a_tree_that_breaks_the_rules_does_not_stop_salvage(
    tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge_llm.memory import btree

    rows = btree.rows

    def broken(number: int, page: bytes, fetch: btree.Fetch) -> object:
        for at, row in enumerate(rows(number, page, fetch)):
            if at == 3:
                raise MalformedPageError("made up")
            yield row

    monkeypatch.setattr(btree, "rows", broken)
    saved, _ = salvaged(write(tmp_path, whole))
    assert 0 < saved < COUNT
