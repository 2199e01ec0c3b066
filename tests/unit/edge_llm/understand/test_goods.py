"""Things to buy that no comma parts."""

from __future__ import annotations

import pytest

from edge_llm.understand.goods import goods_in
from edge_llm.understand.text_slots import items_of


@pytest.mark.parametrize(
    ("words", "things"),
    [
        ("milk bin bags and teabags", ["milk", "bin bags", "teabags"]),
        ("bread eggs and kitchen roll", ["bread", "eggs", "kitchen roll"]),
        ("cat litter dog food and bleach", ["cat litter", "dog food", "bleach"]),
        ("apples pears plums", ["apples", "pears", "plums"]),
        ("tomato ketchup toilet roll and foil", ["tomato ketchup", "toilet roll", "foil"]),
        ("peanut butter and jam", ["peanut butter", "jam"]),
        ("two pints of milk", ["two pints of milk"]),
        ("chicken stock cubes, oat milk", ["chicken stock cubes", "oat milk"]),
        ("return the library books", ["return the library books"]),
    ],
)
def test_things_without_commas(words: str, things: list[str]) -> None:
    assert items_of(words) == things


@pytest.mark.parametrize(
    "words", ["oat milk", "milk chocolate", "fish fingers", "brown bread", "washing up liquid", "牛奶鸡蛋"]
)
def test_one_thing_of_two_words(words: str) -> None:
    assert goods_in(words) == [words]
