"""The same word, however it is written: folded, stemmed, paired; and each term knows its place in the text as typed."""

from __future__ import annotations

import random

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_llm.memory.analysis import ASKS, DATED, TOKENIZER, fold, index_terms, tokens, words

# Letters that fold, combine, vanish or change length, beside ordinary ones.
TRICKY = (
    "aZ é\u0301\u0308İßſŁøﬁ½①ＡＢ１３ﾊﾟ\u3099ガが한ᄒ\u1161\u11ab臺台著着乾干𠮷\u200b\u202e\ufe0f\U0001f44d\U0001f3fd"
    "\U0001f1e8\U0001f1f3'’-+#@.,:?？\0\n0123456789हिन्दी\u0e33ไทย"
)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=TRICKY) | st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    once = fold(text)
    assert fold(once) == once


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=TRICKY) | st.text())
def test_what_is_highlighted_is_what_is_indexed(text: str) -> None:
    """`tokens` folds piece by piece, to know places, and `index_terms` all at once: the terms are the same."""
    indexed = [term for term in index_terms(text).split() if term not in (ASKS, DATED)]
    found = tokens(text)
    assert [token.term for token in found] == indexed
    assert all(0 <= token.start < token.end <= len(text) for token in found)
    assert words(text) == indexed[: len(words(text))]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=TRICKY) | st.text())
def test_terms_survive_the_tokenizer_of_the_index(text: str) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute(f'CREATE VIRTUAL TABLE terms USING fts5(body, tokenize="{TOKENIZER}")')
    connection.execute("CREATE VIRTUAL TABLE words USING fts5vocab(terms, instance)")
    stored = index_terms(text)
    assert '"' not in stored
    connection.execute("INSERT INTO terms VALUES(?)", (stored,))
    kept = [term for term, _ in connection.execute("SELECT term, offset FROM words ORDER BY offset")]
    assert kept == stored.split()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("running dogs", "Runs DOG"),
        ("Anna’s flat", "anna's flats"),
        ("we’ll", "we"),
        ("café naïve", "cafe naive"),
        ("Łódź Straße", "lodz strasse"),
        ("ПРИВЕТ", "привет"),
        ("l'été", "été"),
        ("ＩＰＨＯＮＥ　１５", "iphone 15"),
        ("pass\u200bword", "password"),
        ("\u202etext\u202c", "text"),
        ("1,250,000", "1250000"),
        ("裡面", "里面"),
        ("裏面", "里面"),
        ("臺灣後來", "台湾后来"),
        ("頭髮乾淨", "头发干净"),
        ("看著", "看着"),
        ("ﾊﾟｿｺﾝ", "パソコン"),
        ("👍🏽", "👍"),
        ("hello\0world", "hello world"),
    ],
)
def test_equal_terms(one: str, other: str) -> None:
    assert words(one) == words(other)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("iPhone手机壳", "iphon 手机 机壳 壳"),
        ("机", "机"),
        ("東京タワー", "东京 京タ タワ ワー ー"),
        ("안녕 세계", "안녕 녕 세계 계"),
        ("C++ and C#", "c++ and c#"),
        ("anna.lee@example.com", "anna lee exampl com"),
        ("3.5 %", "3 5"),
        ("🇨🇳 🎉", "🇨🇳 🎉"),
        ("+1 (555) 123-4567", "1 555 123 4567 #5551234567"),
        ("13800138000", "13800138000 #3800138000"),
        ("e-mail", "e mail email"),
        ("Really?", f"realli {ASKS}"),
        ("你昨天来吗？", f"你昨 昨天 天来 来吗 吗 {ASKS} {DATED}"),
        ("See you tomorrow", f"see you tomorrow {DATED}"),
        ("I may march", "i may march"),
        ("", ""),
        ("\0 \u200b …!", ""),
    ],
)
def test_terms_of(text: str, terms: str) -> None:
    assert index_terms(text) == terms


def test_a_telephone_number_is_found_with_and_without_its_country() -> None:
    written = ["+86 138 0013 8000", "138-0013-8000", "0086 13800138000", "(138) 0013 8000"]
    assert len({index_terms(number).split()[-1] for number in written}) == 1


def test_a_long_word_is_cut_and_a_list_of_numbers_is_no_telephone_number() -> None:
    assert words("x" * 10_000) == ["x" * 64]
    assert "#" not in index_terms("123 456 789 012 345 678 901")


def test_places_are_those_of_the_text_as_typed() -> None:
    text = "臺灣的Café，RUNNING！"
    places = {token.term: text[token.start : token.end] for token in tokens(text)}
    assert places == {"台湾": "臺灣", "湾的": "灣的", "的": "的", "cafe": "Café", "run": "RUNNING"}


def test_english_is_found_no_worse_than_by_fts5_with_its_own_stemmer() -> None:
    """Whatever `porter unicode61` finds for a word or a phrase out of a text, these terms find too."""
    stock = [
        *("walk", "walks", "walked", "walking", "study", "studies", "studied", "happy", "happily", "happiness", "run", "runs"),
        *("running", "flies", "fly", "Anna's", "dog's", "dogs", "relational", "relation", "conditional", "e-mail", "check-in"),
        *("3.14", "U.S.", "café", "naïve", "well-known", "o'clock", "John", "teams", "team", "organise", "organisation"),
        *("meetings", "meeting", "the", "of", "and", "in"),
    ]
    chance = random.Random(1)
    texts = [" ".join(chance.choice(stock) for _ in range(8)) for _ in range(300)]
    connection = apsw.Connection(":memory:")
    connection.execute(f'CREATE VIRTUAL TABLE ours USING fts5(body, tokenize="{TOKENIZER}")')
    connection.execute("CREATE VIRTUAL TABLE theirs USING fts5(body, tokenize='porter unicode61')")
    for row, text in enumerate(texts):
        connection.execute("INSERT INTO ours(rowid, body) VALUES(?, ?)", (row, index_terms(text)))
        connection.execute("INSERT INTO theirs(rowid, body) VALUES(?, ?)", (row, text))
    for _ in range(300):
        typed = chance.choice(texts).split()
        start, length = chance.randrange(7), chance.randrange(1, 4)
        phrase = " ".join(typed[start : start + length])
        ours = {row[0] for row in connection.execute("SELECT rowid FROM ours(?)", (f'"{" ".join(words(phrase))}"',))}
        theirs = {row[0] for row in connection.execute("SELECT rowid FROM theirs(?)", (f'"{phrase}"',))}
        assert theirs <= ours, (phrase, [texts[row] for row in theirs - ours])
