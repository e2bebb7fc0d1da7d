"""`model_signing verify key` accepts a payload with our bundle, and refuses any other bytes."""

from __future__ import annotations

import pytest
from custody_fixtures import new_signer
from exports import write_export
from witnesses import Refused, model_signing_verify

from hardline.tasks.core.keys import PublicKey

pytestmark = pytest.mark.witness


def verify(folder, signer="publisher"):
    model_signing_verify(folder / "payload", folder / "payload.sigstore.json", folder / "keys" / f"{signer}.pub")


@pytest.mark.parametrize(("kind", "signer"), [("dataset", "publisher"), ("model", "releaser")])
def test_a_payload_with_our_bundle_is_accepted(kind, signer, tmp_path):
    write_export(tmp_path, kind)
    verify(tmp_path, signer)


def changed(payload):
    path = payload / "train" / "features" / "0000.arrow"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


def filled(payload):
    (payload / "empty.bin").write_bytes(b"\x00")


def missing(payload):
    (payload / "test" / "label" / "0000.arrow").unlink()


def renamed(payload):
    (payload / "empty.bin").rename(payload / "hollow.bin")


def with_a_file_more(payload):
    (payload / "extra.bin").write_bytes(b"extra")


def with_a_planted_git_folder(payload):
    (payload / ".git").mkdir()
    (payload / ".git" / "evil").write_bytes(b"evil")


@pytest.mark.parametrize("attack", [changed, filled, missing, renamed, with_a_file_more, with_a_planted_git_folder])
def test_other_bytes_are_refused(attack, tmp_path):
    write_export(tmp_path, "dataset")
    attack(tmp_path / "payload")
    with pytest.raises(Refused):
        verify(tmp_path)


def test_another_publisher_is_refused(tmp_path):
    write_export(tmp_path, "dataset")
    (tmp_path / "keys" / "publisher.pub").write_text(PublicKey.of(new_signer()).pem)
    with pytest.raises(Refused):
        verify(tmp_path)


def test_an_edited_bundle_is_refused(tmp_path):
    write_export(tmp_path, "dataset")
    bundle = tmp_path / "payload.sigstore.json"
    text = bundle.read_text()
    at = text.index('"payload":"') + 200
    bundle.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    with pytest.raises(Refused):
        verify(tmp_path)
