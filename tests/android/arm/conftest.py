"""The arm64 toolchain and the GGUF bundles, made once a session. A tool that cannot be had is an error here, never a skip."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_llm.messages import Message
from edge_llm.prompt import ChatPrompt
from quantize.pipeline import quantize
from quantize.recipe import recipe_for
from runtimes.bundle import Bundle
from runtimes.tokenizer import open_bundle_tokenizer
from tests.android.conftest import Toolchain  # with it, scripts/android is importable

from arm_toolchain import A53, A76, MAX, ArmToolchain, prepare_arm  # isort: skip

CELLS = [(A53, 4), (A76, 4), (A76, 8), (MAX, 4), (MAX, 8)]
"""CPU and bits. The CPU without either instruction is four times as slow to emulate: one width of weights there."""
ANSWER = [504, 3575, 282, 3085, 314, 19081]
"""The capital of Japan is Tokyo"""


@pytest.fixture(scope="session")
def arm(tools: Toolchain) -> ArmToolchain:
    return prepare_arm(tools)


@pytest.fixture(scope="session")
def ggufs(smol_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The default model for llama.cpp, by bits."""
    folder = tmp_path_factory.mktemp("ggufs")
    for bits in (4, 8):
        quantize(smol_gguf, folder / str(bits), recipe=recipe_for(bits), formats=("gguf",))
    return {bits: next((folder / str(bits)).rglob("*.gguf")) for bits in (4, 8)}


@pytest.fixture(scope="session")
def prompt_ids(bundles: dict[int, Bundle]) -> list[int]:
    """A question in the model's chat format."""
    return chat_ids(bundles[8], "What is the capital of Japan?")


def chat_ids(bundle: Bundle, question: str) -> list[int]:
    """A question as the first turn of a conversation."""
    template = bundle.read_chat_template()
    assert template is not None
    prompt = ChatPrompt(template, open_bundle_tokenizer(bundle), bundle.manifest.stop_token_ids)
    return prompt.encode([Message("user", question)])
