"""Asset packs and download lists: every byte in one place, each piece with its hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from android_bridge.delivery import DOWNLOAD_NAME, PACK_BYTES, PACKS_NAME, write_download, write_packs
from runtimes.errors import BundleError, ConfigError


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    folder = tmp_path / "phone"
    folder.mkdir()
    (folder / "phone.json").write_bytes(b"{}")
    (folder / "model.onnx.data").write_bytes(bytes(range(256)) * 1000)
    (folder / "tokenizer.json").write_bytes(b"t" * 3000)
    return folder


def test_packs_hold_every_byte_once_and_none_is_too_large(phone: Path, tmp_path: Path) -> None:
    packs = write_packs(phone, tmp_path / "packs", limit=100_000, delivery="fast-follow")
    assert [pack.name for pack in packs] == ["edgellm_model_1", "edgellm_model_2", "edgellm_model_3"]
    for pack in packs:
        files = (tmp_path / "packs" / pack.name / "src/main/assets").rglob("*.*")
        assert sum(file.stat().st_size for file in files if file.is_file()) <= 100_000
    rebuilt: dict[str, bytes] = {}
    for pack in packs:
        for part in pack.parts:
            piece = (tmp_path / "packs" / pack.name / "src/main/assets" / part.asset).read_bytes()
            assert hashlib.sha256(piece).hexdigest() == part.sha256
            assert len(rebuilt.get(part.file, b"")) == part.offset
            rebuilt[part.file] = rebuilt.get(part.file, b"") + piece
        gradle = (tmp_path / "packs" / pack.name / "build.gradle").read_text(encoding="utf-8")
        assert f"packName = '{pack.name}'" in gradle
        assert "deliveryType = 'fast-follow'" in gradle
    assert rebuilt == {file.name: file.read_bytes() for file in phone.iterdir()}


def test_the_plan_of_the_packs_is_in_the_first(phone: Path, tmp_path: Path) -> None:
    packs = write_packs(phone, tmp_path / "packs", limit=200_000, name="tiny")
    listing = tmp_path / "packs" / "tiny_1" / "src/main/assets/tiny" / PACKS_NAME
    document = json.loads(listing.read_text(encoding="utf-8"))
    assert [pack["name"] for pack in document["packs"]] == [pack.name for pack in packs]
    assert document["packs"][0]["parts"][0] == {
        "file": "phone.json",
        "offset": 0,
        "size": 2,
        "sha256": hashlib.sha256(b"{}").hexdigest(),
        "asset": "tiny/phone.json",
    }


def test_a_download_can_be_checked_range_by_range(phone: Path) -> None:
    document = json.loads(write_download(phone, "https://example.org/m/", range_bytes=1 << 16).read_text(encoding="utf-8"))
    assert document["base_url"] == "https://example.org/m/"
    for entry in document["files"]:
        data = (phone / entry["name"]).read_bytes()
        assert entry["size"] == len(data)
        pieces = [data[start : start + document["range_bytes"]] for start in range(0, len(data), document["range_bytes"])]
        assert entry["ranges"] == [hashlib.sha256(piece).hexdigest() for piece in pieces]
    assert DOWNLOAD_NAME not in {entry["name"] for entry in document["files"]}


def test_what_play_or_a_phone_would_refuse_is_refused_here(phone: Path, tmp_path: Path) -> None:
    for name in ("", "Model", "1st", "a-b"):
        with pytest.raises(ConfigError, match="asset pack"):
            write_packs(phone, tmp_path / "packs", name=name)
    for limit in (0, PACK_BYTES + 1):
        with pytest.raises(ConfigError, match="Play allows"):
            write_packs(phone, tmp_path / "packs", limit=limit)
    for address in ("http://example.org", "example.org", "https://a b"):
        with pytest.raises(ConfigError, match="https"):
            write_download(phone, address)
    with pytest.raises(ConfigError, match="too short"):
        write_download(phone, "https://example.org", range_bytes=10)
    with pytest.raises(ConfigError, match="their own list"):
        write_packs(phone, tmp_path / "packs", limit=300)
    with pytest.raises(BundleError, match="holds no asset packs"):
        write_packs(phone, phone)
