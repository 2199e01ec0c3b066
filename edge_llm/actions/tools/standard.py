"""The standard functions, bound to an assistant's own memory and home, by their carriers' targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from edge_llm.actions.tools.chart import Charts
from edge_llm.actions.tools.contacts import Contacts
from edge_llm.actions.tools.currency import Rates, rates_file
from edge_llm.actions.tools.events import Events, made_folder
from edge_llm.actions.tools.find import Finder
from edge_llm.actions.tools.lists import Lists
from edge_llm.home import Home

if TYPE_CHECKING:
    from edge_llm.memory import Memory

_PACKAGE = "edge_llm.actions.tools"


def standard_functions(*, memory: Memory | None = None, home: Home | None = None) -> Mapping[str, Callable[..., Any]]:
    """Functions for `PythonProvider(functions)`, in the place of those that open the default memory and home themselves.

    Args:
        memory: where lists are kept and things are looked up; None leaves out what needs it.
        home: where files are made and the table of rates is; None is the default one.
    """
    home = home or Home()
    folder = made_folder(home)
    events, contacts, charts = Events(folder), Contacts(folder), Charts(folder, memory)

    def convert_currency(currency_from: str, currency_to: str, amount: float | str = 1) -> dict[str, Any]:
        return Rates.read(rates_file(home)).convert_currency(currency_from, currency_to, amount)

    bound: list[tuple[str, Callable[..., Any]]] = [
        ("currency", convert_currency),
        ("chart", charts.draw_chart),
        ("contacts", contacts.contact_file),
        ("events", events.event_file),
        ("events", events.meeting_file),
        ("events", events.reminder_file),
        ("events", events.alarm_file),
        ("events", events.timer_file),
    ]
    if memory is not None:
        lists, finder = Lists(memory), Finder(memory)
        bound += [("lists", function) for function in (lists.add_note, lists.add_shopping, lists.add_todo, lists.remove)]
        bound += [("lists", function) for function in (lists.show_notes, lists.show_shopping, lists.show_todo)]
        bound += [("find", finder.search_memory), ("find", finder.show_calendar)]
    return {f"{_PACKAGE}.{module}:{function.__name__}": function for module, function in bound}
