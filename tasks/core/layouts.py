"""The rules of custody: which step takes what from whom, and makes what. Everything else derives from the templates.

    declare   steward    -                                         -> contract.odcs.yaml, suite.json
    ingest    ingestor   contract                                  -> snapshot.json
    validate  validator  snapshot, contract, suite                 -> verdict.json
    encrypt   sealer     snapshot, verdict                         -> manifest.json
    sign      publisher  manifest                                  -> payload.sigstore.json
    train     trainer    manifest                                  -> trained.json
    evaluate  assessor   trained, manifest                         -> evaluation.json
    release   releaser   evaluation                                -> model.json

A template (infra/trust/*.layout.json) holds in-toto's own rules for each step; `make_layout` adds the keys and a time
of expiry, and an owner signs. In each rule list REQUIRE comes first: without it a link that names no artifact at all
passes MATCH and DISALLOW, which look only at the artifacts that are there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical, envelope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from securesystemslib.signer import Signer

    from hardline.tasks.core.keys import PublicKey

FORMAT = "hardline/layout/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"  # in-toto's DSSE payload type, of layouts and of links
TIME = "%Y-%m-%dT%H:%M:%SZ"  # in-toto specification 0.9, section 4.3: UTC, whole seconds


@dataclass(frozen=True, slots=True)
class Rule:
    """One step: who may do it, where each material comes from, the products, and in-toto's rules that say so."""

    role: str
    materials: Mapping[str, str]  # artifact -> the step whose product it is
    products: tuple[str, ...]
    expected_materials: Sequence[Sequence[str]]
    expected_products: Sequence[Sequence[str]]


def _read_template(kind: str) -> dict[str, Rule]:
    """The steps of a kind, in order, from the template that is installed with the program."""
    template = json.loads(resources.files("hardline.infra.trust").joinpath(f"{kind}.layout.json").read_bytes())
    if (template["format"], template["kind"]) != (FORMAT, kind):
        raise RuntimeError(f"layout template {kind}: format {FORMAT} expected; the installation is broken")
    return {
        step["name"]: Rule(
            role=step["role"],
            materials={rule[1]: rule[-1] for rule in step["expected_materials"] if rule[0] == "MATCH"},
            products=tuple(rule[1] for rule in step["expected_products"] if rule[0] == "CREATE"),
            expected_materials=step["expected_materials"],
            expected_products=step["expected_products"],
        )
        for step in template["steps"]
    }


_TEMPLATES = {kind: _read_template(kind) for kind in ("dataset", "model")}
STEPS: Mapping[str, Rule] = _TEMPLATES["model"]  # a model's chain begins with its dataset's
KINDS: Mapping[str, tuple[str, ...]] = {kind: tuple(steps) for kind, steps in _TEMPLATES.items()}
STEPS_DATASET, STEPS_MODEL = KINDS["dataset"], KINDS["model"]
ROLE_OF: Mapping[str, str] = {step: rule.role for step, rule in STEPS.items()}


def make_layout(
    kind: str, functionaries: Mapping[str, Sequence[PublicKey]], expires: datetime, owners: Sequence[Signer]
) -> bytes:
    """Sign the layout of a kind.

    Args:
        kind: `dataset` or `model`.
        functionaries: Step to the keys that may do it: any number of classical ones, each of which suffices; or exactly
            one classical and one post-quantum key, which must then both sign.
        expires: Until when new work may start under it, UTC.
        owners: Who signs.

    Raises:
        ValueError: A step without keys, a key twice, another mixture of keys, or no owner: a bug of the caller.
    """
    wrong = [step for step in KINDS[kind] if not usable(functionaries.get(step, ()))]
    if wrong or not owners:
        raise ValueError(f"a layout needs owners, and keys as it demands them for each step: {', '.join(wrong)}")
    return envelope.sign(payload(kind, functionaries, expires), PAYLOAD_TYPE, owners).to_bytes()


def payload(kind: str, functionaries: Mapping[str, Sequence[PublicKey]], expires: datetime) -> bytes:
    """The bytes that owners sign; a reader makes them again and compares."""
    keys = {key.keyid: key for step in KINDS[kind] for key in functionaries[step]}
    return canonical.encode(
        {
            "_type": "layout",
            "expires": expires.strftime(TIME),
            "inspect": [],  # an inspection is a command that the verifier would run
            "keys": {keyid: {**key.securesystemslib().to_dict(), "keyid": keyid} for keyid, key in keys.items()},
            "readme": f"{FORMAT} {kind}",
            "steps": [_step(step, functionaries[step]) for step in KINDS[kind]],
        }
    )


def usable(keys: Sequence[PublicKey]) -> bool:
    """Whether a step can be given to these keys: different ones, and if one is post-quantum, one classical beside it.

    A threshold of two over more keys would also accept two classical ones.
    """
    if not keys or len({key.keyid for key in keys}) != len(keys):
        return False
    kinds = sorted(key.post_quantum for key in keys)
    return not any(kinds) or kinds == [False, True]


def threshold(keys: Sequence[PublicKey]) -> int:
    """How many of a step's keys must sign: both, when one is post-quantum; else one."""
    return 2 if any(key.post_quantum for key in keys) else 1


def _step(step: str, keys: Sequence[PublicKey]) -> dict[str, Any]:
    return {
        "_type": "step",
        "name": step,
        "expected_command": [],
        "expected_materials": STEPS[step].expected_materials,
        "expected_products": STEPS[step].expected_products,
        "pubkeys": [key.keyid for key in keys],
        "threshold": threshold(keys),
    }
