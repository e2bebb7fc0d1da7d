"""in-toto-verify accepts a chain of ours as it is, and refuses it when it is anything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from custody_fixtures import make_chain, new_signer
from exports import write_chain, write_export
from witnesses import Refused, in_toto_verify

from hardline.tasks.core import canonical, envelope
from hardline.tasks.core.keys import PublicKey

pytestmark = pytest.mark.witness
OTHER = {"sha256": canonical.digest(b"something else")}


def verify(folder):
    in_toto_verify(folder / "in-toto" / "root.layout", folder / "keys" / "owner.pub", folder / "in-toto")


@pytest.fixture(scope="module")
def chain():
    return make_chain("model", expires=datetime.now(UTC) + timedelta(days=365))


@pytest.mark.parametrize("kind", ["dataset", "model"])
def test_a_complete_chain_is_accepted(kind, tmp_path):
    write_export(tmp_path, kind)
    verify(tmp_path)


def test_a_step_with_a_classical_and_a_post_quantum_key_is_accepted(tmp_path):
    chain = write_export(tmp_path, "dataset", {"encrypt": [new_signer(), new_signer("ml-dsa-65")]})
    verify(tmp_path)
    (tmp_path / "in-toto" / chain.name("encrypt", 1)).unlink()
    with pytest.raises(Refused, match="requires '2' link metadata"):
        verify(tmp_path)


def edited(chain):
    wrapped = envelope.parse(chain.links[chain.name("train")], subject="test")
    payload = wrapped.payload.replace(b'"train"', b'"trajn"')
    return replace(chain, links={**chain.links, chain.name("train"): replace(wrapped, payload=payload).to_bytes()})


def missing(chain):
    return replace(chain, links={name: data for name, data in chain.links.items() if name != chain.name("validate")})


def emptied(chain):
    return chain.with_link("validate", lambda link: link["materials"].clear())


def without_a_product(chain):
    return chain.with_link("encrypt", lambda link: link["products"].clear())


def with_a_product_more(chain):
    return chain.with_link("encrypt", lambda link: link["products"].update({"extra.bin": OTHER}))


def on_another_manifest(chain):
    return chain.with_link("train", lambda link: link["materials"].update({"manifest.json": OTHER}))


def signed_by_another_step(chain):
    return chain.with_link("sign", lambda link: None, signer=chain.functionaries["validate"][0])


def signed_by_a_stranger_in_its_name(chain):
    wrapped = envelope.parse(chain.links[chain.name("sign")], subject="test")
    forged = envelope.sign(wrapped.payload, wrapped.payload_type, [new_signer()])
    forged = replace(forged, signatures=((wrapped.signatures[0][0], forged.signatures[0][1]),))
    return replace(chain, links={**chain.links, chain.name("sign"): forged.to_bytes()})


def under_a_layout_of_the_trainer(chain):
    return chain.with_layout(lambda layout: None, chain.functionaries["train"][0])


def under_an_edited_layout(chain):
    wrapped = envelope.parse(chain.layout, subject="test")
    payload = wrapped.payload.replace(b"DISALLOW", b"ALLOW")
    return replace(chain, layout=replace(wrapped, payload=payload).to_bytes())


def under_an_expired_layout(chain):
    return chain.with_layout(lambda layout: layout.update(expires="2026-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (edited, "ThresholdVerificationError"),
        (missing, "LinkNotFoundError"),
        (emptied, "RuleVerificationError.*REQUIRE"),
        (without_a_product, "RuleVerificationError.*REQUIRE"),
        (with_a_product_more, "RuleVerificationError.*DISALLOW"),
        (on_another_manifest, "RuleVerificationError.*DISALLOW"),
        (signed_by_another_step, "LinkNotFoundError"),
        (signed_by_a_stranger_in_its_name, "ThresholdVerificationError"),
        (under_a_layout_of_the_trainer, "SignatureVerificationError"),
        (under_an_edited_layout, "SignatureVerificationError"),
        (under_an_expired_layout, "LayoutExpiredError"),
    ],
)
def test_a_broken_chain_is_refused(broken, reason, chain, tmp_path):
    write_chain(tmp_path, broken(chain))
    with pytest.raises(Refused, match=f"(?s){reason}"):
        verify(tmp_path)


def test_a_chain_of_another_owner_is_refused(chain, tmp_path):
    write_chain(tmp_path, chain)
    (tmp_path / "keys" / "owner.pub").write_text(PublicKey.of(new_signer()).pem)
    with pytest.raises(Refused):
        verify(tmp_path)
