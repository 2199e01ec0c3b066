"""Vectors in the store's file: segments of at most 2,048 vectors of one source and one model.

A vector is kept as int8 codes with a float16 scale for every 16 dimensions, and one bit more a dimension: value =
(code + bit / 2) * scale, scale = the largest value there / 127. (With one scale a vector, neighbours that are nearly as near
change places: recall@10 against float32 is 0.995 then and 0.997 so on real sentences, 0.985 and 0.991 on vectors without any
structure. The bit halves what rounding costs: among a million, 0.988 without and 0.994 with it.) Scales, codes and bits of a
segment are sealed together under its source's key; a segment that was written before there were bits has none, and they
count 0. A segment is never changed: what changes is written as a new one, with an id that
no segment had before, so whoever holds segments in RAM sees by their ids what is new and what is gone.

Knows two tables, `models` and `vector_segments`. Knows no embedder and no search, and opens no transaction: every function
works inside its caller's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from runtimes.errors import ConfigError, StoreDamagedError

if TYPE_CHECKING:
    import apsw
    import numpy.typing as npt

    from edge_llm.memory.store import Store

SEGMENT_VECTORS = 2048
"""Most vectors of a segment: what one removal rewrites (0.8 MB at 384 dimensions)."""
BLOCK = 16
"""Dimensions that share a scale. The last block may be shorter."""
_LARGEST_CODE = 127
_IN_USE = "model_in_use"
"""The key in `meta` whose value is that model's id."""


@dataclass(frozen=True)
class Model:
    """An embedder that the store has vectors of."""

    id: int
    model_id: str
    dimensions: int


@dataclass(frozen=True)
class SegmentInfo:
    """A segment, without what is in it."""

    id: int
    source_id: int
    count: int


class Quantized(NamedTuple):
    """Vectors as they are stored."""

    scales: npt.NDArray[np.float16]
    """(count, blocks)."""
    codes: npt.NDArray[np.int8]
    """(count, dimensions)."""
    bits: npt.NDArray[np.uint8]
    """(count, dimensions / 8), eight bits a byte, the first dimension's highest."""


@dataclass(frozen=True)
class Segment:
    """Vectors of items of one source; the arrays as in `Quantized`."""

    item_ids: npt.NDArray[np.int64]
    scales: npt.NDArray[np.float16]
    codes: npt.NDArray[np.int8]
    bits: npt.NDArray[np.uint8]

    def take(self, rows: npt.NDArray[np.bool_] | slice) -> Segment:
        """The chosen rows."""
        return Segment(self.item_ids[rows], self.scales[rows], self.codes[rows], self.bits[rows])


def blocks_of(dimensions: int) -> int:
    """How many scales a vector has."""
    return -(-dimensions // BLOCK)


def bytes_of_bits(dimensions: int) -> int:
    """How many bytes the bits of a vector take."""
    return -(-dimensions // 8)


def quantize(vectors: npt.NDArray[np.float32]) -> Quantized:
    """Vectors (n, dimensions), none of whose values is above 10,000, as they are stored."""
    dimensions = vectors.shape[1]
    largest = np.maximum.reduceat(np.abs(vectors), np.arange(0, dimensions, BLOCK), axis=1)
    scales = (largest / _LARGEST_CODE).astype(np.float16)
    divisors = np.repeat(np.where(scales > 0, scales, np.inf).astype(np.float32), BLOCK, axis=1)[:, :dimensions]
    halves = np.clip(np.rint(2 * vectors / divisors), -2 * _LARGEST_CODE, 2 * _LARGEST_CODE).astype(np.int16)
    return Quantized(scales, (halves >> 1).astype(np.int8), np.packbits((halves & 1).astype(np.bool_), axis=1))


def dequantize(
    scales: npt.NDArray[np.float16], codes: npt.NDArray[np.int8], bits: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    """The vectors (n, dimensions) that `quantize` rounded to."""
    vectors = np.unpackbits(bits, axis=1, count=codes.shape[1]).astype(np.float32)
    vectors *= np.float32(0.5)
    vectors += codes
    vectors *= np.repeat(scales, BLOCK, axis=1)[:, : codes.shape[1]]
    return vectors


def no_vectors(model: Model) -> Segment:
    """A segment with nothing in it."""
    return Segment(np.empty(0, np.int64), *quantize(np.empty((0, model.dimensions), np.float32)))


def find_model(connection: apsw.Connection, model_id: str) -> Model | None:
    """The model of this name; None when the store has no vectors of it."""
    row = connection.execute("SELECT id, model_id, dimensions FROM models WHERE model_id = ?", (model_id,)).fetchone()
    return None if row is None else Model(*row)


def add_model(connection: apsw.Connection, model_id: str, dimensions: int) -> Model:
    """The model of this name, made when it is new.

    Raises:
        ConfigError: the store has vectors of that name and of other dimensions.
    """
    known = find_model(connection, model_id)
    if known is None:
        connection.execute("INSERT INTO models (model_id, dimensions) VALUES (?, ?)", (model_id, dimensions))
        return Model(connection.last_insert_rowid(), model_id, dimensions)
    if known.dimensions != dimensions:
        raise ConfigError(
            f"{model_id} gives {dimensions} dimensions and the store has vectors of {known.dimensions} under that name. "
            "Give the changed embedder a model id of its own."
        )
    return known


def models(connection: apsw.Connection) -> list[Model]:
    """Every model the store knows, oldest first."""
    return [Model(*row) for row in connection.execute("SELECT id, model_id, dimensions FROM models ORDER BY id")]


def model_in_use(connection: apsw.Connection) -> Model | None:
    """The model whose vectors answer searches: the one chosen with `use_model`, or else the oldest; None without vectors."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_IN_USE,)).fetchone()
    chosen = None if row is None else find_model(connection, row[0])
    return chosen or next(iter(models(connection)), None)


def use_model(connection: apsw.Connection, model: Model) -> None:
    """Let this model's vectors answer searches from now on."""
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_IN_USE, model.model_id))


def drop_model(connection: apsw.Connection, model: Model, *, segments: int) -> bool:
    """Delete up to so many segments of a model, and the model after the last; True when it is gone."""
    connection.execute(
        "DELETE FROM vector_segments WHERE id IN (SELECT id FROM vector_segments WHERE model = ? LIMIT ?)",
        (model.id, segments),
    )
    if connection.execute("SELECT 1 FROM vector_segments WHERE model = ? LIMIT 1", (model.id,)).fetchone():
        return False
    connection.execute("DELETE FROM models WHERE id = ?", (model.id,))
    return True


def list_segments(connection: apsw.Connection, model: Model) -> list[SegmentInfo]:
    """The model's segments, by id. Reads no vectors."""
    rows = connection.execute("SELECT id, source_id, count FROM vector_segments WHERE model = ? ORDER BY id", (model.id,))
    return [SegmentInfo(*row) for row in rows]


def read_segment(connection: apsw.Connection, store: Store, model: Model, segment_id: int) -> Segment:
    """A segment with its vectors.

    Raises:
        StoreDamagedError: it is not there, cannot be unsealed, or its parts do not fit together.
    """
    row = connection.execute(
        "SELECT source_id, count, item_ids, sealed FROM vector_segments WHERE id = ? AND model = ?",
        (segment_id, model.id),
    ).fetchone()
    if row is None:
        raise StoreDamagedError(f"{store.path} has no vector segment {segment_id}. Open memory again.")
    source_id, count, ids, sealed = row
    plain = store.unseal(connection, source_id, sealed, _context(segment_id, model.id, source_id))
    blocks = blocks_of(model.dimensions)
    scale_bytes, code_bytes, bit_bytes = 2 * count * blocks, count * model.dimensions, count * bytes_of_bits(model.dimensions)
    if len(plain) == scale_bytes + code_bytes:
        plain += bytes(bit_bytes)
    if len(ids) != count * 8 or len(plain) != scale_bytes + code_bytes + bit_bytes:
        raise StoreDamagedError(
            f"Vector segment {segment_id} of {store.path} is damaged: its parts differ in length. "
            "`edge-llm memory verify` says what else is."
        )
    return Segment(
        np.frombuffer(ids, "<i8"),
        np.frombuffer(plain, "<f2", count * blocks).reshape(count, blocks),
        np.frombuffer(plain, np.int8, code_bytes, scale_bytes).reshape(count, model.dimensions),
        np.frombuffer(plain, np.uint8, bit_bytes, scale_bytes + code_bytes).reshape(count, bytes_of_bits(model.dimensions)),
    )


def append(connection: apsw.Connection, store: Store, model: Model, source_id: int, added: Segment) -> None:
    """Store vectors of items of one source. Items that have one of this model already keep it.

    A segment joins those of its source that are not larger than it, as the digits of a binary counter do: items that come
    one by one cost each vector eleven writes at most, and a source has few segments.
    """
    rows = connection.execute(
        "SELECT id, count, item_ids FROM vector_segments WHERE model = ? AND source_id = ? ORDER BY count, id",
        (model.id, source_id),
    )
    held = cast("list[tuple[int, int, bytes]]", rows.fetchall())
    there = np.frombuffer(b"".join(ids for _, _, ids in held), "<i8")
    added = added.take(~np.isin(added.item_ids, there))
    parts, total = [added], len(added.item_ids)
    for segment_id, count, _ in held:
        if count > total or count + total > SEGMENT_VECTORS:
            break
        parts.append(read_segment(connection, store, model, segment_id))
        _delete(connection, segment_id)
        total += count
    joined = _join(parts)
    for start in range(0, total, SEGMENT_VECTORS):
        _insert(connection, store, model, source_id, joined.take(slice(start, start + SEGMENT_VECTORS)))


def remove(connection: apsw.Connection, store: Store, item_ids: Iterable[int]) -> None:
    """Delete the vectors of these items, of every model. Ids without a vector are ignored.

    Raises:
        StoreDamagedError: a segment that holds one of them and others cannot be read.
    """
    gone = np.fromiter(set(item_ids), np.int64)
    if not gone.size:
        return
    by_id = {model.id: model for model in models(connection)}
    for segment_id, model, source_id, count, ids in _candidates(connection, gone):
        keep = ~np.isin(np.frombuffer(ids, "<i8"), gone)
        kept = int(np.count_nonzero(keep))
        if kept == count:
            continue
        remaining = read_segment(connection, store, by_id[model], segment_id).take(keep) if kept else None
        _delete(connection, segment_id)
        if remaining is not None:
            _insert(connection, store, by_id[model], source_id, remaining)


def read_vectors(connection: apsw.Connection, store: Store, model: Model, item_ids: npt.NDArray[np.int64]) -> Segment:
    """The vectors of these items, in any order; items without one are left out. Raises StoreDamagedError."""
    found = []
    for segment_id, model_of, _, _, ids in _candidates(connection, item_ids):
        wanted = np.isin(np.frombuffer(ids, "<i8"), item_ids)
        if model_of == model.id and wanted.any():
            found.append(read_segment(connection, store, model, segment_id).take(wanted))
    return _join(found) if found else no_vectors(model)


def embedded(connection: apsw.Connection, model: Model) -> npt.NDArray[np.int64]:
    """Ids of the items that have a vector of this model, ascending."""
    rows = connection.execute("SELECT item_ids FROM vector_segments WHERE model = ?", (model.id,))
    return np.sort(np.frombuffer(b"".join(row[0] for row in rows), "<i8"))


def pending(connection: apsw.Connection, model: Model | None) -> npt.NDArray[np.int64]:
    """Ids of the items that have no vector of this model (None: of a model the store does not know), ascending."""
    every = np.fromiter((row[0] for row in connection.execute("SELECT id FROM items ORDER BY id")), np.int64)
    return every if model is None else np.setdiff1d(every, embedded(connection, model), assume_unique=True)


def _candidates(connection: apsw.Connection, gone: npt.NDArray[np.int64]) -> Sequence[tuple[int, int, int, int, bytes]]:
    """The segments that may hold one of these items: those of the items' sources while the items are still there."""
    columns = "SELECT id, model, source_id, count, item_ids FROM vector_segments"
    listed = json.dumps(gone.tolist())
    found = connection.execute(
        "SELECT count(*), json_group_array(DISTINCT source_id) FROM items WHERE id IN (SELECT value FROM json_each(?))",
        (listed,),
    ).fetchone()
    if found is not None and found[0] == gone.size:
        rows = connection.execute(
            f"{columns} WHERE source_id IN (SELECT value FROM json_each(?))",  # noqa: S608  (a constant)
            (found[1],),
        )
    else:
        rows = connection.execute(columns)
    return cast("list[tuple[int, int, int, int, bytes]]", rows.fetchall())


def _insert(connection: apsw.Connection, store: Store, model: Model, source_id: int, segment: Segment) -> None:
    connection.execute(
        "INSERT INTO vector_segments (model, source_id, count, item_ids, scales, sealed) VALUES (?, ?, ?, ?, x'', x'')",
        (model.id, source_id, len(segment.item_ids), segment.item_ids.astype("<i8").tobytes()),
    )
    segment_id = connection.last_insert_rowid()  # known only now, and bound to what is sealed
    plain = segment.scales.astype("<f2").tobytes() + segment.codes.tobytes() + segment.bits.tobytes()
    sealed = store.seal(connection, source_id, plain, _context(segment_id, model.id, source_id))
    connection.execute("UPDATE vector_segments SET sealed = ? WHERE id = ?", (sealed, segment_id))


def _delete(connection: apsw.Connection, segment_id: int) -> None:
    connection.execute("DELETE FROM vector_segments WHERE id = ?", (segment_id,))


def _join(parts: Sequence[Segment]) -> Segment:
    if len(parts) == 1:
        return parts[0]
    return Segment(
        np.concatenate([part.item_ids for part in parts]),
        np.concatenate([part.scales for part in parts]),
        np.concatenate([part.codes for part in parts]),
        np.concatenate([part.bits for part in parts]),
    )


def _context(segment_id: int, model: int, source_id: int) -> bytes:
    """What a segment's seal is bound to, so that sealed codes cannot be moved to another place."""
    return b"vectors:%d:%d:%d" % (segment_id, model, source_id)
