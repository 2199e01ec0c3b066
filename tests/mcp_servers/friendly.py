"""A well-behaved MCP server, written with the SDK: `friendly.py [http PORT]`."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated, Literal

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

server = MCPServer("friendly", log_level="ERROR")


class Answer(BaseModel):
    sure: bool


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int = 1) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def greet(name: Annotated[str, Field(description="Who.")], language: Literal["en", "zh"] = "en") -> str:
    """Greets somebody."""
    print("a stray line on stdout")  # noqa: T201
    return f"Hello {name}" if language == "en" else f"你好 {name}"


@server.tool()
def search(query: str) -> str:
    """Searches."""
    return f"nothing about {query}"


@server.tool()
def environment() -> str:
    """Names of the variables it was given."""
    return " ".join(sorted(os.environ))


@server.tool()
async def sleep(seconds: float) -> str:
    """Waits."""
    await anyio.sleep(seconds)
    return f"slept until {time.time():.0f}"


@server.tool()
def fail() -> str:
    """Always fails."""
    raise ValueError("no such luck")


@server.tool()
async def ask(context: Context) -> str:
    """Asks the person something while it works."""
    answer = await context.elicit("May I?", Answer)
    return f"answered {answer.action}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["http"]:
        server.run("streamable-http", port=int(sys.argv[2]))
    else:
        server.run("stdio")
