"""The toolchain, the compiled library, and the default model as the Kotlin library opens it: made once a session."""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

import pytest

from android_bridge.delivery import write_download, write_packs
from android_bridge.exporter import ExportOptions, export
from android_bridge.manifest import Memory, PhoneManifest
from android_bridge.turn_format import Conversation
from edge_llm.actions.manifest import action_document
from edge_llm.messages import Message
from edge_llm.phone import phone_actions
from edge_llm.template import ChatTemplate
from quantize.pipeline import quantize
from quantize.recipe import recipe_for
from runtimes.bundle import Bundle, hash_file, read_bundle
from runtimes.tokenizer import open_bundle_tokenizer

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
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small phone directory in every form it is delivered in: phone (with download.json), assets and packs.

    Nothing opens it, so its files are not a model's.
    """
    folder = tmp_path_factory.mktemp("delivered")
    phone = folder / "phone"
    phone.mkdir()
    for name, size in (
        ("model.onnx.data", 300_000),
        ("phone.onnx", 5_000),
        ("tokenizer.json", 70_000),
        ("genai_config.json", 1),
    ):
        (phone / name).write_bytes(random.Random(name).randbytes(size))
    files = {path.name: {"size": path.stat().st_size, "sha256": hash_file(path)} for path in sorted(phone.iterdir())}
    (phone / "phone.json").write_text(json.dumps({"schema_version": 1, "files": files}), encoding="utf-8")
    shutil.copytree(phone, folder / "assets" / "edgellm_model")
    write_packs(phone, folder / "packs", limit=120_000)
    write_download(phone, "https://example.org/tiny", range_bytes=1 << 16)
    return folder


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
    """An export with the standard actions and a memory plan of round numbers."""
    source = bundle.read_chat_template()
    assert source is not None
    tokenizer = open_bundle_tokenizer(bundle)
    end = tokenizer.token_text(bundle.manifest.stop_token_ids[0])
    start = "" if tokenizer.bos_id is None else tokenizer.token_text(tokenizer.bos_id)
    template = ChatTemplate(source, bos_token=start, eos_token=end)

    def render(conversation: Conversation) -> str:
        return template.render([Message(role, content) for role, content in conversation])  # type: ignore[arg-type]

    actions = tuple(map(action_document, phone_actions()))
    memory = Memory(weights_bytes=200 << 20, kv_bytes=CONTEXT * 46080, working_bytes=64 << 20)
    return export(bundle, directory, render, ExportOptions(CONTEXT, memory, actions=actions))
