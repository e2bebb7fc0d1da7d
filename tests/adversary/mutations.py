"""What an attacker does who may write everything in the store and the log, and holds the keys of some role, but not the
right one.

Each mutation either is refused, by a VerificationError with the number of a step, or touches something that
verification never relies on, and then the result is the one without it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from hardline.infra.runtime import Runtime
from hardline.tasks.core import (
    canonical,
    checkpoint,
    custody,
    envelope,
    keyring,
    manifest,
    merkle,
    oms,
    opening,
    paths,
    sealing,
)
from hardline.tasks.core import records as log_records
from hardline.tasks.core import rows as tables
from hardline.tasks.core.errors import VerificationError
from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.ledger import Ledger
from hardline.tasks.core.references import Wanted
from hardline.tasks.core.verification import Verified
from hardline.tasks.core.wrapping import RecipientKey

REFUSED, SAME = "refused", "same"
FAMILIES = ("dataset files", "model files", "strangers", "replays", "wrong keys", "log", "forged records", "resealed")
DATASET, MODEL = Wanted.parse("diagnosis"), Wanted.parse("diagnosis-model")
UNUSED = ("log/checkpoint", "log/inclusion.json", "log/record.json")  # a proof for those who have no log


@dataclass(frozen=True)
class Mutation:
    """What the attacker does, and what must come of it."""

    label: str
    expected: str
    apply: Callable[[Runtime], None]
    wanted: Wanted = DATASET


class Scene:
    """The finished home as the attacker finds it."""

    def __init__(self, published) -> None:
        self.published = published
        self.runtime = published.runtime
        view = Ledger(self.runtime).view()
        self.folders = {
            DATASET: opening.folder_of(view.last("publication", name="diagnosis", number=2)),
            MODEL: opening.folder_of(view.last("release", name="diagnosis-model")),
        }
        self.older = opening.folder_of(view.last("publication", name="diagnosis", number=1))
        self.trust = view.trust
        self.records = [view.get(index) for index in range(len(view))]
        self.plain = {wanted: facts(self.runtime, wanted) for wanted in self.folders}

    def files(self, wanted: Wanted) -> dict[str, bytes]:
        """The version's files, by the path in its folder."""
        return self.below(self.folders[wanted])

    def below(self, folder: str) -> dict[str, bytes]:
        """The files of a folder."""
        start = len(folder) + 1
        objects = self.runtime.store.objects
        return {path[start:]: data for path, data in sorted(objects.items()) if path.startswith(f"{folder}/")}

    def signer(self, role: str):
        """The key of a role that the attacker holds."""
        return self.runtime.vault.signer(role)


def facts(runtime: Runtime, wanted: Wanted):
    """All that a reader learns: from steps 1 to 7, and from step 8 with the rows, or the model's key."""
    if wanted is DATASET:
        with opening.open_dataset(runtime, wanted, role="trainer") as data:
            return said(data.verified), data.to_arrow("train").to_pydict()
    proven, folder, _ = opening.verified(runtime, wanted)
    key_id = proven.document.key_id
    return said(proven), opening.open_model_key(runtime, proven, folder, "releaser", key_id)[key_id].secret


def said(proven: Verified):
    return (
        proven.reference, proven.subject.digest, proven.subject.record, proven.document, proven.contract, proven.verdict,
        proven.evaluation, dict(proven.signers), proven.separation, proven.notes,
    )  # fmt: skip


def judge(scene: Scene, mutation: Mutation) -> str | None:
    """What is wrong with how a mutation ended, or None."""
    runtime = scene.published.clone()
    mutation.apply(runtime)
    objects, log = dict(runtime.store.objects), ([*runtime.log.records], runtime.log.checkpoint)
    outcomes = [outcome(lambda: said(opening.verified(runtime, mutation.wanted)[0]) == scene.plain[mutation.wanted][0])]
    assert (objects, log) == (runtime.store.objects, (runtime.log.records, runtime.log.checkpoint))
    outcomes.append(outcome(lambda: facts(runtime, mutation.wanted) == scene.plain[mutation.wanted]))
    allowed = [[mutation.expected] * 2]
    return None if outcomes in allowed else f"{mutation.label}: {mutation.expected} expected, got {outcomes}"


def outcome(same: Callable[[], bool]) -> str:
    try:
        return SAME if same() else "other"
    except VerificationError as error:
        return REFUSED if error.step and error.exit_code == 4 else f"without a step: {error!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def put(path: str, data: bytes) -> Callable[[Runtime], None]:
    def apply(runtime: Runtime) -> None:
        runtime.store.objects[path] = data

    return apply


def drop(path: str) -> Callable[[Runtime], None]:
    def apply(runtime: Runtime) -> None:
        del runtime.store.objects[path]

    return apply


def together(*parts: Callable[[Runtime], None]) -> Callable[[Runtime], None]:
    def apply(runtime: Runtime) -> None:
        for part in parts:
            part(runtime)

    return apply


def set_log(leaves: list[bytes], head: bytes | None) -> Callable[[Runtime], None]:
    def apply(runtime: Runtime) -> None:
        runtime.log.records, runtime.log.checkpoint = [*leaves], head

    return apply


def flipped(data: bytes, rng: random.Random) -> bytes:
    """One bit of one byte, anywhere."""
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def in_files(scene: Scene, wanted: Wanted, rng: random.Random) -> list[Mutation]:
    """Every file of a version: a bit, the end, more, nothing, gone, and another file in its place."""
    folder, files, found = scene.folders[wanted], scene.files(wanted), []
    for name, data in files.items():
        path = f"{folder}/{name}"
        expected = SAME if name in UNUSED else REFUSED
        other = rng.choice([other for other in files if files[other] != data])
        ways = {
            "flip": put(path, flipped(data, rng)),
            "flip again": put(path, flipped(data, rng)),
            "truncate": put(path, data[: rng.randrange(1, len(data))]),
            "extend": put(path, data + rng.randbytes(1 + rng.randrange(40))),
            "empty": put(path, b""),
            "delete": drop(path),
        }
        found += [Mutation(f"{way} {name}", expected, apply, wanted) for way, apply in ways.items()]
        both = {name, other} - {*UNUSED}
        swap = together(put(path, files[other]), put(f"{folder}/{other}", data))
        found.append(Mutation(f"swap {name} with {other}", REFUSED if both else SAME, swap, wanted))
    return found


STRANGERS = (
    "payload/extra.arrow", "payload/.hidden", "payload/train/.hidden.arrow", "payload/train/features/00001.arrow",
    "payload/manifest.json.bak", "in-toto/extra.link", "in-toto/.hidden", "in-toto/.hidden.link",
    "in-toto/encrypt.00000000.link", "in-toto/a/b.link", "in-toto/root.layout.old", "evidence/extra.json",
    "evidence/.hidden", "extra", ".hidden", "log/extra", "log/.hidden", "payload.sigstore.json.bak", "README",
)  # fmt: skip


def strangers(scene: Scene, rng: random.Random) -> list[Mutation]:
    """Files that nothing speaks for."""
    found = []
    for wanted, folder in scene.folders.items():
        for name in STRANGERS:
            label = f"stranger {name} in {wanted.name}"
            found.append(Mutation(label, REFUSED, put(f"{folder}/{name}", rng.randbytes(50)), wanted))
            found.append(Mutation(f"empty {label}", REFUSED, put(f"{folder}/{name}", b""), wanted))
        for name in ("keyring/1.json", "keyring/-1.json", "keyring/.hidden", "keyring/0.json/x"):
            apply = put(f"{folder}/{name}", scene.files(wanted)["keyring/0.json"])
            expected = SAME if name == "keyring/1.json" else REFUSED  # the log says which generation counts
            found.append(Mutation(f"stranger {name} in {wanted.name}", expected, apply, wanted))
    for path in ("events/00/stranger.json", "datasets/stranger/x", "datasets/diagnosis/.hidden", "stranger"):
        found.append(Mutation(f"stranger {path}", SAME, put(path, b"x")))
    for path in [
        path for path in scene.runtime.store.objects if path.startswith(("events/", "landing/", "contracts/"))
    ]:
        found.append(Mutation(f"outside: delete {path.split('/')[0]}", SAME, drop(path)))
    return found


def replays(scene: Scene, rng: random.Random) -> list[Mutation]:
    """What was right once, of the older version, in the place of what is right now."""
    found = []
    folder, now, then = scene.folders[DATASET], scene.files(DATASET), scene.below(scene.older)
    for name, data in then.items():
        unread = name in UNUSED or now[name] == data
        found.append(Mutation(f"older {name}", SAME if unread else REFUSED, put(f"{folder}/{name}", data)))
    for count in range(2, len(then)):
        some = rng.sample(sorted(then), count)
        unread = all(name in UNUSED or now[name] == then[name] for name in some)
        apply = together(*(put(f"{folder}/{name}", then[name]) for name in some))
        label = f"older {count} files"
        found.append(Mutation(label, SAME if unread else REFUSED, apply))
    whole = together(*(drop(f"{folder}/{name}") for name in now), *(put(f"{folder}/{n}", d) for n, d in then.items()))
    found.append(Mutation("older folder", REFUSED, whole))
    for wanted, name in ((DATASET, "manifest.json"), (MODEL, "model.json")):
        other = scene.folders[MODEL if wanted is DATASET else DATASET]
        source = f"{other}/payload/{'model.json' if wanted is DATASET else 'manifest.json'}"
        apply = put(f"{scene.folders[wanted]}/payload/{name}", scene.runtime.store.objects[source])
        found.append(Mutation(f"{name} of another kind", REFUSED, apply, wanted))
    return found


WRONG = ("trainer", "assessor", "steward", "sealer", "publisher", "keeper", "validator")


def resigned(data: bytes, signer) -> bytes:
    """The same statement under another key."""
    wrapped = envelope.parse(data, subject="attacker")
    return envelope.sign(wrapped.payload, wrapped.payload_type, [signer]).to_bytes()


def wrong_keys(scene: Scene, rng: random.Random) -> list[Mutation]:
    """Links, layouts, keyrings, bundles and manifests by somebody who may not make them."""
    found = []
    makers = {
        "sign": "publisher",
        "encrypt": "sealer",
        "validate": "validator",
        "declare": "steward",
        "train": "trainer",
    }
    makers |= {"evaluate": "assessor"}
    for wanted, folder in scene.folders.items():
        files = scene.files(wanted)
        for name in [name for name in files if name.endswith((".link", ".layout")) or name.startswith("keyring/")]:
            step = name.rsplit("/", 1)[-1].split(".")[0]
            maker = {"root": "owner", "0": "sealer" if wanted is DATASET else "trainer"}.get(step) or makers.get(step)
            for role in WRONG:
                if role == maker:
                    continue
                data = resigned(files[name], scene.signer(role))
                found.append(Mutation(f"{name} by {role}", REFUSED, put(f"{folder}/{name}", data), wanted))
                if name.endswith(".link"):
                    renamed = custody.link_name(step, PublicKey.of(scene.signer(role)).keyid)
                    apply = together(drop(f"{folder}/{name}"), put(f"{folder}/{paths.LINKS}/{renamed}", data))
                    found.append(Mutation(f"{renamed} by {role}", REFUSED, apply, wanted))
    return rng.sample(found, 110)


def head_over(scene: Scene, leaves: list[bytes], role: str = "keeper") -> bytes:
    """A checkpoint over leaves, as the keeper's key would sign it, or with another Ed25519 key."""
    from securesystemslib.signer import CryptoSigner

    tree = merkle.Tree()
    for leaf in leaves:
        tree.append(merkle.leaf(leaf))
    time = scene.records[-1].time + 5
    made = checkpoint.Checkpoint(scene.trust.log_name, len(leaves), tree.root(len(leaves)), time)
    signer = scene.signer("keeper") if role == "keeper" else CryptoSigner.generate_ed25519()
    return checkpoint.sign(made, scene.trust.log_name, signer)


def in_log(scene: Scene, rng: random.Random) -> list[Mutation]:
    """Records dropped, moved, edited and added; the log as it was earlier; checkpoints by nobody, and by the keeper."""
    leaves, head, found = [*scene.runtime.log.records], scene.runtime.log.checkpoint, []
    assert head is not None
    heads = {"": lambda _: head, ", new head by a stranger": lambda changed: head_over(scene, changed, "stranger")}
    heads[", new head by the keeper"] = lambda changed: head_over(scene, changed)
    for index, leaf in enumerate(leaves):
        ways = {"drop": leaves[:index] + leaves[index + 1 :]}
        ways["edit"] = [*leaves[:index], flipped(leaf, rng), *leaves[index + 1 :]]
        ways["re-sign"] = [*leaves[:index], resigned(leaf, scene.signer("releaser")), *leaves[index + 1 :]]
        other = (index + 1) % len(leaves)
        ways["swap"] = [*leaves]
        ways["swap"][index], ways["swap"][other] = leaves[other], leaf
        for way, changed in ways.items():
            why, make = rng.choice([*heads.items()])
            found.append(Mutation(f"log: {way} {index}{why}", REFUSED, set_log(changed, make(changed))))
    for earlier, (old, old_head) in enumerate(scene.published.history):
        if old != leaves:
            found.append(Mutation(f"log: back to {earlier}", REFUSED, set_log(old, old_head)))
            found.append(Mutation(f"log: checkpoint of {earlier}", REFUSED, set_log(leaves, old_head)))
            found.append(Mutation(f"log: records of {earlier}", REFUSED, set_log(old, head)))
    found.append(Mutation("log: empty", REFUSED, set_log([], None)))
    found.append(Mutation("log: no checkpoint", REFUSED, set_log(leaves, None)))
    found.append(Mutation("log: no records", REFUSED, set_log([], head)))
    found.append(Mutation("log: stranger appended", REFUSED, set_log([*leaves, b"x"], head)))
    for count in range(5):
        found.append(Mutation(f"log: flip checkpoint {count}", REFUSED, set_log(leaves, flipped(head, rng))))
    found.append(Mutation("log: truncate checkpoint", REFUSED, set_log(leaves, head[:-20])))
    return found


def forged(scene: Scene, rng: random.Random) -> list[Mutation]:
    """A recall, a publication, a rotation by who may not; under the old head, a stranger's, and a colluding keeper's."""
    leaves, head, found = [*scene.runtime.log.records], scene.runtime.log.checkpoint, []
    publication = next(r for r in reversed(scene.records) if r.type == "publication")
    manifest_ = publication["manifest"]
    bodies = {
        "recall": ("steward", {"name": "diagnosis", "digest": manifest_, "reason": "because"}),
        "publication": ("publisher", {**publication.body, "number": 3, "manifest": "0" * 64}),
        "publication ": ("publisher", {**publication.body}),
        "keyring": ("custodian", {"manifest": manifest_, "generation": 1, "keyring": "0" * 64}),
        "encrypt": ("sealer", next(r for r in reversed(scene.records) if r.type == "encrypt").body),
    }
    for type_, (role, body) in bodies.items():
        for forger in ("trainer", "releaser", "assessor"):
            claims = {"as " + role: role, "as itself": forger}
            for claim, named in claims.items():
                leaf = log_records.make_record(
                    type_.strip(), named, "operator", scene.records[-1].time, dict(body), scene.signer(forger)
                )
                for who in ("old head", "stranger", "keeper"):
                    made = head if who == "old head" else head_over(scene, [*leaves, leaf], who)
                    label = f"forged {type_}by {forger} {claim}, {who}"
                    found.append(Mutation(label, REFUSED, set_log([*leaves, leaf], made)))
    return rng.sample(found, 70)


def resealed(scene: Scene, rng: random.Random) -> list[Mutation]:
    """Other rows under the trainer's own data key, in the right place, with as much of the rest redone as can be."""
    folder, files = scene.folders[DATASET], scene.files(DATASET)
    document = manifest.Manifest.decode(files["payload/manifest.json"])
    ring = keyring.Keyring.decode(envelope.parse(files["keyring/0.json"], subject="attacker").payload)
    keys = ring.open("trainer", RecipientKey.from_bytes(scene.runtime.vault.recipient("trainer")))
    found = []
    for entry in [entry for entry in document.entries if entry.split == "train"]:
        key = keys[document.keys[f"{entry.split}/{entry.group}"]]
        bound = sealing.context(bytes.fromhex(document.version), "shard", entry.path)
        columns = [(name, type_) for name, type_, group in document.columns if group == entry.group]
        plain = sealing.open_sealed(files[f"payload/{entry.path}"], key.secret, bound)
        table = tables.decode_table(plain, subject="attacker", columns=columns, rows=entry.rows)
        for count in range(6):
            order = rng.sample(range(entry.rows), entry.rows) if count < 3 else list(range(entry.rows))
            made = sealing.seal(tables.encode_table(table.take(order)), key.secret, bound)
            assert made != files[f"payload/{entry.path}"]
            sealing.open_sealed(made, key.secret, bound)  # the seal alone would let it through
            place = put(f"{folder}/payload/{entry.path}", made)
            found.append(Mutation(f"reseal {entry.path} {count}", REFUSED, place))
            text = files["payload/manifest.json"].replace(entry.digest.encode(), canonical.digest(made).encode())
            said = put(f"{folder}/payload/manifest.json", text)
            found.append(Mutation(f"reseal {entry.path} {count}, manifest", REFUSED, together(place, said)))
            again = manifest.Manifest.decode(text)
            bundle = oms.sign_bundle(
                "diagnosis", {**again.files(), "manifest.json": canonical.digest(text)}, scene.signer("trainer")
            )
            signed = put(f"{folder}/{paths.BUNDLE}", bundle)
            found.append(Mutation(f"reseal {entry.path} {count}, bundle", REFUSED, together(place, said, signed)))
    return found


MAKERS = {
    "dataset files": lambda scene, rng: in_files(scene, DATASET, rng),
    "model files": lambda scene, rng: in_files(scene, MODEL, rng),
    "strangers": strangers,
    "replays": replays,
    "wrong keys": wrong_keys,
    "log": in_log,
    "forged records": forged,
    "resealed": resealed,
}
