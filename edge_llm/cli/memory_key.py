"""`edge-llm memory key`: where the key is, a new one, and a copy for the drawer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edge_llm.cli import options
from edge_llm.cli.memory_documents import say_document, say_text
from edge_llm.cli.memory_opening import (
    PASSPHRASE_VARIABLE,
    StoreChoice,
    ask_passphrase,
    open_memory,
    read_key_file,
    write_key_file,
)
from edge_llm.cli.output import note
from runtimes.errors import InputError

if TYPE_CHECKING:
    from edge_llm.memory.keys import MasterKey

NEW_PASSPHRASE_VARIABLE = "EDGE_LLM_MEMORY_NEW_PASSPHRASE"  # noqa: S105  (a name)


def key(
    action: Annotated[
        Literal["show", "init", "rotate", "export"],
        typer.Argument(metavar="ACTION", help="show where the key is; init, rotate or export it."),
    ] = "show",
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="PLACE",
            help="rotate: where the new key is kept: keyring, passphrase, or a key file. Default: where the old one is.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="export: a new file for the copy of the key.")
    ] = None,
    store: options.StoreFile = None,
    key_file: options.KeyFile = None,
    passphrase: options.AskPassphrase = False,
    home: options.MemoryHome = None,
    as_json: options.AsJson = False,
) -> None:
    """Look after the key of the memory. Without it nobody can read the memory, not even its owner.

    show says where the key is and whether it fits. init makes an empty memory with a key (in the keyring; with --passphrase
    from a passphrase; with --key-file in that file, which is made where it is missing). rotate encrypts everything anew under
    another key. export writes a copy of the key, to be kept where a thief does not look; --key-file takes it.

    Examples:
        edge-llm memory key
        edge-llm memory key init --key-file /media/stick/memory.key
        edge-llm memory key rotate --to passphrase
        edge-llm memory key export --out recovery.key
    """
    choice = StoreChoice(store, key_file, passphrase, home)
    if action == "init":
        _init(choice)
    elif action == "export":
        _export(choice, out)
    elif action == "rotate":
        _rotate(choice, to)
    else:
        with open_memory(choice, read_only=True):
            pass
    place = _place(choice, to if action == "rotate" else None)
    if as_json:
        say_document({"store": str(choice.path), "key": place, "fits": True})
    else:
        say_text(f"{choice.path}: the key is {place}, and it fits.")


def _init(choice: StoreChoice) -> None:
    if choice.path.exists():
        raise InputError(f"{choice.path} is there already. `edge-llm memory key rotate` gives it another key.")
    if choice.key_file is not None and not choice.key_file.exists():
        write_key_file(choice.key_file, os.urandom(32))
    with open_memory(choice, create=True):
        note("The memory was made. Keep a copy of its key somewhere safe: edge-llm memory key export --out FILE")


def _export(choice: StoreChoice, out: Path | None) -> None:
    if out is None:
        raise InputError("Name the file for the copy of the key: --out FILE.")
    with open_memory(choice, read_only=True) as memory:
        write_key_file(out, memory.recovery_key())
    note(f"A copy of the key is in {out}. Who has it and the memory's file can read everything.")


def _rotate(choice: StoreChoice, to: str | None) -> None:
    with open_memory(choice) as memory:
        memory.rotate_key(_new_key(choice, to))
    note("Everything is encrypted under the new key. Copies of the file that were made before still open with the old one.")


def _new_key(choice: StoreChoice, to: str | None) -> MasterKey:
    from edge_llm.memory.keys import KeyringKey, PassphraseKey, RawKey

    if to is None:
        to = "passphrase" if choice.ask or PASSPHRASE_VARIABLE in os.environ else "keyring"
        if choice.key_file is not None:
            raise InputError("Name where the new key is to be kept: --to FILE, --to keyring or --to passphrase.")
    if to == "keyring":
        return KeyringKey()
    if to == "passphrase":
        typed = os.environ.get(NEW_PASSPHRASE_VARIABLE)
        return PassphraseKey(ask_passphrase(new=True) if typed is None else typed)
    path = Path(to).expanduser()
    if not path.exists():
        write_key_file(path, os.urandom(32))
    return RawKey(read_key_file(path))


def _place(choice: StoreChoice, to: str | None) -> str:
    if to not in (None, "keyring", "passphrase"):
        return f"in the file {to}"
    if to is None and choice.key_file is not None:
        return f"in the file {choice.key_file}"
    passphrase = to == "passphrase" or (to is None and (choice.ask or PASSPHRASE_VARIABLE in os.environ))
    return "made from a passphrase" if passphrase else "in the keyring"
