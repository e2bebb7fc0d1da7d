"""in-toto links and the verification of a chain, in memory: no link directory, no inspection, no command.

Signature thresholds and artifact rules are in-toto's own functions; around them stand the checks that it leaves open
(each was measured): empty links, extra links, sublayouts, inspections, one key twice, other rules than ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical, envelope, layouts
from hardline.tasks.core.errors import Malformed, SignatureInvalid, Stale, TrustRefused
from hardline.tasks.core.keys import PublicKey

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

PAYLOAD_TYPE = layouts.PAYLOAD_TYPE


@dataclass(frozen=True, slots=True)
class ParsedLink:
    """One step as its functionaries state it."""

    step: str
    keyids: tuple[str, ...]
    materials: Mapping[str, str]
    products: Mapping[str, str]
    byproducts: Mapping[str, str]


def make_link(
    step: str,
    materials: Mapping[str, str],
    products: Mapping[str, str],
    signer: Signer,
    *,
    byproducts: Mapping[str, str],
) -> bytes:
    """Sign what a step took and made (in-toto 1.0 link in DSSE).

    Args:
        step: Its name in the layout.
        materials: Artifact name to SHA-256 digest.
        products: The same.
        signer: The functionary's.
        byproducts: What else it says, such as the program's version; no rule looks at it.

    Raises:
        ValueError: Other artifacts than the step's: a bug of the caller.
    """
    rule = layouts.STEPS[step]
    if set(materials) != set(rule.materials) or set(products) != set(rule.products):
        raise ValueError(f"step {step}: exactly the materials and products of its rule expected")
    payload = canonical.encode(
        {
            "_type": "link",
            "name": step,
            "materials": {name: {"sha256": digest} for name, digest in materials.items()},
            "products": {name: {"sha256": digest} for name, digest in products.items()},
            "byproducts": dict(byproducts),
            "command": [],
            "environment": {},
        }
    )
    return envelope.sign(payload, PAYLOAD_TYPE, [signer]).to_bytes()


def link_name(step: str, keyid: str) -> str:
    """The file name that in-toto looks for."""
    return f"{step}.{keyid[:8]}.link"


def verify_chain(
    layout: bytes,
    owners: Sequence[PublicKey],
    threshold: int,
    links: Mapping[str, bytes],
    *,
    functionaries: Mapping[str, Sequence[PublicKey]],
    when: datetime,
) -> dict[str, ParsedLink]:
    """Check that every step of a layout was done, by who may do it, on what the step before made.

    Args:
        layout: The signed layout.
        owners: Who may sign layouts.
        threshold: How many of them must have.
        links: File name to bytes; all of them count, none may be a stranger.
        functionaries: Step to the keys that the trust document gives its role.
        when: The moment at which the layout must not have expired.

    Raises:
        Malformed, SignatureInvalid, TrustRefused, Stale: What does not hold.
    """
    document = _read_layout(layout, owners, threshold, functionaries, when)
    parsed, by_step = {}, {step["name"]: {} for step in document["steps"]}  # type: ignore[var-annotated]
    for name, data in links.items():
        link, keyid, metadata = _read_link(name, data)
        if link.step not in by_step:
            raise TrustRefused(f"link {name}: a step of the layout expected, got another")
        by_step[link.step][keyid] = metadata
        earlier = parsed.get(link.step)
        parsed[link.step] = link if earlier is None else _agree(earlier, link)
    _run_in_toto(document, by_step)
    return {step: parsed[step] for step in by_step}


def _read_layout(
    data: bytes,
    owners: Sequence[PublicKey],
    threshold: int,
    functionaries: Mapping[str, Sequence[PublicKey]],
    when: datetime,
) -> dict[str, Any]:
    subject = "layout"
    payload = envelope.verify(
        envelope.parse(data, subject=subject), PAYLOAD_TYPE, owners, threshold, subject=subject
    )
    value = canonical.decode(payload, subject=subject)
    canonical.fields(
        value, {"_type", "expires", "inspect", "intoto_version", "keys", "readme", "steps"}, subject=subject
    )
    if value["_type"] != "layout" or value["inspect"] != [] or not isinstance(value["steps"], list):
        raise TrustRefused(f"{subject}: steps and no inspections expected: an inspection would run a command")
    try:
        expires = datetime.strptime(value["expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise Malformed(f"{subject}: a time of expiry expected") from None
    if expires <= when:
        raise Stale(f"{subject}: one that had not expired by {when:%Y-%m-%d} expected", help="hardline layout renew")
    for step in value["steps"]:
        _check_step(step, value["keys"], functionaries)
    return dict(value)


def _check_step(step: Any, keys: Any, functionaries: Mapping[str, Sequence[PublicKey]]) -> None:
    names = {"_type", "name", "expected_command", "expected_materials", "expected_products", "pubkeys", "threshold"}
    canonical.fields(step, names, subject="layout: step")
    name = step["name"]
    if not isinstance(name, str) or name not in layouts.STEPS or name not in functionaries:
        raise TrustRefused("layout: known steps only expected")
    allowed = {key.keyid: key for key in functionaries[name]}
    pubkeys = step["pubkeys"]
    if not isinstance(pubkeys, list) or not pubkeys or not all(keyid in allowed for keyid in pubkeys):
        raise TrustRefused(f"layout: step {name}: keys that hold role {layouts.ROLE_OF[name]} expected, got others")
    chosen = [allowed[keyid] for keyid in pubkeys]
    for key in chosen:
        if not isinstance(keys, dict) or keys.get(key.keyid) != {**key.securesystemslib().to_dict(), "keyid": key.keyid}:
            raise TrustRefused(f"layout: step {name}: the trust document's own key expected under its key id")
    rules = (layouts.material_rules(name), layouts.product_rules(name))
    if (step["expected_materials"], step["expected_products"]) != rules:
        raise TrustRefused(f"layout: step {name}: REQUIRE, MATCH or CREATE, and DISALLOW * as designed expected")
    classical = [key for key in chosen if not key.post_quantum]
    if step["threshold"] != layouts.threshold(chosen) or len(set(pubkeys)) != len(pubkeys):
        raise TrustRefused(f"layout: step {name}: its threshold over different keys expected")
    if len(classical) != len(chosen) and (len(classical), len(chosen)) != (1, 2):
        raise TrustRefused(f"layout: step {name}: exactly one classical and one post-quantum key expected")


def _read_link(name: str, data: bytes) -> tuple[ParsedLink, str, Any]:
    from in_toto.models.metadata import Metadata

    subject = f"link {name[:80]}"
    wrapped = envelope.parse(data, subject=subject)
    if wrapped.payload_type != PAYLOAD_TYPE or len(wrapped.signatures) != 1:
        raise Malformed(f"{subject}: one signature over {PAYLOAD_TYPE} expected")
    value = canonical.decode(wrapped.payload, subject=subject)
    names = {"_type", "name", "materials", "products", "byproducts", "command", "environment"}
    canonical.fields(value, names, subject=subject)
    if value["_type"] != "link" or value["command"] != [] or value["environment"] != {}:
        raise TrustRefused(f"{subject}: a link, no layout and no command expected")
    (keyid, _), step = wrapped.signatures[0], value["name"]
    if not isinstance(step, str) or step not in layouts.STEPS or name != link_name(step, keyid):
        raise TrustRefused(f"{subject}: a file name of its step and key expected")
    materials = _artifacts(value["materials"], subject)
    products = _artifacts(value["products"], subject)
    rule = layouts.STEPS[step]
    if set(materials) != set(rule.materials) or set(products) != set(rule.products):
        raise TrustRefused(f"{subject}: exactly the materials and products of step {step} expected")
    byproducts = value["byproducts"]
    if not isinstance(byproducts, dict) or not all(isinstance(text, str) for text in byproducts.values()):
        raise Malformed(f"{subject}: byproducts as texts expected")
    link = ParsedLink(step, (keyid,), materials, products, byproducts)
    return link, keyid, Metadata.from_dict({**canonical.decode(data, subject=subject)})


def _artifacts(value: Any, subject: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Malformed(f"{subject}: artifacts as an object expected")
    found = {}
    for name, digests in value.items():
        canonical.fields(digests, {"sha256"}, subject=f"{subject}: artifact")
        found[name] = canonical.parse_digest(digests["sha256"], subject=f"{subject}: artifact")
    return found


def _agree(one: ParsedLink, other: ParsedLink) -> ParsedLink:
    if (one.materials, one.products) != (other.materials, other.products):
        raise TrustRefused(f"links of step {one.step}: the same materials and products expected")
    return ParsedLink(one.step, (*one.keyids, *other.keyids), one.materials, one.products, one.byproducts)


def _run_in_toto(document: Mapping[str, Any], by_step: Mapping[str, Mapping[str, Any]]) -> None:
    from in_toto import exceptions, verifylib
    from in_toto.models.layout import Layout
    from securesystemslib.exceptions import Error as LibraryError

    try:
        layout = Layout.read(dict(document))
        verified = verifylib.verify_link_signature_thresholds(layout, by_step)
        if {step: set(found) for step, found in verified.items()} != {s: set(f) for s, f in by_step.items()}:
            raise SignatureInvalid("links: each signed by who may do its step expected, got another")
        chain = {step: {keyid: item.get_payload() for keyid, item in found.items()} for step, found in verified.items()}
        verifylib.verify_threshold_constraints(layout, chain)
        verifylib.verify_all_item_rules(layout.steps, verifylib.reduce_chain_links(chain))
    except exceptions.ThresholdVerificationError:
        raise SignatureInvalid("links: each step signed by who may do it expected, got fewer") from None
    except exceptions.RuleVerificationError:
        raise TrustRefused("links: a chain in which each step takes what an earlier one made expected") from None
    except (LibraryError, ValueError, KeyError, TypeError, AttributeError):
        raise Malformed("layout or links: in-toto cannot read them") from None
