"""Every vector goes through the reader of its format: the good are read, the bad are refused by the right name."""

from __future__ import annotations

import base64
import hashlib
import zlib

import cobblestone_by_hand
import hpke_by_hand
import make_vectors
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from format_samples import load

from hardline.tasks.core import canonical, checkpoint, envelope, errors, merkle, oms, sealing
from hardline.tasks.core.checkpoint import Checkpoint
from hardline.tasks.core.keyring import Keyring
from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.wrapping import RecipientKey

EXPECTED = {
    "malformed": errors.Malformed,
    "signature invalid": errors.SignatureInvalid,
    "digest mismatch": errors.DigestMismatch,
    "seal broken": errors.SealBroken,
    "access denied": errors.AccessDenied,
    "shredded": errors.Shredded,
}


def key_of(value):
    return PublicKey.from_json(value, subject="key")


def read_sealed(document, item):
    context = sealing.context(bytes.fromhex(item["version"]), item["kind"], item["path"])
    plain = sealing.open_sealed(base64.b64decode(item["sealed"]), bytes.fromhex(item["key"]), context)
    return (len(plain), canonical.digest(plain)) == (item["plain_size"], item["plain_digest"])


def read_keyring(document, item):
    ring = Keyring.decode(base64.b64decode(item["payload"]))
    return list(ring.open(item["role"], RecipientKey.from_bytes(bytes.fromhex(item["private"])))) == item["key_ids"]


def read_envelope(document, item):
    wrapped = envelope.parse(item["envelope"].encode(), subject="vector")
    keys = [key_of(key) for key in item["keys"]]
    payload = envelope.verify(wrapped, item["payloadType"], keys, item["threshold"], subject="vector")
    return payload == document["payload"].encode()


def read_proof(document, item):
    proof, root = [bytes.fromhex(node) for node in item["proof"]], bytes.fromhex(item["root"])
    if item["kind"] == "inclusion":
        leaf = merkle.leaf(base64.b64decode(item["leaf"]))
        merkle.verify_inclusion(leaf, item["index"], item["size"], proof, root)
    else:
        merkle.verify_consistency(item["old_size"], bytes.fromhex(item["old_root"]), item["size"], root, proof)
    return True


def read_note(document, item):
    key = key_of(item["key"])
    head = checkpoint.verify(item["note"].encode(), item["key_name"], key, origin=item["origin"])
    assert checkpoint.verifier_key(item["key_name"], key) == item["verifier_key"]
    return head == Checkpoint(item["origin"], document["size"], bytes.fromhex(document["root"]), document["time"])


def read_bundle(document, item):
    return oms.verify_bundle(item["bundle"].encode(), key_of(item["key"])) == document["files"]


READERS = {
    "sealed-object.json": read_sealed,
    "keyring.json": read_keyring,
    "dsse-envelope.json": read_envelope,
    "merkle.json": read_proof,
    "checkpoint.json": read_note,
    "signature-bundle.json": read_bundle,
}
CASES = [(file, item) for file in READERS for item in load(file)["cases"]]


@pytest.mark.parametrize(("file", "item"), CASES, ids=[f"{file}: {item['name']}" for file, item in CASES])
def test_a_vector_does_what_it_is_labelled_with(file, item):
    document = load(file)
    item = {**document["defaults"], **item}
    if item["expect"] == "success":
        assert READERS[file](document, item)
        return
    with pytest.raises(errors.HardlineError) as caught:
        READERS[file](document, item)
    assert type(caught.value) is EXPECTED[item["expect"]]


@pytest.mark.parametrize("file", make_vectors.MAKERS)
def test_the_vectors_are_what_their_maker_makes(file):
    assert load(file) == make_vectors.MAKERS[file]()


@pytest.mark.parametrize("item", load("published/chunked-encryption.json")["cases"], ids=lambda item: item["name"])
def test_the_published_vectors_of_chunked_encryption(item):
    """They are made with SHA-256, ours with SHA-512: the second implementation reads both, so it joins the two."""
    key, context = bytes.fromhex(item["key"]), item["context"].encode()
    sealed = zlib.decompress(base64.b64decode(item["ciphertext"]))
    if item["expect"] == "success":
        plain = cobblestone_by_hand.open_sealed(sealed, key, context, SHA256())
        assert canonical.digest(plain) == item["payload_sha256"]
        assert cobblestone_by_hand.seal(plain, key, context, sealed[:24], SHA256()) == sealed
        again = cobblestone_by_hand.seal(plain, key, context, sealed[:24])
        assert sealing.open_sealed(again, key, context) == plain
    else:
        with pytest.raises(cobblestone_by_hand.Refused):
            cobblestone_by_hand.open_sealed(sealed, key, context, SHA256())
    with pytest.raises(errors.SealBroken if len(key) == 32 else ValueError):
        sealing.open_sealed(sealed, key, context)  # another hash function: another format than ours


def test_the_published_vector_of_the_hybrid_kem():
    """The second implementation agrees with the draft; test_wrapping.py shows that ours agrees with the second."""
    vector = load("published/hpke-pq.json")
    field = {
        name: bytes.fromhex(value) for name, value in vector.items() if name != "source" and isinstance(value, str)
    }
    private = hpke_by_hand.expand_seed(field["skRm"])
    assert vector["kem_id"] == hpke_by_hand.KEM
    assert RecipientKey.from_bytes(private).public().data == field["pkRm"]
    shared = hpke_by_hand.decapsulate(private, field["enc"])
    assert shared == field["shared_secret"]
    key, nonce = hpke_by_hand.schedule(shared, field["info"], vector["aead_id"])
    assert (key, nonce) == (field["key"], field["base_nonce"])
    sent = {name: bytes.fromhex(value) for name, value in vector["encryption"].items()}
    assert ChaCha20Poly1305(key).decrypt(nonce, sent["ct"], sent["aad"]) == sent["pt"]


def test_the_published_vector_of_dsse():
    vector = load("published/dsse.json")
    signed = envelope.pae(vector["payloadType"], vector["payload"].encode())
    assert signed == vector["pae"].encode()
    numbers = ec.EllipticCurvePublicNumbers(int(vector["x"]), int(vector["y"]), ec.SECP256R1())
    assert ec.derive_private_key(int(vector["d"]), ec.SECP256R1()).public_key().public_numbers() == numbers
    raw = base64.b64decode(vector["sig"])
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = PublicKey.of_crypto(numbers.public_key())
    key.verify(signature, signed)
    with pytest.raises(errors.SignatureInvalid):
        key.verify(signature, signed + b" ")


def test_the_published_trees():
    vector, tree = load("published/merkle.json"), merkle.Tree()
    leaves = [bytes.fromhex(leaf) for leaf in vector["leaves"]]
    roots = [bytes.fromhex(root) for root in vector["roots"]]
    assert tree.root() == roots[0] == hashlib.sha256(b"").digest()
    for size, leaf in enumerate(leaves, 1):
        tree.append(merkle.leaf(leaf))
        assert tree.root() == roots[size]
    for size in range(1, 9):
        for index in range(size):
            merkle.verify_inclusion(merkle.leaf(leaves[index]), index, size, tree.inclusion(index, size), roots[size])
            merkle.verify_consistency(index + 1, roots[index + 1], size, roots[size], tree.consistency(index + 1, size))
