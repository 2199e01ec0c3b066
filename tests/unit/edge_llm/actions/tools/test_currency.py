"""Currencies: by the person's own table, and a plain word where it is missing or wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_llm.actions.tools.currency import Rates, convert_currency, rates_file
from edge_llm.home import Home
from runtimes.errors import InputError

TABLE = {"base": "EUR", "date": "2026-11-24", "rates": {"USD": "1.25", "CNY": 8, "JPY": 160.5}}


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGE_LLM_HOME", str(tmp_path))
    path = rates_file(Home())
    path.write_text(json.dumps(TABLE), encoding="utf-8")
    return path


def test_an_amount_goes_through_the_base(table: Path) -> None:
    assert convert_currency("USD", "CNY", 10) == {"amount": "64.00", "currency": "CNY", "rate": "6.4", "date": "2026-11-24"}
    assert convert_currency("eur", "usd", "0.1")["amount"] == "0.12"
    assert convert_currency("USD", "JPY")["amount"] == "128"
    assert convert_currency("EUR", "EUR", 3)["rate"] == "1"


@pytest.mark.parametrize(("given", "fact"), [(("USD", "GBP", 1), "has no GBP"), (("USD", "CNY", "x"), "no amount")])
def test_what_the_table_lacks_is_said(table: Path, given: tuple[str, str, float], fact: str) -> None:
    with pytest.raises(InputError, match=fact):
        convert_currency(*given)


def test_no_table_says_where_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_LLM_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"never fetched: put yours into .*rates\.json"):
        convert_currency("USD", "CNY")


@pytest.mark.parametrize(
    "wrong",
    [
        "[]",
        "{",
        '{"base": "EUR"}',
        json.dumps({**TABLE, "rates": {"USD": 0}}),
        json.dumps({**TABLE, "rates": {"USD": "many"}}),
        json.dumps({**TABLE, "rates": {"DOLLAR": 1}}),
        json.dumps({**TABLE, "date": "today"}),
        json.dumps({**TABLE, "rates": [1]}),
    ],
)
def test_a_malformed_table_is_named(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "rates.json"
    path.write_text(wrong, encoding="utf-8")
    with pytest.raises(InputError, match=r"rates\.json is not in the form"):
        Rates.read(path)
