"""A real TLS server that misbehaves in every way that a download must withstand."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hardline.infra.errors import Misconfigured, Unavailable
from hardline.infra.parsers.errors import ParseRefused
from hardline.infra.parsers.remote_files import RemoteLimits
from hardline.infra.parsers.sources import open_sources

BODY = bytes(range(256)) * 20_000  # 5 MB
TAG = '"version-1"'


def certificate(folder, name: str, host: str):
    """A self-made authority that is its own server; returns the paths of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    alternative = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(private)
    return folder / f"{name}.pem", folder / f"{name}.key"


class Site:
    """One server; `answer` is what it does with a request, `asked` what it was asked for."""

    def __init__(self, tls: tuple | None) -> None:
        self.answer: Callable[[BaseHTTPRequestHandler], None] = whole
        self.asked: list[tuple[str, str | None, str | None]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.asked.append((self.path, self.headers.get("Range"), self.headers.get("If-Range")))
                self.close_connection = True
                with suppress(OSError):  # the client has gone, as it should
                    site.answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *arguments: object) -> None:
                pass  # a client that refuses the certificate

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


def send(handler, status=200, body=b"", length=None, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    if length is not False:
        handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


def whole(handler):
    send(handler, 200, BODY, ETag=TAG)


def dropping(times: int, at: int = 2_000_000, tag: str | None = TAG):
    """Serves ranges, and drops the connection that often."""
    left = [times]

    def answer(handler):
        wanted = handler.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        rest = BODY[start:]
        headers = {"ETag": tag} if tag else {}
        if wanted:
            headers["Content_Range"] = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        cut = left[0] > 0
        left[0] -= 1
        send(handler, 206 if wanted else 200, rest[:at] if cut else rest, len(rest), **headers)

    return answer


def moved(*targets, status=302):
    queue = list(targets)

    def answer(handler):
        send(handler, status, Location=queue.pop(0)) if queue else whole(handler)

    return answer


def endless(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    while True:
        handler.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")


def trickle(handler):
    import time

    send(handler, 200, b"", 1 << 20, ETag=TAG)
    for _ in range(200):
        handler.wfile.write(b"x")
        time.sleep(0.05)


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    good, other = certificate(folder, "good", "127.0.0.1"), certificate(folder, "other", "example.org")
    made = {"good": Site(good), "wrong host": Site(other), "plain": Site(None)}
    both = folder / "both.pem"
    both.write_bytes(good[0].read_bytes() + other[0].read_bytes())
    yield made, both, folder
    for site in made.values():
        site.server.shutdown()
        site.server.server_close()


@pytest.fixture
def site(sites):
    made, _, _ = sites
    made["good"].asked.clear()
    made["good"].answer = whole
    return made["good"]


def fetch(url, sites, **limits):
    options = {"ca_file": sites[1], "connect_s": 5, "read_s": 2, **limits}
    (file,) = open_sources(url, format="csv", compression="none", limits=RemoteLimits(**options))
    return b"".join(file.chunks())


def code(url, sites, **limits):
    with pytest.raises(ParseRefused) as refused:
        fetch(url, sites, **limits)
    assert refused.value.exit_code == 3
    assert "canary" not in str(refused.value)
    return refused.value.code


def test_a_file_is_fetched_over_tls(site, sites):
    assert fetch(f"{site.url}/a.csv", sites) == BODY
    assert site.asked == [("/a.csv", None, None)]


def test_a_certificate_of_nobody_we_trust_and_one_of_another_host_are_refused(sites, site):
    assert code(f"{site.url}/a.csv", sites, ca_file=None) == "tls"
    assert code(f"{sites[0]['wrong host'].url}/a.csv", sites) == "tls"
    assert not site.asked


def test_authorities_that_are_none_are_the_operators(sites, site, tmp_path):
    (tmp_path / "none.pem").write_text("none")
    for path in (tmp_path / "none.pem", tmp_path / "missing.pem"):
        with pytest.raises(Misconfigured, match="HARDLINE_CA_FILE"):
            fetch(f"{site.url}/a.csv", sites, ca_file=path)


def test_a_dropped_connection_is_resumed_where_it_broke_off(site, sites):
    site.answer = dropping(3)
    assert fetch(f"{site.url}/a.csv", sites) == BODY
    starts = [0 if asked is None else int(asked.removeprefix("bytes=").rstrip("-")) for _, asked, _ in site.asked]
    assert starts == sorted(set(starts)) and len(starts) == 4 and starts[1] >= 1 << 20
    assert {validator for _, _, validator in site.asked[1:]} == {TAG}


def test_a_connection_that_always_drops_and_one_that_cannot_be_resumed(site, sites):
    site.answer = dropping(99, at=0)
    with pytest.raises(Unavailable):
        fetch(f"{site.url}/a.csv", sites)
    assert len(site.asked) == 6
    site.answer = dropping(1, tag=None)
    with pytest.raises(Unavailable):
        fetch(f"{site.url}/a.csv", sites)


def test_another_version_is_not_joined_to_the_first(site, sites):
    first = dropping(1)

    def changed(handler):
        first(handler) if not handler.headers.get("Range") else send(handler, 200, bytes(len(BODY)), ETag='"version-2"')

    site.answer = changed
    assert code(f"{site.url}/a.csv", sites) == "changed"


@pytest.mark.parametrize("found", ["bytes 0-4/5", "bytes 5-9/77", "", f"bytes 7-15/{len(BODY)}"])
def test_a_range_that_was_not_asked_for_is_refused(site, sites, found):
    first = dropping(1)

    def wrong(handler):
        first(handler) if not handler.headers.get("Range") else send(handler, 206, b"x" * 9, Content_Range=found)

    site.answer = wrong
    assert code(f"{site.url}/a.csv", sites) == "changed"


def test_all_of_it_again_is_not_taken_for_the_rest(site, sites):
    resumed = dropping(1)

    def as_whole(handler):
        handler.send_response_only, only = lambda status, *rest: only(200, *rest), handler.send_response_only
        resumed(handler)

    site.answer = as_whole
    assert code(f"{site.url}/a.csv", sites) == "changed"


def test_redirects_over_tls_are_followed_five_times(site, sites):
    site.answer = moved(f"{site.url}/b?signature=canary", "/c", "d", "/e", "/f")
    assert fetch(f"{site.url}/a.csv", sites) == BODY
    site.answer = moved(*["/again"] * 6)
    assert code(f"{site.url}/a.csv", sites) == "redirect"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/a", "http://example.org/a", "ftp://example.org/a", "file:///etc/passwd",
        "https://user:canary@127.0.0.1/a", "https://[canary",
    ],
)  # fmt: skip
def test_a_redirect_to_anything_but_https_is_refused(site, sites, target):
    site.answer = moved(target)
    assert code(f"{site.url}/a.csv", sites, http_loopback=True) == "redirect"
    assert len(site.asked) == 1


def test_plain_http_is_for_loopback_and_only_where_it_is_allowed(sites):
    url = f"{sites[0]['plain'].url}/a.csv"
    assert code(url, sites) == "uri"
    assert fetch(url, sites, http_loopback=True) == BODY
    assert code("http://example.org/a.csv", sites, http_loopback=True) == "uri"


def test_an_endless_download_and_one_that_is_too_long(site, sites):
    site.answer = endless
    assert code(f"{site.url}/a.csv", sites, max_bytes=3 << 20) == "limits"
    site.answer = whole
    assert code(f"{site.url}/a.csv", sites, max_bytes=1 << 20) == "limits"
    site.answer = trickle
    assert code(f"{site.url}/a.csv", sites, max_seconds=0) == "limits"


def test_a_silent_server_is_given_up(site, sites):
    site.answer = lambda handler: threading.Event().wait(1.5)
    with pytest.raises(Unavailable):
        fetch(f"{site.url}/a.csv", sites, read_s=0.1)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, "missing"),
        (410, "missing"),
        (401, "unreadable"),
        (403, "unreadable"),
        (204, "unreadable"),
        (206, "unreadable"),
    ],
)
def test_a_status_that_is_no_file(site, sites, status, expected):
    site.answer = lambda handler: send(handler, status)
    assert code(f"{site.url}/a.csv", sites) == expected


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_may_be_asked_again(site, sites, status):
    site.answer = lambda handler: send(handler, status)
    with pytest.raises(Unavailable) as refused:
        fetch(f"{site.url}/a.csv", sites)
    assert refused.value.exit_code == 6


def test_a_body_without_length_and_one_that_was_encoded_anew_are_refused(site, sites):
    site.answer = lambda handler: send(handler, 200, BODY, False)
    assert code(f"{site.url}/a.csv", sites) == "unreadable"
    site.answer = lambda handler: send(handler, 200, BODY, Content_Encoding="gzip")
    assert code(f"{site.url}/a.csv", sites) == "unreadable"
