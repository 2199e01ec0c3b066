"""A run of words as an argument wants it written: a date in the form its description names, a formula as Python has it."""

from __future__ import annotations

import re

from edge_llm.understand.parameters import Parameter
from edge_llm.understand.phrases import Phrase

_ARTICLE = re.compile(r"^(?:the|a|an)\s+(?=[a-z])", re.IGNORECASE)


def as_written(phrase: Phrase, parameter: Parameter) -> str:
    """The text of a run, in the form that the argument's description asks for."""
    text = phrase.text.strip()
    if parameter.kind == "date" and phrase.shape == "date":
        return _date(text, parameter) or text
    if phrase.shape == "formula" or parameter.kind == "expression":
        text = re.sub(r"^(?:[a-z]\([a-z]\)|y)\s*=\s*", "", text)
        return text.replace("^", "**")
    return text if phrase.shape == "quoted" else _ARTICLE.sub("", text)


def _date(text: str, parameter: Parameter) -> str | None:
    """A date in ISO form where the description asks for it, or in the month-first form; None leaves the words."""
    described = parameter.description.upper()
    form = next(
        (
            form
            for mark, form in (
                ("YYYY-MM-DD", "%Y-%m-%d"),
                ("MM/DD/YYYY", "%m/%d/%Y"),
                ("DD/MM/YYYY", "%d/%m/%Y"),
                ("MM-DD-YYYY", "%m-%d-%Y"),
                ("MONTH-DAY-YEAR", "%m-%d-%Y"),
                ("DD-MM-YYYY", "%d-%m-%Y"),
                ("YYYY/MM/DD", "%Y/%m/%d"),
            )
            if mark in described
        ),
        None,
    )
    example = re.search(r"\d{4}-\d\d-\d\d", parameter.description)
    if form is None and example is None:
        return None
    if re.match(r"(?i)today|tomorrow|yesterday|tonight|next|this|last", text):
        return None
    import dateparser

    read = dateparser.parse(text, languages=["en"], settings={"DATE_ORDER": "MDY"})
    return None if read is None else read.strftime(form or "%Y-%m-%d")
