"""`edge-llm models`: what there is to pull, and what is here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_llm.cli.options import AsJson, HomeFolder
from edge_llm.cli.output import in_bytes, note, printable, say_json, say_table

if TYPE_CHECKING:
    from edge_llm.home import Home


def models(home: HomeFolder = None, as_json: AsJson = False) -> None:
    """List the models: those with a name of their own, and those that were pulled from elsewhere.

    Those that are here need no network. This command opens no network connection either.

    Examples:
        edge-llm models
        edge-llm models --json
    """
    from edge_llm.home import Home

    folder = Home(home)
    rows = _list_models(folder)
    if as_json:
        say_json({"home": str(folder.path), "models": rows})
        return
    _print_table(rows)
    note(f"Models folder: {folder.path}. `edge-llm pull NAME` fetches one; hf:owner/repo names one on the Hugging Face hub.")


def _list_models(home: Home) -> list[dict[str, Any]]:
    from edge_llm.catalog import CATALOG, installed_models

    here = {model.name: model for model in installed_models(home)}
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys([*CATALOG, *sorted(here)]):
        entry, present = CATALOG.get(name), here.get(name)
        rows.append(
            {
                "name": name,
                "installed": present is not None,
                "bytes": present.size if present is not None else entry.download_bytes if entry is not None else None,
                "licence": entry.licence if entry is not None else present.licence if present is not None else None,
                "path": None if present is None else str(present.path),
                "summary": None if entry is None else entry.summary,
            }
        )
    return rows


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "here", "size", "licence", "what it is"):
        table.add_column(title, justify="right" if title == "size" else "left", no_wrap=title == "name")
    for row in rows:
        cells = (
            row["name"],
            "yes" if row["installed"] else "no",
            in_bytes(row["bytes"]),
            row["licence"] or "unknown",
            row["summary"] or row["path"],
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    say_table(table)
