"""Every error the toolkit raises, drawn once. Each carries the exit code of the command line.

EdgeLLMError                     1   base: one message that names the file, the fact and the next step
├── InputError                   2   what was given cannot be used
│   ├── ConfigError              2   an option is outside its range
│   ├── BundleError              2   a bundle is damaged, unsafe or from the future
│   ├── SourceError              2   a checkpoint is truncated, lying or incomplete
│   │   └── UnsupportedModelError 2  a well-formed model this build has no family, type or feature for
│   ├── TokenizerError           2   a vocabulary is missing or malformed
│   ├── TemplateError            2   a chat template is missing, fails, or runs past its bounds
│   ├── PromptError              2   an empty prompt, token ids out of range
│   │   └── ContextOverflowError 2   more tokens than the context holds (carries both numbers)
│   ├── ConstraintError          2   a schema, pattern or grammar that no answer can follow
│   ├── UnknownModelError        2   a name the catalog does not know (carries the nearest ones)
│   └── RuntimeUnavailableError  2   the runtime asked for is not installed or cannot open this format
├── AnswerError                  1   an answer under a constraint that cannot be used (carries its text)
├── PolicyError                  2   an effect that policy refuses, or that nobody approved
├── CarrierUnavailableError      2   a carrier cannot carry a call here; nothing happened
├── McpServerError               2   an MCP server did not start, did not answer, or reported a failure
├── NetworkError                 2   a download did not finish
│   └── StatusError              2   the server answered with an error (carries its HTTP status)
├── StorageError                 2   the disk said no (space, permission)
│   ├── StoreBusyError           2   another process writes to the store and did not finish in time
│   └── StoreDamagedError        2   part of a store cannot be read (names the part)
├── CancelledError             130   the caller ended it; what was finished before stays
├── RuntimeFailedError           1   a backend failed while loading or running
└── SessionClosedError           1   a session was used after close()
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus


class EdgeLLMError(Exception):
    """Base of every error raised on purpose. `exit_code` is what the command line returns for it."""

    exit_code = 1


class InputError(EdgeLLMError):
    """What was given cannot be used; trying again unchanged gives the same answer."""

    exit_code = 2


class ConfigError(InputError):
    """An option is outside its range."""


class BundleError(InputError):
    """A bundle is damaged, unsafe or written by a newer version."""


class SourceError(InputError):
    """A checkpoint is truncated, inconsistent with its own header, or incomplete."""


class UnsupportedModelError(SourceError):
    """A well-formed model that this build has no family, tensor type or feature for."""


class TokenizerError(InputError):
    """A vocabulary is missing or malformed."""


class TemplateError(InputError):
    """A chat template is missing, fails, or runs past its bounds in time or output."""


class PromptError(InputError):
    """A prompt that cannot be fed: empty, or with token ids outside the vocabulary."""


class ContextOverflowError(PromptError):
    """More tokens than the context holds. Nothing was fed and nothing was cut."""

    def __init__(self, needed: int, context_length: int) -> None:
        self.needed = needed
        self.context_length = context_length
        super().__init__(
            f"The prompt needs {needed} tokens and the context holds {context_length}. "
            "Shorten it, start a new conversation, or open the model with a longer context."
        )


class ConstraintError(InputError):
    """A schema, pattern or grammar that is malformed, uses what a grammar cannot express, or allows no answer."""


class UnknownModelError(InputError):
    """A model name that is neither in the catalog nor on disk."""

    def __init__(self, name: str, nearest: Sequence[str]) -> None:
        self.name = name
        self.nearest = tuple(nearest)
        known = f" Did you mean {', '.join(self.nearest)}?" if self.nearest else ""
        super().__init__(
            f"No model is called {name!r}.{known} `edge-llm models` lists the names; "
            "a path to a bundle, a .gguf file or a Hugging Face directory works too."
        )


class ManifestError(InputError):
    """An action manifest is malformed; names the action, the place in it and the fact."""


class UnreadableFileError(InputError):
    """A document that memory cannot take in: damaged, not what its name says, or over a limit."""


class WrongKeyError(InputError):
    """The key does not open the store. The store was not touched."""


class RuntimeUnavailableError(InputError):
    """The runtime asked for is not installed, or cannot open this kind of artifact."""


class AnswerError(EdgeLLMError):
    """An answer that was to have a certain form and cannot be used: it was cut short, or its value was refused."""

    def __init__(self, message: str, text: str) -> None:
        self.text = text
        """The answer as far as it went."""
        super().__init__(message)


class PolicyError(EdgeLLMError):
    """An effect that policy refuses, or that no approval of the person covers. Nothing was done."""

    exit_code = 2


class CarrierUnavailableError(EdgeLLMError):
    """A carrier cannot carry a call out here. Nothing happened; another one may be tried."""

    exit_code = 2


class McpServerError(EdgeLLMError):
    """An MCP server did not start, did not answer in time, said what cannot be used, or reported a failure."""

    exit_code = 2


class NetworkError(EdgeLLMError):
    """A download did not finish. What was fetched so far is kept and resumed."""

    exit_code = 2


class StatusError(NetworkError):
    """The server answered with an error. Who knows what was asked for may have better words for it."""

    def __init__(self, url: str, status: int) -> None:
        self.status = status
        phrase = next((f" ({known.phrase})" for known in HTTPStatus if known == status), "")
        super().__init__(f"{url} answered {status}{phrase}. Check the address, or try again later.")


class StorageError(EdgeLLMError):
    """The disk refused: no space, no permission, not a directory."""

    exit_code = 2


class StoreBusyError(StorageError):
    """Another process writes to the store and did not finish in time. Nothing was written."""


class StoreDamagedError(StorageError):
    """Part of a store cannot be read. The message names the part; the rest can be exported."""


class CancelledError(EdgeLLMError):
    """The caller ended it. What was finished before stays."""

    exit_code = 130


class RuntimeFailedError(EdgeLLMError):
    """A backend failed while loading or running a model."""


class SessionClosedError(EdgeLLMError):
    """A session was used after `close()`."""
