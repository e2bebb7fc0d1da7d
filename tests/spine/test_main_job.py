"""`hardline run` as a user starts it: a Prefect server, two flows, a model; watched from outside while it works."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import struct
import time
from pathlib import Path

import pytest
from file_watch import watched
from processes import call, family, ports, refuse_left_over, start

from hardline.expectations import shipped

pytestmark = pytest.mark.xdist_group("main-job")

NUMBER = 13.371337133713371
LABEL = "planted-label-canary"
MARKS = (b"13.3713371337", struct.pack("<d", NUMBER), struct.pack("<f", NUMBER), LABEL.encode())
ELSEWHERE = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # where a library writes that does not ask for TMPDIR


def source(path: Path, planted: range) -> Path:
    """The example with the canary number in the first column of some rows; the last of them has the canary label."""
    shipped.write_source("diagnosis", path)
    lines = path.read_text().splitlines(keepends=True)
    for row in planted:
        cells = lines[row].rstrip("\n").split(",")
        cells[0] = repr(NUMBER)
        cells[30] = LABEL if row == planted[-1] or len(planted) > 20 else cells[30]
        lines[row] = ",".join(cells) + "\n"
    path.write_text("".join(lines))
    spec = path.with_suffix(".yaml")
    spec.write_text(f"source: {path.name}\ncontract: diagnosis\nrecipe: fast\n")
    return spec


class Job:
    """A finished run, and what was seen while it ran."""

    def __init__(self, folder: Path, outside: Path) -> None:
        self.user = folder
        made = call(folder, "init")
        assert made.returncode == 0, made.stderr
        self.spec = source(outside / "good.csv", range(40, 43))
        with watched(MARKS, [folder], ELSEWHERE) as self.seen:
            run = start(folder, "run", self.spec, "--json")
            out, self.err = run.communicate(timeout=300)
        assert run.returncode == 0, self.err
        self.result = json.loads(out)

    def copy(self, folder: Path) -> Path:
        """The same user once more, to be changed."""
        shutil.copytree(self.user, folder, ignore=shutil.ignore_patterns("prefect"))
        return folder


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    return Job(tmp_path_factory.mktemp("user"), outside)


def test_the_result_has_the_promised_keys(job):
    result = job.result
    assert result["dataset"].keys() >= {"reference", "digest", "rows_in", "rows_accepted", "rows_quarantined"}
    assert (result["dataset"]["rows_in"], result["dataset"]["rows_quarantined"]) == (569, 1)
    assert result["model"].keys() >= {"reference", "digest"}
    for net in ("standard", "hardened"):
        assert 0.5 < result["metrics"][net]["robust"] <= result["metrics"][net]["clean"] <= 1
    assert result["metrics"]["attackers"] and result["metrics"]["rows"] > 100
    assert result["created"] is True
    assert 0 < result["log_index"]["dataset"] < result["log_index"]["model"]


def test_no_plaintext_is_ever_written(job):
    seen = job.seen
    assert len(seen.looked_at) > 60
    assert any("prefect.db" in path for path in seen.looked_at) and any("/staging/" in path for path in seen.looked_at)
    assert seen.marked == set()
    # Gone before the watch could open them: SQLite's own, which hold what its database holds, locks, renamed files.
    short = re.compile(
        r"-journal$|/etilqs_|-lock$|/\.tmp-|/(?:temporary|tmp)/[a-z0-9_]{8}$"
    )  # the last: tempfile tries the folder
    assert {path for path in seen.missed if str(job.user) in path and not short.search(path)} == set()
    everything = [path for path in job.user.rglob("*") if path.is_file()]
    assert [path for path in everything if any(mark in path.read_bytes() for mark in MARKS)] == []


def test_the_watch_sees_what_is_written_and_deleted(tmp_path):
    with watched(MARKS, [tmp_path]) as seen:
        (tmp_path / "a/b").mkdir(parents=True)
        path = tmp_path / "a/b/spill"
        with path.open("wb") as file:
            file.write(b"x" * 9000)
            file.flush()
            time.sleep(0.3)  # what lives for milliseconds only is in `missed`
            path.unlink()
            file.write(LABEL.encode())
    assert seen.marked == {(str(path), LABEL.encode())}


def test_the_runs_page_has_verdict_seals_lineage_and_robustness(job):
    with sqlite3.connect(job.user / "home/prefect/prefect.db") as database:
        kept = dict(database.execute("select key, data from artifact where key is not null"))
        states = {name for (name,) in database.execute("select state_type from flow_run")}
    assert states == {"COMPLETED"}
    assert {"diagnosis-verdict", "diagnosis-seals", "diagnosis-lineage", "diagnosis-model-robustness"} <= kept.keys()
    assert "mermaid" in str(kept["diagnosis-lineage"])


def test_a_second_run_does_nothing_and_says_so(job):
    again = call(job.user, "run", job.spec, "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["created"] is False
    assert "starting a Prefect server" not in again.stderr and "nothing to do" in again.stderr
    assert json.loads(again.stdout)["dataset"] == job.result["dataset"]


def test_a_refused_run_writes_no_plaintext_either(job, tmp_path):
    user = job.copy(tmp_path / "user")
    spec = source(tmp_path / "bad.csv", range(5, 60))
    with watched(MARKS, [user], ELSEWHERE) as seen:
        run = start(user, "run", spec, "--json")
        out, err = run.communicate(timeout=300)
    assert run.returncode == 3, err
    said = json.loads(out)
    assert said["error"] == "ExpectationError" and LABEL not in out + err and "13.37" not in out + err
    assert seen.marked == set() and any("prefect.db" in path for path in seen.looked_at)
    assert [path for path in user.rglob("*") if path.is_file() and any(m in path.read_bytes() for m in MARKS)] == []


@pytest.mark.timeout(400)
def test_kill_9_five_times_loses_nothing(tmp_path):
    """Each run goes further than the one before; nothing is left of it but what the next one goes on from."""
    user = tmp_path / "user"
    user.mkdir()
    spec = source(tmp_path / "good.csv", range(40, 43))
    assert call(user, "init").returncode == 0
    job, publish = ("run", spec), ("publish", spec.with_suffix(".csv"), "--contract", "diagnosis")
    harden = ("harden", "diagnosis", "--recipe", "fast")
    killed = {"starting": job, "ingested": job, "accepted": publish, "published": job, "verified": harden}
    for place, command in killed.items():
        run = start(user, *command)
        assert run.stderr is not None
        for line in run.stderr:
            if line.startswith(place):
                break
        else:
            pytest.fail(f"{place} was never said")
        pids = family(run.pid)
        listening = ports(pids)
        run.kill()
        run.communicate()
        refuse_left_over(pids, listening)
        halves = json.loads(call(user, "list", "--json").stdout)
        assert [item["reference"] for item in halves] in ([], ["diagnosis@1"])
        if halves:
            assert call(user, "verify", "diagnosis").returncode == 0
    run = start(user, "run", spec, "--json")
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    assert json.loads(out)["model"]["reference"] == "diagnosis-model@1"
    assert json.loads(out)["dataset"]["reference"] == "diagnosis@1"
    verified = json.loads(call(user, "log", "verify", "--json").stdout)
    assert (verified["records"]["publication"], verified["records"]["release"]) == (1, 1)
    left = {
        path.relative_to(user / "home/store").parts[0] for path in (user / "home/store").rglob("*") if path.is_file()
    }
    assert "staging" not in left
