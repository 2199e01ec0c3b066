"""A model made ready for a phone: planned for the device first, then exported. The glue between quantize and android_bridge.

Knows which questions go to whom; plans, renders and writes nothing itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from edge_llm.actions.manifest import Action, action_document
from edge_llm.messages import Message
from edge_llm.prompt import ChatPrompt
from edge_llm.resolve import resolve
from runtimes.errors import ConfigError, TemplateError
from runtimes.tokenizer import open_bundle_tokenizer

if TYPE_CHECKING:
    from android_bridge.manifest import Memory, PhoneManifest
    from android_bridge.turn_format import Conversation, Render
    from edge_llm.home import Home
    from edge_llm.progress import ProgressCallback
    from quantize.plan import Plan
    from quantize.targets import Target
    from runtimes.bundle import Bundle

DEFAULT_DEVICE = "snapdragon-8-gen3"
_DEFAULT_CONTEXT = 2048


def export_for_phone(
    model: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    *,
    device: str | Target = DEFAULT_DEVICE,
    context_length: int | None = None,
    actions: Iterable[Action] | None = None,
    home: Home | None = None,
    progress: ProgressCallback | None = None,
) -> tuple[PhoneManifest, Plan]:
    """Write what an Android app opens, after the device's memory was found to hold it.

    Args:
        model: a bundle, a .gguf file or a name, as `edge_llm.load` takes them.
        directory: must not exist, or be an older export.
        device: a target of `edge-llm plan`, by name or as `quantize.targets.find_target` gives it.
        context_length: most tokens the app will hold; None takes 2,048, or the model's limit.
        actions: what the model may propose; None takes `phone_actions()`.

    Returns:
        The manifest, and the plan it was checked against.

    Raises:
        ConfigError: it does not fit (the numbers, and the nearest form that does), or an unknown device.
        TemplateError, TokenizerError: a phone could not write the turns, or not read the vocabulary.
        Everything that `resolve` and `android_bridge.exporter.export` raise.
    """
    from android_bridge.exporter import ExportOptions, export

    bundle = resolve(model, home=home, progress=progress)
    limit = bundle.manifest.context_length
    context = min(_DEFAULT_CONTEXT, limit) if context_length is None else context_length
    if context > limit:
        raise ConfigError(f"The context length is {context}; {bundle.manifest.name} holds {limit}. Ask for less.")
    memory, planned = _memory_on(bundle, device, context)
    offered = phone_actions() if actions is None else actions
    options = ExportOptions(context, memory, actions=tuple(map(action_document, offered)))
    return export(bundle, directory, _renderer(bundle), options), planned


def phone_actions() -> tuple[Action, ...]:
    """The standard actions that an Android intent carries out."""
    from edge_llm.actions.library import library

    return tuple(action for action in library() if any(carrier.kind == "intent" for carrier in action.carriers))


def _memory_on(bundle: Bundle, device: str | Target, context: int) -> tuple[Memory, Plan]:
    """What the bundle takes on the device. Raises ConfigError when that is more than one app gets."""
    from android_bridge.manifest import Memory
    from quantize.plan import plan

    planned = plan(bundle.path, device, context=context)
    form = next(option for option in planned.options if option.exists)
    if not form.fits:
        raise ConfigError(_refusal(bundle, planned, context))
    return Memory(form.memory.weights_bytes, form.memory.kv_bytes, form.memory.working_bytes), planned


def _refusal(bundle: Bundle, planned: Plan, context: int) -> str:
    form = next(option for option in planned.options if option.exists)
    gigabyte = 10**9
    text = (
        f"{bundle.manifest.name} takes {form.memory.total_bytes / gigabyte:.2f} GB at a context of {context} tokens; "
        f"{planned.target.title} gives one app {planned.target.usable_bytes / gigabyte:.2f} GB."
    )
    made = [option for option in planned.options if option.fits and not option.exists]
    made = [option for option in made if option.container == form.container] or made
    nearest = max(made, key=lambda option: option.memory.total_bytes, default=None)
    ways = []
    if nearest is not None:
        taken = nearest.memory.total_bytes / gigabyte
        other = "" if nearest.container == form.container else f" in {nearest.container} form"
        ways.append(f"Quantize it with --bits {nearest.recipe}{other}, which takes {taken:.2f} GB at that context.")
    if form.largest_context:
        ways.append(f"{'Or export' if ways else 'Export'} it as it is with --context {form.largest_context}, which fits.")
    return " ".join([text, *(ways or [planned.verdict])])


def _renderer(bundle: Bundle) -> Render | None:
    source = bundle.read_chat_template()
    if source is None:
        return None
    if "strftime_now" in source:
        raise TemplateError(
            f"The chat template of {bundle.path} writes today's date, which fixed texts cannot. Use another chat template."
        )
    prompt = ChatPrompt(source, open_bundle_tokenizer(bundle), bundle.manifest.stop_token_ids)

    def render(conversation: Conversation) -> str:
        return prompt.render(Message.from_json({"role": role, "content": content}) for role, content in conversation)

    return render
