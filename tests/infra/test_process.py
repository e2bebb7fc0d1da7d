"""Settings, locks, the clock and events."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hardline.infra.clock import FixedClock, SystemClock
from hardline.infra.emitters.file import FileEmitter
from hardline.infra.errors import Corrupt, Misconfigured, Unavailable, UsageError
from hardline.infra.locks import file_lock
from hardline.infra.runtime import HOME_FILE, check_format, root_of
from hardline.infra.settings import Settings, private_temporary, protect_process

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_settings_have_defaults_below_the_users_home(tmp_path: Path) -> None:
    settings = Settings.from_environment({"HOME": str(tmp_path)})
    assert settings.home == tmp_path / ".hardline"
    assert settings.config_home == tmp_path / ".config" / "hardline"
    assert settings.passphrase_file is None
    assert settings.prefect_api_url is None
    assert settings.max_checkpoint_age == timedelta(days=90)


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {"HARDLINE_HOME": "/h", "XDG_CONFIG_HOME": "/x", "PREFECT_API_URL": "u", "HARDLINE_MAX_CHECKPOINT_DAYS": "0"}
    )
    assert (settings.home, settings.config_home) == (Path("/h"), Path("/x/hardline"))
    assert (settings.prefect_api_url, settings.max_checkpoint_age) == ("u", None)


@pytest.mark.parametrize("days", ["-1", "soon", "1.5", " 1", "²", "999999999999"])
def test_a_setting_that_cannot_be_used_is_named(days: str) -> None:
    with pytest.raises(Misconfigured, match="HARDLINE_MAX_CHECKPOINT_DAYS"):
        Settings.from_environment({"HARDLINE_MAX_CHECKPOINT_DAYS": days})


def test_without_a_users_home_there_is_no_default() -> None:
    settings = Settings.from_environment({})
    assert (settings.home, settings.config_home) == (None, None)
    with pytest.raises(UsageError, match="--home"):
        root_of(None, settings)


@pytest.mark.parametrize("home", ["", "~nobody-of-that-name/h"])
def test_a_home_that_names_no_folder_is_refused(home: str) -> None:
    with pytest.raises(UsageError, match="--home"):
        root_of(home, Settings.from_environment({"HOME": "/h"}))
    if home:
        with pytest.raises(Misconfigured, match="HARDLINE_HOME"):
            Settings.from_environment({"HARDLINE_HOME": home})


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        *((text, Corrupt, "backup") for text in ("0", "-1", '"1"', "null", "true", "1.0", "[1]", "", "{")),
        ("2", UsageError, "upgrade"),
    ],
)
def test_the_format_of_a_home_is_a_whole_number(
    tmp_path: Path, content: str, error: type[Exception], said: str
) -> None:
    (tmp_path / HOME_FILE).write_text(f'{{"format": {content}}}' if content not in ("", "{", "[1]") else content)
    with pytest.raises(error, match=said):
        check_format(tmp_path)


def test_a_home_whose_file_is_none_is_neither_read_for_ever_nor_called_damaged(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / HOME_FILE)
    with pytest.raises(Misconfigured, match="pipe"):
        check_format(tmp_path)
    with pytest.raises(UsageError, match="got none"):
        check_format(tmp_path / HOME_FILE)


def test_a_protected_process_leaks_no_file_and_no_core() -> None:
    umask, limits = os.umask(0o022), resource.getrlimit(resource.RLIMIT_CORE)
    environ: dict[str, str] = {}
    try:
        protect_process(environ)
        assert os.umask(0o077) == 0o077
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    finally:
        os.umask(umask)
        resource.setrlimit(resource.RLIMIT_CORE, limits)
    assert environ["POLARS_OOC_DISK_BUDGET_MB"] == "0"
    assert environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_temporary_files_are_private_and_gone_afterwards(tmp_path: Path) -> None:
    environ = {"TMPDIR": "/elsewhere"}
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp/left").write_text("by a process that was killed")
    with private_temporary(tmp_path / "tmp", environ):
        assert environ["TMPDIR"] == str(tmp_path / "tmp")
        assert stat.S_IMODE((tmp_path / "tmp").stat().st_mode) == 0o700
        assert not list((tmp_path / "tmp").iterdir())
        (tmp_path / "tmp/more").write_text("x")
    assert environ == {"TMPDIR": "/elsewhere"} and not (tmp_path / "tmp").exists()
    with private_temporary(tmp_path / "tmp"):
        assert tempfile.gettempdir() == str(tmp_path / "tmp")
    assert tempfile.gettempdir() != str(tmp_path / "tmp")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(Misconfigured, match="of our own"), private_temporary(tmp_path / "link", environ):
        pass


def test_a_lock_held_by_another_process_names_it_and_ends_with_it(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom hardline.infra.locks import file_lock\n"
        "with file_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Unavailable, match=rf"pid {other.pid}\).*wait"), file_lock(tmp_path / "lock"):
            pass
        other.kill()
    with file_lock(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_lock_is_reentrant_and_held_until_the_last_block_ends(tmp_path: Path) -> None:
    outer, inner = file_lock(tmp_path / "lock"), file_lock(tmp_path / "lock")
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert _taken_by_another(tmp_path / "lock")
    inner.__exit__(None, None, None)
    assert not _taken_by_another(tmp_path / "lock")


def test_another_thread_is_refused_as_another_process_is(tmp_path: Path) -> None:
    def take() -> None:
        with file_lock(tmp_path / "lock"):
            pass

    with ThreadPoolExecutor(1) as pool:
        with file_lock(tmp_path / "lock") as first:
            with file_lock(tmp_path / "lock") as again:
                assert (first, again) == (True, False)
            with pytest.raises(Unavailable, match=str(os.getpid())):
                pool.submit(take).result()
        pool.submit(take).result()
    assert not _taken_by_another(tmp_path / "lock")


def _taken_by_another(path: Path) -> bool:
    """Whether a process of its own finds the lock taken."""
    program = "import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    return subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, check=False).returncode != 0


def test_a_lock_is_never_a_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(Unavailable), file_lock(tmp_path / "lock"):
        pass
    assert (tmp_path / "victim").read_text() == "precious"


def test_clocks_tell_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)
    clock = FixedClock(datetime(2030, 1, 1, tzinfo=UTC))
    clock.time += timedelta(days=1)
    assert clock.now() == datetime(2030, 1, 2, tzinfo=UTC)


def test_events_are_lines_and_ours_alone(tmp_path: Path) -> None:
    emitter = FileEmitter(tmp_path / "logs")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: emitter.emit(b'{\n"n": %d}' % n), range(40)))
    path = tmp_path / "logs" / "openlineage.jsonl"
    assert sorted(json.loads(line)["n"] for line in path.read_bytes().splitlines()) == list(range(40))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_event_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "openlineage.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unavailable):
        FileEmitter(tmp_path).emit(b"{}")
    assert not (tmp_path / "elsewhere").exists()
