"""Will it fit, how fast will it run, and what would: a model on a device, before anything is downloaded or built.

Chooses among the forms a model can have. The formulas are estimates.py's, the figures targets.py's, the words
plan_words.py's. Never recommends what does not fit.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from quantize.engines import OWN_ENGINES
from quantize.estimates import Memory, decode_seconds, first_prompt_seconds, memory
from quantize.model_shape import ModelShape, dense_shape
from quantize.plan_words import with_verdict
from quantize.planned_model import PlannedModel, read_planned_model
from quantize.recipe import RECIPES, Recipe, recipe_for
from quantize.stored_model import FLOATS, StoredModel, store
from quantize.targets import THIS, Target, find_target
from quantize.tensor_types import CONTAINERS, Container
from runtimes.errors import ConfigError

Outcome: TypeAlias = Literal["fits", "fits with a shorter context", "does not fit"]

DEFAULT_CONTEXT: Final = 4096
PROMPT_TOKENS: Final = 512
NEW_TOKENS: Final = 128
"""The work that speeds are told for: that of `edge-llm bench`."""
SHORTEST_CONTEXT: Final = 512
"""A model that cannot hold this many tokens is not said to fit."""
FLUENT: Final = 10.0
"""Tokens per second below which 8 bits are given up for 4: people read at 5 to 8."""
SMALL: Final = 500_000_000
"""Parameters below which 4 bits cost too much to be recommended where 8 fit."""

_LARGEST_STEPS = 12
_SMALLEST_MODEL, _LARGEST_MODEL = 20_000_000, 1_000_000_000_000


@dataclass(frozen=True)
class Option:
    """A model in one form, on the device, at the context asked for."""

    recipe: str
    """What people type after --bits, or what a file that is here calls its own form."""
    container: Container
    exists: bool
    """It is the file that was given, not one that could be made."""
    quantized: bool
    """Some of its matrices have fewer than 16 bits."""
    file_bytes: int
    memory: Memory
    fits: bool
    largest_context: int
    """Most tokens with which it fits; 0 where it does not at all. Never more than the model's own limit."""
    prefill_tokens_per_s: float | None
    """Over a first prompt of PROMPT_TOKENS; None where the device was measured without this form's engine."""
    decode_tokens_per_s: float | None
    """Over the NEW_TOKENS that follow it."""
    decode_tokens_per_s_when_full: float | None
    """With the context asked for filled up."""
    requires: Mapping[str, str]
    """Runtime -> oldest version that has the kernels on this device; empty where any does."""


@dataclass(frozen=True)
class Plan:
    """What became of one question."""

    model: ModelShape
    target: Target
    context: int
    """Tokens, as asked for."""
    options: tuple[Option, ...]
    """The form that is here, if any, then those that could be made."""
    recommended: Option | None
    """The form to take; None where none fits."""
    recommended_context: int
    """Tokens with which it fits: `context`, or fewer; 0 without a recommendation."""
    outcome: Outcome
    """Of the form that is here, or else of the best one."""
    largest_models: Mapping[tuple[str, Container], int]
    """Parameters of the largest dense model that fits at this context, by recipe and format."""
    verdict: str
    """All of it in a few sentences."""

    @property
    def subject(self) -> Option:
        """What the outcome is about: the form that is here, else the recommended one, else the smallest."""
        here = next((option for option in self.options if option.exists), None)
        return here or self.recommended or min(self.options, key=lambda option: option.memory.total_bytes)


def plan(
    model: str | os.PathLike[str] | PlannedModel,
    target: str | Target,
    *,
    context: int | None = None,
    bits: Sequence[int] | None = None,
) -> Plan:
    """Plan a model for a device.

    Args:
        model: as `read_planned_model` takes it, or what it gave.
        target: a name of `targets.TARGETS`, or a profile: for the machine this runs on, that of `this_machine.measure`.
        context: tokens to hold; None takes 4096, or the model's limit where that is less.
        bits: the recipes to consider, by the bits of their body; None takes all.

    Raises:
        ConfigError: no such target or recipe, or a context out of range.
        UnknownModelError, SourceError, UnsupportedModelError, BundleError: as `read_planned_model`.
    """
    profile = _profile(target)
    planned = model if isinstance(model, PlannedModel) else read_planned_model(model)
    recipes = [recipe_for(count) for count in dict.fromkeys(RECIPES if bits is None else bits)]
    tokens = _checked_context(context, planned.shape)
    options = tuple(_option(form, profile, tokens) for form in _forms(planned, recipes))
    recommended, fitting = _recommend(options, planned.shape, tokens)
    here = next((option for option in options if option.exists), None)
    outcome = _outcome(here, tokens) if here is not None else _outcome(recommended, tokens)
    largest = {
        (recipe.name, container): _largest_model(profile, tokens, recipe, container)
        for recipe in recipes
        for container in CONTAINERS
    }
    found = Plan(planned.shape, profile, tokens, options, recommended, fitting, outcome, MappingProxyType(largest), verdict="")
    return with_verdict(found)


def _profile(target: str | Target) -> Target:
    if isinstance(target, Target):
        return target
    if target == THIS:
        raise ConfigError("This machine is measured before it is planned for: give what quantize.this_machine.measure returns.")
    return find_target(target)


def _checked_context(context: int | None, shape: ModelShape) -> int:
    if context is None:
        return min(DEFAULT_CONTEXT, shape.context_length)
    if not 1 <= context <= shape.context_length:
        raise ConfigError(
            f"A context of {context} tokens is not between 1 and the {shape.context_length} that {shape.name} holds."
        )
    return context


def _forms(planned: PlannedModel, recipes: Sequence[Recipe]) -> list[StoredModel]:
    """The form that is here, and those that can be made of the model."""
    forms = [] if planned.stored is None else [planned.stored]
    if planned.shape.family is None and forms:
        return forms
    return forms + [store(planned.shape, recipe, container, planned.texts) for recipe in recipes for container in CONTAINERS]


def _option(form: StoredModel, target: Target, context: int) -> Option:
    engine, shape = OWN_ENGINES[form.container], form.shape
    held = memory(form, target, engine, context)
    prompt = min(PROMPT_TOKENS, max(1, context // 2))
    new = max(1, min(NEW_TOKENS, context - prompt))
    timed = form.container == "onnx" or not target.measured

    def decode(tokens: float) -> float | None:
        return 1 / decode_seconds(form, target, engine, tokens) if timed else None

    return Option(
        recipe=form.recipe,
        container=form.container,
        exists=form.exists,
        quantized=not form.types <= FLOATS,
        file_bytes=form.file_bytes,
        memory=held,
        fits=held.total_bytes <= target.usable_bytes,
        largest_context=_largest_context(form, target, shape.context_length),
        prefill_tokens_per_s=prompt / first_prompt_seconds(form, target, engine, prompt) if timed else None,
        decode_tokens_per_s=decode(prompt + new / 2),
        decode_tokens_per_s_when_full=decode(context - 1),
        requires=MappingProxyType(
            {
                limit.runtime: limit.version
                for limit in target.limits
                if limit.type in form.types and limit.runtime == engine.name
            }
        ),
    )


def _largest_context(form: StoredModel, target: Target, limit: int) -> int:
    engine = OWN_ENGINES[form.container]
    return _last(lambda tokens: memory(form, target, engine, tokens).total_bytes <= target.usable_bytes, limit)


def _last(holds: Callable[[int], bool], limit: int) -> int:
    """The largest number up to `limit` for which this holds, when it holds below and not above it; 0 for none."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _recommend(options: Sequence[Option], shape: ModelShape, context: int) -> tuple[Option | None, int]:
    """What to take, and the context with which it fits. A file that is here and fits is taken as it is."""
    fitting = [option for option in options if option.fits]
    if fitting:
        return min(fitting, key=lambda option: _rank(option, fitting, shape)), context
    shorter = [option for option in options if option.largest_context >= min(SHORTEST_CONTEXT, context)]
    if not shorter:
        return None, 0
    found = max(shorter, key=lambda option: (option.largest_context, option.container == "onnx"))
    return found, min(context, found.largest_context)


def _rank(option: Option, fitting: Sequence[Option], shape: ModelShape) -> tuple[bool, bool, bool, int]:
    """Less is better: quantized, here already, ONNX; then 8 bits where they are fluent or the model is small, then 4."""
    speeds = [
        other.decode_tokens_per_s
        for other in fitting
        if other.recipe == option.recipe and other.decode_tokens_per_s is not None
    ]
    fluent = shape.parameters < SMALL or not speeds or max(speeds) >= FLUENT
    order = {"8": 0 if fluent else 2, "4": 1}.get(option.recipe, 3)
    return not option.quantized, not option.exists, option.container != "onnx", order


def _outcome(option: Option | None, context: int) -> Outcome:
    if option is None or option.largest_context < min(SHORTEST_CONTEXT, context):
        return "does not fit"
    return "fits" if option.fits else "fits with a shorter context"


def _largest_model(target: Target, context: int, recipe: Recipe, container: Container) -> int:
    """Parameters of the largest dense model that fits, rounded down to two digits; 0 where none does."""
    engine = OWN_ENGINES[container]

    def fits(parameters: int) -> bool:
        form = store(dense_shape(parameters), recipe, container)
        return memory(form, target, engine, context).total_bytes <= target.usable_bytes

    if not fits(_SMALLEST_MODEL):
        return 0
    low, high = math.log(_SMALLEST_MODEL), math.log(_LARGEST_MODEL)
    for _ in range(_LARGEST_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(int(math.exp(middle))) else (low, middle)
    return _rounded_down(math.exp(low), fits)


def _rounded_down(parameters: float, fits: Callable[[int], bool]) -> int:
    """Two digits; one step less while the rounded model, whose shape is another one, does not fit."""
    unit = int(10 ** (math.floor(math.log10(parameters)) - 1))
    count = int(parameters / unit)
    while count > 1 and not fits(max(_SMALLEST_MODEL, count * unit)):
        count -= 1
    return count * unit
