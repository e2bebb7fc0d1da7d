"""row_condition as a predicate: true or false for every row, as `DataFrame.query` decides it."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from hardline.expectations.compiler.values import UndecidedError, family_of, members
from hardline.tasks.core.suite_arguments import family
from hardline.tasks.core.suite_conditions import All, AnyOf, Comparison, Condition, Nullity, leaves

if TYPE_CHECKING:
    import polars as pl

_OPERATORS = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def check_condition(condition: Condition, schema: pl.Schema) -> None:
    """Refuse a condition that compares a column with values of another family.

    Raises:
        UndecidedError: It does, or the column is missing.
    """
    for leaf in leaves(condition):
        found = family_of(schema.get(leaf.column))
        if found is None:
            raise UndecidedError("row_condition: no such column")
        if isinstance(leaf, Comparison) and any(family(value, "") != found for value in leaf.literals):
            raise UndecidedError("row_condition: a column and a value of different types")


def predicate(condition: Condition, schema: pl.Schema) -> pl.Expr:
    """True for the rows that the condition selects; a missing value is unequal to everything, as in pandas."""
    import polars as pl

    if isinstance(condition, All):
        return pl.all_horizontal(predicate(part, schema) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return pl.any_horizontal(predicate(part, schema) for part in condition.parts)
    value = pl.col(condition.column)
    if isinstance(condition, Nullity):
        return value.is_null() if condition.is_null else value.is_not_null()
    if condition.operator in ("IN", "NOT_IN"):
        inside = value.is_in(members(condition.literals, schema[condition.column]).implode()).fill_null(value=False)
        return inside if condition.operator == "IN" else ~inside
    found: pl.Expr = _OPERATORS[condition.operator](value, pl.lit(condition.parameter))
    return found.fill_null(value=condition.operator == "!=")
