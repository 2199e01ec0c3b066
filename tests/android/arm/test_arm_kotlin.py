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
    if profile.i8mm:
        assert run.kernels.mixed_dot > 0, "8-bit products: usdot"
        assert (run.kernels.matrix > 0) == (bits == 4), "4-bit products of a prompt: smmla"
    else:
        assert run.kernels.dot > 0
        assert run.kernels.mixed_dot == run.kernels.matrix == 0, "this CPU has none of them"


def test_a_cpu_without_them_answers_too(tools: Toolchain, arm: ArmToolchain, jars: Jars, phones: dict[int, Path]) -> None:
    arguments = [str(phones[4]), "1", QUESTION]
    run = run_java(arm, A53, jars, "dev.edgellm.AnswersKt", arguments, count=True)
    assert run.output == run_on_host(tools, jars, "dev.edgellm.AnswersKt", arguments, properties={})
    assert run.kernels == Kernels()


KLEIDIAI = pytest.mark.xfail(strict=True, reason="KleidiAI's 4-bit kernels: one activation scale a row (docs/android.md)")


@pytest.mark.parametrize(("profile", "bits"), [(A76, 8), pytest.param(MAX, 4, marks=KLEIDIAI)], ids=["cortex-a76-8", "max-4"])
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
