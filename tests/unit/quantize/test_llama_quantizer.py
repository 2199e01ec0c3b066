"""llama.cpp's quantizer in its own process."""

from __future__ import annotations

from pathlib import Path

import llama_cpp
import pytest

from quantize.llama_quantizer import LLAMA_TYPES, llama_quantize
from runtimes.errors import ConfigError, RuntimeFailedError
from runtimes.gguf import read_header
from tests.unit.quantize.tiny_checkpoints import CONFIG, write_gguf


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """32-bit floats in rows of 256, which every type of llama.cpp can hold."""
    config = {**CONFIG, "hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 1}
    return write_gguf(tmp_path_factory.mktemp("wide") / "wide.gguf", config=config)


def test_numbers_are_llama_cpps() -> None:
    for name, number in LLAMA_TYPES.items():
        assert getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{name}") == number


@pytest.mark.parametrize(
    ("llama_type", "kind"), [("Q4_0", "Q4_0"), ("Q4_K_M", "Q4_K"), ("Q6_K", "Q6_K"), ("IQ4_XS", "IQ4_XS"), ("BF16", "BF16")]
)
def test_types(tmp_path: Path, wide: Path, llama_type: str, kind: str) -> None:
    llama_quantize(wide, tmp_path / "out.gguf", llama_type)
    tensors = read_header(tmp_path / "out.gguf").tensors
    assert tensors["blk.0.attn_q.weight"].type == kind
    assert tensors["output_norm.weight"].type == "F32"


def test_the_same_file_twice_is_refused(tmp_path: Path, wide: Path) -> None:
    content = wide.read_bytes()
    (tmp_path / "alias.gguf").symlink_to(wide)
    with pytest.raises(ConfigError, match="would be overwritten"):
        llama_quantize(wide, tmp_path / "alias.gguf", "Q4_0")
    assert wide.read_bytes() == content


def test_unknown_type_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no type 'Q3'.*Q4_K_M"):
        llama_quantize(Path("a.gguf"), Path("b.gguf"), "Q3")


@pytest.mark.parametrize("damage", [b"", b"GGUF\x03\x00\x00\x00", b"not a gguf file at all"])
def test_failure_is_an_error_and_leaves_no_file(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "bad.gguf").write_bytes(damage)
    with pytest.raises(RuntimeFailedError, match=r"bad\.gguf as Q4_0: .*Choose another type"):
        llama_quantize(tmp_path / "bad.gguf", tmp_path / "out.gguf", "Q4_0")
    assert not (tmp_path / "out.gguf").exists()
