"""What is llama.cpp's own: contexts that grow, its log, its failures, builds that would crash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtimes import Bundle, RuntimeConfig, read_bundle
from runtimes import llamacpp as module
from runtimes.bundle import Manifest
from runtimes.errors import BundleError, PromptError, RuntimeFailedError, RuntimeUnavailableError, SourceError
from runtimes.llamacpp import RUNTIME, LlamaCppSession
from tests.unit.quantize.tiny_checkpoints import CONFIG, VOCABULARY, random_weights, write_gguf

library = pytest.importorskip("llama_cpp", reason="the llamacpp extra is not installed")

ROOT = Path(__file__).parents[3]
CONTEXT = 3000
THREADS = RuntimeConfig(threads=1)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    path = tmp_path_factory.mktemp("llamacpp") / "tiny.gguf"
    return read_bundle(write_gguf(path, config={**CONFIG, "max_position_embeddings": CONTEXT}))


@pytest.fixture
def session(bundle: Bundle) -> Iterator[LlamaCppSession]:
    with open_llamacpp(bundle) as session:
        yield session


def open_llamacpp(bundle: Bundle, config: RuntimeConfig = THREADS) -> LlamaCppSession:
    session = RUNTIME.open(bundle, config)
    assert isinstance(session, LlamaCppSession)
    return session


def replay(bundle: Bundle, ids: list[int]) -> Any:
    with open_llamacpp(bundle) as fresh:
        return fresh.feed(ids)


def assert_close(found: Any, expected: Any) -> None:
    assert np.abs(found - expected).max() <= 0.05 * expected.std()


def test_context_grows_and_keeps_what_it_held(session: LlamaCppSession, bundle: Bundle) -> None:
    ids = [index % 251 for index in range(2500)]
    cells = []
    for start in range(0, 2500, 500):
        found = session.feed(ids[start : start + 500])
        cells.append(library.llama_n_ctx(session._context))
    assert cells == [1024, 1024, 2048, 2048, 3072]  # llama.cpp rounds up to a multiple of 256
    assert_close(found, replay(bundle, ids))


def test_a_short_context_is_asked_for_at_once(bundle: Bundle) -> None:
    with open_llamacpp(bundle, RuntimeConfig(threads=1, context_length=300)) as session:
        assert library.llama_n_ctx(session._context) <= 512
        session.feed([1] * 300, rows=0)


def test_threads_are_passed_on(bundle: Bundle) -> None:
    with open_llamacpp(bundle, RuntimeConfig(threads=2)) as session:
        assert library.llama_n_threads(session._context) == library.llama_n_threads_batch(session._context) == 2


def test_a_failed_decode_adds_nothing(session: LlamaCppSession, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    session.feed([1, 2])
    fail_on_call(monkeypatch, 2)
    with pytest.raises(RuntimeFailedError, match="code -3"):
        session.feed([3] * 600)
    assert session.position == 2
    assert_close(session.feed([3]), replay(bundle, [1, 2, 3]))


def test_a_cache_that_keeps_no_part_is_dropped_whole(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "llama_model_is_recurrent", lambda _: True)
    with open_llamacpp(bundle) as session:
        assert not session.capabilities.rewind
        session.feed([1, 2, 3])
        assert session.rewind(3) == 3
        assert session.rewind(2) == session.position == 0
        assert_close(session.feed([4, 5]), replay(bundle, [4, 5]))
        fail_on_call(monkeypatch, 2)
        with pytest.raises(RuntimeFailedError):
            session.feed([3] * 600)
        assert session.position == 2
        assert_close(session.feed([6]), replay(bundle, [4, 5, 6]))


def fail_on_call(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Have the n-th llama_decode from here on fail, the others work."""
    real = library.llama_decode
    calls: list[int] = []

    def decode(context: Any, batch: Any) -> int:
        calls.append(1)
        return -3 if len(calls) == number else int(real(context, batch))

    monkeypatch.setattr(library, "llama_decode", decode)


def test_no_memory_for_a_larger_context_adds_nothing(
    session: LlamaCppSession, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.feed([1] * 1000)
    with monkeypatch.context() as patched:
        patched.setattr(library, "llama_init_from_model", lambda *_: None)
        with pytest.raises(RuntimeFailedError, match="shorter context"):
            session.feed([2] * 100)
    assert session.position == 1000
    assert_close(session.feed([2] * 100), replay(bundle, [1] * 1000 + [2] * 100))


def test_a_state_llama_cpp_refuses_changes_nothing(session: LlamaCppSession, bundle: Bundle) -> None:
    session.feed([1, 2])
    for payload in (b"", b"\xff" * 64, session._save()[:-4]):
        with pytest.raises(PromptError, match="damaged"):
            session._load(memoryview(payload), 2)
    with pytest.raises(PromptError, match="damaged"):
        session._load(memoryview(session._save()), 3)
    assert_close(session.feed([3]), replay(bundle, [1, 2, 3]))


def test_what_llama_cpp_says_is_in_the_message(tmp_path: Path) -> None:
    weights = random_weights()
    path = write_gguf(tmp_path / "tiny.gguf", weights=weights)
    text = path.read_bytes()
    assert text.count(b"blk.1.ffn_norm.weight") == 1
    path.write_bytes(text.replace(b"blk.1.ffn_norm.weight", b"blk.1.ffn_morn.weight"))
    with pytest.raises((RuntimeFailedError, SourceError), match=r"tiny\.gguf.*blk\.1\.ffn_norm\.weight"):
        open_llamacpp(read_bundle(path))


def test_a_damaged_header_never_reaches_llama_cpp(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(bundle.model_path.read_bytes()[:2000])
    monkeypatch.setattr(library, "llama_model_load_from_file", lambda *_: pytest.fail("llama.cpp was given the file"))
    with pytest.raises(SourceError, match=r"tiny\.gguf"):
        RUNTIME.open(Bundle(path, bundle.manifest), THREADS)


def test_a_manifest_that_lies_about_the_vocabulary_is_refused(bundle: Bundle) -> None:
    manifest = Manifest("x", "gguf", "llama", bundle.model_path.name, CONTEXT, VOCABULARY + 1)
    with pytest.raises(BundleError, match=str(VOCABULARY)):
        RUNTIME.open(Bundle(bundle.path, manifest), THREADS)


def test_snapshots_tell_models_apart(session: LlamaCppSession, tmp_path: Path) -> None:
    config = {**CONFIG, "max_position_embeddings": CONTEXT}
    other = read_bundle(write_gguf(tmp_path / "other.gguf", config=config, weights=random_weights(config, seed=1)))
    session.feed([1])
    with open_llamacpp(other) as another:
        another.feed([1])
        with pytest.raises(PromptError, match="another model"):
            session.restore(another.snapshot())


@pytest.mark.parametrize("amx", [False, True])
def test_amx_builds_keep_the_plain_layout(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, amx: bool) -> None:
    asked: list[bool] = []
    real = library.llama_model_load_from_file

    def load(path: bytes, params: Any) -> Any:
        asked.append(params.use_extra_bufts)
        params.use_extra_bufts = False
        return real(path, params)

    monkeypatch.setattr(library, "llama_print_system_info", lambda: f"CPU : AVX2 = 1 | AMX_INT8 = {int(amx)} |".encode())
    monkeypatch.setattr(library, "llama_model_load_from_file", load)
    open_llamacpp(bundle).close()
    assert asked == [not amx]


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    module._load_library.cache_clear()
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    try:
        status = RUNTIME.describe()
        assert not status.installed
        assert "edge-llm[llamacpp]" in (status.hint or "")
        with pytest.raises(RuntimeUnavailableError, match=r'pip install "edge-llm\[llamacpp\]"'):
            RUNTIME.open(bundle, THREADS)
    finally:
        module._load_library.cache_clear()


def test_it_says_nothing(bundle: Bundle) -> None:
    code = (
        "import sys; from runtimes import open_session\n"
        "with open_session(sys.argv[1]) as session: session.feed([1, 2, 3]); session.rewind(1); session.feed([5])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(bundle.path)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
