"""Sealed values open under their key and in their place, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_llm.memory.sealing import OVERHEAD, Sealer, new_key, unwrap, wrap
from runtimes.errors import StoreDamagedError


@given(data=st.binary(max_size=300), context=st.binary(max_size=20))
def test_what_was_sealed_opens(data: bytes, context: bytes) -> None:
    sealer = Sealer(bytes(32))
    sealed = sealer.seal(data, context)
    assert sealer.open(sealed, context) == data
    assert len(sealed) == len(data) + OVERHEAD


def test_the_same_value_is_never_sealed_alike() -> None:
    sealer = Sealer(new_key())
    assert sealer.seal(b"same", b"") != sealer.seal(b"same", b"")


@pytest.mark.parametrize("changed", ["key", "context", "byte", "cut", "empty"])
def test_nothing_else_opens_it(changed: str) -> None:
    sealer = Sealer(bytes(32))
    sealed = sealer.seal(b"content", b"item:1")
    if changed == "byte":
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    elif changed in ("cut", "empty"):
        sealed = sealed[: 20 if changed == "cut" else 0]
    opener = Sealer(bytes(31) + b"\1") if changed == "key" else sealer
    with pytest.raises(StoreDamagedError, match="cannot be opened"):
        opener.open(sealed, b"item:2" if changed == "context" else b"item:1")


def test_a_wrapped_key_is_bound_to_its_source() -> None:
    key, wrapping = new_key(), new_key()
    wrapped = wrap(wrapping, 3, key)
    assert unwrap(wrapping, 3, wrapped) == key
    with pytest.raises(StoreDamagedError):
        unwrap(wrapping, 4, wrapped)
