"""A model made ready for a phone: planned for the device first, then exported. The glue between quantize and android_bridge.

Knows which questions go to whom; plans, renders and writes nothing itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
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
    actions: Iterable[Action] = (),
    home: Home | None = None,
    progress: ProgressCallback | None = None,
) -> tuple[PhoneManifest, Plan]:
    """Write what an Android app opens, after the device's memory was found to hold it.

    Args:
        model: a bundle, a .gguf file or a name, as `edge_llm.load` takes them.
        directory: must not exist, or be an older export.
        device: a target of `edge-llm plan`, by name or as `quantize.targets.find_target` gives it.
        context_length: most tokens the app will hold; None takes 2,048, or the model's limit.
        actions: what the model may propose.

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
    options = ExportOptions(context, memory, actions=tuple(map(action_document, actions)))
    return export(bundle, directory, _renderer(bundle), options), planned


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
        f"{bundle.manifest.name} takes {form.memory.total_bytes / gigabyte:.1f} GB at a context of {context} tokens; "
        f"{planned.target.title} gives one app {planned.target.usable_bytes / gigabyte:.1f} GB."
    )
    fitting = [option for option in planned.options if option.fits]
    if form.largest_context:
        return f"{text} It fits with --context {form.largest_context}."
    if fitting:
        nearest = max(fitting, key=lambda option: option.memory.total_bytes)
        return f"{text} Quantize it with --bits {nearest.recipe}, which takes {nearest.memory.total_bytes / gigabyte:.1f} GB."
    return f"{text} {planned.verdict}"


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


def read_actions(path: Path) -> tuple[Action, ...]:
    """The actions of a JSON file: one manifest, or a list of them. Raises ManifestError or StorageError."""
    import json

    from edge_llm.actions.manifest import parse_action
    from runtimes.errors import ManifestError, StorageError

    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{path} is not valid JSON: {error}.") from error
    return tuple(map(parse_action, document if isinstance(document, list) else [document]))
