"""The seam between models and everything above them: token ids in, logits out.

A runtime knows how to hold one artifact in memory and a KV cache. It knows no text, no chat, no sampling:
those are written once, above this seam, and so behave the same on every runtime.

Adding a runtime is one module with a `Runtime` object, and one line under the entry-point group
`edge_llm.runtimes` in pyproject.toml. `tests/contract` then runs on it unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TypeAlias

from runtimes.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Self

    from runtimes.bundle import Bundle

Logits: TypeAlias = "npt.NDArray[np.float32]"
"""float32, shape (rows, vocabulary_size), unnormalised log-probabilities."""


@dataclass(frozen=True)
class Capabilities:
    """What one open session can do. Callers ask here; they never ask which runtime it is."""

    context_length: int
    """Most tokens the KV cache can hold."""
    vocabulary_size: int
    """Width of a row of logits."""
    rewind: bool
    """`rewind` can drop part of the cache. Otherwise it drops all of it."""
    snapshot: bool
    """`snapshot` and `restore` work. Otherwise they raise RuntimeUnavailableError."""
    row_cost: float = 1.0
    """What one more token in a feed of a few costs, as a share of feeding one alone. Measured once for a runtime and never
    at run time: how an answer is fed must not hang on a clock. At 1 speculation never pays."""


@dataclass(frozen=True)
class RuntimeConfig:
    """How to open a model. None means the runtime's measured default for this machine."""

    threads: int | None = None
    """Worker threads for matrix products; None takes the cores this process may use."""
    context_length: int | None = None
    """Most tokens to hold; None takes the model's own limit. Never more than that limit."""
    exact: bool = False
    """Compute a feed as the format's own engine does (onnxruntime-genai, llama.cpp), with nothing that is faster because it
    rounds differently: whoever feeds a prompt whole and then one token at a time, with as many threads, gets that engine's
    greedy tokens."""

    def __post_init__(self) -> None:
        for name, value in (("threads", self.threads), ("context_length", self.context_length)):
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}; it must be at least 1.")


class Session(Protocol):
    """One model with one KV cache, used by one thread at a time.

    Duties of an implementation (each is a test in `tests/contract`):

    * `feed` appends all of `ids` or, when it raises, none of them: `position` is unchanged.
    * Feeding a sequence in any split gives the same logits within the runtime's numeric tolerance.
    * After `rewind(n)`, feeding continues as if only the first n tokens had ever been fed.
    * `restore(snapshot())` brings back `position` and the logits that follow.
    * `close` may be called twice; every other call after it raises SessionClosedError.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def position(self) -> int:
        """Tokens held in the KV cache."""
        ...

    def feed(self, ids: Sequence[int], *, rows: int = 1) -> Logits:
        """Append token ids to the cache.

        Args:
            ids: at least one token id, each in [0, vocabulary_size).
            rows: how many of the last positions to return logits for, 0 to len(ids). 0 is for the
                leading chunks of a prefill, whose logits nobody reads.

        Returns:
            float32 (rows, vocabulary_size), owned by the caller: a later feed does not change it.

        Raises:
            ContextOverflowError: position + len(ids) is more than context_length.
            PromptError: no ids, an id outside the vocabulary, or rows out of range.
        """
        ...

    def rewind(self, to: int) -> int:
        """Drop the tail so that at most `to` tokens stay; returns the position really kept (0 where
        the runtime cannot keep a part). Raises PromptError when `to` is negative or past `position`."""
        ...

    def snapshot(self) -> bytes:
        """The cache as bytes, for `restore` into a session on the same artifact and runtime."""
        ...

    def restore(self, state: bytes) -> None:
        """Replace the cache. Raises PromptError, leaving the cache as it was, when `state` was not made by
        this model and runtime, is damaged, or is longer than the context."""
        ...

    def close(self) -> None:
        """Free the model. Idempotent."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


class Runtime(Protocol):
    """What an `edge_llm.runtimes` entry point names. Importing its module loads no backend."""

    @property
    def name(self) -> str:
        """The name people type after --runtime."""
        ...

    @property
    def formats(self) -> frozenset[str]:
        """The bundle formats it opens ("onnx", "gguf", ...)."""
        ...

    def describe(self) -> RuntimeStatus:
        """Whether the backend is installed, its version and its execution providers. Loads the backend."""
        ...

    def open(self, bundle: Bundle, config: RuntimeConfig) -> Session:
        """Load a verified bundle. Raises RuntimeUnavailableError, RuntimeFailedError or ConfigError."""
        ...


@dataclass(frozen=True)
class RuntimeStatus:
    """What `edge-llm doctor` shows of one runtime."""

    name: str
    installed: bool
    version: str | None = None
    providers: tuple[str, ...] = ()
    hint: str | None = None
    """What to do when it is not installed."""
