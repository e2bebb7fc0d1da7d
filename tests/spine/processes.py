"""A command in a process of its own, and everything that it starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "hardline.flows.command_line"]


def environment(folder: Path) -> dict[str, str]:
    """A user of its own below `folder`: home, configuration, temporary files."""
    (folder / "temporary").mkdir(parents=True, exist_ok=True)
    if not (folder / "passphrase").exists():
        (folder / "passphrase").touch(0o600)
        (folder / "passphrase").write_text("a passphrase of the tests")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "HARDLINE", "XDG"))}
    return kept | {
        "HOME": str(folder),
        "TMPDIR": str(folder / "temporary"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "HARDLINE_HOME": str(folder / "home"),
        "HARDLINE_PASSPHRASE_FILE": str(folder / "passphrase"),
        "PYTHONPATH": str(ROOT),
    }


def start(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    """The program with these arguments, as that user, in that user's folder."""
    return subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def call(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The same, to its end."""
    with start(folder, *arguments) as process:
        out, err = process.communicate(timeout=300)
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def family(pid: int) -> dict[int, str]:
    """The process and all that it started, each with what tells it from a later process of the same number."""
    found = {pid: _started(pid)}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found |= family(int(child))
    return found


def ports(pids: dict[int, str]) -> set[int]:
    """The TCP ports that they listen on."""
    sockets = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                sockets.add(os.readlink(descriptor))
            except OSError:
                continue
    found = set()
    for line in [
        *Path("/proc/net/tcp").read_text().splitlines()[1:],
        *Path("/proc/net/tcp6").read_text().splitlines()[1:],
    ]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
            found.add(int(fields[1].rsplit(":", 1)[1], 16))
    return found


def refuse_left_over(pids: dict[int, str], listening: set[int], seconds: float = 10) -> None:
    """All of them end, and their ports with them."""
    end = time.monotonic() + seconds
    while alive := [pid for pid, started in pids.items() if started and _started(pid) == started]:
        assert time.monotonic() < end, f"{len(alive)} processes live on"
        time.sleep(0.05)
    while still := [port for port in listening if _answers(port)]:  # the kernel closes it after the process is a zombie
        assert time.monotonic() < end, f"port {still[0]} is open"
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _started(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
