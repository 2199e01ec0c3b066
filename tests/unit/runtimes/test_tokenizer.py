"""One interface over tokenizer.json, SentencePiece and GGUF vocabularies."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sentencepiece
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtimes.bundle import Bundle, Manifest
from runtimes.errors import InputError, PromptError, SourceError, TokenizerError
from runtimes.gguf import read_header
from runtimes.gguf_vocabulary import tokenizer_json
from runtimes.tokenizer import Tokenizer, open_bundle_tokenizer, open_tokenizer

from .conftest import BOOL, byte_level_vocabulary, llama, sentencepiece_vocabulary
from .texts import HARD

KINDS = ("tokenizer.json", "spm.json", "tokenizer.model", "bytes.gguf", "pieces.gguf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One vocabulary file of each kind."""
    root = tmp_path_factory.mktemp("vocabularies")
    for name, vocabulary in (("bytes.gguf", byte_level_vocabulary), ("pieces.gguf", sentencepiece_vocabulary)):
        llama(vocabulary()).set("tokenizer.ggml.add_bos_token", BOOL, 1).write(root / name)
    for name, source in (("tokenizer.json", "bytes.gguf"), ("spm.json", "pieces.gguf")):
        (root / name).write_text(tokenizer_json(read_header(root / source)), encoding="utf-8")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the quick brown fox hugs the lazy dogs, hi hello"] * 8),
        model_writer=model,
        model_type="bpe",
        vocab_size=310,
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        control_symbols=["<|im_start|>", "<|im_end|>", "<|im_end|>!"],
        minloglevel=2,
    )
    (root / "tokenizer.model").write_bytes(model.getvalue())
    return root


@pytest.fixture(params=KINDS)
def tokenizer(request: pytest.FixtureRequest, folder: Path) -> Tokenizer:
    """Each kind in turn."""
    return open_tokenizer(folder / request.param)


def text_of(tokenizer: Tokenizer, ids: list[int]) -> str:
    """What the ids say, without the space SentencePiece puts before every text."""
    joined = b"".join(tokenizer.token_bytes(index) for index in ids).decode("utf-8", errors="replace")
    return joined.removeprefix(" ")


def test_round_trip(tokenizer: Tokenizer) -> None:
    for text in ("hello ab 中文 😀\n\ttabs", "x", "", HARD.split("\n")[0], " ab", "  ", "é\u0000"):
        ids = tokenizer.encode(text, special=False)
        assert tokenizer.decode(ids) in (text, f" {text}"), "SentencePiece puts a space before a text"
        assert all(0 <= index < tokenizer.vocabulary_size for index in ids)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_any_text_survives(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text, special=False)
    joined = b"".join(tokenizer.token_bytes(index) for index in ids)
    assert joined in (text.encode(), b" " + text.encode())
    assert tokenizer.decode(ids) == joined.decode()


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=st.lists(st.integers(-3, 700), max_size=20))
def test_decode_is_the_joined_bytes(tokenizer: Tokenizer, ids: list[int]) -> None:
    joined = b"".join(tokenizer.token_bytes(index) for index in ids)
    assert tokenizer.decode(ids) == joined.decode("utf-8", errors="replace")


def test_a_character_in_pieces(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("🦜", special=False)
    assert len(ids) >= 4, "the vocabularies spell this one in bytes"
    assert tokenizer.decode(ids[:-1]).endswith("\ufffd")


@pytest.mark.parametrize("kind", ["tokenizer.json", "tokenizer.model", "bytes.gguf"])
def test_special_text_is_special_only_when_allowed(folder: Path, kind: str) -> None:
    tokenizer = open_tokenizer(folder / kind)
    text = "hi<|im_end|><|im_start|>x"
    read = tokenizer.encode(text)
    assert len([index for index in read if index in tokenizer.special_ids]) == 2
    plain = tokenizer.encode(text, special=False)
    assert not tokenizer.special_ids.intersection(plain)
    assert text_of(tokenizer, plain) == text
    assert "<|" not in tokenizer.decode(read)
    assert tokenizer.encode(text) == read, "the setting of one call does not leak into the next"


def test_the_longest_special_token_wins(folder: Path) -> None:
    tokenizer = open_tokenizer(folder / "tokenizer.model")
    assert [tokenizer.token_text(index) for index in tokenizer.encode("<|im_end|>!<|im_end|>")] == ["<|im_end|>!", "<|im_end|>"]


def test_special_tokens_add_no_bytes(tokenizer: Tokenizer) -> None:
    assert tokenizer.special_ids
    assert all(tokenizer.token_bytes(index) == b"" for index in tokenizer.special_ids)


def test_special_text_is_what_encode_reads(tokenizer: Tokenizer) -> None:
    for index in tokenizer.special_ids:
        if tokenizer.token_text(index) != "<unk>":  # SentencePiece has no text for it
            assert tokenizer.encode(tokenizer.token_text(index)) == [index]
    assert tokenizer.token_text(-1) == tokenizer.token_text(tokenizer.vocabulary_size) == ""


def test_ids_without_a_token_add_no_bytes(tokenizer: Tokenizer) -> None:
    for index in (-1, tokenizer.vocabulary_size, 1 << 31, 1 << 40):
        assert tokenizer.token_bytes(index) == b""
    assert tokenizer.decode([-5, 1 << 40]) == ""


def test_bos_is_put_once(tokenizer: Tokenizer) -> None:
    bos = tokenizer.bos_id
    assert bos is not None
    ids = tokenizer.encode("ab", bos=True)
    assert ids[0] == bos
    assert ids[1:] == tokenizer.encode("ab")
    assert tokenizer.encode("", bos=True) == [bos]


def test_a_template_that_wrote_bos_is_not_given_another(folder: Path) -> None:
    for kind, text in (("bytes.gguf", "<|im_start|>ab"), ("pieces.gguf", "<s>ab"), ("tokenizer.model", "<s>ab")):
        tokenizer = open_tokenizer(folder / kind)
        assert tokenizer.encode(text, bos=True) == tokenizer.encode(text)


def test_no_bos_where_the_model_wants_none(tmp_path: Path) -> None:
    path = llama(byte_level_vocabulary()).write(tmp_path / "model.gguf")
    tokenizer = open_tokenizer(path)
    assert tokenizer.bos_id == read_header(path).bos_token_id
    assert tokenizer.encode("ab", bos=True) == tokenizer.encode("ab")


def test_truncation_and_padding_of_a_file_are_ignored(folder: Path, tmp_path: Path) -> None:
    document = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    document["truncation"] = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
    document["padding"] = {
        "strategy": {"Fixed": 64},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "!",
    }
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert open_tokenizer(path).encode("hello in") == open_tokenizer(folder / "tokenizer.json").encode("hello in")


def test_half_characters_are_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(PromptError, match="position 2"):
        tokenizer.encode("ab\ud83d")


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads take turns between almost any two steps."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("eager_threads")
def test_threads_share_one(tokenizer: Tokenizer) -> None:
    expected = {special: tokenizer.encode(HARD, special=special) for special in (True, False)}
    with ThreadPoolExecutor(8) as pool:
        work = [(special, pool.submit(tokenizer.encode, HARD, special=special)) for special in (True, False) * 40]
    assert all(future.result() == expected[special] for special, future in work)


def test_bundle(folder: Path) -> None:
    manifest = Manifest("n", "onnx", "llama", "model.onnx", 64, 266, tokenizer="tokenizer.json", bos_token_id=3)
    assert open_bundle_tokenizer(Bundle(folder, manifest)).encode("hello") == [259]
    without = Manifest("n", "onnx", "llama", "model.onnx", 64, 266)
    with pytest.raises(TokenizerError, match="no tokenizer"):
        open_bundle_tokenizer(Bundle(folder, without))


@pytest.mark.parametrize("name", ["absent.json", "vocab.txt", "empty.json", "empty.model"])
def test_files_that_are_none(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name != "absent.json":
        path.write_bytes(b"text" if name == "vocab.txt" else b"")
    with pytest.raises(TokenizerError, match=name):
        open_tokenizer(path)


HOSTILE = {
    "not JSON": b"{",
    "no model": b'{"version":"1.0"}',
    "deep": b"[" * 200_000,
    "not UTF-8": b'{"version":"\xff"}',
    "list": b"[]",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_json(tmp_path: Path, case: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(HOSTILE[case])
    with pytest.raises(TokenizerError, match=r"tokenizer\.json is not a valid"):
        open_tokenizer(path)


PARTS = {
    "panicking normalizer": ("normalizer", {"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
    "broken expression": (
        "pre_tokenizer",
        {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated", "invert": False},
    ),
    "no decoder": ("decoder", None),
    "another decoder": ("decoder", {"type": "WordPiece", "prefix": "##", "cleanup": True}),
    "merge of unknown tokens": ("model", {"type": "BPE", "vocab": {"a": 0}, "merges": ["x y"]}),
}


@pytest.mark.parametrize("case", PARTS)
def test_hostile_parts(folder: Path, tmp_path: Path, case: str) -> None:
    document = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    key, value = PARTS[case]
    document[key] = value
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        open_tokenizer(path)


def test_a_text_no_token_can_write(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    decoder = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": False}
    model = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "[UNK]"}
    path.write_text(json.dumps({"version": "1.0", "added_tokens": [], "decoder": decoder, "model": model}), encoding="utf-8")
    with pytest.raises(TokenizerError, match="cannot tokenize this text"):
        open_tokenizer(path).encode("zebra")


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 1 << 16), byte=st.integers(0, 255), cut=st.none() | st.integers(0, 1 << 14))
@pytest.mark.parametrize("kind", ["tokenizer.json", "pieces.gguf"])
def test_damage_is_read_or_refused(folder: Path, tmp_path: Path, kind: str, place: int, byte: int, cut: int | None) -> None:
    raw = bytearray((folder / kind).read_bytes())
    raw[place % len(raw)] = byte
    path = tmp_path / kind
    path.write_bytes(raw[:cut])
    try:
        opened = open_tokenizer(path)
        opened.decode(opened.encode("hello ab 中", bos=True))
    except (TokenizerError, SourceError) as error:
        message = str(error)
    else:
        return
    assert str(path) in message


def test_damaged_sentencepiece_models_are_refused(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "tokenizer.model").read_bytes()
    path = tmp_path / "tokenizer.model"
    for raw in (b"noise", base64.b64encode(whole), whole[: len(whole) // 2], bytes(4096)):
        path.write_bytes(raw)
        with pytest.raises(InputError, match=r"tokenizer\.model is not a valid SentencePiece model"):
            open_tokenizer(path)


def test_import_loads_no_library() -> None:
    code = "import sys, runtimes.tokenizer; print({'tokenizers', 'sentencepiece', 'numpy', 'gguf'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
