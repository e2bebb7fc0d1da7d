"""What makes two requests the same request: the keys that a publication and a release claim in the log."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from hardline.tasks.core import canonical
from hardline.tasks.core.program import PIPELINE_FORMAT


class Commitment:
    """The keyed digest of a source, taken while its bytes go by (HMAC-SHA-256, RFC 2104).

    Only who holds the home's source key can test a guess of the content against it.
    """

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)
        self._plain = hashlib.sha256()
        self.size = 0

    def update(self, data: bytes) -> None:
        """Take more bytes."""
        self._keyed.update(data)
        self._plain.update(data)
        self.size += len(data)

    @property
    def value(self) -> str:
        """The commitment, hexadecimal."""
        return self._keyed.hexdigest()

    @property
    def plain_digest(self) -> str:
        """The digest of the content, which is for the steward's sealed annex only."""
        return self._plain.hexdigest()


def dataset_key(name: str, commitments: Sequence[str], contract: str, suite: str) -> str:
    """The key of a publication: the same sources under the same contract and suite, by the same pipeline."""
    return canonical.digest(canonical.encode(["dataset", name, list(commitments), contract, suite, PIPELINE_FORMAT]))


def model_key(name: str, manifest: str, recipe: Mapping[str, Any]) -> str:
    """The key of a release: the same dataset under the same recipe, by the same pipeline."""
    return canonical.digest(canonical.encode(["model", name, manifest, dict(recipe), PIPELINE_FORMAT]))


def claim(type: str, key: str) -> str:
    """The key as the log keeps it unique."""
    return f"{type}:{key}"
