"""A connection to one MCP server: its tools, and calls to them. For code that is not asynchronous.

A server is hostile until shown otherwise: nothing it says is believed, everything is bounded in size and time, and what it may
ask of a client (to sample from a model, to put questions to the person, to list folders) is refused, since a question that
comes through a server proves no consent. Knows nothing of approvals: it calls what it is told to call.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import CancelledError as FutureCancelledError
from concurrent.futures import Future, wait
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from edge_llm.actions.mcp_config import Launch, ServerConfig, check_pins
from edge_llm.actions.mcp_tools import RefusedTool, ServerTool, cut_text, definition_digest, map_tools
from edge_llm.hidden import drop_hidden, show_hidden
from runtimes.errors import CancelledError, CarrierUnavailableError, InputError, McpServerError, RuntimeUnavailableError

if TYPE_CHECKING:
    from types import TracebackType

    from anyio.from_thread import BlockingPortal
    from mcp import Client
    from mcp_types import CallToolResult
    from typing_extensions import Self

    from edge_llm.actions.mcp_transport import Fault, Streams

CONNECT_S = 30.0
"""How long a server may take to start and to tell its tools."""
CALL_S = 60.0
"""How long a call may take where the caller says nothing else."""
RESULT_CHARS = 20_000
"""Most characters of a result."""
TOOLS = 512
"""Most tools of one server."""
_PAGES = 64
_TURN_S = 0.02
_LONG_S = 3600.0
_UNSHOWN = logging.NullHandler()
"""The SDK logs what servers send. Where an application handles no logs, Python would print that on stderr."""
_SAID_CHARS = 300

Found = TypeVar("Found")


@dataclass(frozen=True)
class ToolResult:
    """What a tool gave back: somebody else's text."""

    text: str
    """Nothing is hidden in it. What is no text (pictures, sounds) is named and left out."""
    failed: bool
    """The server says that the tool failed."""
    cut: bool
    """It was longer than RESULT_CHARS."""


class McpConnection:
    """A server, started and connected. Used by any number of threads; a context manager. Keeps one thread of its own.

    Args:
        config: the server; its command and files must be as they were approved.
        connect_s: seconds it may take to start.
        cancel: set it, from any thread, to give up waiting for that.

    Raises:
        RuntimeUnavailableError: the package `mcp` is not installed.
        InputError: the command line or a file is not as it was approved.
        McpServerError: it does not start, or does not speak MCP.
        CancelledError: `cancel` was set.
    """

    def __init__(self, config: ServerConfig, *, connect_s: float = CONNECT_S, cancel: threading.Event | None = None) -> None:
        try:
            from anyio.from_thread import start_blocking_portal

            from edge_llm.actions.mcp_transport import Fault
        except ImportError as error:
            raise RuntimeUnavailableError(
                f"MCP needs a package that is not installed ({error.name}). Run: pip install 'edge-llm[mcp]'"
            ) from error
        check_pins(config)
        for name in ("mcp", "client"):  # the SDK's session has the second one
            logging.getLogger(name).addHandler(_UNSHOWN)
        self.config = config
        self._fault: Fault = Fault()
        self._closing = ExitStack()
        self._portal: BlockingPortal = self._closing.enter_context(start_blocking_portal())
        self._ready: Future[Client] = Future()
        self._serving: Future[None] = self._portal.start_task_soon(self._serve, connect_s)
        try:
            self._client = self._waited(self._ready, connect_s, cancel)
        except BaseException:
            self.close()
            raise

    @property
    def open(self) -> bool:
        """Whether calls can be made."""
        return not self._serving.done()

    def tools(self, *, timeout_s: float = CONNECT_S) -> tuple[tuple[ServerTool, ...], tuple[RefusedTool, ...]]:
        """What the server offers now: what can be used, and what cannot, with the reason. Raises McpServerError."""
        return map_tools(self.config.name, self._run(self._definitions, timeout_s, None))

    def call(
        self,
        tool: ServerTool,
        arguments: Mapping[str, Any],
        *,
        timeout_s: float = CALL_S,
        cancel: threading.Event | None = None,
    ) -> ToolResult:
        """Call a tool, if it still is the one given.

        Args:
            arguments: values by slot of the tool's action. None leaves an argument out.
            cancel: set it, from any thread, to give up waiting. The server may go on.

        Raises:
            InputError: an argument that the tool does not have.
            CarrierUnavailableError: the tool is not what it was when it was approved, or is gone. It was not called.
            McpServerError: no answer in time, an answer that cannot be used, or a question in place of an answer.
            CancelledError: `cancel` was set.
        """
        if strangers := set(arguments) - set(tool.properties):
            raise InputError(f"The tool {tool.name} has no argument {', '.join(sorted(strangers))}.")
        named = {tool.properties[slot]: value for slot, value in arguments.items() if value is not None}

        async def checked() -> CallToolResult:
            await self._check(tool)
            return await self._call(tool.name, named)

        return _bounded(self._run(checked, timeout_s, cancel))

    def close(self) -> None:
        """End the connection, and the server where it is a program. Idempotent."""
        self._serving.cancel()
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def _serve(self, connect_s: float) -> None:
        """Hold the connection open. Ends when it is cancelled, or when the connection breaks."""
        import anyio
        from mcp import Client

        try:
            async with Client(self._streams(), read_timeout_seconds=connect_s, cache=None) as client:
                self._ready.set_result(client)
                await anyio.sleep_forever()
        except Exception as error:  # the SDK's tasks raise anything; the one who waits gets it
            if not self._ready.done():
                self._ready.set_exception(error)
            raise

    def _streams(self) -> AbstractAsyncContextManager[Streams]:
        from edge_llm.actions.mcp_transport import http_streams, program_streams

        reach = self.config.reach
        return program_streams(reach, self._fault) if isinstance(reach, Launch) else http_streams(reach)

    async def _definitions(self) -> tuple[Mapping[str, Any], ...]:
        """Every tool as the server defines it now."""
        found = [tool async for page in self._pages() for tool in page]
        return tuple(found)

    async def _pages(self) -> AsyncIterator[list[Mapping[str, Any]]]:
        from mcp_types import PaginatedRequestParams

        cursor, count = None, 0
        for _ in range(_PAGES):
            page = await self._client.session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            count += len(page.tools)
            if count > TOOLS:
                break
            yield [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                return
        raise McpServerError(f"The MCP server {self.config.name} offers more than {TOOLS} tools, or a list without an end.")

    async def _check(self, tool: ServerTool) -> None:
        digests = {definition_digest(found) for found in await self._definitions() if found["name"] == tool.name}
        if digests != {tool.digest}:
            what = "changed" if digests else "is gone"
            raise CarrierUnavailableError(
                f"The tool {tool.name} of the MCP server {self.config.name} {what} since you approved it, and was not called. "
                f"`edge-llm mcp tools {self.config.name}` shows it; `edge-llm mcp add {self.config.name}` approves it again."
            )

    async def _call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult, InputRequiredResult
        from pydantic import TypeAdapter

        # Not the session's own method: that one runs the server's output schema, whose patterns may take for ever.
        answers: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)
        request = CallToolRequest(params=CallToolRequestParams(name=name, arguments=arguments))
        result = await self._client.session.send_request(
            request, answers, request_read_timeout_seconds=_LONG_S
        )  # `_waited` times it
        if isinstance(result, InputRequiredResult):
            raise McpServerError(
                f"The MCP server {self.config.name} asks something in place of an answer. That is refused: what a server asks "
                "proves nobody's consent. Give the tool what it needs as arguments."
            )
        return result

    def _run(self, work: Callable[[], Awaitable[Found]], timeout_s: float, cancel: threading.Event | None) -> Found:
        if not self.open:
            raise self._broken(None)
        try:
            future = self._portal.start_task_soon(work)
        except RuntimeError as error:  # another thread closed the connection meanwhile
            raise self._broken(None) from error
        return self._waited(future, timeout_s, cancel)

    def _waited(self, future: Future[Found], timeout_s: float, cancel: threading.Event | None) -> Found:
        """The future's result; its error, translated. A server that does not answer in time is given up."""
        deadline = time.monotonic() + timeout_s
        while not future.done():
            if cancel is not None and cancel.is_set():
                future.cancel()
                raise CancelledError(
                    f"Waiting for the MCP server {self.config.name} was given up. What it was asked may have been carried out."
                )
            if time.monotonic() > deadline:
                future.cancel()
                self._serving.cancel()
                noise = f" ({self._fault.reason})" if self._fault.reason else ""
                raise McpServerError(
                    f"The MCP server {self.config.name} did not answer within {timeout_s:g} s{noise} and was given up."
                    f"{self._said()}"
                )
            if self._serving.done() and not future.done():
                future.cancel()
            wait((future,), timeout=_TURN_S)
        try:
            return future.result()
        except (CancelledError, CarrierUnavailableError, McpServerError):
            raise
        except (Exception, FutureCancelledError) as error:
            raise self._broken(error) from error

    def _broken(self, error: BaseException | None) -> McpServerError:
        """What went wrong, in words: the server's own, cut; the transport's where the connection ended."""
        from mcp import MCPError
        from mcp_types import CONNECTION_CLOSED
        from pydantic import ValidationError

        inner = error
        while nested := getattr(inner, "exceptions", ()):  # a group, as task groups raise them
            inner = nested[0]
        if isinstance(inner, McpServerError):
            return inner
        told = ""
        if isinstance(inner, ValidationError):
            told = "its answer is not what MCP defines"
        elif isinstance(inner, MCPError) and inner.code != CONNECTION_CLOSED:
            told = f"it says {cut_text(inner.message, _SAID_CHARS)!r}"
        elif inner is not None and not isinstance(inner, MCPError):
            told = cut_text(str(inner), _SAID_CHARS).rstrip(".")
        return McpServerError(
            f"The MCP server {self.config.name} failed: {told or self._fault.reason or 'the connection ended'}.{self._said()}"
        )

    def _said(self) -> str:
        """The end of what a program printed on stderr, made harmless."""
        lines = self._fault.stderr.decode("utf-8", "replace").strip().splitlines()
        return f" Its last words: {show_hidden(lines[-1])[:_SAID_CHARS]!r}" if lines else ""


def _bounded(result: CallToolResult) -> ToolResult:
    """A result as text, within bounds."""
    parts: list[str] = []
    for block in result.content:
        if block.type == "text":
            parts.append(block.text)
        elif block.type == "resource_link":
            parts.append(f"[a link to {block.uri}]")
        elif block.type == "resource" and hasattr(block.resource, "text"):
            parts.append(block.resource.text)
        else:
            parts.append(f"[left out: {block.type}]")
    if not parts and result.structured_content is not None:
        parts.append(json.dumps(result.structured_content, ensure_ascii=False))
    text = drop_hidden("\n".join(parts))
    return ToolResult(text[:RESULT_CHARS], bool(result.is_error), len(text) > RESULT_CHARS)
