"""Surface features: spelling, numbers, and lengths that strangers do not change."""

from __future__ import annotations

import numpy as np

from edge_llm.route.lexical import LexicalIndex, features, plain

TEXTS = ("set a timer for ten minutes", "call mom", "给妈妈打电话", "set an alarm for 7")


def test_case_width_and_blanks_do_not_matter() -> None:
    assert plain("  Ｃall   MOM ") == "call mom"
    assert features("Call Mom!") == features("call mom")


def test_any_number_is_the_same_word() -> None:
    assert features("alarm at 7") == features("alarm at 1130")


def test_chinese_is_compared_by_characters_and_pairs() -> None:
    assert {"妈", "妈 妈", "打 电"} <= set(features("给妈妈打电话"))


def test_a_known_sentence_is_compared_as_in_the_matrix() -> None:
    index = LexicalIndex(TEXTS)
    gram = index.gram()
    np.testing.assert_allclose(np.diag(gram), 1, atol=1e-5)
    for row, text in zip(gram, TEXTS, strict=True):
        np.testing.assert_allclose(index.compare(text), row, atol=1e-5)


def test_words_never_seen_change_nothing() -> None:
    index = LexicalIndex(TEXTS)
    np.testing.assert_allclose(index.compare("xylograph 鑫"), 0)
    assert index.compare("qqq zzz").shape == (len(TEXTS),)
