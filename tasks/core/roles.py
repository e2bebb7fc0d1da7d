"""Which role may read which part of a dataset or a model. The boundary is the wrap: no key, no plaintext."""

from __future__ import annotations

from collections.abc import Iterable

SENSITIVE = ("restricted", "identifiers")  # column groups that only the steward reads
MODEL_READERS = ("trainer", "assessor", "releaser")
READERS = ("trainer", "assessor", "steward", "custodian")
_SPLIT_OF = {"trainer": "train", "assessor": "test"}


def readers(split: str, group: str) -> tuple[str, ...]:
    """The roles whose recipients get a wrap of the data key of one split and column group.

    The recovery recipient of the custodian gets one of every data key; `act.grants` adds it.
    """
    if group in SENSITIVE:
        return ("steward",)
    return tuple(role for role, own in _SPLIT_OF.items() if own == split)


def readable(role: str, parts: Iterable[str]) -> list[str]:
    """Of the parts `split/group` of a dataset, those that a role may read, sorted."""
    return sorted(part for part in parts if role == "custodian" or role in readers(*part.split("/", 1)))
