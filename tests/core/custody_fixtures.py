"""A chain of custody with real keys, made as the steps make it, for the tests to break."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from hardline.infra.keys.memory_vault import generate_private
from hardline.tasks.core import canonical, custody, envelope, layouts
from hardline.tasks.core.keys import PublicKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from securesystemslib.signer import Signer

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
YEAR = timedelta(days=365)


def new_signer(kind: str = "ecdsa-p256") -> Signer:
    """A fresh key."""
    return CryptoSigner(generate_private(kind))  # type: ignore[arg-type]


def artifact(name: str) -> str:
    """The digest that a chain carries for an artifact unless it is told another."""
    return canonical.digest(name.encode())


@dataclass(frozen=True)
class Chain:
    """Everything `verify_chain` is given, and the private keys behind it."""

    kind: str
    owners: Sequence[Signer]
    functionaries: Mapping[str, Sequence[Signer]]
    layout: bytes
    links: Mapping[str, bytes]

    def verify(self, when: datetime = NOW, threshold: int = 1) -> dict[str, custody.ParsedLink]:
        """As verification step 5 calls it."""
        return custody.verify_chain(
            self.layout,
            [PublicKey.of(owner) for owner in self.owners],
            threshold,
            self.links,
            functionaries=public(self.functionaries),
            when=when,
        )

    def name(self, step: str, which: int = 0) -> str:
        """The file name of a step's link."""
        return custody.link_name(step, PublicKey.of(self.functionaries[step][which]).keyid)

    def with_link(self, step: str, edit: Callable[[dict[str, Any]], object], signer: Signer | None = None) -> Chain:
        """The same chain with one link's payload edited and signed again, by its own functionary if by no other."""
        payload = _payload(self.links[self.name(step)])
        edit(payload)
        signer = signer or self.functionaries[step][0]
        links = {name: data for name, data in self.links.items() if name != self.name(step)}
        links[custody.link_name(step, PublicKey.of(signer).keyid)] = _signed(payload, [signer])
        return replace(self, links=links)

    def with_layout(self, edit: Callable[[dict[str, Any]], object], *signers: Signer) -> Chain:
        """The same chain with the layout's payload edited and signed again, by its owners if by nobody else."""
        payload = _payload(self.layout)
        edit(payload)
        return replace(self, layout=_signed(payload, signers or self.owners))


def public(signers: Mapping[str, Sequence[Signer]]) -> dict[str, list[PublicKey]]:
    """The public halves."""
    return {step: [PublicKey.of(signer) for signer in held] for step, held in signers.items()}


def make_chain(
    kind: str = "dataset",
    *,
    functionaries: Mapping[str, Sequence[Signer]] | None = None,
    owners: Sequence[Signer] | None = None,
    digests: Mapping[str, str] | None = None,
    expires: datetime = NOW + YEAR,
) -> Chain:
    """A complete chain of a kind.

    Args:
        kind: `dataset` or `model`.
        functionaries: Step to who does it; a fresh P-256 key each where it says nothing. All of a step's keys sign.
        owners: Who signs the layout; one fresh key if nobody is given.
        digests: Artifact name to digest, where it matters.
        expires: The layout's expiry.
    """
    owners = owners or [new_signer()]
    held = {step: (functionaries or {}).get(step) or [new_signer()] for step in layouts.KINDS[kind]}
    found = {
        name: (digests or {}).get(name, artifact(name)) for rule in layouts.STEPS.values() for name in rule.products
    }
    links = {}
    for step, signers in held.items():
        rule = layouts.STEPS[step]
        for signer in signers:
            links[custody.link_name(step, PublicKey.of(signer).keyid)] = custody.make_link(
                step,
                {name: found[name] for name in rule.materials},
                {name: found[name] for name in rule.products},
                signer,
                byproducts={"program": "hardline test"},
            )
    return Chain(kind, owners, held, layouts.make_layout(kind, public(held), expires, owners), links)


def replaced(value: Any, path: Sequence[int], new: Any) -> Any:
    """The JSON value with what lies at a path of child positions, each modulo the number of children, replaced."""
    if not path or not isinstance(value, dict | list) or not value:
        return new
    if isinstance(value, list):
        at = path[0] % len(value)
        return [*value[:at], replaced(value[at], path[1:], new), *value[at + 1 :]]
    key = sorted(value)[path[0] % len(value)]
    return {**value, key: replaced(value[key], path[1:], new)}


PATHS = st.lists(st.integers(0, 40), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**53 - 1) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _payload(data: bytes) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(envelope.parse(data, subject="test").payload)
    return payload


def _signed(payload: Any, signers: Sequence[Signer]) -> bytes:
    return envelope.sign(canonical.encode(payload), layouts.PAYLOAD_TYPE, signers).to_bytes()
