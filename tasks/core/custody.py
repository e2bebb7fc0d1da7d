"""in-toto links and the verification of a chain, in memory: no link directory, no inspection, no command.

Signature thresholds and artifact rules are in-toto's own functions; around them stand the checks that it leaves open
(each was measured): empty links, extra links, sublayouts, inspections, one key twice, other rules than ours. A layout
is read by making it again from what it names; whatever else it says is then refused without being looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical, envelope, layouts
from hardline.tasks.core.errors import Malformed, SignatureInvalid, Stale, TrustRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from securesystemslib.signer import Signer

    from hardline.tasks.core.keys import PublicKey

PAYLOAD_TYPE = layouts.PAYLOAD_TYPE
MAX_LAYOUT = 1 << 20  # bytes; eight steps with their keys are 10 kB
MAX_LINK = 1 << 16  # bytes; a link names at most five artifacts
MAX_LINKS = 64  # two for each step of the longest chain are 16
LINK_NAME = re.compile(r"[a-z]{1,40}\.[0-9a-f]{8}\.link")


@dataclass(frozen=True, slots=True)
class ParsedLink:
    """One step as its functionaries state it; the artifacts are name to SHA-256 digest."""

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

    Returns:
        Each step of the layout, in order, with its link. That the principals behind the keys are different where they
        must be is for `trust.TrustDocument.separation`.

    Raises:
        Malformed: The layout or a link is not of its form.
        SignatureInvalid: A signature is missing, or does not hold under the keys that may make it.
        TrustRefused: Other rules, steps, keys or artifacts than the designed ones, or a step that was not done on what
            the step before made.
        Stale: The layout had expired.
    """
    document, keys = _read_layout(layout, owners, threshold, functionaries, when)
    if len(links) > MAX_LINKS:
        raise TrustRefused(f"links: at most {MAX_LINKS} expected, got {len(links)}")
    parsed: dict[str, ParsedLink] = {}
    by_step: dict[str, dict[str, Any]] = {step: {} for step in keys}
    for name, data in sorted(links.items()):
        link, metadata = _read_link(name, data, keys)
        by_step[link.step][link.keyids[0]] = metadata
        parsed[link.step] = _joined(parsed[link.step], link) if link.step in parsed else link
    _run_in_toto(document, by_step)
    return {step: parsed[step] for step in keys}


def _read_layout(
    data: bytes,
    owners: Sequence[PublicKey],
    threshold: int,
    functionaries: Mapping[str, Sequence[PublicKey]],
    when: datetime,
) -> tuple[dict[str, Any], dict[str, list[PublicKey]]]:
    """The layout, and for each of its steps the keys that may do it."""
    subject = "layout"
    if len(data) > MAX_LAYOUT:
        raise Malformed(f"{subject}: at most {MAX_LAYOUT} bytes expected, got {len(data)}")
    signed = envelope.verify(envelope.parse(data, subject=subject), PAYLOAD_TYPE, owners, threshold, subject=subject)
    value = canonical.decode(signed, subject=subject)
    canonical.fields(value, {"_type", "expires", "inspect", "keys", "readme", "steps"}, subject=subject)
    if value["_type"] != "layout" or not isinstance(value["steps"], list):
        raise Malformed(f"{subject}: a layout with steps expected, got something else")
    if value["inspect"] != []:
        raise TrustRefused(f"{subject}: no inspections expected: each is a command that a verifier would run")
    names = tuple(step.get("name") if isinstance(step, dict) else None for step in value["steps"])
    kind = next((kind for kind, steps in layouts.KINDS.items() if steps == names), None)
    if kind is None:
        raise TrustRefused(f"{subject}: the steps of a {' or of a '.join(layouts.KINDS)} expected, got others")
    keys = {step["name"]: _keys(step, functionaries.get(step["name"], ())) for step in value["steps"]}
    try:
        expires = datetime.strptime(value["expires"], layouts.TIME).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise Malformed(f"{subject}: a time of expiry expected") from None
    if layouts.payload(kind, keys, expires) != signed:
        raise TrustRefused(f"{subject}: the rules, thresholds and keys of its template expected, got others")
    if expires <= when:
        raise Stale(
            f"{subject}: one that had not expired by {when:%Y-%m-%d} expected, got one until {expires:%Y-%m-%d}",
            help="ask the owner to sign a new layout",
        )
    return value, keys


def _keys(step: Mapping[str, Any], holders: Sequence[PublicKey]) -> list[PublicKey]:
    """The keys that a step of a layout names, each of which must hold the step's role."""
    subject = f"layout: step {step['name']}"
    allowed = {key.keyid: key for key in holders}
    keyids = step.get("pubkeys")
    if not isinstance(keyids, list) or not all(isinstance(keyid, str) for keyid in keyids):
        raise Malformed(f"{subject}: a list of key ids expected")
    if not keyids or not allowed.keys() >= set(keyids):
        raise TrustRefused(f"{subject}: keys that hold role {layouts.ROLE_OF[step['name']]} expected, got others")
    chosen = [allowed[keyid] for keyid in keyids]
    if not layouts.usable(chosen):
        raise TrustRefused(f"{subject}: different classical keys, or one classical and one post-quantum key, expected")
    return chosen


def _read_link(name: str, data: bytes, keys: Mapping[str, Sequence[PublicKey]]) -> tuple[ParsedLink, Any]:
    """A link by somebody who may do its step; and the same as in-toto's object. The signature is not looked at."""
    from in_toto.models.metadata import Metadata

    subject = f"link {name[:80]!r}"
    if len(data) > MAX_LINK:
        raise Malformed(f"{subject}: at most {MAX_LINK} bytes expected, got {len(data)}")
    wrapped = envelope.parse(data, subject=subject)
    if wrapped.payload_type != PAYLOAD_TYPE or len(wrapped.signatures) != 1:
        raise Malformed(f"{subject}: one signature over {PAYLOAD_TYPE} expected")
    value = canonical.decode(wrapped.payload, subject=subject)
    fields = {"_type", "name", "materials", "products", "byproducts", "command", "environment"}
    canonical.fields(value, fields, subject=subject)
    (keyid, _), step = wrapped.signatures[0], value["name"]
    if value["_type"] != "link" or value["command"] != [] or value["environment"] != {}:
        raise TrustRefused(f"{subject}: a link without a command expected, got something else")
    if not isinstance(step, str) or step not in keys:
        raise TrustRefused(f"{subject}: a step of the layout expected, got another")
    if keyid not in {key.keyid for key in keys[step]}:
        raise SignatureInvalid(f"{subject}: a signature by who may do step {step} expected, got one by another")
    if name != link_name(step, keyid):
        raise TrustRefused(f"{subject}: file name {link_name(step, keyid)} expected")
    materials = _artifacts(value["materials"], subject)
    products = _artifacts(value["products"], subject)
    rule = layouts.STEPS[step]
    if materials.keys() != rule.materials.keys() or products.keys() != set(rule.products):
        raise TrustRefused(f"{subject}: exactly the materials and products of step {step} expected")
    byproducts = value["byproducts"]
    if not isinstance(byproducts, dict) or not all(isinstance(text, str) for text in byproducts.values()):
        raise Malformed(f"{subject}: byproducts as texts expected")
    metadata = Metadata.from_dict(canonical.decode(data, subject=subject))
    return ParsedLink(step, (keyid,), materials, products, byproducts), metadata


def _artifacts(value: Any, subject: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Malformed(f"{subject}: artifacts as an object expected")
    found = {}
    for name, digests in value.items():
        canonical.fields(digests, {"sha256"}, subject=f"{subject}: artifact")
        found[name] = canonical.parse_digest(digests["sha256"], subject=f"{subject}: artifact")
    return found


def _joined(one: ParsedLink, other: ParsedLink) -> ParsedLink:
    """Two functionaries' links of one step, which must say the same; byproducts are the first one's."""
    if (one.materials, one.products) != (other.materials, other.products):
        raise TrustRefused(f"links of step {one.step}: the same materials and products expected")
    return ParsedLink(one.step, (*one.keyids, *other.keyids), one.materials, one.products, one.byproducts)


def _run_in_toto(document: Mapping[str, Any], by_step: Mapping[str, Mapping[str, Any]]) -> None:
    """in-toto's signature thresholds and artifact rules (specification 1.0, section 5.2, steps 3, 5 and 8)."""
    from in_toto import exceptions, verifylib
    from in_toto.models.layout import Layout
    from securesystemslib.exceptions import Error as LibraryError

    try:
        layout = Layout.read(dict(document))
        verified = verifylib.verify_link_signature_thresholds(layout, by_step)
        # in-toto passes over a link that does not verify, as long as enough others do.
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
