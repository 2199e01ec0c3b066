"""vCard 2.1, 3.0 and 4.0: one item for each contact, as a card that people can read and a search finds.

By RFC 6350, RFC 2426 and the vCard 2.1 specification, with what Apple, Google, Android and Outlook add. Pictures, sounds
and keys are left out. Labels are in English, and in Chinese too on a card that has Chinese in it. The file is read twice: a
telephone that stands on several people's cards says nothing of who they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.handles import fold_name, is_mobile, normalise
from edge_llm.memory.ingest.content_lines import ContentLine, content_lines
from edge_llm.memory.ingest.owner import Owner
from edge_llm.memory.ingest.passages import Numbering
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft, Mention
from runtimes.errors import UnreadableFileError

VERSION = 1
_PICTURES = frozenset({"PHOTO", "LOGO", "SOUND", "KEY", "X-MS-CARDPICTURE", "AGENT"})
_TELEPHONES = 200_000
"""Most numbers that are compared between cards."""
_LINES = 2_000
"""Most properties of one card."""
_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LABELS = {
    "name": "姓名", "nickname": "昵称", "organisation": "公司", "title": "职位", "role": "职务", "phone": "电话",
    "mobile": "手机", "fax": "传真", "pager": "寻呼机", "mail": "邮箱", "address": "地址", "birthday": "生日",
    "anniversary": "纪念日", "note": "备注", "web": "网址", "message": "聊天", "related": "关系", "categories": "分组",
    "member": "成员", "date": "日期", "language": "语言",
}  # fmt: skip
_PLACES = {"home": "住宅", "work": "工作", "other": "其他"}
_PLAIN = {"TITLE": "title", "ROLE": "role", "NOTE": "note", "URL": "web", "CATEGORIES": "categories", "LANG": "language"}
_MESSENGERS = {
    "X-AIM": "aim", "X-ICQ": "icq", "X-JABBER": "xmpp", "X-MSN": "msn", "X-QQ": "qq", "X-SKYPE": "skype",
    "X-SKYPE-USERNAME": "skype", "X-YAHOO": "yahoo", "X-WECHAT": "wechat", "X-WEIXIN": "wechat", "X-GOOGLE-TALK": "xmpp",
    "X-GTALK": "xmpp", "X-TELEGRAM": "telegram", "X-TWITTER": "twitter",
}  # fmt: skip
_DAY = re.compile(r"(\d{4}|--)-?(\d\d)-?(\d\d)(?!\d)")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_LABEL = re.compile(r"_\$!<(.*)>!\$_")


@dataclass(frozen=True)
class VcardReader:
    """Contacts as phones, mail programs and address books export them."""

    name: str = "vcard"
    suffixes: frozenset[str] = frozenset({".vcf", ".vcard"})

    def claims(self, head: bytes, path: Path) -> float:
        """1 for a file that begins with a card, 0.5 by name."""
        begin = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").upper()
        if begin.startswith(b"BEGIN:VCARD"):
            return 1.0
        return 0.5 if path.suffix.lower() in self.suffixes else 0.0

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Draft]:
        """Yield one item a card."""
        owner, numbering = Owner(reading.owner), Numbering()
        shared = _shared_lines(file, replace(reading, note=lambda _: None), owner.region)
        file.seek(0)
        cards = 0
        for lines in _cards(file, reading):
            cards += 1
            draft = _Card(lines, shared, owner.region).draft(owner, numbering)
            if draft is not None:
                yield draft
        if not cards:
            raise UnreadableFileError("there is no card in it")


def _cards(file: BinaryIO, reading: Reading) -> Iterator[list[ContentLine]]:
    """The properties of one card after the other; what is nested in a card is left out."""
    depth = 0
    lines: list[ContentLine] = []
    for line in content_lines(file, reading, _PICTURES):
        is_card = line.value.strip().upper() == "VCARD"
        if line.name == "BEGIN":
            depth += 1
            lines = [] if depth == 1 and is_card else lines
        elif line.name == "END":
            depth -= depth > 0
            if depth == 0 and lines and is_card:
                yield lines
                lines = []
        elif depth == 1 and len(lines) < _LINES:
            lines.append(line)
    if depth:
        raise UnreadableFileError("it is cut short: its last card has no end")


def _shared_lines(file: BinaryIO, reading: Reading, region: str) -> frozenset[str]:
    """Telephones that stand on cards of different names, at work or at home: they belong to a place and to nobody alone.

    A mobile phone on two cards is one person's two cards.
    """
    names: dict[str, str] = {}
    shared: set[str] = set()
    mobile: set[str] = set()
    with suppress(UnreadableFileError):  # read again for its cards, and told then
        for lines in _cards(file, reading):
            name = fold_name(next((line.text for line in lines if line.name == "FN"), ""))
            for line in lines:
                if line.name == "TEL" and len(names) < _TELEPHONES:
                    label, number = _telephone(line)
                    handle = normalise(number, region)
                    if handle is not None and label == "mobile":
                        mobile.add(handle.value)
                    elif handle is not None and names.setdefault(handle.value, name) != name:
                        shared.add(handle.value)
    return frozenset(number for number in shared - mobile if not is_mobile(number))


def _telephone(line: ContentLine) -> tuple[str, str]:
    """What kind of telephone it is, and its number."""
    types = {one.lower() for one in line.parameters.get("TYPE", ())}
    label = "mobile" if types & {"cell", "mobile", "iphone"} else "phone"
    return next((kind for kind in ("fax", "pager") if kind in types), label), re.sub(r"(?i)^tel:", "", line.text)


@dataclass
class _Card:
    """What one card says, gathered in the order people read it."""

    lines: list[ContentLine]
    shared: frozenset[str]
    """Numbers that are not this person's alone."""
    region: str
    handles: list[str] = field(default_factory=list)
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    """Label, place ("work"), text."""
    _is_chinese: bool = False

    def draft(self, owner: Owner, numbering: Numbering) -> Draft | None:
        """The card as an item; None when nothing is on it."""
        self._is_chinese = any(_CJK.search(line.value) for line in self.lines)
        for line in self.lines:
            self._take(line)
        title = self._title()
        if not title:
            return None
        rows = dict.fromkeys(_row(label, place, text, is_chinese=self._is_chinese) for label, place, text in self.rows)
        uid = self._value("UID").removeprefix("urn:uuid:")
        if self._value("KIND").lower() == "group":
            people = tuple(Mention("about", text) for label, _, text in self.rows if label == "member")
        else:
            called = list(dict.fromkeys([*self._names(), *(text for label, _, text in self.rows if label == "nickname")]))
            people = tuple(owner.mention("about", name, self.handles) for name in called or [title])
        text = "\n".join([title, *(row for row in rows if row)])
        key = uid or f"{title} {hashlib.sha256(repr(sorted(self.handles)).encode('utf-8', 'replace')).hexdigest()[:8]}"
        return Draft(text, "contact", numbering.unique(key), uid or None, title, people=people)

    def _take(self, line: ContentLine) -> None:
        name, text = line.name, line.text
        if not text.strip(";, "):
            return
        place = self._place(line)
        if name in ("TEL", "EMAIL", "IMPP") or name in _MESSENGERS or name == "X-SOCIALPROFILE":
            self._take_handle(line, place)
        elif name in ("NICKNAME", "X-NICKNAME"):
            self.rows += [("nickname", "", one) for one in _split_list(line.value)]
        elif name == "ORG":
            self.rows.append(("organisation", "", ", ".join(filter(None, line.fields))))
        elif name in ("ADR", "LABEL"):
            self.rows.append(("address", place, self._address(line)))
        elif name in ("BDAY", "ANNIVERSARY", "X-ANNIVERSARY", "X-ABDATE", "X-EVOLUTION-ANNIVERSARY"):
            label = {"BDAY": "birthday", "X-ABDATE": "date"}.get(name, "anniversary")
            self.rows.append((label, place if label == "date" else "", self._day(text, line.parameter("X-APPLE-OMIT-YEAR"))))
        elif name in ("RELATED", "X-ABRELATEDNAMES", "X-SPOUSE", "X-MANAGER", "X-ASSISTANT", "AGENT"):
            self.rows.append(("related", place or name.removeprefix("X-").lower(), text))
        elif name in ("MEMBER", "X-ADDRESSBOOKSERVER-MEMBER"):
            self.rows.append(("member", "", text))
        elif name == "X-ANDROID-CUSTOM":
            self._take_android(line)
        elif name in _PLAIN:
            shown = ", ".join(_split_list(line.value)) if name == "CATEGORIES" else text
            self.rows.append((_PLAIN[name], place, shown))

    def _take_handle(self, line: ContentLine, place: str) -> None:
        text = line.text
        if line.name == "TEL":
            label, text = _telephone(line)
            handle = normalise(text, self.region)
            if label in ("phone", "mobile") and handle is not None and handle.value not in self.shared:
                self.handles.append(text)
        elif line.name == "EMAIL":
            label, text = "mail", re.sub(r"(?i)^mailto:", "", text)
            self.handles.append(text)
        else:
            types = {one.lower() for one in line.parameters.get("TYPE", ())}
            service = (
                _MESSENGERS.get(line.name)
                or (line.parameter("X-SERVICE-TYPE") or next(iter(types - {"home", "work", "pref"}), "")).lower()
            )
            plain = line.parameter("X-USER") or re.sub(r"^[A-Za-z][A-Za-z0-9+.-]{0,20}:(?!//)", "", text)
            service = service or text.partition(":")[0].lower()
            label, place, text = "message", service, plain
            self.handles.append(f"{service}:{plain}")
        self.rows.append((label, place, text))

    def _take_android(self, line: ContentLine) -> None:
        """Android's own rows: vnd.android.cursor.item/nickname;value;type;..."""
        kind, *values = line.fields
        value = values[0] if values else ""
        if kind.endswith("/nickname") and value:
            self.rows.append(("nickname", "", value))
        elif kind.endswith("/contact_event") and value:
            self.rows.append(("birthday" if values[1:2] == ["3"] else "date", "", self._day(value)))
        elif kind.endswith("/relation") and value:
            self.rows.append(("related", "", value))

    def _place(self, line: ContentLine) -> str:
        """ "home", "work", or the person's own word for it (Apple: item1.X-ABLabel)."""
        if line.group:
            for other in self.lines:
                if other.group == line.group and other.name == "X-ABLABEL":
                    return _LABEL.sub(r"\1", other.text).lower()
        return next((one.lower() for one in line.parameters.get("TYPE", ()) if one.lower() in ("home", "work")), "")

    def _address(self, line: ContentLine) -> str:
        fields = [part for part in line.fields if part]
        if line.name == "LABEL":
            return line.text.replace("\n", ", ")
        # Chinese addresses go from the large to the small; a card gives street, town, region, code, country
        if any(_CJK.search(part) for part in fields):
            street = [part for part in line.fields[:3] if part]
            rest = [*line.fields[3:], "", "", "", ""][:4]
            return " ".join(filter(None, [rest[3], rest[1], rest[0], *street, rest[2]])).replace("\n", " ")
        return ", ".join(fields).replace("\n", ", ")

    def _day(self, text: str, no_year: str = "") -> str:
        """A day as it is written and in words.

        Args:
            no_year: what stands for a year that is not known; Apple writes 1604.
        """
        found = _DAY.match(text)
        if found is None:
            return text
        year, month, day = found[1], int(found[2]), int(found[3])
        if year in ("--", no_year):
            year = ""
        try:
            date(int(year or 2000), month, day)
        except ValueError:
            return text
        numeric = f"{year}-{month:02}-{day:02}" if year else f"{month:02}-{day:02}"
        if self._is_chinese:
            return f"{numeric} ({f'{year}年' if year else ''}{month}月{day}日)"
        return f"{numeric} ({f'{day} {_MONTHS[month - 1]} {year}'.strip()})"

    def _names(self) -> list[str]:
        formatted = [line.text for line in self.lines if line.name == "FN" and line.text]
        return list(dict.fromkeys(formatted)) or list(filter(None, [self._structured_name()]))

    def _structured_name(self) -> str:
        line = next((line for line in self.lines if line.name == "N"), None)
        if line is None:
            return ""
        family, given, middle, prefix, suffix = [*line.fields, "", "", "", "", ""][:5]
        if _CJK.search(family + given):
            return family + middle + given
        return " ".join(filter(None, [prefix, given, middle, family, suffix]))

    def _title(self) -> str:
        shown = [
            text
            for label in ("nickname", "organisation", "mail", "mobile", "phone")
            for kind, _, text in self.rows
            if kind == label
        ]
        name = next(iter([*self._names(), *shown]), "")
        return " ".join(name.split())

    def _value(self, name: str) -> str:
        return next((line.text for line in self.lines if line.name in (name, f"X-ADDRESSBOOKSERVER-{name}")), "")


def _row(label: str, place: str, text: str, *, is_chinese: bool) -> str:
    if not text.strip():
        return ""
    shown, where = label, place
    if is_chinese:
        shown, where = f"{label} {_LABELS[label]}", _PLACES.get(place, place)
    return f"{shown[:1].upper()}{shown[1:]}{f' ({where})' if where else ''}: {text}"


def _split_list(value: str) -> list[str]:
    return [part.replace("\\,", ",").replace("\\;", ";").strip() for part in re.split(r"(?<!\\),", value) if part.strip()]


READER = VcardReader()
