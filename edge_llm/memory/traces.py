"""Traces of what is to be forgotten: keyed fingerprints that find it again in any bytes, and do not tell what it was.

A trace is a string of 6 to 16 bytes: a whole term, name or number, or a window of something longer (windows do not overlap).
Of each, a 32-bit filter of the first six bytes and a 64-bit keyed digest of all are kept. A scan slides over bytes one by one.

What it cannot find: strings of fewer than six bytes (among ciphertext they turn up by chance), parts of a window, and what is
the same byte over and over.

Knows no store and no file.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from edge_llm.memory.keys import derive

Kind: TypeAlias = Literal["text", "term", "name", "vector", "sealed", "key"]
"""What a trace is of: an item's text or title, an index term, a name or number, a vector, a sealed cell, a source's key."""
KINDS: tuple[Kind, ...] = get_args(Kind)

SHORTEST, LONGEST = 6, 16
_FILTER_BITS = 32
_COARSE_BITS = 20
"""Of the filter, what is looked up first: its table stays in the cache."""
_WORD = 8
_RECORD = struct.Struct("<IBB8s")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Trace:
    """Something found in bytes."""

    kind: Kind
    start: int
    """Where it begins."""
    digest: bytes


def windows(data: bytes) -> Iterator[bytes]:
    """What is looked for of a string: windows of LONGEST bytes, and its end; all of a short one.

    Nothing of one shorter than SHORTEST, and no window of one or two different bytes: zeros and dashes are everywhere.
    """
    starts = [*range(0, len(data) - LONGEST + 1, LONGEST), max(0, len(data) - LONGEST)]
    for start in dict.fromkeys(starts):
        window = data[start : start + LONGEST]
        if len(window) >= SHORTEST and len(set(window)) > 2:
            yield window


class Tracer:
    """Makes fingerprints under a key, and looks for them.

    Args:
        key: 32 bytes. Fingerprints of different keys are not comparable.
    """

    def __init__(self, key: bytes) -> None:
        self._key = derive(key, b"", "traces")
        self._factor = int.from_bytes(derive(key, b"", "trace filter")[:8], "little") | 1
        self._found: dict[tuple[int, int], dict[bytes, Kind]] = {}
        self._table: _Table | None = None

    def __len__(self) -> int:
        return sum(map(len, self._found.values()))

    def add(self, kind: Kind, data: bytes) -> None:
        """Look for these bytes too, SHORTEST to LONGEST of them."""
        self._keep(kind, self._filter(data), len(data), self._digest(data))

    def _keep(self, kind: Kind, filtered: int, length: int, digest: bytes) -> None:
        self._found.setdefault((filtered, length), {}).setdefault(digest, kind)
        self._table = None

    def _filter(self, data: bytes) -> int:
        head = int.from_bytes(data[:SHORTEST], "little") << 16
        return (head * self._factor & (1 << 64) - 1) >> 64 - _FILTER_BITS

    def _digest(self, data: bytes) -> bytes:
        return hashlib.blake2b(data, digest_size=8, key=self._key).digest()

    def to_bytes(self) -> bytes:
        """The fingerprints, sorted, so that nothing of their order remains."""
        records = [
            _RECORD.pack(filtered, length, KINDS.index(kind), digest)
            for (filtered, length), digests in self._found.items()
            for digest, kind in digests.items()
        ]
        return b"".join(sorted(records))

    def load(self, data: bytes) -> None:
        """Add what `to_bytes` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            for filtered, length, kind, digest in _RECORD.iter_unpack(data):
                if not SHORTEST <= length <= LONGEST or filtered >> _FILTER_BITS:
                    raise ValueError("a fingerprint out of range")
                self._keep(KINDS[kind], filtered, length, digest)
        except (struct.error, IndexError) as error:
            raise ValueError("not a list of fingerprints") from error

    def scan(self, data: bytes) -> Iterator[Trace]:
        """Every trace in the bytes."""
        if self._table is None:
            self._table = _Table(self._found)
        table = self._table
        for base in range(0, len(data), _BLOCK):
            block = data[base : base + _BLOCK + LONGEST - 1]
            for start, filtered in table.candidates(block, self._factor):
                for length in table.lengths[filtered]:
                    piece = block[start : start + length]
                    digest = self._digest(piece)
                    kind = self._found[filtered, length].get(digest) if len(piece) == length else None
                    if kind is not None:
                        yield Trace(kind, base + start, digest)


class _Table:
    """Filter values, made to be looked up for many places at once."""

    def __init__(self, found: Iterable[tuple[int, int]]) -> None:
        import numpy as np

        self.lengths: dict[int, list[int]] = {}
        for filtered, length in found:
            self.lengths.setdefault(filtered, []).append(length)
        self._exact = np.array(sorted(self.lengths), np.uint64)
        self._coarse = np.zeros(1 << _COARSE_BITS, np.bool_)
        self._coarse[self._exact >> np.uint64(_FILTER_BITS - _COARSE_BITS)] = True

    def candidates(self, block: bytes, factor: int) -> Iterator[tuple[int, int]]:
        """Places in the first _BLOCK bytes whose first six bytes pass the filter, and their filter values."""
        import numpy as np

        if not len(self._exact):
            return
        padded = block + bytes(_WORD)
        for offset in range(min(_WORD, len(block) - SHORTEST + 1)):
            words = np.frombuffer(padded, "<u8", (min(len(block), _BLOCK) - offset + _WORD - 1) // _WORD, offset)
            filtered = (words << np.uint64(16)) * np.uint64(factor) >> np.uint64(64 - _FILTER_BITS)
            near = np.flatnonzero(self._coarse.take((filtered >> np.uint64(_FILTER_BITS - _COARSE_BITS)).astype(np.intp)))
            values = filtered[near]
            slots = np.minimum(np.searchsorted(self._exact, values), len(self._exact) - 1)
            hits = self._exact[slots] == values
            yield from zip((near[hits] * _WORD + offset).tolist(), values[hits].tolist(), strict=True)
