"""What DOCX, XLSX and PPTX have in common: an archive of XML parts that refer to each other (ECMA-376 part 2).

Knows parts, relationships and core properties, not what a part says.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from edge_llm.memory.ingest.archive import Archive, member_names
from edge_llm.memory.ingest.iso_time import parse_iso
from edge_llm.memory.ingest.reader import Reading
from edge_llm.memory.ingest.xml_events import Event, xml_events
from runtimes.errors import UnreadableFileError

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""A compound file: an encrypted document, or one of before 2007 under a new name."""
RELATIONSHIPS = 20_000
"""Most relationships of one part."""


@dataclass(frozen=True)
class Relationship:
    """A part's pointer to another."""

    type: str
    """The last word of its type: "styles", "slide", "hyperlink", ..."""
    target: str
    """The other part's name in the archive, in lower case: names differ in no more than that (ECMA-376 part 2, 6.2.2.3)."""


def claim_package(head: bytes, path: Path, folder: str, suffixes: frozenset[str]) -> float:
    """How sure it is that a file is a package with parts in `folder`: 1 when its directory has them.

    0.5 when it is encrypted or damaged, and the name is all there is to go by.
    """
    named = path.suffix.lower() in suffixes
    if head.startswith(_OLE):
        return 0.5 if named else 0.0
    if not head.startswith(_ZIP):
        return 0.0
    names = member_names(path)
    if not names:
        return 0.5 if named else 0.0
    return 1.0 if any(name.startswith(f"{folder}/") for name in names) else 0.0


class Package:
    """An open package.

    Args:
        main: the main part when the package does not say which it is.

    Raises:
        UnreadableFileError: encrypted, damaged, or over a limit.
    """

    def __init__(self, file: BinaryIO, reading: Reading, main: str) -> None:
        file.seek(0)
        if file.read(len(_OLE)) == _OLE:
            raise UnreadableFileError(
                "it is encrypted, or an Office file of before 2007 under a new name. "
                "Open it, remove its password, and save a copy"
            )
        self._archive = Archive(file, reading.limits)
        self._reading = reading
        parts = [relationship.target for relationship in self.related("").values() if relationship.type == "officeDocument"]
        self.main = next((part for part in parts if part in self._archive.names), main)
        self.title: str | None = None
        """What its author called it."""
        self.created: datetime | None = None
        self._read_core()

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._archive.names

    def events(self, part: str) -> Iterator[Event]:
        """The XML of a part. Raises UnreadableFileError."""
        return xml_events(self._archive.open(part), self._reading.limits.depth)

    def related(self, part: str) -> Mapping[str, Relationship]:
        """The parts that a part refers to, by the ids that it refers by; external targets are left out."""
        folder, name = posixpath.split(part)
        relations = posixpath.join(folder, "_rels", f"{name}.rels").lower()
        found: dict[str, Relationship] = {}
        if relations not in self._archive.names:
            return found
        for event in self.events(relations):
            attributes = event.attributes
            if event.value == "Relationship" and attributes.get("TargetMode") != "External" and "Target" in attributes:
                target = posixpath.normpath(posixpath.join("/", folder, attributes["Target"])).lstrip("/").lower()
                found[attributes.get("Id", "")] = Relationship(attributes.get("Type", "").rpartition("/")[2], target)
                if len(found) > RELATIONSHIPS:
                    raise UnreadableFileError(f"its part {part:.200} has more than {RELATIONSHIPS:,} relationships")
        return found

    def related_by_type(self, part: str, kind: str) -> list[str]:
        """The parts of one type that a part refers to, in order of name, those that are missing left out."""
        targets = {relationship.target for relationship in self.related(part).values() if relationship.type == kind}
        return sorted(targets & self._archive.names, key=lambda name: (len(name), name))

    def _read_core(self) -> None:
        for part in self.related_by_type("", "core-properties"):
            texts: dict[str, str] = {}
            name = ""
            for event in self.events(part):
                if event.kind == "text":
                    texts[name] = (texts.get(name, "") + event.value)[:1000]
                else:
                    name = event.value if event.kind == "start" else ""
            self.title = " ".join(texts.get("title", "").split()) or None
            self.created = parse_iso(texts.get("created", ""), self._reading.timezone)
