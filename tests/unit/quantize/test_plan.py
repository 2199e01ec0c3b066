"""Plans: what is chosen and what is said. Nothing is recommended that does not fit."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from quantize.engines import OWN_ENGINES
from quantize.estimates import memory
from quantize.known_models import known_names, known_shape
from quantize.model_shape import dense_shape
from quantize.pipeline import quantize
from quantize.plan import DEFAULT_CONTEXT, SHORTEST_CONTEXT, Plan, plan
from quantize.planned_model import PlannedModel, read_planned_model
from quantize.recipe import recipe_for
from quantize.stored_model import store
from quantize.targets import Target, find_target
from runtimes.errors import ConfigError, UnknownModelError
from tests.unit.quantize.tiny_checkpoints import write_gguf, write_hf

PHONE = find_target("snapdragon-8-gen3")


def check(found: Plan) -> None:
    """What holds of every plan."""
    usable, context = found.target.usable_bytes, found.context
    for option in found.options:
        assert option.fits == (option.memory.total_bytes <= usable)
        assert option.fits == (option.largest_context >= context)
        assert 0 <= option.largest_context <= found.model.context_length
        assert option.file_bytes > 0
    if found.recommended is None:
        assert found.recommended_context == 0
        assert all(option.largest_context < min(SHORTEST_CONTEXT, context) for option in found.options)
    else:
        assert 0 < found.recommended_context <= found.recommended.largest_context
        assert found.recommended_context == context or not any(option.fits for option in found.options)
    for (recipe, container), count in found.largest_models.items():
        if count:
            form = store(dense_shape(count), recipe_for(int(recipe)), container)
            assert memory(form, found.target, OWN_ENGINES[container], context).total_bytes <= usable
    assert (found.outcome == "fits") == found.subject.fits
    assert found.verdict.endswith(".")


def test_ten_billion_parameters_on_a_phone() -> None:
    found = plan("10b", PHONE)
    check(found)
    assert found.outcome == "does not fit"
    assert found.recommended is None
    smallest = min(found.options, key=lambda option: option.memory.total_bytes)
    assert (smallest.recipe, smallest.container) == ("4", "gguf")
    assert smallest.file_bytes == pytest.approx(6.2e9, rel=0.05)
    assert smallest.decode_tokens_per_s is not None
    assert smallest.decode_tokens_per_s < 50e9 / 5.6e9  # what the bytes alone allow
    for words in (
        "does not fit",
        "12 GB",
        "7.1 GB of memory",
        "5.8 GB",
        "6.6 tokens/s",
        "50 GB/s",
        "billion parameters (4 bits",
    ):
        assert words in found.verdict, found.verdict


def test_with_more_memory_it_fits_and_is_still_slow() -> None:
    found = plan("10b", PHONE.with_memory(24e9))
    check(found)
    assert found.outcome == "fits"
    assert found.recommended is not None
    assert (found.recommended.recipe, found.recommended.container) == ("4", "onnx")
    assert found.recommended.decode_tokens_per_s is not None
    assert found.recommended.decode_tokens_per_s < 10


def test_a_model_that_fits() -> None:
    found = plan("llama-3.2-1b", "snapdragon-8-gen3")
    check(found)
    assert found.outcome == "fits"
    assert found.context == DEFAULT_CONTEXT
    assert found.recommended is not None
    assert (found.recommended.recipe, found.recommended.container) == ("8", "onnx")
    assert found.recommended.requires == {"onnxruntime": "1.23"}
    assert "onnxruntime 1.23 or later" in found.verdict


def test_a_slow_model_is_recommended_in_four_bits() -> None:
    slow = replace(PHONE, bandwidth=replace(PHONE.bandwidth, value=10e9))
    found = plan("llama-3.2-1b", slow)
    assert found.recommended is not None
    assert found.recommended.recipe == "4"
    found = plan("smollm2-135m", slow)
    assert found.recommended is not None
    assert found.recommended.recipe == "8", "4 bits cost a small model too much"


def test_a_context_that_is_too_long() -> None:
    found = plan("llama-3.2-3b", PHONE, context=131_072)
    check(found)
    assert found.outcome == "fits with a shorter context"
    assert found.recommended is not None
    assert SHORTEST_CONTEXT < found.recommended_context < 131_072
    assert f"up to {found.recommended_context} tokens" in found.verdict
    assert "131072" in found.verdict


def test_the_longest_context_is_exact() -> None:
    for option in plan("llama-3.2-3b", PHONE).options:
        form = store(known_shape("llama-3.2-3b"), recipe_for(int(option.recipe)), option.container)
        if 0 < option.largest_context < 131_072:
            engine = OWN_ENGINES[option.container]
            assert memory(form, PHONE, engine, option.largest_context).total_bytes <= PHONE.usable_bytes
            assert memory(form, PHONE, engine, option.largest_context + 1).total_bytes > PHONE.usable_bytes


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_recommended_that_does_not_fit(seed: int) -> None:
    draw = random.Random(seed)
    target: Target = find_target(draw.choice(["snapdragon-8-gen3", "apple-m3"])).with_memory(1e9 * draw.uniform(1, 32))
    shape = draw.choice([dense_shape(int(10 ** draw.uniform(7.5, 11))), known_shape(draw.choice(known_names()))])
    context = draw.randint(1, shape.context_length)
    check(plan(PlannedModel(shape), target, context=context, bits=[draw.choice([4, 8])]))


def test_a_bundle_is_planned_as_it_is(tmp_path: Path) -> None:
    (bundle,) = quantize(write_hf(tmp_path / "hf"), tmp_path / "out", recipe=recipe_for(8))
    found = plan(bundle.path, PHONE)
    check(found)
    assert found.context == 128
    assert found.subject is found.options[0]
    assert (found.subject.exists, found.subject.file_bytes, found.subject.recipe) == (True, bundle.bytes, "8")
    assert found.recommended is found.subject
    assert "as it is" in found.verdict
    assert len(found.options) == 7


def test_a_bundle_that_does_not_fit_gets_the_nearest_recipe_that_would(tmp_path: Path) -> None:
    (bundle,) = quantize(write_hf(tmp_path / "hf"), tmp_path / "out", recipe=recipe_for(32))
    planned = read_planned_model(bundle.path)
    needed = plan(planned, PHONE).subject.memory.total_bytes
    tight = replace(PHONE, memory=replace(PHONE.memory, value=(needed - 1) / 0.48))
    found = plan(planned, tight)
    check(found)
    assert not found.subject.fits
    assert found.subject.exists
    assert found.recommended is not None
    assert not found.recommended.exists
    assert "What fits: 8 bits, ONNX" in found.verdict


def test_a_file_of_floats_is_a_source_before_it_is_a_model(tmp_path: Path) -> None:
    found = plan(write_gguf(tmp_path / "model.gguf"), PHONE)
    assert found.options[0].exists
    assert found.recommended is not None
    assert found.recommended.quantized


def test_a_model_without_a_family_says_so() -> None:
    found = plan("gemma-3-1b", "apple-m3")
    check(found)
    assert "cannot convert it" in found.verdict


def test_forms_that_were_not_measured_have_no_speed() -> None:
    here = replace(PHONE, measured=True)
    by_format = {option.container: option for option in plan("llama-3.2-1b", here, bits=[8]).options}
    assert by_format["gguf"].decode_tokens_per_s is None
    assert by_format["onnx"].decode_tokens_per_s is not None


def test_what_cannot_be_asked() -> None:
    for context in (0, -1, 131_073):
        with pytest.raises(ConfigError, match="context"):
            plan("llama-3.2-1b", PHONE, context=context)
    with pytest.raises(ConfigError, match="recipe"):
        plan("llama-3.2-1b", PHONE, bits=[5])
    with pytest.raises(ConfigError, match="measured"):
        plan("llama-3.2-1b", "this")
    with pytest.raises(ConfigError, match="Did you mean snapdragon-8-gen3"):
        plan("llama-3.2-1b", "snapdragon-8-gen4")
    with pytest.raises(UnknownModelError):
        plan("llama-9", PHONE)
