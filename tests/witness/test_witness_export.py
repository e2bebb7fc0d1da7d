"""An exported folder through all foreign verifiers at once, as its README tells an outsider."""

from __future__ import annotations

import json

import pytest
import setup as environments
import witnesses
from exports import write_export
from witnesses import Refused, witness_export

pytestmark = pytest.mark.witness


@pytest.mark.parametrize("kind", ["dataset", "model"])
def test_an_export_is_accepted(kind, tmp_path):
    write_export(tmp_path, kind)
    witness_export(tmp_path)


@pytest.mark.parametrize("kind", ["dataset", "model"])
def test_a_good_payload_beside_a_good_chain_of_something_else_is_refused(kind, tmp_path):
    write_export(tmp_path / "one", kind)
    write_export(tmp_path / "two", kind)
    payload = tmp_path / "two" / "payload"
    document = payload / ("manifest.json" if kind == "dataset" else "model.json")
    document.write_text(json.dumps({"entries": {}}))
    chain = write_export(tmp_path / "three", kind)
    _sign_again(tmp_path / "three", document.read_bytes(), document.name, chain)
    with pytest.raises(Refused, match=rf"{document.name}: the product of step"):
        witness_export(tmp_path / "three")


def _sign_again(folder, data, name, chain):
    """The same payload but for one document, validly signed by the same publisher or releaser; the chain is old."""
    from hardline.tasks.core import canonical, oms

    (folder / "payload" / name).write_bytes(data)
    files = {
        path.relative_to(folder / "payload").as_posix(): canonical.digest(path.read_bytes())
        for path in (folder / "payload").rglob("*")
        if path.is_file()
    }
    step = "sign" if name == "manifest.json" else "release"
    (folder / "payload.sigstore.json").write_bytes(oms.sign_bundle("payload", files, chain.functionaries[step][0]))


def test_a_missing_witness_is_a_failure_that_says_what_to_run(tmp_path, monkeypatch):
    write_export(tmp_path, "dataset")
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "nowhere")
    with pytest.raises(RuntimeError, match="make setup-witness"):
        witness_export(tmp_path)
    with pytest.raises(RuntimeError, match="make setup-witness"):
        witnesses.hpke_js(do="wrap")
