"""The Kotlin library on an arm64 JVM, with the AAR's unmodified arm64 libraries, on emulated CPUs: its answers and its kernels.

Few tokens, because emulation is slow; `python -m tests.bench.bench_arm` measures ten questions and 512 tokens.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from arm_run import Kernels, run_java
from arm_toolchain import A53, A76, MAX, ArmToolchain, Profile
from library import Jars, run_on_host
from toolchain import Toolchain

from tests.android.arm.agreement import KLD, MARGIN, compare, read_logits, write_sequences

pytestmark = pytest.mark.timeout(900)  # the first test unpacks the toolchain; emulation is slow

TOKENS = 6
QUESTION = "What is the capital of Japan?"


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("profile", [A76, MAX], ids=lambda profile: profile.name)
def test_the_export_answers_with_the_fast_kernels(
    tools: Toolchain, arm: ArmToolchain, jars: Jars, phones: dict[int, Path], profile: Profile, bits: int
) -> None:
    arguments = [str(phones[bits]), str(TOKENS), QUESTION]
    run = run_java(arm, profile, jars, "dev.edgellm.AnswersKt", arguments, count=True)
    expected = run_on_host(tools, jars, "dev.edgellm.AnswersKt", arguments, properties={})
    assert json.loads(run.output)["text"] == json.loads(expected)["text"]
    assert run.kernels is not None
    assert (run.kernels.mixed_dot > 0) == profile.i8mm, "8-bit products, and those of the head: usdot where the CPU has it"
    assert (run.kernels.dot > 0) == (bits == 4 or not profile.i8mm), "4-bit products: sdot"
    assert run.kernels.matrix == 0, "no product of onnxruntime's own takes smmla"


@pytest.mark.parametrize("profile", [A76, MAX], ids=lambda profile: profile.name)
def test_tuned_kernels_are_others(arm: ArmToolchain, jars: Jars, phones: dict[int, Path], profile: Profile) -> None:
    def count(kernels: str) -> Kernels:
        arguments, asked = [str(phones[4]), "2", QUESTION], {"edgellm.kernels": kernels}
        found = run_java(arm, profile, jars, "dev.edgellm.AnswersKt", arguments, properties=asked, count=True).kernels
        assert found is not None
        return found

    tuned, faithful = count("TUNED"), count("FAITHFUL")
    assert tuned != faithful
    assert (tuned.matrix > 0) == profile.i8mm, "a prompt's products: smmla where the CPU has it"
    assert tuned.dot > 0, "a token's: sdot"


def test_a_cpu_without_them_answers_too(tools: Toolchain, arm: ArmToolchain, jars: Jars, phones: dict[int, Path]) -> None:
    arguments = [str(phones[4]), "1", QUESTION]
    run = run_java(arm, A53, jars, "dev.edgellm.AnswersKt", arguments, count=True)
    assert run.output == run_on_host(tools, jars, "dev.edgellm.AnswersKt", arguments, properties={})
    assert run.kernels == Kernels()


@pytest.mark.parametrize(("profile", "bits"), [(A76, 8), (A76, 4), (MAX, 4)], ids=["cortex-a76-8", "cortex-a76-4", "max-4"])
def test_logits_agree_with_x86(
    tools: Toolchain,
    arm: ArmToolchain,
    jars: Jars,
    phones: dict[int, Path],
    prompt_ids: list[int],
    profile: Profile,
    bits: int,
    tmp_path: Path,
) -> None:
    def follow(name: str) -> list[str]:
        return [str(phones[bits]), str(tmp_path / "sequences"), str(tmp_path / name), str(TOKENS)]

    write_sequences(tmp_path / "sequences", [prompt_ids])
    answer = json.loads(run_on_host(tools, jars, "dev.edgellm.LogitsKt", follow("x86"), properties={}))
    write_sequences(tmp_path / "sequences", [prompt_ids], [answer])
    run_java(arm, profile, jars, "dev.edgellm.LogitsKt", follow("arm"))
    (reference,), (other,) = read_logits(tmp_path / "x86", [answer]), read_logits(tmp_path / "arm", [answer])
    agreement = compare(reference, other)
    assert agreement.margin is None or agreement.margin <= MARGIN[bits]
    assert agreement.kld <= KLD
