"""What a person asks for is parsed before anything is done, and means one thing."""

import json
import os
import shutil
from pathlib import Path

import pytest

import hardline
from hardline.expectations import shipped
from hardline.flows import command_frame as frame
from hardline.flows.command_line import app
from hardline.flows.run_request import Job
from hardline.tasks.core.errors import ContractError, UsageError


def _call(capsys, *arguments):
    code = frame.call(app, [str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A home with diagnosis@1, and an export of it."""
    folder = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        hardline.init(home=folder / "home")
        shipped.write_source("diagnosis", folder / "good.csv")
        hardline.publish(str(folder / "good.csv"), "diagnosis", home=folder / "home")
        hardline.export("diagnosis@1", folder / "export", home=folder / "home")
        yield folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_nearest_home_wins(capsys, home, published, monkeypatch):
    """Of the command, of the program, of the environment."""
    monkeypatch.setenv("HARDLINE_HOME", str(published / "home"))
    assert "diagnosis@1" in _call(capsys, "list")[1]
    assert _call(capsys, "--home", home, "list")[:2] == (0, "none\n")
    assert "diagnosis@1" in _call(capsys, "--home", home, "list", "--home", published / "home")[1]
    for arguments in (["list", "--home", ""], ["--home", "", "list"]):
        assert _call(capsys, *arguments)[0] == 2


def test_without_any_home_to_speak_of_one_must_be_named(capsys, here, monkeypatch):
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("HARDLINE_HOME", raising=False)
    for command in ("init", "list", "run diagnosis"):
        code, _, err = _call(capsys, *command.split())
        assert code == 2 and "--home" in err


@pytest.mark.parametrize("home", ["/proc/x", "/dev/null/x", "/dev/null", "~nobody-of-that-name/x", "x" * 5000])
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


def test_init_tries_the_passphrase_of_a_home_that_is_there(capsys, home, here, monkeypatch):
    wrong = here / "wrong"
    wrong.write_text("not it\n")
    wrong.chmod(0o600)
    monkeypatch.setenv("HARDLINE_PASSPHRASE_FILE", str(wrong))
    assert _call(capsys, "init", "--home", home)[0] == 5
    monkeypatch.delenv("HARDLINE_PASSPHRASE_FILE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(here))
    code, out, err = _call(capsys, "init", "--home", home)
    assert (code, out) == (5, "") and "passphrase" in err


def test_what_can_be_a_reference_is_one_whatever_lies_here(capsys, published, here):
    """Otherwise an export that somebody left in the folder would be verified in place of the dataset."""
    shutil.copytree(published / "export", here / "diagnosis@1")
    shutil.copytree(published / "export", here / "diagnosis@7")
    home = ("--home", published / "home")
    hardline_says = json.loads(_call(capsys, "verify", "diagnosis@1", "--json", *home)[1])
    assert hardline_says["scope"] == "full"
    code, _, err = _call(capsys, "verify", "diagnosis@7", *home)
    assert code == 6 and "for the folder write ./diagnosis@7" in err
    assert json.loads(_call(capsys, "verify", "./diagnosis@7", "--json", *home)[1])["scope"] == "offline"
    key = ("--owner-key", published / "export/keys/owner.pub")
    assert json.loads(_call(capsys, "verify", "diagnosis@7", "--json", *key)[1])["scope"] == "offline"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["diagnosis@1", "--owner-key", "KEY"], "for a FOLDER only"),
        (["diagnosis@1", "--trust", "TRUST"], "for a FOLDER only"),
        (["EXPORT", "--trust", "TRUST", "--owner-key", "KEY"], "got both"),
        ([""], "got nothing"),
        (["./nofolder"], "nofolder: an exported folder expected"),
        (["EXPORT", "--trust", "/nonexistent"], "/nonexistent: a folder with trust.json expected"),
        (["EXPORT", "--owner-key", "/etc/passwd"], "public key"),
        (["EXPORT", "--owner-key", "/dev/zero"], "a device"),
        (["EXPORT", "--owner-key", "PIPE"], "a pipe"),
        (["./" + "x" * 5000], "an exported folder expected"),
        (["EXPORT", "--home", "nowhere"], "--owner-key FILE"),
    ],
)
def test_verify_refuses_what_it_would_have_to_ignore(arguments, said, capsys, published, here):
    os.mkfifo(here / "pipe")
    places = {
        "KEY": published / "export/keys/owner.pub", "TRUST": published / "home/trust", "EXPORT": published / "export",
        "PIPE": here / "pipe",
    }  # fmt: skip
    given = [places.get(item, item) for item in arguments]
    home = [] if "--home" in arguments else ["--home", published / "home"]
    code, out, err = _call(capsys, "verify", *given, *home)
    assert (code, out) == (2, "") and said in err
    code, out, _ = _call(capsys, "verify", *given, *home, "--json")
    value = json.loads(out)
    assert (code, value["verified"], value["step"], value["error"]) == (2, False, None, "UsageError")


def test_a_folder_of_another_owner_is_called_that(capsys, home, published):
    code, _, err = _call(capsys, "verify", published / "export", "--home", home)
    assert code == 4
    assert "step 2" in err and "another owner" in err and "--owner-key" in err


@pytest.mark.parametrize("name", ["UPPER", "x" * 70, "a/b", "Bad Name", "../x", ""])
def test_a_models_name_is_checked_before_anything_is_done(name, capsys, home):
    code, _, err = _call(capsys, "harden", "diagnosis@1", "--name", name, "--home", home)
    assert code == 2 and "--name" in err


def test_a_recipe_is_checked_before_anything_is_done(capsys, home, here):
    code, _, err = _call(capsys, "harden", "diagnosis@1", "--recipe", "slow", "--home", home)
    assert code == 2 and "'slow'" in err and "balanced" in err
    (here / "job.yaml").write_text("source: a.csv\ncontract: diagnosis\nrecipe: slow\n")
    assert _call(capsys, "run", "job.yaml", "--home", home)[0] == 2
    with pytest.raises(UsageError, match="--name"):
        hardline.harden("x" * 60, home=home)


@pytest.mark.parametrize("source", ["x" * 5000, os.fsdecode(b"a\xff.csv"), "~nobody-of-that-name/a.csv"])
def test_a_source_that_cannot_be_written_down_is_refused(source, capsys, home):
    code, _, err = _call(capsys, "publish", source, "--contract", "diagnosis", "--home", home)
    assert code == 3 and "IngestError" in err


@pytest.mark.parametrize(("index", "code"), [("²", 2), ("9" * 5000, 2), ("9" * 18, 6), ("-1", 2)])
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


def test_a_recall_cannot_forge_lines(capsys, home):
    for reason in ("x\n  digest  sha256:0", "x\rdigest", "x\x1b[2J", "y\u2028y"):
        assert _call(capsys, "recall", "diagnosis@1", "--reason", reason, "--home", home)[0] == 2


def test_what_is_suggested_next_is_for_the_same_home(capsys, home, monkeypatch):
    assert frame.program(None) == "hardline"
    assert frame.program(str(home)) == f"hardline --home {home}"
    assert frame.program("a b") == "hardline --home 'a b'"
    monkeypatch.setenv("HARDLINE_HOME", str(home))
    assert frame.program(str(home)) == "hardline"
