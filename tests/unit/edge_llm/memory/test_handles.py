"""Numbers, addresses and names in one form, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.memory.handles import Handle, fold_name, looks_like_handle, normalise, region_of


@pytest.mark.parametrize(
    ("written", "region", "value"),
    [
        ("+86 138-0013-8000", "", "+8613800138000"),
        ("０１３８ ００１３ ８０００", "CN", "+8613800138000"),
        ("13800138000", "", "+8613800138000"),
        ("138 0013 8000", "US", "+8613800138000"),
        ("0086 13800138000", "US", "+8613800138000"),
        ("＋８６１３８００１３８０００", "", "+8613800138000"),
        ("\u202a+86 138 0013 8000\u202c", "", "+8613800138000"),
        ("tel:+86-138-0013-8000", "", "+8613800138000"),
        ("(415) 555-0101", "", "+14155550101"),
        ("1 415 555 0101", "", "+14155550101"),
        ("1-917-555-0101", "", "+19175550101"),
        ("191 7555 0101", "", "+8619175550101"),
        ("415.555.0101 x12", "", "+14155550101;ext=12"),
        ("tel:+1-415-555-0101;ext=12", "", "+14155550101;ext=12"),
        ("07700 900123", "GB", "+447700900123"),
        ("07700 900123", "", "07700900123"),
        ("+44 (0)7700 900123", "", "+447700900123"),
        ("10086", "CN", "10086"),
        ("95588", "", "95588"),
        ("911", "US", "911"),
        ("8613800138000@s.whatsapp.net", "", "+8613800138000"),
        ("8613800138000@c.us", "", "+8613800138000"),
    ],
)
def test_numbers(written: str, region: str, value: str) -> None:
    assert normalise(written, region) == Handle("phone", value)


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("Ann@Example.COM", "mail", "ann@example.com"),
        ("mailto:ann@example.com", "mail", "ann@example.com"),
        ("<ann+tag@example.com>", "mail", "ann+tag@example.com"),
        ("a.n.n@gmail.com", "mail", "a.n.n@gmail.com"),
        ("张三@例子.cn", "mail", "张三@例子.cn"),
        ("wxid_AbC123", "id", "wxid_abc123"),
        ("qq:12345", "id", "qq:12345"),
        ("12", "id", "12"),
    ],
)
def test_addresses_and_ids(written: str, kind: str, value: str) -> None:
    handle = normalise(written)
    assert handle is not None
    assert (handle.kind, handle.value) == (kind, value)


@pytest.mark.parametrize("written", ["", " ", "\x00", "<>", "\u202e"])
def test_nothing(written: str) -> None:
    assert normalise(written) is None


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        (("Ann Lee", "ANN  LEE", "Lee, Ann", " ann lee ", "'Ann Lee'", "Ａｎｎ Ｌｅｅ", "~Ann Lee"), "ann lee"),
        (("张三", "張三", "张 三", "「张三」"), "张三"),
        (("Strauß", "STRAUSS"), "strauss"),
        (("John Smith, Jr.", "john smith, jr."), "john smith, jr."),
        (("\u202e\u200f", "", " ~ "), ""),
    ],
)
def test_names(names: tuple[str, ...], folded: str) -> None:
    assert {fold_name(name) for name in names} == {folded}


@given(st.text(max_size=40))
def test_folding_again_changes_nothing(name: str) -> None:
    assert fold_name(fold_name(name)) == fold_name(name)


@given(st.text(max_size=40), st.sampled_from(["", "CN", "US", "DE"]))
def test_any_text_is_a_handle_or_nothing(written: str, region: str) -> None:
    handle = normalise(written, region)
    if handle is not None:
        assert handle.value
        assert "\n" not in handle.value
    looks_like_handle(written)


@pytest.mark.parametrize(("number", "region"), [("+8613800138000", "CN"), ("+447700900123", "GB"), ("10086", ""), ("", "")])
def test_regions(number: str, region: str) -> None:
    assert region_of(number) in (region, "")
