"""Errors by who must act. The data's owner acts on these; the others come from `infra.errors`.

HardlineError
  DatasetError                    the data's owner; never retried                  exit 3
    IngestError                   the source cannot be read as the contract says
    ContractError                 the contract or the suite is wrong, or not accepted
    ExpectationError              the data was validated and refused
    FloorError                    the model is worse than its contract allows
    VerificationError             what was to be trusted is not                    exit 4
      Malformed  SignatureInvalid  TrustRefused  Stale  DigestMismatch  SealBroken  Recalled  Shredded
  UsageError                      the caller                                       exit 2
  AccessDenied                    the security officer                             exit 5
  InfraError                      the operator                                     exit 6
"""

from __future__ import annotations

from hardline.infra.errors import (
    AccessDenied,
    Conflict,
    Corrupt,
    HardlineError,
    InfraError,
    Misconfigured,
    NotFound,
    Unavailable,
    UsageError,
)

__all__ = [
    "AccessDenied",
    "Conflict",
    "ContractError",
    "Corrupt",
    "DatasetError",
    "DigestMismatch",
    "ExpectationError",
    "FloorError",
    "HardlineError",
    "InfraError",
    "IngestError",
    "Malformed",
    "Misconfigured",
    "NotFound",
    "Recalled",
    "SealBroken",
    "Shredded",
    "SignatureInvalid",
    "Stale",
    "TrustRefused",
    "Unavailable",
    "UsageError",
    "VerificationError",
]


class DatasetError(HardlineError):
    """The data, or what was said about it, is not acceptable."""

    exit_code = 3


class IngestError(DatasetError):
    """The source cannot be read as its contract says."""


class ContractError(DatasetError):
    """The contract or the suite is wrong, or nobody with the right accepted it."""


class ExpectationError(DatasetError):
    """The data was validated, and the verdict is not ACCEPT."""


class FloorError(DatasetError):
    """The model measures below a floor of its contract."""


class VerificationError(DatasetError):
    """What was to be trusted is not what its owners signed.

    `step` is the number of the verification step that refused it (DESIGN section 5); None outside verification.
    """

    exit_code = 4
    step: int | None = None


class Malformed(VerificationError):
    """Bytes are not of the form that their format demands."""


class SignatureInvalid(VerificationError):
    """A signature does not hold under the keys that may make it."""


class TrustRefused(VerificationError):
    """A signature holds, but its maker had no right to it, or the rules of custody are broken."""


class Stale(VerificationError):
    """A statement is older than what was seen before, or older than is allowed."""


class DigestMismatch(VerificationError):
    """Bytes are not the ones that were recorded."""


class SealBroken(VerificationError):
    """A sealed object does not open; the reason is not said."""


class Recalled(VerificationError):
    """The dataset or the model was recalled."""


class Shredded(VerificationError):
    """The data keys were destroyed on purpose; the data cannot be read again."""
