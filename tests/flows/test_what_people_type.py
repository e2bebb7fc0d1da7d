"""Names, folders and channels as people give them: what is meant is done, the rest is refused before anything happens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hardline
from hardline.expectations import shipped
from hardline.flows import command_frame as frame
from hardline.flows.command_line import app

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "hardline.flows.command_line"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two homes, of which the first has a published dataset and its export."""
    folder = tmp_path_factory.mktemp("typed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.delenv("HARDLINE_HOME", raising=False)
        patch.chdir(folder)
        for name in ("one", "two"):
            hardline.init(home=name)
        shipped.write_source("diagnosis", folder / "d.csv")
        hardline.publish("d.csv", "diagnosis", home="one")
        hardline.export("diagnosis", "exported", home="one")
        yield folder


def call(capsys, *arguments):
    code = frame.call(app, [str(argument) for argument in arguments])
    said = capsys.readouterr()
    assert "Traceback" not in said.err and "a bug" not in said.err
    return code, said.out, said.err


def test_the_home_that_was_named_wins(place, capsys, monkeypatch):
    monkeypatch.setenv("HARDLINE_HOME", str(place / "two"))
    for given, expected in ((["--home", "one", "list"], 1), (["list", "--home", "one"], 1), (["list"], 0)):
        code, out, _ = call(capsys, *given, "--json")
        assert (code, len(json.loads(out))) == (0, expected)
    code, out, _ = call(capsys, "--home", "two", "list", "--home", "one", "--json")
    assert (code, len(json.loads(out))) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["verify", "diagnosis", "--owner-key", "/nonexistent"], 2, "FOLDER only"),
        (["verify", "diagnosis", "--trust", "one/trust"], 2, "FOLDER only"),
        (["verify", "./exported", "--trust", "one/trust", "--owner-key", "exported/keys/owner.pub"], 2, "got both"),
        (["verify", ""], 2, "got nothing"),
        (["verify", "./nothing"], 2, "exported folder"),
        (["verify", "./exported", "--trust", "/nonexistent"], 2, "trust.json"),
        (["verify", "./exported", "--owner-key", "d.csv"], 2, "public key"),
        (["verify", "./exported", "--owner-key", "/dev/zero"], 2, "device"),
        (["verify", "./exported", "--home", "two"], 4, "another owner"),
        (["verify", "./exported", "--home", "none"], 2, "--owner-key"),
        (["verify", "exported"], 6, "./exported"),
        (["list", "--home", ""], 2, "--home"),
        (["harden", "diagnosis", "--name", "UPPER"], 2, "model's name"),
        (["harden", "diagnosis", "--name", "a" * 70], 2, "model's name"),
        (["harden", "diagnosis", "--name", "../x"], 2, "model's name"),
        (["harden", "diagnosis", "--name", ""], 2, "model's name"),
        (["harden", "diagnosis", "--recipe", "slow"], 2, "balanced"),
        (["run", "/dev/zero"], 2, "device"),
        (["log", "prove", "\u00b2"], 2, "reference"),
        (["publish", "x" * 5000, "--contract", "diagnosis"], 3, "4,096"),
        (["publish", "a\udcff.csv", "--contract", "diagnosis"], 3, "UTF-8"),
        (["recall", "diagnosis", "--reason", "x\n  digest sha256:0"], 2, "one line"),
        (["init", "--home", "/proc/x"], 6, "--home"),
        (["init", "--home", "/dev/null/x"], 2, "folder expected"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_helps(place, capsys, arguments, code, word):
    if "--home" not in arguments:
        arguments = ["--home", "one", *arguments]
    status, out, err = call(capsys, *arguments)
    assert (status, out) == (code, ""), err
    assert word in err


def test_a_folder_of_the_same_name_is_never_taken_for_the_dataset(place, capsys, monkeypatch, tmp_path):
    """Also not an export of it that was made before it was recalled."""
    shutil.copytree(place / "one", tmp_path / "home")
    name = next(place.glob("config/hardline/passphrase-*"))
    monkeypatch.setenv("HARDLINE_PASSPHRASE_FILE", str(name))
    for other in place.glob("config/hardline/passphrase-*"):
        monkeypatch.setenv("HARDLINE_PASSPHRASE_FILE", str(other))
        try:
            hardline.recall("diagnosis", "mislabelled", home=tmp_path / "home")
            break
        except hardline.errors.AccessDenied:
            continue
    shutil.copytree(place / "exported", tmp_path / "diagnosis@1")
    monkeypatch.chdir(tmp_path)
    for asked in ("diagnosis@1", "./diagnosis@1"):
        code, out, _ = call(capsys, "--home", "home", "verify", asked, "--json")
        assert (code, json.loads(out)["step"], json.loads(out)["error"]) == (4, 3, "Recalled")
    assert call(capsys, "verify", "./diagnosis@1", "--owner-key", place / "exported/keys/owner.pub")[0] == 0


def test_pipes_in_the_place_of_files_never_hang(place, capsys, tmp_path, monkeypatch):
    shutil.copytree(shipped.folder("diagnosis"), tmp_path / "c")
    (tmp_path / "c/contract.odcs.yaml").unlink()
    os.mkfifo(tmp_path / "c/contract.odcs.yaml")
    assert call(capsys, "--home", "one", "accept", tmp_path / "c")[0] == 2
    assert call(capsys, "--home", "one", "run", tmp_path / "c/contract.odcs.yaml")[0] == 2
    monkeypatch.setenv("HARDLINE_PASSPHRASE_FILE", str(tmp_path / "c/contract.odcs.yaml"))
    code, _, err = call(capsys, "--home", "one", "recall", "diagnosis", "--reason", "x")
    assert code == 5 and "chmod" not in err


def test_a_wrong_passphrase_shows_at_the_second_init(place, capsys, monkeypatch, tmp_path):
    (tmp_path / "wrong").touch(0o600)
    (tmp_path / "wrong").write_text("another")
    monkeypatch.setenv("HARDLINE_PASSPHRASE_FILE", str(tmp_path / "wrong"))
    assert call(capsys, "init", "--home", "one")[0] == 5


def test_an_option_that_is_called_json_asks_for_no_json(place, capsys):
    code, out, err = call(capsys, "--home", "one", "recall", "unknown", "--reason", "--json")
    assert code != 0 and (out == "") == (err != "")


def shell(place, script, **environment):
    program = " ".join([*PROGRAM, "--home", str(place / "one")])
    done = subprocess.run(
        ["bash", "-c", script.replace("hardline", program)],
        cwd=place, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("hardline list >&-", 0),
        ("hardline list 2>&-", 0),
        ("hardline list --json >&- 2>&- <&-", 0),
        ("hardline list >/dev/full", 6),
        ("hardline show nothing --json >/dev/full", 6),
        ("hardline publish d.csv --contract diagnosis 2>/dev/full", 0),
    ],
)
def test_a_channel_that_is_closed_or_full_ends_no_work(place, script, code):
    assert shell(place, script).returncode == code


def test_a_terminal_of_ascii_sees_escapes(place):
    done = shell(place, "hardline log checkpoint", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "\\u2014" in done.stdout


def test_json_is_ascii(place, capsys, monkeypatch):
    code, out, _ = call(capsys, "--home", "one", "publish", "na\u00efve.csv", "--contract", "diagnosis", "--json")
    assert code == 3 and out.isascii() and "na\u00efve" in json.loads(out)["message"]
