"""What a phone's runtime needs to know of a model file: the KV cache's shape, the kernels, the oldest runtime that has them.

Reads a bundle's graph or GGUF header. Knows which layouts are fast and which exist on Arm; changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from android_bridge.manifest import KvCache
from runtimes.errors import BundleError, UnsupportedModelError

if TYPE_CHECKING:
    from runtimes.bundle import Bundle

_OLDEST_ONNXRUNTIME = "1.23.0"
"""The first with an arm64 kernel for 8-bit MatMulNBits, which every bundle's head uses; before it, loading is an error."""
_GENAI_CONFIG = "genai_config.json"


@dataclass(frozen=True)
class PhoneModel:
    """A model file as a phone sees it."""

    kv: KvCache
    requires: dict[str, str]
    """Runtime -> oldest version."""
    slow: tuple[str, ...]
    """What in it has no fast kernel on Arm, in words; empty for what edge-llm writes."""


def read_phone_model(bundle: Bundle) -> PhoneModel:
    """What a phone needs to know of a bundle's model.

    Raises:
        BundleError: the bundle lacks what this is read from. UnsupportedModelError: neither ONNX nor GGUF.
    """
    if bundle.manifest.format == "onnx":
        return _read_onnx(bundle)
    if bundle.manifest.format == "gguf":
        return _read_gguf(bundle)
    raise UnsupportedModelError(
        f"{bundle.path} is in {bundle.manifest.format} format, which no phone runtime opens. Export an ONNX or GGUF bundle."
    )


def _read_onnx(bundle: Bundle) -> PhoneModel:
    import onnx
    from google.protobuf.message import DecodeError

    path = bundle.directory / _GENAI_CONFIG
    try:
        decoder = json.loads(path.read_text(encoding="utf-8"))["model"]["decoder"]
        kv = KvCache(int(decoder["num_hidden_layers"]), int(decoder["num_key_value_heads"]), int(decoder["head_size"]))
        graph = onnx.load(str(bundle.model_path), load_external_data=False).graph
    except (OSError, ValueError, KeyError, TypeError, DecodeError) as error:
        raise BundleError(f"{bundle.path} is not a bundle that edge-llm wrote: {error}. Quantize the model again.") from error
    products = [node for node in graph.node if node.op_type == "MatMulNBits"]
    settings = [{item.name: item.i for item in node.attribute} for node in products]
    return PhoneModel(kv, {"onnxruntime": _OLDEST_ONNXRUNTIME}, tuple(_slow_layouts(products, settings)))


def _slow_layouts(products: list[Any], settings: list[dict[str, int]]) -> list[str]:
    """FACTS of onnxruntime's Arm kernels: 4 bits are fast where symmetric, in blocks of 32, with int8 activations."""
    slow = []
    for found, node in zip(settings, products, strict=True):
        if found.get("bits") == 4 and len(node.input) > 3 and node.input[3]:
            slow.append("4-bit weights with zero points")
        if found.get("bits") == 4 and found.get("block_size") != 32:
            slow.append(f"4-bit weights in blocks of {found.get('block_size')}")
        if found.get("accuracy_level") != 4:
            slow.append("products with float activations")
    return sorted(set(slow))


def _read_gguf(bundle: Bundle) -> PhoneModel:
    from runtimes.gguf import read_header

    header = read_header(bundle.model_path)
    name = header.architecture
    layers, heads = header.integer(f"{name}.block_count"), header.integer(f"{name}.attention.head_count")
    width = header.integer(f"{name}.embedding_length")
    if not layers or not heads or not width:
        raise BundleError(f"{bundle.model_path} does not say how many layers and heads it has. Pull or quantize it again.")
    kv_heads = header.integer(f"{name}.attention.head_count_kv") or heads
    head_dim = header.integer(f"{name}.attention.key_length") or width // heads
    return PhoneModel(KvCache(layers, kv_heads, head_dim), {}, ())
