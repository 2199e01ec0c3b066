"""Which type each kind of tensor gets. Pure data: knows no file format and no arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from runtimes.errors import ConfigError

if TYPE_CHECKING:
    from quantize.architecture import Role, TensorSpec

TypeName: TypeAlias = str
"""ggml's name of a tensor type: "Q4_0", "Q8_0", "F32"."""

WRITER_VERSION: Final = 1
"""In every manifest's recipe. Raised when the same source and recipe come to give other weights or another graph, so
that what was kept from before is made anew."""

FLOAT: Final[TypeName] = "F32"


@dataclass(frozen=True)
class Recipe:
    """One row of RECIPES: the type of each role's matrices. Norms and biases always stay in 32 bits."""

    name: str
    """What people type after --bits."""
    body: TypeName
    """The projections of attention and feed-forward."""
    vocabulary: TypeName
    """The embedding and the head, which are often the same matrix."""

    def type_of(self, spec: TensorSpec) -> TypeName:
        """The type this tensor is to have where it fits: "F32" for everything that is not a matrix."""
        if len(spec.shape) != 2:
            return FLOAT
        return self.types[spec.role]

    @property
    def types(self) -> Mapping[Role, TypeName]:
        """The type of each role, as it goes into the manifest."""
        return MappingProxyType(
            {
                "embedding": self.vocabulary,
                "head": self.vocabulary,
                "attention": self.body,
                "ffn": self.body,
                "norm": FLOAT,
                "bias": FLOAT,
            }
        )


# A 4-bit embedding saves little on a large model and costs much on a small one: 8 bits for it is what llama.cpp's own
# Q4_0 chooses for SmolLM2's tied embedding too, so that the two can be compared tensor by tensor.
RECIPES: Final[Mapping[int, Recipe]] = MappingProxyType(
    {
        4: Recipe("4", body="Q4_0", vocabulary="Q8_0"),
        8: Recipe("8", body="Q8_0", vocabulary="Q8_0"),
        32: Recipe("32", body=FLOAT, vocabulary=FLOAT),
    }
)
"""By the bits of the body."""


def recipe_for(bits: int) -> Recipe:
    """The recipe with a body of this many bits. Raises ConfigError."""
    if bits not in RECIPES:
        known = ", ".join(str(item) for item in RECIPES)
        raise ConfigError(f"There is no recipe for {bits} bits. Choose one of {known}.")
    return RECIPES[bits]
