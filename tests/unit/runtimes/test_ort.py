"""What is ONNX Runtime's own: graphs that are not ours, growing buffers, damaged files, silence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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
from runtimes.bundle import Manifest
from runtimes.errors import BundleError, RuntimeFailedError, RuntimeUnavailableError
from runtimes.ort import RUNTIME, OrtSession
from runtimes.ort_graph import LoadedGraph
from runtimes.ort_library import load_library
from tests.unit.quantize.tiny_checkpoints import CONFIG, VOCABULARY, write_gguf

ROOT = Path(__file__).parents[3]
CONTEXT = 1000
THREADS = RuntimeConfig(threads=1)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("ort")
    source = write_gguf(folder / "tiny.gguf", config={**CONFIG, "max_position_embeddings": CONTEXT})
    quantize(source, folder / "out", recipe=recipe_for(4))
    return read_bundle(folder / "out")


@pytest.fixture(autouse=True)
def without_int8(monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph that needs it has tests of its own."""
    monkeypatch.setattr(module, "multiplies_int8", lambda: False)


def open_ort(bundle: Bundle) -> OrtSession:
    session = RUNTIME.open(bundle, THREADS)
    assert isinstance(session, OrtSession)
    return session


def changed(bundle: Bundle, folder: Path, change: Callable[[onnx.ModelProto], object]) -> Bundle:
    """The bundle with its graph changed, without hashes."""
    model = onnx.load(bundle.model_path, load_external_data=False)
    change(model)
    onnx.save(model, folder / "model.onnx")
    return Bundle(folder, Manifest("x", "onnx", "llama", "model.onnx", CONTEXT, VOCABULARY))


def test_arm_is_asked_for_the_products_of_the_kotlin_library(bundle: Bundle) -> None:
    graph = LoadedGraph(load_library(), bundle.model_path, threads=1)
    assert graph.session.get_session_options().get_session_config_entry("mlas.disable_kleidiai") == "1"


def test_buffers_grow_in_steps_and_never_past_the_context(bundle: Bundle) -> None:
    with open_ort(bundle) as session:
        lengths = []
        for fed in (1, 255, 1, 300, CONTEXT - 557):
            session.feed([7] * fed, rows=0)
            lengths.append(session._buffers[0].shape[2])
        assert lengths == [256, 256, 512, 768, CONTEXT]


def test_past_and_present_are_one_buffer(bundle: Bundle) -> None:
    with open_ort(bundle) as session:
        session.feed([1, 2, 3])
        held = [buffer.copy() for buffer in session._buffers]
        session.feed([4])
        for before, buffer in zip(held, session._buffers, strict=True):
            np.testing.assert_array_equal(before[:, :, :3], buffer[:, :, :3])
            assert np.abs(buffer[:, :, 3]).max() > 0


def test_only_the_rows_asked_for_are_computed(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_ort(bundle) as session:
        seen = []
        real = session._run

        def run(chunk: Any, total: int, wanted_from: int, into: Any) -> None:
            seen.append((chunk.size, total, wanted_from, into.shape[0]))
            real(chunk, total, wanted_from, into)

        monkeypatch.setattr(session, "_run", run)
        session.feed([1] * 600, rows=100)
    assert seen == [(256, 256, 256, 0), (256, 512, 244, 12), (88, 600, 0, 88)]


def test_long_chunks_take_the_graph_for_prefill(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its products round less, so the logits are near the other graph's and not the same; the cache is one."""
    monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
    ids = np.random.default_rng(0).integers(0, VOCABULARY, 700).tolist()
    with open_ort(bundle) as session, open_ort(bundle) as plain:
        plain._prefill_path = None
        session.feed(ids[:127])
        assert session._prefill is None, "a short prompt does not load it"
        long, expected = session.feed(ids[127:], rows=5), plain.feed(ids, rows=5)
        assert session._prefill is not None
        assert not np.array_equal(long, expected)
        np.testing.assert_allclose(long, expected, atol=0.1)
        np.testing.assert_allclose(session.feed([7]), plain.feed([7]), atol=0.1)


def test_exact_runs_the_one_graph_over_the_whole_of_a_feed(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
    with RUNTIME.open(bundle, RuntimeConfig(threads=1, exact=True)) as session:
        assert isinstance(session, OrtSession)
        seen = []
        real = session._run

        def run(chunk: Any, total: int, wanted_from: int, into: Any) -> None:
            seen.append((chunk.size, into.shape[0]))
            real(chunk, total, wanted_from, into)

        monkeypatch.setattr(session, "_run", run)
        every = session.feed([1] * 600, rows=5)
        session.rewind(0)
        np.testing.assert_array_equal(session.feed([1] * 600), every[-1:])
        session.feed([1])
        assert seen == [(600, 5), (600, 2), (1, 1)]
        assert session._prefill is None


def test_other_machines_keep_to_one_graph(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.platform, "machine", lambda: "aarch64")
    with open_ort(bundle) as session:
        session.feed([1] * 300)
        assert session._prefill is None


def test_a_prefill_graph_of_another_model_is_refused(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
    with open_ort(bundle) as session:
        session._prefill_path = changed(bundle, tmp_path, lambda model: model.graph.output.pop()).model_path
        shutil.copy(bundle.directory / "model.onnx.data", tmp_path)
        with pytest.raises(BundleError, match="edge-llm wrote"):
            session.feed([1] * 300)
        assert session.position == 0


def rename_input(model: onnx.ModelProto) -> None:
    next(item for item in model.graph.input if item.name == "input_ids").name = "tokens"


def drop_logits_start(model: onnx.ModelProto) -> None:
    model.graph.input.remove(next(item for item in model.graph.input if item.name == "logits_start"))


def forget_head_size(model: onnx.ModelProto) -> None:
    item = next(item for item in model.graph.input if item.name == "past_key_values.0.key")
    item.type.tensor_type.shape.dim[3].dim_param = "any"


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Teleport"


def point_outside(model: onnx.ModelProto) -> None:
    for item in model.graph.initializer:
        for entry in item.external_data:
            if entry.key == "location":
                entry.value = "../model.onnx.data"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (rename_input, (BundleError, RuntimeFailedError)),
        (drop_logits_start, BundleError),
        (forget_head_size, (BundleError, RuntimeFailedError)),
        (unknown_operator, RuntimeFailedError),
        (point_outside, RuntimeFailedError),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_graph_that_is_not_ours_is_refused(bundle: Bundle, tmp_path: Path, change: Any, error: Any) -> None:
    (tmp_path / "inner").mkdir()
    for place in (tmp_path, tmp_path / "inner"):
        (place / "model.onnx.data").write_bytes((bundle.directory / "model.onnx.data").read_bytes())
    with pytest.raises(error, match=r"model\.onnx"):
        RUNTIME.open(changed(bundle, tmp_path / "inner", change), THREADS)


def test_a_manifest_that_lies_about_the_vocabulary_is_refused(bundle: Bundle) -> None:
    lying = Bundle(bundle.path, Manifest("x", "onnx", "llama", "model.onnx", CONTEXT, VOCABULARY + 1))
    with pytest.raises(BundleError, match=str(VOCABULARY)):
        RUNTIME.open(lying, THREADS)


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x08" * 1000], ids=len)
def test_a_file_that_is_no_graph_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(RuntimeFailedError, match=r"cannot load .*model\.onnx"):
        RUNTIME.open(Bundle(tmp_path, Manifest("x", "onnx", "llama", "model.onnx", CONTEXT, VOCABULARY)), THREADS)


def test_missing_weights_are_named(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailedError, match=r"model\.onnx"):
        RUNTIME.open(changed(bundle, tmp_path, lambda _: None), THREADS)


def test_a_failing_run_adds_nothing(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_ort(bundle) as session, open_ort(bundle) as fresh:
        session.feed([1, 2])
        monkeypatch.setattr(session, "_prefill_path", None)
        real = session._graph.session.run_with_iobinding
        calls = []

        def fail_second(binding: Any) -> None:
            calls.append(1)
            if len(calls) == 2:
                raise RuntimeError("out of memory\nwith details")
            real(binding)

        monkeypatch.setattr(session._graph.session, "run_with_iobinding", fail_second)
        with pytest.raises(RuntimeFailedError, match="out of memory"):
            session.feed([3] * 300)
        assert session.position == 2
        np.testing.assert_allclose(session.feed([3]), fresh.feed([1, 2, 3]), atol=1e-4)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    load_library.cache_clear()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    try:
        status = RUNTIME.describe()
        assert not status.installed
        assert "pip install" in (status.hint or "")
        with pytest.raises(RuntimeUnavailableError, match="pip install onnxruntime"):
            RUNTIME.open(bundle, THREADS)
    finally:
        load_library.cache_clear()


def test_telemetry_is_off_before_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import os, sys, builtins; os.environ.pop('ORT_DISABLE_TELEMETRY', None); real = builtins.__import__; seen = []\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'onnxruntime': seen.append(os.environ.get('ORT_DISABLE_TELEMETRY'))\n"
        "sys.meta_path.insert(0, Watch())\n"
        "from runtimes.ort import RUNTIME; RUNTIME.describe(); print(*seen)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]
    assert done.stderr == ""


def test_it_says_nothing_and_leaves_no_file(bundle: Bundle, tmp_path: Path) -> None:
    code = "import sys; from runtimes import open_session\nwith open_session(sys.argv[1]) as session: session.feed([1, 2, 3])"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, str(bundle.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment | {"HOME": str(tmp_path)},
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.rglob("*")) == []


def test_describe_names_the_providers() -> None:
    status = RUNTIME.describe()
    assert "CPUExecutionProvider" in status.providers
