"""The toolchain, the compiled library, and the default model as the Kotlin library opens it: made once a session."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from android_bridge.exporter import ExportOptions, export
from android_bridge.manifest import Memory, PhoneManifest
from android_bridge.turn_format import Conversation
from edge_llm.messages import Message
from edge_llm.template import ChatTemplate
from quantize.pipeline import quantize
from quantize.recipe import recipe_for
from runtimes.bundle import Bundle, read_bundle
from runtimes.tokenizer import open_bundle_tokenizer
from tests.unit.edge_llm.actions.test_manifest import SMS

SCRIPTS = Path(__file__).parents[2] / "scripts" / "android"
sys.path.insert(0, str(SCRIPTS))

from library import Jars, compile_library  # noqa: E402 - found through the line above
from toolchain import Toolchain, prepare  # noqa: E402

CONTEXT = 2048


@pytest.fixture(scope="session")
def tools() -> Toolchain:
    return prepare()


@pytest.fixture(scope="session")
def jars(tools: Toolchain) -> Jars:
    return compile_library(tools)


@pytest.fixture(scope="session")
def bundles(smol_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Bundle]:
    """The default model in ONNX form, by bits."""
    folder = tmp_path_factory.mktemp("bundles")
    for bits in (4, 8):
        quantize(smol_gguf, folder / str(bits), recipe=recipe_for(bits), formats=("onnx",))
    return {bits: read_bundle(folder / str(bits), verify=False) for bits in (4, 8)}


@pytest.fixture(scope="session")
def phones(bundles: dict[int, Bundle], tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The same as phone directories, by bits."""
    folder = tmp_path_factory.mktemp("phones")
    for bits, bundle in bundles.items():
        export_for_tests(bundle, folder / str(bits))
    return {bits: folder / str(bits) for bits in bundles}


def export_for_tests(bundle: Bundle, directory: Path) -> PhoneManifest:
    """An export with one action and a memory plan of round numbers."""
    source = bundle.read_chat_template()
    assert source is not None
    tokenizer = open_bundle_tokenizer(bundle)
    end = tokenizer.token_text(bundle.manifest.stop_token_ids[0])
    start = "" if tokenizer.bos_id is None else tokenizer.token_text(tokenizer.bos_id)
    template = ChatTemplate(source, bos_token=start, eos_token=end)

    def render(conversation: Conversation) -> str:
        return template.render([Message(role, content) for role, content in conversation])  # type: ignore[arg-type]

    memory = Memory(weights_bytes=200 << 20, kv_bytes=CONTEXT * 46080, working_bytes=64 << 20)
    return export(bundle, directory, render, ExportOptions(CONTEXT, memory, actions=(SMS,)))
