"""The graph that only fills the KV buffers: near the other graphs, taken when it should be, and refused when it is not ours."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from quantize.pipeline import quantize
from quantize.recipe import recipe_for
from runtimes import Bundle, RuntimeConfig, read_bundle
from runtimes import ort as module
from runtimes import ort_graph as graph_module
from runtimes.bundle import FILL_NAME
from runtimes.cpu import multiplies_int8
from runtimes.errors import BundleError, EdgeLLMError, RuntimeFailedError
from runtimes.fill_layout import METADATA
from runtimes.graph_metadata import SCORED_HEADS
from runtimes.ort import RUNTIME, OrtSession
from tests.unit.quantize.tiny_checkpoints import CONFIG, VOCABULARY, write_gguf

CONTEXT = 1000
IDS = np.random.default_rng(0).integers(0, VOCABULARY, 700).tolist()
KINDS = {
    "llama": {},  # its 96 columns are no whole groups, so down_proj stays in blocks
    "qwen2": {"model_type": "qwen2", "intermediate_size": 128, "num_hidden_layers": 3},
}

needs_int8 = pytest.mark.skipif(
    platform.machine().lower() in {"x86_64", "amd64"} and not multiplies_int8(),
    reason="without VNNI ONNX Runtime's int8 products can overflow, which is why the graph is not used there",
)


@pytest.fixture(scope="module", params=list(KINDS))
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("fill")
    config = {**CONFIG, "max_position_embeddings": CONTEXT, **KINDS[request.param]}
    quantize(write_gguf(folder / "tiny.gguf", config=config), folder / "out", recipe=recipe_for(4))
    return read_bundle(folder / "out")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(module, "multiplies_int8", lambda: True)


def open_ort(bundle: Bundle, **settings: Any) -> OrtSession:
    session = RUNTIME.open(bundle, RuntimeConfig(threads=2, **settings))
    assert isinstance(session, OrtSession)
    return session


def open_plain(bundle: Bundle) -> OrtSession:
    """A session that feeds every token to the one graph."""
    session = open_ort(bundle)
    session._fill_path = session._prefill_path = None
    return session


def assert_near(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, atol=0.06 * np.abs(expected).max())


@needs_int8
@pytest.mark.parametrize("tokens", [113, 257, 700])
def test_what_it_fills_gives_nearly_the_same_logits(bundle: Bundle, tokens: int) -> None:
    """Over steps in which the buffers grow, and over more than one chunk."""
    with open_ort(bundle) as session, open_plain(bundle) as plain:
        found, expected = session.feed(IDS[:tokens]), plain.feed(IDS[:tokens])
        assert session._fill is not None
        assert session._prefill is None
        assert not np.array_equal(found, expected)
        assert_near(found, expected)
        assert_near(session.feed(IDS[:130], rows=3), plain.feed(IDS[:130], rows=3))
        assert_near(session.feed([7]), plain.feed([7]))
        for mine, other in zip(session._buffers, plain._buffers, strict=True):
            assert_near(mine[:, :, : session.position], other[:, :, : session.position])


@needs_int8
def test_rewind_and_snapshots_go_on_from_it(bundle: Bundle) -> None:
    with open_ort(bundle) as session, open_plain(bundle) as plain:
        session.feed(IDS[:400], rows=0)
        saved = session.snapshot()
        expected = session.feed(IDS[400:410], rows=10)
        session.rewind(400)
        np.testing.assert_array_equal(session.feed(IDS[400:410], rows=10), expected)
        plain.restore(saved)
        np.testing.assert_array_equal(plain.feed(IDS[400:410], rows=10), expected)


def test_the_feed_alone_decides(bundle: Bundle) -> None:
    """So that the same text gives the same logits whatever the session did before."""
    with open_ort(bundle) as session, open_ort(bundle) as fresh:
        session.feed(IDS[:112])
        assert session._fill is None, "a short prompt does not load it"
        session.feed(IDS[:200], rows=150)
        assert session._fill is None, "it gives no logits"
        session.feed(IDS[:113])
        assert session._fill is not None
        session.rewind(0)
        np.testing.assert_array_equal(session.feed(IDS[:100]), fresh.feed(IDS[:100]))


def test_a_pass_takes_fewer_tokens_where_its_scores_would_take_too_much_memory(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_module, "most_tokens", lambda heads, positions: 128 if positions > 400 else 256 * (heads == 4))
    passes: dict[str, list[int]] = {"fill": [], "prefill": []}
    with open_ort(bundle) as session:
        for name, graph in (("fill", session._fill_graph_for(699)), ("prefill", session._graph_for(699))):
            assert graph is not None
            real, seen = graph._pass_over, passes[name]
            monkeypatch.setattr(
                graph, "_pass_over", lambda chunk, mask, real=real, seen=seen: (seen.append(chunk.size), real(chunk, mask))
            )
        session.feed(IDS)
        session.rewind(0)
        session.feed(IDS, rows=690)
    assert passes == {"fill": [256, 128, 128, 128, 59], "prefill": [256, 128, 128, 128]}


@pytest.mark.parametrize("name", ["aarch64", "x86_64"])
def test_without_int8_products_it_is_not_used(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(module.platform, "machine", lambda: name)
    monkeypatch.setattr(module, "multiplies_int8", lambda: name != "x86_64")
    with open_ort(bundle) as session:
        session.feed(IDS)
        assert session._fill is None
        assert (session._prefill is None) == (name == "aarch64")


def test_exact_does_without_it(bundle: Bundle) -> None:
    with open_ort(bundle, exact=True) as session:
        session.feed(IDS)
        assert session._fill is None


def test_a_bundle_without_one_opens_and_so_does_one_with_it_for_who_does_not_know_it(bundle: Bundle) -> None:
    assert FILL_NAME in bundle.manifest.files
    assert bundle.fill_path == bundle.path / FILL_NAME
    assert Bundle(bundle.path, bundle.manifest.__class__("x", "onnx", "llama", "model.onnx", 1, 1)).fill_path is None


def test_a_failing_pass_adds_nothing(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_ort(bundle) as session, open_plain(bundle) as fresh:
        session.feed([1, 2])
        session.feed(IDS[:300], rows=0)
        session.rewind(2)
        assert session._fill is not None
        monkeypatch.setattr(session._fill.session, "run_with_iobinding", out_of_memory)
        with pytest.raises(RuntimeFailedError, match="out of memory"):
            session.feed(IDS[:300])
        assert session.position == 2
        np.testing.assert_allclose(session.feed([3]), fresh.feed([1, 2, 3]), atol=1e-4)


def out_of_memory(_: object) -> None:
    raise RuntimeError("out of memory")


def rename_input(model: onnx.ModelProto) -> None:
    next(item for item in model.graph.input if item.name == "input_ids").name = "tokens"


def drop_output(model: onnx.ModelProto) -> None:
    model.graph.output.pop()


def drop_metadata(model: onnx.ModelProto) -> None:
    del model.metadata_props[:]


def claim_heads(model: onnx.ModelProto) -> None:
    next(item for item in model.metadata_props if item.key == SCORED_HEADS).value = "many"


def swap_shape(model: onnx.ModelProto) -> None:
    _set_metadata(model, lambda text: text.replace("[64,", "[128,", 1).replace("[128,64,", "[128,64,"))


def point_past_the_end(model: onnx.ModelProto) -> None:
    _set_metadata(model, lambda text: text.replace(",64,", ",64,9", 1))


def table_past_the_end(model: onnx.ModelProto) -> None:
    _set_metadata(model, lambda text: text.replace('"model.embed_tokens.weight":', '"model.embed_tokens.weight":9999999'))


def other_heads(model: onnx.ModelProto) -> None:
    for item in (*model.graph.input, *model.graph.output):
        if item.name.startswith(("past", "present")):
            item.type.tensor_type.shape.dim[1].dim_param = "heads"


def _set_metadata(model: onnx.ModelProto, change: Callable[[str], str]) -> None:
    entry = next(item for item in model.metadata_props if item.key == METADATA)
    changed = change(entry.value)
    assert changed != entry.value
    entry.value = changed


@pytest.mark.parametrize(
    "change",
    [rename_input, drop_output, drop_metadata, claim_heads, swap_shape, point_past_the_end, table_past_the_end, other_heads],
)
def test_a_graph_that_is_not_ours_is_refused(bundle: Bundle, tmp_path: Path, change: Any) -> None:
    shutil.copy(bundle.directory / "model.onnx.data", tmp_path)
    model = onnx.load(bundle.directory / FILL_NAME, load_external_data=False)
    change(model)
    onnx.save(model, tmp_path / FILL_NAME)
    with open_ort(bundle) as session:
        session._fill_path = tmp_path / FILL_NAME
        with pytest.raises(EdgeLLMError, match=r"fill\.onnx|model\.onnx\.data"):
            session.feed(IDS[:300])
        assert session.position == 0


@pytest.mark.parametrize("content", [b"", b"not a graph"])
def test_a_file_that_is_no_graph_is_refused(bundle: Bundle, tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILL_NAME).write_bytes(content)
    with open_ort(bundle) as session:
        session._fill_path = tmp_path / FILL_NAME
        with pytest.raises(RuntimeFailedError, match=r"cannot load .*fill\.onnx"):
            session.feed(IDS[:300])


@pytest.mark.parametrize("left", [None, 1000], ids=["gone", "cut"])
def test_weights_that_are_lost_while_it_runs_are_named(bundle: Bundle, tmp_path: Path, left: int | None) -> None:
    for file in bundle.directory.iterdir():
        shutil.copy(file, tmp_path)
    with open_ort(read_bundle(tmp_path)) as session:
        session.feed(IDS[:300])
        weights = tmp_path / "model.onnx.data"
        whole = weights.read_bytes()
        weights.unlink()  # the session has the old file mapped
        if left is not None:
            weights.write_bytes(whole[:left])
        with pytest.raises(BundleError, match=r"Cannot read .*model\.onnx\.data"):
            session.feed(IDS[:300])
        assert session.position == 300
