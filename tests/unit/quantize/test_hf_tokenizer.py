"""What tokenizer files say: special tokens, BOS and templates, and what happens when they say nonsense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, processors

from quantize.hf_tokenizer import HFTokenizer
from runtimes.errors import InputError, SourceError, TemplateError, TokenizerError
from tests.tiny import byte_tokenizer

BOS = "<|im_start|>"


def write(directory: Path, *, config: Any = None, template_bos: bool = False, **files: str) -> Path:
    tokenizer = byte_tokenizer()
    if template_bos:
        added = processors.TemplateProcessing(single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, 257)])
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), added])
    (directory / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    if config is not None:
        (directory / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return directory


def first_id(files: dict[str, bytes]) -> int:
    return Tokenizer.from_str(files["tokenizer.json"].decode()).encode("a").ids[0]


@pytest.mark.parametrize(
    ("config", "template_bos", "adds"),
    [
        (None, False, False),
        ({"bos_token": BOS}, False, False),
        ({"bos_token": BOS}, True, True),
        ({"bos_token": {"content": BOS, "lstrip": False}}, True, True),
        ({"bos_token": BOS, "add_bos_token": False, "tokenizer_class": "PreTrainedTokenizerFast"}, True, True),
        ({"bos_token": BOS, "add_bos_token": True, "tokenizer_class": "Qwen2Tokenizer"}, False, False),
        ({"bos_token": BOS, "add_bos_token": True, "tokenizer_class": "LlamaTokenizerFast"}, False, True),
        ({"bos_token": BOS, "add_bos_token": False, "tokenizer_class": "LlamaTokenizer"}, True, False),
        ({"bos_token": BOS, "tokenizer_class": "LlamaTokenizer"}, False, True),
    ],
)
def test_bos_is_added_as_the_tokenizers_class_does(tmp_path: Path, config: Any, template_bos: bool, adds: bool) -> None:
    tokenizer = HFTokenizer(write(tmp_path, config=config, template_bos=template_bos))
    assert tokenizer.add_bos is adds
    assert (first_id(dict(tokenizer.files())) == 257) is adds


def test_files_that_need_no_change_are_handed_on_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, config={"bos_token": BOS}, template_bos=True)
    assert HFTokenizer(tmp_path).files()["tokenizer.json"] == (tmp_path / "tokenizer.json").read_bytes()


def test_bos_that_the_vocabulary_lacks_cannot_be_added(tmp_path: Path) -> None:
    tokenizer = HFTokenizer(write(tmp_path, config={"bos_token": "<nowhere>", "tokenizer_class": "LlamaTokenizer"}))
    assert tokenizer.bos_token_id is None
    with pytest.raises(TokenizerError, match="names no BOS token"):
        tokenizer.files()


@pytest.mark.parametrize("eos", [2, [2], [2, 7, 258], None])
def test_stop_tokens_join_what_every_file_says(tmp_path: Path, eos: Any) -> None:
    generation = json.dumps({"eos_token_id": eos})
    tokenizer = HFTokenizer(write(tmp_path, config={"eos_token": "<|im_end|>"}, generation_config__json=generation))
    stated = set() if eos is None else {eos} if isinstance(eos, int) else set(eos)
    assert tokenizer.stop_token_ids == {256, 258, *stated}


def test_added_tokens_of_the_configuration_count_too(tmp_path: Path) -> None:
    decoder = {"300": {"content": "<|eot_id|>", "special": True}, "301": {"content": "<|other|>"}}
    config = {"added_tokens_decoder": decoder, "bos_token": "<|other|>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    tokenizer = HFTokenizer(tmp_path)
    assert tokenizer.bos_token_id == 301
    assert tokenizer.stop_token_ids == {300}


def test_bos_may_be_an_ordinary_token(tmp_path: Path) -> None:
    tokenizer = HFTokenizer(write(tmp_path, config={"bos_token": "a"}))
    assert tokenizer.bos_token_id == byte_tokenizer().token_to_id("a")


def test_a_sentencepiece_model_alone_is_a_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(b"spm")
    tokenizer = HFTokenizer(tmp_path)
    assert tokenizer.files() == {"tokenizer.model": b"spm"}
    assert tokenizer.add_bos is True


NAMED = [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]


@pytest.mark.parametrize(
    ("stated", "file", "template"),
    [(None, None, None), ("C", None, "C"), (NAMED, None, "D"), ([], None, None), ("C", "J", "J"), (NAMED[:1], "J", "J")],
)
def test_the_default_template_is_found(tmp_path: Path, stated: Any, file: str | None, template: str | None) -> None:
    files = {} if file is None else {"chat_template__jinja": file}
    assert HFTokenizer(write(tmp_path, config={"chat_template": stated}, **files)).chat_template == template


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("tokenizer.json", "{", TokenizerError),
        ("tokenizer.json", '{"added_tokens": 3}', TokenizerError),
        ("tokenizer.json", '{"added_tokens": [3]}', TokenizerError),
        ("tokenizer.json", '{"added_tokens": [{"id": -1, "content": "x"}]}', TokenizerError),
        ("tokenizer.json", '{"added_tokens": [{"id": true, "content": "x"}]}', TokenizerError),
        ("tokenizer_config.json", "[]", SourceError),
        ("tokenizer_config.json", '{"added_tokens_decoder": []}', None),
        ("tokenizer_config.json", '{"added_tokens_decoder": [1]}', TokenizerError),
        ("tokenizer_config.json", '{"added_tokens_decoder": {"-1": {"content": "x"}}}', TokenizerError),
        ("tokenizer_config.json", '{"added_tokens_decoder": {"1": 2}}', TokenizerError),
        ("tokenizer_config.json", '{"tokenizer_class": "LlamaTokenizer", "add_bos_token": "yes"}', TokenizerError),
        ("tokenizer_config.json", '{"chat_template": 3}', TemplateError),
        ("tokenizer_config.json", '{"chat_template": [{"name": "x"}]}', TemplateError),
        ("tokenizer_config.json", '{"chat_template": [{"name": "tool_use", "template": "x"}]}', TemplateError),
        ("tokenizer_config.json", '{"chat_template": "\\ud800"}', TemplateError),
        ("generation_config.json", '{"eos_token_id": "2"}', SourceError),
        ("generation_config.json", '{"eos_token_id": [2.5]}', SourceError),
    ],
)
def test_nonsense_is_refused_with_its_file(tmp_path: Path, name: str, text: str, kind: type[InputError] | None) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    if kind is None:
        HFTokenizer(tmp_path)
        return
    with pytest.raises(kind) as caught:
        HFTokenizer(tmp_path)
    assert type(caught.value) is kind
    assert name in str(caught.value)


def test_a_template_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_bytes(b"\xff{{ messages }}")
    with pytest.raises(TemplateError, match=r"chat_template\.jinja is not UTF-8 text \(byte 0\)"):
        HFTokenizer(tmp_path)


@pytest.mark.parametrize("processor", [3, {"type": "Sequence", "processors": 3}, {"type": "TemplateProcessing", "single": [3]}])
def test_a_strange_post_processor_adds_nothing(tmp_path: Path, processor: Any) -> None:
    write(tmp_path, config={"bos_token": BOS})
    values = {**json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8")), "post_processor": processor}
    (tmp_path / "tokenizer.json").write_text(json.dumps(values), encoding="utf-8")
    assert HFTokenizer(tmp_path).add_bos is False
