"""Token ids of the real model's vocabulary equal those of llama.cpp and of the `tokenizers` library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tokenizers import AddedToken, decoders, models, pre_tokenizers
from tokenizers import Tokenizer as Backend

from runtimes.gguf import read_header
from runtimes.gguf_pretokenizers import PRE_TOKENIZERS
from runtimes.tokenizer import Tokenizer, open_tokenizer
from tests.unit.runtimes.conftest import I32, STRING, U32, Entry, GGUFBuilder
from tests.unit.runtimes.llama_reference import LlamaVocabulary, llama_vocabulary
from tests.unit.runtimes.texts import HARD

WORDS = "The 1,024 quick   brown foxes' den wasn't far; naïve 東京 Москва\n\n" * 200


@pytest.fixture(scope="module")
def mine(smol_gguf: Path) -> Tokenizer:
    """Our tokenizer over the model's GGUF vocabulary."""
    return open_tokenizer(smol_gguf)


@pytest.fixture(scope="module")
def reference(smol_gguf: Path) -> Iterator[LlamaVocabulary]:
    """llama.cpp's tokenizer over the same file."""
    with llama_vocabulary(smol_gguf) as vocabulary:
        yield vocabulary


@pytest.fixture(scope="module")
def hugging_face(smol_gguf: Path) -> Backend:
    """What SmolLM2's published tokenizer.json describes (digits alone, then GPT-2's byte level), put together by hand."""
    header = read_header(smol_gguf)
    tokens = header.strings("tokenizer.ggml.tokens")
    merges = [(left, right) for left, right in (merge.split(" ") for merge in header.strings("tokenizer.ggml.merges"))]
    backend = Backend(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    backend.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    backend.decoder = decoders.ByteLevel()
    kinds = header.numbers("tokenizer.ggml.token_type")
    backend.add_special_tokens([AddedToken(tokens[index], special=True) for index, kind in enumerate(kinds) if kind == 3])
    return backend


@pytest.mark.parametrize("text", [HARD, *HARD.split("\n"), WORDS])
def test_ids_equal_both_references(mine: Tokenizer, reference: LlamaVocabulary, hugging_face: Backend, text: str) -> None:
    ids = mine.encode(text)
    assert ids == reference.encode(text)
    assert ids == hugging_face.encode(text, add_special_tokens=False).ids
    assert mine.encode(text, special=False) == reference.encode(text, special=False)
    assert mine.decode(mine.encode(text, special=False)) == text


def test_every_piece_and_stop_token_equals_llama_cpp(mine: Tokenizer, reference: LlamaVocabulary, smol_gguf: Path) -> None:
    assert mine.vocabulary_size == reference.size
    differing = [index for index in range(reference.size) if mine.token_bytes(index) != reference.token_bytes(index)]
    assert differing == []
    header = read_header(smol_gguf)
    assert tuple(sorted(header.stop_token_ids)) == reference.stop_ids()
    assert header.stop_token_ids[0] == header.integer("tokenizer.ggml.eos_token_id")
    assert header.add_bos == reference.adds_bos


@pytest.mark.parametrize(
    "name", ["llama-bpe", "qwen2", "gpt-4o", "tekken", "deepseek-v3", "deepseek-coder", "default", "falcon"]
)
def test_other_pre_tokenizers_on_real_merges(smol_gguf: Path, tmp_path: Path, name: str) -> None:
    header = read_header(smol_gguf)
    entries = [Entry("general.architecture", STRING, "llama"), Entry("tokenizer.ggml.model", STRING, "gpt2")]
    for key, kind in (("tokens", STRING), ("merges", STRING), ("token_type", I32)):
        values = header.strings(f"tokenizer.ggml.{key}") if kind == STRING else header.numbers(f"tokenizer.ggml.{key}")
        entries.append(Entry(f"tokenizer.ggml.{key}", kind, list(values)))
    entries += [Entry("tokenizer.ggml.pre", STRING, name), Entry("tokenizer.ggml.bos_token_id", U32, 1)]
    path = GGUFBuilder(entries).write(tmp_path / "vocabulary.gguf")
    assert PRE_TOKENIZERS[name]
    tokenizer = open_tokenizer(path)
    with llama_vocabulary(path) as other:
        for text in (HARD, WORDS):
            assert tokenizer.encode(text) == other.encode(text)
