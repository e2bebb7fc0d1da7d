"""Reading what somebody named: a plain file of an expected size, or an error at once."""

import os

import pytest

from hardline.infra.plain_file import read_file


def test_a_file_is_read_whole_through_a_link_too(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "link", 5) == b"12345"
    with pytest.raises(OSError, match="at most 4 bytes"):
        read_file(tmp_path / "file", 4)


@pytest.mark.parametrize(
    ("name", "said"),
    [("pipe", "a pipe"), ("/dev/zero", "a device"), ("folder", "a folder"), ("none", "No such"),
     ("nul\0", "name"), ("x" * 5000, "too long")],
)  # fmt: skip
def test_what_is_no_plain_file_is_an_error_at_once(tmp_path, name, said):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=said):
        read_file(os.path.join(tmp_path, name), 100)


def test_what_else_must_hold_is_asked_before_the_file_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")

    def never(status):
        raise PermissionError(f"size {status.st_size}")

    with pytest.raises(PermissionError, match="size 5"):
        read_file(tmp_path / "file", 100, never)
