"""The server child: private, alone, and gone whatever happens to its parent."""

import http.client
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from hardline.infra.errors import Unavailable
from hardline.infra.prefect import server
from hardline.infra.prefect.server import Server

ROOT = Path(server.__file__).resolve().parents[2]


pytestmark = pytest.mark.xdist_group("prefect")


def test_it_answers_its_own_client_only(running):
    _, child = running
    auth = child.environment["PREFECT_API_AUTH_STRING"]
    assert _status(child, {}) == 401
    assert _status(child, {"Authorization": f"Basic {b64encode(b'hardline:guess').decode()}"}) == 401
    assert _status(child, {"Authorization": f"Basic {b64encode(auth.encode()).decode()}"}) == 200


def test_it_listens_on_loopback_and_its_files_are_private(running):
    home, child = running
    address = child.environment["PREFECT_API_URL"]
    assert address.startswith("http://127.0.0.1:")
    for path in [home / "prefect", *(home / "prefect").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_second_one_in_the_same_home_is_refused(running):
    home, _ = running
    code = "import sys; from pathlib import Path; from hardline.infra.prefect.server import own_server\n"
    code += "with own_server(Path(sys.argv[1])): pass"
    second = subprocess.run([sys.executable, "-c", code, str(home)], cwd=ROOT, capture_output=True, text=True)
    assert second.returncode != 0
    assert f"another run works on this home (pid {os.getpid()})" in second.stderr


def test_kill_9_of_the_parent_leaves_no_process_and_no_port(tmp_path):
    code = """
import sys, time
from pathlib import Path
from hardline.infra.prefect.server import own_server
with own_server(Path(sys.argv[1])) as child:
    print(child.pid, child.environment["PREFECT_API_URL"], flush=True)
    time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pid, address = parent.stdout.readline().split()
    watched = os.pidfd_open(int(pid))
    assert server._start_time(int(pid))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    gone, _, _ = select.select([watched], [], [], 10.0)
    os.close(watched)
    assert gone
    port = int(address.split(":")[2].split("/")[0])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_stale_one_is_ended_at_the_next_start(tmp_path):
    stale = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    _record(tmp_path, stale.pid, server._start_time(stale.pid))
    server.end_stale(tmp_path)
    assert stale.wait(10) == -signal.SIGKILL
    assert not (tmp_path / "server.pid").exists()


def test_a_process_that_only_has_the_same_number_lives_on(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    _record(tmp_path, other.pid, "another boot 1")
    server.end_stale(tmp_path)
    assert other.poll() is None
    other.kill()
    other.wait()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"pid": "x", "started": 1}', b"\xff"])
def test_a_damaged_pid_file_is_no_obstacle(tmp_path, content):
    (tmp_path / "server.pid").write_bytes(content)
    server.end_stale(tmp_path)


def test_a_server_that_dies_is_started_once_more_with_a_new_database(tmp_path, monkeypatch):
    """With a child that dies as long as a database is there, and one that always dies."""
    child = tmp_path / "child.py"
    child.write_text(
        "import http.server, os, pathlib, socket, sys\n"
        "if pathlib.Path('prefect.db').exists(): sys.exit(1)\n"
        "class Yes(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.send_response(200); self.end_headers()\n"
        "    def log_message(self, *_): pass\n"
        "there = http.server.HTTPServer(('127.0.0.1', 0), Yes, bind_and_activate=False)\n"
        "there.socket.close(); there.socket = socket.socket(fileno=int(sys.argv[1])); there.handle_request()\n"
    )
    monkeypatch.setattr(server, "__file__", str(tmp_path / "server.py"))
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "prefect.db").write_bytes(b"damaged")
    mended = Server(folder)
    mended.start()
    mended.wait()
    mended.stop()
    assert not (folder / "prefect.db").exists()
    child.write_text("raise SystemExit(1)")
    dead = Server(folder)
    dead.start()
    with pytest.raises(Unavailable, match="an answer expected, got none"):
        dead.wait()
    assert dead.pid is None


def _record(folder, pid, started):
    (folder / "server.pid").write_text(json.dumps({"pid": pid, "started": started}))


def _status(child, headers):
    host, port = child.environment["PREFECT_API_URL"].removeprefix("http://").removesuffix("/api").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("POST", "/api/flow_runs/filter", body="{}", headers=headers)
    try:
        return connection.getresponse().status
    finally:
        connection.close()
