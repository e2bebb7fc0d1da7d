"""The suite: Great Expectations 1.x JSON, from an allow-list of types and arguments.

A string `row_condition` would run Python and `unexpected_rows_query` is raw SQL; neither is on the list. A suite is
reviewed, accepted by signature, pinned by digest, and never saved again by GX.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import ContractError

if TYPE_CHECKING:
    from hardline.tasks.core.contract import Contract

MAX_BYTES = 4 << 20


@dataclass(frozen=True)
class Kind:
    """One supported type: its arguments, and whether it judges rows or the whole."""

    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    row_local: bool = False


def _kind(required: str, optional: str = "", *, row_local: bool = False) -> Kind:
    return Kind(frozenset(required.split()), frozenset(optional.split()), row_local)


_BETWEEN = "min_value max_value"
SUPPORTED: Mapping[str, Kind] = {
    "expect_column_values_to_not_be_null": _kind("column", row_local=True),
    "expect_column_values_to_be_between": _kind("column", _BETWEEN, row_local=True),
    "expect_column_values_to_be_in_set": _kind("column value_set", row_local=True),
    "expect_column_pair_values_a_to_be_greater_than_b": _kind("column_A column_B", "or_equal", row_local=True),
    "expect_table_columns_to_match_ordered_list": _kind("column_list"),
    "expect_table_column_count_to_equal": _kind("value"),
    "expect_table_row_count_to_be_between": _kind("", _BETWEEN),
    "expect_column_mean_to_be_between": _kind("column", _BETWEEN),
    "expect_column_stdev_to_be_between": _kind("column", _BETWEEN),
    "expect_column_min_to_be_between": _kind("column", _BETWEEN),
    "expect_column_max_to_be_between": _kind("column", _BETWEEN),
    "expect_column_unique_value_count_to_be_between": _kind("column", _BETWEEN),
    "expect_column_distinct_values_to_equal_set": _kind("column value_set"),
}
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B")


@dataclass(frozen=True)
class Expectation:
    """One rule; `position` is its place in the suite, and its id wherever results are compared."""

    position: int
    type: str
    kwargs: Mapping[str, Any]
    reason: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it looks at."""
        named = tuple(self.kwargs[key] for key in _COLUMN_ARGUMENTS if key in self.kwargs)
        return named or tuple(self.kwargs.get("column_list", ()))

    @property
    def row_local(self) -> bool:
        """Whether it judges each row by itself."""
        return SUPPORTED[self.type].row_local

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
        """Refuse a suite that names columns which the contract has not, or that leaves a feature or the label out.

        A tensor is no subject of a suite: the contract's ranges are checked on each of its elements.

        Raises:
            ContractError: It does.
        """
        known = {column.name for column in contract.columns}
        tensors = {column.name for column in contract.columns if column.tensor is not None}
        for expectation in self.expectations:
            strangers = set(expectation.columns) - known
            if strangers:
                raise ContractError(
                    f"suite: expectation {expectation.id}: a column of the contract expected, got {sorted(strangers)[0]!r}"
                )
            about = {expectation.kwargs.get(key) for key in ("column", "column_A", "column_B")}
            if about & tensors:
                raise ContractError(
                    f"suite: expectation {expectation.id}: no rule about a tensor expected",
                    help="its elements are checked by the contract's valid",
                )
        single = {e.kwargs["column"] for e in self.expectations if "column" in e.kwargs}
        needed = [c.name for c in contract.columns if c.group in ("features", "label") and c.tensor is None]
        missing = [name for name in needed if name not in single]
        if missing:
            raise ContractError(
                f"suite: an expectation for each feature and the label expected, none for {missing[0]!r}"
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
    for expectation in found:
        key = json.dumps([expectation.type, dict(expectation.kwargs)], sort_keys=True)
        if key in seen:
            raise ContractError(f"suite: expectation {expectation.id}: each once expected, and {seen[key]} is the same")
        seen[key] = expectation.position
    return Suite(canonical.digest(data), value["name"], found)


def _expectation(position: int, value: Any) -> Expectation:
    subject = f"suite: expectation {position}"
    if not isinstance(value, dict) or not value.keys() <= {"type", "kwargs", "meta", "severity", "id"}:
        raise ContractError(f"{subject}: type, kwargs and meta expected")
    type_, kwargs, meta = value.get("type"), value.get("kwargs"), value.get("meta")
    if not isinstance(type_, str) or type_ not in SUPPORTED:
        raise ContractError(
            f"{subject}: a supported type expected, got {str(type_)[:80]!r}",
            help="supported: " + ", ".join(sorted(SUPPORTED)),
        )
    if value.get("severity", "critical") != "critical":
        raise ContractError(f"{subject}: severity critical expected: a warning that nobody acts on guards nothing")
    kind = SUPPORTED[type_]
    if not isinstance(kwargs, dict) or not kind.required <= kwargs.keys() <= kind.required | kind.optional:
        names = ", ".join(sorted(kind.required | kind.optional))
        raise ContractError(f"{subject} ({type_}): only the arguments {names} expected")
    if kind.optional >= {"min_value", "max_value"}:
        _check_bounds(kwargs, subject)
    for key in ("value_set", "column_list"):
        if key in kwargs and not (
            isinstance(kwargs[key], list) and kwargs[key] and all(isinstance(v, str) for v in kwargs[key])
        ):
            raise ContractError(f"{subject}: {key}: a list of texts expected")
    if not isinstance(kwargs.get("or_equal", False), bool):
        raise ContractError(f"{subject}: or_equal: true or false expected")
    if "value" in kwargs and (isinstance(kwargs["value"], bool) or not isinstance(kwargs["value"], int)):
        raise ContractError(f"{subject}: value: a whole number expected")
    if "column_A" in kwargs and kwargs["column_A"] == kwargs["column_B"]:
        raise ContractError(f"{subject}: two different columns expected")
    for key in _COLUMN_ARGUMENTS:
        if key in kwargs and not isinstance(kwargs[key], str):
            raise ContractError(f"{subject}: {key}: a column's name expected")
    reason = meta.get("reason") if isinstance(meta, dict) else None
    if not isinstance(reason, str) or not reason.strip():
        raise ContractError(f"{subject}: meta.reason: why it is expected")
    return Expectation(position, type_, dict(kwargs), reason)


def _check_bounds(kwargs: Mapping[str, Any], subject: str) -> None:
    bounds = [kwargs.get(key) for key in ("min_value", "max_value")]
    if all(bound is None for bound in bounds):
        raise ContractError(f"{subject}: min_value or max_value expected: without both it can never fail")
    if any(bound is not None and (isinstance(bound, bool) or not isinstance(bound, int | float)) for bound in bounds):
        raise ContractError(f"{subject}: min_value and max_value: numbers expected")
    # 1e999 is JSON, reads as infinity, and makes a bound that can never fail.
    if any(bound is not None and not abs(bound) <= 1e300 for bound in bounds):
        raise ContractError(f"{subject}: min_value and max_value: finite numbers expected")
    if None not in bounds and bounds[0] > bounds[1]:  # type: ignore[operator]
        raise ContractError(f"{subject}: min_value not above max_value expected")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_constant(_: str) -> NoReturn:
    raise ValueError("constant")
