"""A Prefect server of a home's own: a child process on loopback, for as long as one run lasts.

Its database lies in `prefect/` of the home and is kept, so that only the first start pays for the migrations. It shows
and schedules, and is no record: a database that cannot be used is replaced by a new one.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from hardline.infra.errors import Unavailable
from hardline.infra.locks import file_lock

START_SECONDS: Final = 180  # the migrations of a new database alone take 10 s of one core
STOP_SECONDS: Final = 8
_PASSED_ON: Final = ("HOME", "LANG", "PATH", "PYTHONPATH", "TMPDIR", "TZ", "VIRTUAL_ENV")


class Server:
    """One server child.

    Start it in the main thread: the kernel ends the child with the thread that started it. `start` returns at once; the
    child takes seconds to answer, in which its parent can do other work before it calls `wait`.
    """

    def __init__(self, folder: Path) -> None:
        """Args:
        folder: The server's own folder; nothing is touched outside.
        """
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._auth = ""

    def start(self) -> None:
        """Start the child, after ending one that an earlier run left.

        Raises:
            Unavailable: No process or no socket can be had.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        end_stale(self._folder)
        self._auth = f"hardline:{secrets.token_urlsafe(32)}"
        try:
            self._spawn()
        except OSError as error:
            raise Unavailable(f"the Prefect server cannot be started: {error.strerror or error}") from None

    def wait(self) -> None:
        """Return once the server answers.

        A server that dies before it answers is started once more with a new database.

        Raises:
            Unavailable: It does not answer.
        """
        if self._answers():
            return
        self.stop()
        for path in self._folder.glob("prefect.db*"):
            path.unlink()
        self.start()
        if not self._answers():
            self.stop()
            raise Unavailable(
                "the Prefect server: an answer expected, got none", help=f"see {self._folder / 'server.log'}"
            )

    def stop(self) -> None:
        """End the child, politely first; harmless if there is none."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        (self._folder / "server.pid").unlink(missing_ok=True)

    @property
    def pid(self) -> int | None:
        """The child's process id."""
        return None if self._process is None else self._process.pid

    @property
    def environment(self) -> Mapping[str, str]:
        """What a client must have in its environment before it imports prefect."""
        return {
            "PREFECT_HOME": str(self._folder),
            "PREFECT_API_URL": f"http://127.0.0.1:{self._port}/api",
            "PREFECT_API_AUTH_STRING": self._auth,
            "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
            # Measured on 3.8.8: a flow that fails pickles its exception to result storage whatever it is told, and a
            # pickle that is read again runs code. There is no place to write it to.
            "PREFECT_RESULTS_LOCAL_STORAGE_PATH": os.devnull,
        }

    def _spawn(self) -> None:
        """The socket listens before the child lives: no port can be lost in between, and no client need poll."""
        with socket.create_server(("127.0.0.1", 0)) as listener, _private(self._folder / "server.log") as log:
            self._port = listener.getsockname()[1]
            descriptor = listener.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(Path(__file__).with_name("child.py")), str(descriptor), str(os.getpid())],
                pass_fds=(descriptor,),
                cwd=self._folder,  # Prefect reads prefect.toml and .env of its working directory
                env=self._child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt at the terminal is the parent's to handle
            )
        started = _start_time(self._process.pid)
        with _private(self._folder / "server.pid") as file:
            file.write(json.dumps({"pid": self._process.pid, "started": started}).encode())

    def _child_environment(self) -> dict[str, str]:
        own = {
            "DO_NOT_TRACK": "1",
            "PREFECT_HOME": str(self._folder),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_API_AUTH_STRING": self._auth,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{self._folder / 'prefect.db'}",
            "PREFECT_SERVER_UI_ENABLED": "false",
            "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
            "PREFECT__SERVER_EPHEMERAL": "1",  # without the schedulers: nothing is scheduled on this server
            "PREFECT__SERVER_FINAL": "1",
        }
        return {**{name: os.environ[name] for name in _PASSED_ON if name in os.environ}, **own}

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/api/health")  # waits in the socket's backlog until the child accepts
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):  # a dead child resets the connection
            return False
        finally:
            connection.close()


@contextmanager
def own_server(home: Path) -> Iterator[Server]:
    """A started server of a home, which is gone when the block ends.

    Raises:
        Unavailable: Another process runs one in this home.
    """
    folder = home / "prefect"
    with file_lock(folder / "server.lock"):
        server = Server(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def end_stale(folder: Path) -> None:
    """End the server that a killed run left, if the recorded process is still that one."""
    path = folder / "server.pid"
    try:
        recorded = json.loads(path.read_bytes())
        pid, started = int(recorded["pid"]), str(recorded["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if started and _start_time(pid) == started:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    path.unlink(missing_ok=True)


def _start_time(pid: int) -> str:
    """When a process began, in a form that only this process of this boot has; empty: there is none, or nobody knows."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _start_time_by_ps(pid)
    return "" if fields[0] == "Z" else f"{boot} {fields[19]}"  # proc(5): field 22, clock ticks after boot


def _start_time_by_ps(pid: int) -> str:
    """The same where there is no /proc (macOS)."""
    ps = shutil.which("ps")
    if ps is None or sys.platform == "linux":
        return ""
    command = [ps, "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner reads."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
