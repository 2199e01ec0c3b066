"""`bench` and `doctor`: figures of this machine, each measurement in a process of its own."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from edge_llm.cli import machine
from edge_llm.cli.speed import Load, Speed, measure
from runtimes.errors import RuntimeFailedError
from tests.unit.edge_llm.cli.program import Program

ROW = [
    "runtime",
    "prompt_tokens",
    "new_tokens",
    "threads",
    "prefill_tokens_per_s",
    "decode_tokens_per_s",
    "load_s",
    "peak_rss_bytes",
]


def test_json_of_bench(fake: Path, program: Program) -> None:
    options = ["--prompt-tokens", "40", "--new-tokens", "8", "--repeats", "1", "--threads", "1", "--threads", "2"]
    rows = program("bench", fake, *options, "--json").document
    assert [row["threads"] for row in rows] == [1, 2]
    for row in rows:
        assert list(row) == ROW
        assert (row["runtime"], row["prompt_tokens"], row["new_tokens"]) == ("fake", 40, 8)
        assert row["prefill_tokens_per_s"] > 0
        assert row["decode_tokens_per_s"] > 0
        assert row["load_s"] > 0
        assert row["peak_rss_bytes"] > 10_000_000


def test_rows_hold_medians_and_rounds_alternate(fake: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[int] = []

    def measure_by_script(load: Load) -> Speed:
        order.append(load.threads)
        speed = (5.0, 1.0, 100.0)[len(order) // 2 - 1 if load.threads == 2 else len(order) // 2]
        return Speed(speed, 2 * speed, 3 * speed, round(4 * speed))

    monkeypatch.setattr("edge_llm.cli.speed.measure", measure_by_script)
    rows = program(
        "bench", fake, "--threads", "1", "--threads", "2", "--new-tokens", "8", "--prompt-tokens", "8", "--json"
    ).document
    assert order == [1, 2, 1, 2, 1, 2]
    assert [[row[name] for name in ROW[4:]] for row in rows] == [[5.0, 10.0, 15.0, 20]] * 2


def test_people_read_a_table(fake: Path, program: Program) -> None:
    shown = program("bench", fake, "--prompt-tokens", "10", "--new-tokens", "4", "--repeats", "1").out
    assert "decode tok/s" in shown
    assert "10 + 4" in shown


def test_more_tokens_than_the_model_holds(fake: Path, program: Program) -> None:
    shown = program("bench", fake, "--prompt-tokens", "600", "--new-tokens", "4")
    assert shown.code == 2
    assert "604" in shown.err
    assert "512" in shown.err


def test_a_failure_in_the_other_process_arrives_as_an_error(fake: Path) -> None:
    load = Load(fake, "fake", 1, 8, 4)
    with pytest.raises(RuntimeFailedError, match="512"):
        measure(replace(load, prompt_tokens=1000))
    (fake / "fake.json").unlink()
    with pytest.raises(RuntimeFailedError, match=r"fake\.json"):
        measure(load)


class Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (3,)


def test_a_process_that_dies_is_told(fake: Path) -> None:
    load = Load(fake, "fake", 1, 8, 4)
    object.__setattr__(load, "prompt_tokens", Deadly())
    with pytest.raises(RuntimeFailedError, match="exit code 3"):
        measure(load)


def test_doctor(program: Program, own_home: Path) -> None:
    facts = program("doctor", "--json").document
    assert list(facts) == ["edge_llm", "python", "machine", "runtimes", "home"]
    assert {runtime["name"] for runtime in facts["runtimes"]} == {"fake", "llamacpp", "onnx"}
    onnx = next(runtime for runtime in facts["runtimes"] if runtime["name"] == "onnx")
    assert onnx["installed"]
    assert "CPUExecutionProvider" in onnx["providers"]
    assert 1 <= facts["machine"]["usable_cores"] <= facts["machine"]["logical_cores"]
    assert 0 < facts["machine"]["free_memory_bytes"] <= facts["machine"]["memory_bytes"] <= psutil.virtual_memory().total
    assert facts["home"]["path"] == str(own_home)

    words = program("doctor").out
    for name in ("processor", "instruction sets", "runtime onnx", str(own_home)):
        assert name in words


def test_a_container_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("400000\n", encoding="ascii")
    found = machine.inspect_machine()
    assert (found.memory_bytes, found.free_memory_bytes) == (1_000_000, 600_000)
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert machine.inspect_machine().memory_bytes == psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("text", "processor", "sets"),
    [
        ("model name : Intel(R) X\nflags : fpu avx2 fma avx512_vnni\n", "Intel(R) X", ("AVX2", "FMA", "AVX-512 VNNI")),
        (
            "Features : fp asimd asimddp i8mm\nModel : Raspberry Pi 5\n",
            "Raspberry Pi 5",
            ("NEON", "dot product", "int8 matrix product"),
        ),
    ],
)
def test_instruction_sets(
    text: str, processor: str, sets: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(text, encoding="utf-8")
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "cpuinfo")
    found = machine.inspect_machine()
    assert (found.processor, found.instruction_sets) == (processor, sets)
