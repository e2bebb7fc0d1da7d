"""Rules about the header and the number of rows."""

from __future__ import annotations

from collections.abc import Sequence

from hardline.expectations.compiler.columns import between
from hardline.tasks.core.suite import Expectation


def table_rule(expectation: Expectation, header: Sequence[str], rows: int) -> bool:
    """Whether a rule about the table holds.

    Args:
        expectation: About the table.
        header: The columns' names, in order.
        rows: The rows that its condition selects, or all.
    """
    kind, kwargs = expectation.type, expectation.kwargs
    if kind == "expect_table_row_count_to_be_between":
        return between(rows, kwargs)
    if kind == "expect_table_row_count_to_equal":
        return bool(rows == kwargs["value"])
    if kind == "expect_table_column_count_to_be_between":
        return between(len(header), kwargs)
    if kind == "expect_table_column_count_to_equal":
        return bool(len(header) == kwargs["value"])
    if kind == "expect_table_columns_to_match_ordered_list":
        return list(header) == list(kwargs["column_list"])
    if kind == "expect_table_columns_to_match_set":
        exact = kwargs.get("exact_match", True)
        return set(header) == set(kwargs["column_set"]) if exact else set(header) >= set(kwargs["column_set"])
    at, name = kwargs.get("column_index"), str(kwargs["column"])
    return name in header if at is None else name in header[at : at + 1]
