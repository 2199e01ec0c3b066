"""What a person is asked to agree to: every value as it will be used, whose words it is, and what about it is odd.

Nothing that came from outside can end a line, hide a character or pose as another line: a value's own lines are marked, hidden
characters are written out, and what is said of a source is cut to one line. A canonical recipient, amount or link is always
shown, whatever the friendly form says. Decides nothing (policy.py does).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge_llm.actions.lookalikes import Oddity, links, oddities, plain_host
from edge_llm.actions.manifest import Action, Language, Slot, SlotRole, Text
from edge_llm.actions.templates import fill, value_text
from edge_llm.actions.values import Call, Origin, Provenance, SlotValue
from edge_llm.hidden import show_hidden

EXACT_ROLES: frozenset[SlotRole] = frozenset({"recipient", "amount", "link"})
"""What decides who gets what: its canonical form is shown always."""
_FREE_ROLES: frozenset[SlotRole] = frozenset({"text", "data"})
_GAP = re.compile("[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]{5,}")
_SOURCE_CHARS = 120
_NAME_CHARS = 80

_ORIGINS: dict[Origin, Text] = {
    "typed": Text("you said so", "你说的"),
    "contact": Text("your contacts", "你的通讯录"),
    "memory": Text("memory", "记忆"),
    "tool": Text("text from outside", "外部内容"),
    "model": Text("the model made it up", "模型自己写的"),
}
_STRANGE = Text("NOT from you: ", "不是你说的：")
_ODDITIES: dict[Oddity, Text] = {
    "hidden": Text("“{name}” has hidden characters; they are written out here", "“{name}”含有隐藏字符，已在此标出"),
    "mixed": Text("“{name}” mixes letters of different scripts in one word", "“{name}”在一个词里混用了不同文字的字母"),
    "lookalike": Text("“{name}” has foreign letters that look like Latin ones", "“{name}”含有看起来像拉丁字母的其他文字"),
    "styled": Text("“{name}” has letters or digits in unusual forms", "“{name}”含有特殊字形的字母或数字"),
    "digits": Text("“{name}” has digits of another script", "“{name}”含有其他文字的数字"),
    "marks": Text("“{name}” has marks piled on a letter", "“{name}”含有叠加的附加符号"),
    "user": Text("“{name}” has a link whose real host stands after the @", "“{name}”里的链接，真正的网站在 @ 之后"),
    "puny": Text("“{name}” has a link to a name in other letters", "“{name}”里的链接指向用其他文字写的网址"),
    "host": Text("“{name}” has a link to a bare number", "“{name}”里的链接指向一个纯数字地址"),
}
_LEADS = Text("“{name}” has a link that leads to {host}", "“{name}”里的链接通向 {host}")


@dataclass(frozen=True)
class PreviewSlot:
    """One value as it is shown."""

    name: str
    label: str
    """What the value is, in the person's language."""
    shown: str
    """The value, hidden characters written out; may have several lines."""
    source: str
    """Whose words it is, on one line."""
    trusted: bool


@dataclass(frozen=True)
class Preview:
    """A call as a person reads it before agreeing."""

    text: str
    """All of it, for a terminal or a dialogue: the sentence, each value with its source, the warnings."""
    sentence: str
    slots: tuple[PreviewSlot, ...]
    """Free texts first, so that a long one cannot push who gets it out of sight."""
    warnings: tuple[str, ...]
    language: Language


def make_preview(call: Call, language: Language) -> Preview:
    """The preview of a call in the person's language."""
    order = sorted(call.slots, key=lambda name: _slot(call.action, name).role not in _FREE_ROLES)
    slots = tuple(_preview_slot(_slot(call.action, name), call.slots[name], call.action, language) for name in order)
    warnings = tuple(
        said for name in order for said in _warnings(_slot(call.action, name), call.slots[name], call.action, language)
    )
    sentence = _sentence(call.action, slots, language)
    lines = [sentence, *(f"  {slot.label}: {_block(slot.shown)}\n    ← {slot.source}" for slot in slots)]
    lines += [f"! {said}" for said in warnings]
    return Preview("\n".join(lines), sentence, slots, warnings, language)


def source_words(provenance: Provenance, language: Language) -> str:
    """Whose words a value is, on one line: "your contacts: Zhang San"."""
    said = _ORIGINS[provenance.origin].in_language(language)
    if provenance.item_id is not None:
        said += f" #{provenance.item_id}"
    return f"{said}: {one_line(provenance.source, _SOURCE_CHARS)}" if provenance.source else said


def slot_label(slot: Slot, action: Action, language: Language) -> str:
    """What a slot is called before a person. A server's words are not used for it."""
    described = slot.description.in_language(language) if action.trusted else ""
    return one_line(described, _NAME_CHARS) or slot.name


def one_line(text: str, longest: int | None = None) -> str:
    """`text` on one line with nothing hidden, cut to `longest` characters."""
    line = _visible(re.sub(r"[\t\n]+", " ⏎ ", text.strip()))
    return line if longest is None or len(line) <= longest else line[: longest - 1] + "…"


def exact_form(role: SlotRole, value: Any) -> str:
    """A canonical value as text that says all of it: "12.50 CNY", "2026-11-25 15:00 +08:00"."""
    if role == "amount" and isinstance(value, dict) and set(value) == {"amount", "currency"}:
        return f"{value_text(value['amount'])} {value_text(value['currency'])}"
    if role == "time" and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        return moment.isoformat(" ", "minutes" if not moment.second and not moment.microsecond else "auto")
    return value_text(value)


def _slot(action: Action, name: str) -> Slot:
    """The slot of a name; one that the action lacks is shown as data, and refused by policy."""
    return next((slot for slot in action.slots if slot.name == name), Slot(name, "data", {}))


def _preview_slot(slot: Slot, value: SlotValue, action: Action, language: Language) -> PreviewSlot:
    trusted = value.provenance.trusted
    return PreviewSlot(
        name=slot.name,
        label=slot_label(slot, action, language),
        shown=_visible(_shown(slot, value)),
        source=("" if trusted else _STRANGE.in_language(language)) + source_words(value.provenance, language),
        trusted=trusted,
    )


def _shown(slot: Slot, value: SlotValue) -> str:
    """The friendly form, and beside it the exact one where the friendly one does not say it and it matters."""
    exact = exact_form(slot.role, value.value)
    if slot.role in _FREE_ROLES or slot.role == "query" or not value.shown.strip():
        return exact
    must = slot.role in EXACT_ROLES or not value.provenance.trusted
    if not must or _says(value.shown, exact):
        return value.shown
    return f"{one_line(value.shown)} ({exact})"


def _says(shown: str, exact: str) -> bool:
    """Whether the exact form stands in the friendly one as a whole; spacing within a telephone number aside."""
    if re.fullmatch(r"\+\d+", exact):
        shown = re.sub(r"(?<=[\d+])[\s().-]+(?=[\d(])", "", shown)
    return bool(exact) and re.search(rf"(?:^|[\s(（,，:：]){re.escape(exact)}(?:$|[\s)）,，;；])", shown) is not None


def _warnings(slot: Slot, value: SlotValue, action: Action, language: Language) -> list[str]:
    name = slot_label(slot, action, language)
    text = f"{value_text(value.value)}\n{value.shown}"
    odd = oddities(text)
    if slot.role not in EXACT_ROLES:
        # Free text may be in any script; what hides, and where a link in it leads, is told all the same.
        odd = tuple(kind for kind in odd if kind in ("hidden", "user", "puny", "host"))
        odd += tuple(kind for link in links(text) for kind in oddities(plain_host(link)) if kind not in odd)
    said = [_ODDITIES[kind].in_language(language).format(name=name) for kind in dict.fromkeys(odd)]
    if odd:
        hosts = dict.fromkeys(host for link in links(text) if (host := plain_host(link)))
        said += [_LEADS.in_language(language).format(name=name, host=one_line(host, _SOURCE_CHARS)) for host in hosts]
    return said


def _sentence(action: Action, slots: tuple[PreviewSlot, ...], language: Language) -> str:
    name = one_line(action.name.in_language(language), _NAME_CHARS)
    if not action.trusted:
        return f"{action.id} ({name})"
    template = action.preview.in_language(language)
    return fill(template, {slot.name: one_line(slot.shown) for slot in slots}) if template else name


def _visible(text: str) -> str:
    """`text` with what is hidden written out, and gaps too, which could push what follows onto a line of its own."""
    return _GAP.sub(lambda gap: f" ⟨{len(gap.group())} spaces⟩ ", show_hidden(text))


def _block(text: str) -> str:
    """A value of several lines, each marked, so that none passes for a line of the preview."""
    first, *others = text.split("\n")
    return "".join([first, *(f"\n    │ {line}" for line in others)])
