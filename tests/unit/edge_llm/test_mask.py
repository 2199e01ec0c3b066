"""Masks over every kind of vocabulary file: whatever is chosen, the bytes are the constraint's."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pytest
import sentencepiece
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_llm.constrain import Constraint
from edge_llm.continuation import encode_continuation
from edge_llm.mask import MaskMaker
from runtimes.gguf import read_header
from runtimes.gguf_vocabulary import tokenizer_json
from runtimes.tokenizer import Tokenizer, open_tokenizer
from tests.unit.runtimes.conftest import byte_level_vocabulary, llama, sentencepiece_vocabulary

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("bpe.json", "pieces.json", "tokenizer.model", "nfkc.model", "bpe.gguf", "pieces.gguf")
TEXTS = [
    "the quick brown fox hugs the lazy dogs",
    " hi",
    "  hello",
    "fox\n\n dog",
    "東京 🗼",
    "a\x00b",
    "é ﬁ Ａ",
    '{"a": "b"}',
    "<|im_end|>",
]
many = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


def train(path: Path, rule: str) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the quick brown fox hugs the lazy dogs, hi hello"] * 8),
        model_writer=model,
        model_type="bpe",
        vocab_size=310,
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name=rule,
        remove_extra_whitespaces=rule != "identity",
        control_symbols=["<|im_start|>", "<|im_end|>"],
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One vocabulary file of each kind."""
    root = tmp_path_factory.mktemp("vocabularies")
    for name, vocabulary in (("bpe", byte_level_vocabulary), ("pieces", sentencepiece_vocabulary)):
        llama(vocabulary()).write(root / f"{name}.gguf")
        (root / f"{name}.json").write_text(tokenizer_json(read_header(root / f"{name}.gguf")), encoding="utf-8")
    train(root / "tokenizer.model", "identity")
    train(root / "nfkc.model", "nmt_nfkc")
    return root


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request: pytest.FixtureRequest, folder: Path) -> Tokenizer:
    """Each kind in turn."""
    return open_tokenizer(folder / request.param)


@pytest.fixture(scope="module")
def masks(tokenizer: Tokenizer) -> MaskMaker:
    return MaskMaker(tokenizer, sorted(tokenizer.special_ids)[-1:])


def written(tokenizer: Tokenizer, masks: MaskMaker, constraint: Constraint, seed: int) -> tuple[bytes, int]:
    """What comes of random logits, and how many of its tokens were forced."""
    mask, random, ids, forced = masks.start(constraint), np.random.default_rng(seed), [], 0
    while not mask.ended and len(ids) < 300:
        if sure := mask.forced():
            forced += len(sure)
        else:
            logits = random.standard_normal(tokenizer.vocabulary_size).astype(np.float32)
            sure = [int(mask.apply(logits).argmax())]
            if sure[0] in tokenizer.special_ids:
                assert mask.satisfied
                break
        for token in sure:
            mask.accept(token)
        ids += sure
    return b"".join(map(tokenizer.token_bytes, ids)), forced


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_determined_is_written_to_the_byte(tokenizer: Tokenizer, masks: MaskMaker, text: str) -> None:
    assert written(tokenizer, masks, Constraint.choices([text]), 0)[0] == text.encode()
    for other in ("the dogs", text + " fox"):
        assert written(tokenizer, masks, Constraint.choices([text, other]), 1)[0].decode() in (text, other)


@many
@given(seed=st.integers(0, 999))
def test_random_tokens_make_a_value_of_the_schema(tokenizer: Tokenizer, masks: MaskMaker, seed: int) -> None:
    schema = {
        "type": "object",
        "properties": {
            "the quick fox": {"type": "string", "maxLength": 5},
            "狐": {"enum": ["hugs the dogs", "é", None]},
            "n": {"type": "integer", "minimum": 1, "maximum": 300},
        },
    }
    text, forced = written(tokenizer, masks, Constraint.json_schema(schema), seed)
    value = json.loads(text)
    assert list(value) == ["the quick fox", "狐", "n"]
    assert forced > 3
    assert value["the quick fox"] is None or len(value["the quick fox"]) <= 5


@many
@given(seed=st.integers(0, 999))
def test_random_tokens_match_a_pattern(tokenizer: Tokenizer, masks: MaskMaker, seed: int) -> None:
    pattern = "(the |é)(fox|東|dog){1,3} ?"
    assert re.fullmatch(pattern, written(tokenizer, masks, Constraint.regex(pattern), seed)[0].decode())


def test_control_tokens_are_never_part_of_it(tokenizer: Tokenizer, masks: MaskMaker) -> None:
    mask = masks.start(Constraint.regex(r"(.|\n)+"))
    allowed = np.isfinite(mask.apply(np.zeros(tokenizer.vocabulary_size, np.float32)))
    assert not any(allowed[token] for token in tokenizer.special_ids)
    assert allowed.sum() > 100


def test_padding_of_the_logits_is_not_allowed(tokenizer: Tokenizer) -> None:
    size = tokenizer.vocabulary_size
    mask = MaskMaker(tokenizer, []).start(Constraint.regex("(.|\n)*"))
    assert not np.isfinite(mask.apply(np.zeros(size + 9, np.float32))[size:]).any()
    assert mask.apply(np.zeros(size - 9, np.float32)).shape == (size - 9,)


def test_only_a_draft_that_may_come_is_let_through(tokenizer: Tokenizer, masks: MaskMaker) -> None:
    mask = masks.start(Constraint.choices(["the fox hugs", "the dogs"]))
    ids = encode_continuation(tokenizer, "the fox")
    assert mask.allowed_of(ids) == len(ids)
    assert mask.allowed_of([*ids, ids[0], ids[0]]) == len(ids)
    assert mask.allowed_of([]) == 0
    for token in ids:  # asking changed nothing
        mask.accept(token)


@pytest.mark.parametrize("text", TEXTS)
def test_a_continuation_adds_its_text_and_no_more(tokenizer: Tokenizer, text: str) -> None:
    added = b"".join(map(tokenizer.token_bytes, encode_continuation(tokenizer, text))).decode()
    if added != text:  # the vocabulary rewrites texts
        assert added.split() == unicodedata.normalize("NFKC", text).replace("\x00", "").split()
        assert text in (" hi", "  hello", "fox\n\n dog", "a\x00b", "é ﬁ Ａ")
