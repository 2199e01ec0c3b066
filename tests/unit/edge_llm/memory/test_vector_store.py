"""Segments in the file: what goes in comes out, removal leaves nothing behind, and nothing fits another place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_llm.memory import vector_store
from edge_llm.memory.items import Draft
from edge_llm.memory.keys import RawKey
from edge_llm.memory.store import Store
from edge_llm.memory.vector_store import BLOCK, SEGMENT_VECTORS, Model, Segment, dequantize, quantize
from runtimes.errors import ConfigError, StoreDamagedError

DIMENSIONS = 8
KEY = bytes(range(32))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "memory", RawKey(KEY)) as opened:
        yield opened


def put(store: Store, source: str, count: int, text: str = "item") -> np.ndarray:
    """Items of a source; returns their ids."""
    changes = store.put(source, "text", [Draft(f"{text} {number}", "note", str(number)) for number in range(count)])
    return np.array(changes.added, np.int64)


def segment(ids: np.ndarray, seed: int = 0) -> Segment:
    vectors = np.random.default_rng(seed).standard_normal((len(ids), DIMENSIONS)).astype(np.float32)
    return Segment(np.asarray(ids, np.int64), *quantize(vectors))


def append(store: Store, source: str, added: Segment, model_id: str = "m") -> Model:
    found = store.source(source)
    assert found is not None
    with store.writing() as connection:
        model = vector_store.add_model(connection, model_id, DIMENSIONS)
        vector_store.append(connection, store, model, found.id, added)
    return model


def held(store: Store, model: Model) -> dict[int, tuple[bytes, bytes, bytes]]:
    """Item id -> scales, codes and bits, of every vector in the file."""
    found: dict[int, tuple[bytes, bytes, bytes]] = {}
    with store.reading() as connection:
        for info in vector_store.list_segments(connection, model):
            each = vector_store.read_segment(connection, store, model, info.id)
            assert len(each.item_ids) == info.count <= SEGMENT_VECTORS
            of_each = values(each)
            assert not of_each.keys() & found.keys(), "two vectors of one item"
            found |= of_each
    return found


def values(*segments: Segment) -> dict[int, tuple[bytes, bytes, bytes]]:
    return {
        item_id: (scales.tobytes(), codes.tobytes(), bits.tobytes())
        for each in segments
        for item_id, scales, codes, bits in zip(each.item_ids.tolist(), each.scales, each.codes, each.bits, strict=True)
    }


@pytest.mark.parametrize("dimensions", [384, 8, 100, 1])
def test_quantizing_keeps_every_value_within_a_quarter_of_a_step(dimensions: int) -> None:
    vectors = np.random.default_rng(0).standard_normal((100, dimensions)).astype(np.float32)
    vectors[7] = 0
    vectors[8] *= 1e-9
    scales, codes, bits = quantize(vectors)
    steps = np.repeat(scales.astype(np.float32), BLOCK, axis=1)[:, :dimensions]
    error = np.abs(dequantize(scales, codes, bits) - vectors)
    assert (error <= 0.31 * steps + 1e-7).all(), "a quarter of a step, and what float16 rounds off the largest of a block"
    assert not codes[7].any()
    assert not bits[7].any()


def test_what_goes_in_comes_out(store: Store) -> None:
    one, two = segment(put(store, "one", 5000), 1), segment(put(store, "two", 3), 2)
    model = append(store, "one", one)
    append(store, "two", two)
    assert held(store, model) == values(one, two)
    with store.reading() as connection:
        counts = [(info.source_id, info.count) for info in vector_store.list_segments(connection, model)]
    assert sorted(counts) == [(1, 904), (1, 2048), (1, 2048), (2, 3)]


def test_a_segment_from_before_there_were_bits_is_read_and_joined(store: Store) -> None:
    ids = put(store, "one", 3)
    old, new = segment(ids[:1], 1), segment(ids[1:], 2)
    model = append(store, "one", old)
    with store.writing() as connection:
        segment_id, source_id = connection.execute("SELECT id, source_id FROM vector_segments").get
        plain = old.scales.tobytes() + old.codes.tobytes()
        sealed = store.seal(connection, source_id, plain, b"vectors:%d:%d:%d" % (segment_id, model.id, source_id))
        connection.execute("UPDATE vector_segments SET sealed = ?", (sealed,))
    without = replace(old, bits=np.zeros_like(old.bits))
    assert held(store, model) == values(without)
    append(store, "one", new)
    assert held(store, model) == values(without, new)


def test_items_that_come_one_by_one_share_segments(store: Store) -> None:
    ids = put(store, "one", 300)
    for number in range(len(ids)):
        model = append(store, "one", segment(ids[number : number + 1], number))
        with store.reading() as connection:
            assert len(vector_store.list_segments(connection, model)) <= 10
    assert held(store, model).keys() == set(ids.tolist())


def test_an_item_keeps_the_vector_it_has(store: Store) -> None:
    ids = put(store, "one", 10)
    first = segment(ids[:6], 1)
    model = append(store, "one", first)
    append(store, "one", segment(ids[4:], 2))
    kept = held(store, model)
    assert kept.keys() == set(ids.tolist())
    assert {item_id: kept[item_id] for item_id in ids[:6].tolist()} == values(first)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_after_any_additions_and_removals_the_file_holds_what_is_left(data: st.DataObject, tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    with Store.open(tmp_path_factory.mktemp("store") / "memory", RawKey(KEY)) as store:
        left: dict[int, tuple[bytes, bytes]] = {}
        model = None
        for step in range(data.draw(st.integers(1, 8))):
            source = data.draw(st.sampled_from(["one", "two"]))
            if left and data.draw(st.booleans()):
                gone = data.draw(st.lists(st.sampled_from(sorted(left)), unique=True, min_size=1))
                with store.writing() as connection:
                    vector_store.remove(connection, store, [*gone, 10**9])
                for item_id in gone:
                    del left[item_id]
            else:
                changes = store.put(
                    f"{source}-{step}", "text", [Draft("x", "note", str(n)) for n in range(data.draw(st.integers(1, 40)))]
                )
                added = segment(np.array(changes.added), step)
                model = append(store, f"{source}-{step}", added)
                left |= values(added)
            if model is not None:
                assert held(store, model) == left


def test_removal_works_before_and_after_the_items_are_gone(store: Store) -> None:
    ids = put(store, "one", 20)
    model = append(store, "one", segment(ids))
    with store.writing() as connection:
        vector_store.remove(connection, store, ids[:5].tolist())
        connection.execute("DELETE FROM items WHERE id = ?", (int(ids[5]),))
        vector_store.remove(connection, store, [int(ids[5])])
        vector_store.remove(connection, store, [])
    assert held(store, model).keys() == set(ids[6:].tolist())
    before = _segment_ids(store, model)
    with store.writing() as connection:
        vector_store.remove(connection, store, ids[:6].tolist())
    assert _segment_ids(store, model) == before, "what holds none of them is not written again"


def test_removal_reaches_every_model_and_rewrites_under_a_new_id(store: Store) -> None:
    ids = put(store, "one", 4)
    models = [append(store, "one", segment(ids, seed), name) for seed, name in enumerate(("m", "n"))]
    before = {info for model in models for info in _segment_ids(store, model)}
    with store.writing() as connection:
        vector_store.remove(connection, store, ids[:1].tolist())
    assert not before & {info for model in models for info in _segment_ids(store, model)}
    assert [held(store, model).keys() for model in models] == [set(ids[1:].tolist())] * 2


def test_forgetting_an_item_takes_its_vector(store: Store) -> None:
    ids = put(store, "one", 4)
    model = append(store, "one", segment(ids))
    store.put("one", "text", [Draft("item 0", "note", "0"), Draft("other words", "note", "1"), Draft("item 2", "note", "2")])
    assert held(store, model).keys() == {int(ids[0]), int(ids[2])}


def test_pending_and_embedded(store: Store) -> None:
    ids = put(store, "one", 10)
    with store.reading() as connection:
        assert vector_store.pending(connection, None).tolist() == ids.tolist()
    model = append(store, "one", segment(ids[3:6]))
    with store.reading() as connection:
        assert vector_store.embedded(connection, model).tolist() == ids[3:6].tolist()
        assert vector_store.pending(connection, model).tolist() == [*ids[:3].tolist(), *ids[6:].tolist()]


def test_vectors_by_id(store: Store) -> None:
    ids = put(store, "one", 3000)
    all_of_them = segment(ids)
    model = append(store, "one", all_of_them)
    with store.reading() as connection:
        found = vector_store.read_vectors(connection, store, model, np.array([ids[2500], ids[3], 10**9]))
        none = vector_store.read_vectors(connection, store, model, np.array([10**9]))
    assert values(found) == {item_id: values(all_of_them)[item_id] for item_id in (int(ids[3]), int(ids[2500]))}
    assert none.codes.shape == (0, DIMENSIONS)


def test_the_model_in_use_is_the_oldest_until_another_is_chosen(store: Store) -> None:
    ids = put(store, "one", 2)
    with store.reading() as connection:
        assert vector_store.model_in_use(connection) is None
    old, new = (append(store, "one", segment(ids), name) for name in ("old", "new"))
    with store.writing() as connection:
        assert vector_store.model_in_use(connection) == old
        vector_store.use_model(connection, new)
        assert vector_store.model_in_use(connection) == new
        assert vector_store.drop_model(connection, old, segments=10)
        assert vector_store.models(connection) == [new]


def test_a_model_is_dropped_in_steps(store: Store) -> None:
    for source in ("a", "b", "c"):
        model = append(store, source, segment(put(store, source, 2)))
    with store.writing() as connection:
        assert not vector_store.drop_model(connection, model, segments=2)
        assert len(vector_store.list_segments(connection, model)) == 1
        assert vector_store.drop_model(connection, model, segments=2)
        assert vector_store.find_model(connection, "m") is None


def test_other_dimensions_under_one_name_are_refused(store: Store) -> None:
    append(store, "one", segment(put(store, "one", 1)))
    with store.writing() as connection, pytest.raises(ConfigError, match="model id of its own"):
        vector_store.add_model(connection, "m", DIMENSIONS + 1)


@pytest.mark.parametrize("change", ["count = 2", "item_ids = x'00'", "sealed = x'00'", "source_id = 1", "id = 99"])
def test_a_segment_that_was_changed_or_moved_is_named(store: Store, change: str) -> None:
    put(store, "two", 1)
    ids = put(store, "one", 3)
    model = append(store, "one", segment(ids))
    with store.writing() as connection:
        connection.execute(f"UPDATE vector_segments SET {change}")
        (info,) = vector_store.list_segments(connection, model)
        with pytest.raises(StoreDamagedError):
            vector_store.read_segment(connection, store, model, info.id)


def test_a_segment_that_is_not_there(store: Store) -> None:
    model = append(store, "one", segment(put(store, "one", 1)))
    with store.reading() as connection, pytest.raises(StoreDamagedError, match="no vector segment 12345"):
        vector_store.read_segment(connection, store, model, 12345)


def test_vectors_are_sealed(store: Store) -> None:
    added = segment(put(store, "one", 50))
    append(store, "one", added)
    with store.reading() as connection:
        (sealed,) = connection.execute("SELECT sealed FROM vector_segments").fetchone() or (b"",)
    assert isinstance(sealed, bytes)
    assert not any(codes.tobytes() in sealed for codes in added.codes)


def _segment_ids(store: Store, model: Model) -> list[int]:
    with store.reading() as connection:
        return [info.id for info in vector_store.list_segments(connection, model)]
