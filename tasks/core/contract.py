"""The contract: what a dataset's columns are, who may read them, and what an attacker may do to them.

An Open Data Contract Standard v3 document (docs/formats/contract.md). It is security-critical, since the threat model is
part of it: a steward accepts it by signature, its digest pins it, and it is enforced again at inference. It is public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

FEATURES, LABEL, IGNORED = "features", "label", "ignored"
GROUPS: Final = (FEATURES, LABEL, "restricted", "identifiers", IGNORED)
NUMERIC: Final = ("number", "integer")

# The names that pyarrow gives these types; the manifest and the parser write the same ones.
ARROW_NAMES: Final[Mapping[str, str]] = {
    "number": "double",
    "integer": "int64",
    "boolean": "bool",
    "category": "string",
    "text": "string",
    "date": "date32[day]",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: As in the source's header.
        description: What it means, in words.
        unit: Its unit, or nothing.
        type: number, integer, boolean, category, text or date.
        nullable: Whether a cell may be empty; a feature's never is.
        group: features, label, restricted, identifiers or ignored; ignored columns are parsed and not kept.
        valid: Lowest and highest possible value, inclusive, raw units; a row outside is quarantined.
        scale: What becomes 0 and 1 for a model, raw units; outside is clipped for the model, never refused.
        epsilon: How far an attacker moves it, in units of `scale`; 0 for an immutable column.
        immutable: Whether an attacker cannot move it at all.
        direction: Which way an attacker moves it: both, increase or decrease.
        levels: The values of a category (or of an integer with few values), in the contract's order.
    """

    name: str
    description: str
    unit: str | None
    type: str
    nullable: bool
    group: str
    valid: tuple[Decimal, Decimal] | None = None
    scale: tuple[Decimal, Decimal] | None = None
    epsilon: Decimal = Decimal(0)
    immutable: bool = False
    direction: str = "both"
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SplitRule:
    """How rows fall into train and test.

    Attributes:
        train: The share of the train split in percent, 1 to 99.
        by: The column whose equal values stay together, for example a patient; None: the whole row.
    """

    train: int
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be quarantined: at most so many percent of the rows and at most so many rows, both."""

    percent: Decimal
    rows: int

    def allows(self, quarantined: int, rows: int) -> bool:
        """Whether `quarantined` out of `rows` rows stays within both limits."""
        return quarantined <= self.rows and Decimal(100) * quarantined <= self.percent * rows


@dataclass(frozen=True, slots=True)
class LinearRelation:
    """`sum(coefficient * column) >= lower`, in raw units: true of every honest row, and kept by every attack."""

    terms: tuple[tuple[str, Decimal], ...]
    lower: Decimal


@dataclass(frozen=True, slots=True)
class ThreatModel:
    """What the attacker of a deployed model may do.

    Attributes:
        norm: "linf": every feature moves on its own, by at most its epsilon.
        attackable: The class indices whose rows an attacker wants to pass for another class.
        relations: What must stay true of a row that was moved.
    """

    norm: str
    attackable: tuple[int, ...]
    relations: tuple[LinearRelation, ...]


@dataclass(frozen=True, slots=True)
class Floors:
    """The least accuracies, from 0 to 1, that a model must show on the test split to be released."""

    clean: Decimal
    robust: Decimal


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """How the source's CSV is written."""

    delimiter: str = ","
    null_values: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Contract:
    """A parsed contract; `parse_contract` is its maker.

    Attributes:
        digest: SHA-256 of the bytes that were parsed.
        name: The dataset's name, `[a-z][a-z0-9-]{1,62}`.
        version: The contract's own version.
        columns: In the order of the contract, which is the order of every table made under it.
        label: The name of the label column.
        classes: The label's levels; a class index is a position here.
        visibility: public, confidential or restricted.
    """

    digest: str
    name: str
    version: str
    columns: tuple[Column, ...]
    label: str
    classes: tuple[str, ...]
    split: SplitRule
    visibility: str
    budget: Budget
    threat: ThreatModel
    floors: Floors
    csv: CsvOptions

    @property
    def feature_columns(self) -> tuple[Column, ...]:
        """The columns that a model reads, in order: the F of every [N, F] array."""
        return tuple(column for column in self.columns if column.group == FEATURES)

    @property
    def groups(self) -> tuple[str, ...]:
        """The column groups that are sealed, features first; ignored columns belong to none."""
        present = {column.group for column in self.columns}
        return tuple(group for group in GROUPS if group in present and group != IGNORED)

    def column(self, name: str) -> Column:
        """The column of that name; raises `KeyError`, so ask for names that were checked."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def group_of(self, name: str) -> str:
        """The column group of a column; raises `KeyError`."""
        return self.column(name).group

    def parser_columns(self) -> tuple[tuple[str, str, bool], ...]:
        """Name, Arrow type name and nullability of every column, for a parser."""
        return tuple((column.name, ARROW_NAMES[column.type], column.nullable) for column in self.columns)

    def arrow_schema(self) -> pa.Schema:
        """The schema of every table that is made under this contract."""
        import pyarrow as pa

        from hardline.tasks.core.arrow_types import arrow_type

        return pa.schema([pa.field(name, arrow_type(type_), nullable) for name, type_, nullable in self.parser_columns()])


def parse_contract(data: bytes) -> Contract:
    """Parse a contract strictly.

    Args:
        data: The YAML document.

    Raises:
        ContractError: It is not a contract that can be enforced; the message names line and field.
    """
    from hardline.tasks.core.contract_reading import read  # its other half, which needs the classes above

    return read(data)
