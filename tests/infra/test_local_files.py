"""Folders and patterns as sources: what is taken, in which order, and what is refused on the way."""

from __future__ import annotations

import os

import pytest

from hardline.infra.errors import HardlineError
from hardline.infra.parsers import local_files
from hardline.infra.parsers.errors import ParseRefused
from hardline.infra.parsers.sources import open_sources


def made(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def listed(uri, format_="csv", compression="none"):
    return [file.name for file in open_sources(str(uri), format=format_, compression=compression)]


def refused(uri, **stated):
    with pytest.raises(ParseRefused) as caught:
        listed(uri, **stated)
    return caught.value


def test_a_folder_is_its_files_of_the_format_by_name(tmp_path):
    made(tmp_path, "b.csv", "a.csv", "B.CSV", "sub/z.csv", "sub/deep/a.csv", "README.md", ".hidden.csv", ".git/x.csv")
    assert listed(tmp_path) == ["B.CSV", "a.csv", "b.csv", "sub/deep/a.csv", "sub/z.csv"]
    files = open_sources(tmp_path.as_uri(), format="csv", compression="none")
    assert [b"".join(file.chunks()).decode() for file in files] == [file.name for file in files]


def test_a_folder_that_holds_another_format_too_is_refused(tmp_path):
    made(tmp_path, "a.csv", "b.csv.gz")
    error = refused(tmp_path)
    assert error.code == "format" and "b.csv.gz" in str(error) and "property source" in str(error)
    assert refused(tmp_path, format_="csv", compression="gzip").code == "format"
    assert listed(tmp_path / "*.gz", compression="gzip") == ["b.csv.gz"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.csv", ["a.csv", "b.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("[b-z].csv", ["b.csv"]),
        ("sub/*.csv", ["c.csv"]),
        ("*/*.csv", ["sub/c.csv"]),
        ("**/*.csv", ["a.csv", "b.csv", "sub/c.csv", "sub/deep/d.csv"]),
        ("**/deep/*", ["sub/deep/d.csv"]),
    ],
)
def test_a_pattern_names_files(tmp_path, pattern, names):
    made(tmp_path, "a.csv", "b.csv", "sub/c.csv", "sub/deep/d.csv", ".e.csv", "sub/.f/g.csv")
    assert listed(tmp_path / pattern) == names


def test_a_name_that_exists_is_no_pattern(tmp_path):
    made(tmp_path, "a[1].csv", "a1.csv")
    assert listed(tmp_path / "a[1].csv") == ["a[1].csv"]


@pytest.mark.parametrize("link", ["file", "folder", "out", "dangling"])
def test_a_link_in_a_folder_is_refused(tmp_path, link):
    root = made(tmp_path / "data", "a.csv", "sub/b.csv")
    (tmp_path / "secret.csv").write_text("secret")
    target = {"file": root / "a.csv", "folder": root / "sub", "out": tmp_path / "secret.csv", "dangling": root / "no"}[
        link
    ]
    (root / "z.csv").symlink_to(target)
    assert refused(root).code == "link"
    assert refused(root / "*.csv").code == "link"


def test_the_folder_itself_may_be_a_link(tmp_path):
    made(tmp_path / "data", "a.csv")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert listed(tmp_path / "link") == ["a.csv"]


def test_a_folder_that_becomes_a_link_after_it_was_listed_leads_nowhere(tmp_path):
    root = made(tmp_path / "data", "sub/a.csv")
    (file,) = open_sources(str(root), format="csv", compression="none")
    other = made(tmp_path / "other", "a.csv")
    (root / "sub" / "a.csv").rename(tmp_path / "kept.csv")
    (root / "sub").rmdir()
    (root / "sub").symlink_to(other)
    with pytest.raises(ParseRefused) as caught:
        list(file.chunks())
    assert caught.value.code == "changed"


@pytest.mark.parametrize("change", ["grows", "shrinks", "is written again", "is replaced", "is removed"])
def test_a_file_that_changes_is_refused(tmp_path, change):
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(3 << 20))
    (file,) = open_sources(str(path), format="csv", compression="none")
    chunks = file.chunks()
    if change == "is removed":
        path.unlink()
    elif change == "is replaced":
        (tmp_path / "b").write_bytes(bytes(3 << 20))
        (tmp_path / "b").rename(path)
    else:
        next(chunks)
        with path.open("r+b") as other:
            if change == "shrinks":
                other.truncate(1 << 20)
            else:
                other.seek(0, os.SEEK_END if change == "grows" else os.SEEK_SET)
                other.write(b"x")
    with pytest.raises(ParseRefused) as caught:
        list(chunks)
    assert caught.value.code == "changed" and caught.value.exit_code == 3


def test_names_are_shown_without_tricks(tmp_path):
    made(tmp_path, "evil\n\x1b[31mname.csv", "a,b;$(rm).csv")
    (tmp_path / os.fsdecode(b"\xff.csv")).write_text("x")
    assert listed(tmp_path) == ["a,b;$(rm).csv", "evil??[31mname.csv", "?.csv"]
    assert len(b"".join(list(open_sources(str(tmp_path), format="csv", compression="none"))[2].chunks())) == 1


def test_too_deep_and_too_many(tmp_path, monkeypatch):
    made(tmp_path, "/".join("abcdefghij") + "/a.csv")
    assert refused(tmp_path).code == "limits"
    monkeypatch.setattr(local_files, "MAX_FILES", 2)
    made(tmp_path / "many", "1.csv", "2.csv", "3.csv")
    assert refused(tmp_path / "many").code == "limits"


def test_what_is_no_file_is_not_taken(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    assert refused(tmp_path).code == "missing"
    assert isinstance(refused(tmp_path / "nothing" / "*.csv"), HardlineError)
