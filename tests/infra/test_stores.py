"""The object store's contract, on every adapter; and what only the one on disk must do."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hardline.infra.errors import Conflict, Misconfigured, NotFound, Unavailable
from hardline.infra.ports import ObjectInfo, ObjectStore
from hardline.infra.storage.filesystem import FilesystemStore
from hardline.infra.storage.memory import MemoryStore


@pytest.fixture(params=["filesystem", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return FilesystemStore(tmp_path / "store") if request.param == "filesystem" else MemoryStore()


@pytest.mark.parametrize("data", [b"", b"x" * 3_000_000, bytearray(b"abc"), memoryview(b"abc"), [b"a", b"", b"bc"]])
def test_what_is_put_is_what_is_got(store: ObjectStore, data: object) -> None:
    expected = b"".join(data) if isinstance(data, list) else bytes(data)  # type: ignore[arg-type, call-overload]
    store.put("a/b/c.bin", data)  # type: ignore[arg-type]
    assert store.get("a/b/c.bin") == expected
    pieces = list(store.stream("a/b/c.bin", chunk=1 << 16))
    assert b"".join(pieces) == expected
    assert all(0 < len(piece) <= 1 << 16 for piece in pieces)


def test_a_put_never_overwrites(store: ObjectStore) -> None:
    store.put("a", b"first")
    with pytest.raises(Conflict, match="a: nothing of that name"):
        store.put("a", b"second")
    assert store.get("a") == b"first"


def test_replace_overwrites(store: ObjectStore) -> None:
    store.replace("a/b", b"first")
    store.replace("a/b", b"second")
    assert store.get("a/b") == b"second"


def test_what_is_missing_is_not_found(store: ObjectStore) -> None:
    store.put("a/b", b"")
    for path in ("nothing", "a", "a/b/c", "a/c"):
        with pytest.raises(NotFound):
            store.get(path)
        with pytest.raises(NotFound):  # before the first chunk is asked for
            store.stream(path)


def test_lists_are_sorted_and_end_at_whole_segments(store: ObjectStore) -> None:
    for path in ("b/2", "b/1", "ba/1", "c"):
        store.put(path, b"xy")
    assert [info.path for info in store.list("")] == ["b/1", "b/2", "ba/1", "c"]
    assert store.list("b") == [ObjectInfo("b/1", 2), ObjectInfo("b/2", 2)]
    assert store.list("c") == [ObjectInfo("c", 2)]
    assert store.list("d") == []


def test_a_deleted_object_is_gone_and_its_name_is_free(store: ObjectStore) -> None:
    store.put("a/b/c", b"1")
    store.put("a/d", b"2")
    store.delete("a/b/c")
    store.delete("a/b/c")
    assert [info.path for info in store.list("")] == ["a/d"]
    store.put("a/b/c", b"3")
    assert store.get("a/b/c") == b"3"


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a/.tmp-1-x", "a b", "a\n", "-a", "\u00e4", "a" * 513]
)
def test_other_paths_are_refused_everywhere(store: ObjectStore, path: str) -> None:
    for call in (store.get, store.stream, store.delete, lambda p: store.put(p, b""), lambda p: store.replace(p, b"")):
        with pytest.raises(Misconfigured):
            call(path)  # type: ignore[operator]
    if path:
        with pytest.raises(Misconfigured):
            store.list(path)


def test_of_many_writers_of_one_name_one_wins(store: ObjectStore) -> None:
    def put(number: int) -> bool:
        try:
            store.put("deep/er/one", bytes([number]) * 1000)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(put, range(24)))
    assert sum(won) == 1
    assert store.get("deep/er/one") == bytes([won.index(True)]) * 1000


def test_a_source_that_fails_leaves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    def broken() -> object:
        yield b"half"
        raise NotFound("the other half")

    with pytest.raises(NotFound, match="other half"):
        store.put("a/b", broken())  # type: ignore[arg-type]
    assert store.list("") == []
    assert not [name for _, _, names in os.walk(tmp_path) for name in names]


def test_files_and_folders_are_ours_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        FilesystemStore(tmp_path / "s").put("a/b", b"")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE((tmp_path / "s" / path).lstat().st_mode) for path in map(Path, ("a", "a/b"))}
    assert modes == {"a": 0o700, "b": 0o600}


def test_a_killed_writer_leaves_no_object_and_is_swept(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom hardline.infra.storage.filesystem import FilesystemStore\n"
        "def half():\n    yield b'half'\n    os.kill(os.getpid(), 9)\n"
        "FilesystemStore(Path(sys.argv[1])).put('a/b', half())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=_environment(), check=False)
    assert ended.returncode == -signal.SIGKILL
    assert [path.name[:5] for path in (tmp_path / "a").iterdir()] == [".tmp-"]
    ours = tmp_path / "a" / f".tmp-{os.getpid()}-00"
    ours.touch()
    store = FilesystemStore(tmp_path)
    assert list((tmp_path / "a").iterdir()) == [ours], "the living writer's file stays, the dead one's goes"
    assert store.list("") == []


def test_links_inside_the_store_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    store = FilesystemStore(tmp_path / "s")
    store.put("a/plain", b"1")
    (tmp_path / "s" / "folder").symlink_to(tmp_path / "outside")
    (tmp_path / "s" / "a" / "file").symlink_to(tmp_path / "outside" / "secret")
    for path in ("folder/secret", "a/file"):
        with pytest.raises(NotFound):
            store.get(path)
        with pytest.raises(NotFound):
            store.stream(path)
    with pytest.raises(Misconfigured, match="link"):
        store.put("folder/new", b"")
    with pytest.raises(Misconfigured, match="link"):
        store.replace("folder/secret", b"")
    with pytest.raises(Misconfigured, match="link"):
        store.delete("folder/secret")
    with pytest.raises(Conflict):
        store.put("a/file", b"")
    store.replace("a/file", b"ours")  # takes the link's place, not its target's
    assert (tmp_path / "outside" / "secret").read_bytes() == b"secret"
    assert list((tmp_path / "outside").iterdir()) == [tmp_path / "outside" / "secret"]
    assert "folder" in {info.path for info in store.list("")}, "a stranger is seen"


def test_a_pipe_in_the_store_does_not_hang(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    os.mkfifo(tmp_path / "a")
    with pytest.raises(NotFound):
        store.get("a")


def test_what_nobody_put_is_listed(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".hidden").write_bytes(b"x")
    (tmp_path / "a" / "with space").write_bytes(b"")
    assert store.list("") == [ObjectInfo("a/.hidden", 1), ObjectInfo("a/with space", 0)]


def test_an_object_in_a_folders_place_is_named(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    store.put("a", b"")
    with pytest.raises(Misconfigured, match="a/b"):
        store.put("a/b", b"")
    store.put("c/d", b"")
    for write in (store.put, store.replace):
        with pytest.raises(Conflict):
            write("c", b"")


def test_a_folder_that_cannot_be_used_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((Unavailable, Misconfigured)):
        FilesystemStore(tmp_path / "file" / "store").put("a", b"")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
