"""Typed reading of a Hugging Face `config.json`: each value is checked where it is read.

Knows JSON values and how rotary scaling is spelled. Knows no family.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quantize.architecture import LinearScaling, Llama3Scaling, Rope, RopeScaling
from runtimes.errors import SourceError, UnsupportedModelError


class HFConfig:
    """A config.json by name and type. A value that is null counts as absent, as transformers writes it."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        """`where` is the file, for messages."""
        self._values = values
        self.where = where

    def fail(self, fact: str) -> SourceError:
        """An error that names the file; raise it."""
        return SourceError(f"{self.where}: {fact} Download the model again.")

    def unsupported(self, fact: str) -> UnsupportedModelError:
        """The same for a well-formed model that has no implementation here."""
        return UnsupportedModelError(f"{self.where}: {fact} Choose another model.")

    def integer(self, name: str, default: int | None = None) -> int:
        """An integer. Raises SourceError when it is missing without a default, or of another type."""
        value = self.optional_integer(name)
        if value is None:
            value = default
        if value is None:
            raise self.fail(f"{name!r} is missing.")
        return value

    def optional_integer(self, name: str) -> int | None:
        """An integer or None."""
        value = self._values.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise self.fail(f"{name!r} is {value!r}, not an integer.")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A float; integers count. Raises SourceError when it is missing without a default, or of another type."""
        value = self._values.get(name)
        if value is None:
            value = default
        if value is None:
            raise self.fail(f"{name!r} is missing.")
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.fail(f"{name!r} is {value!r}, not a number.")
        return float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """A bool."""
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.fail(f"{name!r} is {value!r}, not true or false.")
        return value

    def text(self, name: str, default: str) -> str:
        """A string."""
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.fail(f"{name!r} is {value!r}, not a string.")
        return value

    def tokens(self, name: str) -> tuple[int, ...]:
        """A token id or a list of them, ascending and without repetition; empty when absent."""
        value = self._values.get(name)
        if value is None:
            return ()
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, int) and not isinstance(item, bool) for item in items):
            raise self.fail(f"{name!r} is {value!r}, not a list of token ids.")
        return tuple(sorted(set(items)))

    def has(self, name: str) -> bool:
        """Whether the key is there, even with null."""
        return name in self._values

    def rope(self) -> Rope:
        """The rotary embedding: `rope_theta` and `rope_scaling`, or transformers 5's `rope_parameters`.

        Raises UnsupportedModelError for a scaling other than linear and llama3, or for rotating a part of each head.
        """
        merged = self._section("rope_parameters")
        theta = (merged if merged.has("rope_theta") else self).number("rope_theta", 10_000.0)
        for place in (self, merged):
            if (share := place.number("partial_rotary_factor", 1.0)) != 1.0:
                raise self.unsupported(f"it rotates {share:g} of each head; only whole heads are supported.")
        stated = self._section("rope_scaling")
        return Rope(theta, (stated if self._values.get("rope_scaling") else merged)._scaling())

    def _section(self, name: str) -> HFConfig:
        value = self._values.get(name)
        if value is not None and not isinstance(value, Mapping):
            raise self.fail(f"{name!r} is {value!r}, not an object.")
        return HFConfig(value or {}, self.where)

    def _scaling(self) -> RopeScaling | None:
        kind = self.text("rope_type", self.text("type", "default"))
        if kind == "default":
            return None
        if kind == "linear":
            return LinearScaling(self.number("factor"))
        if kind == "llama3":
            return Llama3Scaling(
                factor=self.number("factor"),
                low_freq_factor=self.number("low_freq_factor"),
                high_freq_factor=self.number("high_freq_factor"),
                original_context_length=self.integer("original_max_position_embeddings"),
            )
        raise self.unsupported(f"its rotary embedding is scaled by {kind!r}; linear and llama3 are supported.")
