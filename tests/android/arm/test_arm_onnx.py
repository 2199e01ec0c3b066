"""The exported graph on the aarch64 wheel of onnxruntime, on three emulated CPUs, against the same release on this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from arm_run import run_python
from arm_toolchain import ArmToolchain, Profile

from tests.android.arm.agreement import KLD, MARGIN, compare, read_logits, write_sequences
from tests.android.arm.conftest import ANSWER, CELLS
from tests.android.conftest import SCRIPTS

pytestmark = pytest.mark.timeout(900)  # the first test unpacks the toolchain; emulation is slow

SCRIPT = SCRIPTS / "arm_onnx" / "logits.py"


@pytest.mark.parametrize(("profile", "bits"), CELLS, ids=[f"{profile.name}-{bits}" for profile, bits in CELLS])
def test_the_wheel_agrees_and_uses_the_kernels_the_cpu_has(
    arm: ArmToolchain, phones: dict[int, Path], prompt_ids: list[int], profile: Profile, bits: int, tmp_path: Path
) -> None:
    def follow(name: str) -> list[str]:
        return [str(phones[bits] / "model.onnx"), str(tmp_path / "sequences"), str(tmp_path / name), "faithful"]

    write_sequences(tmp_path / "sequences", [prompt_ids], [ANSWER])
    subprocess.run([sys.executable, str(SCRIPT), *follow("x86")], check=True, capture_output=True)
    kernels = run_python(arm, profile, SCRIPT, follow("arm"), count=True).kernels
    (reference,), (other,) = read_logits(tmp_path / "x86", [ANSWER]), read_logits(tmp_path / "arm", [ANSWER])
    agreement = compare(reference, other)
    assert agreement.margin is None or agreement.margin <= MARGIN[bits]
    assert agreement.kld <= KLD
    assert kernels is not None
    assert (kernels.dot > 0) == (profile.dotprod and (bits == 4 or not profile.i8mm))
    assert (kernels.mixed_dot > 0) == profile.i8mm
    assert kernels.matrix == 0
