"""Who is joined and who is not, in whatever order it comes; and that what is forgotten takes its joins along."""

from __future__ import annotations

from dataclasses import dataclass, field

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory import people, schema
from edge_llm.memory.handles import fold_name
from edge_llm.memory.items import Mention, Person


@dataclass
class Book:
    """A store that holds nothing but who is involved."""

    connection: apsw.Connection = field(default_factory=lambda: apsw.Connection(":memory:"))
    items: int = 0

    def __post_init__(self) -> None:
        schema.migrate(self.connection)

    def add(self, *mentions: Mention, thread: int | None = None, kind: str = "note") -> int:
        self.items += 1
        self.connection.execute(
            "INSERT INTO items(id, source_id, ordinal, locator_key, thread, kind, added, hash, generation, sealed)"
            " VALUES(?1, 1, ?1, ?1, ?2, ?3, 0, x'00', 1, x'00')",
            (self.items, thread, kind),
        )
        people.link(self.connection, self.items, mentions)
        return self.items

    def forget(self, *items: int) -> None:
        people.unlink(self.connection, items)

    def who(self, item: int) -> Person:
        (part,) = people.involved(self.connection, [item])[item]
        return part.person

    def groups(self) -> set[frozenset[int]]:
        """The items, grouped by whom they mention."""
        found: dict[int, set[int]] = {}
        for item, person in self.connection.execute("SELECT item_id, person_id FROM mentions"):
            found.setdefault(person, set()).add(item)
        return {frozenset(group) for group in found.values()}


@pytest.fixture
def book() -> Book:
    return Book()


def card(name: str | None, *handles: str) -> Mention:
    return Mention("about", name, handles)


def sent(name: str | None = None, *handles: str) -> Mention:
    return Mention("from", name, handles)


def test_a_card_joins_the_sources_that_knew_a_part_each(book: Book) -> None:
    text = book.add(sent(None, "13800138000"))
    mail = book.add(sent("zhang", "Zhang.San@Example.com"))
    chat = book.add(sent("張三"))
    assert len(people.everyone(book.connection)) == 3
    book.add(card("张三", "+86 138 0013 8000", "zhang.san@example.com"))
    (person,) = people.everyone(book.connection)
    assert book.who(text) == book.who(mail) == book.who(chat) == person
    assert person.name == "张三"
    assert person.names == ("zhang", "张三", "張三")
    assert person.handles == ("+8613800138000", "zhang.san@example.com")
    assert person.id == 1


def test_equal_names_with_different_numbers_stay_two_people(book: Book) -> None:
    one = book.add(card("Wang Wei", "+86 138 0013 8001"))
    before = book.add(sent("wang  wei"))
    assert book.who(before) == book.who(one)
    two = book.add(card("Wang Wei", "+86 138 0013 8002"))
    bare = book.add(sent("Wang Wei"))
    assert len({book.who(one).id, book.who(two).id, book.who(bare).id}) == 3
    assert book.who(before).id == book.who(bare).id


def test_a_bare_name_is_who_takes_part_in_the_conversation(book: Book) -> None:
    one = book.add(card("Wang Wei", "+86 138 0013 8001"))
    two = book.add(card("Wang Wei", "+86 138 0013 8002"))
    early = book.add(sent("Wang Wei"), thread=7)
    elsewhere = book.add(sent("Wang Wei"), thread=8)
    book.add(sent("Wang Wei", "+86 138 0013 8002"), thread=7)
    late = book.add(sent("Wang Wei"), thread=7)
    assert book.who(early).id == book.who(late).id == book.who(two).id
    assert book.who(elsewhere).id not in {book.who(one).id, book.who(two).id}


def test_a_stranger_under_a_known_name_takes_nothing_over(book: Book) -> None:
    chat = book.add(sent("Mum"))
    mum = book.add(card("Mum", "+1 415 555 0104"))
    for _ in range(3):
        stranger = book.add(sent("Mum", "prize@example.net"))
    late = book.add(sent("Mum"))
    assert book.who(chat) == book.who(late) == book.who(mum)
    assert book.who(stranger).handles == ("prize@example.net",)
    assert people.find(book.connection, "mum")[0] == book.who(mum)


def test_the_owner_is_one_person_however_called(book: Book) -> None:
    me = book.add(Mention("from", "Me", is_owner=True))
    mail = book.add(Mention("to", "Lin Yu", ("lin@example.com",)))
    assert not book.who(mail).is_owner
    book.add(Mention("from", "Lin Yu", ("lin@example.com",), is_owner=True))
    assert book.who(mail) == book.who(me)
    assert book.who(me).is_owner
    assert book.who(me).handles == ("lin@example.com",)


def test_a_number_as_a_name_is_a_number(book: Book) -> None:
    item = book.add(sent("+1 (415) 555-0123"))
    assert book.who(book.add(sent("Ann", "+14155550123"))).id == book.who(item).id
    assert book.who(item).names == ("Ann",)


def test_numbers_are_read_again_when_their_country_is_known(book: Book) -> None:
    local = book.add(card("Tom", "07700 900123", "tom@example.org"))
    abroad = book.add(sent(None, "+44 7700 900123"))
    assert book.who(local).id != book.who(abroad).id
    people.set_region(book.connection, "GB")
    assert book.who(local).handles == ("+447700900123", "tom@example.org")
    assert book.who(local) == book.who(abroad)
    book.forget(local)
    assert book.who(abroad).handles == ("+447700900123",)


def test_the_owners_number_says_where_numbers_are_at_home(book: Book) -> None:
    local = book.add(sent(None, "030 901820"))
    book.add(Mention("to", None, ("+49 151 23456789",), is_owner=True))
    assert book.who(local).handles == ("+4930901820",)
    assert book.who(book.add(sent(None, "0 30 / 90 18 20"))).id == book.who(local).id


def test_forgetting_a_card_takes_the_join_along(book: Book) -> None:
    text = book.add(sent(None, "+86 138 0013 8000"))
    mail = book.add(sent(None, "zhang@example.com"))
    chat = book.add(sent("张三"))
    bond = book.add(card("张三", "+86 138 0013 8000", "zhang@example.com"))
    assert len(people.everyone(book.connection)) == 1
    book.forget(bond)
    assert book.groups() == {frozenset({text}), frozenset({mail}), frozenset({chat})}
    assert {person.name for person in people.everyone(book.connection)} == {"+8613800138000", "张三", "zhang@example.com"}
    book.forget(text, mail, chat)
    assert book.connection.execute("SELECT count(*) FROM people").fetchone() == (0,)


def test_two_names_of_one_person_part_when_nothing_joins_them(book: Book) -> None:
    first = book.add(sent("Ann", "+1 415 555 0101"))
    second = book.add(sent("Annie", "+1 415 555 0101"))
    ann, annie = book.add(sent("Ann")), book.add(sent("Annie"))
    assert book.who(ann) == book.who(annie) == book.who(first)
    book.forget(first, second)
    assert book.groups() == {frozenset({ann}), frozenset({annie})}


def test_nobody_and_blank_names_are_no_people(book: Book) -> None:
    item = book.add(sent(None), sent(" "), sent("\u200e\u202e"), sent("\x00"))
    assert people.involved(book.connection, [item, 99]) == {}
    assert people.everyone(book.connection) == []


def test_hostile_names_are_stored_clean(book: Book) -> None:
    item = book.add(sent("\u202eEve\ud800\x00 " + "x" * 100_000))
    assert book.who(item).name.startswith("Eve x")
    assert len(book.who(item).name) <= 200


NAMES = st.sampled_from([None, "Ann", "ANN ", "Bo", "張偉", "张伟"])
HANDLES = st.lists(st.sampled_from([f"+1415555010{n}" for n in range(4)] + ["a@x.example", "b@x.example"]), max_size=3)
MENTIONS = st.builds(
    Mention, st.sampled_from(["from", "to", "about"]), NAMES, HANDLES.map(tuple), st.sampled_from([False] * 7 + [True])
)
ITEMS = st.lists(st.tuples(MENTIONS, st.sampled_from([None, 1, 2])), max_size=9)


def expected(items: dict[int, tuple[Mention, int | None]]) -> set[frozenset[int]]:
    """The rules of people.py, told once more without a database: groups of items that mention one person."""
    root: dict[object, object] = {}

    def find(key: object) -> object:
        root.setdefault(key, key)
        return key if root[key] == key else find(root[key])

    for mention, _ in items.values():
        keys = [*mention.handles, *(["owner"] if mention.is_owner else [])]
        for key in keys:
            root[find(key)] = find(keys[0])
    groups: dict[object, set[int]] = {}
    bearers: dict[str, set[object]] = {}
    carded: dict[str, set[object]] = {}
    present: dict[tuple[str, int | None], set[object]] = {}
    for item, (mention, thread) in items.items():
        if mention.handles or mention.is_owner:
            person = find((*mention.handles, "owner")[0])
            groups.setdefault(person, set()).add(item)
            folded = fold_name(mention.name or "")
            bearers.setdefault(folded, set()).add(person)
            if mention.role == "about" and mention.handles:
                carded.setdefault(folded, set()).add(person)
            present.setdefault((folded, thread), set()).add(person)
    for item, (mention, thread) in items.items():
        if mention.handles or mention.is_owner or not mention.name:
            continue
        folded = fold_name(mention.name)
        known = bearers.get(folded, set())
        known = carded.get(folded, known) if len(known) > 1 else known
        of_thread = present.get((folded, thread), set()) & known if thread is not None else set()
        chosen = known if len(known) == 1 else of_thread if len(of_thread) == 1 else {("bare", folded)}
        groups.setdefault(next(iter(chosen)), set()).add(item)
    return {frozenset(group) for group in groups.values()}


@settings(max_examples=200, deadline=None)
@given(ITEMS, st.data())
def test_who_is_joined_depends_on_what_is_stored_only(items: list[tuple[Mention, int | None]], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(items))))
    gone = data.draw(st.sets(st.sampled_from(range(len(items))))) if items else set()
    book = Book()
    ids: dict[int, int] = {}
    for index in order:
        mention, thread = items[index]
        ids[index] = book.add(mention, thread=thread)
    stored = {ids[index]: item for index, item in enumerate(items)}
    assert book.groups() == expected(stored)
    book.forget(*(ids[index] for index in gone))
    left = {ids[index]: item for index, item in enumerate(items) if index not in gone}
    assert book.groups() == expected(left)
    owners = [person for person in people.everyone(book.connection) if person.is_owner]
    assert len(owners) == any(mention.is_owner for mention, _ in left.values())
    assert len(people.everyone(book.connection)) == len(expected(left))


def test_a_message_is_linked_by_as_much_work_however_many_there_are(book: Book) -> None:
    """Counted in steps of SQLite's virtual machine, which no other program on the machine changes."""
    hundreds = 0

    def count() -> bool:
        nonlocal hundreds
        hundreds += 1
        return False

    def link(first: int, last: int) -> int:
        nonlocal hundreds
        hundreds = 0
        for n in range(first, last):
            friend = Mention("from", f"Friend {n % 300}", (f"+1415555{n % 300:04d}",))
            book.add(friend, Mention("to", "Me", is_owner=True), thread=1)
        return hundreds

    link(0, 300)
    book.connection.set_progress_handler(count, 100)
    early = link(300, 600)
    link(600, 2700)
    late = link(2700, 3000)
    assert early > 0
    assert late < 1.2 * early


@pytest.fixture
def address_book(book: Book) -> Book:
    for name, number in [
        ("Ann Example", "+1 415 555 0101"),
        ("Annabel Lee", "+1 415 555 0102"),
        ("Lee, Bo", "+1 415 555 0103"),
        ("王伟", "+86 138 0013 8001"),
        ("王伟", "+86 138 0013 8002"),
        ("王偉明", "+86 138 0013 8003"),
        ("Mum", "+1 415 555 0104"),
        ("阿明 (公司)", "+86 138 0013 8004"),
    ]:
        book.add(card(name, number))
    book.add(sent("王伟明"))
    return book


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("(415) 555-0101", ["Ann Example"]),
        ("ann example", ["Ann Example"]),
        ("Example Ann", ["Ann Example"]),
        ("ann", ["Ann Example", "Annabel Lee"]),
        ("lee", ["Annabel Lee", "Lee, Bo"]),
        ("bo lee", ["Lee, Bo"]),
        ("王伟", ["王伟", "王伟"]),
        ("王偉", ["王伟", "王伟"]),
        ("伟明", ["王偉明"]),
        ("阿明", ["阿明 (公司)"]),
        ("wang wei", ["王伟", "王伟"]),
        ("weiming wang", ["王偉明"]),
        ("tell mum I'm late", ["Mum"]),
        ("告诉王伟明我晚点到", ["王偉明"]),
        ("nobody at all", []),
        ("", []),
        ("\x00\u202e", []),
        ("+1 415 555 0199", []),
    ],
)
def test_a_person_is_found_by_what_people_type(address_book: Book, text: str, names: list[str]) -> None:
    assert [person.name for person in people.find(address_book.connection, text)] == names


def test_who_is_mentioned_more_often_comes_first(address_book: Book) -> None:
    address_book.add(sent(None, "+86 138 0013 8002"))
    first, second = people.find(address_book.connection, "王伟")
    assert first.handles == ("+8613800138002",)
    assert second.handles == ("+8613800138001",)


def test_contacts_are_what_cards_say_and_nothing_that_others_wrote(book: Book) -> None:
    book.add(card("Anna Lee", "+15550100", "anna@example.org"), kind="contact")
    book.add(Mention("from", "Anna Lee", ("evil@example.net",)), kind="mail")
    book.add(Mention("from", "A. Lee", ("anna@example.org",)), kind="mail")
    book.add(Mention("about", "Bob", ("bob@example.org",)), kind="note")
    (contact,) = people.on_cards(book.connection)
    assert contact.names == ("Anna Lee",)
    assert set(contact.handles) == {"+15550100", "anna@example.org"}
