"""A full disk, really: a 256 KiB file system that each adapter fills."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from pathlib import Path
from hardline.infra.emitters.file import FileEmitter
from hardline.infra.errors import Unavailable
from hardline.infra.keys import passphrase
from hardline.infra.keys.file_vault import FileVault
from hardline.infra.locks import file_lock
from hardline.infra.logstore.sql import SqlLog
from hardline.infra.storage.filesystem import FilesystemStore

root = Path(sys.argv[1])
store = FilesystemStore(root / "store")
log = SqlLog(f"sqlite:///{root / 'log.db'}")
vault = FileVault(root / "keys", lambda: b"passphrase")
with log.transaction() as head:
    head.append([b"first"], b"checkpoint 1")
vault.create_secret("one")
before = sorted(path.name for path in (root / "keys").iterdir())

def append():
    with log.transaction() as head:
        head.append([bytes(400_000)], b"checkpoint 2")

def lock():
    with file_lock(root / "new" / "lock"):
        pass

refused = {}
def expect(name, call):
    try:
        call()
    except Unavailable as error:
        refused[name] = str(error)
    else:
        print("not refused:", name)

expect("put", lambda: store.put("a/b", bytes(400_000)))
expect("replace", lambda: store.replace("a/b", [bytes(200_000)] * 2))
assert store.list("") == [], store.list("")
assert not [path for path in (root / "store").rglob("*") if path.is_file()]
expect("log", append)
assert log.read() == ([b"first"], b"checkpoint 1")
with open(root / "filler", "wb", buffering=0) as filler:
    try:
        while filler.write(bytes(4096)):
            pass
    except OSError:
        pass
expect("secret", lambda: vault.create_secret("two"))
expect("passphrase", lambda: passphrase.generate(root / "config" / "passphrase"))
expect("event", lambda: FileEmitter(root / "logs").emit(b"{}" * 4000))
expect("lock", lock)
assert sorted(path.name for path in (root / "keys").iterdir()) == before
assert not (root / "config" / "passphrase").exists()
assert vault.secret("one")
for name, message in refused.items():
    assert "No space left" in message or "full" in message, (name, message)
    print(name)
"""


def test_every_adapter_says_so_and_leaves_nothing_half(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=256k none "$1" && exec "$2" -c "$3" "$1"'
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(tmp_path)]
    probe = subprocess.run([*inside, "true", ""], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("this machine lets nobody mount a file system in a namespace")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ended = subprocess.run(
        [*inside, sys.executable, PROGRAM], capture_output=True, text=True, check=False, env=environment
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["put", "replace", "log", "secret", "passphrase", "event", "lock"]
