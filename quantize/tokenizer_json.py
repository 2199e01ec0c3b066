"""A `tokenizer.json` in GGUF's words: byte-level BPE ("gpt2") or SentencePiece-like BPE ("llama").

Format: the serialisation of https://huggingface.co/docs/tokenizers, which has no specification of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from quantize.vocabulary import (
    AGAIN,
    BYTE,
    CONTROL,
    KEEP,
    NORMAL,
    UNKNOWN,
    USER_DEFINED,
    Token,
    Vocabulary,
    sentencepiece_values,
)
from runtimes.errors import TokenizerError, UnsupportedModelError
from runtimes.gguf_pretokenizers import DIGIT, GPT2, PRE_TOKENIZERS

_SPACE: Final = "\u2581"
_BYTE_TEXTS: Final = tuple(f"<0x{value:02X}>" for value in range(256))
_NAME_SHOWN = 60

_Kind = TypeVar("_Kind")


def read_tokenizer_json(document: Mapping[str, Any], where: str) -> Vocabulary:
    """Read a parsed tokenizer.json; `where` is the file, for messages.

    Raises:
        TokenizerError: malformed.
        UnsupportedModelError: not BPE, or cutting text in a way that llama.cpp does not.
    """
    return _Reader(document, where).read()


class _Reader:
    """One tokenizer.json, and how to complain about it."""

    def __init__(self, document: Mapping[str, Any], where: str) -> None:
        self._document = document
        self._where = where
        self._model = self._field(document, "model", dict)

    def read(self) -> Vocabulary:
        model = self._model
        if model.get("type") != "BPE":
            raise self._unsupported(f"its model is {model.get('type')!r}, not BPE")
        for key in ("dropout", "continuing_subword_prefix", "end_of_word_suffix"):
            if model.get(key):
                raise self._unsupported(f"it has a {key}")
        steps = self._steps("pre_tokenizer", "pretokenizers")
        if any(step.get("type") == "ByteLevel" for step in steps):
            return self._byte_level(steps)
        if model.get("byte_fallback") is True:
            return self._sentencepiece(steps)
        raise self._unsupported("characters it does not know have no bytes to fall back to")

    def _byte_level(self, steps: Sequence[Mapping[str, Any]]) -> Vocabulary:
        merges = [f"{left} {right}" for left, right in self._merges()]
        if not merges:
            raise self._unsupported("it has no merges")
        values = {
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": self._find_pre_tokenizer(steps),
            "tokenizer.ggml.merges": merges,
        }
        return Vocabulary(values, self._tokens(special={}))

    def _find_pre_tokenizer(self, steps: Sequence[Mapping[str, Any]]) -> str:
        """llama.cpp's name of a tokenizer that cuts text with the same expressions."""
        patterns = tuple(pattern for step in steps if (pattern := self._pattern(step)) is not None)
        normalizers = [step.get("type") for step in self._steps("normalizer", "normalizers")]
        if normalizers not in ([], ["NFC"]):
            raise self._unsupported(f"it normalises text by {', '.join(map(str, normalizers))}")
        whole_words = self._model.get("ignore_merges") is True
        found = {
            name: known.nfc == bool(normalizers)
            for name, known in PRE_TOKENIZERS.items()
            if known.patterns == patterns and known.ignore_merges == whole_words
        }
        if not found:
            raise self._unsupported(f"it cuts words by {' then '.join(patterns)[:_NAME_SHOWN]!r}")
        # llama.cpp never composes characters, so either kind will do; but back here, the name brings it back.
        return max(found, key=lambda name: found[name])

    def _pattern(self, step: Mapping[str, Any]) -> str | None:
        """The expression one step cuts by; None when it only turns bytes into letters."""
        kind = step.get("type")
        if kind == "ByteLevel" and step.get("add_prefix_space") is not True:
            return GPT2 if step.get("use_regex", True) is True else None
        if kind == "Digits" and step.get("individual_digits") is True:
            return DIGIT
        if kind == "Split" and step.get("behavior") == "Isolated" and step.get("invert") is not True:
            return self._field(self._field(step, "pattern", dict), "Regex", str)
        raise self._unsupported(f"it cuts words by {kind} with {dict(step)}"[:_NAME_SHOWN])

    def _sentencepiece(self, steps: Sequence[Mapping[str, Any]]) -> Vocabulary:
        if self._model.get("ignore_merges") is True:
            raise self._unsupported("it takes whole words whatever its merges say")
        unknown = self._model.get("unk_token")
        special = dict.fromkeys(_BYTE_TEXTS, BYTE) | ({unknown: UNKNOWN} if isinstance(unknown, str) else {})
        tokens = self._tokens(special)
        texts = {token.text: index for index, token in tokens.items()}
        if missing := [text for text in _BYTE_TEXTS if text not in texts]:
            raise self._unsupported(f"it has no token for the byte {missing[0]}")
        ranks = self._piece_ranks({token.text for token in tokens.values() if token.kind == NORMAL})
        last = -float(len(ranks))
        scores = {index: -float(ranks[token.text]) if token.text in ranks else last for index, token in tokens.items()}
        return Vocabulary(sentencepiece_values(space_prefix=self._prefixes_space(steps)), tokens, scores)

    def _prefixes_space(self, steps: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a space is put before a text, in either way there is to write SentencePiece's handling of spaces."""
        normalizers = self._steps("normalizer", "normalizers")
        visible = {"type": "Replace", "pattern": {"String": " "}, "content": _SPACE}
        if not steps and normalizers and normalizers[-1] == visible:
            if len(normalizers) == 1:
                return False
            if normalizers[:-1] == [{"type": "Prepend", "prepend": _SPACE}]:
                return True
        if not normalizers and len(steps) == 1 and steps[0].get("type") == "Metaspace":
            step = steps[0]
            if step.get("replacement") == _SPACE and step.get("split") is False:
                return bool(step.get("prepend_scheme", "always") != "never")
        raise self._unsupported("it handles spaces in a way of its own")

    def _piece_ranks(self, pieces: set[str]) -> dict[str, int]:
        """Each piece's place among those that merges make, best first.

        Here pairs have ranks, in SentencePiece pieces have scores. They say the same when all ways to make a piece are
        merges and have neighbouring ranks, which is so for every file that was converted from a SentencePiece model.
        """
        merges = self._merges()
        ranks: dict[str, int] = {}
        for left, right in merges:
            piece = left + right
            if ranks.setdefault(piece, len(ranks)) != len(ranks) - 1:
                raise self._unsupported(f"its merges make {piece!r} at different ranks")
        listed = set(merges)
        for piece in pieces:
            for middle in range(1, len(piece)):
                cut = piece[:middle], piece[middle:]
                if cut[0] in pieces and cut[1] in pieces and cut not in listed:
                    raise self._unsupported(f"its merges do not make {piece!r} of {cut[0]!r} and {cut[1]!r}")
        return ranks

    def _tokens(self, special: Mapping[str, int]) -> dict[int, Token]:
        """Every entry by id; `special` names the kinds of some that the file does not mark."""
        found: dict[int, Token] = {}
        for text, index in self._field(self._model, "vocab", dict).items():
            if type(index) is not int or index < 0 or index in found:
                raise self._malformed("vocab")
            found[index] = Token(text, special.get(text, NORMAL))
        for entry in self._field(self._document, "added_tokens", list):
            text, index = (entry.get("content"), entry.get("id")) if isinstance(entry, dict) else (None, None)
            if not isinstance(text, str) or type(index) is not int or index < 0:
                raise self._malformed("added_tokens")
            if entry.get("lstrip") or entry.get("rstrip") or entry.get("single_word"):
                raise self._unsupported(f"the token {text!r} takes the spaces beside it")
            kind = CONTROL if entry.get("special") is True else USER_DEFINED
            found[index] = Token(text, special.get(text, kind))
        return found

    def _merges(self) -> list[tuple[str, str]]:
        """Pairs, best first: written "left right", or since tokenizers 0.20 as two strings."""
        found = []
        for entry in self._field(self._model, "merges", list):
            pair = entry.split(" ") if isinstance(entry, str) else entry
            if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(half, str) for half in pair):
                raise self._malformed("merges")
            found.append((pair[0], pair[1]))
        return found

    def _steps(self, key: str, nested: str) -> list[Mapping[str, Any]]:
        """A normalizer or pre-tokenizer as the list of its steps; empty when there is none."""
        entry = self._document.get(key)
        if entry is None:
            return []
        if not isinstance(entry, dict):
            raise self._malformed(key)
        steps = self._field(entry, nested, list) if entry.get("type") == "Sequence" else [entry]
        if not all(isinstance(step, dict) for step in steps):
            raise self._malformed(key)
        return steps

    def _field(self, parent: Mapping[str, Any], key: str, kind: type[_Kind]) -> _Kind:
        value = parent.get(key)
        if not isinstance(value, kind):
            raise self._malformed(key)
        return value

    def _malformed(self, key: str) -> TokenizerError:
        return TokenizerError(f"{self._where}: {key!r} is missing or malformed. {AGAIN}")

    def _unsupported(self, fact: str) -> UnsupportedModelError:
        return UnsupportedModelError(f"{self._where}: {fact}, which llama.cpp cannot follow. {KEEP}")
