"""Constraints as tokens: which may come next, and which must. Knows llguidance; knows no model and no sampling."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper

from edge_llm.continuation import encode_continuation
from runtimes.errors import ConstraintError

if TYPE_CHECKING:
    import numpy.typing as npt

    from edge_llm.constrain import Constraint
    from runtimes.tokenizer import Tokenizer

_KEPT = 16
"""Compiled constraints a vocabulary keeps. An application has a few, and asks for the same ones again and again."""


class MaskMaker:
    """Compiles constraints for one vocabulary. Safe to use from several threads.

    Args:
        stop_token_ids: the tokens that end an answer: they may come where the constraint is satisfied.
    """

    def __init__(self, tokenizer: Tokenizer, stop_token_ids: Collection[int]) -> None:
        self._tokenizer = tokenizer
        self._stops = sorted(stop_token_ids)
        self._vocabulary: LLTokenizer | None = None
        self._compiled: OrderedDict[Constraint, LLMatcher] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, constraint: Constraint) -> Mask:
        """The constraint at the beginning of an answer. Raises ConstraintError when it does not compile."""
        with self._lock:
            matcher = self._compiled.pop(constraint, None) or self._compile(constraint)
            self._compiled[constraint] = matcher
            if len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
            return Mask(matcher.deep_copy(), constraint.what, self._tokenizer.vocabulary_size)

    def _compile(self, constraint: Constraint) -> LLMatcher:
        if self._vocabulary is None:
            words = _Vocabulary(self._tokenizer, self._stops)
            # without one, a token beyond the model's own stands for the end, which no logits have
            self._vocabulary = LLTokenizer(words, eos_token=self._stops or [len(words.tokens) - 1])
        # verbose errors would carry what was written so far, and the whole grammar
        matcher = LLMatcher(self._vocabulary, constraint.grammar, log_level=0, limits=LLParserLimits(verbose_errors=False))
        if matcher.is_error():
            raise ConstraintError(f"{constraint.what} cannot be followed: {_problem_of(matcher)}")
        first = _bits(matcher.deep_copy())
        first[[token for token in self._vocabulary.eos_tokens if token < first.size]] = False
        if not first.any():
            raise ConstraintError(f"{constraint.what} allows no answer that this model could write, or only an empty one.")
        return matcher


class Mask:
    """What may come next in one answer, token by token. Used by one thread at a time."""

    def __init__(self, matcher: LLMatcher, what: str, size: int) -> None:
        self._matcher = matcher
        self._what = what
        self._size = size
        """Tokens of the vocabulary: what logits have beyond is padding."""

    @property
    def ended(self) -> bool:
        """The constraint is satisfied and nothing can follow."""
        return bool(self._matcher.is_stopped())

    @property
    def satisfied(self) -> bool:
        """The answer may end here."""
        return bool(self._matcher.is_accepting())

    def forced(self) -> list[int]:
        """The tokens that must come next, whatever the model; often none. They are not accepted yet."""
        return list(self._matcher.compute_ff_tokens())

    def allowed_of(self, draft: Sequence[int]) -> int:
        """How many tokens from the beginning of a draft may come."""
        return int(self._matcher.validate_tokens(list(draft))) if draft else 0

    def accept(self, token: int) -> None:
        """The token that came. Raises ConstraintError for one that may not, or when the grammar grew out of bounds."""
        if not self._matcher.consume_token(token):
            raise self._stuck()

    def apply(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The logits with -inf for every token that may not come. Raises ConstraintError when none may."""
        bits = _bits(self._matcher)[: min(self._size, logits.size)]
        if not bits.any():
            raise self._stuck()
        masked = np.full_like(logits, -np.inf)
        np.copyto(masked[: bits.size], logits[: bits.size], where=bits)
        return masked

    def _stuck(self) -> ConstraintError:
        why = _problem_of(self._matcher) or "it has no token for what must come next"
        return ConstraintError(f"{self._what} cannot be followed any further by this model: {why}")


def _problem_of(matcher: LLMatcher) -> str:
    return str(matcher.get_error()).partition("<non-verbose")[0].strip()


def _bits(matcher: LLMatcher) -> npt.NDArray[np.bool_]:
    """Which tokens may come next; all False where the matcher failed."""
    packed = np.frombuffer(matcher.compute_bitmask(), np.uint8)
    return np.unpackbits(packed, bitorder="little").view(np.bool_)


class _Vocabulary(TokenizerWrapper):
    """A tokenizer in the form llguidance asks for."""

    def __init__(self, tokenizer: Tokenizer, stop_token_ids: Sequence[int]) -> None:
        self.is_tokenizer_wrapper = True
        special = tokenizer.special_ids | set(stop_token_ids)
        self.tokens = [
            tokenizer.token_text(token).encode() if token in special else tokenizer.token_bytes(token)
            for token in range(tokenizer.vocabulary_size)
        ]
        if not stop_token_ids:
            special |= {len(self.tokens)}
            self.tokens.append(b"<end of answer>")
        self.special_token_ids = sorted(special)
        self.bos_token_id = tokenizer.bos_id
        self.eos_token_id = stop_token_ids[0] if stop_token_ids else len(self.tokens) - 1
        self._tokenizer = tokenizer
        self._longest = max(map(len, self.tokens))
        self._ids = {word: token for token, word in enumerate(self.tokens) if token not in special}

    def __call__(self, text: str | bytes) -> list[int]:
        """Tokens of what must come next: exactly these bytes."""
        wanted = text.encode() if isinstance(text, str) else text
        ids = encode_continuation(self._tokenizer, wanted.decode())
        return ids if b"".join(map(self._tokenizer.token_bytes, ids)) == wanted else self._greedy(wanted)

    def _greedy(self, wanted: bytes) -> list[int]:
        """The longest token first, for what the vocabulary would rewrite. It ends before bytes that no token has."""
        ids: list[int] = []
        begin = 0
        while begin < len(wanted):
            for end in range(min(len(wanted), begin + self._longest), begin, -1):
                if (token := self._ids.get(wanted[begin:end])) is not None:
                    break
            else:
                break
            ids.append(token)
            begin = end
        return ids
