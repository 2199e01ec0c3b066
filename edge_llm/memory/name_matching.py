"""How well a name that someone typed fits the names that are known. Knows no database and no person; works on folded names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def closest(wanted: str, names: Iterable[str]) -> list[str]:
    """The names that fit in the closest way in which any fits; empty where none does.

    The ways, closest first: equal; the words of a name in any order; words of it, or their beginnings; characters within a
    Chinese name; a name within a longer text; the same sound in pinyin.

    Args:
        wanted: what was typed, folded (`handles.fold_name`).
        names: folded names.
    """
    known = list(names)
    for fits in (_equal, _same_words, _some_words, _inside, _within_text):
        found = [name for name in known if fits(wanted, name)]
        if found:
            longest = max(map(len, found))
            return found if fits is not _within_text else [name for name in found if len(name) == longest]
    return _same_sound(wanted, known)


def _equal(wanted: str, name: str) -> bool:
    return wanted == name


def _same_words(wanted: str, name: str) -> bool:
    return sorted(wanted.split()) == sorted(name.split())


def _some_words(wanted: str, name: str) -> bool:
    words = name.split()
    return all(any(word.startswith(part) for word in words) for part in wanted.split()) and not _CJK.search(wanted)


def _inside(wanted: str, name: str) -> bool:
    return bool(_CJK.search(wanted)) and wanted in name


def _within_text(wanted: str, name: str) -> bool:
    if _CJK.search(name):
        return len(name) > 1 and name in wanted
    return len(name) > 1 and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", wanted) is not None


def _same_sound(wanted: str, names: list[str]) -> list[str]:
    """Chinese names for a text in Latin letters, and Latin names for one in Chinese."""
    is_chinese = _CJK.search(wanted) is not None
    others = [name for name in names if (_CJK.search(name) is not None) is not is_chinese]
    if not others or len(wanted) > 40 or not (is_chinese or wanted.replace(" ", "").isalpha()):
        return []
    sound = _pinyin()
    heard = {sound(wanted), "".join(reversed(wanted.split()))}
    return [name for name in others if sound(name) in heard or "".join(reversed(name.split())) in heard]


def _pinyin() -> Callable[[str], str]:
    from pypinyin import lazy_pinyin

    return lambda name: "".join(lazy_pinyin(name)).replace(" ", "")
