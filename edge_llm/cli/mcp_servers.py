"""`edge-llm mcp add`, `list`, `remove`, `tools`: the MCP servers whose tools the assistant may propose, and their approval."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from edge_llm.cli import options
from edge_llm.cli.memory_documents import say_document, say_text
from edge_llm.cli.output import note
from edge_llm.hidden import show_hidden
from runtimes.errors import ConfigError, InputError

if TYPE_CHECKING:
    from edge_llm.actions.manifest import Effect
    from edge_llm.actions.mcp_config import Address, Launch, ServerConfig
    from edge_llm.actions.mcp_tools import RefusedTool, ServerTool

_Name = Annotated[str, typer.Argument(metavar="NAME", help="What to call the server: lower-case letters, digits, hyphens.")]


def add(
    name: _Name,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[-- COMMAND...]", help="What starts the server. Left out, the one it has.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Its address, for a server over HTTP.")] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="A variable it gets. It gets no others of yours.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", metavar="'NAME: VALUE'", help="A header to send to its address.")
    ] = None,
    effect: Annotated[
        list[str] | None,
        typer.Option("--effect", metavar="TOOL=EFFECT", help="What a tool touches: read, local, message or purchase."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve without asking.")] = False,
    home: options.HomeFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Start a server, show its tools, and keep it when you approve them. Adding one again approves what changed in it.

    It is kept with the SHA-256 of its command line and of each program that the line names; it is not started when one changed,
    and no tool of it is used that changed. What a launcher such as npx or uvx fetches is not pinned: name the program itself.

    Examples:
        edge-llm mcp add files -- python3 /opt/files/server.py --root ~/Documents
        edge-llm mcp add notes --url https://notes.example.org/mcp --header "Authorization: Bearer ..."
        edge-llm mcp add files --effect search=read --yes --json
    """
    from edge_llm.actions.mcp_client import McpConnection
    from edge_llm.actions.mcp_config import McpConfig, approved_effects, changes, pinned
    from edge_llm.home import Home

    if not yes and (as_json or not sys.stdin.isatty()):
        raise InputError("There is no terminal to ask on. Look with `edge-llm mcp tools`, and give --yes to approve.")
    config = McpConfig(Home(home))
    before = config.servers().get(name)
    reach = _reach(before, command, url, env or (), header or ())
    if before is not None and (changed := changes(replace(before, reach=reach))):
        note(f"Changed since you approved {name}: {show_hidden(', '.join(changed))}.")
        if not _agreed("Start it?", yes):
            return
    server = pinned(name, reach)
    with McpConnection(server) as connection:
        usable, refused = connection.tools()
    if before is not None:
        usable = approved_effects(before, usable)
    usable = _with_effects(usable, effect or ())
    approved = replace(server, tools=usable)
    if not as_json:
        _print_server(approved)
        _print_tools(before, usable, refused)
        if not _agreed(f"Approve {name} and its {len(usable)} tools?", yes):
            return
    config.put(approved)
    if as_json:
        say_document(_server_document(approved) | _tools_document(before, usable, refused))


def list_(home: options.HomeFolder = None, as_json: options.AsJson = False) -> None:
    """List the servers that were added, what starts each, and whether that is still as it was. Starts none.

    Examples:
        edge-llm mcp list
        edge-llm mcp list --json
    """
    from edge_llm.actions.mcp_config import McpConfig
    from edge_llm.home import Home

    servers = McpConfig(Home(home)).servers().values()
    if as_json:
        say_document({"servers": [_server_document(server) for server in servers]})
        return
    for server in servers:
        _print_server(server)
    if not servers:
        note("There are no MCP servers. `edge-llm mcp add NAME -- COMMAND` adds one.")


def remove(name: _Name, home: options.HomeFolder = None, as_json: options.AsJson = False) -> None:
    """Forget a server and the approval of its tools.

    Examples:
        edge-llm mcp remove files
        edge-llm mcp remove files --json
    """
    from edge_llm.actions.mcp_config import McpConfig
    from edge_llm.home import Home

    McpConfig(Home(home)).remove(name)
    if as_json:
        say_document({"removed": name})


def tools(name: _Name, home: options.HomeFolder = None, as_json: options.AsJson = False) -> None:
    """Start a server that was added and show its tools: approved, changed, new, gone, and those that cannot be used.

    What the server says of a tool is shown as its own words. Approve changes with `edge-llm mcp add NAME`.

    Examples:
        edge-llm mcp tools files
        edge-llm mcp tools files --json
    """
    from edge_llm.actions.mcp_client import McpConnection
    from edge_llm.actions.mcp_config import McpConfig, approved_effects
    from edge_llm.home import Home

    server = McpConfig(Home(home)).get(name)
    with McpConnection(server) as connection:
        usable, refused = connection.tools()
    usable = approved_effects(server, usable)
    if as_json:
        say_document({"name": name} | _tools_document(server, usable, refused))
        return
    _print_tools(server, usable, refused)


def _reach(
    before: ServerConfig | None, command: Sequence[str] | None, url: str | None, env: Sequence[str], header: Sequence[str]
) -> Launch | Address:
    """What reaches the server, from the options. Raises ConfigError for options that do not go together."""
    from edge_llm.actions.mcp_config import Address, Launch, find_program

    if command and not url and not header:
        variables = dict(_pair(text, "=", "--env") for text in env)
        return Launch(find_program(command[0]), tuple(command[1:]), variables, str(Path.cwd()))
    if url and not command and not env:
        return Address(url, dict(_pair(text, ":", "--header") for text in header))
    if before is not None and not (command or url or env or header):
        return before.reach
    raise ConfigError("Give what starts the server (-- COMMAND..., with --env), or its address (--url, with --header).")


def _pair(text: str, mark: str, option: str) -> tuple[str, str]:
    name, found, value = text.partition(mark)
    if not found or not name.strip() or "\0" in text:
        raise ConfigError(f"{option} {text!r} is malformed. Write it as NAME{mark}VALUE.")
    return name.strip(), value.strip() if mark == ":" else value


def _with_effects(usable: tuple[ServerTool, ...], effect: Sequence[str]) -> tuple[ServerTool, ...]:
    from edge_llm.actions.manifest import EFFECTS

    said = dict(_pair(text, "=", "--effect") for text in effect)
    if strangers := set(said) - {tool.name for tool in usable}:
        raise ConfigError(f"--effect names {', '.join(sorted(strangers))}, which is no tool of the server.")
    if unknown := set(said.values()) - set(EFFECTS):
        raise ConfigError(f"--effect knows {', '.join(EFFECTS)}, and not {', '.join(sorted(unknown))}.")
    return tuple(tool.with_effect(cast("Effect", said[tool.name])) if tool.name in said else tool for tool in usable)


def _agreed(question: str, yes: bool) -> bool:
    if yes or typer.confirm(question, err=True):
        return True
    note("Nothing was changed.")
    return False


def _states(before: ServerConfig | None, usable: Sequence[ServerTool]) -> dict[str, str]:
    """What each tool is against the approval, and those that are gone."""
    known = {} if before is None else {tool.name: tool.digest for tool in before.tools}
    states = {
        tool.name: "new" if tool.name not in known else "approved" if known[tool.name] == tool.digest else "changed"
        for tool in usable
    }
    return states | {name: "gone" for name in known if name not in states}


def _server_document(server: ServerConfig) -> dict[str, Any]:
    from edge_llm.actions.mcp_config import Launch, changes

    reach = server.reach
    line: Mapping[str, Any] = (
        {"command": [reach.command, *reach.arguments], "folder": reach.folder, "files": dict(server.pins)}
        if isinstance(reach, Launch)
        else {"url": reach.url}
    )
    return {"name": server.name, **line, "tools": [tool.name for tool in server.tools], "changed": list(changes(server))}


def _tools_document(
    before: ServerConfig | None, usable: Sequence[ServerTool], refused: Sequence[RefusedTool]
) -> dict[str, Any]:
    states = _states(before, usable)
    return {
        "tools": [
            {
                "name": tool.name,
                "state": states[tool.name],
                "action": tool.action.id,
                "effect": tool.action.effect,
                "description": tool.action.description.en,
                "claims": list(tool.hints),
                "parameters": tool.action.parameters(),
            }
            for tool in usable
        ],
        "gone": [name for name, state in states.items() if state == "gone"],
        "refused": [{"name": tool.name, "reason": tool.reason} for tool in refused],
    }


def _print_server(server: ServerConfig) -> None:
    from edge_llm.actions.mcp_config import Launch, changes

    reach = server.reach
    say_text(f"{server.name}: {' '.join((reach.command, *reach.arguments)) if isinstance(reach, Launch) else reach.url}")
    for path, digest in server.pins.items():
        say_text(f"    {digest[:16]}…  {path}")
    if changed := changes(server):
        note(f"    Not as you approved it: {show_hidden(', '.join(changed))}. It will not be started.")


def _print_tools(before: ServerConfig | None, usable: Sequence[ServerTool], refused: Sequence[RefusedTool]) -> None:
    states = _states(before, usable)
    for tool in usable:
        claims = f"; the server claims that it {', '.join(tool.hints)}" if tool.hints else ""
        slots = ", ".join(slot.name if slot.required else f"{slot.name}?" for slot in tool.action.slots)
        say_text(f"  {states[tool.name]:<8}  {tool.name}({slots})  effect: {tool.action.effect}{claims}")
        say_text(f"            its words: {tool.action.description.en!r}")
    for name, state in states.items():
        if state == "gone":
            say_text(f"  gone      {name}")
    for refusal in refused:
        say_text(f"  refused   {refusal.name}: {refusal.reason}")
