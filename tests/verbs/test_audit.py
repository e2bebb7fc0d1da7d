"""hardline audit: all that is wrong in one list, and nothing touched."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

import hardline
from hardline.infra.clock import SystemClock
from hardline.infra.runtime import open_runtime
from hardline.tasks.core.audit import audit


def tree(home):
    return {path: path.read_bytes() for path in (home / "store").rglob("*") if path.is_file()}


def findings(say, home, code):
    before = tree(home)
    status, out, _ = say("audit", "--home", home, "--json")
    value = json.loads(out)
    assert (status, value["verified"]) == (code, code == 0)
    assert tree(home) == before, "an audit repairs nothing"
    return [(item["subject"], item["severity"], item["step"], item["error"]) for item in value["findings"]]


def flip(path):
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def one(home, pattern):
    return next((home / "store").rglob(pattern))


def test_a_good_home_has_no_finding(home, say):
    assert findings(say, home, 0) == []
    value = json.loads(say("audit", "--home", home, "--json")[1])
    assert (value["datasets"], value["models"]) == (1, 0) and value["records"] > 6
    assert "everything verifies" in say("audit", "--home", home)[1]


def test_it_needs_no_key(home, say):
    shutil.rmtree(home / "keys")
    assert findings(say, home, 0) == []


def test_models_are_verified_too(published):
    runtime = published.clone()
    found = audit(runtime)
    assert (found.verified, found.datasets, found.models, found.findings) == (True, 2, 1, ())
    path = next(path for path in runtime.store.objects if path.startswith("models/") and path.endswith(".safetensors"))
    runtime.store.objects[path] = b"x" * len(runtime.store.objects[path])
    (finding,) = audit(runtime).findings
    assert (finding.subject, finding.step, finding.error) == ("diagnosis-model@1", 7, "DigestMismatch")


def test_everything_wrong_is_named_at_once(home, say):
    flip(one(home, "datasets/**/*.arrow*"))
    flip(one(home, "contracts/diagnosis/*/suite.json"))
    events = sorted((home / "store/events").rglob("*.json"))
    flip(events[0])
    events[1].unlink()
    found = findings(say, home, 4)
    assert ("diagnosis@1", "error", 7, "DigestMismatch") in found
    assert len([item for item in found if item[0].startswith("lineage event")]) == 2
    assert len([item for item in found if item[0].startswith("contract diagnosis")]) == 1
    assert len(found) == 4


@pytest.mark.parametrize(
    "path",
    [
        "staging/diagnosis/VERSION/train/00000.arrow",
        "datasets/diagnosis/" + "0" * 32 + "/payload/x",
        "quarantine/diagnosis/" + "0" * 32 + "/x",
        "models/loose",
        "elsewhere/x",
        "contracts/diagnosis/another/suite.json",
        "events/ab/" + "ab" * 32 + ".json",
    ],
)
def test_what_nothing_names_is_a_warning(path, home, say):
    version = next((home / "store/datasets/diagnosis").iterdir()).name
    stray = home / "store" / path.replace("VERSION", version)
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"x")
    assert findings(say, home, 0) == [(path.replace("VERSION", version), "warning", None, "Leftover")]


def test_a_stranger_in_a_version_is_an_error(home, say):
    (one(home, "payload/manifest.json").parent / "extra").write_bytes(b"x")
    assert findings(say, home, 4) == [("diagnosis@1", "error", 7, "DigestMismatch")]


def test_what_was_recalled_is_not_verified_again(home, say):
    flip(one(home, "datasets/**/*.arrow*"))
    hardline.recall("diagnosis@1", "mislabelled", home=home)
    assert findings(say, home, 0) == []


def test_what_expires_soon_is_a_warning(home):
    class Later(SystemClock):
        def now(self):
            return super().now() + timedelta(days=340)

    settings = replace(open_runtime(home).settings, max_checkpoint_age=None)
    runtime = replace(open_runtime(home), clock=Later(), settings=settings)
    found = audit(runtime)
    assert found.verified and {(item.subject, item.error) for item in found.findings} == {
        ("trust document", "Expiring"),
        ("layout of a dataset", "Expiring"),
        ("layout of a model", "Expiring"),
    }


def test_a_missing_key_file_is_a_warning(home, say):
    for name in ("trainer.recipient.key", "releaser.signing.key", "split.secret.key"):
        (home / "keys" / name).unlink()
    assert {(subject, error) for subject, _, _, error in findings(say, home, 0)} == {
        ("recipient key of trainer", "MissingKey"),
        ("signing key of releaser", "MissingKey"),
        ("secret split", "MissingKey"),
    }


def test_a_layout_that_is_gone_is_an_error(home, say):
    for path in (home / "trust/layouts").iterdir():
        path.unlink()
    assert {(subject, error) for subject, _, _, error in findings(say, home, 4)} == {
        ("layout of a dataset", "NotFound"),
        ("layout of a model", "NotFound"),
    }


def test_a_log_that_does_not_verify_is_a_finding_with_its_step(home, say):
    (home / "trust/trust.json").write_bytes(b"{}")
    assert findings(say, home, 4) == [("log", "error", 1, "Malformed")]
    shutil.copy(home / "trust/seen/trust.json", home / "trust/trust.json")
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        (home / name).unlink(missing_ok=True)
    assert findings(say, home, 4) == [("log", "error", 2, "DigestMismatch")]


def test_a_record_by_nobody_is_named(published):
    from hardline.tasks.core import checkpoint as checkpoints
    from hardline.tasks.core import merkle
    from hardline.tasks.core.ledger import Ledger

    runtime = published.clone()
    view = Ledger(runtime).view()
    leaf = view.leaves[-1].replace(b'"sig":"', b'"sig":"A', 1)
    view.tree.append(merkle.leaf(leaf))
    head = checkpoints.Checkpoint(
        view.trust.log_name, len(view) + 1, view.tree.root(len(view) + 1), view.checkpoint.time
    )
    runtime.log.records.append(leaf)
    runtime.log.checkpoint = checkpoints.sign(head, view.trust.log_name, runtime.vault.signer("keeper"))
    found = audit(runtime)
    assert not found.verified and f"log record {len(view)}" in {finding.subject for finding in found.findings}


@pytest.mark.parametrize("name", ["checkpoint", "inclusion.json", "record.json"])
@pytest.mark.parametrize("way", ["change", "delete"])
def test_the_proof_beside_a_version_is_verified_for_those_who_have_no_log(published, name, way):
    runtime = published.clone()
    path = next(path for path in runtime.store.objects if path.startswith("datasets/") and path.endswith(f"log/{name}"))
    if way == "delete":
        del runtime.store.objects[path]
    else:
        runtime.store.objects[path] = runtime.store.objects[path].replace(b"1", b"2", 1)
    (finding,) = audit(runtime).findings
    assert finding.subject.endswith("its proof") and not audit(runtime).verified
