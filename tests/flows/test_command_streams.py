"""Standard streams that are closed, full, or in another encoding: what was done stays done, and it is said where it can be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from hardline.flows import command_frame as frame
from hardline.infra import terminal

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = f"{sys.executable} -m hardline.flows.command_line"
PROBE = """
import sys, typer
from hardline.flows import command_frame as frame
app = typer.Typer()
app.callback()(frame.root)
def go(session):
    for number in range(9):
        session.progress.say(f"step {{number}} \\u2014")
    open({done!r}, "w").close()
    return "result \\u2014"
go.__annotations__ = {{"session": frame.Session, "return": object}}
frame.command(app, "go", "hardline go", opens=False)(go)
frame.command(app, "other", "hardline other", opens=False)(go)
frame.prepare()
sys.exit(frame.call(app, sys.argv[1:]))
"""


@pytest.fixture
def shell(tmp_path):
    """Runs `go` under bash with redirections; returns exit code, stdout, stderr, and whether the work was done."""
    done = tmp_path / "done"
    probe = tmp_path / "probe.py"
    probe.write_text(PROBE.format(done=str(done)))

    def run(redirected, **environment):
        done.unlink(missing_ok=True)
        line = f"set -o pipefail; {sys.executable} {probe} go {redirected}"
        env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        ended = subprocess.run(["bash", "-c", line], env=env, capture_output=True, timeout=60)
        return ended.returncode, ended.stdout.decode(), ended.stderr.decode(), done.exists()

    return run


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full", "</dev/null 2>&- 0<&-", "2> >(true)"])
def test_nobody_has_to_hear_of_progress(redirected, shell):
    code, out, _, done = shell(redirected)
    assert (code, out, done) == (0, "result —\n", True)


def test_a_reader_that_has_seen_enough_of_the_progress_does_not_end_the_work(shell):
    code, out, _, done = shell("2>&1 | head -1")
    assert code in (0, 141) and out.startswith("step 0") and done


@pytest.mark.parametrize("asked", ["", "--json"])
def test_a_result_that_cannot_be_written_is_not_called_a_bug(asked, shell):
    code, _, err, done = shell(f"{asked} >/dev/full")
    assert (code, done) == (6, True)
    assert "what was asked for is done" in err and "Traceback" not in err and "bug" not in err


def test_a_closed_output_is_nowhere_and_never_somebody_elses_file(shell):
    code, _, err, done = shell(">&-")
    assert (code, done) == (0, True) and "Traceback" not in err
    code, _, err, done = shell("--unknown --json >&- 2>&-")
    assert (code, done) == (2, False)


@pytest.mark.parametrize("redirected", [">&-", ">/dev/full", ">&- 2>&-", ">/dev/full 2>/dev/full"])
def test_an_error_keeps_its_code_when_nobody_can_read_it(redirected, shell):
    code, _, err, _ = shell(f"--unknown --json {redirected}")
    assert code == 2 and "Traceback" not in err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_an_encoding_has_not_is_written_as_an_escape(encoding, shell):
    code, out, err, _ = shell("", PYTHONIOENCODING=encoding)
    assert (code, out) == (0, "result \\u2014\n") and "step 8 \\u2014" in err


def _probe(fn, **options):
    probe = typer.Typer()
    probe.callback()(frame.root)

    def go(session: frame.Session, text: str = "") -> object:
        return fn(session)

    frame.command(probe, "go", "hardline go", opens=False, **options)(go)
    frame.command(probe, "other", "hardline other", opens=False)(go)
    return probe


def test_json_is_ascii_whatever_it_says(capsys):
    assert frame.call(_probe(lambda _: {"a": "\udcff—"}), ["go"]) == 0
    out = capsys.readouterr().out
    assert out.isascii() and json.loads(out) == {"a": "\udcff—"}


def test_json_as_the_value_of_an_option_asks_for_nothing(capsys):
    def fail(_):
        raise frame.UsageError("no")

    assert frame.call(_probe(fail), ["go", "--text", "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "UsageError: no" in said.err
    assert frame.call(_probe(fail), ["--json", "go", "--text", "x"]) == 2
    assert json.loads(capsys.readouterr().out)["message"] == "no"


def test_an_error_before_the_command_runs_has_its_keys_too(capsys):
    probe = _probe(lambda _: "", failed={"verified": False, "step": None})
    assert frame.call(probe, ["go", "--unknown", "--json"]) == 2
    value = json.loads(capsys.readouterr().out)
    assert (value["verified"], value["step"], value["error"]) == (False, None, "UsageError")


def test_a_bar_ends_when_another_step_begins_or_a_line_is_said(capsys):
    with terminal.Bars() as bars:
        bars.advance("ingest", 174, None)
        bars.advance("validate", 1, 3)
        assert [task.description for task in bars._shown.tasks] == ["validate"]
        bars.say("validated")
        assert bars._shown.tasks == []
    capsys.readouterr()
