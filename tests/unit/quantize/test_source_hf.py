"""Hugging Face directories: the weights come back bit for bit, and everything wrong is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantize.source import open_source
from runtimes.errors import EdgeLLMError, SourceError, TokenizerError, UnsupportedModelError
from tests.tiny import CHATML
from tests.unit.quantize.tiny_checkpoints import CONFIG, pack_weights, random_weights, write_hf


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3"])
def test_weights_come_back_bit_for_bit(tmp_path: Path, family: str, shards: int) -> None:
    config = {**CONFIG, "model_type": family, "head_dim": 16, "tie_word_embeddings": shards == 1}
    weights = random_weights(config)
    with open_source(write_hf(tmp_path / "model", config=config, weights=weights, shards=shards)) as source:
        specs = source.family.tensors(source.architecture)
        assert {spec.name for spec in specs} == set(weights)
        for spec in specs:
            read = source.tensor(spec)
            assert read.dtype == np.float32
            assert read.flags.c_contiguous
            np.testing.assert_array_equal(read, weights[spec.name])
        assert source.stored_types == {"BF16": sum(value.size for value in weights.values())}


def test_what_a_source_says_of_itself(tmp_path: Path) -> None:
    folder = write_hf(tmp_path / "tiny-model")
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# A model\nlicense: no\n", encoding="utf-8")
    with open_source(folder) as source:
        assert (source.name, source.format, source.path) == ("tiny-model", "safetensors", folder)
        assert source.licence == "apache-2.0"
        assert source.chat_template == CHATML
        assert source.gguf_header is None
        assert source.add_bos is False
        assert source.architecture.bos_token_id == 257
        assert source.architecture.stop_token_ids == (258, 256)  # <|endoftext|> by its text, <|im_end|> by its name
        assert source.tokenizer_files() == {
            name: (folder / name).read_bytes() for name in ("tokenizer.json", "tokenizer_config.json")
        }


@pytest.mark.parametrize(
    ("readme", "licence"),
    [
        (None, None),
        ("# No front matter\nlicense: mit\n", None),
        ("---\nlicense: 'mit'\n---\n", "mit"),
        ("---\r\nlicense: llama3.2\r\n---\r\n", "llama3.2"),
        ("---\nlicense_name: x\n---\n", None),
        ("---\nlicense: mit\ufffd\n---\n", None),
    ],
)
def test_licence_is_read_from_the_front_matter(tmp_path: Path, readme: str | None, licence: str | None) -> None:
    folder = write_hf(tmp_path / "model")
    if readme is not None:
        (folder / "README.md").write_bytes(readme.encode("utf-8"))
    with open_source(folder) as source:
        assert source.licence == licence


def test_hash_is_that_of_the_sorted_listing(tmp_path: Path) -> None:
    folder = write_hf(tmp_path / "model", shards=2)
    names = sorted(path.name for path in folder.iterdir())
    listing = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    with open_source(folder) as source:
        assert source.sha256 == hashlib.sha256(listing.encode()).hexdigest()
    (folder / "README.md").write_text("prose", encoding="utf-8")
    with open_source(folder) as source:
        assert source.sha256 == hashlib.sha256(listing.encode()).hexdigest()


def test_files_of_the_hubs_cache_are_links_and_are_read(tmp_path: Path) -> None:
    blobs = write_hf(tmp_path / "blobs", shards=2)
    folder = tmp_path / "snapshot"
    folder.mkdir()
    for file in blobs.iterdir():
        (folder / file.name).symlink_to(file)
    with open_source(folder) as source:
        assert source.tensor(source.family.tensors(source.architecture)[0]).shape == (260, 64)


def test_harmless_extras_are_ignored(tmp_path: Path) -> None:
    weights = random_weights()
    weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = np.ones(8, np.float32)
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    open_source(write_hf(tmp_path / "model", weights=weights)).close()


def edit_json(name: str, **changes: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / name
        values = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        path.write_text(json.dumps({**values, **changes}), encoding="utf-8")

    return edit


def write(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(data) and None


def weights_without(name: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        weights = random_weights()
        del weights[name]
        (folder / "model.safetensors").write_bytes(pack_weights(weights))

    return edit


def weights_with(name: str, shape: tuple[int, ...]) -> Callable[[Path], None]:
    weights = {**random_weights(), name: np.zeros(shape, np.float32)}
    return write("model.safetensors", pack_weights(weights))


def rename(old: str, new: str) -> Callable[[Path], None]:
    return lambda folder: (folder / old).rename(folder / new) and None


def index_naming(shard: object) -> Callable[[Path], None]:
    return edit_json("model.safetensors.index.json", weight_map={"model.norm.weight": shard})


@pytest.mark.parametrize(
    ("damage", "kind", "fact"),
    [
        (lambda folder: (folder / "config.json").unlink(), SourceError, r"no config\.json"),
        (write("config.json", b"{"), SourceError, r"config\.json is not valid JSON"),
        (write("config.json", b"\xff\xfe{}"), SourceError, r"config\.json is not UTF-8"),
        (write("config.json", b"[]"), SourceError, r"config\.json is not a JSON object"),
        (write("config.json", b'{"a":NaN}'), SourceError, "NaN is not a JSON number"),
        (write("config.json", b"[" * 100_000), SourceError, "not valid JSON"),
        (write("config.json", b'{"a":"' + b" " * (5 << 20) + b'"}'), SourceError, "larger than"),
        (write("config.json", b'{"hidden_size":' + b"9" * 5000 + b"}"), SourceError, "not valid JSON"),
        (edit_json("config.json", model_type=None), SourceError, "model_type"),
        (edit_json("config.json", model_type=["llama"]), SourceError, "model_type"),
        (edit_json("config.json", model_type="mamba2"), UnsupportedModelError, "mamba2.*llama"),
        (edit_json("config.json", model_type="../families/llama"), UnsupportedModelError, "No family"),
        (edit_json("config.json", hidden_size=1 << 40), SourceError, "hidden_size"),
        (edit_json("config.json", num_hidden_layers=10**9), SourceError, "layers"),
        (edit_json("config.json", vocab_size=-1), SourceError, "vocabulary_size"),
        (edit_json("config.json", hidden_size="64"), SourceError, "hidden_size"),
        (edit_json("config.json", hidden_size=128), SourceError, r"has the shape \[260, 64\].*\[260, 128\]"),
        (edit_json("config.json", num_hidden_layers=3), SourceError, r"lacks 9 of its 29 tensors: model\.layers\.2"),
        (edit_json("config.json", quantization_config={"quant_method": "gptq"}), UnsupportedModelError, "gptq"),
        (edit_json("config.json", tie_word_embeddings=False), SourceError, r"lacks 1 .*lm_head\.weight"),
        (weights_without("model.norm.weight"), SourceError, r"lacks 1 of its 20 tensors: model\.norm\.weight"),
        (weights_with("model.norm.weight", (32,)), SourceError, r"'model\.norm\.weight' has the shape \[32\].*\[64\]"),
        (weights_with("model.layers.0.self_attn.q_norm.weight", (16,)), UnsupportedModelError, "no place for.*q_norm"),
        (weights_with("score.weight", (2, 64)), UnsupportedModelError, r"no place for: score\.weight"),
        (write("model.safetensors", b"GGUF"), SourceError, r"model\.safetensors"),
        (lambda folder: (folder / "model.safetensors").unlink(), SourceError, "no safetensors"),
        (rename("model.safetensors", "pytorch_model.bin"), UnsupportedModelError, "pickled"),
        (write("other.safetensors", b""), SourceError, "2 safetensors files and no"),
        (index_naming("../model.safetensors"), SourceError, "not a safetensors file beside it"),
        (index_naming("/etc/passwd"), SourceError, "not a safetensors file beside it"),
        (index_naming("C:model.safetensors"), SourceError, "not a safetensors file beside it"),
        (index_naming("a\\b.safetensors"), SourceError, "not a safetensors file beside it"),
        (index_naming("x\0.safetensors"), SourceError, "not a safetensors file beside it"),
        (index_naming(3), SourceError, "no weight_map"),
        (index_naming("gone.safetensors"), SourceError, r"gone\.safetensors is missing"),
        (edit_json("model.safetensors.index.json", weight_map=[]), SourceError, "no weight_map"),
        (edit_json("model.safetensors.index.json", weight_map={"no": "model.safetensors"}), SourceError, "does not hold 'no'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, damage: Callable[[Path], None], kind: type[SourceError], fact: str) -> None:
    folder = write_hf(tmp_path / "model")
    damage(folder)
    with pytest.raises(kind, match=fact) as caught:
        open_source(folder)
    assert str(folder) in str(caught.value)
    assert type(caught.value) is kind


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = write_hf(tmp_path / "model", shards=3)
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(SourceError, match=r"model-00002-of-00003\.safetensors is missing"):
        open_source(folder)


def test_an_absurd_model_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    """A configuration at every limit at once would need terabytes; the files do not hold them."""
    huge = {**CONFIG, "hidden_size": 1 << 16, "vocab_size": 1 << 21, "num_hidden_layers": 1 << 10, "head_dim": 128}
    folder = write_hf(tmp_path / "model")
    edit_json("config.json", **huge)(folder)
    with pytest.raises(SourceError, match="lacks"):
        open_source(folder)


def test_nan_is_found_when_its_tensor_is_read(tmp_path: Path) -> None:
    weights = random_weights()
    weights["model.layers.1.mlp.up_proj.weight"][5, 5] = np.nan
    with open_source(write_hf(tmp_path / "model", weights=weights)) as source:
        bad = [spec for spec in source.family.tensors(source.architecture) if "1.mlp.up_proj" in spec.name]
        with pytest.raises(SourceError, match=r"'model\.layers\.1\.mlp\.up_proj\.weight'.*NaN"):
            source.tensor(bad[0])


def test_without_a_tokenizer_the_weights_can_be_read_and_the_vocabulary_cannot(tmp_path: Path) -> None:
    with open_source(write_hf(tmp_path / "model", tokenizer=False)) as source:
        assert source.architecture.stop_token_ids == (258,)
        with pytest.raises(TokenizerError, match=r"neither tokenizer\.json nor tokenizer\.model"):
            source.tokenizer_files()


@pytest.mark.parametrize("path", ["nothing", "file.bin"])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "file.bin").write_bytes(b"x")
    with pytest.raises(SourceError, match=r"Give a \.gguf file or a directory"):
        open_source(tmp_path / path)


def test_files_are_closed_when_opening_fails(tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("open files cannot be counted here")
    folder = write_hf(tmp_path / "model", shards=3)
    edit_json("config.json", num_hidden_layers=5)(folder)
    before = len(list(descriptors.iterdir()))
    for _ in range(5):
        with pytest.raises(SourceError):
            open_source(folder)
    assert len(list(descriptors.iterdir())) == before


TEXT_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors.index.json")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(TEXT_FILES))
def test_no_damage_to_a_text_file_raises_anything_else(tmp_path: Path, data: st.DataObject, name: str) -> None:
    folder = tmp_path / "model"
    if not folder.is_dir():
        write_hf(folder, shards=2)
        (tmp_path / "kept").mkdir()
        for each in TEXT_FILES:
            (tmp_path / "kept" / each).write_bytes((folder / each).read_bytes())
    whole = bytearray((tmp_path / "kept" / name).read_bytes())
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=4)):
        whole[place] = value
    (folder / name).write_bytes(whole[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)))])
    try:
        with open_source(folder) as source:
            source.tokenizer_files()
    except EdgeLLMError:
        pass
    finally:
        (folder / name).write_bytes((tmp_path / "kept" / name).read_bytes())
