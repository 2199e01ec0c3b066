"""Pulling from a Hugging Face hub, against a local server that speaks its routes.

The listing goes through the real huggingface_hub; large files are redirected to a second host, as the hub does.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge_llm.catalog import find_installed, installed_models, pull
from edge_llm.home import Home
from edge_llm.progress import Progress
from runtimes.errors import InputError, NetworkError, SourceError, UnknownModelError, UnsupportedModelError
from tests.local_server import LocalServer, Reply, forbid_sockets, serve

COMMIT = "5f0b02c75b57c5855da9ae460ce51323ea669d8a"
REPOSITORY = "owner/repo"
BIG = hashlib.sha256(b"weights").digest() * 60_000  # 1.9 MB
SMALL = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b'{"model": {}}',
    "tokenizer_config.json": b"{}",
    "README.md": b"---\nlicense: apache-2.0\n---\n",
    ".gitattributes": b"*.gguf filter=lfs",
}


def git_id(body: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


@dataclass
class Hub:
    """The routes of huggingface.co that a pull uses, for one repository."""

    hub: LocalServer
    storage: LocalServer
    small: dict[str, bytes] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)

    def publish(self, *, small: Mapping[str, bytes], large: Mapping[str, bytes], commit: str = COMMIT) -> None:
        listing = {
            "id": REPOSITORY,
            "modelId": REPOSITORY,
            "sha": commit,
            "private": False,
            "gated": False,
            "tags": ["safetensors", "license:apache-2.0", "region:us"],
            "siblings": [
                *({"rfilename": name, "size": len(body), "blobId": git_id(body)} for name, body in small.items()),
                *(
                    {
                        "rfilename": name,
                        "size": len(body),
                        "blobId": "0" * 40,
                        "lfs": {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body), "pointerSize": 134},
                    }
                    for name, body in large.items()
                ),
            ],
        }
        self.hub.replies[f"/api/models/{REPOSITORY}"] = Reply(json.dumps(listing).encode(), content_type="application/json")
        for name, body in small.items():
            self.hub.replies[f"/{REPOSITORY}/resolve/{commit}/{name}"] = Reply(body, headers={"X-Repo-Commit": commit})
        for name, body in large.items():
            digest = hashlib.sha256(body).hexdigest()
            self.storage.replies[f"/{digest}"] = Reply(body)
            self.hub.replies[f"/{REPOSITORY}/resolve/{commit}/{name}"] = Reply(
                status=302, headers={"Location": f"{self.storage.url}/{digest}?Signature=x", "X-Linked-Etag": f'"{digest}"'}
            )

    def stored(self, body: bytes) -> Reply:
        reply = self.storage.replies[f"/{hashlib.sha256(body).hexdigest()}"]
        assert isinstance(reply, Reply)
        return reply

    def pull(self, name: str, home: Home, events: list[Progress] | None = None) -> Path:
        return pull(name, home=home, endpoint=self.hub.url, progress=None if events is None else events.append)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serve() as front, serve() as storage:
        running = Hub(front, storage)
        running.publish(small=SMALL, large={"model.safetensors": BIG, "pytorch_model.bin": b"pickle"})
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_a_repository_becomes_a_directory(hub: Hub, home: Home) -> None:
    events: list[Progress] = []
    path = hub.pull("hf:owner/repo", home, events)
    assert path.name == "repo"
    assert {file.name: file.read_bytes() for file in path.iterdir() if file.name != "model.json"} == {
        **{name: body for name, body in SMALL.items() if name != ".gitattributes"},
        "model.safetensors": BIG,
    }
    model = find_installed("hf:owner/repo", home)
    assert model is not None
    assert (model.path, model.format, model.licence) == (path, "safetensors", "apache-2.0")
    assert model.pulled.source["commit"] == COMMIT
    total = sum(entry.size for entry in model.files.values())
    assert events[-1].done == events[-1].total == total
    assert [event.done for event in events] == sorted(event.done for event in events)


def test_a_gguf_file_is_taken_alone(hub: Hub, home: Home) -> None:
    hub.publish(small=SMALL, large={"Q4/model.gguf": BIG, "Q8/model.gguf": BIG[::-1]})
    assert hub.pull("hf:owner/repo/Q8/model.gguf", home).read_bytes() == BIG[::-1]
    assert len(hub.storage.asked) == 1
    assert hub.pull("hf:owner/repo/Q4/model.gguf", home).read_bytes() == BIG
    assert [model.name for model in installed_models(home)] == ["hf:owner/repo/Q4/model.gguf", "hf:owner/repo/Q8/model.gguf"]


def test_shards_come_by_the_index(hub: Hub, home: Home) -> None:
    shards = {f"model-0000{number}-of-00002.safetensors": BIG[number:] for number in (1, 2)}
    index = json.dumps({"weight_map": {f"t{number}": name for number, name in enumerate(shards)}}).encode()
    hub.publish(small={**SMALL, "model.safetensors.index.json": index}, large={**shards, "extra.safetensors": b"unwanted"})
    path = hub.pull("hf:owner/repo", home)
    assert {file.name for file in path.glob("*.safetensors")} == set(shards)
    assert sum("index.json" in asked for asked in hub.hub.paths()) == 1


def test_a_break_in_the_middle_is_resumed(hub: Hub, home: Home) -> None:
    hub.stored(BIG).break_after.extend([700_000, 500_000])
    path = hub.pull("hf:owner/repo", home)
    assert (path / "model.safetensors").read_bytes() == BIG
    assert hub.storage.ranges() == [None, "bytes=700000-", "bytes=1200000-"]


def test_a_killed_pull_is_resumed_by_the_next(hub: Hub, home: Home) -> None:
    """The process is ended in the middle of the large file, as a power cut would."""
    body = hub.stored(BIG)
    body.break_after.append(1_000_000)
    code = (
        "import os, sys\nfrom edge_llm.catalog import pull\nfrom edge_llm.home import Home\n"
        "def stop(event):\n    if event.item == 'model.safetensors' and event.done > 300_000: os._exit(9)\n"
        f"pull('hf:owner/repo', home=Home({str(home.path)!r}), endpoint={hub.hub.url!r}, progress=stop)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 9
    assert installed_models(home) == []
    hub.storage.asked.clear()
    hub.hub.asked.clear()
    body.break_after.clear()
    assert (hub.pull("hf:owner/repo", home) / "model.safetensors").read_bytes() == BIG
    assert not any(path.endswith("tokenizer.json") for path in hub.hub.paths()), "small files that had come came again"


def test_a_commit_in_between_does_not_mix(hub: Hub, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_llm.transfer.time.sleep", lambda seconds: None)
    hub.stored(BIG).break_after.extend([700_000, 0, 0, 0, 0, 0])
    with pytest.raises(NetworkError, match=r"700000 of 1920000 bytes are here"):
        hub.pull("hf:owner/repo", home)
    newer = {name: body for name, body in SMALL.items() if name != "tokenizer_config.json"} | {"config.json": b'{"new": 1}'}
    hub.publish(small=newer, large={"model.safetensors": BIG[::-1]}, commit="f" * 40)
    path = hub.pull("hf:owner/repo", home)
    assert (path / "model.safetensors").read_bytes() == BIG[::-1]
    assert (path / "config.json").read_bytes() == b'{"new": 1}'
    assert not (path / "tokenizer_config.json").exists()


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_changed_bytes_are_refused(hub: Hub, home: Home, file: str) -> None:
    if file == "config.json":
        hub.hub.replies[f"/{REPOSITORY}/resolve/{COMMIT}/{file}"] = Reply(SMALL[file].replace(b"llama", b"evil!"))
    else:
        hub.stored(BIG).body = BIG[:-1] + b"?"
    with pytest.raises(NetworkError, match="other bytes than were promised"):
        hub.pull("hf:owner/repo", home)
    assert installed_models(home) == []


def test_a_repository_that_is_not_there(hub: Hub, home: Home) -> None:
    path = "/api/models/owner/gone"
    hub.hub.replies[path] = Reply(b'{"error":"Repository not found"}', 404, headers={"X-Error-Code": "RepoNotFound"})
    with pytest.raises(UnknownModelError, match="hf:owner/gone"):
        hub.pull("hf:owner/gone", home)


@pytest.mark.parametrize("name", ["hf:owner/re po", "hf:ow--ner/repo", "hf:owner/..", "hf:owner/repo.git"])
def test_a_name_that_no_repository_has(hub: Hub, home: Home, name: str) -> None:
    with pytest.raises(UnknownModelError):
        hub.pull(name, home)
    assert hub.hub.asked == []


def test_a_file_that_is_not_there(hub: Hub, home: Home) -> None:
    hub.publish(small=SMALL, large={"model-Q8_0.gguf": BIG})
    with pytest.raises(UnknownModelError, match=r"hf:owner/repo/model-Q8_0\.gguf"):
        hub.pull("hf:owner/repo/model-Q8.gguf", home)


def test_weights_of_no_known_kind(hub: Hub, home: Home) -> None:
    hub.publish(small=SMALL, large={"pytorch_model.bin": b"pickle"})
    with pytest.raises(UnsupportedModelError):
        hub.pull("hf:owner/repo", home)


@pytest.mark.parametrize(("status", "code"), [(401, "GatedRepo"), (403, "GatedRepo"), (401, "")])
def test_a_closed_repository_says_how_to_get_in(hub: Hub, home: Home, status: int, code: str) -> None:
    headers = {"X-Error-Code": code} if code else {}
    hub.hub.replies[f"/api/models/{REPOSITORY}"] = Reply(b"{}", status, headers=headers)
    with pytest.raises(InputError, match=r"owner/repo.*HF_TOKEN") as caught:
        hub.pull("hf:owner/repo", home)
    assert caught.value.exit_code == 2


def test_gated_files_of_a_listed_repository(hub: Hub, home: Home) -> None:
    hub.hub.replies[f"/{REPOSITORY}/resolve/{COMMIT}/config.json"] = Reply(b"", 403, headers={"X-Error-Code": "GatedRepo"})
    with pytest.raises(InputError, match="HF_TOKEN"):
        hub.pull("hf:owner/repo", home)


def test_the_token_goes_to_the_hub_and_not_to_its_storage(hub: Hub, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.pull("hf:owner/repo", home)
    assert {asked.headers.get("Authorization") or asked.headers.get("authorization") for asked in hub.hub.asked} == {
        "Bearer hf_secret"
    }
    assert all("authorization" not in map(str.lower, asked.headers) for asked in hub.storage.asked)
    assert not [file for file in home.path.rglob("*") if file.is_file() and b"hf_secret" in file.read_bytes()]


def test_the_environment_names_the_hub(hub: Hub, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.hub.url + "/")
    assert pull("hf:owner/repo", home=home).is_dir()


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b'{"siblings": 3}', b'{"id": "x", "siblings": [{}]}'])
def test_an_answer_that_is_no_listing(hub: Hub, home: Home, answer: bytes) -> None:
    hub.hub.replies[f"/api/models/{REPOSITORY}"] = Reply(answer, content_type="application/json")
    with pytest.raises((NetworkError, UnsupportedModelError)) as caught:
        hub.pull("hf:owner/repo", home)
    assert "\n" not in str(caught.value)


def test_paths_that_lead_outside_are_not_seen(hub: Hub, home: Home) -> None:
    hub.publish(small=SMALL, large={"../../evil.gguf": BIG, "/evil.gguf": BIG, "a\\..\\evil.gguf": BIG})
    for name in ("hf:owner/repo/../../evil.gguf", "hf:owner/repo//evil.gguf", "hf:owner/repo/a\\..\\evil.gguf"):
        with pytest.raises(UnknownModelError):
            hub.pull(name, home)
    assert not list(home.path.parent.rglob("*evil*"))


def test_an_index_that_is_absurdly_large(hub: Hub, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_llm.hub_download._INDEX_LIMIT", 10)
    hub.publish(small={**SMALL, "model.safetensors.index.json": b"{" * 11}, large={})
    with pytest.raises(SourceError, match="larger than 10 bytes"):
        hub.pull("hf:owner/repo", home)


def test_no_network_is_one_line(home: Home) -> None:
    with pytest.raises(NetworkError) as caught:
        pull("hf:owner/repo", home=home, endpoint="http://127.0.0.1:9")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("Cannot ask http://127.0.0.1:9 what owner/repo holds: Connection refused.")


def test_what_is_here_needs_no_socket(hub: Hub, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = hub.pull("hf:owner/repo", home)
    forbid_sockets(monkeypatch)
    assert pull("hf:owner/repo", home=home) == path
    with pytest.raises((AssertionError, NetworkError)):
        pull("hf:owner/other", home=home, endpoint=hub.hub.url)


def test_nothing_is_left_outside_the_home(hub: Hub, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tmp_path / "person"
    person.mkdir()
    code = (
        "from edge_llm.catalog import pull\nfrom edge_llm.home import Home\n"
        f"pull('hf:owner/repo', home=Home({str(home.path)!r}))"
    )
    monkeypatch.setenv("HOME", str(person))
    monkeypatch.setenv("HF_ENDPOINT", hub.hub.url)
    for name in ("HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert list(person.rglob("*")) == []
    agents = {asked.headers.get("user-agent") or asked.headers.get("User-Agent") or "" for asked in hub.hub.asked}
    assert not any("torch" in agent for agent in agents)
