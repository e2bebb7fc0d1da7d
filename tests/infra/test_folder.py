"""An exported folder, read as an attacker may have left it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hardline.infra.errors import NotFound
from hardline.infra.storage.descent import SPECIAL
from hardline.infra.storage.folder import ReadOnlyFolder


def test_every_file_is_listed_hidden_ones_too(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_bytes(b"abc")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"")
    folder = ReadOnlyFolder(tmp_path)
    assert folder.paths() == {".git/config": 3, "a/b": 0}
    assert folder.read(".git/config") == b"abc"


def test_links_and_devices_are_listed_as_no_file_and_never_read(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret").write_bytes(b"secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").symlink_to(tmp_path / "out" / "secret")
    (root / "folder").symlink_to(tmp_path / "out")
    (root / "dangling").symlink_to(tmp_path / "nothing")
    os.mkfifo(root / "pipe")
    folder = ReadOnlyFolder(root)
    assert folder.paths() == dict.fromkeys(["file", "folder", "dangling", "pipe"], SPECIAL)
    for path in ("file", "folder", "folder/secret", "dangling", "pipe"):
        with pytest.raises(NotFound):
            folder.read(path)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../out", "a/../../out", "a//b", "./a", "a\0b", "nothing", "a/b"])
def test_no_path_leaves_the_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "out").write_bytes(b"secret")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a").write_bytes(b"")
    with pytest.raises(NotFound):
        ReadOnlyFolder(tmp_path / "root").read(path)


def test_a_folder_is_expected(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file", "nothing"):
        with pytest.raises(NotFound, match="a folder expected"):
            ReadOnlyFolder(tmp_path / name)
