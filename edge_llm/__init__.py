"""A language model on the device in front of you: load it, ask it, chat with it. Nothing leaves the device.

    with edge_llm.load("smollm2-135m-instruct") as model:
        for event in model.chat_stream([edge_llm.Message("user", "What is the capital of Japan?")]):
            ...

Names are loaded when first used: `import edge_llm` loads no runtime, no tokenizer and no numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_llm.assistant import Assistant
    from edge_llm.chat import Chat
    from edge_llm.constrain import Constraint
    from edge_llm.events import (
        Alternative,
        Done,
        Event,
        EventStream,
        Result,
        StopReason,
        TextDelta,
        Timings,
        TokenLogprob,
        Usage,
    )
    from edge_llm.home import Home
    from edge_llm.memory.items import Draft, Hit, Item
    from edge_llm.memory.memory import Memory
    from edge_llm.memory.recall import Recall
    from edge_llm.messages import Message, Role
    from edge_llm.model import Model, ModelInfo, load
    from edge_llm.sampling import Sampling
    from edge_llm.score import Score
    from runtimes.errors import EdgeLLMError

_HOMES = {
    "Alternative": "edge_llm.events",
    "Assistant": "edge_llm.assistant",
    "Chat": "edge_llm.chat",
    "Constraint": "edge_llm.constrain",
    "Done": "edge_llm.events",
    "Draft": "edge_llm.memory.items",
    "EdgeLLMError": "runtimes.errors",
    "Event": "edge_llm.events",
    "EventStream": "edge_llm.events",
    "Hit": "edge_llm.memory.items",
    "Home": "edge_llm.home",
    "Item": "edge_llm.memory.items",
    "Memory": "edge_llm.memory.memory",
    "Message": "edge_llm.messages",
    "Model": "edge_llm.model",
    "ModelInfo": "edge_llm.model",
    "Recall": "edge_llm.memory.recall",
    "Result": "edge_llm.events",
    "Role": "edge_llm.messages",
    "Sampling": "edge_llm.sampling",
    "Score": "edge_llm.score",
    "StopReason": "edge_llm.events",
    "TextDelta": "edge_llm.events",
    "Timings": "edge_llm.events",
    "TokenLogprob": "edge_llm.events",
    "Usage": "edge_llm.events",
    "load": "edge_llm.model",
}

__all__ = [
    "Alternative",
    "Assistant",
    "Chat",
    "Constraint",
    "Done",
    "Draft",
    "EdgeLLMError",
    "Event",
    "EventStream",
    "Hit",
    "Home",
    "Item",
    "Memory",
    "Message",
    "Model",
    "ModelInfo",
    "Recall",
    "Result",
    "Role",
    "Sampling",
    "Score",
    "StopReason",
    "TextDelta",
    "Timings",
    "TokenLogprob",
    "Usage",
    "load",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'edge_llm' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
