"""GGUF files as sources: every type dequantised as the reference does, the layout turned back, the wrong ones named."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, quants
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from quantize.source import open_source
from runtimes.bundle import Manifest, write_bundle
from runtimes.errors import BundleError, EdgeLLMError, SourceError, TokenizerError, UnsupportedModelError
from runtimes.gguf import read_header
from tests.tiny import CHATML
from tests.unit.quantize.tiny_checkpoints import CONFIG, VOCABULARY, permute, random_weights, write_gguf

WIDE = {**CONFIG, "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 1}  # rows that K-quants can hold


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_float_weights_come_back_in_hugging_face_layout(tmp_path: Path, family: str) -> None:
    config = {**CONFIG, "model_type": family, "head_dim": 16, "tie_word_embeddings": family == "qwen2"}
    weights = random_weights(config)
    with open_source(write_gguf(tmp_path / "m.gguf", config=config, weights=weights)) as source:
        specs = source.family.tensors(source.architecture)
        assert {spec.name for spec in specs} == set(weights)
        for spec in specs:
            read = source.tensor(spec)
            assert read.dtype == np.float32
            assert read.flags.c_contiguous
            np.testing.assert_array_equal(read, weights[spec.name], err_msg=spec.name)


@pytest.mark.parametrize("kind", ["F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "TQ1_0", "TQ2_0"])
def test_each_type_is_dequantised_as_the_reference_does(tmp_path: Path, kind: str) -> None:
    stored = GGMLQuantizationType[kind]
    path = write_gguf(tmp_path / "m.gguf", config=WIDE, weights=random_weights(WIDE), kind=stored)
    expected = {tensor.name: quants.dequantize(tensor.data, tensor.tensor_type) for tensor in GGUFReader(path).tensors}
    with open_source(path) as source:
        heads = {"attn_q": source.architecture.heads, "attn_k": source.architecture.kv_heads}
        for spec in source.family.tensors(source.architecture):
            read = source.tensor(spec)
            if (part := spec.gguf_name.split(".")[-2]) in heads:
                read = permute(read, heads[part])
            np.testing.assert_array_equal(read, expected[spec.gguf_name], err_msg=spec.gguf_name)
        assert set(source.stored_types) == {"F32", kind}


@pytest.mark.parametrize("kind", ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "IQ2_XXS", "IQ3_S", "IQ1_M"])
def test_types_the_reference_can_only_read_are_read_too(tmp_path: Path, kind: str) -> None:
    """The package cannot write these; any bytes are some weights, once no scale is NaN."""
    weights = random_weights(WIDE)
    path = write_gguf(tmp_path / "m.gguf", config=WIDE, weights=weights)
    tensor = next(tensor for tensor in GGUFReader(path).tensors if tensor.name == "blk.0.ffn_down.weight")
    stored = GGMLQuantizationType[kind]
    from gguf import GGML_QUANT_SIZES, GGUFWriter

    block, block_bytes = GGML_QUANT_SIZES[stored]
    raw = np.random.default_rng(0).integers(0, 60, (256, 512 // block * block_bytes), np.uint8)
    writer = GGUFWriter(tmp_path / "k.gguf", "llama")
    header = GGUFReader(path)
    for field in header.fields.values():
        if not field.name.startswith(("GGUF.", "general.architecture")):
            sub = field.types[-1] if len(field.types) > 1 else None
            writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=sub)
    for other in header.tensors:
        if other.name == tensor.name:
            writer.add_tensor(other.name, raw, raw_dtype=stored)
        else:
            writer.add_tensor(other.name, np.array(other.data), raw_dtype=other.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with open_source(tmp_path / "k.gguf") as source:
        spec = next(spec for spec in source.family.tensors(source.architecture) if spec.gguf_name == tensor.name)
        np.testing.assert_array_equal(source.tensor(spec), quants.dequantize(raw, stored))
        assert source.stored_types[kind] == 256 * 512


def test_what_a_source_says_of_itself(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf")
    with open_source(path) as source:
        assert (source.name, source.format, source.path) == ("tiny", "gguf", path)
        assert source.licence == "mit"
        assert source.chat_template == CHATML
        assert source.add_bos is False
        assert source.gguf_header is not None
        assert source.gguf_header.text("tokenizer.ggml.pre") == "gpt-2"
        assert source.architecture.bos_token_id == 257
        assert source.architecture.stop_token_ids == (258, 256)
        assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        source.close()


def test_tokenizer_files_open_in_the_reference_library(tmp_path: Path) -> None:
    with open_source(write_gguf(tmp_path / "m.gguf")) as source:
        files = source.tokenizer_files()
    assert set(files) == {"tokenizer.json", "tokenizer_config.json"}
    assert Tokenizer.from_str(files["tokenizer.json"].decode()).token_to_id("<|im_end|>") == 258
    config = json.loads(files["tokenizer_config.json"])
    assert (config["bos_token"], config["eos_token"], config["chat_template"]) == ("<|im_start|>", "<|im_end|>", CHATML)


def test_a_file_without_a_vocabulary_has_no_tokenizer(tmp_path: Path) -> None:
    with (
        open_source(write_gguf(tmp_path / "m.gguf", vocabulary=False)) as source,
        pytest.raises(TokenizerError, match=r"m\.gguf holds no vocabulary"),
    ):
        source.tokenizer_files()


def test_a_tensor_the_family_has_no_place_for_is_refused(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", extra={"blk.0.attn_q.lora": np.ones((4, 4), np.float32)})
    with pytest.raises(UnsupportedModelError, match=r"no place for: blk\.0\.attn_q\.lora"):
        open_source(path)


def test_an_unknown_architecture_is_named_with_its_file(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf")
    path.write_bytes(path.read_bytes().replace(b"llama", b"lamma"))
    with pytest.raises(UnsupportedModelError, match=r"m\.gguf.*lamma"):
        open_source(path)


def test_a_type_that_the_installed_gguf_package_cannot_read_is_unsupported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_gguf(tmp_path / "m.gguf", kind=GGMLQuantizationType.Q5_1)

    def refuse(data: object, kind: GGMLQuantizationType) -> None:
        raise NotImplementedError(kind.name)

    monkeypatch.setattr(quants, "dequantize", refuse)
    with pytest.raises(UnsupportedModelError, match=r"m\.gguf holds weights of type Q5_1"):
        open_source(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path, value: float) -> None:
    weights = random_weights()
    weights["model.layers.1.mlp.down_proj.weight"][0, 0] = value
    with open_source(write_gguf(tmp_path / "m.gguf", weights=weights)) as source:
        specs = {spec.gguf_name: spec for spec in source.family.tensors(source.architecture)}
        with pytest.raises(SourceError, match=r"m\.gguf: 'blk\.1\.ffn_down\.weight' holds NaN"):
            source.tensor(specs["blk.1.ffn_down.weight"])


def test_an_infinite_block_scale_is_refused(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", kind=GGMLQuantizationType.Q4_0)
    tensor = next(tensor for tensor in GGUFReader(path).tensors if tensor.name == "blk.0.ffn_gate.weight")
    raw = bytearray(path.read_bytes())
    raw[tensor.data_offset : tensor.data_offset + 2] = np.float16(np.inf).tobytes()
    path.write_bytes(raw)
    with open_source(path) as source:
        specs = {spec.gguf_name: spec for spec in source.family.tensors(source.architecture)}
        with pytest.raises(SourceError, match="NaN or infinite"):
            source.tensor(specs["blk.0.ffn_gate.weight"])


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SourceError, match=r"m\.gguf"):
        open_source(path)


def write_one_file_bundle(folder: Path, name: str, data: bytes, form: str) -> None:
    with write_bundle(folder) as writer:
        (writer.directory / name).write_bytes(data)
        writer.finish(Manifest("m", form, "llama", name, context_length=128, vocabulary_size=VOCABULARY))


def test_a_bundle_with_a_gguf_counts_as_its_model_file(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf")
    write_one_file_bundle(tmp_path / "bundle", "model.gguf", path.read_bytes(), "gguf")
    with open_source(tmp_path / "bundle") as source:
        assert source.path == tmp_path / "bundle" / "model.gguf"
        assert source.format == "gguf"


def test_other_bundles_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    write_one_file_bundle(tmp_path / "onnx", "model.onnx", b"x", "onnx")
    with pytest.raises(SourceError, match="bundle in onnx format, which cannot be a source"):
        open_source(tmp_path / "onnx")
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"y")
    with pytest.raises(BundleError, match="damaged"):
        open_source(tmp_path / "onnx")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_raises_anything_else(tmp_path: Path, data: st.DataObject) -> None:
    good = tmp_path / "good.gguf"
    if not good.is_file():
        write_gguf(good, config={**CONFIG, "num_hidden_layers": 1}, kind=GGMLQuantizationType.Q4_0)
    whole = bytearray(good.read_bytes())
    first_weight = min(tensor.offset for tensor in read_header(good).tensors.values())
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, first_weight + 64), st.integers(0, 255)), max_size=4)):
        whole[place] = value
    path = tmp_path / "bad.gguf"
    path.write_bytes(whole[: data.draw(st.just(len(whole)) | st.integers(0, len(whole)))])
    with suppress(EdgeLLMError), open_source(path) as source:
        for spec in source.family.tensors(source.architecture):
            with suppress(SourceError):
                assert source.tensor(spec).shape == spec.shape
        source.tokenizer_files()
