"""Finds runtimes by the entry-point group `edge_llm.runtimes` and opens bundles with them."""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from runtimes.bundle import Bundle, read_bundle
from runtimes.contract import Runtime, RuntimeConfig, Session
from runtimes.errors import RuntimeUnavailableError

GROUP = "edge_llm.runtimes"


@cache
def _registered() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def installed_runtimes() -> list[str]:
    """Names of the registered runtimes, whether or not their backend is installed."""
    return sorted(_registered())


def find_runtime(name: str) -> Runtime:
    """The runtime with this name. Raises RuntimeUnavailableError."""
    entry = _registered().get(name)
    if entry is None:
        raise RuntimeUnavailableError(f"No runtime is called {name!r}. Registered: {', '.join(installed_runtimes())}.")
    runtime: Runtime = entry.load()
    return runtime


def open_session(
    bundle: Bundle | str | os.PathLike[str], runtime: str | None = None, config: RuntimeConfig | None = None
) -> Session:
    """Open a bundle (verified first, when given as a path) on a runtime.

    Args:
        runtime: a runtime's name; None takes the first one that opens this bundle's format.

    Raises:
        BundleError, SourceError: the artifact is damaged.
        RuntimeUnavailableError: no such runtime, or it does not open this format.
        RuntimeFailedError: the backend refused the model.
    """
    artifact = bundle if isinstance(bundle, Bundle) else read_bundle(bundle)
    return runtime_for(artifact, runtime).open(artifact, config or RuntimeConfig())


def runtime_for(bundle: Bundle, name: str | None = None) -> Runtime:
    """The runtime that `open_session` opens a bundle with.

    Raises:
        RuntimeUnavailableError: no runtime has this name, or none (or not this one) opens the bundle's format.
    """
    candidates = [find_runtime(given) for given in (installed_runtimes() if name is None else [name])]
    for runtime in candidates:
        if bundle.manifest.format in runtime.formats:
            return runtime
    if name is None:
        raise RuntimeUnavailableError(
            f"{bundle.path} is in {bundle.manifest.format} format, and no registered runtime opens it."
        )
    raise RuntimeUnavailableError(
        f"{bundle.path} is a bundle in {bundle.manifest.format} format; the runtime {name} opens "
        f"{', '.join(sorted(candidates[0].formats))}. Leave out --runtime, or quantize with a matching --format."
    )
