"""Makes tests/vectors/*.json: `python tests/core/make_vectors.py`. The same vectors come out each time.

Every case has a name, what a reader must do with it (`success`, or the error that it must raise), and the bytes. A case
that must fail is named after its one defect and differs from a good one in that alone. Wraps cannot be made twice alike
(the library offers no encapsulation with given randomness), so the stored ones are kept.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import cobblestone_by_hand
from format_samples import VECTORS, Repeatable, ed, public, recipient

from hardline.tasks.core import canonical, checkpoint, envelope, keyring, keys, merkle, oms, sealing
from hardline.tasks.core.checkpoint import Checkpoint
from hardline.tasks.core.keyring import DataKey, Keyring
from hardline.tasks.core.keys import PublicKey

VERSION = bytes(range(16))
SUBJECT = canonical.digest(b"a manifest")


ONE, TWO = Repeatable(1), Repeatable(2)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def case(name: str, expect: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "expect": expect, **fields}


def sealed_object() -> dict[str, Any]:
    key, salt, path = bytes(range(32)), bytes(range(100, 124)), "train/features/0000.arrow"
    context = sealing.context(VERSION, "shard", path)

    def made(plain: bytes) -> bytes:
        return cobblestone_by_hand.seal(plain, key, context, salt)

    good, full = made(b"plain bytes"), made(bytes(sealing.CHUNK))
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    cases = [
        case("an empty object", "success", sealed=b64(made(b"")), plain_size=0, plain_digest=canonical.digest(b"")),
        case(
            "one short chunk", "success", sealed=b64(good), plain_size=11, plain_digest=canonical.digest(b"plain bytes")
        ),
        case(
            "one full chunk", "success", sealed=b64(full), plain_size=16384, plain_digest=canonical.digest(bytes(16384))
        ),
        case("nothing", "seal broken", sealed=""),
        case("the header alone", "seal broken", sealed=b64(good[:56])),
        case("the empty last chunk cut off", "seal broken", sealed=b64(full[:-16])),
        case("a byte cut off", "seal broken", sealed=b64(good[:-1])),
        case("a byte more", "seal broken", sealed=b64(good + b"\0")),
        case("a bit flipped", "seal broken", sealed=b64(flipped)),
        case("another salt", "seal broken", sealed=b64(bytes(24) + good[24:])),
        case("another commitment", "seal broken", sealed=b64(good[:24] + bytes(32) + good[56:])),
        case("another path", "seal broken", sealed=b64(good), path="test/features/0000.arrow"),
        case("another kind", "seal broken", sealed=b64(good), kind="staging"),
        case("another version id", "seal broken", sealed=b64(good), version=bytes(16).hex()),
        case("another key", "seal broken", sealed=b64(good), key=bytes(32).hex()),
    ]
    defaults = {"key": key.hex(), "version": VERSION.hex(), "kind": "shard", "path": path}
    return {"format": "sealed object", "defaults": defaults, "cases": cases}


def wrapped_once() -> Keyring:
    """The keyring that is stored already, or a new one."""
    place = VECTORS / "keyring.json"
    if place.exists():
        return Keyring.decode(base64.b64decode(json.loads(place.read_text())["cases"][0]["payload"]))
    grants = [(DataKey(bytes([4]) * 32), "trainer", recipient(1).public())]
    grants += [(DataKey(bytes([n]) * 32), "assessor", recipient(2).public()) for n in (4, 5)]
    return keyring.make(SUBJECT, VERSION, 0, grants)


def key_ring() -> dict[str, Any]:
    ring = wrapped_once()
    value = json.loads(ring.encode())
    wrap = value["wraps"][0]
    assert [entry["role"] for entry in value["wraps"]].count("trainer") == 1

    def of(changed: dict[str, Any]) -> str:
        return b64(canonical.encode({**value, **changed}))

    every = [{**entry, "role": "reader"} for entry in value["wraps"]]
    other = DataKey(bytes([5]) * 32).key_id
    renamed = [{**entry, "key_id": other} for entry in value["wraps"] if entry["role"] == "trainer"]
    cases = [
        case("a good keyring", "success", payload=b64(ring.encode()), key_ids=[DataKey(bytes([4]) * 32).key_id]),
        case("a tombstone", "shredded", payload=b64(keyring.tombstone(SUBJECT, VERSION, 1).encode())),
        case("no wrap for the role", "access denied", payload=b64(ring.encode()), role="steward"),
        case("no wrap for the recipient", "access denied", payload=b64(ring.encode()), private=(bytes([9]) * 96).hex()),
        case("the role changed", "seal broken", payload=of({"wraps": every}), role="reader"),
        case("the version id changed", "seal broken", payload=of({"version": bytes(16).hex()})),
        case("another key id", "seal broken", payload=of({"wraps": renamed})),
        case("no wraps and no tombstone", "malformed", payload=of({"wraps": []})),
        case("wraps in a tombstone", "malformed", payload=of({"shredded": True})),
        case("a wrap twice", "malformed", payload=of({"wraps": [wrap, wrap]})),
        case("a short ciphertext", "malformed", payload=of({"wraps": [{**wrap, "ciphertext": "AAAA"}]})),
        case("an unknown format", "malformed", payload=of({"format": "hardline/keyring/v2"})),
        case("an unknown field", "malformed", payload=of({"note": ""})),
        case("not canonical", "malformed", payload=b64(json.dumps(value).encode())),
    ]
    defaults = {"private": (bytes([1]) * 96).hex(), "role": "trainer"}
    return {"format": keyring.FORMAT, "defaults": defaults, "cases": cases}


def dsse() -> dict[str, Any]:
    type_, payload = "application/vnd.hardline.test+json", b'{"a":1}'
    good = envelope.sign(payload, type_, [ONE])
    value = json.loads(good.to_bytes())
    entry = value["signatures"][0]

    def of(**changed: Any) -> str:
        return canonical.encode({**value, **changed}).decode()

    foreign = {**entry, "keyid": public(TWO).keyid}
    both = envelope.sign(payload, type_, [ONE, TWO]).to_bytes().decode()
    twice = envelope.sign(payload, type_, [ONE, ONE]).to_bytes().decode()
    cases = [
        case("one signature", "success", envelope=good.to_bytes().decode()),
        case("two of two", "success", envelope=both, threshold=2),
        case("a key id that names another key", "success", envelope=of(signatures=[foreign])),
        case("one key twice for two", "signature invalid", envelope=twice, threshold=2),
        case("another payload", "signature invalid", envelope=of(payload=b64(b'{"a":2}'))),
        case("another payload type", "malformed", envelope=of(payloadType="text/plain")),
        case("no signature", "malformed", envelope=of(signatures=[])),
        case("seventeen signatures", "malformed", envelope=of(signatures=[entry] * 17)),
        case("URL-safe base64", "malformed", envelope=of(payload="_-8=")),
        case("base64 without padding", "malformed", envelope=of(payload="YQ")),
        case("an unknown field", "malformed", envelope=of(extra="")),
        case("a key twice", "malformed", envelope=of()[:-1] + ',"signatures":[]}'),
        case("not canonical", "malformed", envelope=json.dumps(value)),
    ]
    defaults = {"keys": [public(ONE).to_json(), public(TWO).to_json()], "payloadType": type_, "threshold": 1}
    return {"format": "DSSE envelope", "payload": payload.decode(), "defaults": defaults, "cases": cases}


def tree() -> dict[str, Any]:
    made = merkle.Tree()
    for i in range(7):
        made.append(merkle.leaf(b"record %d" % i))
    path = [item.hex() for item in made.inclusion(4, 7)]
    proof = [item.hex() for item in made.consistency(3, 7)]
    inclusion = {
        "kind": "inclusion",
        "leaf": b64(b"record 4"),
        "index": 4,
        "size": 7,
        "root": made.root().hex(),
        "proof": path,
    }
    consistency = {
        "kind": "consistency",
        "old_size": 3,
        "old_root": made.root(3).hex(),
        "size": 7,
        "root": made.root().hex(),
        "proof": proof,
    }
    bad = "digest mismatch"
    cases = [
        case("a leaf included", "success", **inclusion),
        case("another leaf", bad, **{**inclusion, "leaf": b64(b"record 5")}),
        case("another index", bad, **{**inclusion, "index": 5}),
        case("an index beyond the tree", bad, **{**inclusion, "index": 7}),
        case("another size", bad, **{**inclusion, "size": 5}),
        case("another root", bad, **{**inclusion, "root": made.root(6).hex()}),
        case("a path too short", bad, **{**inclusion, "proof": path[:-1]}),
        case("a path too long", bad, **{**inclusion, "proof": [*path, "00" * 32]}),
        case("a path in another order", bad, **{**inclusion, "proof": path[::-1]}),
        case("a hash of 31 bytes", bad, **{**inclusion, "proof": [path[0][:-2], *path[1:]]}),
        case("a tree extended", "success", **consistency),
        case("another old root", bad, **{**consistency, "old_root": made.root(2).hex()}),
        case("another new root", bad, **{**consistency, "root": made.root(6).hex()}),
        case("an old tree of no leaves", bad, **{**consistency, "old_size": 0}),
        case("an old tree larger than the new", bad, **{**consistency, "old_size": 8}),
        case("no proof", bad, **{**consistency, "proof": []}),
        case("a proof too long", bad, **{**consistency, "proof": [*proof, "00" * 32]}),
    ]
    return {"format": "Merkle proofs", "defaults": {}, "cases": cases}


def note() -> dict[str, Any]:
    keeper, witness, name = ed(1), ed(2), "hardline-log-vectors"
    head = Checkpoint(name, 7, bytes(range(32)), 1_800_000_000)
    good = checkpoint.sign(head, name, keeper).decode()
    body, line = good.split("\n\n")

    def by(signer: Any, text: str, who: str = name) -> str:
        blob = checkpoint.key_id(who, PublicKey.of(signer)) + keys.sign(signer, text.encode())
        return f"\u2014 {who} {b64(blob)}\n"

    def over(text: str) -> str:
        return text + "\n" + by(keeper, text)

    text = body + "\n"
    broken = f"\u2014 {name} {b64(checkpoint.key_id(name, PublicKey.of(keeper)) + bytes(64))}\n"
    cases = [
        case("a good checkpoint", "success", note=good),
        case("a witness before the log", "success", note=f"{body}\n\n{by(witness, text, 'witness')}{line}"),
        case("a witness alone", "signature invalid", note=f"{body}\n\n{by(witness, text, 'witness')}"),
        case("a broken signature beside a good one", "signature invalid", note=f"{body}\n\n{broken}{line}"),
        case("another size, signature kept", "signature invalid", note=good.replace("\n7\n", "\n8\n")),
        case("another origin", "malformed", note=over(text.replace(name, "another-log", 1))),
        case("a zero before the size", "malformed", note=over(text.replace("\n7\n", "\n07\n"))),
        case("no time", "malformed", note=over(text.rsplit("time", 1)[0])),
        case("a second extension", "malformed", note=over(text + "note\n")),
        case("a short root", "malformed", note=over(text.replace(b64(head.root), b64(head.root[:31])))),
        case("no signature", "malformed", note=text),
        case("text after the signatures", "malformed", note=good + "note\n"),
    ]
    key = PublicKey.of(keeper)
    defaults = {
        "key_name": name,
        "origin": name,
        "key": key.to_json(),
        "verifier_key": checkpoint.verifier_key(name, key),
    }
    return {
        "format": "checkpoint",
        "size": 7,
        "root": head.root.hex(),
        "time": head.time,
        "defaults": defaults,
        "cases": cases,
    }


def bundle() -> dict[str, Any]:
    files = {"manifest.json": "aa" * 32, "train/b.arrow": "bb" * 32, "train-2/a.arrow": "cc" * 32}
    good = oms.sign_bundle("diagnosis", files, ONE)
    value = json.loads(good)
    wrapped = value["dsseEnvelope"]
    statement = json.loads(base64.b64decode(wrapped["payload"]))
    predicate = statement["predicate"]

    def of(**changed: Any) -> str:
        payload = canonical.encode({**statement, **changed})
        sig = keys.sign(ONE, envelope.pae(wrapped["payloadType"], payload))
        inner = {**wrapped, "payload": b64(payload), "signatures": [{"keyid": "", "sig": b64(sig)}]}
        return canonical.encode({**value, "dsseEnvelope": inner}).decode()

    def over(resources: list[Any]) -> str:
        return of(predicate={**predicate, "resources": resources})

    listed = predicate["resources"]
    unsigned = canonical.encode({**value, "dsseEnvelope": {**wrapped, "payload": b64(b"{}")}}).decode()
    serialization = {**predicate["serialization"], "ignore_paths": [".git"]}
    cases = [
        case("a good bundle", "success", bundle=good.decode()),
        case("another key", "signature invalid", bundle=good.decode(), key=public(TWO).to_json()),
        case("another statement, signature kept", "signature invalid", bundle=unsigned),
        case("another order", "malformed", bundle=over(listed[::-1])),
        case("a file twice", "malformed", bundle=over([*listed, listed[-1]])),
        case("a file renamed to climb out", "malformed", bundle=over([{**listed[0], "name": "../a"}, *listed[1:]])),
        case("a file dropped, root digest kept", "malformed", bundle=over(listed[1:])),
        case("ignored paths", "malformed", bundle=of(predicate={**predicate, "serialization": serialization})),
        case("another predicate", "malformed", bundle=of(predicateType="https://example.com/other")),
        case("an unknown field", "malformed", bundle=canonical.encode({**value, "extra": ""}).decode()),
        case("not canonical", "malformed", bundle=json.dumps(value)),
    ]
    return {"format": "signature bundle", "files": files, "defaults": {"key": public(ONE).to_json()}, "cases": cases}


MAKERS = {
    "sealed-object.json": sealed_object,
    "keyring.json": key_ring,
    "dsse-envelope.json": dsse,
    "merkle.json": tree,
    "checkpoint.json": note,
    "signature-bundle.json": bundle,
}

if __name__ == "__main__":
    for file, make in MAKERS.items():
        (VECTORS / file).write_text(json.dumps(make(), indent=1) + "\n", encoding="utf-8")
