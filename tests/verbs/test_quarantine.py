"""hardline quarantine: why data was refused, for the steward; rows with the key alone, and logged."""

import json
import shutil

import pyarrow.csv as pc
import pytest
from planted import LABEL, NUMBER

import hardline
from hardline.infra.runtime import open_runtime
from hardline.tasks.core.ledger import Ledger


def decisions(home):
    return [
        (record.type, record.role)
        for record in Ledger(open_runtime(home)).view().all()
        if record.type in ("read", "denied") and record["what"].startswith(("quarantine", "recipient key"))
    ]


@pytest.fixture
def refused(home, source, tmp_path):
    """A home whose latest run was refused by validation."""
    lines = source.read_text().splitlines(keepends=True)
    for row in range(20, 80):
        lines[row] = lines[row].rsplit(",", 1)[0] + f",{LABEL}\n"
    (tmp_path / "bad.csv").write_text("".join(lines))
    with pytest.raises(hardline.errors.ExpectationError):
        hardline.publish(str(tmp_path / "bad.csv"), "diagnosis", home=home)
    return home


def test_a_published_version_shows_its_rules_by_count(home, say):
    code, out, _ = say("quarantine", "diagnosis@1", "--as", "steward", "--home", home, "--json")
    value = json.loads(out)
    assert (code, value["reference"], value["step"], value["decision"], value["rows"]) == (
        0,
        "diagnosis@1",
        "validate",
        "ACCEPT",
        1,
    )
    assert "invariant_known_level" in {rule["type"] for rule in value["rules"]}
    assert all(rule["violations"] or not rule["success"] for rule in value["rules"])
    assert decisions(home) == [("read", "steward")]
    code, out, _ = say("quarantine", "diagnosis", "--as", "custodian", "--home", home)
    assert code == 0 and "1 row " in out and "known_level" in out


def test_rows_are_written_for_who_holds_the_key(home, say, tmp_path):
    target = tmp_path / "rows.csv"
    code, out, _ = say("quarantine", "diagnosis@1", "--as", "steward", "--out", target, "--home", home, "--json")
    assert (code, json.loads(out)["written"]) == (0, 1)
    table = pc.read_csv(target)
    assert table.column("diagnosis").to_pylist() == [LABEL]
    assert table.column("mean radius").to_pylist() == [float(NUMBER)]


def test_the_latest_refused_run_of_a_name(refused, say, tmp_path):
    code, out, _ = say(
        "quarantine", "diagnosis", "--as", "steward", "--home", refused, "--json", "--out", tmp_path / "a.parquet"
    )
    value = json.loads(out)
    assert (code, value["reference"], value["decision"], value["written"]) == (0, None, "REJECT", 61)
    assert value["reasons"]
    assert json.loads(say("quarantine", "diagnosis@1", "--as", "steward", "--home", refused, "--json")[1])["rows"] == 1


def test_a_source_that_the_parser_refused_has_a_place_and_no_rows(home, source, say, tmp_path):
    (tmp_path / "bad.csv").write_text(source.read_text() + f"{NUMBER},{LABEL}\n")
    with pytest.raises(hardline.errors.IngestError):
        hardline.publish(str(tmp_path / "bad.csv"), "diagnosis", home=home)
    code, out, _ = say("quarantine", "diagnosis", "--as", "steward", "--home", home, "--json")
    value = json.loads(out)
    assert (code, value["step"], value["code"], value["place"]["line"]) == (0, "ingest", "row-length", 571)
    assert say("quarantine", "diagnosis", "--as", "steward", "--home", home)[0] == 0
    assert say("quarantine", "diagnosis", "--as", "steward", "--home", home, "--out", tmp_path / "a.csv")[0] == 2
    assert not (tmp_path / "a.csv").exists()


def test_a_home_without_the_key_is_denied_and_logged(home, say, tmp_path):
    (home / "keys/steward.recipient.key").unlink()
    code, out, _ = say("quarantine", "diagnosis@1", "--as", "steward", "--out", tmp_path / "a.csv", "--home", home)
    assert (code, out) == (5, "") and not (tmp_path / "a.csv").exists()
    assert decisions(home) == [("denied", "steward")]
    assert say("quarantine", "diagnosis@1", "--as", "trainer", "--home", home)[0] == 2


def folder(home):
    return next((home / "store/quarantine/diagnosis").iterdir())


def resign(home, role):
    """The same wraps, signed by another role."""
    from hardline.tasks.core import envelope, keyring

    ring = folder(home) / "keyring.json"
    payload = envelope.parse(ring.read_bytes(), subject="x").payload
    signer = open_runtime(home).vault.signer(role)
    ring.write_bytes(envelope.sign(payload, keyring.PAYLOAD_TYPE, [signer]).to_bytes())


def another_versions(home):
    """The quarantine of a refused run in the place of the published version's."""
    first, second = sorted((home / "store/quarantine/diagnosis").iterdir(), key=lambda path: path.stat().st_mtime)
    shutil.rmtree(first)
    shutil.copytree(second, first)


def verdict_of_another(home):
    """The validator itself seals another verdict under the same version."""
    from hardline.tasks.core import canonical, refusal
    from hardline.tasks.core.act import Act

    runtime, version = open_runtime(home), folder(home).name
    verdict = json.loads(next((home / "store/datasets").rglob("verdict.json")).read_bytes())
    act = Act(runtime, "validate", "validator")
    changed = {"verdict": {**verdict, "quarantined": 2, "accepted": verdict["accepted"] - 1}}
    refusal.quarantine(act, act.ledger.view(), "diagnosis", version, canonical.decode(canonical.encode(changed)), None)


def flip(name):
    def change(home):
        path = folder(home) / name
        data = path.read_bytes()
        path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])

    return change


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda home: resign(home, "ingestor"), "SignatureInvalid"),
        (lambda home: resign(home, "trainer"), "SignatureInvalid"),
        (verdict_of_another, "DigestMismatch"),
        (flip("record.sealed"), "SealBroken"),
        (flip("rows.sealed"), "SealBroken"),
        (lambda home: (folder(home) / "keyring.json").unlink(), "DigestMismatch"),
        (lambda home: (folder(home) / "keyring.json").write_bytes(b"{}"), "Malformed"),
    ],
)
def test_what_its_role_did_not_seal_is_refused(change, error, home, say, tmp_path):
    change(home)
    arguments = ["quarantine", "diagnosis@1", "--as", "steward", "--home", home, "--out", tmp_path / "a.csv"]
    code, out, _ = say(*arguments, "--json")
    assert (code, json.loads(out)["error"]) == (4, error)
    assert not (tmp_path / "a.csv").exists()


def test_another_versions_quarantine_is_refused(refused, say):
    another_versions(refused)
    code, _, err = say("quarantine", "diagnosis@1", "--as", "steward", "--home", refused)
    assert code == 4 and "of this version" in err


def test_nothing_put_aside_is_not_found(home, say):
    assert say("quarantine", "diagnosis@9", "--as", "steward", "--home", home)[0] == 6
    assert say("quarantine", "unknown", "--as", "steward", "--home", home)[0] == 6
