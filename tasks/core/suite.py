"""The suite: Great Expectations 1.x JSON, from an allow-list of types and arguments (`suite_kinds`).

A string `row_condition` would run Python and `unexpected_rows_query` is raw SQL; neither is on the list. A suite is
reviewed, accepted by signature, pinned by digest, and never saved again by GX.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import ContractError
from hardline.tasks.core.suite_arguments import family
from hardline.tasks.core.suite_conditions import Comparison, Condition, leaves
from hardline.tasks.core.suite_kinds import BOOLEAN, DATE, FAMILIES, NUMBER, SUPPORTED, TEXT, Kind

if TYPE_CHECKING:
    from hardline.tasks.core.contract import Contract

MAX_BYTES = 4 << 20
CRITICAL = "critical"
SEVERITIES = (CRITICAL, "warning", "info")


@dataclass(frozen=True)
class Expectation:
    """One rule; `position` is its place in the suite, and its id wherever results are compared."""

    position: int
    type: str
    kwargs: Mapping[str, Any]
    reason: str
    severity: str = CRITICAL

    @property
    def kind(self) -> Kind:
        """What is known of its type."""
        return SUPPORTED[self.type]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it looks at, apart from those of its condition."""
        named = tuple(self.kwargs[key] for key in ("column", "column_A", "column_B") if key in self.kwargs)
        return named or tuple(self.kwargs.get("column_list", self.kwargs.get("column_set", ())))

    @property
    def condition(self) -> Condition | None:
        """Which rows it is about; None for all of them."""
        return self.kwargs.get("row_condition")

    @property
    def mostly(self) -> float:
        """The share of the rows it is about that must satisfy it."""
        return float(self.kwargs.get("mostly", 1))

    @property
    def row_local(self) -> bool:
        """Whether it judges each row by itself."""
        return self.kind.row_local

    @property
    def about_values(self) -> bool:
        """Whether it reads values, and not the header or the number of rows alone."""
        return not self.type.startswith(("expect_table_", "expect_column_to_exist"))

    @property
    def quarantines(self) -> bool:
        """Whether a row that breaks it is put aside: critical, and no row tolerated by `mostly`."""
        return self.row_local and self.severity == CRITICAL and self.mostly == 1

    def compared(self, column: str) -> Iterator[Any]:
        """The values in its arguments that are compared with those of the column."""
        for name in self.kind.compared:
            value = self.kwargs.get(name)
            yield from value if isinstance(value, list) else () if value is None else (value,)
        if "value_pairs_set" in self.kwargs:
            side = self.columns.index(column)
            yield from (pair[side] for pair in self.kwargs["value_pairs_set"] if pair[side] is not None)
        if "partition_object" in self.kwargs:
            partition = self.kwargs["partition_object"]
            yield from partition.get("values", partition.get("bins"))

    @property
    def id(self) -> str:
        """For people: position, type and column."""
        return f"{self.position}:{self.type.removeprefix('expect_')}" + (
            f":{self.columns[0]}" if len(self.columns) == 1 else ""
        )


@dataclass(frozen=True)
class Suite:
    """See the module."""

    digest: str
    name: str
    expectations: tuple[Expectation, ...]

    def check_against(self, contract: Contract) -> None:
        """Refuse a suite that does not fit the contract's columns, or that leaves a feature or the label out.

        A tensor is no subject of a suite: the contract's ranges are checked on each of its elements.

        Raises:
            ContractError: A column that the contract has not, a type of expectation or a value that its column's type
                does not fit, or a feature or the label without an expectation of severity critical.
        """
        types = {column.name: column.type for column in contract.columns}
        for expectation in self.expectations:
            _check_fit(expectation, types)
        binding = [e for e in self.expectations if e.severity == CRITICAL and e.about_values]
        single = {e.kwargs["column"] for e in binding if "column" in e.kwargs}
        needed = [c.name for c in contract.columns if c.group in ("features", "label") and c.tensor is None]
        missing = [name for name in needed if name not in single]
        if missing:
            raise ContractError(
                f"suite: a critical expectation for each feature and the label expected, none for {missing[0]!r}"
            )


def parse_suite(data: bytes) -> Suite:
    """Read a suite strictly.

    Raises:
        ContractError: It is none, it is empty, or it holds what is not on the list; the message names the place.
    """
    if len(data) > MAX_BYTES:
        raise ContractError(f"suite: at most {MAX_BYTES} bytes expected, got {len(data)}")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate is JSON, and no text
    except json.JSONDecodeError as error:
        raise ContractError(f"suite: line {error.lineno}: JSON expected ({error.msg})") from None
    except (ValueError, RecursionError):
        raise ContractError("suite: JSON without duplicate keys, NaN and infinities expected") from None
    if not isinstance(value, dict) or not value.keys() <= {"name", "expectations", "meta", "notes", "id"}:
        raise ContractError("suite: a Great Expectations suite with name, expectations and meta expected")
    if not isinstance(value.get("name"), str) or not isinstance(value.get("expectations"), list):
        raise ContractError("suite: a name and a list of expectations expected")
    if not value["expectations"]:
        raise ContractError("suite: at least one expectation expected: GX passes an empty suite")
    found = tuple(_expectation(position, item) for position, item in enumerate(value["expectations"]))
    seen: dict[str, int] = {}
    for expectation, item in zip(found, value["expectations"], strict=True):
        key = json.dumps([item["type"], item["kwargs"]], sort_keys=True)
        if key in seen:
            raise ContractError(f"suite: expectation {expectation.id}: each once expected, and {seen[key]} is the same")
        seen[key] = expectation.position
    _check_quantiles(found)
    return Suite(canonical.digest(data), value["name"], found)


def _expectation(position: int, value: Any) -> Expectation:
    subject = f"suite: expectation {position}"
    if not isinstance(value, dict) or not value.keys() <= {"type", "kwargs", "meta", "severity", "id"}:
        raise ContractError(f"{subject}: type, kwargs and meta expected")
    type_, meta, severity = value.get("type"), value.get("meta"), value.get("severity", CRITICAL)
    if not isinstance(type_, str) or type_ not in SUPPORTED:
        raise ContractError(
            f"{subject}: a supported type expected, got {str(type_)[:80]!r}",
            help="supported: " + ", ".join(sorted(SUPPORTED)),
        )
    if severity not in SEVERITIES:
        raise ContractError(f"{subject}: severity: {', '.join(SEVERITIES)} expected")
    kwargs = SUPPORTED[type_].read(value.get("kwargs"), f"{subject} ({type_})")
    reason = meta.get("reason") if isinstance(meta, dict) else None
    if not isinstance(reason, str) or not reason.strip():
        raise ContractError(f"{subject}: meta.reason: why it is expected")
    return Expectation(position, type_, kwargs, reason, severity)


def _check_quantiles(expectations: Sequence[Expectation]) -> None:
    """One expectation for all quantiles of the same values: GX answers a second one with the first one's quantiles."""
    seen = set()
    for expectation in expectations:
        if "quantile_ranges" in expectation.kwargs:
            method = expectation.kwargs.get("allow_relative_error")
            key = (expectation.kwargs["column"], expectation.condition, method)
            if key in seen:
                raise ContractError(f"suite: expectation {expectation.id}: all quantiles of a column in one expected")
            seen.add(key)


def _check_fit(expectation: Expectation, types: Mapping[str, str]) -> None:
    """Columns that are there, of families that the type fits, compared with values of their family."""
    subject = f"suite: expectation {expectation.id}"
    compared = [(name, value) for name in expectation.columns for value in expectation.compared(name)]
    named = [*expectation.columns]
    for leaf in leaves(expectation.condition) if expectation.condition is not None else ():
        named.append(leaf.column)
        if isinstance(leaf, Comparison) and FAMILIES.get(types.get(leaf.column, "")) == DATE:
            raise ContractError(f"{subject}: row_condition: nullity alone expected of the date {leaf.column!r}")
        compared += [(leaf.column, value) for value in leaf.literals] if isinstance(leaf, Comparison) else []
    strangers = set(named) - types.keys()
    if strangers:
        raise ContractError(f"{subject}: a column of the contract expected, got {sorted(strangers)[0]!r}")
    if expectation.about_values:
        families = {FAMILIES.get(types[name]) for name in expectation.columns}
        for name in expectation.columns:
            if FAMILIES.get(types[name]) not in expectation.kind.families:
                fitting = ", ".join(t for t, f in FAMILIES.items() if f in expectation.kind.families)
                raise ContractError(f"{subject}: column {name!r}: {fitting} expected, got {types[name]}")
        if len(families) > 1 and "value_pairs_set" not in expectation.kwargs:
            raise ContractError(f"{subject}: columns of one kind expected: numbers, texts, booleans or dates")
        ordered = families == {DATE} and "or_equal" in expectation.kind.optional
        if ordered and expectation.kwargs.get("ignore_row_if") != "either_value_is_missing":
            raise ContractError(f"{subject}: ignore_row_if either_value_is_missing expected for dates")
    for name, value in compared:
        if not fits(value, FAMILIES.get(types[name])):
            raise ContractError(f"{subject}: column {name!r}: values to compare with {types[name]} expected")


def fits(value: Any, wanted: str | None) -> bool:
    """Whether a value of a suite can be compared with a column of that family."""
    found = family(value, "suite")
    if wanted == DATE:
        try:
            return found == TEXT and datetime.date.fromisoformat(value).isoformat() == value
        except ValueError:
            return False
    return found == wanted and found in (NUMBER, TEXT, BOOLEAN)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_constant(_: str) -> NoReturn:
    raise ValueError("constant")
