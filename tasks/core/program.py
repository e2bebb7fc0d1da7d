"""What program this is: a version, and a digest over everything that is installed with it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import metadata

from hardline.tasks.core import canonical

PIPELINE_FORMAT = 1  # part of every idempotency key: a pipeline that works otherwise makes another dataset


@cache
def version() -> str:
    """The version of the installed distribution."""
    try:
        return metadata.version("hardline")
    except metadata.PackageNotFoundError:
        return "0+unknown"


@cache
def environment_digest() -> str:
    """The digest of the canonical JSON list of every installed distribution and its version."""
    installed = {(str(item.metadata["Name"]).lower(), item.version) for item in metadata.distributions()}
    return canonical.digest(canonical.encode([list(pair) for pair in sorted(installed)]))


def byproducts() -> Mapping[str, str]:
    """What every link says about its program."""
    return {"program": f"hardline {version()}", "environment": f"sha256:{environment_digest()}"}
