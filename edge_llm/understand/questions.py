"""One question for what is missing, in the person's language."""

from __future__ import annotations

from collections.abc import Sequence

from edge_llm.actions.manifest import Action, Language, Slot, SlotRole, Text
from edge_llm.actions.values import SlotValue
from edge_llm.hidden import show_hidden

_BY_NAME = {
    "message": Text("What should it say?", "要说什么？"),
    "subject": Text("What is the subject?", "主题是什么？"),
    "destination": Text("Where to?", "要去哪里？"),
    "origin": Text("Where from?", "从哪里出发？"),
    "end": Text("Until when?", "到什么时候结束？"),
    "title": Text("What should it be called?", "叫什么名字？"),
    "items": Text("What should go on the list?", "要加哪些东西？"),
    "item": Text("What should go on the list?", "要加什么？"),
    "dish": Text("What would you like to order?", "想点什么？"),
    "restaurant": Text("At which restaurant?", "哪家餐厅？"),
    "people": Text("For how many people?", "几个人？"),
    "expression": Text("What should I work out?", "要算什么？"),
    "from_unit": Text("From which unit?", "从什么单位换算？"),
    "to_unit": Text("Into which unit?", "换算成什么单位？"),
    "currency_from": Text("From which currency?", "从哪种货币换算？"),
    "currency_to": Text("Into which currency?", "换成哪种货币？"),
    "language": Text("Into which language?", "翻译成哪种语言？"),
    "number": Text("Which number?", "号码是多少？"),
    "name": Text("What is the name?", "叫什么名字？"),
}
_BY_ROLE: dict[SlotRole, Text] = {
    "recipient": Text("Who should it go to?", "给谁？"),
    "amount": Text("How much?", "多少？"),
    "place": Text("Where?", "在哪里？"),
    "time": Text("When?", "什么时候？"),
    "duration": Text("For how long?", "多长时间？"),
    "query": Text("What should I look for?", "要找什么？"),
    "item": Text("Which one?", "哪一个？"),
    "app": Text("Which app?", "哪个应用？"),
    "link": Text("Which link?", "哪个链接？"),
    "number": Text("Which number?", "数字是多少？"),
}


def question(action: Action, slot: str, language: Language, *, unresolved: str | None = None) -> str:
    """The question that asks for `slot`: the manifest's own, else one for the slot's name or role, else its description.

    Args:
        unresolved: words that named someone nobody knows; the question says so.

    Raises:
        KeyError: the action has no such slot.
    """
    asked = action.slot(slot)
    words = _words(asked, language)
    if unresolved is None:
        return words
    if language == "zh":
        return f"通讯录里没有“{unresolved}”。号码或地址是什么？"
    return f"I find no “{unresolved}” in your contacts. What is the number or address?"


def which(values: Sequence[SlotValue], language: Language) -> str:
    """The question between several values that fit, numbered from 1."""
    listed = [f"{number}. {show_hidden(value.shown)}" for number, value in enumerate(values, 1)]
    return f"是哪一个？{'  '.join(listed)}" if language == "zh" else f"Which one? {'  '.join(listed)}"


def _words(slot: Slot, language: Language) -> str:
    if slot.ask is not None and slot.ask.in_language(language):
        return slot.ask.in_language(language)
    known = _BY_NAME.get(slot.name) or _BY_ROLE.get(slot.role)
    if known is not None:
        return known.in_language(language)
    described = slot.description.in_language(language) or slot.name.replace("_", " ")
    return f"{described}是什么？" if language == "zh" else f"What is {described}?"
