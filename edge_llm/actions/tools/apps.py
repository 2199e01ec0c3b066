"""Opening an installed app by its name, on Linux, macOS and Windows. Only apps that the system itself lists are started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from runtimes.errors import InputError, RuntimeFailedError

_WAIT_S = 10.0


def open_app(app: str) -> dict[str, Any]:
    """Start an app.

    Args:
        app: its name as its menu shows it, in any of its languages; case does not matter.

    Returns:
        {"app"}: the name of the app that was started.

    Raises:
        InputError: no installed app has this name.
        RuntimeFailedError: the system did not start it.
    """
    installed = installed_apps()
    wanted = app.strip().casefold()
    found = installed.get(wanted)
    if found is None:
        near = sorted(name for name in installed if wanted and (wanted in name or name in wanted))
        if len(near) != 1:
            hint = f" There are: {', '.join(near[:5])}." if near else ""
            raise InputError(f"No app on this device is called {app}.{hint}")
        found = installed[near[0]]
    _start(found)
    return {"app": found.stem}


def installed_apps() -> Mapping[str, Path]:
    """The apps that the system's menu lists: their files by name, casefolded."""
    if sys.platform == "darwin":
        folders = (Path("/Applications"), Path("/System/Applications"), Path.home() / "Applications")
        return {file.stem.casefold(): file for folder in folders for file in folder.glob("*.app")}
    if sys.platform == "win32":
        roots = (os.environ.get("APPDATA"), os.environ.get("PROGRAMDATA"))
        menus = [Path(root) / "Microsoft/Windows/Start Menu/Programs" for root in roots if root]
        return {file.stem.casefold(): file for menu in menus for file in menu.rglob("*.lnk")}
    return desktop_entries(_data_folders())


def desktop_entries(folders: Iterable[Path]) -> Mapping[str, Path]:
    """The desktop entries in data folders, by their names in every language; the first folder's entry hides the others'.

    See the freedesktop.org Desktop Entry Specification 1.5.
    """
    found: dict[str, Path] = {}
    seen: set[str] = set()
    for folder in folders:
        for file in sorted((folder / "applications").glob("*.desktop")):
            if file.name in seen:
                continue
            seen.add(file.name)
            for name in _entry_names(file):
                found.setdefault(name.casefold(), file)
    return found


def _entry_names(file: Path) -> list[str]:
    """The names of an app that is shown in menus; none for other entries."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError):  # an entry that cannot be read is shown in no menu either
        return []
    names: list[str] = []
    group = ""
    for line in text.splitlines():
        if line.startswith("["):
            group = line.strip()
        elif group == "[Desktop Entry]":
            key, _, value = line.partition("=")
            key, value = key.strip(), value.strip()
            if key in ("NoDisplay", "Hidden") and value == "true":
                return []
            if key == "Type" and value != "Application":
                return []
            if key == "Name" or key.startswith("Name["):
                names.append(value)
    return [name for name in names if name]


def _data_folders() -> tuple[Path, ...]:
    own = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    return (Path(own), *(Path(folder) for folder in shared.split(":") if folder))


def _start(file: Path) -> None:
    if sys.platform == "win32":
        os.startfile(file)  # noqa: S606 - a listed app
        return
    if sys.platform == "darwin":
        command = ["open", "-a", str(file)]
    elif launcher := shutil.which("gio"):
        command = [launcher, "launch", str(file)]
    elif launcher := shutil.which("gtk-launch"):
        command = [launcher, file.name]
    else:
        raise RuntimeFailedError("This desktop has no program that starts apps: install gio (glib2) or gtk-launch.")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_WAIT_S, check=False)  # noqa: S603 - a listed app
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeFailedError(f"{file.stem} was not started: {error}.") from error
    if done.returncode:
        raise RuntimeFailedError(f"{file.stem} was not started: {done.stderr.strip()[:200] or done.returncode}.")
