"""Calls through the provider: only what is approved, in the form it was approved in, and results nobody trusts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_llm.actions.execute import Executor
from edge_llm.actions.manifest import Action
from edge_llm.actions.mcp_client import McpConnection
from edge_llm.actions.mcp_config import Launch, McpConfig, pinned
from edge_llm.actions.policy import review
from edge_llm.actions.providers.mcp import McpProvider, mcp_actions
from edge_llm.actions.providers.provider import Provider, ProviderResult
from edge_llm.actions.values import Call, Provenance, SlotValue
from edge_llm.home import Home
from runtimes.errors import CancelledError, CarrierUnavailableError, McpServerError, PolicyError
from tests.mcp_servers import friendly, hostile
from tests.unit.edge_llm.actions.desk_samples import Setting


@pytest.fixture
def config(tmp_path: Path) -> McpConfig:
    return McpConfig(Home(tmp_path))


@pytest.fixture
def provider(config: McpConfig) -> Iterator[McpProvider]:
    with McpProvider(config, timeout_s=10) as provider:
        yield provider


def approve(config: McpConfig, launch: Launch, name: str = "s") -> None:
    server = pinned(name, launch)
    with McpConnection(server) as connection:
        config.put(replace(server, tools=connection.tools()[0]))


def call_of(config: McpConfig, tool: str, **values: object) -> Call:
    action = next(action for action in mcp_actions(config) if action.carriers[0].target.endswith(f"/{tool}"))
    slots = {slot: SlotValue(value, str(value), Provenance("typed")) for slot, value in values.items()}
    return Call(action, slots)


def run(provider: Provider, call: Call) -> ProviderResult:
    assert provider.obstacle(call.action.carriers[0], call) is None
    return provider.run(call.action.carriers[0], call)


def test_approved_tools_are_called_and_their_results_not_trusted(config: McpConfig, provider: McpProvider) -> None:
    approve(config, friendly())
    call = call_of(config, "greet", name="Bo", language="zh")
    assert provider.describe(call.action.carriers[0], call).startswith("MCP tool s/greet {")
    assert run(provider, call) == ProviderResult("你好 Bo", untrusted=True)
    assert run(provider, call_of(config, "add", a=1)).result == "2", "over the same connection"
    with pytest.raises(McpServerError, match="s/fail reports that it failed"):
        run(provider, call_of(config, "fail"))


def test_actions_exist_without_starting_a_server(config: McpConfig, tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(Path(hostile("").arguments[0]).read_text(encoding="utf-8"), encoding="utf-8")
    approve(config, replace(hostile("plain"), arguments=(str(script), "plain")))
    script.write_text("raise SystemExit", encoding="utf-8")
    (action,) = mcp_actions(config)
    assert isinstance(action, Action)
    assert (action.id, action.trusted) == ("mcp.s.look", False)


def test_what_is_not_approved_is_not_called(config: McpConfig, provider: McpProvider) -> None:
    approve(config, hostile("plain"))
    call = call_of(config, "look")
    for other in (
        replace(call.action, version=call.action.version + 1),
        replace(call.action, carriers=(replace(call.action.carriers[0], target="s/other"),)),
        replace(call.action, carriers=(replace(call.action.carriers[0], target="t/look"),)),
        replace(call.action, id="sms.send"),
    ):
        forged = Call(other, {})
        assert provider.obstacle(other.carriers[0], forged)
        with pytest.raises(CarrierUnavailableError, match=r"approved|No MCP server"):
            provider.run(other.carriers[0], forged)


def test_a_changed_file_stops_the_next_start(config: McpConfig, provider: McpProvider, tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(Path(hostile("").arguments[0]).read_text(encoding="utf-8"), encoding="utf-8")
    approve(config, replace(hostile("plain"), arguments=(str(script), "plain")))
    call = call_of(config, "look")
    script.write_text(script.read_text(encoding="utf-8") + "#", encoding="utf-8")
    assert "changed since you approved" in (provider.obstacle(call.action.carriers[0], call) or "")
    with pytest.raises(CarrierUnavailableError, match=r"server\.py changed"):
        provider.run(call.action.carriers[0], call)


def test_a_tool_that_changes_between_two_calls_is_not_called_again(config: McpConfig, provider: McpProvider) -> None:
    approve(config, hostile("shifty"))
    call = call_of(config, "look")
    assert run(provider, call).untrusted
    assert run(provider, call).untrusted
    with pytest.raises(CarrierUnavailableError, match="changed since you approved it, and was not called"):
        run(provider, call)


def test_a_server_that_died_is_started_again(config: McpConfig, provider: McpProvider) -> None:
    approve(config, hostile("dies"))
    call = call_of(config, "look")
    for _ in range(2):
        with pytest.raises(McpServerError, match="Its last words"):
            run(provider, call)


def test_a_server_that_does_not_start_is_a_carrier_that_cannot_be_used(config: McpConfig, provider: McpProvider) -> None:
    approve(config, hostile("plain"))
    server = config.get("s")
    config.put(replace(pinned("s", hostile("stillborn")), tools=server.tools))
    with pytest.raises(CarrierUnavailableError, match="no settings file"):
        run(provider, call_of(config, "look"))


def test_a_call_is_given_up_when_it_is_cancelled(config: McpConfig) -> None:
    approve(config, hostile("hangs"))
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    with McpProvider(config, cancel=cancel) as provider, pytest.raises(CancelledError, match="may have been carried out"):
        run(provider, call_of(config, "look"))


def test_a_tool_is_called_once_the_person_approves_and_its_result_taints(
    config: McpConfig, provider: McpProvider, here: Setting
) -> None:
    approve(config, friendly())
    executor = Executor(here.desk, here.log, here.grants, [provider])
    call = call_of(config, "greet", name="Bo")
    with pytest.raises(PolicyError, match="needs an approval"):
        executor.run(call, untrusted_read=False)
    request = here.desk.request(review(call, untrusted_read=False, grants=here.grants))
    assert "greet (s)" in request.review.preview.text
    assert "Bo" in request.review.preview.text
    outcome = executor.run(call, here.host.approve(request), untrusted_read=False)
    assert (outcome.status, outcome.result, outcome.untrusted) == ("done", "Hello Bo", True)


def test_a_tool_that_spends_money_is_never_called(config: McpConfig, provider: McpProvider, here: Setting) -> None:
    approve(config, hostile("plain"))
    server = config.get("s")
    config.put(replace(server, tools=tuple(tool.with_effect("purchase") for tool in server.tools)))
    call = call_of(config, "look")
    with pytest.raises(PolicyError, match="must not go this way"):
        here.desk.request(review(call, untrusted_read=False, grants=here.grants))
