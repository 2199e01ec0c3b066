"""Which instructions are counted, and that Java itself reaches none of them."""

from __future__ import annotations

import pytest
from arm_run import Kernels, kind_of, run_program
from arm_toolchain import MAX, PROFILES, ArmToolchain, Profile


# Words as GNU as 2.40 writes them.
@pytest.mark.parametrize(
    ("word", "kind"),
    [
        (0x4E829420, "dot"),  # sdot v0.4s, v1.16b, v2.16b
        (0x2E829420, "dot"),  # udot v0.2s, v1.8b, v2.8b
        (0x4FA2E820, "dot"),  # sdot v0.4s, v1.16b, v2.4b[3]
        (0x44820020, "dot"),  # sdot z0.s, z1.b, z2.b
        (0x4E829C20, "mixed_dot"),  # usdot v0.4s, v1.16b, v2.16b
        (0x4FA2F020, "mixed_dot"),  # usdot v0.4s, v1.16b, v2.4b[1]
        (0x4F02F820, "mixed_dot"),  # sudot v0.4s, v1.16b, v2.4b[2]
        (0x4E82A420, "matrix"),  # smmla v0.4s, v1.16b, v2.16b
        (0x6E82A420, "matrix"),  # ummla v0.4s, v1.16b, v2.16b
        (0x4E82AC20, "matrix"),  # usmmla v0.4s, v1.16b, v2.16b
        (0x45029820, "matrix"),  # smmla z0.s, z1.b, z2.b
        (0x4EA29C20, None),  # mul v0.4s, v1.4s, v2.4s
        (0x4FA21020, None),  # fmla v0.4s, v1.4s, v2.s[1]
        (0x6E42EC20, None),  # bfmmla v0.4s, v1.8h, v2.8h
    ],
)
def test_instructions_are_told_apart(word: int, kind: str | None) -> None:
    assert kind_of(word) == kind


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_the_emulated_cpu_is_the_one_described(arm: ArmToolchain, profile: Profile) -> None:
    python = [arm.program("usr/bin/python3.11"), "-S", "-c", "print(open('/proc/cpuinfo').read())"]
    described = run_program(arm, profile, python).output
    assert ("asimddp" in described, "i8mm" in described) == (profile.dotprod, profile.i8mm)


def test_java_alone_reaches_none(arm: ArmToolchain) -> None:
    java = arm.program("usr/lib/jvm/java-17-openjdk-arm64/bin/java")
    assert run_program(arm, MAX, [java, "-version"], count=True).kernels == Kernels()
