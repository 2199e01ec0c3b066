"""What an encoder's files say, and which folders are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_llm.memory.embedders import encoder_directory, open_embedder
from edge_llm.memory.embedders.encoder_directory import read_encoder
from runtimes.bundle import Manifest, write_bundle
from runtimes.errors import BundleError, RuntimeFailedError, TokenizerError, UnsupportedModelError
from tests.tiny_encoders import write_encoder


@pytest.mark.parametrize("graph", encoder_directory.GRAPHS)
def test_every_layout_is_read(tmp_path: Path, graph: str) -> None:
    found = read_encoder(write_encoder(tmp_path, graph=graph, config={"hidden_size": 16, "pad_token_id": 1}))
    assert found.model == tmp_path / graph
    assert (found.pooling, found.max_tokens, found.dimensions, found.pad_id) == ("mean", 12, 16, 1)


def test_int8_goes_before_float32(tmp_path: Path) -> None:
    write_encoder(tmp_path, graph="onnx/model.onnx")
    assert read_encoder(write_encoder(tmp_path, graph="onnx/model_quantized.onnx")).model.name == "model_quantized.onnx"


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        (None, "mean"),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_cls_token": True, "word_embedding_dimension": 16}, "cls"),
        ({"pooling_mode": "cls"}, "cls"),
    ],
)
@pytest.mark.parametrize("file", ["1_Pooling/config.json", "pooling.json"])
def test_pooling(tmp_path: Path, pooling: dict[str, object] | None, expected: str, file: str) -> None:
    assert read_encoder(write_encoder(tmp_path, pooling=pooling, pooling_file=file)).pooling == expected


@pytest.mark.parametrize("pooling", [{"pooling_mode_max_tokens": True}, {"pooling_mode": "lasttoken"}, {"x": 1}])
def test_other_pooling_is_refused(tmp_path: Path, pooling: dict[str, object]) -> None:
    with pytest.raises(UnsupportedModelError, match="mean and cls"):
        read_encoder(write_encoder(tmp_path, pooling=pooling))


@pytest.mark.parametrize(
    ("length", "config", "expected"),
    [
        (None, None, 512),
        (256, {"max_position_embeddings": 512}, 256),
        (None, {"max_position_embeddings": 128}, 128),
        (None, {"max_position_embeddings": 514, "model_type": "xlm-roberta"}, 512),
        (8192, {"max_position_embeddings": 8194}, 512),
        (1, None, 8),
        (None, {"max_position_embeddings": "many"}, 512),
    ],
)
def test_length(tmp_path: Path, length: int | None, config: dict[str, object] | None, expected: int) -> None:
    assert read_encoder(write_encoder(tmp_path, max_seq_length=length, config=config)).max_tokens == expected


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json"])
def test_what_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    (write_encoder(tmp_path) / missing).unlink()
    with pytest.raises(BundleError, match=missing.replace(".", r"\.")):
        read_encoder(tmp_path)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100_000, b" " * (2 << 20)])
def test_a_malformed_description_is_named(tmp_path: Path, content: bytes) -> None:
    write_encoder(tmp_path)
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"config\.json"):
        read_encoder(tmp_path)


def test_a_bundle_is_verified_and_read(tmp_path: Path) -> None:
    with write_bundle(tmp_path / "bundle") as writer:
        write_encoder(writer.directory, graph="encoder.onnx")
        writer.finish(Manifest("tiny", "onnx", "bert", "encoder.onnx", 12, 22, tokenizer="tokenizer.json"))
    with open_embedder(tmp_path / "bundle") as embedder:
        assert embedder.embed(["the cat"]).shape == (1, 16)
    (tmp_path / "bundle" / "encoder.onnx").write_bytes(b"x" * (tmp_path / "bundle" / "encoder.onnx").stat().st_size)
    with pytest.raises(BundleError, match="SHA-256"):
        read_encoder(tmp_path / "bundle")


@pytest.mark.parametrize(
    ("file", "error"), [("model.onnx", RuntimeFailedError), ("tokenizer.json", TokenizerError)], ids=["graph", "tokenizer"]
)
def test_damage_is_told_when_it_is_first_used(tmp_path: Path, file: str, error: type[Exception]) -> None:
    (write_encoder(tmp_path) / file).write_bytes(b"damaged")
    embedder = open_embedder(tmp_path)
    with pytest.raises(error, match=file.replace(".", r"\.")):
        embedder.embed(["the cat"])


@pytest.mark.parametrize("inputs", [("input_ids",), ("input_ids", "attention_mask", "position_ids")])
def test_a_graph_of_another_kind(tmp_path: Path, inputs: tuple[str, ...]) -> None:
    with pytest.raises(BundleError, match="a sentence encoder takes"):
        open_embedder(write_encoder(tmp_path, inputs=inputs)).embed(["the cat"])
