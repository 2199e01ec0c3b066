"""Vocabularies of Hugging Face directories in GGUF: llama.cpp cuts text into the same ids as the original tokenizer."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llama_cpp
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from quantize.pipeline import quantize
from quantize.recipe import recipe_for
from quantize.tokenizer_json import read_tokenizer_json
from runtimes.errors import TokenizerError, UnsupportedModelError
from runtimes.gguf import read_header
from runtimes.gguf_pretokenizers import PRE_TOKENIZERS
from tests.unit.quantize.tiny_checkpoints import CONFIG, write_hf

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CORPUS = [
    "The quick brown fox jumps over the lazy dog; it's the dog's 3rd day, isn't it? We'll see what they've got.",
    "def feed(self, ids, *, rows=1):\n    return self.session.feed(ids)[-rows:]\n\n\tif x == 10_000:\n        pass",
    "东京是日本的首都。今天天气很好，我们去公园散步吧！",
    "Ünïcödé naïve façade — “quotes” … 1234567890 2024-11-23 12:34:56 0xDEADBEEF",
] * 8
TEXTS = (
    *CORPUS[:4],
    "Hello world!  two  spaces\n\n\nand lines \t tabs   ",
    " leading, 中文 mixed with English, 🎉🎊 emoji 👩‍👩‍👧 and e\u0301 accents",
    "I'LL DON'T we're 1234567 (x+y)**2 != <b>html</b> a_b-c/d\\e",
    "",
    "\n",
    "   ",
)


def train_byte_level(name: str) -> Tokenizer:
    """A small tokenizer that cuts text as the models do whose llama.cpp name this is."""
    known = PRE_TOKENIZERS[name]
    steps = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in known.patterns]
    tokenizer = Tokenizer(models.BPE(ignore_merges=known.ignore_merges))
    tokenizer.normalizer = normalizers.NFC() if known.nfc else None
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, special_tokens=[]))
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.add_tokens(["<tool_call>"])
    return tokenizer


def train_sentencepiece(**options: Any) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_writer=model,
        minloglevel=2,
        **{
            "model_type": "bpe",
            "vocab_size": 500,
            "byte_fallback": True,
            "normalization_rule_name": "identity",
            "remove_extra_whitespaces": False,
            "split_digits": True,
            **options,
        },
    )
    return model.getvalue()


def write_model(folder: Path, files: dict[str, bytes], size: int, **config: Any) -> Path:
    """A tiny checkpoint with this vocabulary and an embedding of `size` rows."""
    write_hf(folder, config={**CONFIG, "vocab_size": size, "eos_token_id": 2, "bos_token_id": 1, **config}, tokenizer=False)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def to_gguf(model: Path, out: Path) -> Path:
    quantize(model, out, recipe=recipe_for(32), formats=("gguf",))
    return out / "model.gguf"


@pytest.mark.parametrize("name", ["gpt-2", "smollm", "llama-bpe", "qwen2", "tekken", "gpt-4o", "stablelm2", "dbrx"])
def test_byte_level_vocabulary_gives_the_same_ids_in_llama_cpp(tmp_path: Path, name: str) -> None:
    tokenizer = train_byte_level(name)
    size = tokenizer.get_vocab_size()
    files = {
        "tokenizer.json": tokenizer.to_str().encode(),
        "tokenizer_config.json": b'{"eos_token": "<|im_end|>", "pad_token": {"content": "<|endoftext|>"}}',
    }
    stops = [tokenizer.token_to_id(text) for text in ("<|endoftext|>", "<|im_end|>")]
    path = to_gguf(write_model(tmp_path / "hf", files, size + 3, eos_token_id=stops[1]), tmp_path / "out")

    header = read_header(path)
    written = PRE_TOKENIZERS[header.text("tokenizer.ggml.pre") or ""]
    assert (written.patterns, written.ignore_merges) == (PRE_TOKENIZERS[name].patterns, PRE_TOKENIZERS[name].ignore_merges)
    assert header.integer("tokenizer.ggml.eos_token_id") == stops[1]
    assert header.integer("tokenizer.ggml.padding_token_id") == stops[0]
    assert header.stop_token_ids == (stops[1], stops[0])
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    for text in (*TEXTS, "<|im_start|>user\nHi <tool_call>x<|im_end|>\n"):
        composed = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text  # llama.cpp never does it
        assert model.tokenize(composed.encode(), add_bos=False, special=True) == tokenizer.encode(text).ids, text
    model.close()


@pytest.mark.parametrize("prefix", [True, False])
def test_sentencepiece_model_gives_the_same_ids_in_llama_cpp(tmp_path: Path, prefix: bool) -> None:
    raw = train_sentencepiece(add_dummy_prefix=prefix)
    reference = sentencepiece.SentencePieceProcessor(model_proto=raw)
    size = reference.vocab_size()
    added = {str(size): {"content": "<|im_end|>", "special": True}, "1": {"content": "<s>", "special": True}}
    files = {
        "tokenizer.model": raw,
        "tokenizer_config.json": json.dumps({"added_tokens_decoder": added, "eos_token": "</s>"}).encode(),
    }
    path = to_gguf(write_model(tmp_path / "hf", files, size + 1), tmp_path / "out")

    header = read_header(path)
    assert (header.bos_token_id, header.add_bos) == (1, True)
    assert set(header.stop_token_ids) == {2, size}
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    for text in filter(None, TEXTS):
        assert model.tokenize(text.encode(), add_bos=False, special=True) == reference.encode(text), text
    assert model.tokenize(b"<|im_end|>", add_bos=False, special=True) == [size]
    model.close()


def test_converted_sentencepiece_vocabulary_gives_the_same_ids_in_llama_cpp(tmp_path: Path) -> None:
    from transformers import LlamaTokenizerFast

    raw = train_sentencepiece()
    (tmp_path / "tokenizer.model").write_bytes(raw)
    converted = LlamaTokenizerFast(str(tmp_path / "tokenizer.model"), legacy=False).backend_tokenizer
    size = converted.get_vocab_size()
    path = to_gguf(write_model(tmp_path / "hf", {"tokenizer.json": converted.to_str().encode()}, size), tmp_path / "out")

    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    for text in filter(None, TEXTS):
        ids = converted.encode(text, add_special_tokens=False).ids
        assert model.tokenize(text.encode(), add_bos=False, special=True) == ids, text
    model.close()


def test_rows_without_a_token_are_named_and_unused(tmp_path: Path) -> None:
    tokenizer = train_byte_level("gpt-2")
    size = tokenizer.get_vocab_size()
    files = {"tokenizer.json": tokenizer.to_str().encode()}
    header = read_header(to_gguf(write_model(tmp_path / "hf", files, size + 5), tmp_path / "out"))
    assert list(header.strings("tokenizer.ggml.tokens")[size:]) == [f"[PAD{index}]" for index in range(size, size + 5)]
    assert list(header.numbers("tokenizer.ggml.token_type"))[size:] == [5] * 5


def _no_bpe(document: dict[str, Any]) -> None:
    document["model"] = {"type": "Unigram", "vocab": [["a", -1.0]]}


def _other_words(document: dict[str, Any]) -> None:
    document["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = r"\w+|\W+"


def _lower_case(document: dict[str, Any]) -> None:
    document["normalizer"] = {"type": "Lowercase"}


def _greedy_special(document: dict[str, Any]) -> None:
    document["added_tokens"][0]["rstrip"] = True


def _no_bytes(document: dict[str, Any]) -> None:
    document["pre_tokenizer"] = {"type": "Whitespace"}


def _no_merges(document: dict[str, Any]) -> None:
    document["model"]["merges"] = []


@pytest.mark.parametrize("change", [_no_bpe, _other_words, _lower_case, _greedy_special, _no_bytes, _no_merges])
def test_what_llama_cpp_cannot_follow_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(train_byte_level("gpt-2").to_str())
    change(document)
    folder = write_model(tmp_path / "hf", {"tokenizer.json": json.dumps(document).encode()}, 600)
    with pytest.raises(UnsupportedModelError, match=r"tokenizer\.json: .*--format onnx"):
        to_gguf(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [{"model_type": "unigram", "vocab_size": 370}, {"normalization_rule_name": "nmt_nfkc"}])
def test_sentencepiece_that_llama_cpp_cannot_follow_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    folder = write_model(tmp_path / "hf", {"tokenizer.model": train_sentencepiece(**options)}, 500)
    with pytest.raises(UnsupportedModelError, match=r"tokenizer\.model .*--format onnx"):
        to_gguf(folder, tmp_path / "out")


@pytest.mark.parametrize(
    "files",
    [
        {"tokenizer.json": b'{"model": {"type":"BPE","vocab":[],"merges":["a b"]}, "pre_tokenizer": {"type": "ByteLevel"}}'},
        {"tokenizer.json": b'{"model": {"type": "BPE", "vocab": {"a": -1}}, "pre_tokenizer": {"type": "ByteLevel"}}'},
        {"tokenizer.json": b'{"model": {"type": "BPE"}, "pre_tokenizer": [1]}'},
        {"tokenizer.json": b'{"model": 3}'},
        {"tokenizer.json": b"{}"},
        {"tokenizer.model": b"\xff\xfe\x00 not a model"},
        {"tokenizer.model": b""},
    ],
)
def test_malformed_vocabulary_is_a_tokenizer_error(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(TokenizerError, match="tokenizer"):
        to_gguf(write_model(tmp_path / "hf", files, 300), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_vocabulary_larger_than_the_embedding_is_refused(tmp_path: Path) -> None:
    files = {"tokenizer.json": train_byte_level("gpt-2").to_str().encode()}
    with pytest.raises(TokenizerError, match="has no row in an embedding of 300 rows"):
        to_gguf(write_model(tmp_path / "hf", files, 300), tmp_path / "out")


def test_tokens_that_llama_cpp_would_die_on_are_refused(tmp_path: Path) -> None:
    for name, text in (("twice", "Ġ"), ("zero", "Ġ\0x")):
        document = json.loads(train_byte_level("gpt-2").to_str())
        document["added_tokens"].append({"id": 590, "content": text, "special": False})
        folder = write_model(tmp_path / name, {"tokenizer.json": json.dumps(document).encode()}, 600)
        with pytest.raises(TokenizerError, match="1 of its 600 tokens have the text of another one"):
            to_gguf(folder, tmp_path / "out")


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the values of a JSON document are; of long lists and objects, the first few."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [found for key, item in list(inside)[:12] for found in paths_of(item, (*path, key))]


DOCUMENT = train_byte_level("qwen2").to_str()
JUNK = st.one_of(st.none(), st.booleans(), st.integers(-2, 1 << 70), st.floats(), st.text(max_size=4), st.just([]), st.just({}))


@settings(max_examples=200, deadline=None)
@given(place=st.sampled_from(paths_of(json.loads(DOCUMENT))), junk=st.one_of(JUNK, st.lists(JUNK, max_size=3)))
def test_damaged_tokenizer_json_raises_nothing_but_our_errors(place: tuple[Any, ...], junk: Any) -> None:
    document = json.loads(DOCUMENT)
    parent = document
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = junk
    with contextlib.suppress(TokenizerError, UnsupportedModelError):
        read_tokenizer_json(document, "tokenizer.json")


def test_text_that_is_no_unicode_is_refused(tmp_path: Path) -> None:
    raw = train_byte_level("gpt-2").to_str().replace('"<tool_call>"', '"\\ud800"').encode()
    with pytest.raises(TokenizerError, match="is not Unicode"):
        to_gguf(write_model(tmp_path / "hf", {"tokenizer.json": raw}, 600), tmp_path / "out")
