"""How bytes travel to an MCP server and back: a child process's pipes, or HTTP. Bounded, because a server may be hostile.

The SDK's own pipe transport keeps a line without an end in memory for as long as it grows, and its HTTP transport reads a body
of any size. Here a message, and all that comes between two requests, has a largest size; a program's whole process group ends
with the connection. Knows no tools and no approvals.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias, cast

import anyio
import httpx2
from anyio.abc import ByteReceiveStream, ByteSendStream, Process
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from edge_llm.actions.mcp_config import Address, Launch
from runtimes.errors import McpServerError

MESSAGE_BYTES = 4 << 20
"""Largest message."""
UNASKED_BYTES = 16 << 20
"""Most bytes that a server may send from one of our messages to the next."""
_STDERR_BYTES = 2_000
_BLOCK = 1 << 16
_GRACE_S, _KILL_S, _POLL_S = 1.0, 0.5, 0.01

Streams: TypeAlias = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]


@dataclass
class Fault:
    """Why a connection ended or gave no answer, as far as the transport knows. Filled in while it runs."""

    reason: str = ""
    stderr: bytes = b""
    """The end of what a program printed there."""


@asynccontextmanager
async def program_streams(launch: Launch, fault: Fault) -> AsyncIterator[Streams]:
    """Start a program and speak with it. It, and what it started, ends with the block.

    Raises:
        OSError: it cannot be started.
    """
    process = await anyio.open_process(
        [launch.command, *launch.arguments],
        env=get_default_environment() | dict(launch.environment),
        cwd=launch.folder or None,
        start_new_session=True,
    )
    to_session, from_program = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    from_session, to_program = anyio.create_memory_object_stream[SessionMessage](0)
    pipes = _Pipes(process, fault)
    async with anyio.create_task_group() as group:
        group.start_soon(pipes.read, to_session)
        group.start_soon(pipes.write, to_program, to_session)
        group.start_soon(pipes.read_errors)
        try:
            yield from_program, from_session
        finally:
            with anyio.CancelScope(shield=True):
                from_program.close()
                from_session.close()
                await _end(process)
            group.cancel_scope.cancel()


@asynccontextmanager
async def http_streams(address: Address) -> AsyncIterator[Streams]:
    """Speak with a server over streamable HTTP. Redirects to another origin are not followed, proxies not used."""
    transport = _BoundedTransport()
    headers = {**address.headers, "Accept-Encoding": "identity"}
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers, timeout=httpx2.Timeout(30, read=300)) as client,
        streamable_http_client(address.url, http_client=client, max_sse_event_size=MESSAGE_BYTES) as streams,
    ):
        yield streams  # type: ignore[misc]  # the SDK's streams carry a context besides; they are received and sent alike


class _Pipes:
    """A process's three pipes, each read or written by a task of its own."""

    def __init__(self, process: Process, fault: Fault) -> None:
        # A process that is opened with pipes has all three.
        self._stdin = cast(ByteSendStream, process.stdin)
        self._stdout = cast(ByteReceiveStream, process.stdout)
        self._stderr = cast(ByteReceiveStream, process.stderr)
        self._fault = fault
        self._unasked = 0

    async def read(self, to_session: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        """Lines of stdout to the session, until the program closes it or breaks a bound; what comes then is dropped, so
        that a program that prints much can still end."""
        with suppress(anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
            async with to_session:
                await self._deliver(to_session)
        with suppress(anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
            while True:
                await self._stdout.receive(_BLOCK)

    async def _deliver(self, to_session: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        line = bytearray()
        while True:
            try:
                block = await self._stdout.receive(_BLOCK)
            except anyio.EndOfStream:
                self._fault.reason = self._fault.reason or "it closed the connection"
                return
            self._unasked += len(block)
            line += block
            *whole, rest = line.split(b"\n") if b"\n" in block else (line,)
            if max(map(len, (*whole, rest))) > MESSAGE_BYTES:
                self._fault.reason = f"it sent a message of more than {MESSAGE_BYTES >> 20} MiB"
                return
            if self._unasked > UNASKED_BYTES:
                self._fault.reason = f"it sent more than {UNASKED_BYTES >> 20} MiB without being asked"
                return
            line = bytearray(rest)
            for text in whole:
                if (message := self._parse(bytes(text))) is not None:
                    await to_session.send(message)

    async def write(
        self,
        to_program: MemoryObjectReceiveStream[SessionMessage],
        to_session: MemoryObjectSendStream[SessionMessage | Exception],
    ) -> None:
        """The session's messages to stdin."""
        try:
            async with to_program:
                async for message in to_program:
                    text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                    self._unasked = 0
                    await self._stdin.send(text.encode("utf-8", "backslashreplace") + b"\n")
        except (anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
            to_session.close()  # so that what waits for an answer learns that none comes

    async def read_errors(self) -> None:
        """Keep the end of stderr: it often says why a program ended."""
        with suppress(anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
            while True:
                self._fault.stderr = (self._fault.stderr + await self._stderr.receive(_BLOCK))[-_STDERR_BYTES:]

    def _parse(self, line: bytes) -> SessionMessage | None:
        """The message of a line; None for a line that is none, as programs print that log to stdout."""
        if not line.strip():
            return None
        try:
            return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValueError:
            self._fault.reason = "it printed something that is no MCP message"
            return None


class _BoundedTransport(httpx2.AsyncBaseTransport):
    """HTTP whose response bodies end at a largest size, and are not compressed (a small one could unpack to any size)."""

    def __init__(self) -> None:
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; its answer is bounded."""
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise McpServerError(f"{request.url} answered in a compressed form that was not asked for.")
        response.stream = _BoundedStream(cast(httpx2.AsyncByteStream, response.stream))
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for block in self._inner:
            read += len(block)
            if read > UNASKED_BYTES:
                raise httpx2.ReadError(f"The answer is larger than {UNASKED_BYTES >> 20} MiB.")
            yield block

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _end(process: Process) -> None:
    """Ask a program to end by closing its stdin; then end it and its process group."""
    if process.stdin is not None:
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await process.stdin.aclose()
    if not await _ended(process, _GRACE_S):
        _signal(process, signal.SIGTERM)
        if not await _ended(process, _KILL_S):
            _signal(process, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
            await _ended(process, _KILL_S)
    # Nothing public closes the pipes that a process outside the group may still hold; open ones warn when they are collected.
    if (transport := getattr(getattr(process, "_process", None), "_transport", None)) is not None:
        transport.close()
        await anyio.sleep(_POLL_S)


async def _ended(process: Process, within_s: float) -> bool:
    """Whether it ends in time. Asked for again and again: `wait` would also wait for children that hold its pipes."""
    deadline = anyio.current_time() + within_s
    while process.returncode is None and anyio.current_time() < deadline:
        await anyio.sleep(_POLL_S)
    return process.returncode is not None


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, number)
