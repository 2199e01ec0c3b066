"""Whose data a file is: tells the owner apart from everyone else a file mentions. Knows no format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge_llm.memory.handles import fold_name, looks_like_handle, normalise, region_of
from edge_llm.memory.items import Mention, Role


class Owner:
    """The person whose data is read.

    Args:
        known: names, numbers and addresses of theirs (`Reading.owner`).
    """

    def __init__(self, known: Sequence[str]) -> None:
        numbers = [handle.value for text in known if looks_like_handle(text) and (handle := normalise(text)) is not None]
        self.region = next((region for region in map(region_of, numbers) if region), "")
        """Where the owner's number is at home; "" when no number is known."""
        self._handles = {
            handle.value for text in known if looks_like_handle(text) and (handle := normalise(text, self.region)) is not None
        }
        self._names = {fold_name(text) for text in known if not looks_like_handle(text)} - {""}

    def is_meant(self, name: str | None, handles: Iterable[str] = ()) -> bool:
        """Whether it is the owner: by a number or address, and by the name only where there is neither."""
        read = [handle.value for text in handles if (handle := normalise(text, self.region)) is not None]
        if read:
            return not self._handles.isdisjoint(read)
        return name is not None and fold_name(name) in self._names

    def mention(self, role: Role, name: str | None = None, handles: Sequence[str] = ()) -> Mention:
        """A person as a file wrote them, marked when it is the owner."""
        return Mention(role, name or None, tuple(handles), self.is_meant(name, handles))
