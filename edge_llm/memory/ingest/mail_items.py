"""A mail as an item: who wrote to whom, when, and which conversation it belongs to. Knows no mailbox format."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

from edge_llm.memory.ingest.mail_headers import decode_words, first, message_ids, parse_time, people
from edge_llm.memory.ingest.mail_message import MailMessage
from edge_llm.memory.ingest.owner import Owner
from edge_llm.memory.ingest.passages import Numbering
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.items import Draft, Mention

_REPLY = re.compile(
    r"\s*(?:\[[^\]]{0,30}\]\s*)?(?:(?:re|aw|sv|vs|antw|r|ref|rif|res|odp|fw|fwd|wg|tr|rv|enc|i|回复|答复|回覆|答覆|转发|轉寄|轉發|転送|返信)"
    r"(?:\[\d+\]|\(\d+\))?\s*[:：]\s*)+",
    re.IGNORECASE,
)
_KNOWN_IDS = 1_000_000
"""Most message ids whose conversation is remembered: 100 MB of them."""
_REFERENCES = 50


class Threads:
    """Puts the mails of one mailbox into conversations: by Gmail's own number, by the ids they refer to, and where a reply
    refers to nothing, by its subject."""

    def __init__(self) -> None:
        self._roots: dict[int, str] = {}
        self._subjects: dict[int, str] = {}

    def of(self, headers: Mapping[str, list[str]], own_id: str, subject: str) -> str:
        """The name of the conversation: its first message's id, as far as that is known."""
        gmail = first(headers, "x-gm-thrid").strip()
        if gmail:
            return f"gmail {gmail[:40]}"
        earlier = [*message_ids(first(headers, "references"))[:_REFERENCES], *message_ids(first(headers, "in-reply-to"))[:1]]
        plain = _REPLY.sub("", subject, count=1).strip().casefold()
        known = next((root for one in earlier if (root := self._roots.get(hash(one))) is not None), None)
        if known is None and not earlier and plain != subject.strip().casefold():
            known = self._subjects.get(hash(plain))
        root = known or next(iter(earlier), own_id)
        if len(self._roots) < _KNOWN_IDS:
            self._roots.update(dict.fromkeys(map(hash, [*earlier, own_id]), root))
            self._subjects[hash(plain)] = root
        return root


class MailItems:
    """Makes items of the mails of one file."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._owner = Owner(reading.owner)
        self._numbering = Numbering()
        self._threads = Threads()
        self.cut = 0
        """Mails with more text or parts than are read."""

    def draft(self, mail: MailMessage, received: str = "") -> Draft | None:
        """The item; None for what has neither headers that a mail has nor text.

        Args:
            received: what the mailbox says of when it came, for a mail that does not.
        """
        headers = mail.headers
        if not any(name in headers for name in ("from", "to", "date", "subject", "message-id", "received", "sender")):
            return None
        self.cut += mail.is_cut
        subject = " ".join(decode_words(first(headers, "subject")).split())
        attached = f"Attachments: {', '.join(mail.attachments)}" if mail.attachments else ""
        text = "\n\n".join(filter(None, (mail.text, attached))) or subject
        time = self._time(headers, received)
        own_id = next(iter(message_ids(first(headers, "message-id"))), "")
        key = own_id or _key_of(headers)
        return Draft(
            text=text or "(empty mail)",
            kind="mail",
            locator=self._numbering.unique(key),
            external_id=own_id or None,
            title=subject or None,
            time=time,
            people=self._people(headers),
            thread=self._threads.of(headers, key, subject),
        )

    def _time(self, headers: Mapping[str, list[str]], received: str) -> datetime | None:
        written = [
            first(headers, "date"), first(headers, "resent-date"), first(headers, "received").rpartition(";")[2], received,
        ]  # fmt: skip
        times = (parse_time(text, self._reading.timezone) for text in written if text)
        return next((time for time in times if time is not None), None)

    def _people(self, headers: Mapping[str, list[str]]) -> tuple[Mention, ...]:
        senders = people(headers.get("from", []) or headers.get("sender", []))
        receivers = people([*headers.get("to", []), *headers.get("cc", []), *headers.get("bcc", [])])
        mentions = (self._owner.mention("from", name, (address,)) for name, address in senders)
        return (*mentions, *(self._owner.mention("to", name, (address,)) for name, address in receivers))


def _key_of(headers: Mapping[str, list[str]]) -> str:
    told = "\n".join(first(headers, name) for name in ("date", "from", "to", "subject", "received"))
    return f"no id {hashlib.sha256(told.encode('utf-8', 'replace')).hexdigest()[:16]}"
