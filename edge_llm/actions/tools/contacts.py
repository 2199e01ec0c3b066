"""A contact as a vCard file, which every address book opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_llm.actions.tools.events import made_folder, write_new
from edge_llm.home import Home


class Contacts:
    """vCard files in one folder.

    Args:
        folder: made when the first file is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def contact_file(self, title: str, number: str) -> dict[str, Any]:
        """See `contact_file`."""
        field = "EMAIL" if "@" in number else "TEL"
        lines = ("BEGIN:VCARD", "VERSION:4.0", f"FN:{_escaped(title)}", f"{field}:{_escaped(number)}", "END:VCARD", "")
        path = write_new(self._folder, title, ".vcf", "\r\n".join(lines).encode())
        return {"path": str(path), "title": title, "number": number}


def contact_file(title: str, number: str) -> dict[str, Any]:
    """A vCard in the home's folder `made`.

    Args:
        title: the person's name.
        number: a telephone number or a mail address.

    Returns:
        {"path", "title", "number"}. Opening the file adds the contact to the address book.

    Raises:
        StorageError: the disk refuses.
    """
    return Contacts(made_folder(Home())).contact_file(title, number)


def _escaped(text: str) -> str:
    """A value as RFC 6350 section 3.4 has it: nothing in it ends the line."""
    plain = text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return "\\n".join(plain.splitlines())
