"""Sampled tokens in, text that may be shown out. Knows UTF-8 and stop strings; knows no model.

Two things are held back: the bytes of a character that is not whole yet, and text that may turn out to be the
beginning of a stop string. How the text is cut into tokens never changes what comes out in the end.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtimes.errors import ConfigError

if TYPE_CHECKING:
    from runtimes.tokenizer import Tokenizer


class TextStream:
    """The text of one answer, as its tokens come.

    The answer ends at the stop string that is completed first; of several completed by the same character, the
    longest counts. Nothing of it is shown.

    Args:
        tokenizer: gives the bytes of a token.
        stops: texts that end the answer. Raises ConfigError when one is empty.
    """

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str] = ()) -> None:
        if isinstance(stops, str) or not all(stops):
            raise ConfigError("stop must be a list of texts, none of them empty.")
        self._tokenizer = tokenizer
        self._stops = tuple(stops)
        self._longest = max(map(len, self._stops), default=0)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.stopped = False
        """A stop string was found: no more text will come."""

    def push(self, token: int) -> str:
        """The text that can be shown once this token is known; often "", never part of a stop string."""
        return self._take(self._decoder.decode(self._tokenizer.token_bytes(token)))

    def end(self, *, cut_short: bool = False) -> str:
        """The rest of the text, when no more tokens come.

        Args:
            cut_short: the answer was not finished, so that a character whose last bytes are missing is left out.
                Otherwise it is U+FFFD, as any other bytes that are not UTF-8.
        """
        shown = "" if cut_short else self._take(self._decoder.decode(b"", final=True))
        if self.stopped:
            return shown
        rest, self._held = self._held, ""
        return shown + rest

    def _take(self, text: str) -> str:
        if self.stopped or not text:
            return ""
        known = len(self._held)
        text = self._held + text
        if found := self._find_stop(text, known):
            self.stopped = True
            self._held = ""
            return text[: found[0]]
        keep = self._possible_stop(text)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def _find_stop(self, text: str, known: int) -> tuple[int, int] | None:
        """Where the first stop string to be completed begins and ends. None ends within the `known` characters."""
        found = None
        for stop in self._stops:
            begin = text.find(stop, max(0, known - len(stop) + 1))
            if begin >= 0 and (found is None or (begin + len(stop), begin) < (found[1], found[0])):
                found = (begin, begin + len(stop))
        return found

    def _possible_stop(self, text: str) -> int:
        """Length of the longest end of `text` that a stop string begins with."""
        for length in range(min(len(text), self._longest - 1), 0, -1):
            if text.endswith(tuple(stop[:length] for stop in self._stops if len(stop) > length)):
                return length
        return 0
