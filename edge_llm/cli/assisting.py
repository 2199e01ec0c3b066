"""What `ask` and `chat --assistant` share: the assistant with its parts opened, and the prompt at which the person decides."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edge_llm.cli.memory_documents import say_document, say_text
from edge_llm.cli.memory_opening import StoreChoice, open_memory
from edge_llm.cli.output import note

if TYPE_CHECKING:
    from edge_llm import Home, Memory, Model
    from edge_llm.actions.providers.provider import Provider
    from edge_llm.actions.registry import Registry
    from edge_llm.assistant import Assistant
    from edge_llm.conversation import Approve
    from edge_llm.turns import Decision, Proposal, Turn

ReadLine = Callable[[str], str]

_PROMPT = ("Do it? [y]es, {always}[n]o, or say what should be otherwise: ", "[a]lways, ")
_PROMPT_ZH = ("执行吗？[y] 是，{always}[n] 否，或者直接说要改什么：", "[a] 始终允许，")


@contextmanager
def open_assistant(
    model: Model | None,
    *,
    files: Sequence[Path],
    store: StoreChoice,
    approve: Approve | None,
    dry_run: bool,
    region: str = "",
) -> Iterator[Assistant]:
    """An assistant over the home's memory, where there is one, with the standard actions, those of apps and those of servers.

    Raises:
        EdgeLLMError: memory does not open, or a manifest or the list of servers cannot be read.
    """
    from edge_llm import Home
    from edge_llm.actions.registry import standard_registry
    from edge_llm.assistant import Assistant, desktop_providers

    home = Home(store.home)
    with ExitStack() as stack:
        memory = _memory(store, stack)
        registry = standard_registry(home)
        for path in files:
            registry.load_file(path)
        providers = [*desktop_providers(memory, home), *_servers(home, registry, stack)]
        yield stack.enter_context(
            Assistant(model, memory, registry, approve=approve, providers=providers, home=home, region=region, dry_run=dry_run)
        )


def ask_at_prompt(read_line: ReadLine) -> Approve:
    """The person decides at a terminal: yes, always, no, or what should be otherwise."""
    from edge_llm.turns import ALWAYS, APPROVE, DENY, Decision
    from edge_llm.understand.language import is_no, is_yes, language_of

    asked: list[Proposal] = []

    def approve(proposal: Proposal) -> Decision:
        chinese = language_of(proposal.text) == "zh"
        if asked and asked[-1] is proposal:
            note("没听懂要改什么。" if chinese else "I did not understand what should be otherwise.")
        asked[:] = [proposal]
        say_text(proposal.text)
        prompt, always = _PROMPT_ZH if chinese else _PROMPT
        prompt = prompt.format(always=always if proposal.may_always else "")
        while True:
            try:
                said = read_line(prompt).strip()
            except (EOFError, KeyboardInterrupt):  # Ctrl-D, Ctrl-C: whoever leaves agreed to nothing
                return DENY
            if said.casefold() in ("a", "always", "总是", "始终允许"):
                if proposal.may_always:
                    return ALWAYS
                note(
                    "这项操作不能始终允许，y 表示这一次。"
                    if chinese
                    else "This cannot be allowed once for all. y does it this once."
                )
            elif is_yes(said):
                return APPROVE
            elif is_no(said) or said == "否":
                return DENY
            elif said:
                return Decision("edit", said)

    return approve


def show_turn(turn: Turn, *, as_json: bool) -> None:
    """A turn on stdout; the number of how sure it is goes to stderr, and in JSON beside it."""
    from edge_llm.turns import turn_document

    if as_json:
        say_document(turn_document(turn), one_line=not sys.stdout.isatty())
        return
    say_text(turn.text)
    note(f"({turn.confidence.value:.2f}, {turn.confidence.reason})")


def _memory(store: StoreChoice, stack: ExitStack) -> Memory | None:
    """The memory that the options name, or the home's where there is one."""
    named = store.store is not None or store.key_file is not None or store.ask
    if not named and not store.path.exists():
        return None
    return stack.enter_context(open_memory(store))


def _servers(home: Home, registry: Registry, stack: ExitStack) -> Sequence[Provider]:
    """The carrier of the servers that the person configured, after their actions were added; nothing where there are none."""
    from edge_llm.actions.mcp_config import McpConfig

    config = McpConfig(home)
    if not config.path.exists():
        return ()
    from edge_llm.actions.providers.mcp import McpProvider, mcp_actions

    for action in mcp_actions(config):
        registry.add(action)
    return (stack.enter_context(McpProvider(config)),)
