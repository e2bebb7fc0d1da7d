"""Columns as the rules see them: a NaN is a missing value, and each column belongs to one family."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hardline.tasks.core.suite_kinds import BOOLEAN, DATE, NUMBER, TEXT

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


class UndecidedError(Exception):
    """A rule cannot be decided; the text says why, holds no value, and stands in the verdict's reasons."""


def frame_of(table: pa.Table, names: Sequence[str]) -> pl.DataFrame:
    """The named columns that the table has, NaN made missing."""
    import polars as pl
    import polars.selectors as cs

    frame = pl.from_arrow(table.select([name for name in names if name in table.column_names]))
    assert isinstance(frame, pl.DataFrame)
    return frame.with_columns(cs.float().fill_nan(None))


def columns_read(columns: Sequence[str], where: pl.Expr | None) -> Sequence[str]:
    """These columns, and those of a predicate."""
    return (*columns, *(where.meta.root_names() if where is not None else ()))


def family_of(dtype: pl.DataType | None) -> str | None:
    """number, text, boolean or date; None for another type, or for no column."""
    import polars as pl

    if dtype is None:
        return None
    if dtype.is_float() or dtype.is_integer():
        return NUMBER
    return {pl.String: TEXT, pl.Boolean: BOOLEAN, pl.Date: DATE}.get(type(dtype))


def literal(value: Any, dtype: pl.DataType) -> Any:
    """A value of a suite as one to compare the column with: a date for a column of dates."""
    return datetime.date.fromisoformat(value) if family_of(dtype) == DATE else value


def members(values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    """Those of the values that a column of that type can hold at all."""
    import polars as pl

    if dtype.is_integer():
        values = [int(value) for value in values if value == int(value) and abs(value) < 2**63]
    elif dtype.is_float():
        values = [float(value) for value in values]
    return pl.Series("values", values, dtype=dtype)
