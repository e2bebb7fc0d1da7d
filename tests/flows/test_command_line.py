"""The program as people and scripts meet it: exit codes, JSON, help, signals."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from hardline.flows import command_frame as frame
from hardline.flows.command_line import app
from hardline.infra import terminal
from hardline.tasks.core.errors import SealBroken

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "hardline.flows.command_line"]
COMMANDS = ["init", "accept", "publish", "harden", "run", "verify", "lineage", "list", "show", "export", "recall"]
COMMANDS += [
    "log checkpoint",
    "log prove",
    "log verify",
    "keys list",
    "read",
    "validate",
    "keys backup",
    "keys restore",
]


def _call(capsys, *arguments):
    code = frame.call(app, [str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_takes_home_and_json(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = _call(capsys, *name.split(), "--help")
    assert code == 0
    assert re.search(rf"Example:\s+hardline {name}", out)
    assert "--home" in out and "--json" in out


def test_help_is_quick_and_imports_nothing_heavy():
    code = "import sys, time; start = time.process_time(); from hardline.flows import command_frame as f, command_line as c; "
    code += "f.call(c.app, ['--help']); "
    code += "heavy = {'prefect', 'torch', 'great_expectations', 'pandas', 'polars', 'boto3', 'sklearn'} & set(sys.modules); "
    code += "assert not heavy, heavy; assert time.process_time() - start < 1.0, time.process_time() - start"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_verify_imports_no_prefect_no_torch_and_no_validation_engine(home):
    code = "import sys; from hardline.flows import command_frame as f, command_line as c; "
    code += f"assert f.call(c.app, ['--home', {str(home)!r}, 'verify', 'diagnosis@1']) == 6; "
    code += "heavy = {'prefect', 'torch', 'great_expectations'} & set(sys.modules); assert not heavy, heavy"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("arguments", "code", "name"),
    [
        (["list", "--unknown"], 2, "UsageError"),
        (["unknown"], 2, "UsageError"),
        (["publish", "a.csv"], 2, "UsageError"),
        (["lineage", "x", "--format", "svg"], 2, "UsageError"),
        (["--home", "nowhere", "list"], 2, "UsageError"),
        (["run", "nowhere.yaml"], 2, "UsageError"),
        (["verify", "Not A Reference", "--home", "HOME"], 2, "UsageError"),
        (["lineage", "diagnosis@9", "--home", "HOME"], 6, "NotFound"),
        (["publish", "missing.csv", "--contract", "diagnosis", "--home", "HOME"], 3, "IngestError"),
        (["publish", "missing.csv", "--contract", "unknown", "--home", "HOME"], 3, "ContractError"),
    ],
)
def test_a_refusal_is_one_line_what_helps_and_a_code(arguments, code, name, capsys, home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = [str(home) if item == "HOME" else item for item in arguments]
    status, out, err = _call(capsys, *given)
    assert (status, out) == (code, "")
    first, *rest = err.strip().split("\n")
    assert first.startswith(f"hardline: {name}: ")
    assert len(rest) <= 1 and "Traceback" not in err
    status, out, err = _call(capsys, *given, "--json")
    value = json.loads(out)
    assert (status, err) == (code, "")
    assert (value["error"], value["exit_code"]) == (name, code) and value["message"]


def test_json_may_be_asked_for_before_and_after_the_command(capsys, home):
    first = _call(capsys, "--json", "--home", home, "keys", "list")
    second = _call(capsys, "keys", "list", "--json", "--home", home)
    assert first == second
    assert {item["role"] for item in json.loads(first[1])} >= {"owner", "keeper", "trainer"}


def test_init_twice_is_harmless(capsys, home):
    code, out, _ = _call(capsys, "init", "--json", "--home", home)
    value = json.loads(out)
    assert (code, value["created"], value["contracts"]) == (0, False, ["diagnosis", "digits", "payments"])


def test_log_commands_agree(capsys, home):
    _, verified, _ = _call(capsys, "log", "verify", "--json", "--home", home)
    _, note, _ = _call(capsys, "log", "checkpoint", "--home", home)
    _, proof, _ = _call(capsys, "log", "prove", "0", "--json", "--home", home)
    size = json.loads(verified)["size"]
    assert note.split("\n")[1] == str(size)
    assert (json.loads(proof)["size"], json.loads(proof)["type"]) == (size, "trust")


def test_a_failed_verification_says_the_step(capsys):
    def fail(_):
        error = SealBroken("entry train/features/00000.arrow does not open")
        error.step = 7
        raise error

    probe = _probe(fail, failed={"verified": False})
    code = frame.call(probe, ["go", "--json"])
    value = json.loads(capsys.readouterr().out)
    assert code == 4
    assert (value["verified"], value["step"], value["error"]) == (False, 7, "SealBroken")
    assert frame.call(probe, ["go"]) == 4
    assert "SealBroken: step 7: entry" in capsys.readouterr().err


def test_a_bug_shows_where_and_never_what(capsys):
    def fail(_):
        raise ValueError("could not convert string to float: 'canary-91'")

    assert frame.call(_probe(fail), ["go"]) == 1
    said = capsys.readouterr()
    assert "canary-91" not in said.out + said.err
    assert "ValueError: a bug of hardline" in said.err and "test_command_line.py" in said.err


def test_what_a_terminal_would_obey_is_written_as_text(capsys):
    assert frame.call(_probe(lambda _: "a\x1b[2Jb\u202ec\nd"), ["go"]) == 0
    assert capsys.readouterr().out == "a\\x1b[2Jb\\u202ec\nd\n"


def test_an_interrupt_ends_cleanly(capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    assert frame.call(_probe(interrupted), ["go"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(home):
    command = f"{' '.join(PROGRAM)} --home {home} keys list --json | head -c 10; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert done.stdout.strip().endswith(("141", "0"))


@pytest.mark.xdist_group("prefect")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_no_process(number, tmp_path, home):
    """While the server starts, which is when most is under way; and the next run is not hindered."""
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config"), "HARDLINE_HOME": str(tmp_path / "home")}
    run = subprocess.Popen(
        [*PROGRAM, "run", "diagnosis"], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    record = tmp_path / "home/prefect/server.pid"
    end = time.monotonic() + 60
    while not (record.exists() and record.stat().st_size):
        assert run.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    child = os.pidfd_open(json.loads(record.read_text())["pid"])
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    import select

    assert select.select([child], [], [], 10.0)[0], "the server lives on"
    os.close(child)
    assert out == "" and "Traceback" not in err
    assert run.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGKILL: -9}[number]


def _probe(fn, **options):
    probe = typer.Typer()
    probe.callback()(frame.root)

    def go(session: frame.Session) -> object:
        return fn(session)

    frame.command(probe, "go", "hardline go", opens=False, **options)(go)
    return probe


def test_progress_in_a_log_is_plain_lines(capsys):
    with terminal.Lines() as progress:
        progress.say("sealed 569 rows\x1b[1m")
        progress.advance("train", 1, 2)
    assert capsys.readouterr().err == "sealed 569 rows\\x1b[1m\n"


def test_progress_at_a_terminal_moves_and_goes_away(capsys):
    with terminal.Bars() as progress:
        progress.say("[bold]no markup[/bold]")
        for done in range(3):
            progress.advance("train", done, 2)
    assert "[bold]no markup[/bold]" in capsys.readouterr().err
