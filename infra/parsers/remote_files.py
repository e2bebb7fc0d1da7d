"""A source on the web: https, verified, within limits, resumed where the connection drops."""

from __future__ import annotations

import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from hardline.infra.errors import Misconfigured, Unavailable
from hardline.infra.parsers.errors import ParseRefused
from hardline.infra.parsers.local_files import plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

MAX_REDIRECTS = 5
MAX_RESUMES = 5
_CHUNK_BYTES = 1 << 20
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_MOVED = (301, 302, 303, 307, 308)
_BUSY = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class RemoteLimits:
    """How far the web is trusted. `settings` says all but the last two."""

    ca_file: Path | None = None  # the authorities that are trusted; None: the system's
    http_loopback: bool = False  # whether http:// to this machine is taken, for tests
    max_bytes: int = 64 << 30
    max_seconds: int = 6 * 3600
    connect_s: float = 15
    read_s: float = 60  # the longest silence


@dataclass(frozen=True)
class RemoteFile:
    """One file of a source."""

    name: str
    size: int | None
    _uri: str
    _limits: RemoteLimits

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, once; a byte that was handed out is never fetched again.

        Raises:
            ParseRefused: `tls`, `redirect`, `missing`, `unreadable`, `changed` or `limits`.
            Unavailable: The server does not answer now, or drops the connection too often.
            Misconfigured: The authorities cannot be read.
        """
        return _Download(self).chunks()


def check_url(uri: str, limits: RemoteLimits, before: str | None = None) -> None:
    """Raise `ParseRefused` unless it may be fetched.

    Args:
        uri: Where to.
        limits: Whether http:// to this machine is taken.
        before: The URL that redirects there; None: the caller named it. What the caller names has no query: it would be
            published. Nothing is published of where a server redirects to.
    """
    shown = redacted(uri)
    code = "redirect" if before else "uri"
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ParseRefused(code, message=f"{shown}: a URL with a host expected, got another form") from None
    if "@" in parts.netloc or (before is None and ("?" in uri or "#" in uri)):
        what = "without user" if before else "without user, query and fragment"
        raise ParseRefused(
            code, message=f"{shown}: a URI {what} expected", help="credentials come by name, never in a URI"
        )
    plain_before = before is None or before.startswith("http:")
    loopback = parts.scheme == "http" and limits.http_loopback and host in _LOOPBACK and plain_before
    if not host or (parts.scheme != "https" and not loopback):
        raise ParseRefused(code, message=f"{shown}: https:// expected, got {plain(parts.scheme)}:")


def redacted(uri: str) -> str:
    """What may be published of a URL: no user, no query."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return plain(uri.split(":", 1)[0].lower())
    return plain(f"{parts.scheme}://{parts.netloc.rsplit('@', 1)[-1]}{parts.path}")


class _Download:
    def __init__(self, file: RemoteFile) -> None:
        self._name = file.name
        self._uri = file._uri
        self._limits = file._limits
        self._deadline = time.monotonic() + file._limits.max_seconds
        self._offset = 0  # bytes handed out
        self._total: int | None = None
        self._validator: str | None = None  # of the version that was begun (RFC 9110, 13.1.5)

    def chunks(self) -> Iterator[bytes]:
        import httpx

        resumes = 0
        with httpx.Client(
            verify=self._trusted(),
            trust_env=False,  # no proxy, no .netrc, no authorities that somebody's environment names
            follow_redirects=False,
            timeout=httpx.Timeout(self._limits.read_s, connect=self._limits.connect_s),
            headers={"Accept-Encoding": "identity", "User-Agent": "hardline"},
        ) as client:
            while True:
                before = self._offset
                try:
                    with closing(self._open(client)) as response:
                        yield from self._body(response)
                    if self._total is None or self._offset == self._total:
                        return
                except httpx.TransportError as error:
                    self._check_tls(error)
                resumes = resumes + 1 if self._offset == before else 1
                if resumes > MAX_RESUMES or (self._offset and self._validator is None):
                    raise Unavailable(f"{self._name}: the whole file expected, got a connection that drops")

    def _trusted(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._limits.ca_file)
        except OSError as error:
            raise Misconfigured(
                f"HARDLINE_CA_FILE: certificates in PEM expected: {error.strerror or 'none found'}"
            ) from None

    def _open(self, client: httpx.Client) -> httpx.Response:
        """The response that carries the rest of the file."""
        headers = {}
        if self._offset:
            headers = {"Range": f"bytes={self._offset}-", "If-Range": self._validator or ""}
        uri = self._uri
        for _ in range(MAX_REDIRECTS + 1):
            response = client.send(client.build_request("GET", uri, headers=headers), stream=True)
            if response.status_code not in _MOVED:
                break
            response.close()
            uri = self._target(uri, response.headers.get("Location", ""))
        else:
            raise ParseRefused(
                "redirect", message=f"{self._name}: at most {MAX_REDIRECTS} redirects expected, got more"
            )
        try:
            self._check(response)
        except BaseException:
            response.close()
            raise
        return response

    def _target(self, uri: str, location: str) -> str:
        try:
            target = urljoin(uri, location)
        except ValueError:
            raise ParseRefused("redirect", message=f"{self._name}: a redirect to a URL expected") from None
        check_url(target, self._limits, before=uri)
        return target

    def _check(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in (404, 410):
            raise ParseRefused("missing", message=f"{self._name}: a file expected, got {status}", help="check the URL")
        if status in _BUSY:
            raise Unavailable(f"{self._name}: 200 expected, got {status}")
        if status not in (200, 206) or (status == 206 and not self._offset):
            raise ParseRefused("unreadable", message=f"{self._name}: 200 expected, got {status}", help="check the URL")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise ParseRefused("unreadable", message=f"{self._name}: the file as it is expected, got it encoded anew")
        if self._offset:
            self._check_resumed(response)
            return
        length = response.headers.get("Content-Length")
        chunked = "chunked" in response.headers.get("Transfer-Encoding", "")
        if length is None and not chunked:  # its end would be no different from a dropped connection
            raise ParseRefused("unreadable", message=f"{self._name}: a response that says its length expected")
        self._total = int(length) if length is not None and length.isdigit() else None
        tag = response.headers.get("ETag", "")
        self._validator = tag if tag.startswith('"') else response.headers.get("Last-Modified")
        if self._total is not None and self._total > self._limits.max_bytes:
            raise self._too_much()

    def _check_resumed(self, response: httpx.Response) -> None:
        """The same version, from where it broke off; 200 would be all of it again, and perhaps of another version."""
        wanted = f"bytes {self._offset}-"
        found = response.headers.get("Content-Range", "")
        total = found.rsplit("/", 1)[-1]
        if response.status_code != 206 or not found.startswith(wanted) or (self._total and total != str(self._total)):
            raise ParseRefused(
                "changed",
                message=f"{self._name}: the rest of the same file expected, got another one",
                help="download it to a file first: the server does not resume it",
            )

    def _body(self, response: httpx.Response) -> Iterator[bytes]:
        waiting = bytearray()
        for piece in response.iter_raw():  # as the network gives it: a byte a minute must not outlive the deadline
            waiting += piece
            if time.monotonic() > self._deadline:
                raise ParseRefused(
                    "limits", message=f"{self._name}: a download of at most {self._limits.max_seconds} s expected"
                )
            if self._offset + len(waiting) > self._limits.max_bytes:
                raise self._too_much()
            if len(waiting) >= _CHUNK_BYTES:
                yield self._given(waiting)
                waiting = bytearray()
        if waiting:
            yield self._given(waiting)

    def _given(self, data: bytearray) -> bytes:
        self._offset += len(data)
        return bytes(data)

    def _too_much(self) -> ParseRefused:
        return ParseRefused(
            "limits",
            message=f"{self._name}: at most {self._limits.max_bytes} bytes expected, got more",
            help="split it, or set HARDLINE_MAX_DOWNLOAD_GIB",
        )

    def _check_tls(self, error: httpx.TransportError) -> None:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise ParseRefused(
                    "tls",
                    message=f"{self._name}: a certificate that a trusted authority signed for this host expected",
                    help="name the authority's certificate by HARDLINE_CA_FILE, if the server is yours",
                ) from None
            cause = cause.__cause__ or cause.__context__
