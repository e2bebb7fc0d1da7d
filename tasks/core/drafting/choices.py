"""From a profile to a proposal: the type of each column, its group, its ranges, its levels, and why, said aloud.

Defaults are on the side of telling less and keeping more: ranges are rounded outwards to two digits, levels are listed when
they occur at least ten times, and what looks like a name, a number of a case or free text is sealed for the steward.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from hardline.tasks.core.contract import MAX_LEVELS
from hardline.tasks.core.drafting.notes import notes_of, over_budget
from hardline.tasks.core.drafting.rounding import inside, outwards
from hardline.tasks.core.errors import ContractError
from hardline.tasks.core.inputs import OTHER

if TYPE_CHECKING:
    from hardline.tasks.core.drafting.profile import ColumnProfile, Profile

SEEN: Final = 10  # times that a level occurs before it is listed: a contract is public
_FEW_LEVELS: Final = 100  # levels of a feature, at most
_FREE_TEXT: Final = 60  # characters; longer cells are read by people
_STRAYS: Final = 5  # spellings of a missing number that nobody could know before
_HEAVY_TAIL: Final = 4.0  # times the range of the middle 98 %
_LARGEST: Final = 1e28  # a valid range three times as wide is within what a contract takes


@dataclass(frozen=True)
class Proposal:
    """One column as the contract will have it; numbers are as they will be written."""

    name: str
    type: str
    group: str
    required: bool
    why: str
    valid: tuple[Decimal, Decimal] | None = None
    scale: tuple[Decimal, Decimal] | None = None
    fill: Decimal | None = None
    levels: tuple[str, ...] = ()
    missing: float = 0.0  # share
    listed: float = 1.0  # share of the told cells that are of a listed level


@dataclass(frozen=True)
class Draft:
    """What the two files will say."""

    name: str
    label: str
    rows: int
    columns: tuple[Proposal, ...]
    null_values: tuple[str, ...]
    decimal: str
    delimiter: str
    compression: str = "none"
    notes: tuple[str, ...] = field(default=())

    @property
    def label_column(self) -> Proposal:
        """The column that is to be predicted."""
        return next(column for column in self.columns if column.group == "label")


def choose(profile: Profile, name: str, label: str, *, delimiter: str = ",", compression: str = "none") -> Draft:
    """Propose.

    Args:
        profile: Of the whole source.
        name: The dataset's.
        label: The column that is to be predicted.
        delimiter: Between the source's cells.
        compression: Of its files.

    Raises:
        ContractError: The label is no column, has one class, or is a measurement; or nothing is left to learn from.
    """
    names = [column.name for column in profile.columns]
    if label not in names:
        raise ContractError(
            f"label: a column of the source expected, got {label[:80]!r}",
            help="the columns are "
            + ", ".join(repr(item) for item in names[:20])
            + (", ..." if len(names) > 20 else ""),
        )
    divided = {column.name for column in profile.columns if delimiter == "," and column.kinds["comma"]}
    for column in profile.columns:
        if (
            column.name in divided
        ):  # a decimal comma cannot be told from one between cells by whoever reads the file next
            column.kinds["comma"] = 0
    strays = {column.name: _strays(column) for column in profile.columns if column.name != label}
    spellings = _spellings(profile, strays, label)
    comma = any(
        _is(column, "comma", strays.get(column.name, Counter())) and column.kinds["comma"] for column in profile.columns
    )
    proposals = []
    for column in profile.columns:
        missing = sum(count for text, count in column.missing.items() if text in spellings)
        missing += sum(strays.get(column.name, {}).values())
        choose_one = _label if column.name == label else _column
        proposals.append(choose_one(column, missing, spellings, strays.get(column.name, Counter())))
    draft = Draft(
        name=name,
        label=label,
        rows=profile.rows,
        columns=tuple(proposals),
        null_values=tuple(sorted(spellings)),
        decimal="," if comma else ".",
        delimiter=delimiter,
        compression=compression,
        notes=(
            *notes_of(proposals, spellings),
            *over_budget(proposals, profile.rows),
            *(
                f"{item!r} has commas in numbers, and so has the file between cells: write it with points"
                for item in divided
            ),
        ),
    )
    if not any(column.group == "features" for column in proposals):
        raise ContractError(
            "draft: at least one column to learn from expected: all are unique, constant, dates or free text"
        )
    return draft


def _strays(column: ColumnProfile) -> Counter[str]:
    """Spellings that can only mean that a number is missing: a few, in a column of numbers, each often enough."""
    if column.levels is None or not column.kinds["number"] + column.kinds["comma"]:
        return Counter()
    numeric = column.kinds["number"] + column.kinds["comma"]
    if numeric == column.told or numeric < 0.8 * column.told:
        return Counter()
    other = {
        text: count
        for text, count in column.levels.items()
        if not re.fullmatch(r"[+-]?[0-9.,]+(?:[eE][+-]?[0-9]+)?", text)
    }
    fits = len(other) <= _STRAYS and sum(other.values()) == column.told - numeric
    plain = all(text.isprintable() and not set(text) & set('"\r\n,;\t|') and len(text) <= 20 for text in other)
    return Counter(other) if fits and plain else Counter()


def _spellings(profile: Profile, strays: dict[str, Counter[str]], label: str) -> set[str]:
    """How this source writes that a cell is missing: an empty cell, `?`, and what stands in the way of numbers and dates."""
    found = {""} | {text for counted in strays.values() for text in counted}
    for column in profile.columns:
        typed = (
            any(column.kinds[kind] == column.told for kind in ("number", "comma", "date", "boolean")) and column.told
        )
        for text in column.missing:
            if text == "?" or (typed and column.name != label):
                found.add(text)
    return found


def _is(column: ColumnProfile, kind: str, strays: Counter[str]) -> bool:
    told = column.told - sum(strays.values())
    return told > 0 and column.kinds[kind] == told


def _column(column: ColumnProfile, missing: int, spellings: set[str], strays: Counter[str]) -> Proposal:
    share = missing / column.rows if column.rows else 1.0
    told = column.rows - missing
    values = _values(column, spellings, strays)
    required = missing == 0

    def aside(type_: str, group: str, why: str) -> Proposal:
        return Proposal(column.name, type_, group, False, why, missing=share)

    if not told:
        return aside("text", "ignored", "no cell of it says anything")
    if values is not None and len(values) == 1 and required:
        return aside("text", "ignored", "it is the same in every row")
    if _is(column, "date", strays):
        return aside("date", "identifiers", "it is a date")
    if _is(column, "boolean", strays) or (values is not None and set(values) == {"0", "1"} and not strays):
        return _boolean(column, required, share)
    if values is not None and column.kinds["code"] and _is_code(column, strays):
        return _category(
            column, values, told, required, share, "digits with leading zeros, which are codes and no numbers"
        )
    if _is(column, "integer", strays):
        if _is_case_number(column, values, told):
            return aside(
                "integer", "identifiers", "a different whole number in every row looks like the number of a case"
            )
        return _number(column, "integer", required, share)
    if _is(column, "number", strays) or column.kinds["number"] + column.kinds["comma"] == told:
        return _number(column, "number", required, share)
    if values is None or column.longest > _FREE_TEXT or _different(values, told):
        return aside("text", "identifiers", "free text, or different in almost every row")
    return _category(column, values, told, required, share, "text with values that come back")


def _values(column: ColumnProfile, spellings: set[str], strays: Counter[str]) -> Counter[str] | None:
    """The values and their counts, with those that look missing and are not in this source."""
    if column.levels is None:
        return None
    found = Counter({text: count for text, count in column.levels.items() if text not in strays})
    found.update({text: count for text, count in column.missing.items() if text not in spellings})
    return found


def _is_code(column: ColumnProfile, strays: Counter[str]) -> bool:
    return column.kinds["code"] + column.kinds["integer"] == column.told - sum(strays.values())


def _is_case_number(column: ColumnProfile, values: Counter[str] | None, told: int) -> bool:
    different = values is None or len(values) == told
    named = re.search(r"(?:^|[^a-z])(?:id|no|nr|number|key|index|row)$", column.name.lower()) is not None
    dense = column.high - column.low < 2 * told
    return different and told >= SEEN and (column.rising or dense or named)


def _different(values: Counter[str], told: int) -> bool:
    return len(values) > 0.5 * told or not any(count >= SEEN for count in values.values())


def _boolean(column: ColumnProfile, required: bool, share: float) -> Proposal:
    counts = column.levels or Counter()
    yes = sum(count for text, count in counts.items() if text.lower() in ("1", "true"))
    fill = None if required else Decimal(int(2 * yes > sum(counts.values())))
    return Proposal(
        column.name, "boolean", "features", required, "two values, false and true",
        scale=(Decimal(0), Decimal(1)), fill=fill, missing=share,
    )  # fmt: skip


def _number(column: ColumnProfile, type_: str, required: bool, share: float) -> Proposal:
    low, high = column.low, column.high
    if low == high:
        return Proposal(column.name, type_, "ignored", False, "it is the same wherever it is given", missing=share)
    inner = column.quantile(0.01), column.quantile(0.99)
    heavy = high - low > _HEAVY_TAIL * (inner[1] - inner[0]) > 0
    scale = outwards(*(inner if heavy else (low, high)), whole=type_ == "integer")
    if max(abs(low), abs(high)) > _LARGEST:
        return Proposal(column.name, type_, "identifiers", False, "its numbers are too large for a net", missing=share)
    span = max(high, float(scale[1])) - min(low, float(scale[0]))
    least = 0.0 if low >= 0 else low - span
    valid = outwards(min(least, float(scale[0])), max(high + span, float(scale[1])), whole=type_ == "integer")
    fill = None if required else inside(column.quantile(0.5), type_, scale)
    why = "a number" if type_ == "number" else "a whole number"
    if heavy:
        why += "; the scale leaves out the outer 1 % on each side, which lie far away, and clips them for the model"
    return Proposal(column.name, type_, "features", required, why, valid=valid, scale=scale, fill=fill, missing=share)


def _category(
    column: ColumnProfile, values: Counter[str], told: int, required: bool, share: float, why: str
) -> Proposal:
    often = [
        text
        for text, count in values.most_common(_FEW_LEVELS)
        if count >= SEEN and text != OTHER and text.isprintable()
    ]
    listed = sum(values[text] for text in often) / told
    if not often or listed < 0.5:
        return Proposal(
            column.name, "text", "identifiers", False,
            "most of its values are rare", missing=share,
        )  # fmt: skip
    rest = len(values) - len(often)
    why += (
        f"; {rest} rarer values and whatever comes later are {OTHER}" if rest else f"; whatever comes later is {OTHER}"
    )
    return Proposal(
        column.name, "category", "features", required, why, levels=(*sorted(often), OTHER), missing=share, listed=listed
    )


def _label(column: ColumnProfile, missing: int, spellings: set[str], strays: Counter[str]) -> Proposal:
    del strays
    values = _values(column, spellings, Counter())
    told = column.rows - missing
    measured = values is None or (
        _is(column, "number", Counter()) and not _is(column, "integer", Counter()) and len(values) > 20
    )
    if measured or len(values or ()) > MAX_LEVELS:
        raise ContractError(
            f"label {column.name!r}: a class of at most {MAX_LEVELS:,} expected, got a measurement or a text",
            help="regression is not supported; put the values into classes first",
        )
    assert values is not None
    unfit = [text for text in values if not text.isprintable()]
    if unfit:
        raise ContractError(
            f"label {column.name!r}: classes with printable names expected, got {len(unfit)} others",
            help="write them without line breaks and control characters",
        )
    often = sorted(text for text, count in values.items() if count >= SEEN and text != OTHER)
    rare = told - sum(values[text] for text in often)
    why = "the class to predict"
    levels = tuple(often)
    if rare >= SEEN:
        levels = (*often, OTHER)
        why += f"; {len(values) - len(often)} classes with fewer than {SEEN} rows each are {OTHER}"
    elif rare:
        why += f"; {rare} rows of classes with fewer than {SEEN} rows are quarantined"
    if len(levels) < 2:
        raise ContractError(
            f"label {column.name!r}: two classes with at least {SEEN} rows each expected, got {len(levels)}"
        )
    return Proposal(
        column.name, "category", "label", True, why, levels=levels, missing=missing / column.rows,
        listed=(told - rare) / told if OTHER not in levels else 1.0,
    )  # fmt: skip
