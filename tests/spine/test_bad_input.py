"""What people get wrong: one message that names the place and the help, the right exit code, nothing published."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

import hardline
from hardline.expectations import shipped


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad-input")
    before = dict(os.environ)
    os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
    hardline.init(home=folder / "home")
    shipped.write_source("diagnosis", folder / "good.csv")
    yield folder
    os.environ.clear()
    os.environ.update(before)


def lines(home):
    return (home / "good.csv").read_text().splitlines(keepends=True)


def changed(row: int, column: int, text: str):
    def change(source):
        cells = source[row].rstrip("\n").split(",")
        cells[column] = text
        return [*source[:row], ",".join(cells) + "\n", *source[row + 1 :]]

    return change


SOURCES = {
    "empty file": (lambda s: [], "empty"),
    "header only": (lambda s: s[:1], "row"),
    "short row": (lambda s: [*s[:5], "1,2,3\n", *s[5:]], "line 6"),
    "long row": (lambda s: [*s[:5], s[5].rstrip("\n") + ",9\n", *s[6:]], "line 6"),
    "duplicate column": (lambda s: [s[0].replace("mean texture", "mean radius"), *s[1:]], "mean"),
    "unknown column": (lambda s: [s[0].replace("mean texture", "mean colour"), *s[1:]], "mean"),
    "a unit in a number": (changed(7, 0, "17.9 mm"), "line 8"),
    "a thousands separator": (changed(7, 3, '"1,001"'), "line 8"),
}


@pytest.mark.parametrize("case", SOURCES)
def test_a_source_that_cannot_be_read_is_refused_by_place(home, case):
    change, named = SOURCES[case]
    path = home / "bad.csv"
    path.write_text("".join(change(lines(home))))
    with pytest.raises(hardline.errors.IngestError) as refused:
        hardline.publish(str(path), "diagnosis", home=home / "home")
    assert refused.value.exit_code == 3
    assert named in str(refused.value) and "bad.csv" in str(refused.value)
    assert "17.9 mm" not in str(refused.value)
    nothing_but_quarantine(home)


def test_bytes_that_are_no_text_are_refused(home):
    path = home / "bad.csv"
    path.write_bytes("".join(lines(home)).encode().replace(b"malignant", b"malign\xff", 1))
    with pytest.raises(hardline.errors.IngestError, match="UTF-8"):
        hardline.publish(str(path), "diagnosis", home=home / "home")
    nothing_but_quarantine(home)


@pytest.mark.parametrize(
    ("path", "word"), [("nothing.csv", "nothing"), ("", "folder"), ("http://x.example/a.csv", "https")]
)
def test_a_source_that_is_none(home, path, word):
    source = path if "://" in path else str(home / path)
    with pytest.raises(hardline.errors.IngestError) as refused:
        hardline.publish(source, "diagnosis", home=home / "home")
    assert refused.value.exit_code == 3


BAD_ROWS = {"NaN": "nan", "infinity": "inf", "out of range": "-5"}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_too_many_bad_rows_are_refused_and_quarantined(home, case):
    source = lines(home)
    for row in range(1, 41):
        source = changed(row, 0, BAD_ROWS[case])(source)
    path = home / "bad.csv"
    path.write_text("".join(source))
    with pytest.raises(hardline.errors.ExpectationError) as refused:
        hardline.publish(str(path), "diagnosis", home=home / "home")
    assert refused.value.exit_code == 3 and "40 rows" in str(refused.value)
    nothing_but_quarantine(home)


def test_an_unknown_label_is_quarantined_under_the_budget(home, tmp_path):
    copy = tmp_path / "home"
    shutil.copytree(home / "home", copy)
    path = tmp_path / "two.csv"
    path.write_text("".join(changed(9, 30, "unsure")(changed(3, 30, "unsure")(lines(home)))))
    name = next((home / "config" / "hardline").glob("passphrase-*"))
    os.environ["HARDLINE_PASSPHRASE_FILE"] = str(name)
    try:
        made = hardline.publish(str(path), "diagnosis", home=copy)
        assert (made.dataset.rows_in, made.dataset.rows_accepted, made.dataset.rows_quarantined) == (569, 567, 2)
        assert hardline.verify(made.dataset.reference, home=copy).scope == "full"
        assert any(path.name == "rows.sealed" for path in (copy / "store" / "quarantine").rglob("*"))
        again = hardline.publish(str(path), "diagnosis", home=copy)
        assert not again.created and again.dataset == made.dataset
    finally:
        del os.environ["HARDLINE_PASSPHRASE_FILE"]


def test_a_contract_that_changed_after_it_was_accepted(home):
    folder = home / "contract"
    shutil.copytree(shipped.folder("diagnosis"), folder, dirs_exist_ok=True)
    contract = folder / "contract.odcs.yaml"
    contract.write_text(contract.read_text().replace("percent: 2", "percent: 90"))
    with pytest.raises(hardline.errors.ContractError, match="accept") as refused:
        hardline.publish(str(home / "good.csv"), folder, home=home / "home")
    assert refused.value.exit_code == 3


def test_a_contract_that_nobody_accepted(home):
    with pytest.raises(hardline.errors.ContractError, match="hardline accept"):
        hardline.publish(str(home / "good.csv"), "unknown", home=home / "home")


@pytest.mark.parametrize(
    "condition",
    [
        {"row_condition": "__import__('os').system('true')", "condition_parser": "pandas"},
        {"row_condition": {"type": "pass_through", "pass_through_filter": "@pd.io.common.os.getpid() > 0"}},
        {"unexpected_rows_query": "x"},
    ],
)
def test_a_suite_that_would_run_code_is_not_accepted(home, condition, tmp_path):
    shutil.copytree(shipped.folder("diagnosis"), tmp_path / "c")
    suite = tmp_path / "c" / "suite.json"
    value = json.loads(suite.read_text())
    value["expectations"][5]["kwargs"] |= condition
    suite.write_text(json.dumps(value))
    with pytest.raises(hardline.errors.ContractError, match="expectation 5"):
        hardline.accept(tmp_path / "c", home=home / "home")


def test_no_passphrase_and_a_wrong_one(home, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("not it\n")
    wrong.chmod(0o600)
    for extra in ({"HARDLINE_PASSPHRASE_FILE": str(wrong)}, {"XDG_CONFIG_HOME": str(tmp_path / "nowhere")}):
        done = command(home, "publish", str(home / "good.csv"), "--contract", "diagnosis", **extra)
        assert done.returncode == 5, done.stderr
        assert "passphrase" in done.stderr and "Traceback" not in done.stderr


def test_a_home_of_a_newer_format(home, tmp_path):
    copy = tmp_path / "home"
    shutil.copytree(home / "home", copy)
    (copy / "home.json").write_text('{"format": 2}')
    done = subprocess.run(
        [sys.executable, "-m", "hardline.flows.command_line", "--home", copy, "list"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "format" in done.stderr


def test_two_runs_at_once(home):
    from hardline.infra.locks import file_lock

    with file_lock(home / "home" / "lock"):
        done = command(home, "publish", str(home / "good.csv"), "--contract", "diagnosis")
    assert done.returncode == 6
    assert str(os.getpid()) in done.stderr


def command(home, *arguments, **extra):
    return subprocess.run(
        [sys.executable, "-m", "hardline.flows.command_line", "--home", home / "home", *arguments],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, env={**os.environ, **extra}, check=False,
    )  # fmt: skip


def nothing_but_quarantine(home):
    """No publication, and nothing of the refused version but its sealed record."""
    assert hardline.list(home=home / "home") == ()
    store = home / "home" / "store"
    left = {path.relative_to(store).parts[0] for path in store.rglob("*") if path.is_file()}
    assert left <= {"contracts", "quarantine", "events"}
