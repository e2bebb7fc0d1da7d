"""hardline validate: a verdict for a pull request, with no home, no key, no acceptance and nothing on a disk."""

import json

import pytest
from file_watch import watched
from planted import LABEL, NUMBER

import hardline
from hardline.expectations import shipped
from hardline.expectations.gate import judge
from hardline.infra.runtime import Silent
from hardline.infra.settings import Settings
from hardline.tasks.core.trial import try_source

FOLDER = shipped.folder("diagnosis")


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """No home, no passphrase, and temporary files where they are seen."""
    for name in ("HARDLINE_HOME", "HARDLINE_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path


def test_good_data_is_accepted_and_nothing_is_written(alone, source, say):
    with watched([NUMBER.encode(), LABEL.encode()], [alone]) as seen:
        code, out, _ = say("validate", source, "--contract", FOLDER, "--json")
    value = json.loads(out)
    assert (code, value["decision"], value["rows"], value["accepted"], value["quarantined"]) == (
        0,
        "ACCEPT",
        569,
        568,
        1,
    )
    assert value["evaluated"] == value["declared"] > 0 and value["reasons"] == []
    assert value["warnings"] is not None and len(value["contract"]) == len(value["suite"]) == 64
    assert {"id", "type", "column", "success", "violations", "severity"} == value["rules"][0].keys()
    assert [rule["violations"] for rule in value["rules"] if rule["type"] == "invariant_known_level"] == [1]
    assert not seen.marked and [path.name for path in alone.iterdir()] == ["temporary"]


def refuse_labels(source, target, count):
    lines = source.read_text().splitlines(keepends=True)
    for row in range(20, 20 + count):
        lines[row] = lines[row].rsplit(",", 1)[0] + f",{LABEL}\n"
    target.write_text("".join(lines))
    return target


def test_refused_data_is_a_table_of_counts_and_exit_3(alone, source, say):
    bad = refuse_labels(source, alone / "bad.csv", 200)
    code, out, _ = say("validate", bad, "--contract", FOLDER)
    assert code == 3 and out.startswith("REJECT: diagnosis\n")
    assert "201 rows" in out and "known_level" in out
    code, out, _ = say("validate", bad, "--contract", FOLDER, "--json")
    value = json.loads(out)
    assert (code, value["decision"], value["accepted"], value["quarantined"]) == (3, "REJECT", 0, 569)
    assert value["reasons"]


def test_it_decides_as_a_publication_does(alone, source, home, monkeypatch):
    tried = hardline.validate(str(source), FOLDER)
    published = json.loads(next((home / "store/datasets").rglob("verdict.json")).read_bytes())
    for field in ("decision", "rows", "accepted", "quarantined", "declared", "evaluated", "contract", "suite"):
        assert getattr(tried, field) == published[field]
    assert [*tried.rules] == published["rules"]


@pytest.mark.parametrize(
    ("change", "code", "error"),
    [
        (lambda text: text + f"{NUMBER},{LABEL}\n", 3, "IngestError"),
        (lambda text: text.splitlines(keepends=True)[0], 3, "IngestError"),
        (lambda text: text.replace("mean radius", "another", 1), 3, "IngestError"),
        (lambda text: "", 3, "IngestError"),
    ],
)
def test_a_source_that_cannot_be_read_is_an_error(change, code, error, alone, source, say):
    (alone / "bad.csv").write_text(change(source.read_text()))
    status, out, _ = say("validate", alone / "bad.csv", "--contract", FOLDER, "--json")
    value = json.loads(out)
    assert (status, value["decision"], value["error"]) == (code, "ERROR", error)


@pytest.mark.parametrize(
    ("file", "text", "code"), [("suite.json", "{}", 3), ("contract.odcs.yaml", "a: [", 3), (None, "", 2)]
)
def test_a_wrong_contract_or_suite_is_refused(file, text, code, alone, source, say):
    folder = alone / "contract"
    folder.mkdir()
    if file:
        for name in ("suite.json", "contract.odcs.yaml"):
            (folder / name).write_bytes((FOLDER / name).read_bytes())
        (folder / file).write_text(text)
    assert say("validate", source, "--contract", folder)[0] == code


def test_an_engine_that_breaks_is_an_error_and_says_no_value(alone, source):
    def broken(*_):
        raise ValueError(f"could not convert string to float: {LABEL}")

    found = attempt(source, judge=broken)
    assert found.decision == "ERROR" and LABEL not in str(found.to_json())


def test_memory_is_bounded(alone, source):
    with pytest.raises(hardline.errors.UsageError, match="in memory"):
        attempt(source, judge=judge, max_bytes=1000)


def attempt(source, **options):
    settings = Settings.from_environment({})
    return try_source(hardline.source_ref(str(source)), FOLDER, settings=settings, progress=Silent(), **options)
