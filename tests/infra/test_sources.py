"""Where sources come from, and what is said of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hardline.infra.parsers.errors import ParseRefused
from hardline.infra.parsers.sources import open_sources, redact_uri


def open_source(uri: str):
    """The one file of a CSV source."""
    (file,) = open_sources(uri, format="csv", compression="none")
    return file.chunks()


def test_a_file_is_read_by_path_and_by_uri(tmp_path: Path) -> None:
    path = tmp_path / "a b#?%41.csv"
    path.write_bytes(bytes(3_000_000))
    link = tmp_path / "link"
    link.symlink_to(path)
    uri = path.as_uri()
    for name in (str(path), uri, uri.replace("file://", "file://localhost"), str(link)):
        chunks = list(open_source(name))
        assert b"".join(chunks) == bytes(3_000_000)
        assert max(map(len, chunks)) <= 1 << 20


def test_a_path_with_a_colon_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "day:2024.csv").write_bytes(b"x")
    assert list(open_source("day:2024.csv")) == [b"x"]


@pytest.mark.parametrize(
    ("uri", "code", "says"),
    [
        ("nothing.csv", "missing", "nothing.csv"),
        ("file.csv/below", "missing", "below"),
        ("", "uri", "names a file"),
        ("a\0b", "uri", "names a file"),
        (".", "missing", ".csv: at least one file expected"),
        ("pipe", "unreadable", "got a device or a pipe"),
        ("/dev/null", "unreadable", "got a device or a pipe"),
        ("s3://bucket/key.csv", "uri", "https:// expected, got s3:"),
        ("http://host/data.csv", "uri", "https:// expected, got http:"),
        ("ftp://host/data.csv", "uri", "https:// expected, got ftp:"),
        ("https:///data.csv", "uri", "https:// expected"),
        ("nothing*.csv", "missing", "at least one file"),
        ("../*/../*.csv", "uri", "a pattern"),
        ("https://user:canary@host/data.csv", "uri", "https://host/data.csv: a URI without user"),
        ("https://host/data.csv?token=canary", "uri", "https://host/data.csv: a URI without user, query"),
        ("https://host/data.csv#canary", "uri", "without user, query and fragment"),
        ("https://[canary", "uri", "a URL with a host"),
        ("file://host/data.csv", "uri", "file:///absolute/path"),
        ("file:///a%00b", "uri", "file:///absolute/path"),
        ("file:///nothing/here.csv", "missing", "/nothing/here.csv"),
    ],
)
def test_what_is_no_source_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str, code: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if uri != ".":
        (tmp_path / "file.csv").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ParseRefused) as refused:
        open_source(uri)
    assert (refused.value.code, refused.value.exit_code) == (code, 3)
    assert says in str(refused.value)
    assert "canary" not in str(refused.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.touch(mode=0)
    with pytest.raises(ParseRefused, match=r"file\.csv: a readable file expected: Permission denied"):
        list(open_source(str(path)))


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("/home/someone/data.csv", "data.csv"),
        ("data.csv", "data.csv"),
        ("folder/", "folder"),
        ("/", "?"),
        ("file:///home/someone/a%20b.csv", "a b.csv"),
        ("s3://bucket/folder/key.csv", "s3://bucket/folder/key.csv"),
        ("https://user:canary@host:8443/a.csv?token=canary#canary", "https://host:8443/a.csv"),
        ("https://[canary", "https"),
        ("evil\n\x1b[31mname", "evil??[31mname"),
    ],
)
def test_what_is_published_of_a_uri_names_no_folder_and_no_secret(uri: str, shown: str) -> None:
    assert redact_uri(uri) == shown
