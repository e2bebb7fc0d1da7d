"""The rules of custody: which step takes what from whom, and makes what. The one table that everything else derives from.

    declare   steward    -                                         -> contract.odcs.yaml, suite.json
    ingest    ingestor   contract                                  -> snapshot.json
    validate  validator  snapshot, contract, suite                 -> verdict.json
    encrypt   sealer     snapshot, verdict                         -> manifest.json
    sign      publisher  manifest                                  -> payload.sigstore.json
    train     trainer    manifest                                  -> trained.json
    evaluate  assessor   trained, manifest                         -> evaluation.json
    release   releaser   evaluation                                -> model.json
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical, envelope

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

    from hardline.tasks.core.keys import PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Rule:
    """One step: who may do it, where each material comes from, and the products."""

    role: str
    materials: Mapping[str, str]  # artifact -> the step whose product it is
    products: tuple[str, ...]


CONTRACT, SUITE = "contract.odcs.yaml", "suite.json"
STEPS: Mapping[str, Rule] = {
    "declare": Rule("steward", {}, (CONTRACT, SUITE)),
    "ingest": Rule("ingestor", {CONTRACT: "declare"}, ("snapshot.json",)),
    "validate": Rule(
        "validator", {"snapshot.json": "ingest", CONTRACT: "declare", SUITE: "declare"}, ("verdict.json",)
    ),
    "encrypt": Rule("sealer", {"snapshot.json": "ingest", "verdict.json": "validate"}, ("manifest.json",)),
    "sign": Rule("publisher", {"manifest.json": "encrypt"}, ("payload.sigstore.json",)),
    "train": Rule("trainer", {"manifest.json": "encrypt"}, ("trained.json",)),
    "evaluate": Rule("assessor", {"trained.json": "train", "manifest.json": "encrypt"}, ("evaluation.json",)),
    "release": Rule("releaser", {"evaluation.json": "evaluate"}, ("model.json",)),
}
ROLE_OF: Mapping[str, str] = {step: rule.role for step, rule in STEPS.items()}
STEPS_DATASET = ("declare", "ingest", "validate", "encrypt", "sign")
STEPS_MODEL = tuple(STEPS)
KINDS: Mapping[str, tuple[str, ...]] = {"dataset": STEPS_DATASET, "model": STEPS_MODEL}


def material_rules(step: str) -> list[list[str]]:
    """in-toto's artifact rules for what a step takes.

    REQUIRE comes first: without it a link with no materials at all passes MATCH and DISALLOW.
    """
    materials = STEPS[step].materials
    required = [["REQUIRE", name] for name in materials]
    matched = [["MATCH", name, "WITH", "PRODUCTS", "FROM", origin] for name, origin in materials.items()]
    return [*required, *matched, ["DISALLOW", "*"]]


def product_rules(step: str) -> list[list[str]]:
    """in-toto's artifact rules for what a step makes; see `material_rules`."""
    products = STEPS[step].products
    return [*(["REQUIRE", name] for name in products), *(["CREATE", name] for name in products), ["DISALLOW", "*"]]


def make_layout(
    kind: str, functionaries: Mapping[str, Sequence[PublicKey]], expires: datetime, owners: Sequence[Signer]
) -> bytes:
    """Sign the layout of a kind.

    Args:
        kind: `dataset` or `model`.
        functionaries: Step to the keys that may do it. A classical key with a post-quantum one demands both.
        expires: Until when new work may start under it, UTC.
        owners: Who signs.
    """
    keys = {key.keyid: key for step in KINDS[kind] for key in functionaries[step]}
    payload = canonical.encode(
        {
            "_type": "layout",
            "expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "inspect": [],
            "intoto_version": "1.0",
            "keys": {keyid: {**key.securesystemslib().to_dict(), "keyid": keyid} for keyid, key in keys.items()},
            "readme": "",
            "steps": [_step(step, functionaries[step]) for step in KINDS[kind]],
        }
    )
    return envelope.sign(payload, PAYLOAD_TYPE, owners).to_bytes()


def threshold(keys: Sequence[PublicKey]) -> int:
    """How many of a step's keys must sign: both, when one is post-quantum; else one."""
    return 2 if any(key.post_quantum for key in keys) else 1


def _step(step: str, keys: Sequence[PublicKey]) -> dict[str, Any]:
    return {
        "_type": "step",
        "name": step,
        "expected_command": [],
        "expected_materials": material_rules(step),
        "expected_products": product_rules(step),
        "pubkeys": [key.keyid for key in keys],
        "threshold": threshold(keys),
    }
