"""A small HTTP server on 127.0.0.1 that does what a test tells it: ranges, broken connections, redirects, refusals."""

from __future__ import annotations

import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest


@dataclass
class Reply:
    """What one path answers."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    ranges: bool = True
    """Honour a Range header."""
    length: bool = True
    """Say Content-Length."""
    break_after: list[int] = field(default_factory=list)
    """Each entry breaks one request: the connection is closed after so many bytes of its body."""


@dataclass(frozen=True)
class Asked:
    """One request that came in."""

    path: str
    headers: Mapping[str, str]


@dataclass
class LocalServer:
    """Replies by path, and what was asked so far. A reply may also be made when it is asked for."""

    url: str
    replies: dict[str, Reply | Callable[[Asked], Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [asked.path for asked in self.asked]

    def ranges(self) -> list[str | None]:
        """The Range header of each request."""
        return [asked.headers.get("Range") for asked in self.asked]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error here."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve() -> Iterator[LocalServer]:
    """Run a server for the length of a `with` block."""
    server: LocalServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            asked = Asked(path, dict(self.headers.items()))
            server.asked.append(asked)
            reply = server.replies.get(path, Reply(b"not here", 404))
            _answer(self, reply if isinstance(reply, Reply) else reply(asked))

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    http = _Server(("127.0.0.1", 0), Handler)
    server = LocalServer(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def forbid_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here to the end of the test, opening a socket or asking for an address fails the test."""

    def refuse(*given: object, **named: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "__init__", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def _answer(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    start, status = 0, reply.status
    wanted = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    if wanted and reply.ranges and status == 200:
        start = int(wanted[1])
        status = 206 if start < len(reply.body) else 416
    body = b"" if status == 416 else reply.body[start:]
    handler.send_response(status)
    handler.send_header("Content-Type", reply.content_type)
    if status == 206:
        handler.send_header("Content-Range", f"bytes {start}-{len(reply.body) - 1}/{len(reply.body)}")
    if reply.length:
        handler.send_header("Content-Length", str(len(body)))
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body[: reply.break_after.pop(0)] if reply.break_after else body)
