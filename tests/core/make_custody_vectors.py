"""Makes tests/vectors/{trust-document,links-and-layouts}.json: `python tests/core/make_custody_vectors.py`.

The same vectors come out each time. As in `make_vectors`, a case that must fail is named after its one defect.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from custody_fixtures import Chain, make_chain, public
from format_samples import VECTORS, ed, recipient
from make_vectors import Repeatable, case

from hardline.tasks.core import canonical, custody, envelope, layouts
from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.trust import ROLES, LayoutEntry, Member, TrustDocument, sign_trust

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
EXPIRES = datetime(2027, 11, 23, 12, 0, 0, tzinfo=UTC)
OWNERS = [Repeatable(100), Repeatable(101)]
NEW_OWNER = Repeatable(102)
ROLE_KEYS = {role: Repeatable(110 + at) for at, role in enumerate(ROLES) if role not in ("owner", "keeper")}
FUNCTIONARIES = {step: [ROLE_KEYS[role]] for step, role in layouts.ROLE_OF.items()}


def first() -> TrustDocument:
    """Two owners, both needed; a publisher, a keeper, and a trainer who is revoked at log index 9."""
    keeper = PublicKey.of(ed(3))
    members = [
        Member(
            principal=f"{role}@example.org",
            role=role,
            key=PublicKey.of(key),
            recipient=recipient(5).public() if role == "trainer" else None,
            start=0,
            until=9 if role == "trainer" else None,
        )
        for role, key in ROLE_KEYS.items()
        if role in ("publisher", "trainer")
    ]
    return TrustDocument(
        version=1,
        expires=EXPIRES,
        owners=tuple(PublicKey.of(owner) for owner in OWNERS),
        threshold=2,
        log_name="hardline-log-example",
        log_key=keeper,
        members=(*members, Member("keeper@example.org", "keeper", keeper, None, 0)),
        layouts=(LayoutEntry("dataset", canonical.digest(dataset().layout), 0),),
    )


def trust_document() -> dict[str, Any]:
    """The vectors of the trust document; `seen` is the payload of the one last seen, unless there are owner `keys`."""
    one = first()
    two = replace(one, version=2, owners=(PublicKey.of(NEW_OWNER),), threshold=1)
    keys = [PublicKey.of(owner).to_json() for owner in OWNERS]
    seen, seen_two = one.encode().decode(), two.encode().decode()

    def signed(document: TrustDocument, *signers: Any) -> str:
        return sign_trust(document, signers).decode()

    def raw(edit: Any) -> str:
        value = json.loads(one.encode())
        edit(value)
        payload = canonical.encode(value)
        return envelope.sign(payload, "application/vnd.hardline.trust+json", OWNERS).to_bytes().decode()

    other = replace(one, expires=datetime(2028, 1, 1, tzinfo=UTC))
    unrevoked = replace(one, version=2, members=tuple(replace(member, until=None) for member in one.members))
    left_out = replace(one, version=2, members=one.members[1:])
    good = signed(one, *OWNERS)
    cases = [
        case("first contact by owner keys", "success", keys=keys),
        case("as last seen", "success"),
        case("a new owner, signed by the old and the new", "success", document=signed(two, *OWNERS, NEW_OWNER)),
        case("a new owner, not signed by the old", "signature invalid", document=signed(two, NEW_OWNER)),
        case("a new owner, not signed by the new", "signature invalid", document=signed(two, *OWNERS)),
        case("one of two owners", "signature invalid", document=signed(one, OWNERS[0])),
        case("one owner twice", "signature invalid", document=signed(one, OWNERS[0], OWNERS[0])),
        case(
            "a key given that did not sign",
            "signature invalid",
            keys=[PublicKey.of(NEW_OWNER).to_json()],
        ),
        case("no keys given", "signature invalid", keys=[]),
        case("older than last seen", "stale", seen=seen_two, document=signed(one, *OWNERS, NEW_OWNER)),
        case("expired", "stale", now="2027-11-23T12:00:00Z"),
        case("another content of the same version", "trust refused", document=signed(other, *OWNERS)),
        case("a revocation undone", "trust refused", document=signed(unrevoked, *OWNERS)),
        case("a member left out", "trust refused", document=signed(left_out, *OWNERS)),
        case("another format", "malformed", document=raw(lambda v: v.update(format="hardline/trust/v2"))),
        case("no members", "malformed", document=raw(lambda v: v.update(members=[]))),
        case("threshold 0", "malformed", document=raw(lambda v: v.update(threshold=0))),
        case("a role that is none", "malformed", document=raw(lambda v: v["members"][0].update(role="root"))),
        case(
            "one key in two roles",
            "malformed",
            document=raw(lambda v: v["members"].append({**v["members"][0], "role": "sealer", "from": 3})),
        ),
        case(
            "a time in another spelling",
            "malformed",
            document=raw(lambda v: v.update(expires="2027-11-23T12:0:0Z")),
        ),
    ]
    return {
        "format": "hardline/trust/v1",
        "defaults": {"now": "2026-11-23T12:00:00Z", "seen": seen, "document": good},
        "cases": cases,
    }


def dataset() -> Chain:
    """A dataset's chain under keys that everybody knows."""
    return make_chain("dataset", functionaries=FUNCTIONARIES, owners=OWNERS, expires=EXPIRES)


def links_and_layouts() -> dict[str, Any]:
    """The vectors of the chain of custody."""
    chain, model = dataset(), make_chain("model", functionaries=FUNCTIONARIES, owners=OWNERS, expires=EXPIRES)
    inspection = {"_type": "inspection", "name": "look", "run": ["true"], "expected_materials": []}
    inspection["expected_products"] = []
    other = {"sha256": canonical.digest(b"something else")}
    sign = chain.name("sign")
    wrapped = envelope.parse(chain.links[sign], subject="vector")
    edited = replace(wrapped, payload=wrapped.payload.replace(b"hardline test", b"another program")).to_bytes()
    thief = chain.functionaries["validate"][0]
    broken = {
        "a good chain of a dataset": ("success", chain),
        "a good chain of a model": ("success", model),
        "a missing link": (
            "signature invalid",
            replace(chain, links={n: d for n, d in chain.links.items() if n != sign}),
        ),
        "an edited link": ("signature invalid", replace(chain, links={**chain.links, sign: edited})),
        "a link by another step's key": ("signature invalid", chain.with_link("sign", lambda v: None, signer=thief)),
        "a layout by one of two owners": ("signature invalid", chain.with_layout(lambda v: None, OWNERS[0])),
        "a link without its materials": ("trust refused", chain.with_link("encrypt", lambda v: v["materials"].clear())),
        "a link with one product more": (
            "trust refused",
            chain.with_link("encrypt", lambda v: v["products"].update(x=other)),
        ),
        "a step on another manifest": (
            "trust refused",
            chain.with_link("sign", lambda v: v["materials"].update({"manifest.json": other})),
        ),
        "a link under another name": (
            "trust refused",
            replace(chain, links={**chain.links, "sign.link": chain.links[sign]}),
        ),
        "a layout with an inspection": ("trust refused", chain.with_layout(lambda v: v.update(inspect=[inspection]))),
        "a layout without a REQUIRE": (
            "trust refused",
            chain.with_layout(lambda v: v["steps"][2]["expected_materials"].pop(0)),
        ),
        "a layout without a step": ("trust refused", chain.with_layout(lambda v: v["steps"].pop())),
        "a layout with a threshold of 0": (
            "trust refused",
            chain.with_layout(lambda v: v["steps"][0].update(threshold=0)),
        ),
        "a link that is no object": ("malformed", replace(chain, links={**chain.links, sign: b"[]"})),
    }
    cases = [case(name, expect, **_differences(chain, made)) for name, (expect, made) in broken.items()]
    cases.append(case("a layout that had expired", "stale", when="2027-11-23T12:00:00Z"))
    held = {step: [key.to_json() for key in keys] for step, keys in public(FUNCTIONARIES).items()}
    defaults = {
        "when": "2026-11-23T12:00:00Z",
        "owners": [PublicKey.of(owner).to_json() for owner in OWNERS],
        "threshold": 2,
        "functionaries": held,
        "layout": chain.layout.decode(),
        "links": {name: data.decode() for name, data in chain.links.items()},
    }
    return {"format": layouts.FORMAT, "payload_type": custody.PAYLOAD_TYPE, "defaults": defaults, "cases": cases}


def _differences(usual: Chain, made: Chain) -> dict[str, Any]:
    """What a case has otherwise than the good chain; a link that it lacks is null."""
    found: dict[str, Any] = {} if made.layout == usual.layout else {"layout": made.layout.decode()}
    links = {name: None for name in usual.links if name not in made.links}
    links |= {name: data.decode() for name, data in made.links.items() if usual.links.get(name) != data}
    return {**found, "links": links} if links else found


MADE = {"trust-document.json": trust_document, "links-and-layouts.json": links_and_layouts}


def main() -> None:
    """Write them."""
    for name, make in MADE.items():
        text = json.dumps(make(), indent=1) + "\n"
        (VECTORS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
