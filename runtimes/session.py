"""What every session owes its caller whatever runs the model: argument checks, position, closing, framed snapshots.

Knows the duties of `contract.Session` and how a snapshot is framed; knows no backend. A runtime's session
derives from `CheckedSession` and fills in the five steps that differ.
"""

from __future__ import annotations

import hashlib
import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, final

import numpy as np

from runtimes.errors import ConfigError, ContextOverflowError, PromptError, RuntimeUnavailableError, SessionClosedError

if TYPE_CHECKING:
    from types import TracebackType

    import numpy.typing as npt
    from typing_extensions import Self

    from runtimes.bundle import Bundle
    from runtimes.contract import Capabilities, Logits, RuntimeConfig

_MAGIC = b"EDGELLM-KV\0\0"
_FRAME_VERSION = 1
# magic, frame version, fingerprint, tokens held, payload bytes, SHA-256 of the payload; little endian
_FRAME = struct.Struct("<12sI32sQQ32s")
_SAMPLES = 16
_SAMPLE_BYTES = 1 << 14


def context_length_of(config: RuntimeConfig, limit: int) -> int:
    """Tokens to hold: what `config` asks for, or the model's own `limit`. Raises ConfigError past the limit."""
    if config.context_length is None:
        return limit
    if config.context_length > limit:
        raise ConfigError(
            f"context_length is {config.context_length} and the model was made for {limit}. Ask for at most {limit} tokens."
        )
    return config.context_length


def fingerprint(bundle: Bundle, kind: str) -> bytes:
    """32 bytes that name a model and the `kind` of state kept for it, so that a snapshot finds its way home.

    A bundle's manifest already holds the hashes of its files. A bare file has none and may be gigabytes long: its
    size and evenly spaced samples stand for it. They tell models apart; they prove nothing against forgery.
    """
    digest = hashlib.sha256(kind.encode())
    manifest = bundle.manifest
    if manifest.files:
        for name in sorted(manifest.files):
            digest.update(f"\n{name} {manifest.files[name].sha256}".encode())
        return digest.digest()
    size = bundle.model_path.stat().st_size
    digest.update(f"\n{size}".encode())
    with bundle.model_path.open("rb") as stream:
        for sample in range(_SAMPLES):
            stream.seek(max(0, size - _SAMPLE_BYTES) * sample // (_SAMPLES - 1))
            digest.update(stream.read(_SAMPLE_BYTES))
    return digest.digest()


class CheckedSession(ABC):
    """A `contract.Session` whose arguments are checked in one place, the same for every runtime.

    A subclass appends, drops, saves, loads and releases its own cache; it may trust what it is given. When one of
    its steps raises, the cache must still hold exactly `position` tokens.
    """

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self._position = 0
        self._closed = False

    @abstractmethod
    def _append(self, ids: npt.NDArray[np.int64], rows: int) -> Logits:
        """Run the model on `ids`, int64 (n,), after the `position` tokens held; float32 (rows, vocabulary), not aliased."""

    @abstractmethod
    def _keep(self, tokens: int) -> int:
        """Drop all but the first `tokens` (less than `position`) from the cache; returns how many really stay."""

    @abstractmethod
    def _fingerprint(self) -> bytes:
        """32 bytes naming the model and the kind of state (see `fingerprint`)."""

    @abstractmethod
    def _save(self) -> bytes:
        """The cache of `position` tokens as bytes."""

    @abstractmethod
    def _load(self, payload: memoryview, tokens: int) -> None:
        """Replace the cache by what `_save` gave at `tokens`. Raises PromptError, changing nothing, when it does not fit."""

    @abstractmethod
    def _release(self) -> None:
        """Free the backend. Called once."""

    @property
    @final
    def capabilities(self) -> Capabilities:
        """What this session can do."""
        self._require_open()
        return self._capabilities

    @property
    @final
    def position(self) -> int:
        """Tokens held in the KV cache."""
        self._require_open()
        return self._position

    @final
    def feed(self, ids: Sequence[int], *, rows: int = 1) -> Logits:
        """Append token ids; float32 (rows, vocabulary_size) for the last `rows` of them (see `contract.Session`)."""
        self._require_open()
        tokens = self._checked_ids(ids)
        if not 0 <= rows <= tokens.size:
            raise PromptError(f"Asked for {rows} rows of logits over {tokens.size} tokens; rows must be 0 to {tokens.size}.")
        needed = self._position + tokens.size
        if needed > self._capabilities.context_length:
            raise ContextOverflowError(needed, self._capabilities.context_length)
        logits = self._append(tokens, rows)
        self._position = needed
        return logits

    @final
    def rewind(self, to: int) -> int:
        """Drop the tail of the cache; returns the position really kept (see `contract.Session`)."""
        self._require_open()
        if not 0 <= to <= self._position:
            raise PromptError(f"Cannot rewind to {to}: the cache holds {self._position} tokens.")
        if to < self._position:
            self._position = self._keep(to)
        return self._position

    @final
    def snapshot(self) -> bytes:
        """The cache as bytes: a versioned header, then the runtime's own state (see `contract.Session`)."""
        self._require_open()
        self._require_snapshots()
        payload = self._save()
        digest = hashlib.sha256(payload).digest()
        frame = _FRAME.pack(_MAGIC, _FRAME_VERSION, self._fingerprint(), self._position, len(payload), digest)
        return b"".join((frame, payload))

    @final
    def restore(self, state: bytes) -> None:
        """Replace the cache by what `snapshot` gave; PromptError, changing nothing, when it does not fit."""
        self._require_open()
        self._require_snapshots()
        tokens, payload = self._unframe(state)
        self._load(payload, tokens)
        self._position = tokens

    @final
    def close(self) -> None:
        """Free the model. Idempotent."""
        if not self._closed:
            self._closed = True
            self._release()

    def __enter__(self) -> Self:
        self._require_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _checked_ids(self, ids: Sequence[int]) -> npt.NDArray[np.int64]:
        if len(ids) == 0:
            raise PromptError("No tokens to feed: the prompt is empty.")
        if len(ids) == 1 and type(ids[0]) is int and 0 <= ids[0] < self._capabilities.vocabulary_size:
            return np.array(ids, np.int64)  # each token of an answer: the checks below take 40 us
        try:
            given = np.asarray(ids)
        except (ValueError, OverflowError) as error:
            raise PromptError(f"Token ids must be a flat sequence of integers: {error}.") from error
        if given.ndim != 1 or given.dtype.kind not in "iu":
            raise PromptError("Token ids must be a flat sequence of integers.")
        lowest, highest = int(given.min()), int(given.max())
        size = self._capabilities.vocabulary_size
        if lowest < 0 or highest >= size:
            wrong = lowest if lowest < 0 else highest
            raise PromptError(f"Token id {wrong} is outside the vocabulary of {size}. Was another model's tokenizer used?")
        return given.astype(np.int64, copy=False)

    def _unframe(self, state: bytes) -> tuple[int, memoryview]:
        """Tokens held and payload of a snapshot made for this model, or PromptError."""
        if len(state) < _FRAME.size:
            raise PromptError(f"A snapshot has at least {_FRAME.size} bytes; this one has {len(state)}.")
        magic, version, made_for, tokens, size, digest = _FRAME.unpack_from(state)
        if magic != _MAGIC:
            raise PromptError("These bytes are not a snapshot of a session.")
        if version != _FRAME_VERSION:
            raise PromptError(f"The snapshot has version {version}; this edge-llm reads {_FRAME_VERSION}. Feed the text again.")
        if made_for != self._fingerprint():
            raise PromptError("The snapshot was made by another model or runtime. Feed the text again.")
        payload = memoryview(state)[_FRAME.size :]
        if len(payload) != size or hashlib.sha256(payload).digest() != digest:
            raise PromptError("The snapshot is damaged. Feed the text again.")
        if tokens > self._capabilities.context_length:
            raise ContextOverflowError(tokens, self._capabilities.context_length)
        return tokens, payload

    def _require_open(self) -> None:
        if self._closed:
            raise SessionClosedError("The session is closed. Open the model again.")

    def _require_snapshots(self) -> None:
        if not self._capabilities.snapshot:
            raise RuntimeUnavailableError("This session cannot save or restore its cache (capabilities.snapshot is False).")
