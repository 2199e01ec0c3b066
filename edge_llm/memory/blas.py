"""One thread for numpy's matrix products while it matters.

A BLAS library's threads wait for each other by spinning. Beside any other busy process that makes a small product a hundred
times slower than one thread is alone, so who wants two cores runs two products side by side instead.

The number of threads belongs to the process, so the number of those who hold it at one is kept here, for the process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _SingleThreaded:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._controller: Any = None
        self._limit: Any = None

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock:
            if self._holders == 0:
                self._limit = self._limited()
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0:
                    self._limit.restore_original_limits()

    def _limited(self) -> Any:
        if self._controller is None:
            import numpy  # noqa: F401  (its BLAS is what is looked for)
            from threadpoolctl import ThreadpoolController

            self._controller = ThreadpoolController()
        return self._controller.limit(limits=1, user_api="blas")


_PROCESS = _SingleThreaded()
one_blas_thread = _PROCESS.held
"""Within `with one_blas_thread():`, in any number of threads at once, each matrix product runs on its caller's thread alone."""
