"""Where things lie in the store and in the trust folder. The only module that writes these names."""

from __future__ import annotations

TRUST = "trust.json"
SEEN_TRUST = "seen/trust.json"
SEEN_CHECKPOINT = "seen/checkpoint"

PAYLOAD = "payload"
BUNDLE = "payload.sigstore.json"
LINKS = "in-toto"
LAYOUT = "in-toto/root.layout"
EVIDENCE = "evidence"
KEYRING = "keyring"
PROOF = "log"


def layout(digest: str) -> str:
    """A layout in the trust folder."""
    return f"layouts/{digest}.json"


def contract(name: str, contract_digest: str, suite_digest: str) -> str:
    """The folder of an accepted contract and suite in the store."""
    return f"contracts/{name}/{contract_digest[:32]}-{suite_digest[:32]}"


def landing(name: str, version: str) -> str:
    """The folder of the sealed raw sources of one version."""
    return f"landing/{name}/{version}"


def staging(name: str, version: str) -> str:
    """The folder of sealed staging of one version; gone once the version is published."""
    return f"staging/{name}/{version}"


def quarantine(name: str, version: str) -> str:
    """The folder of sealed quarantine of one version."""
    return f"quarantine/{name}/{version}"


def dataset(name: str, version: str) -> str:
    """The folder of one version of a dataset."""
    return f"datasets/{name}/{version}"


def model(name: str, version: str) -> str:
    """The folder of one version of a model."""
    return f"models/{name}/{version}"


def event(digest: str) -> str:
    """A lineage event, by its digest."""
    return f"events/{digest[:2]}/{digest}.json"
