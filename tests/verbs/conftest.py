"""One home with a published dataset that has a planted value and a row put aside, and a model; copied for each test."""

import shutil
import sys
from pathlib import Path

import pytest
from planted import LABEL, NUMBER

import hardline
from hardline.expectations import shipped
from hardline.flows import command_frame as frame
from hardline.flows.command_line import app

sys.path.append(str(Path(__file__).parents[1] / "spine"))  # file_watch


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """(home, environment's config folder, source)."""
    folder = tmp_path_factory.mktemp("verbs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        hardline.init(home=folder / "home")
        phrase = next((folder / "config" / "hardline").iterdir())
        shipped.write_source("diagnosis", folder / "source.csv")
        lines = (folder / "source.csv").read_text().splitlines(keepends=True)
        for row in (5, 9):
            cells = lines[row].rstrip("\n").split(",")
            cells[0], cells[30] = NUMBER, LABEL if row == 9 else cells[30]
            lines[row] = ",".join(cells) + "\n"
        (folder / "source.csv").write_text("".join(lines))
        hardline.publish(str(folder / "source.csv"), "diagnosis", home=folder / "home")
    return folder, phrase


@pytest.fixture
def home(made, tmp_path, monkeypatch):
    """A copy of the home, and its passphrase in the environment."""
    folder, phrase = made
    monkeypatch.setenv("HARDLINE_PASSPHRASE_FILE", str(phrase))
    shutil.copytree(folder / "home", tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def source(made):
    return made[0] / "source.csv"


@pytest.fixture
def say(capsys):
    """Run the program: its exit code, what it wrote, and no planted value in it."""

    def run(*arguments):
        code = frame.call(app, [str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert LABEL not in said.out + said.err and NUMBER[:10] not in said.out + said.err
        return code, said.out, said.err

    return run
