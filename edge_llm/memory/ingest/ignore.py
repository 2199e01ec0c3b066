"""Which files of a folder are nobody's notes: hidden ones, caches, programs, pictures, and what `.edgellmignore` names.

`.edgellmignore` has the syntax of `.gitignore` and the same reach: its own folder and everything below, the deepest file
deciding. `!pattern` takes in what is left out otherwise, such as a hidden folder. Knows no file's content.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".edgellmignore"
_FOLDERS = frozenset({
    "node_modules", "bower_components", "__pycache__", "site-packages", "venv", "env", "target", "vendor", "cache", "caches",
    "$recycle.bin", "system volume information", "lost+found", "tmp", "temp",
})  # fmt: skip
_NAMES = frozenset({"thumbs.db", "desktop.ini", "icon\r", "package-lock.json", "yarn.lock"})
_SUFFIXES = frozenset({
    # pictures, sound and film
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".heif", ".ico", ".svg", ".psd", ".raw", ".cr2",
    ".nef", ".dng", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".flac", ".wav", ".wma", ".mp4", ".m4v", ".mov", ".avi", ".mkv",
    ".webm", ".wmv", ".3gp",
    # archives and disk images
    ".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".jar", ".war", ".apk", ".ipa", ".iso", ".dmg", ".img",
    ".deb", ".rpm", ".msi", ".cab", ".vmdk", ".vdi", ".qcow2",
    # programs and what they are made of
    ".exe", ".dll", ".so", ".dylib", ".a", ".o", ".obj", ".lib", ".class", ".pyc", ".pyo", ".pyd", ".whl", ".wasm", ".bin",
    ".map", ".ttf", ".otf", ".woff", ".woff2",
    # databases and models
    ".db", ".sqlite", ".sqlite3", ".mdb", ".ldb", ".parquet", ".npy", ".npz", ".pt", ".onnx", ".gguf", ".safetensors", ".pkl",
    # what a program is in the middle of writing
    ".tmp", ".temp", ".part", ".partial", ".crdownload", ".swp", ".lock", ".bak",
})  # fmt: skip
_FILE_BYTES = 1 << 16
_PATTERNS = 1_000
_PATTERN_CHARS = 200
_STARS = 8
"""Most wildcards of a pattern: each one multiplies the time that a match may take."""


@dataclass(frozen=True)
class _Patterns:
    """One `.edgellmignore`, as it reaches into one folder."""

    spec: GitIgnoreSpec
    inside: str
    """The folder's path below the file's own, ending in "/" unless empty."""
    folder_pattern: int | None
    """The pattern that decided about the folder itself."""

    def verdict(self, name: str) -> bool | None:
        """Whether the entry is left out; None when no pattern says. What took the folder in says nothing of its entries:
        they are as any others."""
        found = self.spec.check_file(self.inside + name)
        inherited = found.include is False and found.index == self.folder_pattern
        return None if inherited else found.include


@dataclass(frozen=True)
class FolderRules:
    """What is left out among the entries of one folder. What is left out above it is not asked again."""

    patterns: tuple[_Patterns, ...]
    """The deepest file's first."""

    def ignores(self, name: str, *, is_folder: bool) -> bool:
        """Whether the entry is left out."""
        for patterns in self.patterns:
            if (verdict := patterns.verdict(f"{name}/" if is_folder else name)) is not None:
                return verdict or name == IGNORE_FILE
        return _ignored_by_default(name, is_folder=is_folder)


class IgnoreRules:
    """The rules of one folder. Reads each `.edgellmignore` once.

    Args:
        root: the folder; an absolute path.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._specs: dict[Path, GitIgnoreSpec | None] = {}

    def within(self, folder: Path) -> FolderRules:
        """The rules for the entries of one folder."""
        patterns = []
        for above in (folder, *folder.parents):
            if (spec := self._spec(above)) is not None:
                below = folder.relative_to(above).as_posix()
                inside = "" if below == "." else f"{below}/"
                patterns.append(_Patterns(spec, inside, spec.check_file(inside).index if inside else None))
            if above == self.root:
                break
        return FolderRules(tuple(patterns))

    def ignores(self, path: Path, *, is_folder: bool) -> bool:
        """Whether an entry below the root, or a folder that it is in, is left out."""
        if path == self.root:
            return False
        above = [folder for folder in path.parents if self.root in folder.parents]
        if any(self.within(folder.parent).ignores(folder.name, is_folder=True) for folder in above):
            return True
        return self.within(path.parent).ignores(path.name, is_folder=is_folder)

    def forget(self) -> None:
        """Read the `.edgellmignore` files anew: one of them has changed."""
        self._specs.clear()

    def _spec(self, folder: Path) -> GitIgnoreSpec | None:
        if folder not in self._specs:
            self._specs[folder] = _read_patterns(folder / IGNORE_FILE)
        return self._specs[folder]


def _read_patterns(path: Path) -> GitIgnoreSpec | None:
    try:
        with path.open("rb") as file:
            text = file.read(_FILE_BYTES).decode("utf-8", "replace")
    except OSError:  # nearly always: there is none
        return None
    from pathspec import GitIgnoreSpec

    lines = [line for line in text.splitlines()[:_PATTERNS] if len(line) <= _PATTERN_CHARS and line.count("*") <= _STARS]
    return GitIgnoreSpec.from_lines(lines)


def _ignored_by_default(name: str, *, is_folder: bool) -> bool:
    low = name.lower()
    if low.startswith("."):
        return True
    if is_folder:
        return low in _FOLDERS
    stem, dot, suffix = low.rpartition(".")
    return (bool(stem) and dot + suffix in _SUFFIXES) or low in _NAMES or low.startswith("~$") or low.endswith("~")
