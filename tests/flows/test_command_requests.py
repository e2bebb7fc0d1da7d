"""What a person asks for is parsed before anything is done, and means one thing."""

import json
import os
import shutil
from pathlib import Path

import pytest
import typer

import hardline
from hardline.expectations import shipped
from hardline.flows import command_frame as frame
from hardline.flows.command_line import app
from hardline.flows.run_request import Job
from hardline.tasks.core import results
from hardline.tasks.core.errors import ContractError, UsageError


def _call(capsys, *arguments):
    code = frame.call(app, [str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_any_home_to_speak_of_one_must_be_named(capsys, here, monkeypatch):
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("HARDLINE_HOME", raising=False)
    for command in ("init", "list", "run diagnosis"):
        code, _, err = _call(capsys, *command.split())
        assert code == 2 and "--home" in err


@pytest.mark.parametrize("home", ["/dev/null", "~nobody-of-that-name/x", "x" * 5000])
def test_a_home_that_cannot_be_made_is_no_bug(home, capsys, here):
    code, out, err = _call(capsys, "init", "--home", home)
    assert code in (2, 6) and out == ""
    assert len(err.strip().split("\n")) <= 2


def test_a_home_may_have_a_name_that_is_no_text(capsys, here, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(here / "config"))
    monkeypatch.setenv("HARDLINE_HOME", os.fsdecode(b"h\xff"))
    assert _call(capsys, "init")[0] == 0
    code, out, _ = _call(capsys, "init", "--json")
    assert (code, json.loads(out)["created"]) == (0, False)


def test_a_recipe_is_checked_before_anything_is_done(capsys, home, here):
    code, _, err = _call(capsys, "harden", "diagnosis@1", "--recipe", "slow", "--home", home)
    assert code == 2 and "'slow'" in err and "balanced" in err
    (here / "job.yaml").write_text("source: a.csv\ncontract: diagnosis\nrecipe: slow\n")
    assert _call(capsys, "run", "job.yaml", "--home", home)[0] == 2
    with pytest.raises(UsageError, match="--name"):
        hardline.harden("x" * 60, home=home)


@pytest.mark.parametrize("source", ["~nobody-of-that-name/a.csv", "file:///" + "x" * 5000])
def test_a_source_that_cannot_be_written_down_is_refused(source, capsys, home):
    code, _, err = _call(capsys, "publish", source, "--contract", "diagnosis", "--home", home)
    assert code == 3 and "IngestError" in err


@pytest.mark.parametrize(("index", "code"), [("9" * 5000, 2), ("9" * 18, 6), ("-1", 2)])
def test_an_index_is_a_number_of_plain_digits(index, code, capsys, home):
    assert _call(capsys, "log", "prove", "--home", home, "--", index)[0] == code


@pytest.mark.parametrize("kind", ["device", "pipe", "aliases", "a loop", "deep", "control"])
def test_a_job_that_is_no_file_or_no_plain_document_is_refused_at_once(kind, capsys, home, here):
    job = here / "job.yaml"
    texts = {"aliases": "a: &a [1]\nb: *a\n", "a loop": "a: &a {b: *a}\n", "deep": "[" * 20_000, "control": "a: \0"}
    if kind == "pipe":
        os.mkfifo(job)
    elif kind == "device":
        job = Path("/dev/zero")
    else:
        job.write_text(texts[kind])
    assert _call(capsys, "run", job, "--home", home)[0] == 2


@pytest.mark.parametrize("name", ["contract.odcs.yaml", "suite.json"])
@pytest.mark.parametrize("kind", ["device", "pipe"])
def test_a_contract_that_is_no_file_is_refused_at_once(name, kind, capsys, home, here):
    shutil.copytree(shipped.folder("diagnosis"), here / "c")
    (here / "c" / name).unlink()
    if kind == "pipe":
        os.mkfifo(here / "c" / name)
    else:
        (here / "c" / name).symlink_to("/dev/zero")
    code, _, err = _call(capsys, "accept", "c", "--home", home)
    assert code == 2 and name in err and "a device or a pipe" in err


def test_a_name_is_the_accepted_contract_and_a_folder_of_that_name_cannot_be_another(here):
    assert hardline.contract_ref("diagnosis").contract is None
    (here / "diagnosis").mkdir()
    assert hardline.contract_ref("diagnosis").contract is None, "no contract in it"
    shutil.copytree(shipped.folder("diagnosis"), here / "diagnosis", dirs_exist_ok=True)
    assert hardline.contract_ref("diagnosis") == hardline.contract_ref("./diagnosis")
    (here / "diagnosis").rename(here / "wine")
    assert hardline.contract_ref("./wine").name == "diagnosis"
    with pytest.raises(UsageError, match=r"write \./wine"):
        hardline.contract_ref("wine")


def test_a_name_whose_folder_was_edited_is_not_published_under(capsys, home, here):
    shutil.copytree(shipped.folder("diagnosis"), here / "diagnosis")
    contract = here / "diagnosis" / "contract.odcs.yaml"
    contract.write_text(contract.read_text() + "# edited\n")
    code, _, err = _call(capsys, "publish", "a.csv", "--contract", "diagnosis", "--home", home)
    assert code == 3 and "hardline accept DIR; the name alone" in err


def test_a_job_looks_for_its_contract_beside_itself_by_the_same_rule(here, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(shipped.folder("diagnosis"), elsewhere / "wine")
    (elsewhere / "job.yaml").write_text("source: a.csv\ncontract: ./wine\n")
    job = Job.read(elsewhere / "job.yaml")
    assert (job.contract.name, job.source.uri) == ("diagnosis", str(elsewhere / "a.csv"))
    (elsewhere / "job.yaml").write_text("source: a.csv\ncontract: wine\n")
    with pytest.raises(UsageError, match=r"\./wine"):
        Job.read(elsewhere / "job.yaml")


@pytest.mark.parametrize(
    ("file", "old", "new"), [("contract.odcs.yaml", "linf", "l9"), ("suite.json", '"meta"', '"mata"')]
)
def test_a_refused_contract_is_named_by_its_file(file, old, new, home, here):
    shutil.copytree(shipped.folder("diagnosis"), here / "c")
    path = here / "c" / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ContractError, match=f"c/{file}: "):
        hardline.accept(here / "c", home=home)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([".", "--owner-key", "pipe"], "a pipe"),
        ([".", "--owner-key", "/etc/passwd"], "public key"),
        (["./" + "x" * 5000], "an exported folder expected"),
        (["x" * 5000], "reference"),
        (["--unknown"], "--unknown"),
        ([], "REF|FOLDER"),
    ],
)
def test_a_verification_that_never_began_has_a_step_too(arguments, said, capsys, home, here):
    os.mkfifo(here / "pipe")
    code, out, _ = _call(capsys, "verify", *arguments, "--home", home, "--json")
    value = json.loads(out)
    assert (code, value["verified"], value["step"], value["error"]) == (2, False, None, "UsageError")
    assert said in value["message"]


def test_what_is_next_is_said_for_the_home_in_use(capsys, home, monkeypatch):
    made = results.Published(results.DatasetFacts("a@1", "0" * 64, 3, 3, 0), 5, True, {"sign": "operator"})
    probe = typer.Typer()
    probe.callback()(frame.root)
    frame.command(probe, "go", "hardline go", opens=False)(_returns(made))
    frame.command(probe, "other", "hardline other", opens=False)(_returns(made))
    monkeypatch.setenv("HARDLINE_HOME", str(home))
    for given, named in (([], ""), (["--home", str(home)], ""), (["--home", "a b"], " --home 'a b'")):
        assert frame.call(probe, ["go", *given]) == 0
        assert f" hardline{named} harden a@1" in capsys.readouterr().out


def _returns(result):
    def go(session: frame.Session) -> object:
        return result

    return go


def test_help_speaks_of_no_bool_and_a_bare_group_points_to_its_own(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert "Usage" in _call(capsys)[1]
    for asked in ("accept --help", "log --help"):
        assert "<bool>" not in _call(capsys, *asked.split())[1]
    assert "suite.json" in _call(capsys, "accept", "--help")[1]
    assert _call(capsys, "keys") == (2, "", "hardline: UsageError: Missing command.\n  hardline keys --help\n")
