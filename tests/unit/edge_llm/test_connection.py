"""Certificates, proxies, redirects, and credentials that stay with the host they are for."""

from __future__ import annotations

import io
import ssl
import urllib.request
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path

import pytest

from edge_llm.connection import Connector, explain, same_origin, split_credentials
from runtimes.errors import ConfigError, NetworkError, StatusError
from tests.local_server import LocalServer, Reply, serve


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with serve() as running:
        yield running


@pytest.fixture
def other() -> Iterator[LocalServer]:
    with serve() as running:
        yield running


def get(url: str, *, credentials: str | None = None) -> bytes:
    with Connector(5).open(url, {"Range": "bytes=1-"}, credentials) as response:
        return response.read()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_credentials_do_not_follow_to_another_host(server: LocalServer, other: LocalServer, status: int) -> None:
    server.replies["/file"] = Reply(status=status, headers={"Location": f"{other.url}/signed?key=1"})
    other.replies["/signed"] = Reply(b"bytes")
    assert get(f"{server.url}/file", credentials="Bearer secret") == b"ytes"
    assert server.asked[0].headers["Authorization"] == "Bearer secret"
    assert "Authorization" not in other.asked[0].headers
    assert other.asked[0].headers["Range"] == "bytes=1-"


def test_credentials_stay_on_the_same_host(server: LocalServer) -> None:
    server.replies["/old"] = Reply(status=307, headers={"Location": "/new"})
    server.replies["/new"] = Reply(b"bytes")
    get(f"{server.url}/old", credentials="Bearer secret")
    assert [asked.headers.get("Authorization") for asked in server.asked] == ["Bearer secret"] * 2


def test_a_circle_of_redirects_ends(server: LocalServer) -> None:
    server.replies["/a"] = Reply(status=302, headers={"Location": "/a"})
    with pytest.raises(StatusError):
        get(f"{server.url}/a")


def test_an_encrypted_address_does_not_lead_to_an_open_one() -> None:
    handler = next(item for item in Connector(5)._opener.handlers if isinstance(item, urllib.request.HTTPRedirectHandler))
    request = urllib.request.Request("https://example.org/file")
    with pytest.raises(NetworkError, match="not encrypted"):
        handler.redirect_request(request, io.BytesIO(), 302, "Found", HTTPMessage(), "http://example.org/file")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "models"])
def test_only_http_is_spoken(url: str, server: LocalServer) -> None:
    with pytest.raises(ConfigError):
        get(url)
    server.replies["/a"] = Reply(status=302, headers={"Location": url if ":" in url else "file:///x"})
    with pytest.raises((ConfigError, StatusError)):
        get(f"{server.url}/a")


def test_a_status_is_named(server: LocalServer) -> None:
    with pytest.raises(StatusError, match=r"answered 404 \(Not Found\)"):
        get(f"{server.url}/missing")


def test_a_proxy_is_used_and_no_proxy_is_heeded(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    server.replies["/file"] = Reply(b"by proxy")
    assert get("http://models.invalid/file") == b"y proxy"
    assert server.asked[0].headers["Host"] == "models.invalid"
    monkeypatch.setenv("no_proxy", "models.invalid")
    with pytest.raises(OSError, match="urlopen"):
        get("http://models.invalid/file")


@pytest.mark.parametrize("variable", ["PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environment_names_the_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str) -> None:
    for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    named: list[str | None] = []
    original = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda **given: named.append(given["cafile"]) or original())
    monkeypatch.setenv(variable, str(tmp_path / "ca.pem"))
    Connector(5)
    assert named == [str(tmp_path / "ca.pem")]


def test_a_certificate_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "gone.pem"))
    with pytest.raises(ConfigError, match=r"PIP_CERT names .*gone\.pem"):
        Connector(5)
    (tmp_path / "gone.pem").write_text("no certificate")
    with pytest.raises(ConfigError):
        Connector(5)


def test_credentials_leave_the_address() -> None:
    assert split_credentials("https://me:p%40ss@host:8/simple") == ("https://host:8/simple", "Basic bWU6cEBzcw==")
    assert split_credentials("https://host/simple") == ("https://host/simple", None)


@pytest.mark.parametrize(
    ("url", "other", "same"),
    [
        ("https://a/x", "https://a:443/y", True),
        ("http://a/x", "http://a:80/y", True),
        ("https://a/x", "http://a/x", False),
        ("https://a/x", "https://b/x", False),
        ("https://a/x", "https://a:444/x", False),
        ("https://a/x", "https://A/x", True),
    ],
)
def test_origins(url: str, other: str, same: bool) -> None:
    assert same_origin(url, other) is same


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (urllib.error.URLError(ConnectionRefusedError(111, "Connection refused")), "Connection refused"),
        (urllib.error.URLError(TimeoutError()), "in time"),
        (TimeoutError("timed out"), "in time"),
        (urllib.error.URLError(untrusted()), "self-signed certificate). If your network"),
        (ConnectionResetError(), "ConnectionResetError"),
    ],
)
def test_a_failure_is_told_in_a_line(error: Exception, words: str) -> None:
    assert words in explain(error)
    assert "\n" not in explain(error)
