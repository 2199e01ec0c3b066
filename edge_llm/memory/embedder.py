"""The seam between memory and sentence encoders: texts in, unit vectors out.

An embedder is one module under `edge_llm/memory/embedders/`, named there. It knows no store and no search.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Self

Vectors: TypeAlias = "npt.NDArray[np.float32]"
"""float32, shape (n, dimensions), each row of length 1."""


class Embedder(Protocol):
    """Turns sentences into vectors whose dot product says how alike they mean.

    Duties of an implementation (each is a test of the contract suite):

    * The same text gives the same vector, alone or in a batch, within 1e-5.
    * Every row has length 1, also for a text that is blank or very long; nothing raises for any str.
    * Nothing is loaded before the first `embed`, and no socket is opened ever.
    """

    @property
    def model_id(self) -> str:
        """Names the model and what shapes its vectors; vectors of different ids are never compared."""
        ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> Vectors:
        """Encode texts.

        Returns:
            float32 (len(texts), dimensions), rows of length 1.

        Raises:
            CancelledError: `cancel` was set between two batches.
            RuntimeFailedError: the backend failed.
        """
        ...

    def close(self) -> None:
        """Free the model. Idempotent."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...
