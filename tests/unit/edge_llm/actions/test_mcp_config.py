"""The file of servers: what is pinned, what a change does, and what a damaged file says."""

from __future__ import annotations

import json
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edge_llm.actions.mcp_config import (
    Address,
    Launch,
    McpConfig,
    ServerConfig,
    approved_effects,
    changes,
    check_pins,
    find_program,
    pinned,
)
from edge_llm.actions.mcp_tools import map_tool
from edge_llm.home import Home
from runtimes.errors import InputError

TOOL = map_tool("files", {"name": "find", "description": "Finds.", "inputSchema": {"properties": {"a-b": {"type": "string"}}}})


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "server.py"
    path.write_text("print()\n", encoding="utf-8")
    return path


@pytest.fixture
def server(script: Path) -> ServerConfig:
    launch = Launch(sys.executable, (script.name, "--root", "/nowhere"), {"TOKEN": "secret"}, str(script.parent))
    return replace(pinned("files", launch), tools=(TOOL.with_effect("read"),))


@pytest.fixture
def config(tmp_path: Path) -> McpConfig:
    return McpConfig(Home(tmp_path / "home"))


def test_what_is_put_is_found_again(config: McpConfig, server: ServerConfig) -> None:
    assert config.servers() == {}
    other = pinned("web", Address("https://example.org/mcp", {"Authorization": "Bearer x"}))
    config.put(server)
    config.put(other)
    assert config.servers() == {"files": server, "web": other}
    assert not config.get("files").tools[0].action.trusted
    assert stat.S_IMODE(config.path.stat().st_mode) == 0o600, "it may hold secrets"
    config.remove("files")
    assert list(config.servers()) == ["web"]
    with pytest.raises(InputError, match="There are web"):
        config.get("files")


def test_the_executable_and_the_script_are_pinned(server: ServerConfig, script: Path) -> None:
    assert set(server.pins) == {str(Path(sys.executable).resolve()), str(script)}
    check_pins(server)
    script.write_text("print('other')\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"not started: .*server\.py changed .*edge-llm mcp add files"):
        check_pins(server)
    script.unlink()
    assert changes(server) == (str(script),)


def test_data_that_a_server_is_pointed_at_may_change(tmp_path: Path) -> None:
    names = {"notes.db": "data", "archive.jar": "PK", "tool": "#!/bin/sh\n", "binary": "x"}
    for name, text in names.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "binary").chmod(0o755)
    server = pinned("s", Launch(sys.executable, tuple(names), folder=str(tmp_path)))
    assert {Path(path).name for path in server.pins} - {Path(sys.executable).resolve().name} == {
        "archive.jar",
        "tool",
        "binary",
    }


def test_a_link_that_points_elsewhere_is_a_change(tmp_path: Path, script: Path) -> None:
    link = tmp_path / "link.py"
    link.symlink_to(script)
    server = pinned("s", Launch(sys.executable, (str(link),)))
    assert changes(server) == ()
    other = tmp_path / "other.py"
    other.write_text("print()\n", encoding="utf-8")
    link.unlink()
    link.symlink_to(other)
    assert changes(server) == (str(other),)


@pytest.mark.parametrize(
    "field", [{"arguments": ("x",)}, {"environment": {"TOKEN": "other"}}, {"folder": "/"}, {"command": "/bin/sh"}]
)
def test_the_command_line_is_pinned(config: McpConfig, server: ServerConfig, field: dict[str, object]) -> None:
    assert isinstance(server.reach, Launch)
    assert changes(replace(server, reach=replace(server.reach, **field))) == ("the command line",)  # type: ignore[arg-type]


def test_the_file_changed_by_hand_is_noticed(config: McpConfig, server: ServerConfig) -> None:
    config.put(server)
    config.path.write_text(config.path.read_text().replace("/nowhere", "/"), encoding="utf-8")
    with pytest.raises(InputError, match="the command line changed"):
        check_pins(config.get("files"))


def test_an_address_is_pinned() -> None:
    server = pinned("web", Address("http://127.0.0.1:8000/mcp"))
    assert changes(server) == ()
    assert changes(replace(server, reach=Address("http://127.0.0.1:9000/mcp"))) == ("the address",)


@pytest.mark.parametrize(
    "url", ["http://example.org/mcp", "ftp://x", "https://", "https://u:p@example.org", "https://[::1", "https://a\nb", "x"]
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(InputError, match=r"not encrypted|is no address"):
        pinned("web", Address(url))


@pytest.mark.parametrize("headers", [{"A b": "x"}, {"A": "x\r\nB: y"}, {"": ""}])
def test_headers_that_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InputError, match="header"):
        pinned("web", Address("https://example.org", headers))


@pytest.mark.parametrize("name", ["", "Files", "a.b", "a/b", "-a", "a--b", "x" * 41, "文件"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot name a server"):
        pinned(name, Address("https://example.org"))


def test_a_command_is_found_or_said_to_be_missing() -> None:
    assert Path(find_program("sh")).is_absolute()
    with pytest.raises(InputError, match="no program 'no-such-program'"):
        find_program("no-such-program")


def test_arguments_that_are_no_paths_do_no_harm(tmp_path: Path) -> None:
    odd = Launch(sys.executable, ("x" * 100_000, "a\0b", "", "{}"), folder=str(tmp_path))
    assert set(pinned("s", odd).pins) == {str(Path(sys.executable).resolve())}


@pytest.mark.parametrize(
    ("find", "put"),
    [
        ('"schema_version": 1', '"schema_version": 2'),
        ('"servers": {', '"servers": ['),
        ('"files": {\n      "command"', '"Files": {\n      "command"'),
        ('"target": "files/find"', '"target": "bank/pay"'),
        ('"kind": "mcp"', '"kind": "python"'),
        ('"id": "mcp.files.find"', '"id": "sms.send"'),
        ('"a_b": "a-b"', '"c": "a-b"'),
        ('"sha256": "', '"sha256": 7, "x": "'),
    ],
)
def test_a_damaged_file_is_refused_with_its_name(config: McpConfig, server: ServerConfig, find: str, put: str) -> None:
    config.put(server)
    text = config.path.read_text(encoding="utf-8")
    assert find in text
    config.path.write_text(text.replace(find, put), encoding="utf-8")
    with pytest.raises(InputError, match=r"mcp\.json (is damaged|has schema version)"):
        config.servers()


@pytest.mark.parametrize(
    "text", ["", "[]", "7", '{"schema_version": 1}', "[" * 10_000, '{"schema_version": 1, "servers": {"a": 1}}']
)
def test_a_file_that_is_something_else_is_refused(config: McpConfig, text: str) -> None:
    config.path.parent.mkdir(parents=True)
    config.path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        config.servers()


def test_trust_cannot_be_written_into_the_file(config: McpConfig, server: ServerConfig) -> None:
    config.put(server)
    document = json.loads(config.path.read_text(encoding="utf-8"))
    document["servers"]["files"]["tools"][0]["action"]["trusted"] = True
    config.path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match="unknown fields trusted"):
        config.servers()


def test_what_the_person_said_of_a_tool_holds_while_the_tool_is_the_same(server: ServerConfig) -> None:
    changed = map_tool("files", {"name": "find", "description": "Sends.", "inputSchema": {"properties": {}}})
    assert [tool.action.effect for tool in approved_effects(server, (TOOL,))] == ["read"]
    assert [tool.action.effect for tool in approved_effects(server, (changed,))] == ["message"]
