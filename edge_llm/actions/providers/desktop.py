"""The desktop in front of the person: opening a link with whatever app is set for it, and putting text on the clipboard.

Programs are started with a list of arguments and never through a shell. Knows this computer; knows no action.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from runtimes.errors import CarrierUnavailableError

_WAIT_S = 5.0
"""A program that runs longer than this has taken the link: some openers stay until the app is closed."""
_ASK_S = 3.0
_HANDLER_OF = "x-scheme-handler/{}"


@dataclass(frozen=True)
class Desktop:
    """What this computer offers. The fields are for tests; the defaults are this process's."""

    platform: str = sys.platform
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    def cannot_open(self, scheme: str) -> str | None:
        """Why a link of this scheme cannot be opened, in a sentence; None when it can as far as is known.

        The opener finds a browser by itself where none is set.
        """
        if self.platform == "win32":
            return None
        opener = self._opener()
        if shutil.which(opener, path=self.environment.get("PATH")) is None:
            return f"This computer has no {opener}, so no link can be opened."
        if self.platform == "darwin":
            return None
        if not (self.environment.get("DISPLAY") or self.environment.get("WAYLAND_DISPLAY")):
            return "No desktop is running here, so no link can be opened."
        if scheme != "https" and self._asked(["xdg-mime", "query", "default", _HANDLER_OF.format(scheme)]) == "":
            return f"No app on this computer opens {scheme}: links."
        return None

    def open(self, uri: str) -> None:
        """Hand a link to the app that is set for it.

        Raises:
            CarrierUnavailableError: no app took it.
        """
        if self.platform == "win32":
            self._start(uri)
            return
        self._run([self._opener(), uri], None, f"No app took the {uri.partition(':')[0]}: link.")

    def cannot_copy(self) -> str | None:
        """Why nothing can be put on the clipboard, in a sentence; None when it can."""
        if self._copier() is not None:
            return None
        if self.platform.startswith("linux"):
            return "No clipboard can be reached: install wl-clipboard, xclip or xsel, and use a desktop."
        return "This computer has no program that reaches the clipboard."

    def copy(self, text: str) -> None:
        """Put text on the clipboard.

        Raises:
            CarrierUnavailableError: it could not be put there.
        """
        copier = self._copier()
        if copier is None:
            raise CarrierUnavailableError(self.cannot_copy() or "No clipboard can be reached.")
        encoding = "utf-16" if self.platform == "win32" else "utf-8"
        self._run(copier, text.encode(encoding, "replace"), "The text could not be put on the clipboard.")

    def _opener(self) -> str:
        return "open" if self.platform == "darwin" else "xdg-open"

    def _copier(self) -> list[str] | None:
        """The command that takes the clipboard's text on its standard input."""
        path = self.environment.get("PATH")
        for variable, command in _COPIERS.get(self.platform, _LINUX_COPIERS):
            if (variable is None or self.environment.get(variable)) and shutil.which(command[0], path=path):
                return list(command)
        return None

    def _start(self, uri: str) -> None:
        """What `start` does on Windows, without its shell."""
        start = getattr(os, "startfile", None)
        if start is None:
            raise CarrierUnavailableError("Links can be opened this way on Windows only.")
        try:
            start(uri)
        except OSError as error:
            raise CarrierUnavailableError(f"No app took the link: {error.strerror or error}.") from error

    def _run(self, command: Sequence[str], given: bytes | None, failed: str) -> None:
        """Start a program and wait a little. Raises CarrierUnavailableError: it could not be started, or said no."""
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self.environment,
                start_new_session=self.platform != "win32",
            )
        except OSError as error:
            raise CarrierUnavailableError(f"{failed} {command[0]}: {error.strerror or error}.") from error
        try:
            process.communicate(given, timeout=_WAIT_S)
        except subprocess.TimeoutExpired:
            threading.Thread(target=process.wait, daemon=True).start()
            return
        if process.returncode != 0:
            raise CarrierUnavailableError(f"{failed} {command[0]} ended with {process.returncode}.")

    def _asked(self, command: Sequence[str]) -> str | None:
        """What a program prints; None where it cannot be asked."""
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, env=self.environment, timeout=_ASK_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


_LINUX_COPIERS: tuple[tuple[str | None, tuple[str, ...]], ...] = (
    ("WAYLAND_DISPLAY", ("wl-copy", "--type", "text/plain;charset=utf-8")),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
)
_COPIERS: dict[str, tuple[tuple[str | None, tuple[str, ...]], ...]] = {
    "darwin": ((None, ("pbcopy",)),),
    "win32": ((None, ("clip.exe",)),),
}
"""By platform: the environment variable that says the clipboard is there, and the command."""
