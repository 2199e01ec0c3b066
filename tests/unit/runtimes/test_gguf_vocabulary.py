"""A GGUF vocabulary rebuilt as tokenizer.json gives llama.cpp's ids."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sentencepiece
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtimes.errors import TokenizerError, UnsupportedModelError
from runtimes.gguf import read_header
from runtimes.gguf_pretokenizers import PRE_TOKENIZERS
from runtimes.gguf_vocabulary import tokenizer_json
from runtimes.tokenizer import open_tokenizer

from .conftest import BOOL, F32, I32, STRING, U32, Entry, GGUFBuilder, byte_level_vocabulary, llama, sentencepiece_vocabulary
from .llama_reference import llama_vocabulary
from .texts import HARD

Write = Callable[[GGUFBuilder], Path]

WORDS = (
    "in",
    "ing",
    "he",
    "ll",
    "llo",
    "hello",
    "Ġhe",
    "Ġhello",
    "12",
    "34",
    "123",
    "ĠĠ",
    "ĊĊ",
    "'s",
    "'t",
    "'T",
    "ĠĠĠĠ",
    "ä¸",
)


@pytest.fixture(scope="module")
def trained() -> bytes:
    """A SentencePiece BPE model with byte fallback, trained on the hard text and some repetition."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(HARD.split("\n") * 3 + ["the quick brown fox jumps over the lazy dog " * 4]),
        model_writer=model,
        model_type="bpe",
        vocab_size=640,
        byte_fallback=True,
        character_coverage=0.98,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        user_defined_symbols=["<|im_start|>", "<|im_end|>"],
        minloglevel=2,
    )
    return model.getvalue()


def as_gguf(model: bytes) -> GGUFBuilder:
    """The GGUF form of a SentencePiece model, as llama.cpp's converter writes it."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    size = processor.get_piece_size()
    kinds = [
        2 if processor.is_unknown(index) else 3 if processor.is_control(index) else 6 if processor.is_byte(index) else 1
        for index in range(size)
    ]
    pieces = [processor.id_to_piece(index) for index in range(size)]
    kinds = [4 if piece.startswith("<|") else kind for piece, kind in zip(pieces, kinds, strict=True)]
    entries = [
        Entry("tokenizer.ggml.model", STRING, "llama"),
        Entry("tokenizer.ggml.tokens", STRING, pieces),
        Entry("tokenizer.ggml.scores", F32, [processor.get_score(index) for index in range(size)]),
        Entry("tokenizer.ggml.token_type", I32, kinds),
        Entry("tokenizer.ggml.bos_token_id", U32, processor.bos_id()),
        Entry("tokenizer.ggml.eos_token_id", U32, processor.eos_id()),
        Entry("tokenizer.ggml.unknown_token_id", U32, processor.unk_id()),
    ]
    return llama(entries)


@pytest.mark.parametrize("name", sorted(PRE_TOKENIZERS))
def test_every_pre_tokenizer_cuts_as_llama_cpp_does(tmp_path: Path, name: str) -> None:
    path = (
        llama(byte_level_vocabulary(WORDS, whole=("Ġworld", "ĉtabs")))
        .set("tokenizer.ggml.pre", STRING, name)
        .write(tmp_path / "model.gguf")
    )
    mine = open_tokenizer(path)
    with llama_vocabulary(path) as reference:
        assert reference.adds_bos == read_header(path).add_bos
        for text in (HARD, *HARD.split("\n")):
            for special in (True, False):
                assert mine.encode(text, special=special) == reference.encode(text, special=special)
        assert mine.encode("hello", bos=True) == reference.encode("hello", bos=True)


@pytest.mark.parametrize(("name", "composed"), [("qwen2", True), ("qwen35", True), ("gpt-2", False)])
def test_characters_are_composed_where_the_model_learned_so(tmp_path: Path, name: str, composed: bool) -> None:
    path = llama(byte_level_vocabulary(WORDS)).set("tokenizer.ggml.pre", STRING, name).write(tmp_path / "model.gguf")
    tokenizer = open_tokenizer(path)
    assert (tokenizer.encode("cafe\u0301") == tokenizer.encode("caf\u00e9")) is composed


@pytest.mark.parametrize("prefix", [True, False])
def test_sentencepiece_ids_are_llama_cpps(tmp_path: Path, trained: bytes, prefix: bool) -> None:
    path = as_gguf(trained).set("tokenizer.ggml.add_space_prefix", BOOL, prefix).write(tmp_path / "model.gguf")
    mine = open_tokenizer(path)
    with llama_vocabulary(path) as reference:
        for text in (HARD, *HARD.split("\n")):
            for special in (True, False):
                assert mine.encode(text, bos=True, special=special) == reference.encode(text, bos=True, special=special)


def test_sentencepiece_ids_are_sentencepieces(tmp_path: Path, trained: bytes) -> None:
    path = as_gguf(trained).write(tmp_path / "model.gguf")
    mine, reference = open_tokenizer(path), sentencepiece.SentencePieceProcessor(model_proto=trained)
    for text in HARD.replace("<", "(").split("\n"):
        assert mine.encode(text) == reference.encode(text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(text=st.text(st.sampled_from("ab \u2581\n\té中😀<>0xF"), max_size=40))
def test_any_text_gives_llama_cpps_ids(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.gguf"
    if not path.exists():
        llama(sentencepiece_vocabulary()).write(path)
    mine = open_tokenizer(path)
    with llama_vocabulary(path) as reference:
        assert mine.encode(text) == reference.encode(text)


@pytest.mark.parametrize("vocabulary", [byte_level_vocabulary, sentencepiece_vocabulary])
def test_pieces_and_stops_are_llama_cpps(tmp_path: Path, vocabulary: Callable[[], list[Entry]]) -> None:
    path = llama(vocabulary()).write(tmp_path / "model.gguf")
    mine = open_tokenizer(path)
    with llama_vocabulary(path) as reference:
        assert mine.vocabulary_size == reference.size
        assert [mine.token_bytes(index) for index in range(reference.size)] == [
            reference.token_bytes(index) for index in range(reference.size)
        ]
        assert tuple(sorted(read_header(path).stop_token_ids)) == reference.stop_ids()


@pytest.mark.parametrize(("kind", "special"), [(2, True), (3, True), (4, False)])
def test_token_types_decide_what_is_matched_first(tmp_path: Path, kind: int, special: bool) -> None:
    builder = llama(byte_level_vocabulary())
    kinds = [1] * builder.tensors[0].dimensions[1]
    kinds[262] = kind
    mine = open_tokenizer(builder.set("tokenizer.ggml.token_type", I32, kinds).write(tmp_path / "model.gguf"))
    assert mine.token_text(262) == "in"
    assert mine.encode("sing")[1] == 262, "the merges would make `ing` of it"
    assert (262 in mine.special_ids) is special
    assert mine.encode("sing", special=False)[1] == (263 if special else 262)


def test_result_is_canonical_json(tiny: GGUFBuilder, write: Write) -> None:
    text = tokenizer_json(read_header(write(tiny)))
    document = json.loads(text)
    assert document["version"] == "1.0"
    assert document["model"]["type"] == "BPE"
    assert document["model"]["vocab"]["hello"] == 259
    assert document["model"]["merges"][0] == "h e"
    assert [token["content"] for token in document["added_tokens"]] == ["<|im_start|>", "<|im_end|>"]
    assert tokenizer_json(read_header(write(tiny))) == text


def test_missing_and_unknown_vocabularies(tiny: GGUFBuilder, write: Write) -> None:
    with pytest.raises(UnsupportedModelError, match="'cuneiform'"):
        open_tokenizer(write(tiny.set("tokenizer.ggml.pre", STRING, "cuneiform")))
    for key in ("tokens", "token_type", "merges", "bos_token_id", "eos_token_id", "model"):
        tiny.drop(f"tokenizer.ggml.{key}")
    with pytest.raises(TokenizerError, match="holds no vocabulary"):
        open_tokenizer(write(tiny))


def test_scores_are_needed(tmp_path: Path) -> None:
    path = llama(sentencepiece_vocabulary()).drop("tokenizer.ggml.scores").write(tmp_path / "model.gguf")
    with pytest.raises(TokenizerError, match="0 scores for 265"):
        open_tokenizer(path)


def test_tokens_a_sentencepiece_file_does_not_name_are_the_usual_ones(tmp_path: Path) -> None:
    builder = llama(sentencepiece_vocabulary())
    usual = open_tokenizer(builder.write(tmp_path / "named.gguf"))
    builder.drop("tokenizer.ggml.bos_token_id").drop("tokenizer.ggml.eos_token_id")
    builder.set("tokenizer.ggml.unknown_token_id", U32, (1 << 32) - 1)
    path = builder.write(tmp_path / "model.gguf")
    mine = open_tokenizer(path)
    with llama_vocabulary(path) as reference:
        assert mine.encode("ab", bos=True) == reference.encode("ab", bos=True) == usual.encode("ab", bos=True)
        assert read_header(path).stop_token_ids == reference.stop_ids() == (2,)


def test_monstrous_pieces_are_refused_at_once(tmp_path: Path) -> None:
    builder = llama(sentencepiece_vocabulary())
    builder.tensors = []
    pieces = [f"{index:06}" + "a" * 20_000 for index in range(3)]
    builder.set("tokenizer.ggml.tokens", STRING, ["<unk>", "<s>", "</s>", *pieces])
    builder.set("tokenizer.ggml.scores", F32, [0.0] * 6).set("tokenizer.ggml.token_type", I32, [2, 3, 3, 1, 1, 1])
    with pytest.raises(TokenizerError, match="far longer"):
        open_tokenizer(builder.write(tmp_path / "model.gguf"))


@pytest.mark.parametrize("merges", [["he"], ["h", "e"], ["no such"], [""]])
def test_malformed_merges(tiny: GGUFBuilder, write: Write, merges: list[str]) -> None:
    with pytest.raises(TokenizerError, match=r"model\.gguf"):
        open_tokenizer(write(tiny.set("tokenizer.ggml.merges", STRING, merges)))
