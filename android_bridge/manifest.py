"""What a phone app opens: `phone.json`, its values, its reader and its writer. The only contract with the Kotlin library.

Knows the fields, their types and what refers to what. Knows no template language, no tensor and no Android class. The
format is `phone.schema.json` beside this file (JSON Schema 2020-12) and is told in docs/android.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeAlias, get_args

from runtimes.bundle import FileEntry
from runtimes.errors import BundleError

SCHEMA_VERSION = 1
PHONE_MANIFEST_NAME = "phone.json"
_LARGEST = 16 << 20

TokenizerKind: TypeAlias = Literal["bpe", "unigram"]
Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class KvCache:
    """Shape of the KV cache: float32, (1, heads, tokens, head_dim) for a key and a value of each layer."""

    layers: int
    heads: int
    head_dim: int

    @property
    def bytes_per_token(self) -> int:
        return 2 * 4 * self.layers * self.heads * self.head_dim


@dataclass(frozen=True)
class Memory:
    """Bytes the model takes in RAM at its context length: what the library checks before it loads anything."""

    weights_bytes: int
    kv_bytes: int
    working_bytes: int
    """Activations, logits and the runtime's own."""

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.kv_bytes + self.working_bytes


@dataclass(frozen=True)
class TokenizerFile:
    """The vocabulary, as Hugging Face's tokenizer.json."""

    kind: TokenizerKind
    file: str
    bos_id: int | None
    """The token every prompt begins with, whatever the turns write; None where there is none."""
    special_ids: tuple[int, ...]
    """Control tokens. Text that a person wrote never becomes one."""


@dataclass(frozen=True)
class SystemTurn:
    """What is written around the system turn that a conversation begins with."""

    before: str
    after: str
    """Up to the content of the first user turn."""


@dataclass(frozen=True)
class TurnFormat:
    """How a conversation is written: the texts between the contents of its turns, which alternate from the user's first
    to the user's last. turn_format.py makes one from a chat template and proves that it says the same."""

    opening: str
    """Before the first user turn of a conversation without a system turn; a template's own default one is in it."""
    system: SystemTurn | None
    """None where the model takes no system turn."""
    user_to_assistant: str
    assistant_to_user: str
    answer: str
    """After the last user turn: the assistant's answer begins here."""
    trim: bool = False
    """White space at both ends of a turn's content is dropped."""
    reasoning_end: str | None = None
    """An earlier answer counts from behind the last of these on, without the line breaks that follow it."""


@dataclass(frozen=True)
class SamplingDefaults:
    """How the next token is chosen where the app does not say; the meaning of each is `edge_llm.Sampling`'s."""

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    repetition_window: int = 64


@dataclass(frozen=True)
class PhoneManifest:
    """What a phone directory says of itself. Paths are relative, POSIX, and inside the directory."""

    name: str
    format: Literal["onnx", "gguf"]
    family: str
    model: str
    context_length: int
    """Most tokens the app will hold: what memory is planned for, never more than the model's own limit."""
    vocabulary_size: int
    kv: KvCache
    memory: Memory
    requires: Mapping[str, str]
    """Runtime -> oldest version that has the kernels this model needs."""
    tokenizer: TokenizerFile
    turns: TurnFormat | None
    """None for a model that only continues texts."""
    stop_token_ids: tuple[int, ...]
    sampling: SamplingDefaults
    files: Mapping[str, FileEntry]
    actions: tuple[Json, ...] = ()
    """Action manifests, as the assistant has them."""
    licence: str | None = None
    source: Json = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        for role in (self.model, self.tokenizer.file):
            if role not in self.files:
                raise ValueError(f"{role!r} is used and not listed among the files")
        if outside := [name for name in self.files if _escapes(name)]:
            raise ValueError(f"{outside[0]!r} is outside the directory")


def write_manifest(manifest: PhoneManifest, directory: Path) -> None:
    """Write `phone.json` into a directory that holds the other files already."""
    document = asdict(manifest)
    document["kv"]["bytes_per_token"] = manifest.kv.bytes_per_token
    document["memory"]["total_bytes"] = manifest.memory.total_bytes
    text = json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False)
    (directory / PHONE_MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")


def read_manifest(directory: Path) -> PhoneManifest:
    """The manifest of a phone directory; the files themselves are not opened.

    Raises:
        BundleError: there is none, it is malformed, or it is from a newer version.
    """
    path = directory / PHONE_MANIFEST_NAME
    if not path.is_file():
        raise BundleError(f"{directory} has no {PHONE_MANIFEST_NAME}. Make it with `edge-llm export`.")
    if path.stat().st_size > _LARGEST:
        raise BundleError(f"{path} has {path.stat().st_size} bytes; a phone manifest never has more than {_LARGEST}.")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is not valid JSON: {error}. Export the bundle again.") from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if type(version) is not int or version < 1:
        raise BundleError(f"{path} has no valid schema_version. Export the bundle again.")
    if version > SCHEMA_VERSION:
        raise BundleError(f"{path} has schema version {version}; this edge-llm reads up to {SCHEMA_VERSION}. Update edge-llm.")
    try:
        return _parse(document)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise BundleError(f"{path} is malformed: {error}. Export the bundle again.") from error


def schema() -> dict[str, Any]:
    """The JSON Schema of `phone.json`, for validators in any language."""
    document: dict[str, Any] = json.loads((files("android_bridge") / "phone.schema.json").read_text(encoding="utf-8"))
    return document


def _parse(document: dict[str, Any]) -> PhoneManifest:
    _only(document, {item.name for item in fields(PhoneManifest)}, "the manifest")
    if document["format"] not in ("onnx", "gguf"):
        raise ValueError(f"format is {document['format']!r}")
    tokenizer = _only(document["tokenizer"], {"kind", "file", "bos_id", "special_ids"}, "tokenizer")
    if tokenizer["kind"] not in get_args(TokenizerKind):
        raise ValueError(f"tokenizer.kind is {tokenizer['kind']!r}")
    turns = document.get("turns")
    kv = _counts(document["kv"], {"layers", "heads", "head_dim", "bytes_per_token"}, "kv")
    memory = _counts(document["memory"], {"weights_bytes", "kv_bytes", "working_bytes", "total_bytes"}, "memory")
    for name in ("context_length", "vocabulary_size"):
        if type(document[name]) is not int or document[name] < 1:
            raise ValueError(f"{name} is {document[name]!r}")
    parsed = PhoneManifest(
        name=_text(document["name"]),
        format=document["format"],
        family=_text(document["family"]),
        model=_text(document["model"]),
        context_length=document["context_length"],
        vocabulary_size=document["vocabulary_size"],
        kv=KvCache(kv["layers"], kv["heads"], kv["head_dim"]),
        memory=Memory(memory["weights_bytes"], memory["kv_bytes"], memory["working_bytes"]),
        requires={_text(name): _text(oldest) for name, oldest in document["requires"].items()},
        tokenizer=TokenizerFile(
            tokenizer["kind"], _text(tokenizer["file"]), tokenizer["bos_id"], tuple(tokenizer["special_ids"])
        ),
        turns=None if turns is None else _parse_turns(turns),
        stop_token_ids=tuple(document["stop_token_ids"]),
        sampling=SamplingDefaults(**document["sampling"]),
        files={_text(name): FileEntry(_text(entry["sha256"]), int(entry["size"])) for name, entry in document["files"].items()},
        actions=tuple(document["actions"]),
        licence=document.get("licence"),
        source=document["source"],
        schema_version=document["schema_version"],
    )
    if (kv["bytes_per_token"], memory["total_bytes"]) != (parsed.kv.bytes_per_token, parsed.memory.total_bytes):
        raise ValueError("its sums do not add up")
    return parsed


def _parse_turns(document: dict[str, Any]) -> TurnFormat:
    _only(document, {item.name for item in fields(TurnFormat)}, "turns")
    system, reasoning_end = document["system"], document["reasoning_end"]
    if system is not None:
        _only(system, {"before", "after"}, "turns.system")
    return TurnFormat(
        opening=_text(document["opening"]),
        system=None if system is None else SystemTurn(_text(system["before"]), _text(system["after"])),
        user_to_assistant=_text(document["user_to_assistant"]),
        assistant_to_user=_text(document["assistant_to_user"]),
        answer=_text(document["answer"]),
        trim=bool(document["trim"]),
        reasoning_end=None if reasoning_end is None else _text(reasoning_end),
    )


def _only(document: dict[str, Any], known: set[str], place: str) -> dict[str, Any]:
    if unknown := sorted(set(document) - known):
        raise ValueError(f"{place} has unknown fields {', '.join(unknown)}")
    return document


def _counts(document: dict[str, Any], known: set[str], place: str) -> dict[str, int]:
    _only(document, known, place)
    if wrong := [name for name in sorted(known) if type(document[name]) is not int or document[name] < 0]:
        raise ValueError(f"{place}.{wrong[0]} is {document[wrong[0]]!r}")
    return document


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _escapes(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name
