"""A plan in words: whether it fits, how fast it is, and what would fit. Knows sentences; computes nothing new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from quantize.plan import Option, Outcome, Plan

_FORMAT_NAMES: Final = {"onnx": "ONNX", "gguf": "GGUF"}


def with_verdict(plan: Plan) -> Plan:
    """The same plan with its verdict."""
    parts = _WORDS[plan.outcome](plan)
    subject = plan.subject
    needs = " and ".join(f"{name} {version} or later" for name, version in sorted(subject.requires.items()))
    if needs and plan.outcome != "does not fit":
        parts.append(f"It needs {needs} there.")
    if plan.model.family is None and not subject.exists:
        parts.append("This build cannot convert it: no family knows it.")
    if plan.model.note:
        parts.append(plan.model.note)
    return replace(plan, verdict=" ".join(parts))


def form_name(option: Option) -> str:
    """ "4 bits, ONNX", or "Q4_1, GGUF, as it is"."""
    kind = f"{option.recipe} bits" if option.recipe.isdigit() else option.recipe
    return f"{kind}, {_FORMAT_NAMES[option.container]}{', as it is' if option.exists else ''}"


def in_gigabytes(count: float) -> str:
    """2.3 GB, or 310 MB below one."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def in_billions(parameters: float) -> str:
    """8.1 billion, or 360 million below one."""
    return f"{parameters / 1e9:.2g} billion" if parameters >= 1e9 else f"{parameters / 1e6:.2g} million"


def _fits(plan: Plan) -> list[str]:
    option = plan.subject
    parts = [
        f"{_capital(plan.model.name)} ({form_name(option)}) fits on {_device(plan)}: with a context of {plan.context} tokens "
        f"it takes {_taken(option)} of the {_usable(plan)}.",
        _speed(option),
    ]
    if option.largest_context > plan.context:
        parts.append(f"It could hold up to {option.largest_context} tokens.")
    return parts


def _fits_shorter(plan: Plan) -> list[str]:
    option = plan.subject
    return [
        f"{_capital(plan.model.name)} ({form_name(option)}) fits on {_device(plan)} with a context of up to "
        f"{option.largest_context} tokens. With {plan.context} it would take {_taken(option)}, more than the {_usable(plan)}.",
        _speed(option),
        *_instead(plan),
    ]


def _does_not_fit(plan: Plan) -> list[str]:
    option = plan.subject
    parts = [
        f"{_capital(plan.model.name)} ({form_name(option)}) does not fit on {_device(plan)}: with a context of {plan.context} "
        f"tokens it takes {_taken(option)}, more than the {_usable(plan)}."
    ]
    if option.decode_tokens_per_s is not None:
        parts.append(
            f"With memory enough it would decode about {option.decode_tokens_per_s:.1f} tokens/s: each one reads all of the "
            f"weights, at {plan.target.bandwidth.value / 1e9:.0f} GB/s."
        )
    return parts + _instead(plan)


_WORDS: Final[dict[Outcome, Callable[[Plan], list[str]]]] = {
    "fits": _fits,
    "fits with a shorter context": _fits_shorter,
    "does not fit": _does_not_fit,
}


def _instead(plan: Plan) -> list[str]:
    """What to take instead of a form that does not fit as asked."""
    other = plan.recommended
    if other is not None and other is not plan.subject:
        return [
            f"What fits: {form_name(other)}, {in_gigabytes(other.file_bytes)}, with a context of {plan.recommended_context} "
            f"tokens. {_speed(other)}"
        ]
    (recipe, container), count = max(plan.largest_models.items(), key=lambda item: item[1])
    if other is not None:
        return []
    if not count:
        return ["No model worth running fits there at this context."]
    return [
        f"What would fit with this context: a dense model of up to {in_billions(count)} parameters ({recipe} bits, "
        f"{_FORMAT_NAMES[container]})."
    ]


def _taken(option: Option) -> str:
    taken = option.memory
    return (
        f"{in_gigabytes(taken.total_bytes)} of memory ({in_gigabytes(taken.weights_bytes)} of weights, "
        f"{in_gigabytes(taken.kv_bytes)} of cache)"
    )


def _usable(plan: Plan) -> str:
    return f"{in_gigabytes(plan.target.usable_bytes)} that one app can count on"


def _speed(option: Option) -> str:
    if option.decode_tokens_per_s is None or option.prefill_tokens_per_s is None:
        return "Its speed was not measured: `edge-llm bench --runtime llamacpp` does that."
    return f"Expect {option.decode_tokens_per_s:.1f} tokens/s, and {option.prefill_tokens_per_s:.0f} for the prompt."


def _device(plan: Plan) -> str:
    size = f"{plan.target.memory.value / 1e9:.0f} GB"
    return f"this machine ({size})" if plan.target.measured else f"{plan.target.title} ({size})"


def _capital(name: str) -> str:
    """A description as a sentence begins; a name as it is."""
    return f"A{name[1:]}" if name.startswith("a ") else name
