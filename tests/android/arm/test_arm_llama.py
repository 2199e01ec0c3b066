"""The GGUF on a cross-built llama.cpp, built for and run on three emulated CPUs, against the wheel's build on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from arm_llama import llama_program
from arm_run import run_program
from arm_toolchain import ArmToolchain, Profile
from toolchain import Toolchain

from tests.android.arm.agreement import KLD, MARGIN, Logits, compare, read_logits, write_sequences
from tests.android.arm.conftest import ANSWER, CELLS

pytestmark = pytest.mark.timeout(1500)  # the first test cross-builds llama.cpp: some minutes, kept afterwards


def x86_logits(model: Path, prompt: list[int], answer: list[int]) -> Logits:
    """The rows that choose each token of the answer, from llama-cpp-python's own llama.cpp."""
    import llama_cpp

    llama = llama_cpp.Llama(str(model), n_ctx=1024, n_batch=1024, n_threads=1, logits_all=True, verbose=False)
    try:
        llama.eval([*prompt, *answer[:-1]])
        rows: Logits = np.array(llama.scores[len(prompt) - 1 : llama.n_tokens])
    finally:
        llama.close()
    return rows


@pytest.mark.parametrize(("profile", "bits"), CELLS, ids=[f"{profile.name}-{bits}" for profile, bits in CELLS])
def test_llama_agrees_and_uses_the_kernels_the_cpu_has(
    tools: Toolchain,
    arm: ArmToolchain,
    ggufs: dict[int, Path],
    prompt_ids: list[int],
    profile: Profile,
    bits: int,
    tmp_path: Path,
) -> None:
    write_sequences(tmp_path / "sequences", [prompt_ids], [ANSWER])
    program = str(llama_program(tools, profile))
    command = [program, str(ggufs[bits]), str(tmp_path / "sequences"), str(tmp_path / "arm"), str(len(ANSWER))]
    run = run_program(arm, profile, command, count=True)
    assert json.loads(run.output) == ANSWER
    (other,) = read_logits(tmp_path / "arm", [ANSWER])
    agreement = compare(x86_logits(ggufs[bits], prompt_ids, ANSWER), other)
    assert agreement.margin is None or agreement.margin <= MARGIN[bits]
    assert agreement.kld <= KLD
    assert run.kernels is not None
    assert (run.kernels.dot > 0) == profile.dotprod
    assert (run.kernels.matrix > 0) == profile.i8mm
