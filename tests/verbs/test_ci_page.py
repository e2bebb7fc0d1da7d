"""docs/ci.md is true: its job's command does what the page says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from hardline.expectations import shipped
from hardline.flows import command_frame as frame
from hardline.flows.command_line import app

PAGE = (Path(__file__).resolve().parents[2] / "docs/ci.md").read_text("utf-8")


@pytest.mark.parametrize(("bad", "code", "decision"), [(False, 0, "ACCEPT"), (True, 3, "REJECT")])
def test_the_jobs_command_judges(bad, code, decision, tmp_path, monkeypatch, capsys):
    (job,) = yaml.safe_load(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])["jobs"].values()
    (command,) = [step["run"] for step in job["steps"] if "hardline validate" in step.get("run", "")]
    arguments = shlex.split(command.split(">")[0])[1:]
    monkeypatch.chdir(tmp_path)
    shutil.copytree(shipped.folder("diagnosis"), "contracts/visits")
    shipped.write_source("diagnosis", tmp_path / "data.csv")
    text = (tmp_path / "data.csv").read_text()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/visits.csv").write_text(text.replace("malignant", "malign") if bad else text)
    assert frame.call(app, arguments) == code
    said = capsys.readouterr().out
    assert json.loads(said)["decision"] == decision and 'malign"' not in said
