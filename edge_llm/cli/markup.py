"""Docstrings as the help pages want them."""

from __future__ import annotations

from inspect import cleandoc


def in_markup(text: str) -> str:
    """A docstring as rich markup: each paragraph on one line, its examples as they stand."""
    text, _, examples = cleandoc(text).replace("[", r"\[").partition("\n\nExamples:\n")
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    lines = ["[bold]Examples[/bold]", *(f"[cyan]{line.strip()}[/cyan]" for line in examples.splitlines())]
    return "\n\n".join([*paragraphs, *(lines if examples else ())])
