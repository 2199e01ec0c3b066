"""Which files of a hub's repository make a model, and what is said when none do."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from edge_llm.hub_download import HubName, choose_gguf, choose_safetensors
from edge_llm.hub_listing import Repository, refusal
from edge_llm.memory.embedders.encoder_directory import choose_files
from edge_llm.transfer import Digest, RemoteFile
from runtimes.errors import InputError, NetworkError, SourceError, UnknownModelError, UnsupportedModelError


def holding(files: Iterable[str]) -> Repository:
    remotes = {file: RemoteFile(f"http://hub/{file}", 1, Digest("git", "0" * 40)) for file in files}
    return Repository("owner/repo", "http://hub", "c0ffee", None, remotes)


def index_of(*shards: object) -> bytes:
    return json.dumps({"weight_map": {f"tensor{number}": shard for number, shard in enumerate(shards)}}).encode()


def refuse(file: str, limit: int) -> bytes:
    pytest.fail(f"{file} was read")


@pytest.mark.parametrize(
    ("name", "repository", "file"),
    [
        ("hf:owner/repo", "owner/repo", None),
        ("hf:owner/repo/", "owner/repo", None),
        ("hf:owner/repo/a.gguf", "owner/repo", "a.gguf"),
        ("hf:owner/repo/deep/er/a.gguf", "owner/repo", "deep/er/a.gguf"),
    ],
)
def test_names(name: str, repository: str, file: str | None) -> None:
    parsed = HubName.parse(name)
    assert parsed == HubName(repository, file)
    assert str(parsed) == name.rstrip("/")


@pytest.mark.parametrize("name", ["hf:", "hf:owner", "hf:/repo", "hf:owner/", "hf:owner//a.gguf"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UnknownModelError, match="hf:owner/repo"):
        HubName.parse(name)


def test_a_file_that_is_no_gguf_leads_to_the_repository() -> None:
    with pytest.raises(UnknownModelError) as caught:
        HubName.parse("hf:owner/repo/model.safetensors")
    assert caught.value.nearest == ("hf:owner/repo",)


def test_the_only_gguf_is_taken_and_the_named_one() -> None:
    one, two = holding(["a.gguf", "README.md"]).files, holding(["a-Q4_0.gguf", "a-Q8_0.gguf"]).files
    assert choose_gguf(one, HubName("owner/repo", None)) == "a.gguf"
    assert choose_gguf(two, HubName("owner/repo", "a-Q8_0.gguf")) == "a-Q8_0.gguf"


def test_several_ggufs_are_offered() -> None:
    with pytest.raises(UnknownModelError) as caught:
        choose_gguf(holding(["b.gguf", "a.gguf"]).files, HubName("owner/repo", None))
    assert caught.value.nearest == ("hf:owner/repo/a.gguf", "hf:owner/repo/b.gguf")


def test_a_misspelt_gguf_gets_the_nearest() -> None:
    with pytest.raises(UnknownModelError) as caught:
        choose_gguf(holding(["model-Q4_0.gguf", "other.gguf"]).files, HubName("owner/repo", "model-q4_0.gguf"))
    assert caught.value.nearest[0] == "hf:owner/repo/model-Q4_0.gguf"


def test_nothing_to_take() -> None:
    with pytest.raises(UnsupportedModelError, match=r"neither model\.safetensors nor a \.gguf"):
        choose_gguf(holding(["pytorch_model.bin"]).files, HubName("owner/repo", None))
    with pytest.raises(UnknownModelError):
        choose_gguf(holding(["pytorch_model.bin"]).files, HubName("owner/repo", "a.gguf"))


def test_a_split_gguf_is_refused() -> None:
    file = "a-00001-of-00002.gguf"
    with pytest.raises(UnsupportedModelError, match="split"):
        choose_gguf(holding([file]).files, HubName("owner/repo", file))


def test_only_what_a_conversion_needs_is_taken() -> None:
    wanted = {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"}
    rest = {"pytorch_model.bin", "onnx/model.onnx", "tokenizer.model", "flax_model.msgpack", "original/x.pth", "a.png"}
    assert set(choose_safetensors(holding(wanted | rest), refuse)) == wanted


def test_the_sentencepiece_vocabulary_is_taken_where_it_is_the_only_one() -> None:
    assert "tokenizer.model" in choose_safetensors(holding(["config.json", "tokenizer.model", "model.safetensors"]), refuse)


def test_shards_are_those_of_the_index() -> None:
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    repository = holding(["config.json", "model.safetensors.index.json", *shards, "consolidated.safetensors"])
    chosen = choose_safetensors(repository, lambda file, limit: index_of(shards[1], shards[0], shards[0]))
    assert chosen == ["config.json", "model.safetensors.index.json", *shards]


@pytest.mark.parametrize(
    "index",
    [
        b"",
        b"[]",
        b"{}",
        b'{"weight_map": []}',
        b"[" * 100_000,
        b"\xff",
        index_of("../../evil.safetensors"),
        index_of("/etc/passwd"),
        index_of("gone.safetensors"),
        index_of("config.json"),
        index_of(7),
    ],
)
def test_an_index_that_lies(index: bytes) -> None:
    with pytest.raises(SourceError, match=r"model\.safetensors\.index\.json of hf:owner/repo"):
        choose_safetensors(holding(["config.json", "model.safetensors.index.json"]), lambda file, limit: index)


def test_a_repository_without_configuration() -> None:
    with pytest.raises(UnsupportedModelError, match=r"no config\.json"):
        choose_safetensors(holding(["model.safetensors"]), refuse)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, UnknownModelError, "hf:owner/repo"),
        (401, InputError, "HF_TOKEN"),
        (403, InputError, "accept its terms at http://hub/owner/repo"),
        (500, NetworkError, "answered 500"),
    ],
)
def test_what_a_status_means(status: int, kind: type[Exception], words: str) -> None:
    error = refusal(status, "owner/repo", "http://hub")
    assert type(error) is kind
    assert words in str(error)


SENTENCE_TRANSFORMERS = {
    *("modules.json", "1_Pooling/config.json", "config.json", "sentence_bert_config.json", "tokenizer.json"),
    *("model.safetensors", "onnx/model.onnx", "onnx/model_quantized.onnx", "openvino/openvino_model.bin", "pytorch_model.bin"),
}


def test_an_encoder_is_brought_with_its_smallest_graph() -> None:
    assert set(choose_files(SENTENCE_TRANSFORMERS)) == {
        *("onnx/model_quantized.onnx", "tokenizer.json", "config.json", "sentence_bert_config.json", "1_Pooling/config.json")
    }
    assert choose_files({"tokenizer.json", "onnx/model.onnx", "onnx/model.onnx_data"}) == [
        *("onnx/model.onnx", "tokenizer.json", "onnx/model.onnx_data")
    ]


@pytest.mark.parametrize(
    "files",
    [
        {"tokenizer.json", "model.safetensors"},
        {"onnx/model.onnx", "vocab.txt"},
        {"tokenizer.json", "config.json", "model.safetensors", "onnx/model.onnx"},
        {"tokenizer.json", "model-Q4_0.gguf", "onnx/model.onnx"},
    ],
)
def test_what_may_be_a_language_model_is_no_encoder(files: set[str]) -> None:
    assert choose_files(files) == []
