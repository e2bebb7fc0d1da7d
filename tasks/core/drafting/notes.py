"""What a draft decided that its owner may want otherwise, said aloud."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hardline.tasks.core.drafting.choices import Proposal

BUDGET: Final = 5  # percent of the rows that a draft lets be put aside


def over_budget(proposals: list[Proposal], rows: int) -> Iterator[str]:
    """Whether the source would be refused under its own draft, which is for its owner to hear now."""
    for column in proposals:
        lost = round(rows * (column.missing + (1 - column.missing) * (1 - column.listed)))
        if column.group == "label" and 100 * lost > BUDGET * rows:
            yield (
                f"{lost:,} rows have no class that is listed, more than the {BUDGET} % that may be put aside: publishing this "
                f"source will be refused; give them a class, drop them, or raise quarantine"
            )


def notes_of(proposals: list[Proposal], spellings: set[str]) -> Iterator[str]:
    """What counts as missing, which columns are no features, and how much is missing."""
    unusual = sorted(spellings - {""})
    if unusual:
        yield f"cells that are empty or {', '.join(unusual)} count as missing, in every column"
    for column in proposals:
        if column.group in ("identifiers", "ignored"):
            kept = "sealed for the steward" if column.group == "identifiers" else "not kept"
            yield f"{column.name!r} is no feature ({kept}): {column.why}"
        elif column.missing:
            yield f"{column.name!r} is missing in {100 * column.missing:.1f} % of the rows"
