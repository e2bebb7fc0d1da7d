"""The trust document: the root rule, revocation, and duties kept apart."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from custody_fixtures import JSON, NOW, PATHS, YEAR, new_signer, replaced
from hypothesis import given, settings

from hardline.tasks.core import canonical, envelope, records, trust
from hardline.tasks.core.errors import Malformed, SignatureInvalid, Stale, TrustRefused, VerificationError
from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.trust import LayoutEntry, Member, TrustDocument, sign_trust, verify_trust, verify_trust_chain
from hardline.tasks.core.wrapping import RecipientKey, generate_recipient

OWNERS = [new_signer() for _ in range(3)]
SIGNERS = {role: new_signer("ed25519" if role == "keeper" else "ecdsa-p256") for role in trust.ROLES if role != "owner"}
RECIPIENT = RecipientKey.from_bytes(generate_recipient()).public()
ONE, TWO = canonical.digest(b"layout 1"), canonical.digest(b"layout 2")


def document(**changes):
    """The first version: two of three owners, a principal for each role."""
    members = tuple(
        Member(f"{role}-person", role, PublicKey.of(signer), RECIPIENT if role in trust.RECIPIENTS else None, 0)
        for role, signer in SIGNERS.items()
    )
    first = TrustDocument(
        version=1,
        expires=NOW + YEAR,
        owners=tuple(PublicKey.of(owner) for owner in OWNERS),
        threshold=2,
        log_name="hardline-log-test",
        log_key=PublicKey.of(SIGNERS["keeper"]),
        members=members,
        layouts=(LayoutEntry("dataset", ONE, 0), LayoutEntry("model", TWO, 0)),
    )
    return replace(first, **changes)


def with_member(base, role, **changes):
    """The document with a role's first member changed."""
    at = next(i for i, member in enumerate(base.members) if member.role == role)
    return replace(base, members=(*base.members[:at], replace(base.members[at], **changes), *base.members[at + 1 :]))


FIRST = document()
SIGNED = sign_trust(FIRST, OWNERS[:2])


def second(**changes):
    return document(version=2, **changes)


def anchored(data, anchor=FIRST, now=NOW):
    return verify_trust(data, anchor=anchor, now=now)


def test_what_was_encoded_is_read_back():
    assert TrustDocument.decode(FIRST.encode()) == FIRST
    full = replace(with_member(FIRST, "trainer", start=3, until=9), policy=ONE)
    assert TrustDocument.decode(full.encode()) == full
    assert full.digest == canonical.digest(full.encode()) != FIRST.digest


# Signatures and versions ----------------------------------------------------------------------------------------------


def test_the_document_last_seen_verifies_itself():
    assert anchored(SIGNED) == FIRST
    assert anchored(sign_trust(FIRST, OWNERS[1:])) == FIRST  # by other owners of the same threshold


@pytest.mark.parametrize(
    "signers",
    [OWNERS[:1], [OWNERS[0], OWNERS[0]], [new_signer(), new_signer()], [OWNERS[0], SIGNERS["steward"]]],
    ids=["one owner", "one owner twice", "strangers", "an owner and a steward"],
)
def test_fewer_than_the_threshold_of_owners_is_refused(signers):
    with pytest.raises(SignatureInvalid):
        anchored(sign_trust(second(), signers))


def test_new_owners_need_the_old_ones_and_themselves():
    new = [new_signer(), new_signer()]
    rotated = second(owners=tuple(PublicKey.of(owner) for owner in new), threshold=2)
    assert anchored(sign_trust(rotated, [*OWNERS[:2], *new])) == rotated
    for signers in (OWNERS, new, [*OWNERS[:1], *new], [*OWNERS[:2], new[0]]):
        with pytest.raises(SignatureInvalid):
            anchored(sign_trust(rotated, signers))


def test_a_threshold_is_raised_by_as_many_as_it_then_demands():
    raised = second(threshold=3)
    assert anchored(sign_trust(raised, OWNERS)) == raised
    with pytest.raises(SignatureInvalid, match="its own owners"):
        anchored(sign_trust(raised, OWNERS[:2]))


def test_an_older_version_is_refused():
    with pytest.raises(Stale, match="version 2 or newer"):
        anchored(SIGNED, anchor=second())


def test_the_same_version_with_another_content_is_refused():
    with pytest.raises(TrustRefused, match="as it was last seen"):
        anchored(sign_trust(document(expires=NOW + 2 * YEAR), OWNERS))


def test_a_document_is_refused_from_the_second_it_expires():
    assert anchored(SIGNED, now=NOW + YEAR - timedelta(seconds=1))
    with pytest.raises(Stale, match="expired"):
        anchored(SIGNED, now=NOW + YEAR)


def test_an_edited_document_is_refused():
    wrapped = envelope.parse(SIGNED, subject="test")
    edited = replace(wrapped, payload=with_member(FIRST, "sealer", principal="mallory").encode()).to_bytes()
    with pytest.raises(SignatureInvalid):
        anchored(edited)


def test_a_document_of_another_payload_type_is_refused():
    with pytest.raises(Malformed, match="payload type"):
        anchored(envelope.sign(FIRST.encode(), records.PAYLOAD_TYPE, OWNERS).to_bytes())


def test_at_first_contact_every_owner_key_that_was_given_must_have_signed():
    keys = [PublicKey.of(owner) for owner in OWNERS]
    assert anchored(SIGNED, anchor=keys[:1]) == FIRST
    assert anchored(SIGNED, anchor=[keys[0], keys[0], keys[1]]) == FIRST
    for given_keys in ([], keys[2:], keys, [PublicKey.of(new_signer())]):
        with pytest.raises(SignatureInvalid):
            anchored(SIGNED, anchor=given_keys)


def test_one_stolen_owner_key_cannot_lower_the_threshold():
    stolen = OWNERS[0]
    alone = second(owners=(PublicKey.of(stolen),), threshold=1)
    for anchor in (FIRST, [PublicKey.of(owner) for owner in OWNERS]):
        with pytest.raises(SignatureInvalid):
            anchored(sign_trust(alone, [stolen]), anchor=anchor)


# Several versions between ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def history():
    """Three versions in which every owner changes, the second of them expired by now."""
    new = [new_signer(), new_signer()]
    keys = tuple(PublicKey.of(owner) for owner in new)
    middle = second(owners=keys, threshold=2, expires=NOW - timedelta(days=1))
    last = document(version=3, owners=keys, threshold=2)
    return [SIGNED, sign_trust(middle, [*OWNERS, *new]), sign_trust(last, new)], last


def test_versions_in_order_lead_from_the_anchor_to_the_newest(history):
    documents, last = history
    assert verify_trust_chain(documents, anchor=FIRST, now=NOW) == last
    assert verify_trust_chain(documents[1:], anchor=FIRST, now=NOW) == last
    assert verify_trust_chain(documents, anchor=[PublicKey.of(OWNERS[0])], now=NOW) == last


def test_a_version_that_is_left_out_or_out_of_order_breaks_the_chain(history):
    documents, last = history
    with pytest.raises(SignatureInvalid):
        verify_trust_chain([documents[0], documents[2]], anchor=FIRST, now=NOW)
    with pytest.raises(VerificationError):
        verify_trust_chain([documents[1], documents[0], documents[2]], anchor=FIRST, now=NOW)
    with pytest.raises(Stale, match="expired"):
        verify_trust_chain(documents[:2], anchor=FIRST, now=NOW)
    with pytest.raises(TrustRefused, match="at least one"):
        verify_trust_chain([], anchor=last, now=NOW)


# No version rewrites the past -----------------------------------------------------------------------------------------


REVOKED = with_member(FIRST, "trainer", until=10)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (FIRST, replace(FIRST, members=FIRST.members[1:])),
        (FIRST, with_member(FIRST, "sealer", principal="mallory")),
        (FIRST, with_member(FIRST, "sealer", start=4)),
        (FIRST, with_member(FIRST, "sealer", key=PublicKey.of(new_signer()))),
        (FIRST, replace(FIRST, layouts=(LayoutEntry("dataset", TWO, 0), FIRST.layouts[1]))),
        (FIRST, replace(FIRST, layouts=FIRST.layouts[:1])),
        (FIRST, replace(FIRST, log_name="another-log")),
        (REVOKED, FIRST),
        (REVOKED, with_member(FIRST, "trainer", until=11)),
    ],
    ids=[
        "member left out", "other principal", "other start", "other key", "other layout", "layout left out",
        "other log", "revocation undone", "revocation later",
    ],
)  # fmt: skip
def test_a_version_that_rewrites_the_past_is_refused(old, new):
    with pytest.raises(TrustRefused):
        anchored(sign_trust(replace(new, version=2), OWNERS), anchor=old)


def test_a_version_may_add_revoke_and_renew():
    joined = Member("new-person", "trainer", PublicKey.of(new_signer()), RECIPIENT, 7)
    grown = with_member(FIRST, "trainer", until=7)
    entries = (replace(FIRST.layouts[0], until=7), FIRST.layouts[1], LayoutEntry("dataset", TWO, 7))
    grown = replace(grown, version=2, members=(*grown.members, joined), layouts=entries)
    assert anchored(sign_trust(grown, OWNERS)) == grown
    assert anchored(sign_trust(replace(with_member(REVOKED, "trainer", until=9), version=2), OWNERS), anchor=REVOKED)


# Members and layouts --------------------------------------------------------------------------------------------------


def test_a_revoked_member_held_the_role_until_then_and_not_after():
    old, new = PublicKey.of(SIGNERS["trainer"]), PublicKey.of(new_signer())
    held = with_member(FIRST, "trainer", start=2, until=5)
    held = replace(held, members=(*held.members, Member("new-person", "trainer", new, RECIPIENT, 5)))
    assert [held.holders("trainer", index) for index in (1, 2, 4, 5)] == [(), (old,), (old,), (new,)]
    assert held.holders_until("trainer", 1) == ()
    assert held.holders_until("trainer", 9) == (old, new)
    assert [member.principal for member in held.members_at("trainer", 5)] == ["new-person"]
    assert held.principal_of(old.keyid, "trainer", 9) == "trainer-person"
    assert held.holders("auditor", 3) == ()


def test_data_keys_are_wrapped_for_current_members_only():
    other = RecipientKey.from_bytes(generate_recipient()).public()
    held = with_member(FIRST, "trainer", until=5)
    assert held.recipients("trainer") == ()
    held = replace(held, members=(*held.members, Member("new", "trainer", PublicKey.of(new_signer()), other, 5)))
    assert held.recipients("trainer") == (other,)
    assert held.recipients("publisher") == ()


def test_nobody_elses_key_has_a_principal():
    for keyid, role, index in (
        (PublicKey.of(new_signer()).keyid, "trainer", 0),
        (PublicKey.of(SIGNERS["sealer"]).keyid, "trainer", 0),
    ):
        with pytest.raises(TrustRefused):
            FIRST.principal_of(keyid, role, index)
    with pytest.raises(TrustRefused):
        with_member(FIRST, "trainer", start=4).principal_of(PublicKey.of(SIGNERS["trainer"]).keyid, "trainer", 3)


def test_a_record_by_a_revoked_member_is_refused():
    body = {"digest": ONE, "what": "train/features"}
    leaf = records.make_record("read", "trainer", "trainer-person", 0, body, SIGNERS["trainer"])
    held = with_member(FIRST, "trainer", start=2, until=5)
    records.verify_record(records.parse_record(4, leaf), held)
    for index in (1, 5):
        with pytest.raises(TrustRefused, match="did not hold role trainer"):
            records.verify_record(records.parse_record(index, leaf), held)


def test_the_layout_in_force_is_the_one_of_the_index():
    held = replace(FIRST, layouts=(LayoutEntry("dataset", ONE, 2, 6), LayoutEntry("dataset", TWO, 6)))
    assert [held.layout_at("dataset", index) for index in (2, 5, 6, 99)] == [ONE, ONE, TWO, TWO]
    for kind, index in (("dataset", 1), ("model", 6)):
        with pytest.raises(TrustRefused, match="in force"):
            held.layout_at(kind, index)


# Separation of duties -------------------------------------------------------------------------------------------------


STEPS = ("declare", "ingest", "validate", "encrypt", "sign", "train", "evaluate", "release")


@pytest.mark.parametrize(("one", "other"), trust.APART)
def test_two_duties_of_one_principal_are_refused(one, other):
    apart = {step: {f"person-{step}"} for step in STEPS}
    assert FIRST.separation(apart) == "in force"
    for both in ({"mallory"}, {"mallory", "alice"}):
        with pytest.raises(TrustRefused, match=f"{one} and {other}.*mallory"):
            FIRST.separation({**apart, one: {"mallory"}, other: both})


def test_duties_that_need_not_be_apart_may_be_one_principals():
    assert {frozenset(pair) for pair in trust.APART} == {
        frozenset(pair)
        for pair in (("validate", "sign"), ("train", "release"), ("train", "evaluate"), ("ingest", "validate"))
    }
    assert FIRST.separation({"declare": {"a"}, "ingest": {"a"}, "validate": {"b"}, "encrypt": {"a"}, "sign": {"a"}})


def test_a_home_of_one_principal_says_so():
    alone = replace(FIRST, members=tuple(replace(member, principal="me") for member in FIRST.members))
    assert alone.separation({step: {"me"} for step in STEPS}) == "not in force (one principal)"
    joined = replace(alone, members=(*alone.members, Member("you", "trainer", PublicKey.of(new_signer()), None, 9)))
    with pytest.raises(TrustRefused):
        joined.separation({step: {"me"} for step in STEPS})


@pytest.mark.parametrize("principals", [{}, {"train": set(), "release": {"a"}}])
def test_nobody_is_nobody_apart(principals):
    with pytest.raises(TrustRefused, match="a principal for each step"):
        FIRST.separation(principals)


# The form -------------------------------------------------------------------------------------------------------------


def edited(edit):
    value = json.loads(FIRST.encode())
    edit(value)
    return canonical.encode(value)


@pytest.mark.parametrize(
    "edit",
    [
        lambda v: v.update(format="hardline/trust/v2"),
        lambda v: v.update(more=1),
        lambda v: v.pop("policy"),
        lambda v: v.update(version=0),
        lambda v: v.update(version=True),
        lambda v: v.update(expires="2027-11-23"),
        lambda v: v.update(expires="2027-11-23T12:0:0Z"),
        lambda v: v.update(owners=[]),
        lambda v: v["owners"].append(v["owners"][0]),
        lambda v: v.update(threshold=0),
        lambda v: v.update(threshold=4),
        lambda v: v["log"].update(key=v["owners"][0]),
        lambda v: v["log"].update(name="my log"),
        lambda v: v["log"].update(name="a+b"),
        lambda v: v["log"].update(name="line\nfeed"),
        lambda v: v.update(members=[]),
        lambda v: v["members"][0].update(role="root"),
        lambda v: v["members"][0].update(role=["trainer"]),
        lambda v: v["members"][0].update(principal="a\u202eb"),
        lambda v: v["members"][0].update(principal=" a"),
        lambda v: v["members"][0].update(principal=""),
        lambda v: v["members"][0].update({"from": 5, "until": 4}),
        lambda v: v["members"][0].update({"from": -1}),
        lambda v: v["members"][0].update(recipient="AAAA"),
        lambda v: v["members"].append(v["members"][0]),
        lambda v: v["members"].append({**v["members"][0], "principal": "another", "from": 9}),
        lambda v: v["members"].append({**v["members"][0], "role": "sealer", "from": 9}),
        lambda v: v["members"][0]["key"].update(scheme="ed25519"),
        lambda v: v.update(layouts=[]),
        lambda v: v["layouts"][0].update(kind="picture"),
        lambda v: v["layouts"][0].update(digest="00"),
        lambda v: v["layouts"].append(v["layouts"][0]),
        lambda v: v.update(policy="none"),
    ],
    ids=[
        "format", "field more", "field missing", "version 0", "version true", "day only", "time spelled otherwise",
        "no owners", "owner twice", "threshold 0", "threshold 4 of 3", "log key no Ed25519", "log name with a space",
        "log name with a plus", "log name of two lines", "no members", "role unknown", "role a list",
        "principal turned around", "principal with a space before it", "principal empty", "until before from",
        "from negative", "recipient short", "member twice", "key of two principals", "key in two roles",
        "scheme not the key's", "no layouts", "kind unknown", "digest short", "layout twice", "policy no digest",
    ],
)  # fmt: skip
def test_a_malformed_document_is_refused(edit):
    with pytest.raises(Malformed):
        TrustDocument.decode(edited(edit))


def test_a_newer_format_is_refused_by_name():
    with pytest.raises(Malformed, match="format hardline/trust/v1"):
        TrustDocument.decode(edited(lambda v: v.update(format="hardline/trust/v2")))


def test_nobody_signs_what_no_reader_would_accept():
    with pytest.raises(ValueError, match="no reader would accept"):
        sign_trust(replace(FIRST, threshold=4), OWNERS)
    with pytest.raises(ValueError, match="signers"):
        sign_trust(FIRST, [])


@settings(max_examples=120, deadline=None, derandomize=True)
@given(PATHS, JSON)
def test_any_other_content_under_the_same_version_is_refused(path, new):
    value = json.loads(FIRST.encode())
    data = canonical.encode(replaced(value, path, new))
    if data == FIRST.encode():
        return
    signed = envelope.sign(data, trust.PAYLOAD_TYPE, OWNERS).to_bytes()
    try:
        newer = anchored(signed)
    except VerificationError:
        return
    assert newer.version > FIRST.version  # signed by all owners, and nothing of the past touched
    assert newer.claims().keys() >= FIRST.claims().keys()
