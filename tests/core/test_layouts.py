"""The layout templates, and what is made of them."""

from __future__ import annotations

import json

import pytest
from custody_fixtures import NOW, YEAR, make_chain, new_signer, public

from hardline.tasks.core import canonical, envelope, layouts
from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.trust import ROLES

RULES = [(kind, step) for kind, steps in layouts.KINDS.items() for step in steps]


@pytest.fixture(scope="module")
def made():
    chains = {kind: make_chain(kind) for kind in layouts.KINDS}
    return {
        kind: (chain, json.loads(envelope.parse(chain.layout, subject="t").payload)) for kind, chain in chains.items()
    }


def test_the_steps_and_roles_are_those_of_the_design():
    assert layouts.STEPS_DATASET == ("declare", "ingest", "validate", "encrypt", "sign")
    assert (*layouts.STEPS_DATASET, "train", "evaluate", "release") == layouts.STEPS_MODEL
    assert list(layouts.ROLE_OF.values()) == [
        "steward", "ingestor", "validator", "sealer", "publisher", "trainer", "assessor", "releaser",
    ]  # fmt: skip
    assert set(layouts.ROLE_OF.values()) <= set(ROLES)
    assert len(set(layouts.ROLE_OF.values())) == len(layouts.STEPS)  # each step authenticates itself


def test_a_models_layout_repeats_its_datasets_rules(made):
    rules = {kind: [{**step, "pubkeys": []} for step in layout["steps"]] for kind, (_, layout) in made.items()}
    assert rules["model"][:5] == rules["dataset"]


@pytest.mark.parametrize(("kind", "name"), RULES)
def test_every_rule_list_requires_then_takes_then_closes(kind, name, made):
    step = next(step for step in made[kind][1]["steps"] if step["name"] == name)
    rule = layouts.STEPS[name]
    materials = [["MATCH", artifact, "WITH", "PRODUCTS", "FROM", origin] for artifact, origin in rule.materials.items()]
    products = [["CREATE", artifact] for artifact in rule.products]
    for rules, taken in ((step["expected_materials"], materials), (step["expected_products"], products)):
        assert rules == [*(["REQUIRE", item[1]] for item in taken), *taken, ["DISALLOW", "*"]]


@pytest.mark.parametrize("step", layouts.STEPS_MODEL)
def test_a_step_makes_one_file_and_takes_what_an_earlier_step_made(step):
    rule = layouts.STEPS[step]
    assert len(rule.products) == (2 if step == "declare" else 1)
    before = layouts.STEPS_MODEL[: layouts.STEPS_MODEL.index(step)]
    for artifact, origin in rule.materials.items():
        assert origin in before
        assert artifact in layouts.STEPS[origin].products
    assert not any(set("*?[") & set(name) for name in (*rule.materials, *rule.products))  # in-toto's patterns


def test_a_layout_runs_nothing_and_names_no_stranger(made):
    for chain, layout in made.values():
        assert layout["inspect"] == []
        assert all(step["expected_command"] == [] and step["threshold"] == 1 for step in layout["steps"])
        keyids = {key.keyid for held in public(chain.functionaries).values() for key in held}
        assert set(layout["keys"]) == keyids
        assert {keyid for step in layout["steps"] for keyid in step["pubkeys"]} == keyids
        assert layout["readme"] == f"hardline/layout/v1 {chain.kind}"
        assert layout["expires"] == "2027-11-23T12:00:00Z"


def test_the_same_keys_make_the_same_bytes():
    chain = make_chain("dataset")
    keys = public(chain.functionaries)
    payload = layouts.payload("dataset", keys, NOW + YEAR)
    assert payload == envelope.parse(chain.layout, subject="test").payload == canonical.encode(json.loads(payload))


def keys_of(*kinds):
    return [PublicKey.of(new_signer(kind)) for kind in kinds]


@pytest.mark.parametrize(
    ("kinds", "usable", "threshold"),
    [
        (("ecdsa-p256",), True, 1),
        (("ecdsa-p256", "ed25519", "ecdsa-p256"), True, 1),
        (("ecdsa-p256", "ml-dsa-65"), True, 2),
        (("ml-dsa-65",), False, 2),
        (("ml-dsa-65", "ml-dsa-65"), False, 2),
        (("ecdsa-p256", "ecdsa-p256", "ml-dsa-65"), False, 2),
        ((), False, 1),
    ],
)
def test_one_classical_with_one_post_quantum_key_or_classical_ones_only(kinds, usable, threshold):
    keys = keys_of(*kinds)
    assert layouts.usable(keys) is usable
    assert layouts.threshold(keys) == threshold


def test_make_layout_refuses_what_no_reader_would_accept():
    keys = public(make_chain("dataset").functionaries)
    (one,) = keys_of("ecdsa-p256")
    for wrong in ([], [one, one], keys_of("ml-dsa-65")):
        with pytest.raises(ValueError, match="sign"):
            layouts.make_layout("dataset", {**keys, "sign": wrong}, NOW, [new_signer()])
    with pytest.raises(ValueError, match="owners"):
        layouts.make_layout("dataset", keys, NOW, [])
    with pytest.raises(ValueError, match="train"):
        layouts.make_layout("model", keys, NOW, [new_signer()])


def test_a_template_of_another_format_stops_the_program(monkeypatch):
    assert layouts._read_template("dataset").keys() == set(layouts.STEPS_DATASET)
    monkeypatch.setattr(layouts, "FORMAT", "hardline/layout/v2")
    with pytest.raises(RuntimeError, match="the installation is broken"):
        layouts._read_template("dataset")
