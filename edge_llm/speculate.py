"""Drafts of the tokens to come, copied from where the sequence said the same before. Knows token ids and nothing else.

Prompt lookup (Yang et al., arXiv:2304.04487): text that quotes, lists or repeats itself goes on as it went on last time.
A draft is only a guess. The decode loop feeds it together with the last token, samples from every row of logits as it
would have one at a time, and keeps what the sampler chose too.

How much to draft hangs on the tokens so far and on a constant of the runtime, never on a clock: a runtime may round the
rows of a longer feed differently, and then the same seed would give another answer on a busy machine.
"""

from __future__ import annotations

MATCHED = 3
"""Tokens that must have occurred before, in this order, for a guess. Two are as fast where text repeats itself (within 3 %
over greedy WikiText, chat and quoting), and lose up to 2.3 % where it does not; three lose up to 1.3 %."""
_LOOKED_FOR = (6, MATCHED)
"""Most recent place of these many last tokens. The longer first: 3 % more speed where text repeats itself."""
LONGEST_MATCH = 8
"""Matches are told apart up to this length: the longer, the likelier the next token is the same again."""
LONGEST_DRAFT = 7
_PRIOR_HITS, _PRIOR_GUESSES = 0.6, 2.0
"""What is believed of a match before one was seen: 3 of 10 guesses are right."""
_MEMORY = 0.9
"""Weight of a guess when the next one of its length is scored."""


class PromptLookup:
    """Guesses for one growing sequence.

    Every guess is scored against the token that really came, also those that were not worth feeding: so nothing is
    drafted where guesses fail, and trying costs no time of the model.

    Args:
        ids: the sequence; only `append` may change it from now on.
        row_cost: what one more row of a feed costs, as a share of feeding one token (`Capabilities.row_cost`).
    """

    def __init__(self, ids: list[int], row_cost: float) -> None:
        self._ids = ids
        self._row_cost = row_cost
        self._after: dict[tuple[int, ...], int] = {}
        self._hits = [_PRIOR_HITS] * (LONGEST_MATCH + 1)
        self._guesses = [_PRIOR_GUESSES] * (LONGEST_MATCH + 1)
        for end in range(MATCHED, len(ids)):
            self._remember(end)
        self._source, self._length = self._match()

    def append(self, token: int) -> None:
        """The token that came."""
        if self._length:
            self._guesses[self._length] = self._guesses[self._length] * _MEMORY + 1
            self._hits[self._length] = self._hits[self._length] * _MEMORY + (self._ids[self._source] == token)
        self._remember(len(self._ids))
        self._ids.append(token)
        self._source, self._length = self._match()

    def draft(self, room: int) -> list[int]:
        """The tokens worth feeding with the last one, at most `room`; often none.

        One more is worth its row while it makes the expected tokens per unit of time rise.
        """
        drafted: list[int] = []
        if not self._length:
            return drafted
        likely, tokens, cost = 1.0, 1.0, 1.0
        while len(drafted) < min(room, LONGEST_DRAFT):
            length = min(self._length + len(drafted), LONGEST_MATCH)
            likely *= self._hits[length] / self._guesses[length]
            if likely * cost <= self._row_cost * tokens:
                break
            tokens += likely
            cost += self._row_cost
            beyond = self._source + len(drafted) - len(self._ids)
            # a loop shorter than the draft goes on in the draft itself
            drafted.append(self._ids[beyond] if beyond < 0 else drafted[beyond])
        return drafted

    def _remember(self, end: int) -> None:
        """The tokens before `end` go on there."""
        for length in _LOOKED_FOR:
            if length <= end:
                self._after[tuple(self._ids[end - length : end])] = end

    def _match(self) -> tuple[int, int]:
        """Where the last tokens occurred before, as the place after them, and how many of them did; 0 for no place."""
        ids = self._ids
        for sought in _LOOKED_FOR:
            source = self._after.get(tuple(ids[-sought:]), 0)
            if source:
                length = MATCHED
                while length < min(LONGEST_MATCH, source) and ids[source - 1 - length] == ids[-1 - length]:
                    length += 1
                return source, length
        return 0, 0
