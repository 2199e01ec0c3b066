"""A GGUF vocabulary as the text of a Hugging Face tokenizer.json.

Knows the two vocabularies nearly every model uses: byte-level BPE ("gpt2") and SentencePiece BPE ("llama"). The
result tokenizes as llama.cpp does with the same file, and is what the model's own tokenizer.json would be.
Format: https://huggingface.co/docs/tokenizers (no specification exists; the library's serialisation is the reference).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runtimes.errors import TokenizerError, UnsupportedModelError
from runtimes.gguf_pretokenizers import DIGIT, GPT2, PRE_TOKENIZERS, PreTokenizer
from runtimes.gguf_reader import AGAIN

if TYPE_CHECKING:
    from runtimes.gguf import GGUFHeader

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED, _BYTE = 1, 2, 3, 4, 5, 6
_MOST_CUTTING = 200_000_000  # sum of squared token lengths; the largest real vocabularies stay under a tenth of it
_SPACE = "\u2581"  # SentencePiece's visible space
_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def tokenizer_json(header: GGUFHeader) -> str:
    """The vocabulary of a GGUF file as tokenizer.json text (UTF-8, version "1.0").

    Raises:
        TokenizerError: the file has no vocabulary.
        UnsupportedModelError: another kind of vocabulary, or a pre-tokenizer this build does not know.
    """
    tokens = header.strings("tokenizer.ggml.tokens")
    if not tokens:
        raise TokenizerError(f"{header.path} holds no vocabulary. Use a GGUF file that was converted with its tokenizer.")
    kind = header.text("tokenizer.ggml.model")
    if kind == "gpt2":
        parts = _byte_level(header, tokens)
    elif kind == "llama":
        parts = _sentencepiece(header, tokens)
    else:
        raise UnsupportedModelError(
            f"{header.path} has a vocabulary of the kind {kind!r}; 'gpt2' (byte-level BPE) and 'llama' (SentencePiece) "
            "are supported. Use another model."
        )
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added_tokens(header, tokens),
        "normalizer": parts["normalizer"],
        "pre_tokenizer": parts["pre_tokenizer"],
        "post_processor": _post_processor(header, tokens),
        "decoder": parts["decoder"],
        "model": parts["model"],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def pre_tokenizer_of(header: GGUFHeader) -> PreTokenizer:
    """How a byte-level BPE file cuts text into words. Raises UnsupportedModelError for a name without a row."""
    name = header.text("tokenizer.ggml.pre") or "default"
    known = PRE_TOKENIZERS.get(name)
    if known is None:
        raise UnsupportedModelError(
            f"{header.path} cuts text with the pre-tokenizer {name!r}, which this build does not know. "
            "Update edge-llm, or use the model's Hugging Face directory, which brings its own tokenizer.json."
        )
    return known


def _byte_level(header: GGUFHeader, tokens: Sequence[str]) -> dict[str, Any]:
    cut = pre_tokenizer_of(header)
    steps = [_step(pattern, last=index == len(cut.patterns) - 1) for index, pattern in enumerate(cut.patterns)]
    if steps[-1]["type"] != "ByteLevel":
        steps.append({**_BYTE_LEVEL, "use_regex": False})
    return {
        "normalizer": {"type": "NFC"} if cut.nfc else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps} if len(steps) > 1 else steps[0],
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": _bpe(tokens, list(header.strings("tokenizer.ggml.merges")), ignore_merges=cut.ignore_merges),
    }


def _step(pattern: str, *, last: bool) -> dict[str, Any]:
    if pattern == GPT2 and last:
        return dict(_BYTE_LEVEL)
    if pattern == DIGIT:
        return {"type": "Digits", "individual_digits": True}
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def _sentencepiece(header: GGUFHeader, tokens: Sequence[str]) -> dict[str, Any]:
    visible_space = {"type": "Replace", "pattern": {"String": " "}, "content": _SPACE}
    prefix = header.flag("tokenizer.ggml.add_space_prefix") is not False
    steps = [{"type": "Prepend", "prepend": _SPACE}, visible_space] if prefix else [visible_space]
    unknown = header.integer("tokenizer.ggml.unknown_token_id")
    if unknown is None or not 0 <= unknown < len(tokens):
        unknown = 0  # SentencePiece's usual place for it, which llama.cpp assumes too
    model = _bpe(tokens, sentencepiece_merges(header, tokens), ignore_merges=False)
    return {
        "normalizer": {"type": "Sequence", "normalizers": steps},
        "pre_tokenizer": None,
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": _SPACE}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                *([{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if prefix else []),
            ],
        },
        "model": {**model, "unk_token": tokens[unknown], "fuse_unk": True, "byte_fallback": True},
    }


def sentencepiece_merges(header: GGUFHeader, tokens: Sequence[str]) -> list[tuple[str, str]]:
    """The merges that a SentencePiece BPE vocabulary implies, best first.

    SentencePiece keeps a score for each piece and always joins the neighbours that make the best-scored one, so every
    way to cut a piece into two others is a merge, ranked by the piece's score (as transformers' SpmConverter does).
    """
    scores, kinds = header.numbers("tokenizer.ggml.scores"), header.numbers("tokenizer.ggml.token_type")
    if len(scores) < len(tokens):
        raise TokenizerError(f"{header.path} has {len(scores)} scores for {len(tokens)} SentencePiece tokens. {AGAIN}")
    if sum(len(piece) ** 2 for piece in tokens) > _MOST_CUTTING:
        raise TokenizerError(f"{header.path} has tokens far longer than any real vocabulary has. {AGAIN}")
    whole = (_NORMAL, _USER_DEFINED, _UNUSED)
    ids = {piece: index for index, piece in enumerate(tokens) if not kinds or kinds[index] in whole}
    merges: list[tuple[str, str]] = []
    for piece in sorted(ids, key=lambda piece: -scores[ids[piece]]):
        cuts = [(piece[:middle], piece[middle:]) for middle in range(1, len(piece))]
        known = [(left, right) for left, right in cuts if left in ids and right in ids]
        merges += sorted(known, key=lambda cut: (ids[cut[0]], ids[cut[1]])) if len(known) > 1 else known
    return merges


def _bpe(tokens: Sequence[str], merges: Sequence[str | tuple[str, str]], *, ignore_merges: bool) -> dict[str, Any]:
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": ignore_merges,
        "vocab": {token: index for index, token in enumerate(tokens)},
        "merges": merges,
    }


def _added_tokens(header: GGUFHeader, tokens: Sequence[str]) -> list[dict[str, Any]]:
    """Tokens that are matched in the text before anything is cut: control tokens, and those a user defined."""
    control = set(header.stop_token_ids)
    if header.bos_token_id is not None:
        control.add(header.bos_token_id)
    defined = set()
    for index, kind in enumerate(header.numbers("tokenizer.ggml.token_type")):
        if kind in (_UNKNOWN, _CONTROL):
            control.add(index)
        elif kind == _USER_DEFINED:
            defined.add(index)
    return [
        {
            "id": index,
            "content": tokens[index],
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": index in control,
        }
        for index in sorted(control | defined)
    ]


def _post_processor(header: GGUFHeader, tokens: Sequence[str]) -> dict[str, Any] | None:
    if not header.add_bos or header.bos_token_id is None:
        return None
    bos = tokens[header.bos_token_id]
    special = {"SpecialToken": {"id": bos, "type_id": 0}}
    first, second = {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}
    return {
        "type": "TemplateProcessing",
        "single": [special, first],
        "pair": [special, first, {"SpecialToken": {"id": bos, "type_id": 1}}, second],
        "special_tokens": {bos: {"id": bos, "ids": [header.bos_token_id], "tokens": [bos]}},
    }
