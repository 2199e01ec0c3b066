"""A Hugging Face vocabulary in GGUF's words, such that llama.cpp cuts text as the model's own tokenizer does.

The inverse of runtimes.gguf_vocabulary. What llama.cpp has no words for is refused: a model whose text is cut in
another way answers badly and does not say why. Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from quantize.sentencepiece_model import read_sentencepiece
from quantize.tokenizer_json import read_tokenizer_json
from quantize.vocabulary import AGAIN, BYTE, NORMAL, UNUSED, Token, Vocabulary
from runtimes.errors import TokenizerError

if TYPE_CHECKING:
    from quantize.source import Source
    from quantize.write_gguf import MetadataValue


def tokenizer_metadata(source: Source) -> dict[str, MetadataValue]:
    """The `tokenizer.ggml.*` keys for a source that is a Hugging Face directory.

    Raises:
        TokenizerError: no vocabulary, or a malformed one.
        UnsupportedModelError: one that llama.cpp would read differently.
    """
    files = source.tokenizer_files()
    config = _parse(files.get("tokenizer_config.json", b"{}"), f"{source.path}/tokenizer_config.json")
    if "tokenizer.json" in files:
        where = f"{source.path}/tokenizer.json"
        found = read_tokenizer_json(_parse(files["tokenizer.json"], where), where)
    else:
        found = read_sentencepiece(files["tokenizer.model"], config, f"{source.path}/tokenizer.model")
    return {
        **found.values,
        **_token_arrays(found, source.architecture.vocabulary_size, str(source.path)),
        **_special_tokens(found.tokens, config, source),
        "tokenizer.ggml.add_bos_token": source.add_bos,
    }


def _token_arrays(found: Vocabulary, size: int, where: str) -> dict[str, MetadataValue]:
    """One entry for each row of the embedding: rows that no token names are called unused."""
    beyond = sorted(index for index, token in found.tokens.items() if index >= size and token.kind in (NORMAL, BYTE))
    if beyond:
        raise TokenizerError(f"{where}: token {beyond[0]} has no row in an embedding of {size} rows. {AGAIN}")
    tokens = [found.tokens.get(index, Token(f"[PAD{index}]", UNUSED)) for index in range(size)]
    for index, token in enumerate(tokens):
        if not _is_unicode(token.text):
            raise TokenizerError(f"{where}: the text of token {index} is not Unicode. {AGAIN}")
    # llama.cpp reads a text up to its first zero byte, and ends the process when two are the same.
    distinct = {token.text.partition("\0")[0] or index for index, token in enumerate(tokens)}
    if len(distinct) != size:
        raise TokenizerError(f"{where}: {size - len(distinct)} of its {size} tokens have the text of another one. {AGAIN}")
    values: dict[str, MetadataValue] = {
        "tokenizer.ggml.tokens": [token.text for token in tokens],
        "tokenizer.ggml.token_type": memoryview(array("i", [token.kind for token in tokens])),
    }
    if found.scores is not None:
        if not all(map(math.isfinite, found.scores.values())):
            raise TokenizerError(f"{where}: a token's score is not a number. {AGAIN}")
        lowest = min(found.scores.values(), default=0.0)
        values["tokenizer.ggml.scores"] = memoryview(array("f", [found.scores.get(index, lowest) for index in range(size)]))
    return values


def _special_tokens(tokens: Mapping[int, Token], config: Mapping[str, Any], source: Source) -> dict[str, MetadataValue]:
    """The ids llama.cpp asks for by role. Ends of a turn that it has no role for, it knows by their text."""
    architecture = source.architecture
    ids = {token.text: index for index, token in tokens.items() if index < architecture.vocabulary_size}
    stops = list(architecture.stop_token_ids)
    eos = ids.get(_text_of(config.get("eos_token")), stops[0] if stops else None)
    if eos in stops:
        stops.remove(eos)
    found = {
        "bos": architecture.bos_token_id,
        "eos": eos,
        "eot": stops[0] if stops else None,
        "unknown": ids.get(_text_of(config.get("unk_token"))),
        "padding": ids.get(_text_of(config.get("pad_token"))),
    }
    return {f"tokenizer.ggml.{role}_token_id": token for role, token in found.items() if token is not None}


def _is_unicode(text: str) -> bool:
    """Whether it can be written as UTF-8: JSON lets half a surrogate pair through."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _text_of(entry: object) -> str:
    """tokenizer_config.json writes a special token as its text, or as an object with a `content`; "" when absent."""
    text = entry.get("content") if isinstance(entry, dict) else entry
    return text if isinstance(text, str) else ""


def _parse(raw: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise TokenizerError(f"{where} is not valid JSON: {error}. {AGAIN}") from error
    if not isinstance(value, dict):
        raise TokenizerError(f"{where} is not a JSON object. {AGAIN}")
    return value
