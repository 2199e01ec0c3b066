"""Tiny real things that several tests share: a byte-level tokenizer and a bundle for the fake runtime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from runtimes.bundle import Manifest, write_bundle

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_tokenizer() -> Tokenizer:
    """256 single bytes and three special tokens; a text's ids are its UTF-8 bytes' places in GPT-2's alphabet."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={symbol: index for index, symbol in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def write_fake_bundle(path: Path, *, answers: Sequence[str] | None = None, context_length: int = 512, seed: int = 0) -> Path:
    """A bundle for the fake runtime that gives `answers` in turn, or nonsense from `seed`."""
    tokenizer = byte_tokenizer()
    end = tokenizer.token_to_id("<|im_end|>")
    model: dict[str, object] = {"vocabulary_size": tokenizer.get_vocab_size(), "context_length": context_length}
    if answers is None:
        model["seed"] = seed
    else:
        model["script"] = [[*tokenizer.encode(answer).ids, end] for answer in answers]
    with write_bundle(path) as writer:
        (writer.directory / "fake.json").write_text(json.dumps(model), encoding="utf-8")
        (writer.directory / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
        (writer.directory / "chat_template.jinja").write_text(CHATML, encoding="utf-8")
        writer.finish(
            Manifest(
                name="fake",
                format="fake",
                family="fake",
                model="fake.json",
                context_length=context_length,
                vocabulary_size=tokenizer.get_vocab_size(),
                tokenizer="tokenizer.json",
                chat_template="chat_template.jinja",
                stop_token_ids=(end,),
            )
        )
    return path
