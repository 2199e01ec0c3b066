"""Traces of what is to be forgotten: keyed fingerprints that find it again in any bytes, and do not tell what it was.

A trace is a string of 6 to 16 bytes: a whole term, name or number, or a window of something longer (windows do not overlap).
Of each, a 32-bit filter of its first bytes and a 64-bit keyed digest of all are kept. A scan slides over bytes one by one.

What it cannot find: strings of fewer than six bytes (among ciphertext they turn up by chance), parts of a window, and what is
the same byte over and over.

Knows no store and no file.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from edge_llm.memory.keys import derive

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Kind: TypeAlias = Literal["text", "term", "name", "vector", "sealed", "key"]
"""What a trace is of: an item's text or title, an index term, a name or number, a vector, a sealed cell, a source's key."""
KINDS: tuple[Kind, ...] = get_args(Kind)

SHORTEST, LONGEST = 6, 16
_HEADS = (6, 8, 12, 16)
"""A trace is filtered by its first bytes, as many as the largest of these that it has."""
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
        factors = derive(key, b"", "trace filter")
        self._factors = (int.from_bytes(factors[:8], "little") | 1, int.from_bytes(factors[8:16], "little") | 1)
        self._found: dict[tuple[int, int], dict[bytes, Kind]] = {}
        self._filters: list[_Filter] = []

    def __len__(self) -> int:
        return sum(map(len, self._found.values()))

    def add(self, kind: Kind, data: bytes) -> None:
        """Look for these bytes too, SHORTEST to LONGEST of them."""
        head = data[: _head(len(data))]
        first, last = (_number(head), 0) if len(head) < _WORD else (_number(head[:_WORD]), _number(head[-_WORD:]))
        mixed = (first * self._factors[0] ^ last * self._factors[1]) * self._factors[0] & (1 << 64) - 1
        self._keep(kind, mixed >> 64 - _FILTER_BITS, len(data), self._digest(data))

    def _keep(self, kind: Kind, filtered: int, length: int, digest: bytes) -> None:
        self._found.setdefault((filtered, length), {}).setdefault(digest, kind)
        self._filters = []

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
                if not SHORTEST <= length <= LONGEST:
                    raise ValueError("a fingerprint out of range")
                self._keep(KINDS[kind], filtered, length, digest)
        except (struct.error, IndexError) as error:
            raise ValueError("not a list of fingerprints") from error

    def scan(self, data: bytes) -> Iterator[Trace]:
        """Every trace in the bytes."""
        self._filters = self._filters or [
            _Filter(head, self._factors, [key for key in self._found if _head(key[1]) == head]) for head in _HEADS
        ]
        for base in range(0, len(data), _BLOCK):
            block = data[base : base + _BLOCK + LONGEST - 1]
            for found in self._filters:
                for start, filtered in found.candidates(block):
                    for length in found.lengths[filtered]:
                        piece = block[start : start + length]
                        digest = self._digest(piece)
                        kind = self._found[filtered, length].get(digest) if len(piece) == length else None
                        if kind is not None:
                            yield Trace(kind, base + start, digest)


class _Filter:
    """Finds places whose first `head` bytes may begin a trace, many at once."""

    def __init__(self, head: int, factors: tuple[int, int], keys: Sequence[tuple[int, int]]) -> None:
        import numpy as np

        self.lengths: dict[int, list[int]] = {}
        for filtered, length in keys:
            self.lengths.setdefault(filtered, []).append(length)
        self._head = head
        self._factors = [np.uint64(factor) for factor in factors]
        self._exact = np.array(sorted(self.lengths), np.uint64)
        self._coarse = np.zeros(1 << _COARSE_BITS, np.bool_)
        self._coarse[self._exact >> np.uint64(_FILTER_BITS - _COARSE_BITS)] = True

    def candidates(self, block: bytes) -> Iterator[tuple[int, int]]:
        """Such places in the first _BLOCK bytes, and their filter values."""
        import numpy as np

        if not len(self._exact):
            return
        padded = block + bytes(LONGEST + _WORD)
        for offset in range(min(_WORD, max(0, len(block) - self._head + 1))):
            count = (min(len(block), _BLOCK) - offset + _WORD - 1) // _WORD
            filtered = self._mixed(padded, offset, count) >> np.uint64(64 - _FILTER_BITS)
            near = np.flatnonzero(self._coarse.take((filtered >> np.uint64(_FILTER_BITS - _COARSE_BITS)).astype(np.intp)))
            values = filtered[near]
            slots = np.minimum(np.searchsorted(self._exact, values), len(self._exact) - 1)
            hits = self._exact[slots] == values
            yield from zip((near[hits] * _WORD + offset).tolist(), values[hits].tolist(), strict=True)

    def _mixed(self, padded: bytes, offset: int, count: int) -> npt.NDArray[np.uint64]:
        """Hashes of every eighth place from `offset` on, as `Tracer.add` makes them."""
        import numpy as np

        first = np.frombuffer(padded, "<u8", count, offset)
        if self._head < _WORD:
            return (first & np.uint64(_MASK)) * self._factors[0] * self._factors[0]
        last = np.frombuffer(padded, "<u8", count, offset + self._head - _WORD)
        return (first * self._factors[0] ^ last * self._factors[1]) * self._factors[0]


_MASK = (1 << 8 * SHORTEST) - 1


def _head(length: int) -> int:
    return max(head for head in _HEADS if head <= length)


def _number(word: bytes) -> int:
    return int.from_bytes(word, "little")
