"""The phone's artifacts on emulated arm64 against x86: tokens that agree, divergence, and the kernels that ran.

    python -m tests.bench.bench_arm [--what kotlin wheel llama] [--cpu cortex-a76 max] [--bits 8 4] [--kernels faithful tuned]

Ten questions of 16 tokens and a text of 512, followed token by token on both machines: the Kotlin library through the AAR's
own libraries, the exported graph on the aarch64 wheel, the GGUF on a cross-built llama.cpp. Exit code 1 when fewer than 8
questions agree, when they part at a lead above the tolerance, or when the mean divergence on the text is above 0.01; rows of
tuned kernels, which promise none of it, are only printed. Says nothing of speed: emulation has none. A row takes minutes.
The default model must be in EDGE_LLM_TEST_HOME.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_llm.catalog import installed_models
from edge_llm.home import Home
from quantize.pipeline import quantize
from quantize.recipe import recipe_for
from runtimes.bundle import read_bundle
from runtimes.tokenizer import open_bundle_tokenizer
from tests.android.arm.agreement import KLD, MARGIN, Logits, compare, divergence, read_logits, write_sequences
from tests.android.arm.conftest import chat_ids
from tests.android.arm.test_arm_llama import x86_logits
from tests.android.arm.test_arm_onnx import SCRIPT
from tests.android.conftest import compile_library, export_for_tests, prepare
from tests.android.test_host_jvm import PROMPTS

from arm_llama import llama_program  # isort: skip - found through tests.android.conftest
from arm_run import ArmRun, Kernels, run_java, run_program, run_python  # isort: skip
from arm_toolchain import PROFILES, ArmToolchain, Profile, prepare_arm  # isort: skip
from library import Jars, run_on_host  # isort: skip

MODEL = "smollm2-135m-instruct"
TEXT = Path(__file__).parent / "arm_text.txt"
TOKENS, TEXT_TOKENS = 16, 512
LEAST_AGREEING = 8
CHOICES = ("faithful", "tuned")
"""Whose kernels onnxruntime is asked for: dev.edgellm.Kernels in lower case."""
OWN = "own"
PATIENCE_S = 7200


@dataclass(frozen=True)
class Row:
    """One program on one CPU."""

    what: str
    cpu: str
    bits: int
    choice: str
    """Of CHOICES; OWN for llama.cpp."""
    agreeing: int
    """Questions on which all tokens agree."""
    questions: int
    largest_margin: float | None
    """Over the questions that part: the reference's lead there. Null when none parts."""
    kld: float
    """Mean over the text's tokens, in nats."""
    top1: float
    """Share of the text's tokens on which the likeliest token is the same."""
    kernels: Kernels

    @property
    def met(self) -> bool:
        """Whether it keeps what it promises."""
        if self.choice == "tuned":
            return True
        parted = self.largest_margin is None or self.largest_margin <= MARGIN[self.bits]
        return self.agreeing >= min(LEAST_AGREEING, self.questions) and parted and self.kld <= KLD


class Bench:
    """The artifacts of one width of weights, and the answers x86 gives with them."""

    def __init__(self, source: Path, bits: int, folder: Path, questions: int, text_tokens: int) -> None:
        self.bits, self.folder = bits, folder
        quantize(source, folder / "bundle", recipe=recipe_for(bits), formats=("onnx", "gguf"))
        bundle = read_bundle(folder / "bundle" / "onnx", verify=False)
        export_for_tests(bundle, folder / "phone")
        self.phone, self.gguf = folder / "phone", next((folder / "bundle" / "gguf").glob("*.gguf"))
        self.tools = prepare()
        self.jars: Jars = compile_library(self.tools)
        self.arm: ArmToolchain = prepare_arm(self.tools)
        text = open_bundle_tokenizer(bundle).encode(TEXT.read_text(encoding="utf-8"))[: text_tokens + 1]
        asked = [chat_ids(bundle, question) for question in PROMPTS[:questions]]
        self.prompts = [*asked, text[:1]]
        write_sequences(folder / "asked", asked)
        answers = run_on_host(self.tools, self.jars, "dev.edgellm.LogitsKt", self._arguments("asked", "x86"), properties={})
        self.answers: list[list[int]] = [*(json.loads(line) for line in answers.splitlines()), text[1:]]
        write_sequences(folder / "followed", self.prompts, self.answers)

    def row(self, what: str, profile: Profile, choice: str) -> Row:
        """Follow x86's answers on one emulated CPU."""
        reference = {"kotlin": self._kotlin_x86, "wheel": self._wheel_x86, "llama": self._llama_x86}[what]()
        kernels = {"kotlin": self._kotlin_arm, "wheel": self._wheel_arm, "llama": self._llama_arm}[what](profile, choice)
        other = self._read("arm")
        found = [compare(mine, theirs) for mine, theirs in zip(reference[:-1], other[:-1], strict=True)]
        margins = [one.margin for one in found if one.margin is not None]
        same = reference[-1].argmax(axis=1) == other[-1].argmax(axis=1)
        return Row(
            what,
            profile.name,
            self.bits,
            choice,
            sum(one.margin is None for one in found),
            len(found),
            max(margins, default=None),
            divergence(reference[-1], other[-1]),
            float(same.mean()),
            kernels,
        )

    def _arguments(self, sequences: str, out: str) -> list[str]:
        return [str(self.phone), str(self.folder / sequences), str(self.folder / out), str(TOKENS)]

    def _read(self, name: str) -> list[Logits]:
        return read_logits(self.folder / name, self.answers)

    def _kotlin_x86(self) -> list[Logits]:
        run_on_host(self.tools, self.jars, "dev.edgellm.LogitsKt", self._arguments("followed", "x86"), properties={})
        return self._read("x86")

    def _kotlin_arm(self, profile: Profile, choice: str) -> Kernels:
        arguments, asked = self._arguments("followed", "arm"), {"edgellm.kernels": choice.upper()}
        main = "dev.edgellm.LogitsKt"
        run = run_java(self.arm, profile, self.jars, main, arguments, properties=asked, count=True, timeout_s=PATIENCE_S)
        return _counted(run)

    def _wheel_arguments(self, out: str, choice: str) -> list[str]:
        return [str(self.phone / "model.onnx"), str(self.folder / "followed"), str(self.folder / out), choice]

    def _wheel_x86(self) -> list[Logits]:
        command = [sys.executable, str(SCRIPT), *self._wheel_arguments("x86", CHOICES[0])]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return self._read("x86")

    def _wheel_arm(self, profile: Profile, choice: str) -> Kernels:
        arguments = self._wheel_arguments("arm", choice)
        return _counted(run_python(self.arm, profile, SCRIPT, arguments, count=True, timeout_s=PATIENCE_S))

    def _llama_x86(self) -> list[Logits]:
        return [x86_logits(self.gguf, *pair) for pair in zip(self.prompts, self.answers, strict=True)]

    def _llama_arm(self, profile: Profile, _: str) -> Kernels:
        program = str(llama_program(self.tools, profile))
        command = [program, str(self.gguf), *self._arguments("followed", "arm")[1:]]
        return _counted(run_program(self.arm, profile, command, count=True, timeout_s=PATIENCE_S))


def _counted(run: ArmRun) -> Kernels:
    if run.kernels is None:
        raise ValueError("the kernels were not counted")
    return run.kernels


def installed_source() -> Path:
    """The default model's GGUF. Raises SystemExit when it was not pulled."""
    home = os.environ.get("EDGE_LLM_TEST_HOME")
    models = {} if home is None else {model.name: model.path for model in installed_models(Home(home))}
    if MODEL not in models:
        raise SystemExit(f"{MODEL} is not in EDGE_LLM_TEST_HOME ({home}). Pull it: `edge-llm pull {MODEL} --home DIR`.")
    return models[MODEL]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a JSON line a row; 1 when one misses its bound."""
    parser = argparse.ArgumentParser(description="The phone's artifacts on emulated arm64 against x86.")
    parser.add_argument("--what", nargs="+", default=["kotlin", "wheel", "llama"], choices=["kotlin", "wheel", "llama"])
    parser.add_argument("--cpu", nargs="+", default=["cortex-a76", "max"], choices=[profile.name for profile in PROFILES])
    parser.add_argument("--bits", nargs="+", type=int, default=[8, 4], choices=[8, 4])
    parser.add_argument("--kernels", nargs="+", default=["faithful"], choices=CHOICES, help="onnxruntime's on Arm")
    parser.add_argument("--questions", type=int, default=len(PROMPTS))
    parser.add_argument("--text-tokens", type=int, default=TEXT_TOKENS)
    chosen = parser.parse_args(arguments)
    asked = [(what, choice) for what in chosen.what for choice in ([OWN] if what == "llama" else chosen.kernels)]
    source = installed_source()
    missed = False
    for bits in chosen.bits:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(source, bits, Path(folder), chosen.questions, chosen.text_tokens)
            for profile in (profile for profile in PROFILES if profile.name in chosen.cpu):
                for what, choice in asked:
                    row = bench.row(what, profile, choice)
                    print(json.dumps(asdict(row)), flush=True)
                    missed = missed or not row.met
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
