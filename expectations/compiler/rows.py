"""Row-by-row rules as predicates: which rows a rule is about, and which of those satisfy it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from functools import reduce
from itertools import combinations
from operator import add, and_
from typing import TYPE_CHECKING, Any, NamedTuple

from hardline.expectations.compiler.conditions import predicate
from hardline.expectations.compiler.values import literal, members
from hardline.tasks.core.suite import Expectation
from hardline.tasks.core.suite_regex import rust_regex

if TYPE_CHECKING:
    import polars as pl


class Judged(NamedTuple):
    """Two boolean expressions [rows] of one rule, without nulls."""

    about: pl.Expr
    fails: pl.Expr


def judged(expectation: Expectation, schema: pl.Schema) -> Judged:
    """The predicates of a row-by-row rule.

    Args:
        expectation: Row-local; its columns fit their types (`run` has checked).
        schema: Of the frame.
    """
    about, holds = _meaning(expectation, schema)
    if expectation.condition is not None:
        about = predicate(expectation.condition, schema) & about
    # a comparison with a missing value is null, and does not hold
    return Judged(about, about & ~holds.fill_null(value=False))


def _meaning(expectation: Expectation, schema: pl.Schema) -> tuple[pl.Expr, pl.Expr]:
    import polars as pl

    if "column" not in expectation.kwargs:
        kind = _PAIRS.get(expectation.type) or _RECORDS[expectation.type]
        return considered(expectation), kind(expectation.kwargs)
    name = expectation.kwargs["column"]
    value = pl.col(name)
    if expectation.type == "expect_column_values_to_not_be_null":
        return pl.lit(value=True), value.is_not_null()
    if expectation.type == "expect_column_values_to_be_null":
        return pl.lit(value=True), value.is_null()
    return value.is_not_null(), _VALUES[expectation.type](value, expectation.kwargs, schema[name])


def considered(expectation: Expectation) -> pl.Expr:
    """The rows that `ignore_row_if` leaves."""
    import polars as pl

    pair = "column_A" in expectation.kwargs
    rule = expectation.kwargs.get("ignore_row_if", "both_values_are_missing" if pair else "all_values_are_missing")
    present = [pl.col(name).is_not_null() for name in expectation.columns]
    if rule in ("neither", "never"):
        return pl.lit(value=True)
    if rule in ("both_values_are_missing", "all_values_are_missing"):
        return pl.any_horizontal(present)
    return pl.all_horizontal(present)


def within(value: pl.Expr, kwargs: Any, dtype: pl.DataType | None = None) -> pl.Expr:
    """Between the bounds, which strict_min and strict_max exclude."""
    low, high = (
        bound if bound is None or dtype is None else literal(bound, dtype)
        for bound in (kwargs.get("min_value"), kwargs.get("max_value"))
    )
    parts = []
    if low is not None:
        parts.append(value > low if kwargs.get("strict_min") else value >= low)
    if high is not None:
        parts.append(value < high if kwargs.get("strict_max") else value <= high)
    found: pl.Expr = reduce(and_, parts)
    return found


def _inside(value: pl.Expr, kwargs: Any, dtype: pl.DataType) -> pl.Expr:
    return value.is_in(members(kwargs["value_set"], dtype).implode())


def _matches(value: pl.Expr, regex: str) -> pl.Expr:
    return value.str.contains(rust_regex(regex))


def _matches_list(value: pl.Expr, kwargs: Any, _: pl.DataType) -> pl.Expr:
    import polars as pl

    found = [_matches(value, regex) for regex in kwargs["regex_list"]]
    return pl.all_horizontal(found) if kwargs.get("match_on") == "all" else pl.any_horizontal(found)


def _called(value: pl.Expr, holds: Callable[[str], bool]) -> pl.Expr:
    """A Python function as a predicate, called once for each different text of a shard."""
    import polars as pl

    def apply(texts: pl.Series) -> pl.Series:
        different = texts.drop_nulls().unique()
        good = [text for text in different.to_list() if holds(text)]
        return texts.is_in(pl.Series(good, dtype=pl.String).implode())

    return value.map_batches(apply, return_dtype=pl.Boolean)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_of_format(text: str, form: str) -> bool:
    try:
        datetime.datetime.strptime(text, form)  # noqa: DTZ007  only whether it can be read
    except ValueError:
        return False
    return True


_VALUES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "expect_column_values_to_be_between": within,
    "expect_column_values_to_be_in_set": _inside,
    "expect_column_values_to_not_be_in_set": lambda value, kwargs, dtype: ~_inside(value, kwargs, dtype),
    "expect_column_values_to_match_regex": lambda value, kwargs, _: _matches(value, kwargs["regex"]),
    "expect_column_values_to_not_match_regex": lambda value, kwargs, _: ~_matches(value, kwargs["regex"]),
    "expect_column_values_to_match_regex_list": _matches_list,
    "expect_column_values_to_not_match_regex_list": lambda value, kwargs, dtype: ~_matches_list(value, kwargs, dtype),
    "expect_column_value_lengths_to_be_between": lambda value, kwargs, _: within(value.str.len_chars(), kwargs),
    "expect_column_value_lengths_to_equal": lambda value, kwargs, _: value.str.len_chars() == kwargs["value"],
    "expect_column_values_to_match_strftime_format": lambda value, kwargs, _: _called(
        value, lambda text: _is_of_format(text, kwargs["strftime_format"])
    ),
    "expect_column_values_to_be_json_parseable": lambda value, _kwargs, _dtype: _called(value, _is_json),
}


def _pair(kwargs: Any) -> tuple[pl.Expr, pl.Expr]:
    import polars as pl

    return pl.col(kwargs["column_A"]), pl.col(kwargs["column_B"])


def _greater(kwargs: Any) -> pl.Expr:
    one, other = _pair(kwargs)
    return one >= other if kwargs.get("or_equal") else one > other


def _equal(kwargs: Any) -> pl.Expr:
    one, other = _pair(kwargs)
    return one == other


def _in_pairs(kwargs: Any) -> pl.Expr:
    import polars as pl

    one, other = _pair(kwargs)
    return pl.any_horizontal(
        one.eq_missing(pl.lit(first)) & other.eq_missing(pl.lit(second)) for first, second in kwargs["value_pairs_set"]
    )


def _sum_equals(kwargs: Any) -> pl.Expr:
    import polars as pl

    # added from left to right; a missing value makes the sum missing
    total: pl.Expr = reduce(add, [pl.col(name) for name in kwargs["column_list"]])
    wanted: float = kwargs["sum_total"]
    return total == wanted


def _all_equal(kwargs: Any) -> pl.Expr:
    import polars as pl

    first, *others = kwargs["column_list"]
    return pl.all_horizontal(pl.col(name).eq_missing(pl.col(first)) for name in others)


def _all_different(kwargs: Any) -> pl.Expr:
    import polars as pl

    return pl.all_horizontal(
        pl.col(one).ne_missing(pl.col(other)) for one, other in combinations(kwargs["column_list"], 2)
    )


_PAIRS: dict[str, Callable[[Any], Any]] = {
    "expect_column_pair_values_a_to_be_greater_than_b": _greater,
    "expect_column_pair_values_to_be_equal": _equal,
    "expect_column_pair_values_to_be_in_set": _in_pairs,
}
_RECORDS: dict[str, Callable[[Any], Any]] = {
    "expect_multicolumn_sum_to_equal": _sum_equals,
    "expect_multicolumn_values_to_be_equal": _all_equal,
    "expect_select_column_values_to_be_unique_within_record": _all_different,
}
