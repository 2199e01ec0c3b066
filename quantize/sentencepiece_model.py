"""A SentencePiece `tokenizer.model` in GGUF's words: the kind of vocabulary llama.cpp calls "llama".

Format: https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quantize.vocabulary import AGAIN, CONTROL, KEEP, USER_DEFINED, Token, Vocabulary, sentencepiece_values
from runtimes.errors import TokenizerError, UnsupportedModelError


def read_sentencepiece(raw: bytes, config: Mapping[str, Any], where: str) -> Vocabulary:
    """Read a `tokenizer.model`.

    Args:
        config: tokenizer_config.json, whose `added_tokens_decoder` names tokens beside the file's own.
        where: the file, for messages.

    Raises:
        TokenizerError: malformed.
        UnsupportedModelError: not BPE, or with a normalisation of text that llama.cpp does not do.
    """
    from google.protobuf.message import DecodeError
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    try:
        model.ParseFromString(raw)
    except DecodeError as error:
        raise TokenizerError(f"{where} is not a SentencePiece model: {error}. {AGAIN}") from error
    if not model.pieces:
        raise TokenizerError(f"{where} holds no pieces. {AGAIN}")
    if model.trainer_spec.model_type != sentencepiece_model_pb2.TrainerSpec.BPE:
        raise UnsupportedModelError(f"{where} is not a BPE vocabulary, the only SentencePiece kind llama.cpp runs here. {KEEP}")
    text = model.normalizer_spec
    if text.precompiled_charsmap or text.remove_extra_whitespaces or not text.escape_whitespaces:
        raise UnsupportedModelError(f"{where} normalises text ({text.name or 'spaces'}), which llama.cpp does not. {KEEP}")
    tokens = {index: Token(piece.piece, piece.type) for index, piece in enumerate(model.pieces)}
    scores = {index: piece.score for index, piece in enumerate(model.pieces)}
    tokens.update(_added_tokens(config, tokens, where))
    return Vocabulary(sentencepiece_values(space_prefix=text.add_dummy_prefix), tokens, scores)


def _added_tokens(config: Mapping[str, Any], tokens: Mapping[int, Token], where: str) -> dict[int, Token]:
    """Tokens that are matched in the text before it is cut; those the file has already keep the kind it gives them."""
    entries = config.get("added_tokens_decoder") or {}
    if not isinstance(entries, dict):
        raise TokenizerError(f"{where}: 'added_tokens_decoder' of tokenizer_config.json is malformed. {AGAIN}")
    found = {}
    for key, entry in entries.items():
        text = entry.get("content") if isinstance(entry, dict) else None
        if not isinstance(text, str) or not (key.isascii() and key.isdigit() and len(key) < 10):
            raise TokenizerError(f"{where}: 'added_tokens_decoder' of tokenizer_config.json is malformed. {AGAIN}")
        if int(key) not in tokens:
            found[int(key)] = Token(text, CONTROL if entry.get("special") is True else USER_DEFINED)
    return found
