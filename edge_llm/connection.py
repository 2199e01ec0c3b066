"""How a connection is opened: certificates, proxies, redirects, and credentials that stay with their host.

Knows the environment's settings (http_proxy, https_proxy, no_proxy; PIP_CERT, REQUESTS_CA_BUNDLE, SSL_CERT_FILE) and
URLs. Knows nothing of what is fetched. Built on the standard library, because huggingface_hub brings another HTTP
client in each of its major versions.
"""

from __future__ import annotations

import base64
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from typing_extensions import override

from runtimes.errors import ConfigError, NetworkError, StatusError

if TYPE_CHECKING:
    from http.client import HTTPMessage, HTTPResponse

CONNECTION_ERRORS = (OSError, http.client.HTTPException)
"""What a connection can fail with while it is opened or read: URLError, TimeoutError and SSLError are OSErrors."""

_USER_AGENT = "edge-llm"
_CERTIFICATE_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


class Connector:
    """Opens URLs. Reads the environment once, when made.

    Args:
        timeout_s: seconds without an answer, or without a byte of it, after which a connection is given up.

    Raises:
        ConfigError: a certificate file named in the environment cannot be used.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._opener = urllib.request.OpenerDirector()  # not build_opener: that one also opens file: and ftp:
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=_tls_context()),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            _Redirects(),
        ):
            self._opener.add_handler(handler)

    def open(self, url: str, headers: Mapping[str, str], credentials: str | None = None) -> HTTPResponse:
        """GET a URL; the caller closes the response.

        Args:
            credentials: value of the Authorization header, sent to the host of `url` and to no other.

        Raises:
            StatusError: the answer is an error.
            OSError, http.client.HTTPException: the server could not be reached.
            ConfigError: not an http or https URL.
        """
        request = _Request(url, {"User-Agent": _USER_AGENT, **headers}, credentials)
        try:
            response: HTTPResponse = self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            raise StatusError(url, error.code) from error
        return response


def split_credentials(url: str) -> tuple[str, str | None]:
    """A URL without its user:password@, and these as the value of an Authorization header."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    encoded = base64.b64encode(unquote(user).encode()).decode("ascii")
    return urlunsplit(parts._replace(netloc=host)), f"Basic {encoded}"


def same_origin(url: str, other: str) -> bool:
    """Whether both have the same scheme, host and port, so that credentials for one are for the other too."""
    return _origin(url) == _origin(other)


def explain(error: BaseException) -> str:
    """Why a connection failed, in a sentence with the next step."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            f"the server's certificate is not trusted ({reason.verify_message}). "
            "If your network has a certificate authority of its own, name its file in SSL_CERT_FILE."
        )
    if isinstance(reason, TimeoutError):
        return "the server did not answer in time. Check the connection and try again."
    words = getattr(reason, "strerror", None) or str(reason).partition("\n")[0] or type(reason).__name__
    return f"{words}. Check the connection and try again."


class _Request(urllib.request.Request):
    """A GET over http or https."""

    def __init__(self, url: str, headers: Mapping[str, str], credentials: str | None) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ConfigError(f"{url} is neither an http nor an https address.")
        super().__init__(url, headers=dict(headers))
        self.credentials = credentials
        if credentials is not None:
            self.add_unredirected_header("Authorization", credentials)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, never from https to http, and leaves credentials behind when the host changes."""

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302  # Python 3.10 does not know 308

    @override
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> _Request:
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise NetworkError(f"{req.full_url} redirects to an address that is not encrypted. Nothing was fetched.")
        credentials = req.credentials if isinstance(req, _Request) and same_origin(req.full_url, newurl) else None
        return _Request(newurl, req.headers, credentials)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _tls_context() -> ssl.SSLContext:
    """Trust what the environment names, or else what this system trusts."""
    for variable in _CERTIFICATE_VARIABLES:
        if named := os.environ.get(variable):
            try:
                folder = Path(named).is_dir()
                return ssl.create_default_context(cafile=None if folder else named, capath=named if folder else None)
            except OSError as error:
                raise ConfigError(f"{variable} names {named}, which holds no certificates: {error.strerror}.") from error
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not any((paths.cafile, paths.capath)):
        # OpenSSL's own folder is missing: Python from python.org on macOS. certifi comes with huggingface_hub.
        import certifi

        context.load_verify_locations(certifi.where())
    return context
