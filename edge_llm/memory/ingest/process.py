"""One process that reads files, seen from outside: asked, listened to with suspicion, and ended when it goes too far.

Whatever it sends is checked before it is believed. Knows nothing of formats and stores.
"""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import edge_llm
from edge_llm.memory.ingest.child import Request
from edge_llm.memory.ingest.drafts import InvalidDraftError, clean_line, from_json
from edge_llm.memory.ingest.reader import Limits
from edge_llm.memory.items import Draft
from runtimes.errors import CancelledError, RuntimeFailedError, UnreadableFileError

_LOOK_EVERY = 0.05
"""Seconds between two looks at a process that reads."""
_MEMORY_EVERY = 4
"""Looks between two at its memory."""
_ANSWER_BYTES = 16 << 20
"""Longest answer."""
_START_SECONDS = 60.0
_START = "import sys, json; sys.path[:] = json.loads(sys.argv.pop(1)); from edge_llm.memory.ingest.child import main; main()"


class ReadingProcess:
    """A process that reads one file after the other. One thread at a time.

    Args:
        limits: what the operating system holds the process to, and how long it may take to find the next item.
        package: where the readers are.

    Raises:
        RuntimeFailedError: it does not start.
    """

    def __init__(self, limits: Limits, package: str) -> None:
        self._limits = limits
        self._fit = False
        self._process, self._requests, self._answers = _start(limits, package)
        self._watchdog = _Watchdog(self._process, limits.memory_bytes)
        with self._watchdog.watching(_START_SECONDS, None):
            started = self._next_answer() is not None
        if not started:
            self.close()
            raise RuntimeFailedError(
                f"The process that reads files does not start within {limits.memory_bytes >> 20:,} MiB of memory "
                f"and {_START_SECONDS:g} seconds."
            )
        self._fit = True

    @property
    def reusable(self) -> bool:
        """Whether it can be given another file."""
        return self._fit and self._process.poll() is None

    def read(self, request: Request, note: Callable[[str], None], cancel: threading.Event | None) -> Iterator[Draft]:
        """Yield the drafts of one file. Raises UnreadableFileError and CancelledError as `Workers.read`."""
        self._fit = False
        with self._watchdog.watching(request.limits.seconds, cancel):
            self._send(request)
            while True:
                answer = self._next_answer()
                if cancel is not None and cancel.is_set():
                    raise CancelledError(f"Reading {request.path} was cancelled.")
                match answer:
                    case None:
                        raise UnreadableFileError(f"{request.path}: {self._why_it_ended(request)}.")
                    case {"note": str(text)}:
                        note(clean_line(text))
                    case {"done": bool(reuse)}:
                        self._fit = reuse
                        return
                    case {"error": str(reason), "reuse": bool(reuse)}:
                        self._fit = reuse
                        raise UnreadableFileError(f"{request.path}: {clean_line(reason).rstrip('.')}.")
                    case _:
                        yield _checked(answer, request)

    def close(self) -> None:
        """End the process at once. Idempotent."""
        self._fit = False
        self._process.kill()
        self._process.wait()
        self._watchdog.close()
        self._answers.close()
        with suppress(OSError):  # a request that was never taken is still in the buffer
            self._requests.close()

    def _send(self, request: Request) -> None:
        try:
            self._requests.write(request.to_line())
            self._requests.flush()
        except OSError:
            return  # it has ended; its missing answer tells

    def _next_answer(self) -> Mapping[str, Any] | None:
        """The next answer; None when the process has ended or says what it must not."""
        self._watchdog.waiting_since = time.monotonic()
        length = int.from_bytes(self._answers.read(4), "big")
        payload = self._answers.read(length) if 0 < length <= _ANSWER_BYTES else b""
        self._watchdog.waiting_since = None
        try:
            answer = json.loads(payload)
        except (ValueError, RecursionError):
            return None
        return answer if isinstance(answer, dict) else None

    def _why_it_ended(self, request: Request) -> str:
        self._process.kill()
        code = self._process.wait()
        memory = f"reading it takes more than the {self._limits.memory_bytes >> 20:,} MiB of memory allowed"
        slow = f"no item was found for {request.limits.seconds:g} seconds, which is the limit"
        if self._watchdog.reason is not None:
            return {"memory": memory, "time": slow}[self._watchdog.reason]
        if code >= 0:
            return f"the {request.format} reader ended with code {code}"
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        if name == "SIGXCPU":
            return slow
        return f"the {request.format} reader was ended by {name}: the file makes it crash, or memory ran out"


class _Watchdog:
    """A thread that ends a process which takes too long, takes too much memory, or is no longer wanted.

    Only the time in which somebody waits for the process counts: it may itself wait until its items are taken.
    """

    def __init__(self, process: subprocess.Popen[bytes], memory_bytes: int) -> None:
        self.reason: str | None = None
        """Which limit the process met: "time" or "memory"."""
        self._process = process
        self._memory_bytes = memory_bytes
        self.waiting_since: float | None = None
        """Since when somebody waits for it."""
        self._seconds = 0.0
        self._cancel: threading.Event | None = None
        self._active = self._closed = False
        self._state = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="edge-llm-reading", daemon=True)
        self._thread.start()

    @contextmanager
    def watching(self, seconds: float, cancel: threading.Event | None) -> Iterator[None]:
        """Look at the process meanwhile."""
        with self._state:
            self._seconds, self._cancel, self._active = seconds, cancel, True
            self._state.notify()
        try:
            yield
        finally:
            with self._state:
                self._cancel, self._active = None, False

    def close(self) -> None:
        """End the thread."""
        with self._state:
            self._closed = True
            self._state.notify()
        self._thread.join()

    def _run(self) -> None:
        for look in itertools.count():
            with self._state:
                self._state.wait_for(lambda: self._active or self._closed)
                self._state.wait(_LOOK_EVERY)
                if self._closed:
                    return
                if self._active and self.reason is None:
                    self._look(memory_too=look % _MEMORY_EVERY == 0)

    def _look(self, *, memory_too: bool) -> None:
        since = self.waiting_since
        if self._cancel is not None and self._cancel.is_set():
            self._process.kill()
        elif since is not None and time.monotonic() - since > self._seconds:
            self._end_for("time")
        elif memory_too and _resident_bytes(self._process.pid) > self._memory_bytes:
            self._end_for("memory")

    def _end_for(self, reason: str) -> None:
        self.reason = reason
        self._process.kill()


def _resident_bytes(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0


def _checked(answer: Mapping[str, Any], request: Request) -> Draft:
    try:
        return from_json(answer, request.limits)
    except InvalidDraftError as error:
        raise UnreadableFileError(f"{request.path}: the {request.format} reader made an invalid item ({error}).") from error


def _start(limits: Limits, package: str) -> tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]:
    settings = json.dumps({"memory_bytes": limits.memory_bytes, "package": package})
    # where this package is, and what this process sees, but never the folder that it happens to run in
    places = [str(Path(edge_llm.__file__).parents[1]), *filter(None, sys.path)]
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # no console flashes up on Windows
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-X", "utf8", "-c", _START, json.dumps(places), settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=sys.platform != "win32",  # Ctrl-C is for the process that asked
            creationflags=hidden,
        )
    except OSError as error:
        raise RuntimeFailedError(f"No process to read files can be started: {error.strerror or error}.") from error
    if process.stdin is None or process.stdout is None:
        raise RuntimeFailedError("No process to read files can be started: it has no pipes.")
    return process, process.stdin, process.stdout
