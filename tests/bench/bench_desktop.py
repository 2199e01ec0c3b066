"""The assistant on a desktop, from words to what another app received: a virtual display, real xdg-open, a recording app.

    python -m tests.bench.bench_desktop [--home MODELS] [--no-model]

Linux with xvfb, xdg-utils and xclip (Debian's packages). A test app is registered, for this run only, as the handler of the
links that the standard actions open; it writes down each link that the desktop hands it. Everything else is real: memory with
contact cards and notes, the router, the model, policy, the log, the clipboard. Exit code 1 when something did not arrive.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from edge_llm import Memory
    from edge_llm.turns import Turn

SCHEMES = ("sms", "smsto", "tel", "mailto", "https", "http", "weixin", "whatsapp", "diditaxi", "imeituan", "eleme", "geo")
CARDS = """BEGIN:VCARD\r
VERSION:3.0\r
FN:Zhang San\r
TEL;TYPE=CELL:+86 138 0013 8000\r
END:VCARD\r
BEGIN:VCARD\r
VERSION:3.0\r
FN:妈妈\r
TEL;TYPE=CELL:+86 139 0013 9000\r
END:VCARD\r
"""


@dataclass(frozen=True)
class Wanted:
    """One request, and what must reach the other app, the clipboard or the answer."""

    words: str
    link: str = ""
    copied: str = ""
    said: str = ""


REQUESTS = (
    Wanted("text Zhang San that I'm ten minutes late", link="sms:+8613800138000?body=I'm ten minutes late"),
    Wanted("给妈妈发微信说我到家了", link="weixin://", copied="我到家了"),
    Wanted("order my usual lunch", link="imeituan://", copied="beef noodles without coriander"),
    Wanted("打车去虹桥站", link="diditaxi://", copied="虹桥站"),
    Wanted("when did I last see the dentist?", said="2026-01-15"),
)


def main() -> int:
    """Run the requests and print what came of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, help="where the model and the encoders are")
    parser.add_argument("--no-model", action="store_true", help="without the chat model")
    options = parser.parse_args()
    missing = [name for name in ("Xvfb", "xdg-open", "xdg-mime", "xclip") if shutil.which(name) is None]
    if missing:
        print(f"{', '.join(missing)} missing: apt-get install xvfb xdg-utils xclip", file=sys.stderr)
        return 2
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(desktop(folder))
        return run(folder, options.home, with_model=not options.no_model)


@contextmanager
def desktop(folder: Path) -> Iterator[None]:
    """A display and a session in which the recorder is the app for every scheme; this process's environment is changed."""
    data, config = folder / "data", folder / "config"
    (data / "applications").mkdir(parents=True)
    config.mkdir()
    recorder = folder / "recorder.sh"
    recorder.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> "{folder}/received"\n')
    recorder.chmod(0o755)
    types = "".join(f"x-scheme-handler/{scheme};" for scheme in SCHEMES)
    (data / "applications" / "recorder.desktop").write_text(
        f"[Desktop Entry]\nType=Application\nName=Recorder\nExec={recorder} %u\nMimeType={types}\n"
    )
    chosen = "".join(f"x-scheme-handler/{scheme}=recorder.desktop\n" for scheme in SCHEMES)
    (config / "mimeapps.list").write_text(f"[Default Applications]\n{chosen}")
    number = next(n for n in range(90, 200) if not Path(f"/tmp/.X{n}-lock").exists())
    display = subprocess.Popen(
        ["Xvfb", f":{number}", "-screen", "0", "800x600x24", "-nolisten", "tcp"], stderr=subprocess.DEVNULL
    )
    os.environ.update(DISPLAY=f":{number}", XDG_DATA_HOME=str(data), XDG_CONFIG_HOME=str(config), BROWSER=str(recorder))
    os.environ.pop("WAYLAND_DISPLAY", None)
    try:
        time.sleep(1)
        yield
    finally:
        display.terminate()
        display.wait()


def run(folder: Path, home: Path | None, *, with_model: bool) -> int:
    """Ask, approve, and look at what arrived."""
    from edge_llm import Assistant, Home, Memory, load

    place = Home(home)
    with ExitStack() as stack:
        memory = stack.enter_context(Memory.open(folder / "memory.db", key=os.urandom(32), home=place))
        fill(memory, folder)
        model = stack.enter_context(load(home=place)) if with_model else None
        previews: list[str] = []

        def approve(proposal: object) -> bool:
            previews.append(str(getattr(proposal, "text", "")))
            return True

        assistant = stack.enter_context(Assistant(model, memory, approve=approve, home=place, region="CN"))
        failed = sum(not tell(wanted, assistant.ask(wanted.words), previews, folder) for wanted in REQUESTS)
        print(f"\nlog: {len(assistant.log.entries())} entries, {'whole' if assistant.log.verify().ok else 'NOT WHOLE'}")
    return int(failed > 0)


def fill(memory: Memory, folder: Path) -> None:
    """Contact cards, a note and a calendar entry."""
    from edge_llm import Draft

    (folder / "contacts.vcf").write_text(CARDS, encoding="utf-8")
    memory.add(folder / "contacts.vcf")
    notes = [Draft("My usual lunch is beef noodles without coriander.", "note", "lunch")]
    memory.add(notes, source="notes")
    seen = datetime(2026, 1, 15, 9, 30, tzinfo=timezone.utc)
    memory.add([Draft("Dentist, Dr. Wu: check-up, all fine", "event", "1", title="Dentist", time=seen)], source="calendar")


def tell(wanted: Wanted, turn: Turn, previews: list[str], folder: Path) -> bool:
    """Print one request's way; whether what was wanted arrived."""
    received = _received(folder) if wanted.link else ""
    copied = _clipboard() if wanted.copied else ""
    print(f"\n> {wanted.words}")
    for preview in previews:
        print("\n".join(f"  | {line}" for line in preview.splitlines()))
    previews.clear()
    print(f"  {type(turn).__name__.lower()}: {turn.text}")
    if received:
        print(f"  the app received: {received}")
    if copied:
        print(f"  the clipboard holds: {copied}")
    arrived = wanted.link in unquote(received) and wanted.copied in copied and wanted.said in turn.text
    print("  ok" if arrived else f"  NOT AS WANTED: {wanted}")
    return arrived


def _received(folder: Path) -> str:
    """The link that arrived since the last one; the desktop starts the app when it likes."""
    file = folder / "received"
    for _ in range(50):
        if file.exists() and (text := file.read_text(encoding="utf-8").strip()):
            file.unlink()
            return text
        time.sleep(0.1)
    return ""


def _clipboard() -> str:
    done = subprocess.run(
        ["xclip", "-selection", "clipboard", "-o"], capture_output=True, timeout=5, check=False, stdin=subprocess.DEVNULL
    )
    return done.stdout.decode("utf-8", "replace").strip()


if __name__ == "__main__":
    raise SystemExit(main())
