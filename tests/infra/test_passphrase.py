"""Where the passphrase comes from, and that it never comes from a place that others can read."""

from __future__ import annotations

import base64
import io
import os
import stat
from pathlib import Path

import pytest

from hardline.infra.errors import AccessDenied
from hardline.infra.keys import passphrase
from hardline.infra.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return Settings.from_environment({"HOME": str(tmp_path)})


def _file(path: Path, data: bytes = b"open sesame\n", mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_the_first_place_that_has_one_wins(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path)}
    settings = Settings.from_environment(environment)
    home = tmp_path / "home"
    passphrase.generate(passphrase.generated_file(settings, home))
    generated = passphrase.resolve(settings, home)
    assert len(base64.b64decode(generated, validate=True)) == 32
    assert passphrase.source(settings, home).startswith("generated, in ")

    _file(tmp_path / "credentials" / passphrase.CREDENTIAL, b"of systemd", 0o440)  # systemd's own mode
    environment["CREDENTIALS_DIRECTORY"] = str(tmp_path / "credentials")
    settings = Settings.from_environment(environment)
    assert passphrase.resolve(settings, home) == b"of systemd"
    assert "systemd" in passphrase.source(settings, home)

    environment["HARDLINE_PASSPHRASE_FILE"] = str(_file(tmp_path / "file"))
    settings = Settings.from_environment(environment)
    assert passphrase.resolve(settings, home) == b"open sesame"
    assert "HARDLINE_PASSPHRASE_FILE" in passphrase.source(settings, home)


def test_none_at_all_is_denied_with_the_list(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(AccessDenied) as denied:
        passphrase.resolve(settings, tmp_path / "home")
    assert denied.value.exit_code == 5
    for place in ("HARDLINE_PASSPHRASE_FILE", "systemd", ".config/hardline", "terminal"):
        assert place in str(denied.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_can_read_is_refused(settings: Settings, tmp_path: Path, mode: int) -> None:
    path = _file(tmp_path / "file", mode=mode)
    settings = Settings.from_environment({"HOME": str(tmp_path), "HARDLINE_PASSPHRASE_FILE": str(path)})
    with pytest.raises(AccessDenied, match="chmod 600"):
        passphrase.resolve(settings, tmp_path / "home")


@pytest.mark.parametrize("kind", ["device", "pipe", "folder", "too large"])
def test_what_is_no_small_file_is_denied_at_once_and_nobody_is_told_to_change_its_mode(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "file"
    if kind == "device":
        path = Path("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        _file(path, b"a" * (1 << 17))
    settings = Settings.from_environment({"HOME": str(tmp_path), "HARDLINE_PASSPHRASE_FILE": str(path)})
    with pytest.raises(AccessDenied) as denied:
        passphrase.resolve(settings, tmp_path / "home")
    assert "chmod" not in str(denied.value)


def test_a_home_in_bytes_that_are_no_text_has_a_place_for_its_passphrase(settings: Settings, tmp_path: Path) -> None:
    home = Path(os.fsdecode(bytes(tmp_path / "h") + b"\xff"))
    assert passphrase.generated_file(settings, home).name.isascii()


def test_without_home_and_place_the_passphrase_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    nowhere = Settings.from_environment({"HARDLINE_HOME": "/h"})
    for asked in (passphrase.generated_file, passphrase.resolve):
        with pytest.raises(AccessDenied, match="HARDLINE_PASSPHRASE_FILE"):
            asked(nowhere, Path("/h"))


def test_a_file_that_was_lost_is_not_called_a_prompt(settings: Settings, tmp_path: Path) -> None:
    assert passphrase.source(settings, tmp_path / "home") == "none"


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n"])
def test_an_empty_file_is_no_passphrase(tmp_path: Path, data: bytes) -> None:
    path = _file(tmp_path / "file", data)
    settings = Settings.from_environment({"HOME": str(tmp_path), "HARDLINE_PASSPHRASE_FILE": str(path)})
    with pytest.raises(AccessDenied, match="got nothing"):
        passphrase.resolve(settings, tmp_path / "home")


def test_a_file_that_is_missing_is_denied_and_nothing_else_is_tried(tmp_path: Path) -> None:
    settings = Settings.from_environment({"HOME": str(tmp_path), "HARDLINE_PASSPHRASE_FILE": str(tmp_path / "none")})
    passphrase.generate(passphrase.generated_file(settings, tmp_path / "home"))
    with pytest.raises(AccessDenied, match="none"):
        passphrase.resolve(settings, tmp_path / "home")


def test_a_generated_one_is_ours_alone_outside_the_home_and_never_replaced(settings: Settings, tmp_path: Path) -> None:
    home = tmp_path / "home"
    path = passphrase.generated_file(settings, home)
    passphrase.generate(path)
    first = path.read_bytes()
    passphrase.generate(path)
    assert path.read_bytes() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert home not in path.parents
    assert passphrase.generated_file(settings, tmp_path / "other") != path


def test_a_terminal_is_asked(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: "typed")
    assert passphrase.resolve(settings, tmp_path / "home") == b"typed"
    monkeypatch.setattr("getpass.getpass", lambda prompt: "")
    with pytest.raises(AccessDenied):
        passphrase.resolve(settings, tmp_path / "home")
