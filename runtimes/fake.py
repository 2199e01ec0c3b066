"""A runtime without a model: its logits follow a script or a seed. For tests, docs and trying an application offline.

Opens bundles of format "fake", whose model file is a JSON object with `vocabulary_size`, `context_length` and
either `script` (a list of answers, each a list of token ids) or `seed` (an integer).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runtimes.contract import Capabilities, RuntimeStatus
from runtimes.errors import BundleError, ConfigError, PromptError
from runtimes.session import CheckedSession, context_length_of, fingerprint

if TYPE_CHECKING:
    import numpy.typing as npt

    from runtimes.bundle import Bundle
    from runtimes.contract import Logits, Runtime, RuntimeConfig

_PEAK = 20.0
"""Logit of a scripted token, all others being 0: certain at any usual temperature."""
_MODEL_LIMIT = 1 << 20
_VERSION = "1"


class FakeSession(CheckedSession):
    """A session whose logits are a pure function of the tokens it holds.

    Args:
        vocabulary_size: width of a row of logits.
        context_length: most tokens it holds.
        script: answers, given one after the other. While the tokens held end in the beginning of the current
            answer, the next id of that answer is certain. An answer counts as given when its last id was fed, or
            when anything else followed all but the last (generation does not feed the token it stops at). The last
            answer repeats.
        seed: without a script, logits are standard normal numbers drawn from this seed and the tokens held.
        identity: 32 bytes that name the model in snapshots; None derives them from the arguments.
    """

    def __init__(
        self,
        vocabulary_size: int,
        context_length: int,
        *,
        script: Sequence[Sequence[int]] | None = None,
        seed: int = 0,
        identity: bytes | None = None,
    ) -> None:
        if vocabulary_size < 1 or context_length < 1:
            raise ConfigError("A fake model needs a vocabulary_size and a context_length of at least 1.")
        answers = None if script is None else tuple(tuple(answer) for answer in script)
        if answers is not None and not (answers and all(answers)):
            raise ConfigError("A script needs at least one answer, and an answer at least one token id.")
        if answers is not None and not all(0 <= token < vocabulary_size for answer in answers for token in answer):
            raise ConfigError(f"The script has token ids outside the vocabulary of {vocabulary_size}.")
        if not -(2**63) <= seed < 2**63:
            raise ConfigError(f"The seed {seed} is not a 64-bit integer.")
        super().__init__(Capabilities(context_length, vocabulary_size, rewind=True, snapshot=True))
        self._answers = answers
        self._seed = seed
        self._identity = identity or hashlib.sha256(repr((vocabulary_size, answers, seed)).encode()).digest()
        self._history: list[int] = []

    def _append(self, ids: npt.NDArray[np.int64], rows: int) -> Logits:
        history = self._history + ids.tolist()
        draw = self._seeded_row if self._answers is None else self._scripted_row
        logits = np.empty((rows, self._capabilities.vocabulary_size), np.float32)
        for row in range(rows):
            logits[row] = draw(history[: len(history) - rows + row + 1])
        self._history = history
        return logits

    def _seeded_row(self, history: list[int]) -> npt.NDArray[np.float32]:
        digest = hashlib.blake2b(np.asarray([self._seed, *history], np.int64).tobytes(), digest_size=16).digest()
        generator = np.random.default_rng(int.from_bytes(digest, "little"))
        return generator.standard_normal(self._capabilities.vocabulary_size, dtype=np.float32)

    def _scripted_row(self, history: list[int]) -> npt.NDArray[np.float32]:
        row = np.zeros(self._capabilities.vocabulary_size, np.float32)
        row[_next_of_script(self._answers or (), history)] = _PEAK
        return row

    def _keep(self, tokens: int) -> int:
        del self._history[tokens:]
        return tokens

    def _fingerprint(self) -> bytes:
        return self._identity

    def _save(self) -> bytes:
        return np.asarray(self._history, "<i8").tobytes()

    def _load(self, payload: memoryview, tokens: int) -> None:
        if len(payload) != 8 * tokens:
            raise PromptError("The snapshot is damaged. Feed the text again.")
        history = np.frombuffer(payload, "<i8")
        if history.size and not 0 <= history.min() <= history.max() < self._capabilities.vocabulary_size:
            raise PromptError("The snapshot is damaged. Feed the text again.")
        self._history = history.tolist()

    def _release(self) -> None:
        self._history = []


def _next_of_script(answers: tuple[tuple[int, ...], ...], history: list[int]) -> int:
    turn = given = 0
    for token in history:
        answer = answers[turn]
        rest = len(answer) - given
        if token == answer[given] and rest > 1:
            given += 1
            continue
        finished = rest == 1 and (token == answer[given] or given > 0)
        turn = min(turn + finished, len(answers) - 1)
        given = int(not finished and len(answer) > 1 and token == answer[0])
    return answers[turn][given]


class FakeRuntime:
    """The runtime behind `--runtime fake`: always there, loads nothing."""

    name = "fake"
    formats = frozenset({"fake"})

    def describe(self) -> RuntimeStatus:
        """Always installed."""
        return RuntimeStatus(self.name, installed=True, version=_VERSION, providers=())

    def open(self, bundle: Bundle, config: RuntimeConfig) -> FakeSession:
        """Read the model file of a "fake" bundle. Raises BundleError or ConfigError."""
        model = _read_model(bundle.model_path)
        limit = context_length_of(config, model["context_length"])
        identity = fingerprint(bundle, f"{self.name} {_VERSION}")
        try:
            return FakeSession(
                model["vocabulary_size"], limit, script=model.get("script"), seed=model.get("seed", 0), identity=identity
            )
        except ConfigError as error:
            raise BundleError(f"{bundle.model_path}: {error}") from error


def _read_model(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    if size > _MODEL_LIMIT:
        raise BundleError(f"{path} has {size} bytes; a fake model never has more than {_MODEL_LIMIT}.")
    try:
        model = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is not valid JSON: {error}. Write it again.") from error
    if not isinstance(model, dict) or not all(_is_int(model.get(name)) for name in ("vocabulary_size", "context_length")):
        raise BundleError(f"{path} needs integers vocabulary_size and context_length.")
    if ("script" in model) == ("seed" in model):
        raise BundleError(f"{path} needs either a script or a seed.")
    script = model.get("script", [])
    if not isinstance(script, list) or not all(isinstance(answer, list) and all(map(_is_int, answer)) for answer in script):
        raise BundleError(f"{path} has a script that is not a list of lists of token ids.")
    if not _is_int(model.get("seed", 0)):
        raise BundleError(f"{path} has a seed that is not an integer.")
    return model


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


RUNTIME: Runtime = FakeRuntime()
