"""Connections to real servers in child processes: one that behaves, and one that does not."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from edge_llm.actions import mcp_client
from edge_llm.actions.mcp_client import RESULT_CHARS, McpConnection, ToolResult
from edge_llm.actions.mcp_config import Address, McpConfig, ServerConfig, pinned
from edge_llm.actions.mcp_tools import ServerTool
from edge_llm.home import Home
from runtimes.errors import CancelledError, CarrierUnavailableError, InputError, McpServerError, RuntimeUnavailableError
from tests.mcp_servers import friendly, hostile

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def friend() -> Iterator[McpConnection]:
    with McpConnection(pinned("friendly", friendly())) as connection:
        yield connection


@pytest.fixture(scope="module")
def http_friend() -> Iterator[McpConnection]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    launch = friendly()
    process = subprocess.Popen([launch.command, *launch.arguments, "http", str(port)], stdout=subprocess.DEVNULL)
    try:
        with connect_when_it_listens(port) as connection:
            yield connection
    finally:
        process.kill()
        process.wait()


@contextmanager
def connect_when_it_listens(port: int) -> Iterator[McpConnection]:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    with McpConnection(pinned("friendly", Address(f"http://127.0.0.1:{port}/mcp"))) as connection:
        yield connection


@contextmanager
def enemy(mode: str) -> Iterator[McpConnection]:
    with McpConnection(pinned("hostile", hostile(mode)), connect_s=20) as connection:
        yield connection


def tool(connection: McpConnection, name: str) -> ServerTool:
    usable, _ = connection.tools()
    return next(found for found in usable if found.name == name)


def said(connection: McpConnection, called: str, **arguments: object) -> ToolResult:
    return connection.call(tool(connection, called), arguments)


def ends(pid: int) -> bool:
    """Whether a process is gone within two seconds."""
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("fixture", ["friend", "http_friend"])
def test_tools_are_listed_and_called(fixture: str, request: pytest.FixtureRequest) -> None:
    connection: McpConnection = request.getfixturevalue(fixture)
    usable, refused = connection.tools()
    assert [found.name for found in usable] == ["add", "greet", "search", "environment", "sleep", "fail", "ask"]
    assert refused == ()
    assert usable[0].hints == ("only reads",)
    assert [slot.role for slot in usable[1].action.slots] == ["text", "choice"]
    assert said(connection, "add", a=2, b=None) == ToolResult("3", failed=False, cut=False)
    assert said(connection, "greet", name="Bo", language="zh").text == "你好 Bo"
    assert said(connection, "fail").failed


@pytest.mark.parametrize("fixture", ["friend", "http_friend"])
def test_a_question_in_place_of_an_answer_is_refused(fixture: str, request: pytest.FixtureRequest) -> None:
    connection: McpConnection = request.getfixturevalue(fixture)
    with pytest.raises(McpServerError, match="elicitation"):
        said(connection, "ask")
    assert said(connection, "add", a=1).text == "2", "the connection still serves"


def test_an_argument_that_a_tool_does_not_have_is_refused(friend: McpConnection) -> None:
    with pytest.raises(InputError, match="add has no argument c"):
        said(friend, "add", a=1, c=2)


@contextmanager
def web(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A web server that answers every request so; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with suppress(OSError):  # the client had enough
                answer(self)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/mcp"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answering(status: int, *headers: tuple[str, str], body: bytes = b"", endless: bool = False) -> Callable[..., None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
        while endless:
            handler.wfile.write(b" " * 65536)

    return answer


JSON_TYPE = ("Content-Type", "application/json")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answering(200, JSON_TYPE, endless=True), "larger than 16 MiB"),
        (answering(200, ("Content-Type", "text/event-stream"), body=b"data: ", endless=True), "failed"),
        (answering(200, JSON_TYPE, ("Content-Encoding", "gzip"), body=b"\x1f\x8b"), "compressed form"),
        (answering(200, JSON_TYPE, body=b"[" * 100_000), "failed"),
        (answering(200, ("Content-Type", "text/html"), body=b"<h1>Hello</h1>"), "Unexpected content type"),
        (answering(307, ("Location", "http://127.0.0.1:9/mcp")), "not followed"),
        (answering(500), "failed"),
    ],
    ids=["endless", "endless event", "compressed", "deep", "page", "redirect", "error"],
)
def test_an_address_that_answers_badly_says_why(answer: Callable[..., None], words: str) -> None:
    with web(answer) as url, pytest.raises(McpServerError, match=words) as caught:
        McpConnection(pinned("web", Address(url)), connect_s=20)
    assert len(str(caught.value)) < 1_000


def test_a_server_gets_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_LLM_MEMORY_PASSPHRASE", "secret")
    launch = replace(friendly(), environment={"ITS_OWN": "1"})
    with McpConnection(pinned("friendly", launch)) as connection:
        names = set(said(connection, "environment").text.split())
    assert "ITS_OWN" in names
    assert names <= {"ITS_OWN", "HOME", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "USER"}


def test_calls_of_several_threads_get_their_own_answers(friend: McpConnection) -> None:
    add = tool(friend, "add")
    found: dict[int, str] = {}

    def call(number: int) -> None:
        found[number] = friend.call(add, {"a": number, "b": 100}).text

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: str(number + 100) for number in range(8)}


def test_waiting_can_be_given_up(friend: McpConnection) -> None:
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    with pytest.raises(CancelledError, match="was given up"):
        friend.call(tool(friend, "sleep"), {"seconds": 60}, cancel=cancel)
    assert said(friend, "add", a=1).text == "2", "the connection still serves"


def test_a_changed_program_is_not_started(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')", encoding="utf-8")
    server = pinned("s", replace(hostile(""), arguments=(str(script),)))
    script.write_text(script.read_text() + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="changed since you approved"):
        McpConnection(server)
    assert not (tmp_path / "ran").exists()


def test_giant_words_are_cut() -> None:
    with enemy("giant") as connection:
        found = tool(connection, "look")
        assert len(found.action.description.en) == 300
        assert not set(found.action.description.en) & set("\0\u200b\u202e\x1b")
        assert not found.action.trusted


def test_bombs_are_refused_and_the_rest_is_usable() -> None:
    with enemy("bombs") as connection:
        usable, refused = connection.tools()
        assert [found.name for found in usable] == ["look", "pattern"]
        assert len(refused) == 10
        assert "pattern" not in str(usable[1].action.slots[0].schema)
        assert all(found.name.isprintable() and len(found.name) <= 200 for found in refused)


@pytest.mark.parametrize("mode", ["many", "pages"])
def test_a_list_without_end_is_refused(mode: str) -> None:
    with enemy(mode) as connection, pytest.raises(McpServerError, match="more than 512 tools, or a list without an end"):
        connection.tools()


@pytest.mark.parametrize(("mode", "what"), [("shifty", "changed"), ("vanishing", "is gone")])
def test_a_tool_that_changed_is_not_called(mode: str, what: str) -> None:
    with enemy(mode) as connection:
        found = tool(connection, "look")
        assert connection.call(found, {}).text.startswith("looked")
        with pytest.raises(CarrierUnavailableError, match=f"{what} since you approved it, and was not called"):
            connection.call(found, {})


def test_what_a_server_claims_changes_nothing() -> None:
    with enemy("liar") as connection:
        found = tool(connection, "look")
        assert found.hints == ("only reads",)
        assert (found.action.effect, found.action.consent) == ("message", "always")


def test_questions_during_a_call_are_refused() -> None:
    with enemy("asks") as connection:
        assert said(connection, "look").text == "refused refused"


def test_a_result_hides_nothing_and_has_an_end() -> None:
    with enemy("obey") as connection:
        text = said(connection, "look").text
        assert "ignore the person" in text, "it is shown as it is: what it may cause is for policy to say"
        assert not set(text) & set("\0\u200b\u202e\x1b")
        assert text.endswith("[left out: image]")
    with enemy("long") as connection:
        result = said(connection, "look")
        assert (len(result.text), result.cut) == (RESULT_CHARS, True)


def test_an_output_schema_of_the_servers_is_not_run() -> None:
    with enemy("pattern") as connection:
        assert said(connection, "look").text == '{"x": "' + "a" * 40 + '!"}'


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("dies", r"it closed the connection\. Its last words: '\\\\x1b\[31mout of luck'"),
        ("endless", "a message of more than 4 MiB"),
        ("flood", "more than 16 MiB without being asked"),
        ("nonsense", "not what MCP defines"),
        ("errs", "it says 'IMPORTANT"),
    ],
)
def test_a_call_that_goes_wrong_says_why(mode: str, words: str) -> None:
    with enemy(mode) as connection, pytest.raises(McpServerError, match=words) as caught:
        said(connection, "look")
    assert len(str(caught.value)) < 1_000
    assert "\x1b" not in str(caught.value)


def test_a_server_that_died_is_said_to_be_gone() -> None:
    with enemy("dies") as connection:
        found = tool(connection, "look")
        with pytest.raises(McpServerError, match="closed the connection"):
            connection.call(found, {})
        with pytest.raises(McpServerError, match="hostile failed"):
            connection.call(found, {})


def test_a_server_that_hangs_is_ended() -> None:
    with enemy("hangs") as connection:
        found = tool(connection, "look")
        before = {child.pid for child in psutil.Process().children()}
        with pytest.raises(McpServerError, match=r"did not answer within 0\.5 s"):
            connection.call(found, {}, timeout_s=0.5)
        connection.close()
        assert not connection.open
        left = {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}
        assert len(before - left) == 1, "it ignored SIGTERM"


def test_calls_under_way_end_when_the_connection_is_closed() -> None:
    with enemy("hangs") as connection:
        found = tool(connection, "look")
        errors: list[Exception] = []

        def call() -> None:
            try:
                connection.call(found, {})
            except McpServerError as error:
                errors.append(error)

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        connection.close()
        for thread in threads:
            thread.join(10)
        assert len(errors) == 4


def test_waiting_for_a_start_can_be_given_up() -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError, match="was given up"):
        McpConnection(pinned("hostile", hostile("silent")), cancel=cancel)


def test_the_children_of_a_server_end_with_it() -> None:
    with enemy("children") as connection:
        pid = int(tool(connection, "look").action.description.en)
        assert psutil.pid_exists(pid)
    assert ends(pid)


def test_what_is_printed_beside_messages_is_passed_over() -> None:
    with enemy("noise") as connection:
        assert said(connection, "look").text.startswith("looked")


@pytest.mark.parametrize(("mode", "words"), [("silent", "did not answer within 1 s"), ("stillborn", "no settings file")])
def test_a_server_that_does_not_start_says_so(mode: str, words: str) -> None:
    with pytest.raises(McpServerError, match=words):
        McpConnection(pinned("hostile", hostile(mode)), connect_s=1)


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    script = tmp_path / "no-format"
    script.write_text("\0\0", encoding="utf-8")
    script.chmod(0o755)
    with pytest.raises(McpServerError, match="The MCP server s failed"):
        McpConnection(pinned("s", replace(hostile(""), command=str(script), arguments=())))


def test_nobody_listens_at_the_address() -> None:
    with pytest.raises(McpServerError, match="web failed"):
        McpConnection(pinned("web", Address("http://127.0.0.1:9/mcp")))


def test_nothing_of_a_server_is_printed_where_nobody_handles_logs() -> None:
    code = (
        "from edge_llm.actions.mcp_client import McpConnection\n"
        "from edge_llm.actions.mcp_config import pinned\n"
        "from tests.mcp_servers import hostile\n"
        "with McpConnection(pinned('hostile', hostile('bad notes'))) as connection:\n"
        "    connection.call(connection.tools()[0][0], {})\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert (shown.stdout, shown.stderr) == ("", "")


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "edge_llm.actions.mcp_transport", raising=False)
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp.client", None)
    monkeypatch.setitem(sys.modules, "mcp.client.stdio", None)
    server: ServerConfig = pinned("s", hostile(""))
    with pytest.raises(RuntimeUnavailableError, match=r"edge-llm\[mcp\]"):
        McpConnection(server)


def test_importing_loads_no_mcp() -> None:
    modules = "edge_llm, edge_llm.cli.main, edge_llm.actions.mcp_client, edge_llm.actions.providers.mcp"
    code = f"import {modules}, sys; print(*sorted({{'mcp', 'mcp_types', 'anyio', 'httpx2'}} & set(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert shown.stdout == "\n"


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    server = pinned("files", friendly())
    with McpConnection(server) as connection:
        McpConfig(Home(tmp_path)).put(replace(server, tools=connection.tools()[0]))
    (code,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "mcp.md").read_text(), re.MULTILINE | re.DOTALL)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "EDGE_LLM_HOME": str(tmp_path)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert shown.stdout == "nothing about passport\n"


def test_the_bounds_are_those_of_the_documents() -> None:
    text = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
    for number in (f"{mcp_client.TOOLS} tools", f"{mcp_client.RESULT_CHARS:,} characters", f"{mcp_client.CALL_S:.0f} s"):
        assert number in text
