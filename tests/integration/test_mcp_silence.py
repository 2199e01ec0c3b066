"""The MCP server, and a server over standard streams that is looked at, open no socket and leave no stray file."""

from __future__ import annotations

import json

from tests.integration.test_silence import Sandbox, Trace, sandbox, strays
from tests.mcp_servers import hostile
from tests.tiny import write_fake_bundle

__all__ = ["sandbox"]

HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
MESSAGES = (
    {"id": 1, "method": "initialize", "params": HELLO},
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/call", "params": {"name": "generate", "arguments": {"prompt": "x", "max_tokens": 4}}},
)


def assert_silent(trace: Trace, place: Sandbox) -> None:
    # An event loop wakes itself over a pair of sockets that it made connected and nameless: sends on it have no address.
    assert [call for call in trace.network if not call.startswith("sendto(") or "sa_family" in call] == []
    assert strays(trace, [place.root / "home"]) == []


def test_serving(sandbox: Sandbox) -> None:
    bundle = write_fake_bundle(sandbox.root / "out" / "fake")
    lines = "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in MESSAGES)
    served = sandbox.run("mcp", "--no-memory", "--model", str(bundle), stdin=lines)
    assert {json.loads(line)["id"] for line in served.stdout.splitlines()} >= {1}
    assert_silent(served, sandbox)


def test_adding_a_server(sandbox: Sandbox) -> None:
    launch = hostile("plain")
    added = sandbox.run("mcp", "add", "s", "--yes", "--json", "--", launch.command, *launch.arguments)
    assert json.loads(added.stdout)["tools"][0]["name"] == "look"
    assert_silent(added, sandbox)
