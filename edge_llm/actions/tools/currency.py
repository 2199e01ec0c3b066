"""Conversion between currencies by a table of rates that the person keeps. No rate is fetched: nothing here opens a socket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from edge_llm.actions.tools.calculate import number_text
from edge_llm.home import Home
from runtimes.errors import InputError

_MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Rates:
    """How much of each currency one unit of the base buys, on one day."""

    base: str
    day: date
    rates: dict[str, Decimal]
    path: Path

    @classmethod
    def read(cls, path: str | Path) -> Rates:
        """A table from its file: `{"base": "EUR", "date": "2026-11-24", "rates": {"USD": "1.0843", "CNY": "7.72"}}`.

        Raises:
            InputError: there is no such file, or it is not in this form.
        """
        path = Path(path)
        form = '{"base": "EUR", "date": "2026-11-24", "rates": {"USD": "1.0843"}}'
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise InputError(f"{path} is larger than a table of rates can be.")
            document = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
            rates = {_code(name): _rate(value) for name, value in document["rates"].items()}
            base, day = _code(document["base"]), date.fromisoformat(document["date"])
        except FileNotFoundError as error:
            raise InputError(
                f"There is no table of rates. Rates are never fetched: put yours into {path}, as {form}."
            ) from error
        except OSError as error:
            raise InputError(f"The table of rates {path} cannot be read: {error.strerror}.") from error
        except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation, RecursionError) as error:
            raise InputError(f"The table of rates {path} is not in the form {form}: {error}.") from error
        return cls(base, day, {**rates, base: Decimal(1)}, path)

    def convert_currency(self, currency_from: str, currency_to: str, amount: float | str = 1) -> dict[str, Any]:
        """An amount in another currency, rounded to its cents: see `convert_currency`."""
        try:
            number = Decimal(str(amount))
            if not number.is_finite():
                raise InvalidOperation(amount)
        except InvalidOperation as error:
            raise InputError(f"{amount!r} is no amount of money.") from error
        rate = self._of(currency_to) / self._of(currency_from)
        whole = currency_to.upper() in _WITHOUT_CENTS
        return {
            "amount": f"{number * rate:.0f}" if whole else f"{number * rate:.2f}",
            "currency": currency_to.upper(),
            "rate": number_text(rate),
            "date": self.day.isoformat(),
        }

    def _of(self, currency: str) -> Decimal:
        try:
            return self.rates[currency.upper()]
        except KeyError:
            raise InputError(f"The table of rates {self.path} has no {currency}. Add it there.") from None


_WITHOUT_CENTS = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"})
"""ISO 4217 currencies whose smallest coin is one."""


def rates_file(home: Home) -> Path:
    """Where the person's table is looked for."""
    return home.path / "rates.json"


def convert_currency(currency_from: str, currency_to: str, amount: float | str = 1) -> dict[str, Any]:
    """An amount in another currency, by the table in the home.

    Args:
        currency_from, currency_to: ISO 4217 codes.
        amount: how much.

    Returns:
        {"amount", "currency", "rate", "date"}: figures as text; the date is that of the rates.

    Raises:
        InputError: there is no table, it is malformed, or it lacks a currency.
    """
    return Rates.read(rates_file(Home())).convert_currency(currency_from, currency_to, amount)


def _code(name: Any) -> str:
    if not isinstance(name, str) or len(name) != 3 or not name.isascii() or not name.isalpha():
        raise ValueError(f"{name!r} is no currency code of three letters")
    return name.upper()


def _rate(value: Any) -> Decimal:
    rate = Decimal(str(value))
    if not rate.is_finite() or rate <= 0:
        raise ValueError(f"{value!r} is no rate")
    return rate
