"""What describes a model: config.json, directories, GGUF files, bundles and names, right and wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter

from quantize.model_shape import ModelShape
from quantize.pipeline import quantize
from quantize.planned_model import read_planned_model
from quantize.recipe import recipe_for
from runtimes.errors import BundleError, SourceError, UnknownModelError, UnsupportedModelError
from tests.tiny import write_fake_bundle
from tests.unit.quantize.tiny_checkpoints import CONFIG, write_gguf, write_hf


def sizes(shape: ModelShape) -> tuple[int, ...]:
    return (
        *(shape.parameters, shape.layers, shape.hidden_size, shape.intermediate_size, shape.heads, shape.kv_heads),
        *(shape.head_dim, shape.vocabulary_size, shape.context_length, shape.kv_layers, shape.tied),
    )


def test_every_description_gives_the_same_shape(tmp_path: Path) -> None:
    hf = write_hf(tmp_path / "hf")
    gguf = write_gguf(tmp_path / "model.gguf")
    onnx, twin = (bundle.path for bundle in quantize(gguf, tmp_path / "out", recipe=recipe_for(4), formats=("onnx", "gguf")))
    alone = tmp_path / "alone.json"
    alone.write_text((hf / "config.json").read_text(encoding="utf-8"), encoding="utf-8")
    expected = sizes(read_planned_model(hf).shape)
    for description in (hf / "config.json", alone, gguf, onnx, twin, str(onnx)):
        assert sizes(read_planned_model(description).shape) == expected, description


def test_a_config_is_enough(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    found = read_planned_model(tmp_path)
    assert found.texts is None
    assert found.stored is None
    assert found.shape.name == tmp_path.name


def test_a_file_that_is_here_has_its_own_size(tmp_path: Path) -> None:
    gguf = write_gguf(tmp_path / "model.gguf")
    found = read_planned_model(gguf)
    assert found.stored is not None
    assert (found.stored.file_bytes, found.stored.recipe, found.stored.container) == (gguf.stat().st_size, "F32", "gguf")
    assert found.stored.weight_bytes == 4 * found.shape.parameters

    (bundle,) = quantize(gguf, tmp_path / "out", recipe=recipe_for(8))
    found = read_planned_model(bundle.path)
    assert found.stored is not None
    assert (found.stored.file_bytes, found.stored.recipe, found.stored.exists) == (bundle.bytes, "8", True)


def test_a_quantized_checkpoint_says_so(tmp_path: Path) -> None:
    config = {**CONFIG, "quantization_config": {"quant_method": "awq"}}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert "already quantized" in read_planned_model(tmp_path).shape.note


def foreign_gguf(path: Path, **changes: int) -> Path:
    """A GGUF of an architecture that no family knows."""
    numbers = {"block_count": 1, "embedding_length": 64, "feed_forward_length": 96, "attention.head_count": 4, **changes}
    writer = GGUFWriter(path, "xlama")
    writer.add_uint32("xlama.context_length", 256)
    for key, value in numbers.items():
        writer.add_uint32(f"xlama.{key}", value)
    for name, shape in {
        "token_embd.weight": (100, 64),
        "blk.0.attn_q.weight": (64, 64),
        "blk.0.attn_norm.weight": (64,),
        "blk.0.ffn_up.weight": (96, 64),
        "output_norm.weight": (64,),
    }.items():
        writer.add_tensor(name, np.zeros(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_gguf_that_no_family_knows_is_planned_as_it_is(tmp_path: Path) -> None:
    found = read_planned_model(foreign_gguf(tmp_path / "foreign.gguf"))
    assert found.shape.family is None
    assert "xlama" in found.shape.note
    assert found.shape.tied
    assert [spec.role for spec in found.shape.tensors] == ["embedding", "attention", "norm", "ffn", "norm"]
    assert (found.shape.head_dim, found.shape.kv_heads, found.shape.context_length) == (16, 4, 256)
    with pytest.raises(SourceError, match="head_count"):
        read_planned_model(foreign_gguf(tmp_path / "wrong.gguf", **{"attention.head_count": 0}))


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("{", SourceError, "not valid JSON"),
        ("[]", SourceError, "not a JSON object"),
        ("{}", SourceError, "model_type"),
        (json.dumps({**CONFIG, "model_type": "mamba"}), UnsupportedModelError, "mamba"),
        (json.dumps({**CONFIG, "num_hidden_layers": -4}), SourceError, "layers"),
        (json.dumps({**CONFIG, "hidden_size": "wide"}), SourceError, "hidden_size"),
        (json.dumps({**CONFIG, "vocab_size": 10**30}), SourceError, "vocabulary_size"),
    ],
)
def test_configs_that_are_wrong(text: str, error: type[Exception], words: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    for description in (tmp_path, tmp_path / "config.json"):
        with pytest.raises(error, match=words) as raised:
            read_planned_model(description)
        assert "config.json" in str(raised.value)


def test_places_that_describe_no_model(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    for place in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(SourceError, match="does not describe a model"):
            read_planned_model(place)
    for missing in (tmp_path / "none", "./none", "none.gguf", "none/config.json"):
        with pytest.raises(SourceError, match="does not exist"):
            read_planned_model(missing)
    with pytest.raises(UnknownModelError):
        read_planned_model("none")
    with pytest.raises(BundleError, match="fake format"):
        read_planned_model(write_fake_bundle(tmp_path / "fake"))


@pytest.mark.parametrize("file", ["report.json", "genai_config.json"])
def test_a_bundle_that_does_not_say_what_it_is_made_of(file: str, tmp_path: Path) -> None:
    (bundle,) = quantize(write_hf(tmp_path / "hf"), tmp_path / "out", recipe=recipe_for(8))
    path = bundle.path / file
    for wrong in (b'{"tensors": [{"name": 3}], "model": {}}', b'{"tensors": "x"}', b"\xff"):
        path.write_bytes(wrong.ljust(path.stat().st_size) if len(wrong) > 1 else b"\xff" * path.stat().st_size)
        with pytest.raises(BundleError, match="does not say what it is made of"):
            read_planned_model(bundle.path)
