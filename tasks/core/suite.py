"""The suite: the expectations a dataset must meet, as Great Expectations 1.x JSON from an allow-list (docs/formats/suite.md).

Suites are reviewed data and never code: a `row_condition` is evaluated as Python by Great Expectations, an
`unexpected_rows_query` is SQL. Both are refused, like every type and every argument that is not listed here, because what
the compiler does not know it cannot enforce.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import ContractError

if TYPE_CHECKING:
    from hardline.tasks.core.contract import Contract

MAX_BYTES = 4 << 20  # four expectations for each of 4,096 columns
MAX_EXPECTATIONS = 20_000
_MAX_INTEGER = 2**53  # beyond it a float bound and an integer cell do not compare exactly

Check = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Form:
    """What an expectation of one type looks like.

    Attributes:
        row_local: Whether it is decided row by row, so that rows that break it can be quarantined.
        required: Argument to its check.
        optional: The same, for arguments that may be left out.
        column_types: The contract's column types that it applies to.
    """

    row_local: bool
    required: Mapping[str, Check]
    optional: Mapping[str, Check]
    column_types: frozenset[str]


def _name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 100


def _names(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(map(_name, value)) and len(set(value)) == len(value)


def _pair_or_more(value: Any) -> bool:
    return _names(value) and len(value) >= 2


def _number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= _MAX_INTEGER if isinstance(value, int) else math.isfinite(value)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_INTEGER


def _share(value: Any) -> bool:
    return _number(value) and 0 <= value <= 1


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _values(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    kinds = {_kind(item) for item in value}
    return len(kinds) == 1 and None not in kinds and len(set(value)) == len(value)


def _kind(value: Any) -> str | None:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "text"
    return "number" if _number(value) else None


def _word(*words: str) -> Check:
    return lambda value: value in words


_ANY: Final = frozenset({"number", "integer", "boolean", "category", "text", "date"})
_NUMBERS: Final = frozenset({"number", "integer"})
_TEXTS: Final = frozenset({"category", "text"})
_SETTABLE: Final = _ANY - {"date"}
_OF_COLUMN: Final[Mapping[str, Check]] = {"column": _name}
_STRICT: Final[Mapping[str, Check]] = {"strict_min": _flag, "strict_max": _flag}
_BETWEEN: Final[Mapping[str, Check]] = {"min_value": _number, "max_value": _number, **_STRICT}
_BETWEEN_COUNTS: Final[Mapping[str, Check]] = {"min_value": _count, "max_value": _count}
_PAIR: Final[Mapping[str, Check]] = {"column_A": _name, "column_B": _name}
_IN_SET: Final[Mapping[str, Check]] = {"column": _name, "value_set": _values}
_MISSING_PAIR: Final = _word("both_values_are_missing", "either_value_is_missing", "neither")
_MISSING_MANY: Final = _word("all_values_are_missing", "any_value_is_missing", "never")

SUPPORTED: Final[Mapping[str, Form]] = {
    # Decided row by row.
    "expect_column_values_to_not_be_null": Form(True, _OF_COLUMN, {}, _ANY),
    "expect_column_values_to_be_between": Form(True, _OF_COLUMN, _BETWEEN, _NUMBERS),
    "expect_column_values_to_be_in_set": Form(True, _IN_SET, {}, _SETTABLE),
    "expect_column_values_to_not_be_in_set": Form(True, _IN_SET, {}, _SETTABLE),
    "expect_column_value_lengths_to_be_between": Form(True, _OF_COLUMN, _BETWEEN_COUNTS, _TEXTS),
    "expect_column_value_lengths_to_equal": Form(True, {"column": _name, "value": _count}, {}, _TEXTS),
    "expect_column_pair_values_a_to_be_greater_than_b": Form(
        True, _PAIR, {"or_equal": _flag, "ignore_row_if": _MISSING_PAIR}, _NUMBERS
    ),
    "expect_column_pair_values_to_be_equal": Form(True, _PAIR, {"ignore_row_if": _MISSING_PAIR}, _SETTABLE),
    # Decided over all accepted rows.
    "expect_column_to_exist": Form(False, _OF_COLUMN, {}, _ANY),
    "expect_column_values_to_be_unique": Form(False, _OF_COLUMN, {}, _ANY),
    "expect_compound_columns_to_be_unique": Form(
        False, {"column_list": _pair_or_more}, {"ignore_row_if": _MISSING_MANY}, _ANY
    ),
    "expect_column_min_to_be_between": Form(False, _OF_COLUMN, _BETWEEN, _NUMBERS),
    "expect_column_max_to_be_between": Form(False, _OF_COLUMN, _BETWEEN, _NUMBERS),
    "expect_column_mean_to_be_between": Form(False, _OF_COLUMN, _BETWEEN, _NUMBERS),
    "expect_column_median_to_be_between": Form(False, _OF_COLUMN, _BETWEEN, _NUMBERS),
    "expect_column_stdev_to_be_between": Form(False, _OF_COLUMN, _BETWEEN, _NUMBERS),
    "expect_column_sum_to_be_between": Form(False, _OF_COLUMN, _BETWEEN, _NUMBERS),
    "expect_column_unique_value_count_to_be_between": Form(False, _OF_COLUMN, _BETWEEN_COUNTS, _ANY),
    "expect_column_proportion_of_unique_values_to_be_between": Form(
        False, _OF_COLUMN, {"min_value": _share, "max_value": _share, **_STRICT}, _ANY
    ),
    "expect_column_distinct_values_to_be_in_set": Form(False, _IN_SET, {}, _SETTABLE),
    "expect_column_distinct_values_to_equal_set": Form(False, _IN_SET, {}, _SETTABLE),
    "expect_column_distinct_values_to_contain_set": Form(False, _IN_SET, {}, _SETTABLE),
    "expect_column_most_common_value_to_be_in_set": Form(False, _IN_SET, {"ties_okay": _flag}, _SETTABLE),
    "expect_table_row_count_to_be_between": Form(False, {}, _BETWEEN_COUNTS, _ANY),
    "expect_table_row_count_to_equal": Form(False, {"value": _count}, {}, _ANY),
    "expect_table_column_count_to_be_between": Form(False, {}, _BETWEEN_COUNTS, _ANY),
    "expect_table_column_count_to_equal": Form(False, {"value": _count}, {}, _ANY),
    "expect_table_columns_to_match_ordered_list": Form(False, {"column_list": _names}, {}, _ANY),
    "expect_table_columns_to_match_set": Form(False, {"column_set": _names}, {"exact_match": _flag}, _ANY),
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation.

    Attributes:
        position: Its place in the suite, from 0; results are matched by it.
        type: One of `SUPPORTED`.
        kwargs: Its arguments, exactly those of the file; lists are tuples.
        severity: "critical": whatever fails blocks.
        reason: Why it is there, for the reviewer.
    """

    position: int
    type: str
    kwargs: Mapping[str, Any]
    severity: str
    reason: str

    @property
    def row_local(self) -> bool:
        """Whether it is decided row by row."""
        return SUPPORTED[self.type].row_local

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it speaks of."""
        single = tuple(self.kwargs[name] for name in ("column", "column_A", "column_B") if name in self.kwargs)
        return single + tuple(self.kwargs.get("column_list", ())) + tuple(self.kwargs.get("column_set", ()))

    @property
    def column(self) -> str | None:
        """The column that a result is shown beside; None: the whole table, or several."""
        return self.columns[0] if len(self.columns) == 1 else None


@dataclass(frozen=True, slots=True)
class Suite:
    """A parsed suite; `parse_suite` is its maker. `digest` is that of the bytes that were parsed."""

    digest: str
    name: str
    expectations: tuple[Expectation, ...]

    def check_against(self, contract: Contract) -> None:
        """Every column that an expectation names stands in the contract and has a type that it applies to.

        Raises:
            ContractError: One does not.
        """
        types = {column.name: column.type for column in contract.columns}
        for item in self.expectations:
            form = SUPPORTED[item.type]
            for name in item.columns:
                if name not in types:
                    _refuse(item.position, f"a column of contract {contract.name} expected, got {name!r}")
                if types[name] not in form.column_types:
                    _refuse(
                        item.position,
                        f"{item.type} on a column of type {' or '.join(sorted(form.column_types))} expected, "
                        f"got {name!r} of type {types[name]}",
                    )
            if "value_set" in item.kwargs:
                _check_values(item, types[item.kwargs["column"]])
            if item.type == "expect_column_pair_values_to_be_equal" and len({types[name] for name in item.columns}) > 1:
                _refuse(item.position, "two columns of one type expected, got two types")


def parse_suite(data: bytes) -> Suite:
    """Parse a suite strictly.

    Args:
        data: The JSON document, as Great Expectations 1.x writes it.

    Raises:
        ContractError: It is no suite, is empty, or holds anything that is not supported.
    """
    if len(data) > MAX_BYTES:
        raise ContractError(f"suite: at most {MAX_BYTES} bytes expected, got {len(data)}")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise ContractError("suite: JSON without duplicate keys, NaN and Infinity expected, got something else") from None
    if not isinstance(value, dict) or not {"name", "expectations"} <= value.keys() <= {"name", "expectations", "meta"}:
        raise ContractError("suite: the fields name, expectations and perhaps meta expected, got others")
    if not _name(value["name"]) or not isinstance(value["expectations"], list):
        raise ContractError("suite: a name, and a list of expectations, expected")
    if not 0 < len(value["expectations"]) <= MAX_EXPECTATIONS:
        raise ContractError(f"suite: 1 to {MAX_EXPECTATIONS} expectations expected, got {len(value['expectations'])}")
    found = tuple(_expectation(position, item) for position, item in enumerate(value["expectations"]))
    seen: dict[str, int] = {}
    for item in found:
        twin = seen.setdefault(repr((item.type, sorted(item.kwargs.items()))), item.position)
        if twin != item.position:
            _refuse(item.position, f"each expectation once expected, got the one at {twin} again")
    return Suite(canonical.digest(data), value["name"], found)


def _expectation(position: int, value: Any) -> Expectation:
    if not isinstance(value, dict) or not {"type", "kwargs", "meta"} <= value.keys() <= {"type", "kwargs", "meta", "severity"}:
        _refuse(position, "the fields type, kwargs, meta and perhaps severity expected, got others")
    form = SUPPORTED.get(value["type"]) if isinstance(value["type"], str) else None
    if form is None:
        _refuse(position, f"a supported type expected, got another; supported: {', '.join(SUPPORTED)}")
    meta = value["meta"]
    reason = meta.get("reason") if isinstance(meta, dict) else None
    if not isinstance(reason, str) or not reason.strip() or len(reason) > 1000 or len(meta) != 1:
        _refuse(position, "meta.reason, a text of 1 to 1000 characters, and nothing else in meta expected")
    if value.get("severity", "critical") != "critical":
        _refuse(position, "severity critical or none expected: what may fail without a consequence decides nothing")
    return Expectation(position, value["type"], _kwargs(position, value["type"], form, value["kwargs"]), "critical", reason)


def _kwargs(position: int, type_: str, form: Form, value: Any) -> Mapping[str, Any]:
    allowed = {**form.required, **form.optional}
    if not isinstance(value, dict) or not form.required.keys() <= value.keys() <= allowed.keys():
        optional = f" and perhaps {', '.join(form.optional)}" if form.optional else ""
        _refuse(position, f"{type_} with {', '.join(form.required) or 'no required argument'}{optional} expected, got others")
    for name, item in value.items():
        if not allowed[name](item):
            _refuse(position, f"{type_}: {name} of another form expected")
    if "min_value" in form.optional:
        low, high = value.get("min_value"), value.get("max_value")
        # Great Expectations passes a range without bounds, and fails late on one that is upside down.
        if low is None and high is None:
            _refuse(position, f"{type_}: min_value, max_value or both expected, got neither")
        if low is not None and high is not None and low > high:
            _refuse(position, f"{type_}: min_value of at most max_value expected, got more")
    if value.get("column_A", 0) == value.get("column_B", 1):
        _refuse(position, f"{type_}: two columns expected, got one twice")
    return MappingProxyType({name: tuple(item) if isinstance(item, list) else item for name, item in value.items()})


def _check_values(item: Expectation, column_type: str) -> None:
    """1, 1.0 and True are equal in Python and in pandas, so the kind of the values is pinned to the column's type."""
    kind = _kind(item.kwargs["value_set"][0])
    expected = {"number": "number", "integer": "number", "boolean": "boolean"}.get(column_type, "text")
    if kind != expected:
        _refuse(item.position, f"value_set of kind {expected} for column {item.columns[0]!r} expected, got {kind}")
    if column_type == "integer" and any(isinstance(value, float) for value in item.kwargs["value_set"]):
        _refuse(item.position, f"whole numbers for column {item.columns[0]!r} expected, got a fraction")


def _refuse(position: int, message: str) -> NoReturn:
    raise ContractError(f"suite, expectation {position}: {message}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN or Infinity")
