"""The MCP servers that the person configured: HOME/mcp.json. What starts each, what was approved of it, and whether both still
hold.

A server is pinned: by SHA-256 of its command line (or its address) and of every program that the line names. Its tools
are kept as they were approved, so that actions exist without starting a server, and none changes unseen. Starts nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edge_llm.actions.manifest import Action, action_document, parse_action
from edge_llm.actions.mcp_tools import ServerTool
from edge_llm.home import Home
from runtimes.errors import InputError, ManifestError, StorageError

SCHEMA_VERSION = 1
_FILE = "mcp.json"
_FILE_BYTES = 16 << 20
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_NAME_CHARS = 40
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SCRIPTS = {".bat", ".cjs", ".cmd", ".js", ".lua", ".mjs", ".mts", ".php", ".pl", ".ps1", ".py", ".rb", ".sh", ".ts"}
_BINARIES = {".dll", ".exe", ".jar", ".pyc", ".pyz", ".so", ".wasm"}
_AGAIN = "If you changed it yourself, approve it again with `edge-llm mcp add {name}`; otherwise find out who did."


@dataclass(frozen=True)
class Launch:
    """A program that speaks MCP over its standard streams."""

    command: str
    """Absolute path of the executable."""
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables it gets besides PATH, HOME and the like. It gets no others."""
    folder: str = ""
    """Where it is started; relative arguments count from there."""


@dataclass(frozen=True)
class Address:
    """A server that speaks MCP over streamable HTTP."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerConfig:
    """A server as the person approved it."""

    name: str
    reach: Launch | Address
    line_digest: str = ""
    """SHA-256 of the command line or the address, hex."""
    pins: Mapping[str, str] = field(default_factory=dict)
    """SHA-256, hex, of the executable and each program that the command line names, by its path."""
    tools: tuple[ServerTool, ...] = ()
    """The tools that were approved."""


class McpConfig:
    """The file of servers. Read anew at each call; one process writes at a time.

    Args:
        home: where it is; None takes this user's.
    """

    def __init__(self, home: Home | None = None) -> None:
        self._home = home or Home()

    @property
    def path(self) -> Path:
        """The file; it need not exist."""
        return self._home.path / _FILE

    def servers(self) -> dict[str, ServerConfig]:
        """Every server, by name. Raises InputError for a file that cannot be understood, StorageError for one unreadable."""
        try:
            with self.path.open("rb") as stream:
                data = stream.read(_FILE_BYTES + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StorageError(f"Cannot read {self.path}: {error.strerror or error}.") from error
        try:
            if len(data) > _FILE_BYTES:
                raise ValueError(f"larger than {_FILE_BYTES >> 20} MiB")
            document = json.loads(data)
            if document["schema_version"] != SCHEMA_VERSION:
                raise InputError(f"{self.path} has schema version {document['schema_version']!r}; this edge-llm reads 1.")
            return {name: _parse_server(name, value) for name, value in document["servers"].items()}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ManifestError) as error:
            raise InputError(
                f"{self.path} is damaged ({error}). Correct it, or move it away and add the servers again."
            ) from error

    def get(self, name: str) -> ServerConfig:
        """The server of that name. Raises InputError when there is none, and as `servers`."""
        servers = self.servers()
        if name not in servers:
            known = f" There are {', '.join(servers)}." if servers else ""
            raise InputError(f"No MCP server is called {name!r}.{known} `edge-llm mcp add NAME -- COMMAND` adds one.")
        return servers[name]

    def put(self, config: ServerConfig) -> None:
        """Keep a server in the place of one with its name. Raises as `servers`, and StorageError."""
        with self._home.lock("mcp"):
            self._write(self.servers() | {config.name: config})

    def remove(self, name: str) -> None:
        """Forget a server. Raises InputError when there is none."""
        with self._home.lock("mcp"):
            self.get(name)
            self._write({other: config for other, config in self.servers().items() if other != name})

    def _write(self, servers: Mapping[str, ServerConfig]) -> None:
        document = {
            "schema_version": SCHEMA_VERSION,
            "servers": {name: _server_document(config) for name, config in sorted(servers.items())},
        }
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        folder = self._home.make(self._home.path)
        try:
            # Beside the file and only for its owner: variables and headers may hold secrets.
            handle, temporary = tempfile.mkstemp(prefix=_FILE, dir=folder)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(self.path)
        except OSError as error:
            raise StorageError(f"Cannot write {self.path}: {error.strerror or error}.") from error


def pinned(name: str, reach: Launch | Address) -> ServerConfig:
    """A server as it is now, with no tools approved.

    Raises:
        InputError: its name, its address or its command cannot be used; the message says why.
        StorageError: a file that its command line names cannot be read.
    """
    if not _NAME.fullmatch(name) or len(name) > _NAME_CHARS:
        raise InputError(f"{name!r} cannot name a server: use lower-case letters, digits and single hyphens, such as my-files.")
    if isinstance(reach, Address):
        _check_address(reach)
        return ServerConfig(name, reach, _line_digest(reach))
    return ServerConfig(name, reach, _line_digest(reach), {str(path): _file_digest(path) for path in _files(reach)})


def find_program(command: str) -> str:
    """The absolute path of a command. Raises InputError when there is none."""
    found = shutil.which(command)
    if found is None:
        raise InputError(f"There is no program {command!r}. Give its whole path, or put its folder on PATH.")
    return str(Path(found).absolute())


def changes(config: ServerConfig) -> tuple[str, ...]:
    """What is not as it was approved, in words: the command line, or files. Empty when all is."""
    if _line_digest(config.reach) != config.line_digest:
        return ("the command line" if isinstance(config.reach, Launch) else "the address",)
    if isinstance(config.reach, Address):
        return ()
    changed = [path for path, digest in config.pins.items() if _digest_or_none(Path(path)) != digest]
    files = {str(path) for path in _files(config.reach)}
    return (*changed, *sorted(files - set(config.pins)))


def check_pins(config: ServerConfig) -> None:
    """Raises InputError when something is not as it was approved; the message says what, and what to do."""
    if found := changes(config):
        raise InputError(
            f"The MCP server {config.name} was not started: {', '.join(found)} changed since you approved it. "
            + _AGAIN.format(name=config.name)
        )


def approved_effects(config: ServerConfig, tools: tuple[ServerTool, ...]) -> tuple[ServerTool, ...]:
    """These tools, each with what the person said before of the same definition of it."""
    known = {tool.digest: tool for tool in config.tools}
    return tuple(known.get(tool.digest, tool) for tool in tools)


def _check_address(address: Address) -> None:
    try:
        parts = urlsplit(address.url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.username or not address.url.isprintable():
        raise InputError(f"{address.url!r} is no address of an MCP server; it must be like https://example.org/mcp.")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise InputError(f"{address.url} is not encrypted: others could read and change what is said. Use https.")
    if not all(re.fullmatch(r"[A-Za-z0-9-]+", name) and value.isprintable() for name, value in address.headers.items()):
        raise InputError("A header is malformed. Write it as `Name: value`.")


def _files(launch: Launch) -> tuple[Path, ...]:
    """The executable and every argument that is a program, links followed. Data that a server is pointed at may change."""
    folder = Path(launch.folder)
    named = (folder / argument for argument in launch.arguments if "\0" not in argument)
    programs = (Path(launch.command), *(path for path in named if _is_file(path) and _is_program(path)))
    return tuple(dict.fromkeys(path.resolve() for path in programs))


def _is_program(path: Path) -> bool:
    """Whether a file is run, as far as it shows: by its ending, its permission, or its first characters."""
    if path.suffix.lower() in _SCRIPTS | _BINARIES or os.access(path, os.X_OK):
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(2) == b"#!"
    except OSError:
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # an argument too long to be a path is none
        return False


def _line_digest(reach: Launch | Address) -> str:
    text = json.dumps(_reach_document(reach), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise StorageError(f"Cannot read {path}: {error.strerror or error}.") from error
    return digest.hexdigest()


def _digest_or_none(path: Path) -> str | None:
    return _file_digest(path) if _is_file(path) else None


def _reach_document(reach: Launch | Address) -> dict[str, Any]:
    if isinstance(reach, Address):
        return {"url": reach.url, "headers": dict(reach.headers)}
    return {
        "command": reach.command,
        "arguments": list(reach.arguments),
        "environment": dict(reach.environment),
        "folder": reach.folder,
    }


def _server_document(config: ServerConfig) -> dict[str, Any]:
    return {
        **_reach_document(config.reach),
        "sha256": config.line_digest,
        "files": dict(config.pins),
        "tools": [
            {
                "name": tool.name,
                "sha256": tool.digest,
                "hints": list(tool.hints),
                "properties": dict(tool.properties),
                "action": action_document(tool.action),
            }
            for tool in config.tools
        ],
    }


def _parse_server(name: str, document: Mapping[str, Any]) -> ServerConfig:
    if not _NAME.fullmatch(name) or len(name) > _NAME_CHARS:
        raise ValueError(f"{name!r} cannot name a server")
    reach: Launch | Address
    if "url" in document:
        reach = Address(_word(document["url"]), _words(document["headers"]))
    else:
        arguments = tuple(_word(argument) for argument in document["arguments"])
        reach = Launch(_word(document["command"]), arguments, _words(document["environment"]), _word(document["folder"]))
    tools = tuple(_parse_tool(name, value) for value in document["tools"])
    return ServerConfig(name, reach, _word(document["sha256"]), _words(document["files"]), tools)


def _parse_tool(server: str, document: Mapping[str, Any]) -> ServerTool:
    name, properties = _word(document["name"]), _words(document["properties"])
    action: Action = replace(parse_action(document["action"]), trusted=False)
    carriers = [(carrier.kind, carrier.target) for carrier in action.carriers]
    if carriers != [("mcp", f"{server}/{name}")] or not action.id.startswith(f"mcp.{server}."):
        raise ValueError(f"the tool {name} is not one of {server}")
    if set(properties) != {slot.name for slot in action.slots}:
        raise ValueError(f"the arguments of {name} are incomplete")
    return ServerTool(name, _word(document["sha256"]), action, properties, tuple(map(_word, document["hints"])))


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _words(value: Mapping[str, Any]) -> dict[str, str]:
    return {name: _word(text) for name, text in value.items()}
