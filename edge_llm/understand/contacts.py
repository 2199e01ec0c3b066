"""Who is meant: names, relations ("mum", "老板"), numbers and addresses, resolved through the people that someone knows.

A name that is in no contact is never turned into a number: it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from edge_llm.memory.handles import fold_name, normalise
from edge_llm.memory.name_matching import closest

if TYPE_CHECKING:
    from edge_llm.memory.items import Person

HandleWanted: TypeAlias = Literal["phone", "mail", "name", "any"]
"""What an action's recipient is called by: a phone number, a mail address, as another app knows them, or whatever there is."""

_RELATIONS = (
    ("mum", "mom", "mother", "mama", "mummy", "mommy", "妈妈", "妈", "老妈", "母亲", "我妈"),
    ("dad", "father", "papa", "daddy", "爸爸", "爸", "老爸", "父亲", "我爸"),
    ("wife", "老婆", "妻子", "太太", "媳妇", "爱人"),
    ("husband", "老公", "丈夫", "先生", "爱人"),
    ("boss", "manager", "老板", "领导", "上司", "经理"),
    ("brother", "哥哥", "弟弟", "哥", "弟", "bro"),
    ("sister", "姐姐", "妹妹", "姐", "妹", "sis"),
    ("grandma", "grandmother", "granny", "奶奶", "外婆", "姥姥"),
    ("grandpa", "grandfather", "爷爷", "外公", "姥爷"),
    ("son", "儿子"),
    ("daughter", "女儿"),
    ("girlfriend", "女朋友", "女友"),
    ("boyfriend", "男朋友", "男友"),
    ("doctor", "医生", "大夫"),
    ("dentist", "牙医"),
    ("landlord", "房东"),
    ("teacher", "老师"),
)
_GROUP = {word: group for group in reversed(_RELATIONS) for word in group}


@dataclass(frozen=True)
class Contact:
    """Someone the person knows."""

    name: str
    handles: tuple[str, ...] = ()
    """Phone numbers (E.164) and mail addresses, the preferred one first."""

    def handles_for(self, wanted: HandleWanted) -> tuple[str, ...]:
        """Their numbers, their addresses, or their name."""
        if wanted == "name":
            return (self.name,)
        if wanted == "any":
            return (self.handles or (self.name,))[:1]
        kinds = [(handle, normalise(handle)) for handle in self.handles]
        return tuple(handle for handle, read in kinds if read is not None and read.kind == wanted)


class ContactBook(Protocol):
    """People by what they are called.

    Duties: everyone who fits in the closest way in which anybody does, likeliest first; nobody for a name that is not known;
    nothing raises for any str.
    """

    def find(self, name: str) -> list[Contact]:
        """Who is called `name`, or has this number or address."""
        ...


class NoContacts:
    """A book with nobody in it."""

    def find(self, name: str) -> list[Contact]:
        """Nobody."""
        del name
        return []


class People:
    """A book over plain contacts or the people of memory (`People.of(memory.people())`)."""

    def __init__(self, contacts: Sequence[Contact], *, nicknames: Sequence[tuple[str, Contact]] = ()) -> None:
        self._by_name: dict[str, list[Contact]] = {}
        self._by_handle: dict[str, list[Contact]] = {}
        for called, contact in [*((contact.name, contact) for contact in contacts), *nicknames]:
            if folded := fold_name(called):
                holders = self._by_name.setdefault(folded, [])
                if contact not in holders:
                    holders.append(contact)
        for contact in contacts:
            for handle in contact.handles:
                read = normalise(handle)
                if read is not None:
                    self._by_handle.setdefault(read.value, []).append(contact)

    @classmethod
    def of(cls, people: Sequence[Person]) -> People:
        """The book of memory's people, except the owner."""
        known = [(person, Contact(person.name, person.handles)) for person in people if not person.is_owner]
        names = [(name, contact) for person, contact in known for name in person.names if name != person.name]
        return cls([contact for _, contact in known], nicknames=names)

    def find(self, name: str) -> list[Contact]:
        """Who is called `name`: their name, a part of it, its sound in pinyin, or the same relation in another word."""
        read = normalise(name)
        if read is not None and read.value in self._by_handle:
            return list(self._by_handle[read.value])
        wanted = fold_name(name)
        if not wanted:
            return []
        relation = relation_of(name)
        if relation:
            called = [one for word in relation for one in self._by_name.get(word, ())]
            if called:
                return list(dict.fromkeys(called))
        fits = [one for one in closest(wanted, self._by_name) if _is_name_of(wanted, one)]
        return list(dict.fromkeys(contact for one in fits for contact in self._by_name[one]))


def relation_of(name: str) -> tuple[str, ...]:
    """The words for the same relation ("mum", "mother", "妈妈"), or () where `name` is none."""
    folded = fold_name(name)
    for lead in ("my ", "our ", "我的", "咱", "俺", "我"):
        if folded.startswith(lead) and folded not in _GROUP:
            folded = folded[len(lead) :]
    return _GROUP.get(folded, ())


def _is_name_of(wanted: str, name: str) -> bool:
    """Whether what was said is a whole name or whole words of one. A name within a longer text is not: the caller parts the
    text; and "we" is no "Wei"."""
    if wanted.isascii() and name.isascii():
        return set(wanted.split()) <= set(name.split())
    return name not in wanted or name == wanted
