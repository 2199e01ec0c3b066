"""Write the dumps of the Kotlin libraries' public APIs that tests compare: `python -m tests.android.write_api`."""

from __future__ import annotations

from tests.android import conftest  # makes scripts/android importable

from apk import MODULE, compile_app, prepare_apk  # isort: skip
from library import LIBRARY, compile_library, public_api  # isort: skip

if __name__ == "__main__":
    tools = conftest.prepare()
    apk_tools, jars = prepare_apk(tools), compile_library(tools)
    module = compile_app(tools, apk_tools, jars).module
    (LIBRARY / "api.txt").write_text(public_api(tools, jars.library), encoding="utf-8")
    (MODULE / "api.txt").write_text(public_api(tools, module, [jars.library, *apk_tools.platform]), encoding="utf-8")
