"""A stranger's project with its own flows/ and tasks/, our wheel installed, their net and loop, their Prefect flow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOW = '''
"""Somebody's own training flow."""
import tasks.mine  # their own package, not ours
import hardline
import torch
from prefect import flow

assert tasks.mine.OWN and "wheel" in hardline.__file__, hardline.__file__


def my_training_loop(X, y):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.BatchNorm1d(X.shape[1]), torch.nn.Linear(X.shape[1], 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05, weight_decay=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(X), y).backward()
        optimizer.step()
    return net.eval()


@flow
def mine(ref: str) -> str:
    with hardline.open_dataset(ref, role="trainer") as data:
        X, y = data.tensors("train")
        assert len(data.to_pandas()) == len(data.to_arrow()) == len(X) == sum(b.num_rows for b in data.batches(100))
        net = my_training_loop(X, y)
        model = hardline.release(net, data=data, inputs="raw units [N, F]")
    return model.model.reference


if __name__ == "__main__":
    import hardline.expectations.shipped as shipped
    from pathlib import Path
    hardline.init()
    shipped.write_source("diagnosis", Path("d.csv"))
    published = hardline.publish("d.csv", "diagnosis")
    print("MODEL", mine(published.dataset.reference))
'''


@pytest.mark.timeout(280)
def test_the_block_of_the_readme_runs_in_a_project_of_its_own(tmp_path):
    build = tmp_path / "source"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, build], check=True)
    subprocess.run(
        [
            "cp",
            "-a",
            *(ROOT / f for f in ("hardline", "flows", "tasks", "infra", "expectations", "pyproject.toml")),
            build,
        ],
        check=True,
    )
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path / "dist", build], check=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", tmp_path / "wheel", wheel], check=True)
    project = tmp_path / "project"
    for folder in ("tasks", "flows"):
        (project / folder).mkdir(parents=True)
        (project / folder / "__init__.py").write_text("")
    (project / "tasks" / "mine.py").write_text("OWN = True\n")
    (project / "flows" / "mine.py").write_text(FLOW)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "HARDLINE"))},
        "HOME": str(tmp_path / "user"),
        "XDG_CONFIG_HOME": str(tmp_path / "user" / "config"),
        "HARDLINE_HOME": str(tmp_path / "home"),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": f"{tmp_path / 'wheel'}:{project}",
    }
    done = subprocess.run(
        [sys.executable, "flows/mine.py"],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    reference = done.stdout.split("MODEL", 1)[1].split()[0]
    assert reference == "diagnosis-model@1"
    command = [sys.executable, "-m", "hardline.flows.command_line", "--json", "verify", reference]
    said = subprocess.run(
        command, cwd=project, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["verified"] is True
