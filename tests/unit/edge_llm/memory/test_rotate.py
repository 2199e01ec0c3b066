"""A new key: the old one opens nothing, nothing is lost, and a kill at any stage leaves a store that one key opens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

from edge_llm.memory import rotate
from edge_llm.memory.connecting import unlock
from edge_llm.memory.keys import KeyringKey, MasterKey, PassphraseKey, RawKey
from edge_llm.memory.store import Store
from edge_llm.memory.verify import verify
from runtimes.errors import StorageError, StoreBusyError, WrongKeyError
from tests.unit.edge_llm.memory.store_samples import KEY, OTHER_KEY, add_vectors, messages, open_store, plain_pages
from tests.unit.edge_llm.memory.test_keys import Kept

ROOT = Path(__file__).parents[4]


@pytest.fixture
def kept() -> Iterator[Kept]:
    before = keyring.get_keyring()
    backend = Kept()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_everything_is_there_under_the_new_key_and_nothing_under_the_old(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        ids = store.put("a", "text", messages(40)).added
        add_vectors(store, ids)
        before = (store.items(ids), store.id)
        store.rotate(OTHER_KEY)
        assert (store.items(ids), store.id) == before
        assert len(store.put("b", "text", messages(5)).added) == 5
    assert names(tmp_path) == ["memory"]
    with pytest.raises(WrongKeyError):
        open_store(tmp_path)
    with Store.open(tmp_path / "memory", OTHER_KEY) as store:
        assert verify(store).ok
        assert [item.hash for item in store.items(ids)] == [item.hash for item in before[0]]


def test_an_old_copy_opens_with_the_old_key_only(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(5))
    copy = tmp_path / "copy"
    copy.write_bytes((tmp_path / "memory").read_bytes())
    with open_store(tmp_path) as store:
        store.rotate(OTHER_KEY)
    assert unlock(copy, KEY)
    with pytest.raises(WrongKeyError):
        unlock(copy, OTHER_KEY)


def test_the_new_file_has_no_freed_pages_and_a_salt_of_its_own(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        before = (tmp_path / "memory").read_bytes()[:16]
        store.put("a", "text", messages(300))
        store.put("a", "text", messages(3))
        store.rotate(OTHER_KEY)
        with store.reading() as connection:
            assert connection.pragma("freelist_count") == 0
        assert len(plain_pages(store)) < 300_000
    assert (tmp_path / "memory").read_bytes()[:16] != before


@pytest.mark.parametrize("new", [PassphraseKey("correct horse"), OTHER_KEY])
def test_from_the_keyring_to_another_place(tmp_path: Path, kept: Kept, new: MasterKey) -> None:
    with Store.open(tmp_path / "memory", KeyringKey()) as store:
        store.put("a", "text", messages(3))
        assert len(kept.entries) == 1
        store.rotate(new)
        assert kept.entries == {}
    with Store.open(tmp_path / "memory", new) as store:
        assert len(store.select()) == 3


def test_a_new_key_in_the_keyring_takes_the_place_of_the_old_one(tmp_path: Path, kept: Kept) -> None:
    with Store.open(tmp_path / "memory", KeyringKey()) as store:
        before = dict(kept.entries)
        store.rotate(KeyringKey())
        assert len(kept.entries) == 1
        assert kept.entries.keys().isdisjoint(before)
    Store.open(tmp_path / "memory", KeyringKey()).close()


def test_a_keyring_that_is_locked_afterwards_is_cleaned_later(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path / "memory", KeyringKey()) as store, monkeypatch.context() as patched:
        replace = os.replace

        def lock_after(source: Path, target: Path) -> None:
            replace(source, target)
            kept.locked = True

        patched.setattr(os, "replace", lock_after)
        store.rotate(KeyringKey())
    kept.locked = False
    assert len(kept.entries) == 2
    Store.open(tmp_path / "memory", KeyringKey()).close()
    assert len(kept.entries) == 1


def test_it_is_refused_while_another_process_has_the_store_open(tmp_path: Path, kept: Kept) -> None:
    code = (
        "import sys; from tests.unit.edge_llm.memory.store_samples import *\n"
        "with open_store(Path(sys.argv[1])) as store: print(store.select(), flush=True); input()"
    )
    with open_store(tmp_path, timeout_s=0.2) as store:
        ids = store.put("a", "text", messages(3)).added
        other = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoreBusyError, match="Another process"):
            store.rotate(KeyringKey())
        assert kept.entries == {}
        assert len(store.items(ids)) == 3
        other.communicate("\n")
        store.rotate(OTHER_KEY)


def test_it_waits_for_readers_of_its_own(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        ids = store.put("a", "text", messages(3)).added
        reading, read = threading.Event(), threading.Event()

        def reader() -> None:
            with store.reading() as connection:
                connection.execute("SELECT 1 FROM items").fetchall()
                reading.set()
                read.wait()

        thread = threading.Thread(target=reader)
        thread.start()
        reading.wait()
        threading.Timer(0.2, read.set).start()
        store.rotate(OTHER_KEY)
        thread.join()
        assert len(store.items(ids)) == 3


def test_no_space_leaves_the_old_key(tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    with open_store(tmp_path) as store:
        ids = store.put("a", "text", messages(3)).added
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", full)
            with pytest.raises(StorageError, match="No space"):
                store.rotate(KeyringKey())
        assert len(store.items(ids)) == 3
    assert (names(tmp_path), kept.entries) == (["memory"], {})
    open_store(tmp_path).close()


STAGES = ["create", "_copy:before", "_copy:after", "_wrap_anew:before", "_wrap_anew:after", "replaced", "finish:before"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_kill_at_each_stage_leaves_a_store_that_one_key_opens(tmp_path: Path, stage: str) -> None:
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(200))
    name, _, moment = stage.partition(":")
    code = f"""
import os, signal, sys
from edge_llm.memory import rotate
from edge_llm.memory.keys import RawKey
from tests.unit.edge_llm.memory.store_samples import *
die = lambda *arguments, **named: os.kill(os.getpid(), signal.SIGKILL)
name, moment = {name!r}, {moment!r}
store = open_store(Path(sys.argv[1]))
if name == "create":
    RawKey.create = die
elif name == "replaced":
    rotate.flush_folder = die
else:
    whole = getattr(rotate, name)
    def around(*arguments, **named):
        if moment == "before": die()
        whole(*arguments, **named)
        die()
    setattr(rotate, name, around)
store.rotate(OTHER_KEY)
"""
    child = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert child.returncode == -signal.SIGKILL, child.stderr
    right, wrong = (OTHER_KEY, KEY) if stage in ("replaced", "finish:before") else (KEY, OTHER_KEY)
    with pytest.raises(WrongKeyError):
        Store.open(tmp_path / "memory", wrong)
    with Store.open(tmp_path / "memory", right) as store:
        assert verify(store).ok
        assert len(store.items(store.select())) == 200
    assert names(tmp_path) == ["memory"]


def test_what_is_half_copied_is_taken_away_with_its_key(tmp_path: Path, kept: Kept) -> None:
    with Store.open(tmp_path / "memory", KeyringKey()) as store:
        store.put("a", "text", messages(3))
    salt = b"s" * 16
    KeyringKey().create(salt)
    (tmp_path / f"memory{rotate.SUFFIX}").write_bytes(salt + bytes(100))
    (tmp_path / f"memory{rotate.SUFFIX}-journal").write_bytes(b"")
    with Store.open(tmp_path / "memory", KeyringKey()) as store:
        assert len(store.select()) == 3
    assert (names(tmp_path), len(kept.entries)) == (["memory"], 1)


def test_the_copy_is_never_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    replace = os.replace

    def look(source: Path, target: Path) -> None:
        seen.append(Path(source).read_bytes())
        replace(source, target)

    with open_store(tmp_path) as store:
        store.put("a", "text", messages(50))
        monkeypatch.setattr(os, "replace", look)
        store.rotate(RawKey(b"z" * 32))
    assert len(seen) == 1
    assert not [word for word in (b"garden", b"SQLite", b"CREATE", b"Person", "公园".encode()) if word in seen[0]]
