"""A person's data, made up from a seed: people, conversations, mails, contacts and appointments in English and Chinese.

Nobody in it is real. Numbers are from ranges reserved for fiction where a country has one (+1 NPA 555-01xx, +44 7700 900xxx;
China has none, 130 0000 xxxx stands for one), addresses are under the reserved domains of RFC 2606.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from email.utils import format_datetime
from xml.sax.saxutils import quoteattr

CHINA = timezone(timedelta(hours=8))
BEGIN = datetime(2022, 1, 3, 8, 0, tzinfo=CHINA)
OWNER_NAME, OWNER_MAIL, OWNER_PHONE = "Robin Sample", "robin@example.org", "+1 415 555 0100"
OWNER = (OWNER_NAME, OWNER_MAIL, OWNER_PHONE)

_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国小雨晨思远梦琪浩然子轩欣怡佳宁雪梅志文"
_FIRST = ("Alice", "Ben", "Carla", "Daniel", "Emma", "Felix", "Grace", "Henry", "Iris", "Jack", "Karen", "Leo",
          "Maria", "Nathan", "Olivia", "Peter", "Quinn", "Rosa", "Samuel", "Tina", "Xenia", "Yusuf", "Zoe")  # fmt: skip
_LAST = ("Abbott", "Baker", "Carter", "Diaz", "Evans", "Foster", "Garcia", "Hughes", "Irwin", "Johnson", "Klein", "Lopez",
         "Miller", "Novak", "Owens", "Price", "Quigley", "Rossi", "Stone", "Turner", "Underwood", "Vance", "Walsh", "Young",
         "Zimmer")  # fmt: skip
_CITIES = (
    ("Boston", "波士顿"),
    ("Shanghai", "上海"),
    ("London", "伦敦"),
    ("Beijing", "北京"),
    ("Chengdu", "成都"),
    ("Denver", "丹佛"),
)
_PLACES = (
    ("the station", "火车站"), ("the library", "图书馆"), ("Blue Door Cafe", "蓝门咖啡馆"), ("the office", "公司"),
    ("the gym", "健身房"), ("the museum", "博物馆"), ("the airport", "机场"), ("the old market", "老菜市场"),
)  # fmt: skip
_THINGS = (
    ("umbrella", "雨伞"), ("tent", "帐篷"), ("camera", "相机"), ("passport", "护照"), ("bicycle", "自行车"),
    ("charger", "充电器"),
    ("guitar", "吉他"), ("house keys", "家里的钥匙"), ("tax form", "报税表"), ("birthday cake", "生日蛋糕"),
)  # fmt: skip
_DISHES = (("dumplings", "饺子"), ("lasagne", "千层面"), ("hot pot", "火锅"), ("curry", "咖喱"), ("noodle soup", "汤面"))
_EVENTS = (
    ("the dentist appointment", "看牙医"), ("the school play", "学校演出"), ("the project review", "项目评审"),
    ("Grandma's birthday", "奶奶的生日"), ("the chess tournament", "象棋比赛"), ("the flat viewing", "看房"),
)  # fmt: skip
_DAYS = (("Monday", "星期一"), ("Tuesday", "星期二"), ("Wednesday", "星期三"), ("Friday", "星期五"), ("Sunday", "星期天"))
_ENGLISH = (
    "Can we meet at {place} at {hour}?", "I left my {thing} at {place}, could you bring it?", "{event} moved to {day}.",
    "Thanks for the {dish} yesterday, it was great!", "Running {minutes} minutes late, sorry.", "Ok", "See you {day} then 👍",
    "Did you pay the {amount} for the {thing}?", "The flight to {city} leaves at {hour} on {day}.", "Happy birthday! 🎂",
    "Could you send me the notes from {event}?", "The code for the door at {place} is {code}.", "lol, no way",
    "I'm allergic to nuts, so no {dish} for me.", "Let's cook {dish} on {day}, I'll buy the rest.",
    "My new address is {code} Maple Street, {city}.", "How was {event}?", "The {thing} broke again, repair costs {amount}.",
)  # fmt: skip
_CHINESE = (
    "{hour}在{place}见面可以吗？", "我把{thing}落在{place}了，你能帮我带过来吗？", "{event}改到{day}了。",
    "昨天的{dish}太好吃了，谢谢！", "路上堵车，晚到{minutes}分钟，不好意思。", "好的", "那{day}见👍",
    "{thing}的{amount}你付了吗？",
    "去{city}的航班{day}{hour}起飞。", "生日快乐！🎂", "{event}的笔记能发我一份吗？", "{place}的门禁密码是{code}。",
    "哈哈哈不会吧",
    "我对坚果过敏，{dish}我就不吃了。", "{day}一起做{dish}吧，剩下的我来买。", "我搬家了，新地址是{city}枫树街{code}号。",
    "{event}怎么样？", "{thing}又坏了，修要{amount}。",
)  # fmt: skip


@dataclass(frozen=True)
class Persona:
    """Somebody the owner knows."""

    name: str
    phone: str
    mail: str
    birthday: date
    city: tuple[str, str]
    is_chinese: bool
    nickname: str


@dataclass(frozen=True)
class PersonalMessage:
    """One message of a conversation between the owner and one or more people."""

    id: str
    time: datetime
    sender: Persona | None
    """None is the owner."""
    receivers: tuple[Persona | None, ...]
    text: str
    thread: str


def personas(count: int = 40, seed: int = 7) -> list[Persona]:
    """People with different names, numbers and addresses, every second one Chinese."""
    chance = random.Random(seed)
    found: dict[str, Persona] = {}
    while len(found) < count:
        number = len(found)
        is_chinese = number % 2 == 1
        if is_chinese:
            given_name = "".join(chance.sample(_GIVEN, chance.choice((1, 2, 2))))
            name, nickname = chance.choice(_FAMILY) + given_name, "小" + given_name[-1]
            phone = f"+86 130 0000 {number:04}"
        else:
            first = chance.choice(_FIRST)
            name, nickname = f"{first} {chance.choice(_LAST)}", first[:3]
            phone = f"+1 {200 + number // 100 % 700} 555 {100 + number % 100:04}"
        birthday = date(1950, 1, 1) + timedelta(days=chance.randrange(20_000))
        mail = f"person{number}@example.{chance.choice(('com', 'net', 'org'))}"
        found.setdefault(name, Persona(name, phone, mail, birthday, chance.choice(_CITIES), is_chinese, nickname))
    return list(found.values())


def sentence(chance: random.Random, *, is_chinese: bool) -> str:
    """One line of a conversation."""
    language = int(is_chinese)
    template = chance.choice(_CHINESE if is_chinese else _ENGLISH)
    hour, half = chance.randrange(7, 22), chance.random() < 0.5
    amount = chance.randrange(5, 900)
    words = {
        "place": _PLACES, "thing": _THINGS, "event": _EVENTS, "dish": _DISHES, "day": _DAYS, "city": _CITIES,
    }  # fmt: skip
    return template.format(
        **{name: chance.choice(choices)[language] for name, choices in words.items()},
        hour=f"{hour}点{'半' if half else ''}" if is_chinese else f"{hour}:{'30' if half else '00'}",
        minutes=chance.randrange(5, 60),
        amount=f"{amount}元" if is_chinese else f"${amount}",
        code=chance.randrange(1000, 9999),
    )


def messages(count: int, seed: int = 7, people: Sequence[Persona] | None = None) -> Iterator[PersonalMessage]:
    """Conversations in the order of time: most with one person, some in a group of three."""
    chance = random.Random(seed)
    known = list(people or personas(seed=seed))
    groups = [tuple(known[at : at + 3]) for at in range(0, len(known) - 2, 9)]
    time = BEGIN
    while count > 0:
        members = chance.choice(groups) if groups and chance.random() < 0.15 else (chance.choice(known),)
        thread = "+".join(member.phone for member in members)
        for _ in range(min(count, chance.randrange(2, 12))):
            time += timedelta(seconds=chance.randrange(5, 600))
            sender = chance.choice((*members, None))
            receivers = tuple(one for one in (*members, None) if one is not sender)
            text = sentence(chance, is_chinese=members[0].is_chinese)
            yield PersonalMessage(f"m{count}", time, sender, receivers, text, thread)
            count -= 1
        time += timedelta(minutes=chance.randrange(5, 300))


def records(lines: Iterable[PersonalMessage]) -> bytes:
    """The messages as JSON Lines, in memory's own documented form."""
    rows = []
    for message in lines:
        people = [
            {"role": "from", **_as_person(message.sender)},
            *({"role": "to", **_as_person(one)} for one in message.receivers),
        ]
        row = {
            "id": message.id,
            "text": message.text,
            "time": message.time.isoformat(),
            "thread": message.thread,
            "people": people,
        }
        rows.append(json.dumps({**row, "kind": "message"}, ensure_ascii=False))
    return "\n".join(rows).encode()


def _as_person(person: Persona | None) -> dict[str, object]:
    return {"name": OWNER_NAME, "owner": True} if person is None else {"name": person.name, "handles": [person.phone]}


def sms_backup(lines: Iterable[PersonalMessage]) -> bytes:
    """A backup of SMS Backup & Restore. Emoji are two surrogates, as the app writes them; groups are picture messages."""
    elements = []
    for message in lines:
        box = 2 if message.sender is None else 1
        others = [one for one in (message.sender, *message.receivers) if one is not None]
        stamp, body = int(message.time.timestamp() * 1000), _app_quoted(message.text)
        address = "~".join(one.phone.replace(" ", "") for one in others)
        names = _app_quoted(", ".join(one.name for one in others))
        if len(others) == 1:
            elements.append(
                f'<sms protocol="0" address="{address}" date="{stamp}" type="{box}" subject="null" body={body} toa="null"'
                f' sc_toa="null" service_center="null" read="1" status="-1" locked="0" contact_name={names} />'
            )
            continue
        sender = "insert-address-token" if message.sender is None else message.sender.phone.replace(" ", "")
        receivers = [one.phone.replace(" ", "") if one else OWNER_PHONE.replace(" ", "") for one in message.receivers]
        addresses = "".join(
            f'<addr address="{one}" type="{kind}" charset="106" />'
            for one, kind in [(sender, 137), *((one, 151) for one in receivers)]
        )
        elements.append(
            f'<mms date="{stamp}" msg_box="{box}" address="{address}" sub="null" ct_t="application/vnd.wap.multipart.related"'
            f' contact_name={names}><parts><part seq="-1" ct="application/smil" text="null" />'
            f'<part seq="0" ct="text/plain" name="null" text={body} /></parts><addrs>{addresses}</addrs></mms>'
        )
    head = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n"
    return (head + f'<smses count="{len(elements)}">\n' + "\n".join(elements) + "\n</smses>\n").encode()


def _app_quoted(text: str) -> str:
    units = text.encode("utf-16-be")
    written = []
    for at in range(0, len(units), 2):
        unit = int.from_bytes(units[at : at + 2], "big")
        written.append(
            f"&#{unit};" if 0xD800 <= unit < 0xE000 or unit < 32 else quoteattr(chr(unit))[1:-1].replace('"', "&quot;")
        )
    return '"' + "".join(written) + '"'


def whatsapp_export(lines: Iterable[PersonalMessage], form: str = "[%d/%m/%Y, %H:%M:%S] {name}: {text}") -> bytes:
    """One conversation as WhatsApp exports it.

    Args:
        form: a line, with the codes of strftime for its time.
    """
    written = (
        message.time.strftime(form).format(name=message.sender.name if message.sender else OWNER_NAME, text=message.text)
        for message in lines
    )
    return "\n".join(written).encode()


def mailbox(count: int, seed: int = 7, people: Sequence[Persona] | None = None) -> bytes:
    """A mailbox (mbox) of conversations: plain, HTML and multipart mails, Chinese ones in UTF-8 and GB18030."""
    chance = random.Random(seed)
    known = list(people or personas(seed=seed))
    time, mails = BEGIN, []
    thread: list[str] = []
    partner, subject = known[0], ""
    for number in range(count):
        time += timedelta(minutes=chance.randrange(5, 600))
        if not thread or chance.random() < 0.4:
            partner, thread = chance.choice(known), []
            subject = chance.choice(_EVENTS)[partner.is_chinese].capitalize()
        prefix = "" if not thread else "回复：" if partner.is_chinese else "Re: "
        ends = [(OWNER_NAME, OWNER_MAIL), (partner.name, partner.mail)]
        (sender, origin), (receiver, target) = ends if len(thread) % 2 else ends[::-1]
        head = [
            f"From - {time:%a %b %d %H:%M:%S %Y}", f"From: {_word(sender)} <{origin}>", f"To: {_word(receiver)} <{target}>",
            f"Date: {format_datetime(time)}", f"Subject: {_word(prefix + subject)}",
            f"Message-ID: <{seed}.{number}@example.org>",
        ]  # fmt: skip
        if thread:
            head += [f"In-Reply-To: <{thread[-1]}>", "References: " + "\n ".join(f"<{one}>" for one in thread)]
        body = "\n".join(sentence(chance, is_chinese=partner.is_chinese) for _ in range(chance.randrange(1, 6)))
        charset = chance.choice(("utf-8", "gb18030")) if partner.is_chinese else "utf-8"
        parts = [_part("text/plain", body, charset)]
        if chance.random() < 0.4:
            parts.append(_part("text/html", f"<html><body><p>{body.replace(chr(10), '<br>')}</p></body></html>", charset))
        kind = "alternative"
        if chance.random() < 0.1:
            kind = "mixed"
            parts = [parts[0], _part(f"application/pdf; name=scan{number}.pdf", chance.randbytes(2000).hex(), charset)]
        whole = parts[0] if len(parts) == 1 else _multipart(kind, parts)
        mails.append("\n".join(head) + "\nMIME-Version: 1.0\n" + whole + "\n\n")
        thread.append(f"{seed}.{number}@example.org")
    return "".join(mails).encode()


def _word(text: str) -> str:
    return text if text.isascii() else f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="


def _part(kind: str, text: str, charset: str) -> str:
    content = base64.encodebytes(text.encode(charset)).decode()
    return f"Content-Type: {kind}; charset={charset}\nContent-Transfer-Encoding: base64\n\n{content}"


def _multipart(kind: str, parts: Sequence[str]) -> str:
    whole = "".join(f"--=_part\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="=_part"\n\n{whole}--=_part--'


def address_book(people: Iterable[Persona], version: str = "3.0") -> bytes:
    """The people as cards of vCard 2.1, 3.0 or 4.0."""
    cards = []
    for number, one in enumerate(people):
        charset = ";CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE" if version == "2.1" else ""
        name = "".join(f"={byte:02X}" for byte in one.name.encode()) if version == "2.1" else one.name
        mobile = {"2.1": "TEL;CELL", "3.0": "TEL;TYPE=CELL", "4.0": "TEL;TYPE=cell"}[version]
        cards.append(
            f"BEGIN:VCARD\r\nVERSION:{version}\r\nFN{charset}:{name}\r\n{mobile}:{one.phone}\r\nEMAIL:{one.mail}\r\n"
            f"BDAY:{one.birthday.isoformat()}\r\nUID:card-{number}\r\nEND:VCARD\r\n"
        )
    return "".join(cards).encode()


def calendar(count: int, seed: int = 7, people: Sequence[Persona] | None = None) -> bytes:
    """A calendar of appointments, a quarter of them repeated every week."""
    chance = random.Random(seed)
    known = list(people or personas(seed=seed))
    events = []
    for number in range(count):
        guest = chance.choice(known)
        begin = BEGIN + timedelta(days=chance.randrange(900), minutes=30 * chance.randrange(0, 24))
        lines = [
            "BEGIN:VEVENT", f"UID:event-{seed}-{number}@example.org",
            f"DTSTAMP:{BEGIN.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}",
            f"DTSTART;TZID=Asia/Shanghai:{begin:%Y%m%dT%H%M%S}",
            f"DTEND;TZID=Asia/Shanghai:{begin + timedelta(hours=1):%Y%m%dT%H%M%S}",
            f"SUMMARY:{chance.choice(_EVENTS)[guest.is_chinese].capitalize()}",
            f"LOCATION:{chance.choice(_PLACES)[guest.is_chinese]}",
            f"ATTENDEE;CN={guest.name}:mailto:{guest.mail}",
        ]  # fmt: skip
        if chance.random() < 0.25:
            lines.append(f"RRULE:FREQ=WEEKLY;COUNT={chance.randrange(2, 30)}")
        events.append("\r\n".join([*lines, "END:VEVENT"]))
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//made up//EN\r\n" + "\r\n".join(events) + "\r\nEND:VCALENDAR\r\n"
    ).encode()
