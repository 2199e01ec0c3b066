"""Write the dump of the Kotlin library's public API that a test compares: `python -m tests.android.write_api`."""

from __future__ import annotations

from tests.android import conftest  # makes scripts/android importable

from library import LIBRARY, compile_library, public_api  # isort: skip

if __name__ == "__main__":
    tools = conftest.prepare()
    (LIBRARY / "api.txt").write_text(public_api(tools, compile_library(tools)), encoding="utf-8")
