"""The process in which a file is read: bounded by the operating system, fed and judged by worker.py. Reads one at a time.

    python -I -m edge_llm.memory.ingest.child SETTINGS        requests on standard input, answers on standard output

A request is one line of JSON. An answer is four bytes of length, then that much JSON: {"ready": pid} once, then for each
request any number of drafts and {"note": text}, and {"done": reuse} or {"error": text, "reuse": reuse} at its end, where
`reuse` says that this process is fit for another file. Knows no format and no store.

Limits of the operating system hold whatever the reader's code does: memory, processor time, no written file, few open
files. The audit hook is weaker: it stops Python code, a library's or ours, that would open a socket, start a program or
change a file.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from edge_llm.memory.ingest.drafts import DraftFinisher, clean_line, to_json
from edge_llm.memory.ingest.formats import named_reader, open_regular
from edge_llm.memory.ingest.reader import Limits, Reading
from runtimes.errors import ConfigError, UnreadableFileError
from runtimes.memory import peak_memory_bytes

OPEN_FILES = 64
NOTES = 50
"""Most notes about one file."""
_REFUSED = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "pty.",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "shutil.", "urllib.", "smtplib.", "ftplib.", "http.client.", "webbrowser.",
)  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Request:
    """One file to read, as it crosses the pipe."""

    path: str
    format: str
    timezone: str | float
    """A name of the time zone database, or seconds east of UTC."""
    owner: tuple[str, ...]
    limits: Limits

    def to_line(self) -> bytes:
        """The request as one line."""
        document = {**vars(self), "limits": vars(self.limits)}
        return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Request:
        """The request that `to_line` wrote."""
        document = json.loads(line)
        return cls(**{**document, "owner": tuple(document["owner"]), "limits": Limits(**document["limits"])})

    def zone(self) -> tzinfo:
        """The time zone."""
        return ZoneInfo(self.timezone) if isinstance(self.timezone, str) else timezone(timedelta(seconds=self.timezone))


def zone_name(zone: tzinfo) -> str | float:
    """A time zone as a `Request` has it: its name in the time zone database, or its fixed distance from UTC in seconds.

    Raises:
        ConfigError: it has neither.
    """
    for attribute in ("key", "zone"):  # zoneinfo, pytz
        if isinstance(name := getattr(zone, attribute, None), str):
            return name
    winter, summer = (zone.utcoffset(datetime(2024, month, 1)) for month in (1, 7))
    if winter is None or winter != summer:
        raise ConfigError(f"The time zone {zone!r} has no name. Use zoneinfo.ZoneInfo.")
    return winter.total_seconds()


def bound_process(memory_bytes: int) -> None:
    """Ask the operating system to hold this process to its limits. Where it has none, worker.py watches alone."""
    try:
        import resource
    except ImportError:
        return
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        hard = resource.getrlimit(limit)[1]
        lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (lowest, lowest))


def refuse_harm(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: no reader has a reason to open a socket, start a program or change a file."""
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
    if writes or event.startswith(_REFUSED):
        raise PermissionError(f"a reader may not do this: {event}")


class ProcessorTime:
    """Moves the process's limit of processor time on, so that it always ends `seconds` after the last item."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._extended = -seconds

    def extend(self) -> None:
        """An item was found: the time starts again."""
        now = time.process_time()
        if now - self._extended < self._seconds / 4:
            return
        self._extended = now
        try:
            import resource
        except ImportError:
            return
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(now + self._seconds * 1.5) + 1, hard))


def read_file(request: Request, send: Callable[[bytes], None], package: str) -> str | None:
    """Send every draft of a file. Returns why it could not be read to its end, None when it was."""
    notes = 0

    def note(text: str) -> None:
        nonlocal notes
        notes += 1
        if notes <= NOTES:
            send(_line({"note": clean_line(text)}))

    limits = request.limits
    reading = Reading(Path(request.path), request.zone(), request.owner, limits, note)
    clock = ProcessorTime(limits.seconds)
    try:
        reader = named_reader(request.format, package)
        with open_regular(reading.path) as file:
            finisher = DraftFinisher(limits, os.fstat(file.fileno()).st_size)
            clock.extend()
            for draft in reader.read(file, reading):
                for finished in finisher.finish(draft):
                    send(to_json(finished))
                clock.extend()
    except UnreadableFileError as error:
        return str(error)
    except MemoryError:
        return f"reading it takes more than the {limits.memory_bytes >> 20:,} MiB of memory allowed"
    except RecursionError:
        return "it is nested too deeply"
    except ImportError as error:
        return f"reading {request.format} needs a package that is missing ({error}). Install edge-llm[memory]"
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    except Exception as error:  # noqa: BLE001 - the border of the process: whatever a parser raises is about this file
        return f"the {request.format} reader failed on it ({type(error).__name__}: {error})"
    return None


def requests_from(pipe: BinaryIO) -> Iterator[bytes]:
    """Requests as they come. Ends the process when the pipe closes, in the middle of a file too: nobody waits for it then,
    perhaps because who asked was killed."""
    lines: SimpleQueue[bytes] = SimpleQueue()

    def listen() -> None:
        for line in pipe:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield lines.get()


def serve(requests: Iterator[bytes], send: Callable[[bytes], None], settings: Mapping[str, Any]) -> None:
    """Answer requests, one after the other."""
    send(_line({"ready": os.getpid()}))
    for line in requests:
        reason = read_file(Request.from_line(line), send, settings["package"])
        reuse = peak_memory_bytes() < settings["memory_bytes"] // 4
        send(_line({"done": reuse} if reason is None else {"error": clean_line(reason), "reuse": reuse}))


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def _sender(descriptor: int) -> Callable[[bytes], None]:
    def send(payload: bytes) -> None:
        rest = memoryview(len(payload).to_bytes(4, "big") + payload)
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    return send


def main() -> None:
    """Serve as worker.py asks."""
    settings = json.loads(sys.argv[1])
    answers = os.dup(sys.stdout.fileno())
    # what a library prints would end up between the answers
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    bound_process(settings["memory_bytes"])
    sys.addaudithook(refuse_harm)
    try:
        serve(requests_from(sys.stdin.buffer), _sender(answers), settings)
    except BrokenPipeError:
        sys.exit(1)  # worker.py is gone


if __name__ == "__main__":
    main()
