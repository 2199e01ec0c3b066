"""What the tokenizer files of a Hugging Face directory say: special tokens, BOS, chat template.

Knows tokenizer.json, tokenizer_config.json, generation_config.json and chat_template.jinja as transformers reads
them. Encodes nothing: the files are handed on as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quantize.hf_config import HFConfig
from quantize.hf_files import read_bytes, read_json, read_text
from runtimes.errors import InputError, SourceError, TemplateError, TokenizerError
from runtimes.gguf_stops import stops_among

_VOCABULARIES = ("tokenizer.json", "tokenizer.model")  # in order of preference
_CONFIG = "tokenizer_config.json"
_GENERATION = "generation_config.json"
_TEMPLATE = "chat_template.jinja"

_CONFIG_LIMIT = 16 << 20
_VOCABULARY_LIMIT = 64 << 20  # the largest real one (Gemma 3, 262,144 tokens) has 33 MB
_TEMPLATE_LIMIT = 1 << 20

# Tokenizer classes of transformers that add BOS by a flag of tokenizer_config.json, on unless it says otherwise, and
# override what tokenizer.json says. The others follow tokenizer.json and ignore the flag.
_CLASSES_WITH_BOS_FLAG = ("Llama", "CodeLlama", "Gemma")


class HFTokenizer:
    """The tokenizer files of one directory: read once, when made; the vocabulary itself is not kept."""

    def __init__(self, directory: Path) -> None:
        """Raises TokenizerError, SourceError or TemplateError for a file that is malformed. None of them has to exist."""
        self._directory = directory
        config = self._read(_CONFIG, _CONFIG_LIMIT)
        generation = self._read(_GENERATION, _CONFIG_LIMIT)
        vocabulary = self._read("tokenizer.json", _VOCABULARY_LIMIT, TokenizerError)
        kind = str(config.get("tokenizer_class") or ("" if vocabulary else "Llama"))
        flagged = kind.startswith(_CLASSES_WITH_BOS_FLAG)
        added = {**self._read_decoder(config), **self._read_added(vocabulary)}
        self._bos = _token_text(config.get("bos_token", "<s>" if flagged else None))
        self.bos_token_id: int | None = _find_token(self._bos, added, vocabulary)
        """The token that bos_token names; None when it names none."""
        before = _first_special_token(vocabulary.get("post_processor"))
        self._states_bos = before is not None and before == self._bos
        self.add_bos: bool = self._flag(config, "add_bos_token", default=True) if flagged else self._states_bos
        """Whether BOS is put before a text."""
        self.chat_template: str | None = self._find_template(config)
        """The default template, or None."""
        ends = HFConfig(generation, str(directory / _GENERATION)).tokens("eos_token_id")
        self.eos_token_id: int | None = _find_token(_token_text(config.get("eos_token")), added, vocabulary)
        """The token that eos_token names; None when it names none."""
        by_text = stops_among(((token, text) for text, token in added.items()), {})
        self.stop_token_ids: frozenset[int] = frozenset(
            {*ends, *by_text, *([] if self.eos_token_id is None else [self.eos_token_id])}
        )
        """What ends a turn, beside what config.json says."""

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the files that are there and used."""
        return tuple(name for name in (self._vocabulary, _CONFIG, _GENERATION, _TEMPLATE) if name and self._has(name))

    def files(self) -> Mapping[str, bytes]:
        """The vocabulary and, when there is one, tokenizer_config.json, as they are; but a tokenizer.json that its class
        overrides is made to say what the class does.

        Raises:
            TokenizerError: there is no vocabulary.
        """
        vocabulary = self._vocabulary
        if vocabulary is None:
            raise TokenizerError(
                f"{self._directory} has neither {' nor '.join(_VOCABULARIES)}. Download the model's tokenizer files too."
            )
        wanted = [name for name in (vocabulary, _CONFIG) if self._has(name)]
        found = {name: read_bytes(self._directory / name, _VOCABULARY_LIMIT, TokenizerError) for name in wanted}
        if vocabulary == "tokenizer.json" and self.add_bos != self._states_bos:
            found[vocabulary] = self._with_post_processor()
        return found

    @property
    def _vocabulary(self) -> str | None:
        return next((name for name in _VOCABULARIES if self._has(name)), None)

    def _has(self, name: str) -> bool:
        return (self._directory / name).is_file()

    def _read(self, name: str, limit: int, error: type[InputError] = SourceError) -> dict[str, Any]:
        return read_json(self._directory / name, limit, error) if self._has(name) else {}

    def _read_added(self, vocabulary: Mapping[str, Any]) -> dict[str, int]:
        """Text -> id of tokenizer.json's `added_tokens`."""
        entries = vocabulary.get("added_tokens") or []
        if not isinstance(entries, list):
            raise self._malformed("tokenizer.json", "added_tokens")
        found: dict[str, int] = {}
        for entry in entries:
            text, token = (entry.get("content"), entry.get("id")) if isinstance(entry, dict) else (None, None)
            if not isinstance(text, str) or type(token) is not int or token < 0:
                raise self._malformed("tokenizer.json", "added_tokens")
            found[text] = token
        return found

    def _read_decoder(self, config: Mapping[str, Any]) -> dict[str, int]:
        """Text -> id of tokenizer_config.json's `added_tokens_decoder`, which has the ids as keys."""
        entries = config.get("added_tokens_decoder") or {}
        if not isinstance(entries, dict):
            raise self._malformed(_CONFIG, "added_tokens_decoder")
        found: dict[str, int] = {}
        for key, entry in entries.items():
            text = _token_text(entry)
            if text is None or not (key.isascii() and key.isdigit() and len(key) < 10):
                raise self._malformed(_CONFIG, "added_tokens_decoder")
            found[text] = int(key)
        return found

    def _flag(self, config: Mapping[str, Any], key: str, *, default: bool) -> bool:
        value = config.get(key, default)
        if value is not None and not isinstance(value, bool):
            raise self._malformed(_CONFIG, key)
        return bool(value)  # null is false to transformers

    def _with_post_processor(self) -> bytes:
        """tokenizer.json with a post-processor that adds BOS, or with none: what transformers'
        LlamaTokenizerFast.update_post_processor does."""
        vocabulary = self._read("tokenizer.json", _VOCABULARY_LIMIT, TokenizerError)
        vocabulary["post_processor"] = None
        if self.add_bos:
            if self._bos is None or self.bos_token_id is None:
                raise TokenizerError(
                    f"{self._directory / _CONFIG} says that BOS is added and names no BOS token that the vocabulary has. "
                    "Set add_bos_token to false there, or download the model's tokenizer files again."
                )
            start = {"SpecialToken": {"id": self._bos, "type_id": 0}}
            text, other = ({"Sequence": {"id": name, "type_id": index}} for index, name in enumerate("AB"))
            vocabulary["post_processor"] = {
                "type": "TemplateProcessing",
                "single": [start, text],
                "pair": [start, text, other],
                "special_tokens": {self._bos: {"id": self._bos, "ids": [self.bos_token_id], "tokens": [self._bos]}},
            }
        return json.dumps(vocabulary).encode("ascii")

    def _find_template(self, config: Mapping[str, Any]) -> str | None:
        if self._has(_TEMPLATE):
            return read_text(self._directory / _TEMPLATE, _TEMPLATE_LIMIT, TemplateError)
        stated = config.get("chat_template")
        if stated is None or isinstance(stated, str):
            return self._writable(stated)
        named: dict[str, str] = {}
        for entry in stated if isinstance(stated, list) else [None]:
            name, text = (entry.get("name"), entry.get("template")) if isinstance(entry, dict) else (None, None)
            if not isinstance(name, str) or not isinstance(text, str):
                raise self._malformed(_CONFIG, "chat_template", TemplateError)
            named[name] = text
        if named and "default" not in named:
            raise TemplateError(
                f"{self._directory / _CONFIG} has the chat templates {', '.join(sorted(named))} and none of them is the "
                f"default. Write the one to use to {_TEMPLATE}."
            )
        return self._writable(named.get("default"))

    def _writable(self, template: str | None) -> str | None:
        """JSON can spell half a character (a lone surrogate), which no file can hold."""
        if template is not None and any("\ud800" <= character <= "\udfff" for character in template):
            raise self._malformed(_CONFIG, "chat_template", TemplateError)
        return template

    def _malformed(self, name: str, key: str, error: type[InputError] = TokenizerError) -> InputError:
        return error(f"{self._directory / name}: {key!r} is malformed. Download the model's tokenizer files again.")


def _token_text(value: Any) -> str | None:
    """A special token is written as its text, or as an object with its text as `content`."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else None


def _find_token(text: str | None, added: Mapping[str, int], vocabulary: Mapping[str, Any]) -> int | None:
    """The id of a token: an added one, or an ordinary one of tokenizer.json's model."""
    if text is None:
        return None
    if text in added:
        return added[text]
    model = vocabulary.get("model")
    tokens = model.get("vocab") if isinstance(model, dict) else None
    token = tokens.get(text) if isinstance(tokens, dict) else None
    return token if type(token) is int else None


def _first_special_token(processor: Any) -> str | None:
    """What tokenizer.json's post-processor puts before a single text, or None."""
    if not isinstance(processor, dict):
        return None
    if processor.get("type") == "Sequence":
        parts = processor.get("processors")
        found = map(_first_special_token, parts if isinstance(parts, list) else ())
        return next((token for token in found if token is not None), None)
    pieces = processor.get("single")
    if processor.get("type") != "TemplateProcessing" or not isinstance(pieces, list) or not pieces:
        return None
    first = pieces[0].get("SpecialToken") if isinstance(pieces[0], dict) else None
    token = first.get("id") if isinstance(first, dict) else None
    return token if isinstance(token, str) else None
