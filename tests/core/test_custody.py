"""The chain of custody: what is accepted, and every refusal seen."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from custody_fixtures import JSON, NOW, PATHS, YEAR, artifact, make_chain, new_signer, replaced
from hypothesis import given, settings
from hypothesis import strategies as st

from hardline.tasks.core import canonical, custody, envelope, layouts
from hardline.tasks.core.errors import Malformed, SignatureInvalid, Stale, TrustRefused, VerificationError
from hardline.tasks.core.keys import PublicKey

DATASET = make_chain("dataset")
MODEL = make_chain("model")
OTHER = canonical.digest(b"something else")


@pytest.mark.parametrize("chain", [DATASET, MODEL], ids=["dataset", "model"])
def test_a_complete_chain_is_returned_in_order(chain):
    verified = chain.verify()
    assert tuple(verified) == layouts.KINDS[chain.kind]
    for step, link in verified.items():
        rule = layouts.STEPS[step]
        assert link.keyids == (PublicKey.of(chain.functionaries[step][0]).keyid,)
        assert dict(link.materials) == {name: artifact(name) for name in rule.materials}
        assert dict(link.products) == {name: artifact(name) for name in rule.products}
        assert dict(link.byproducts) == {"program": "hardline test"}


def test_the_model_chain_takes_the_datasets_links_as_they_are():
    chain = make_chain("model", functionaries=DATASET.functionaries)
    links = {**chain.links, **DATASET.links}
    assert set(replace(chain, links=links).verify()) == set(layouts.STEPS_MODEL)


# Links ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", layouts.STEPS_MODEL)
def test_a_missing_link_is_refused(step):
    links = {name: data for name, data in MODEL.links.items() if name != MODEL.name(step)}
    with pytest.raises(SignatureInvalid):
        replace(MODEL, links=links).verify()


def test_no_links_at_all_are_refused():
    with pytest.raises(SignatureInvalid):
        replace(DATASET, links={}).verify()


@pytest.mark.parametrize(("step", "name"), [(s, m) for s in layouts.STEPS_MODEL for m in layouts.STEPS[s].materials])
def test_a_step_on_something_else_than_the_step_before_made_is_refused(step, name):
    chain = MODEL.with_link(step, lambda link: link["materials"].update({name: {"sha256": OTHER}}))
    with pytest.raises(TrustRefused, match="each step takes what an earlier one made"):
        chain.verify()


SIDES = [(step, side) for step in layouts.STEPS_MODEL for side in ("materials", "products")]


@pytest.mark.parametrize(("step", "side"), [item for item in SIDES if item != ("declare", "materials")])
def test_an_emptied_link_is_refused(step, side):
    with pytest.raises(TrustRefused, match="exactly the materials and products"):
        MODEL.with_link(step, lambda link: link[side].clear()).verify()


@pytest.mark.parametrize(("step", "side"), SIDES)
def test_one_artifact_more_is_refused(step, side):
    with pytest.raises(TrustRefused, match="exactly the materials and products"):
        MODEL.with_link(step, lambda link: link[side].update({"extra.json": {"sha256": OTHER}})).verify()


def test_an_edited_link_is_refused():
    wrapped = envelope.parse(DATASET.links[DATASET.name("sign")], subject="test")
    payload = wrapped.payload.replace(artifact("payload.sigstore.json").encode(), OTHER.encode())
    assert payload != wrapped.payload
    edited = replace(wrapped, payload=payload).to_bytes()
    with pytest.raises(SignatureInvalid):
        replace(DATASET, links={**DATASET.links, DATASET.name("sign"): edited}).verify()


def test_a_link_by_the_key_of_another_step_is_refused():
    with pytest.raises(SignatureInvalid, match="by who may do step sign"):
        DATASET.with_link("sign", lambda link: None, signer=DATASET.functionaries["validate"][0]).verify()


def test_a_link_that_names_the_right_key_and_was_signed_by_another_is_refused():
    wrapped = envelope.parse(DATASET.links[DATASET.name("sign")], subject="test")
    forged = envelope.sign(wrapped.payload, layouts.PAYLOAD_TYPE, [new_signer()])
    forged = replace(forged, signatures=((wrapped.signatures[0][0], forged.signatures[0][1]),))
    with pytest.raises(SignatureInvalid):
        replace(DATASET, links={**DATASET.links, DATASET.name("sign"): forged.to_bytes()}).verify()


def test_a_broken_link_beside_a_good_one_is_refused():
    two = [new_signer(), new_signer()]
    chain = make_chain("dataset", functionaries={"ingest": two})
    assert chain.verify()["ingest"].keyids == tuple(
        sorted((PublicKey.of(signer).keyid for signer in two), key=lambda keyid: custody.link_name("ingest", keyid))
    )
    wrapped = envelope.parse(chain.links[chain.name("ingest", 1)], subject="test")
    broken = replace(wrapped, signatures=((wrapped.signatures[0][0], b"\x30\x00"),)).to_bytes()
    with pytest.raises(SignatureInvalid):
        replace(chain, links={**chain.links, chain.name("ingest", 1): broken}).verify()


def test_a_link_of_a_step_outside_the_layout_is_refused():
    stranger = MODEL.links[MODEL.name("train")]
    with pytest.raises(TrustRefused, match="a step of the layout"):
        replace(DATASET, links={**DATASET.links, MODEL.name("train"): stranger}).verify()


@pytest.mark.parametrize("name", ["sign.00000000.link", "sign.link", "../sign.link", "declare.link", ""])
def test_a_link_under_another_file_name_is_refused(name):
    with pytest.raises(TrustRefused, match="file name"):
        replace(DATASET, links={**DATASET.links, name: DATASET.links[DATASET.name("sign")]}).verify()


def test_a_layout_in_place_of_a_link_is_refused():
    with pytest.raises(VerificationError):
        replace(DATASET, links={**DATASET.links, DATASET.name("sign"): DATASET.layout}).verify()


def test_a_link_that_ran_a_command_is_refused():
    with pytest.raises(TrustRefused, match="without a command"):
        DATASET.with_link("sign", lambda link: link.update(command=["true"])).verify()


@pytest.mark.parametrize(
    "edit",
    [
        lambda link: link.pop("environment"),
        lambda link: link.update(more=1),
        lambda link: link["products"].update({"payload.sigstore.json": {"sha512": OTHER * 2}}),
        lambda link: link["products"].update({"payload.sigstore.json": {"sha256": OTHER.upper()}}),
        lambda link: link.update(byproducts={"return-value": 0}),
        lambda link: link.update(materials=[]),
    ],
    ids=["field missing", "field unknown", "other algorithm", "upper case", "byproduct no text", "materials a list"],
)
def test_a_malformed_link_is_refused(edit):
    with pytest.raises(Malformed):
        DATASET.with_link("sign", edit).verify()


def test_a_link_in_another_encoding_is_refused():
    name = DATASET.name("sign")
    payload = json.dumps(json.loads(envelope.parse(DATASET.links[name], subject="test").payload), indent=1).encode()
    signed = envelope.sign(payload, layouts.PAYLOAD_TYPE, DATASET.functionaries["sign"]).to_bytes()
    with pytest.raises(Malformed, match="canonical"):
        replace(DATASET, links={**DATASET.links, name: signed}).verify()


def test_a_link_with_two_signatures_or_of_another_type_is_refused():
    name, signers = DATASET.name("sign"), DATASET.functionaries["sign"]
    payload = envelope.parse(DATASET.links[name], subject="test").payload
    twice = envelope.sign(payload, layouts.PAYLOAD_TYPE, [*signers, new_signer()])
    other = envelope.sign(payload, "application/vnd.hardline.record+json", signers)
    for made in (twice, other):
        with pytest.raises(Malformed, match="one signature over"):
            replace(DATASET, links={**DATASET.links, name: made.to_bytes()}).verify()


def test_too_many_and_too_large_links_are_refused_unread():
    with pytest.raises(TrustRefused, match="at most"):
        replace(DATASET, links={f"{i}": b"" for i in range(custody.MAX_LINKS + 1)}).verify()
    with pytest.raises(Malformed, match=f"at most {custody.MAX_LINK} bytes"):
        replace(DATASET, links={DATASET.name("sign"): bytes(custody.MAX_LINK + 1)}).verify()


def test_make_link_takes_only_the_artifacts_of_its_step():
    signer = DATASET.functionaries["sign"][0]
    with pytest.raises(ValueError, match="exactly the materials"):
        custody.make_link("sign", {}, {"payload.sigstore.json": OTHER}, signer, byproducts={})
    with pytest.raises(ValueError, match="exactly the materials"):
        custody.make_link("sign", {"manifest.json": OTHER}, {"a": OTHER, "b": OTHER}, signer, byproducts={})


# One classical and one post-quantum key -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hybrid():
    return make_chain("dataset", functionaries={"encrypt": [new_signer(), new_signer("ml-dsa-65")]})


def test_a_step_with_one_classical_and_one_post_quantum_key_needs_both(hybrid):
    assert len(hybrid.verify()["encrypt"].keyids) == 2
    for which in (0, 1):
        links = {name: data for name, data in hybrid.links.items() if name != hybrid.name("encrypt", which)}
        with pytest.raises(SignatureInvalid, match="fewer"):
            replace(hybrid, links=links).verify()


def test_two_functionaries_who_disagree_are_refused(hybrid):
    chain = hybrid.with_link("encrypt", lambda link: link["products"].update({"manifest.json": {"sha256": OTHER}}))
    with pytest.raises(TrustRefused, match="the same materials and products"):
        chain.verify()


def test_a_layout_that_takes_two_classical_keys_for_the_two_is_refused(hybrid):
    third = new_signer()
    key = PublicKey.of(third)

    def add(layout):
        layout["steps"][3]["pubkeys"].append(key.keyid)
        layout["keys"][key.keyid] = {**key.securesystemslib().to_dict(), "keyid": key.keyid}

    chain = hybrid.with_layout(add)
    chain = replace(chain, functionaries={**chain.functionaries, "encrypt": [*chain.functionaries["encrypt"], third]})
    with pytest.raises(TrustRefused, match="one classical and one post-quantum"):
        chain.verify()


def test_a_layout_that_lowers_the_threshold_of_the_two_is_refused(hybrid):
    with pytest.raises(TrustRefused, match="thresholds"):
        hybrid.with_layout(lambda layout: layout["steps"][3].update(threshold=1)).verify()


# Layouts --------------------------------------------------------------------------------------------------------------


def test_a_layout_by_somebody_else_is_refused():
    with pytest.raises(SignatureInvalid):
        DATASET.with_layout(lambda layout: None, new_signer()).verify()
    with pytest.raises(SignatureInvalid):
        DATASET.with_layout(lambda layout: None, DATASET.functionaries["sign"][0]).verify()


def test_a_layout_needs_the_threshold_of_owners():
    owners = [new_signer(), new_signer()]
    chain = make_chain("dataset", owners=owners)
    assert chain.verify(threshold=2)
    with pytest.raises(SignatureInvalid):
        chain.with_layout(lambda layout: None, owners[0]).verify(threshold=2)
    with pytest.raises(SignatureInvalid):
        chain.with_layout(lambda layout: None, owners[0], owners[0]).verify(threshold=2)
    with pytest.raises(SignatureInvalid):
        chain.verify(threshold=0)
    with pytest.raises(SignatureInvalid):
        replace(chain, owners=[]).verify()


def test_a_layout_is_refused_from_the_second_it_expires():
    chain = make_chain("dataset", expires=NOW + YEAR)
    assert chain.verify(when=NOW + YEAR - timedelta(seconds=1))
    with pytest.raises(Stale):
        chain.verify(when=NOW + YEAR)


def test_a_layout_made_again_verifies_the_links_of_before():
    later = make_chain("dataset", functionaries=DATASET.functionaries, owners=DATASET.owners, expires=NOW + 2 * YEAR)
    assert replace(DATASET, layout=later.layout).verify(when=NOW + YEAR)


def test_a_layout_with_keys_that_the_trust_document_gives_another_role_is_refused():
    swapped = {**DATASET.functionaries, "sign": DATASET.functionaries["validate"]}
    with pytest.raises(TrustRefused, match="role publisher"):
        replace(DATASET, functionaries=swapped).verify()


def test_a_layout_with_another_key_under_a_known_key_id_is_refused():
    keyid = PublicKey.of(DATASET.functionaries["sign"][0]).keyid
    forged = PublicKey.of(new_signer()).securesystemslib().to_dict()
    with pytest.raises(TrustRefused, match="keys of its template"):
        DATASET.with_layout(lambda layout: layout["keys"].update({keyid: {**forged, "keyid": keyid}})).verify()


def test_one_key_twice_in_a_step_is_refused():
    def twice(layout):
        layout["steps"][4]["pubkeys"] *= 2

    with pytest.raises(TrustRefused, match="different"):
        DATASET.with_layout(twice).verify()


INSPECTION = {"_type": "inspection", "name": "look", "run": ["true"], "expected_materials": [], "expected_products": []}


@pytest.mark.parametrize(
    "edit",
    [
        lambda layout: layout.update(inspect=[INSPECTION]),
        lambda layout: layout["steps"].pop(),
        lambda layout: layout["steps"].clear(),
        lambda layout: layout["steps"].reverse(),
        lambda layout: layout["steps"].append(dict(layout["steps"][0])),
        lambda layout: layout["steps"][0].update(name="declared"),
        lambda layout: layout["steps"][2]["expected_materials"].pop(0),
        lambda layout: layout["steps"][2]["expected_materials"].pop(),
        lambda layout: layout["steps"][2]["expected_materials"].insert(0, ["ALLOW", "*"]),
        lambda layout: layout["steps"][2].update(expected_products=[]),
        lambda layout: layout["steps"][2].update(expected_products=[["REQUIRE", "*"]]),
        lambda layout: layout["steps"][2].update(threshold=0),
        lambda layout: layout["steps"][2].update(threshold=True),
        lambda layout: layout["steps"][2].update(expected_command=["true"]),
        lambda layout: layout["steps"][2].update(pubkeys=[]),
        lambda layout: layout["keys"].clear(),
        lambda layout: layout["keys"].update({"00" * 32: {"keyid": "00" * 32}}),
        lambda layout: layout.update(readme="hardline/layout/v2 dataset"),
    ],
    ids=[
        "inspection", "step missing", "no steps", "other order", "step twice", "step unknown", "no REQUIRE",
        "no DISALLOW", "ALLOW first", "no product rules", "products open", "threshold 0", "threshold true", "command",
        "no keys", "keys missing", "key more", "other format",
    ],
)  # fmt: skip
def test_a_layout_of_other_rules_is_refused_even_from_its_owner(edit):
    with pytest.raises(TrustRefused):
        DATASET.with_layout(edit).verify()


@pytest.mark.parametrize(
    "edit",
    [
        lambda layout: layout.update(expires="2027-11-23"),
        lambda layout: layout.update(expires=None),
        lambda layout: layout.update(_type="link"),
        lambda layout: layout.update(steps={}),
        lambda layout: layout.update(more=1),
        lambda layout: layout["steps"][0].update(pubkeys=[["a"]]),
        lambda layout: layout["steps"][0].update(pubkeys="a"),
    ],
    ids=["expires short", "expires null", "type", "steps no list", "field more", "key id no text", "keys no list"],
)
def test_a_malformed_layout_is_refused(edit):
    with pytest.raises(Malformed):
        DATASET.with_layout(edit).verify()


def test_an_inspection_is_refused_by_name():
    with pytest.raises(TrustRefused, match="no inspections"):
        DATASET.with_layout(lambda layout: layout.update(inspect=[INSPECTION])).verify()


def test_too_large_a_layout_is_refused_unread():
    with pytest.raises(Malformed, match=f"at most {custody.MAX_LAYOUT} bytes"):
        replace(DATASET, layout=bytes(custody.MAX_LAYOUT + 1)).verify()


def test_a_layout_whose_time_has_another_spelling_is_refused():
    with pytest.raises(TrustRefused):
        DATASET.with_layout(lambda layout: layout.update(expires="2027-11-23T1:0:0Z")).verify()


# Hostile bytes --------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(["layout", *layouts.STEPS_DATASET]), st.integers(0), st.integers(1, 255))
def test_a_flipped_byte_anywhere_is_refused_with_a_verification_error(what, position, mask):
    original = DATASET.layout if what == "layout" else DATASET.links[DATASET.name(what)]
    data = bytearray(original)
    data[position % len(data)] ^= mask
    layout, links = DATASET.layout, dict(DATASET.links)
    if what == "layout":
        layout = bytes(data)
    else:
        links[DATASET.name(what)] = bytes(data)
    try:
        replace(DATASET, layout=layout, links=links).verify()
    except VerificationError:
        return
    # A layout's key id is a hint that no signature covers (DSSE, protocol.md); a link's is its functionary.
    was, is_ = envelope.parse(original, subject="test"), envelope.parse(bytes(data), subject="test")
    assert what == "layout"
    assert (is_.payload, is_.signatures[0][1]) == (was.payload, was.signatures[0][1])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(PATHS, JSON)
def test_whatever_an_owner_signs_is_the_template_or_refused(path, new):
    payload = json.loads(envelope.parse(DATASET.layout, subject="test").payload)
    edited = replaced(payload, path, new)
    if edited == payload and canonical.encode(edited) == canonical.encode(payload):
        return
    signed = envelope.sign(canonical.encode(edited), layouts.PAYLOAD_TYPE, DATASET.owners).to_bytes()
    with pytest.raises(VerificationError):
        replace(DATASET, layout=signed).verify()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(PATHS, JSON)
def test_whatever_a_functionary_signs_chains_or_is_refused(path, new):
    payload = json.loads(envelope.parse(DATASET.links[DATASET.name("validate")], subject="test").payload)
    edited = replaced(payload, path, new)
    signed = envelope.sign(canonical.encode(edited), layouts.PAYLOAD_TYPE, DATASET.functionaries["validate"])
    chain = replace(DATASET, links={**DATASET.links, DATASET.name("validate"): signed.to_bytes()})
    try:
        verified = chain.verify()
    except VerificationError:
        return
    assert {**edited, "byproducts": {}} == {**payload, "byproducts": {}}
    assert dict(verified["validate"].byproducts) == edited["byproducts"]
