"""Carries calls out through the tools of MCP servers that the person configured and approved. Results are others' text.

A server is started by the first call to it and kept until `close`. Knows servers and tools; decides nothing about consent.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from edge_llm.actions.manifest import Action, Carrier, CarrierKind
from edge_llm.actions.mcp_client import CALL_S, McpConnection
from edge_llm.actions.mcp_config import McpConfig, ServerConfig, changes
from edge_llm.actions.mcp_tools import ServerTool
from edge_llm.actions.providers.provider import ProviderResult
from edge_llm.actions.values import Call
from edge_llm.hidden import show_hidden
from runtimes.errors import CarrierUnavailableError, EdgeLLMError, InputError, McpServerError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


def mcp_actions(config: McpConfig) -> tuple[Action, ...]:
    """The actions of every tool that was approved. Starts no server. Raises as `McpConfig.servers`."""
    return tuple(tool.action for server in config.servers().values() for tool in server.tools)


class McpProvider:
    """The provider of `mcp` carriers. A context manager.

    Args:
        config: the person's servers.
        timeout_s: seconds one call may take.
        cancel: set it, from any thread, to give up waiting for the call under way.
    """

    kind: CarrierKind = "mcp"

    def __init__(self, config: McpConfig, *, timeout_s: float = CALL_S, cancel: threading.Event | None = None) -> None:
        self._config = config
        self._timeout_s = timeout_s
        self._cancel = cancel
        self._open: dict[str, McpConnection] = {}
        self._starting: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def obstacle(self, carrier: Carrier, call: Call) -> str | None:
        """Why the tool cannot be called. Starts nothing."""
        try:
            server, _ = self._approved(carrier, call)
            if found := changes(server):
                return f"{', '.join(found)} changed since you approved the MCP server {server.name}."
        except EdgeLLMError as error:
            return str(error)
        return None

    def describe(self, carrier: Carrier, call: Call) -> str:
        """The tool and its arguments."""
        return show_hidden(f"MCP tool {carrier.target} {call.canonical}")

    def run(self, carrier: Carrier, call: Call) -> ProviderResult:
        """Call the tool. Its result is text. Raises as the protocol says."""
        try:
            server, tool = self._approved(carrier, call)
            connection = self._connected(server)
        except (InputError, McpServerError) as error:
            raise CarrierUnavailableError(str(error)) from error
        result = connection.call(tool, call.arguments, timeout_s=self._timeout_s, cancel=self._cancel)
        if result.failed:
            raise McpServerError(f"The tool {carrier.target} reports that it failed: {result.text[:300]!r}")
        return ProviderResult(result.text + (" …" if result.cut else ""), untrusted=True)

    def close(self) -> None:
        """End every server that was started. Idempotent."""
        with self._lock:
            starting = dict(self._starting)
        for name, lock in starting.items():
            with lock:
                if (connection := self._open.pop(name, None)) is not None:
                    connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _approved(self, carrier: Carrier, call: Call) -> tuple[ServerConfig, ServerTool]:
        """The server and the tool as they are approved now. Raises InputError where the call is of something else."""
        server_name, _, tool_name = carrier.target.partition("/")
        server = self._config.get(server_name)
        for tool in server.tools:
            if tool.name == tool_name:
                if (tool.action.id, tool.action.version) != (call.action.id, call.action.version):
                    raise InputError(f"The tool {carrier.target} is approved in another form than this call was made for.")
                return server, tool
        raise InputError(f"The tool {carrier.target} is not approved. `edge-llm mcp add {server_name}` shows it and asks.")

    def _connected(self, server: ServerConfig) -> McpConnection:
        """The connection to a server; a new one where there is none, or where it broke or was of another approval."""
        with self._lock:  # a server that is slow to start holds up nobody who calls another one
            lock = self._starting.setdefault(server.name, threading.Lock())
        with lock:
            connection = self._open.get(server.name)
            if connection is not None and connection.open and connection.config == server:
                return connection
            if connection is not None:
                del self._open[server.name]
                connection.close()
            connection = self._open[server.name] = McpConnection(server, cancel=self._cancel)
            return connection
