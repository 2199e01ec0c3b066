"""One file for many readers and one writer: what opens it, what each sees, and what a full disk or a busy writer does."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from edge_llm.memory.items import Draft
from edge_llm.memory.keys import PassphraseKey, RawKey
from edge_llm.memory.store import Store
from edge_llm.memory.verify import verify
from runtimes.errors import (
    InputError,
    SessionClosedError,
    StorageError,
    StoreBusyError,
    StoreDamagedError,
    WrongKeyError,
)
from tests.unit.edge_llm.memory.store_samples import KEY, NOON, OTHER_KEY, messages, open_store

ROOT = Path(__file__).parents[4]


def run(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Python in another process; `path` is its first argument."""
    prelude = "import sys\nfrom tests.unit.edge_llm.memory.store_samples import *\npath = Path(sys.argv[1])\n"
    command = [sys.executable, "-c", prelude + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_store_is_made_complete_and_for_its_owner_only(tmp_path: Path) -> None:
    with Store.open(tmp_path / "deep" / "memory", KEY) as store:
        assert store.sources() == []
        assert len(store.id) == 32
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["memory"]
    assert stat.S_IMODE((tmp_path / "deep" / "memory").stat().st_mode) == 0o600


def test_what_was_put_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    drafts = messages(20)
    with open_store(tmp_path) as store:
        added = store.put("a", "text", drafts).added
    with open_store(tmp_path) as store:
        items = store.items(added)
    assert [(item.text, item.time, item.locator, item.ordinal) for item in items] == [
        (draft.text, draft.time, draft.locator, number) for number, draft in enumerate(drafts)
    ]
    assert items[0].people[0].person.name == "Person 0"
    assert len({item.thread for item in items}) == 2


@pytest.mark.parametrize("read_only", [False, True])
def test_a_wrong_key_is_one_error_and_touches_nothing(tmp_path: Path, read_only: bool) -> None:
    open_store(tmp_path).close()
    path = tmp_path / "memory"
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    with pytest.raises(WrongKeyError, match="does not open"):
        Store.open(path, OTHER_KEY, read_only=read_only)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["memory"]


def test_a_wrong_key_costs_what_a_right_one_costs(tmp_path: Path) -> None:
    """The same pages are tried whether the first fits, another does, or none."""
    from edge_llm.memory import connecting
    from edge_llm.memory.pages import PAGE, PageCipher

    open_store(tmp_path).close()
    path = tmp_path / "memory"
    tried: dict[str, list[int]] = {}
    whole = path.read_bytes()

    class Counting(PageCipher):
        def decrypt(self, number: int, page: bytes) -> bytes | None:
            tried[case].append(number)
            return super().decrypt(number, page)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(connecting, "PageCipher", Counting)
        for case, key, damaged in (
            ("right", KEY, ()),
            ("wrong", OTHER_KEY, ()),
            ("first page", KEY, (0,)),
            ("all", KEY, range(8)),
        ):
            tried[case] = []
            raw = bytearray(whole)
            for page in damaged:
                raw[page * PAGE + 100] ^= 1
            path.write_bytes(raw)
            try:
                connecting.unlock(path, key)
            except WrongKeyError:
                assert case in ("wrong", "all")
    assert tried["right"] == tried["wrong"] == tried["first page"] == tried["all"] == list(range(1, 9))


def test_a_passphrase_opens_it_without_anything_beside_the_file(tmp_path: Path) -> None:
    Store.open(tmp_path / "memory", PassphraseKey("correct horse")).close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["memory"]
    Store.open(tmp_path / "memory", PassphraseKey("correct horse")).close()
    with pytest.raises(WrongKeyError):
        Store.open(tmp_path / "memory", PassphraseKey("correct horses"))


def test_what_is_no_store_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    with pytest.raises(InputError, match="There is no memory"):
        Store.open(path, KEY, create=False)
    with pytest.raises(InputError, match="There is no memory"):
        Store.open(path, KEY, read_only=True)
    for content in (b"", b"%PDF-1.7" + bytes(9000), bytes(8192)):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not a memory"):
            Store.open(path, KEY)
        assert path.read_bytes() == content
    path.unlink()
    with sqlite3.connect(path) as plain:
        plain.execute("CREATE TABLE notes(text)")
    with pytest.raises(InputError, match="plain SQLite"):
        Store.open(path, KEY)
    with pytest.raises(StorageError):
        Store.open(tmp_path, KEY)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot create"):
        Store.open(tmp_path / "file" / "memory", KEY)


def test_a_first_page_that_is_damaged_is_not_taken_for_a_wrong_key(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    raw = bytearray((tmp_path / "memory").read_bytes())
    raw[500] ^= 1
    (tmp_path / "memory").write_bytes(raw)
    with pytest.raises(StoreDamagedError, match="damaged"):
        open_store(tmp_path)


def test_a_reader_sees_the_store_as_it_was_when_it_began(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(3))
        with store.reading() as connection:
            before = connection.execute("SELECT count(*) FROM items").get
            writer = threading.Thread(target=store.put, args=("b", "text", messages(5)))
            writer.start()
            writer.join()
            assert connection.execute("SELECT count(*) FROM items").get == before == 3
        assert len(store.select()) == 8


def test_inside_a_transaction_one_reads_what_it_wrote(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        with store.writing() as outer:
            outer.execute("INSERT INTO meta(key, value) VALUES('x', 1)")
            with store.reading() as inner, store.writing() as same:
                assert inner is outer is same
                assert inner.execute("SELECT value FROM meta WHERE key = 'x'").get == 1
        with store.reading() as later:
            assert later.execute("SELECT value FROM meta WHERE key = 'x'").get == 1


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        generation = store.generation()
        with pytest.raises(ZeroDivisionError), store.writing() as connection:
            connection.execute("INSERT INTO meta(key, value) VALUES('x', ?)", (1 // connection.execute("SELECT 0").get,))
        with store.reading() as connection:
            assert connection.execute("SELECT count(*) FROM meta WHERE key = 'x'").get == 0
        assert store.generation() == generation


def test_the_generation_grows_with_changes_and_only_with_them(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, open_store(tmp_path) as other:
        seen = [store.generation()]
        store.put("a", "text", messages(3))
        seen.append(other.generation())
        with other.writing():
            pass
        assert store.generation() == seen[-1]
        other.put("b", "text", messages(3))
        seen.append(store.generation())
    assert seen == sorted(set(seen))


def test_many_threads_read_while_one_writes(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(50))
        counts: list[tuple[int, int]] = []
        stop = threading.Event()

        def read() -> None:
            while not stop.is_set():
                with store.reading() as connection:
                    items, terms = (connection.execute(f"SELECT count(*) FROM {table}").get for table in ("items", "terms"))
                    counts.append((items, terms))

        readers = [threading.Thread(target=read) for _ in range(6)]
        for reader in readers:
            reader.start()
        for number in range(10):
            store.put(f"more {number}", "text", messages(10, number))
        stop.set()
        for reader in readers:
            reader.join()
    assert all(items == terms for items, terms in counts)
    assert len({items for items, _ in counts}) > 1


def test_other_processes_read_while_one_writes(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(5))
        reader = run(
            "store = open_store(path, read_only=True)\nfor _ in sys.stdin: print(len(store.select()), flush=True)", tmp_path
        )
        assert reader.stdin is not None
        seen = []
        for number in range(3):
            reader.stdin.write("\n")
            reader.stdin.flush()
            seen.append(line(reader))
            store.put(f"more {number}", "text", messages(5, number))
        with store.writing() as connection:
            connection.execute("DELETE FROM items")
            reader.stdin.write("\n")
            reader.stdin.flush()
            seen.append(line(reader))
            connection.execute("ROLLBACK; BEGIN")
        reader.communicate()
    assert seen == ["5", "10", "15", "20"]


def test_a_second_writer_waits_and_then_is_told(tmp_path: Path) -> None:
    with open_store(tmp_path, timeout_s=0.2) as store:
        holder = run(
            "store = open_store(path)\nwith store.writing():\n    print('holding', flush=True)\n    sys.stdin.readline()",
            tmp_path,
        )
        assert line(holder) == "holding"
        began = time.monotonic()
        with pytest.raises(StoreBusyError, match="Another process"):
            store.put("a", "text", messages(1))
        assert time.monotonic() - began >= 0.2
        assert store.select() == []
        holder.communicate("\n")
        store.put("a", "text", messages(1))
        assert len(store.select()) == 1


def test_a_second_writing_thread_waits_and_then_is_told(tmp_path: Path) -> None:
    with open_store(tmp_path, timeout_s=0.1) as store, store.writing():
        errors: list[BaseException] = []

        def write() -> None:
            try:
                store.put("a", "text", messages(1))
            except StoreBusyError as error:
                errors.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
        assert len(errors) == 1


def test_a_full_disk_undoes_the_transaction_and_harms_nothing_else(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(50))
        with store.maintaining() as connection:
            connection.pragma("max_page_count", connection.pragma("page_count"))
        with pytest.raises(StorageError, match="No space"):
            store.put("b", "text", messages(3000, 1))
        kept = store.select(source="b")
        assert len(kept) % 512 == 0
        with store.maintaining() as connection:
            connection.pragma("max_page_count", 1 << 30)
        assert verify(store).ok
        store.put("b", "text", messages(60, 1))
        assert len(store.select(source="b")) == 60


def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(50))
    size = (tmp_path / "memory").stat().st_size
    child = run(
        f"""
        import resource, signal
        from runtimes.errors import StorageError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = open_store(path)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({size + 200_000}, {size + 200_000}))
        try:
            store.put("b", "text", messages(4000, 1))
        except StorageError as error:
            print("refused", len(store.select(source="a")), flush=True)
        """,
        tmp_path,
    )
    out, err = child.communicate()
    assert out == "refused 50\n", err
    with open_store(tmp_path) as store:
        assert verify(store).ok
        assert len(store.select(source="a")) == 50


def test_reading_only_writes_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        added = store.put("a", "text", messages(5)).added
    with open_store(tmp_path, read_only=True) as store:
        assert len(store.items(added)) == 5
        with pytest.raises(StorageError, match="reading only"):
            store.put("b", "text", messages(1))


def test_a_folder_that_may_not_be_written_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(5))
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with open_store(tmp_path, read_only=True) as store:
        assert len(store.select()) == 5
        assert [entry.name for entry in tmp_path.iterdir()] == ["memory"]


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.close()
    store.close()
    with pytest.raises(SessionClosedError, match="was closed"):
        store.select()
    with pytest.raises(SessionClosedError, match="was closed"), store.writing():
        pass


def test_selecting_by_each_condition(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        ids = store.put("a", "text", messages(20)).added
        other = store.put("b", "text", [Draft("a note", "note", "1")]).added
        person = store.items(ids[:1])[0].people[0].person.id
        assert store.select() == [*ids, *other]
        assert store.select(source="b") == list(other)
        assert store.select(source="nobody") == []
        assert store.select(person=person) == [ids[number] for number in (0, 7, 14)]
        assert store.select(since=NOON + timedelta(minutes=5), until=NOON + timedelta(minutes=8)) == list(ids[5:8])
        assert store.select(kind="note") == list(other)
        assert store.select(limit=3, offset=2) == list(ids[2:5])


def test_items_come_in_the_order_asked_and_missing_ones_are_left_out(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        ids = store.put("a", "text", messages(4)).added
        assert [item.id for item in store.items([ids[2], 999, ids[0]])] == [ids[2], ids[0]]


def test_equal_items_have_equal_hashes_in_one_store_only(tmp_path: Path) -> None:
    draft = messages(1)[0]
    hashes = []
    for name in ("x", "y"):
        with Store.open(tmp_path / name, KEY) as store:
            ids = store.put("a", "text", [draft]).added + store.put("b", "text", [draft]).added
            hashes.append({item.hash for item in store.items(ids)})
    assert len(hashes[0]) == len(hashes[1]) == 1
    assert hashes[0] != hashes[1]


def test_what_is_sealed_for_one_source_does_not_open_for_another(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(1))
        store.put("b", "text", messages(1))
        with store.reading() as connection:
            sealed = store.seal(connection, 1, b"content", b"here")
            assert store.unseal(connection, 1, sealed, b"here") == b"content"
            for source, context in ((2, b"here"), (1, b"there"), (3, b"here")):
                with pytest.raises(StoreDamagedError):
                    store.unseal(connection, source, sealed, context)


def test_two_that_make_the_same_store_get_one(tmp_path: Path) -> None:
    children = [run("store = open_store(path)\nprint(store.id)", tmp_path) for _ in range(4)]
    assert len({child.communicate()[0] for child in children}) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["memory"]


def test_looking_at_the_bytes_keeps_the_locks(tmp_path: Path) -> None:
    """POSIX drops a process's locks when it closes any handle of the file: then the next to close would take the log away."""
    with open_store(tmp_path) as store:
        store.put("a", "text", messages(5))
        verify(store)
        other = run("with open_store(path) as store: store.put('b', 'text', messages(5))", tmp_path)
        assert other.wait() == 0
        assert (tmp_path / "memory-wal").exists()
        store.put("c", "text", messages(5))
    with open_store(tmp_path) as store:
        assert len(store.select()) == 15


@pytest.mark.skipif(not hasattr(resource, "RUSAGE_SELF"), reason="needs POSIX")
def test_importing_memory_loads_no_database() -> None:
    code = "import edge_llm.memory.store, sys; print(*sorted({'apsw', 'numpy', 'cryptography', 'keyring'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout == "\n"


def test_a_key_of_its_own_is_not_kept_by_the_repr(tmp_path: Path) -> None:
    with Store.open(tmp_path / "memory", RawKey(b"k" * 32)) as store:
        assert "kkkk" not in repr(store) + repr(store.keys)


def test_what_a_kill_left_half_made_is_taken_away_later(tmp_path: Path) -> None:
    old, young = tmp_path / "memory.0123abcd.new", tmp_path / "memory.4567cdef.new"
    for left in (old, young):
        left.write_bytes(b"half")
    os.utime(old, (0, 0))
    open_store(tmp_path).close()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["memory", young.name]
