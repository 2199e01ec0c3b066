"""A desk with everything around it, actions to try on it, and a provider that writes down what reached it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_llm.actions.approval import ApprovalDesk, Clocks, Host, open_desk
from edge_llm.actions.execute import Executor
from edge_llm.actions.grants import Grants
from edge_llm.actions.log import ActionLog
from edge_llm.actions.manifest import Action, Carrier, CarrierKind, parse_action
from edge_llm.actions.providers.provider import ProviderResult
from edge_llm.actions.values import Call, Origin, Provenance, SlotValue
from edge_llm.memory.store import Store
from tests.unit.edge_llm.memory.store_samples import open_store


def action(action_id: str = "sms.send", **changes: Any) -> Action:
    """An action that sends a text to somebody, changed as named."""
    return parse_action({
        "id": action_id,
        "name": {"en": "Send a text message", "zh": "发短信"},
        "description": {"en": "Sends a text message.", "zh": "发短信。"},
        "effect": "message",
        "consent": "granted",
        "slots": {
            "recipient": slot("recipient", en="who gets it", zh="收件人"),
            "text": slot("text", en="what it says", zh="内容"),
        },
        "preview": {"en": "Text {recipient}: {text}", "zh": "发短信给{recipient}：{text}"},
        "carriers": [{"kind": "uri", "target": "sms:{recipient}?body={text}"}],
        **changes,
    })  # fmt: skip


def slot(role: str, *, required: bool = True, en: str = "", zh: str = "") -> dict[str, Any]:
    """A slot's JSON form."""
    return {"role": role, "schema": {}, "required": required, "description": {"en": en, "zh": zh}}


def value(content: Any, origin: Origin = "typed", source: str = "", *, shown: str = "", item: int | None = None) -> SlotValue:
    """A slot's value."""
    return SlotValue(content, shown or str(content), Provenance(origin, source, item))


def call(of: Action | None = None, **slots: SlotValue) -> Call:
    """A call; of the text message unless another action is given, to a contact with typed words unless others are."""
    usual = {"recipient": value("+8613800138000", "contact", "Zhang San", shown="Zhang San"), "text": value("I'm late")}
    return Call(of or action(), {**usual, **slots} if of is None or of.id == "sms.send" else slots)


@dataclass
class Time:
    """Two clocks that a test sets."""

    monotonic: float = 1_000.0
    wall: float = 1_700_000_000.0

    def pass_by(self, seconds: float) -> None:
        """Let both run on."""
        self.monotonic += seconds
        self.wall += seconds

    @property
    def clocks(self) -> Clocks:
        """What a desk takes."""
        return Clocks(lambda: self.monotonic, lambda: self.wall)


@dataclass
class Recorder:
    """A provider that carries nothing out and writes down what it was to."""

    kind: CarrierKind = "uri"
    effects: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    answer: ProviderResult | BaseException = field(default_factory=lambda: ProviderResult(handed_over=True))
    refusal: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def obstacle(self, carrier: Carrier, call: Call) -> str | None:
        return self.refusal

    def describe(self, carrier: Carrier, call: Call) -> str:
        return f"{carrier.target} {call.canonical}"

    def run(self, carrier: Carrier, call: Call) -> ProviderResult:
        with self.lock:
            self.effects.append((call.action.id, call.arguments))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@dataclass(frozen=True)
class Setting:
    """Everything between a call and its effect."""

    store: Store
    log: ActionLog
    grants: Grants
    desk: ApprovalDesk
    host: Host
    executor: Executor
    recorder: Recorder
    time: Time

    @property
    def kinds(self) -> list[str]:
        """What the log says happened, in order."""
        return [entry.kind for entry in self.log.entries()]


@contextmanager
def setting(folder: Path, *, dry_run: bool = False) -> Iterator[Setting]:
    """A setting on a store in this folder."""
    with open_store(folder) as store:
        log, time, recorder = ActionLog(store), Time(), Recorder()
        grants = Grants(store, log)
        desk, host = open_desk(log, grants, time.clocks)
        yield Setting(store, log, grants, desk, host, Executor(desk, log, grants, [recorder], dry_run=dry_run), recorder, time)
