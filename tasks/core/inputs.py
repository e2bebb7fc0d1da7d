"""What a net takes: the features of a contract as numbers, one input for each.

A number is an input of its own, in raw units, and so is each element of a tensor. A category is one input for each level, 1 where the row has it. A feature
that may be missing has one input more, 1 where it is, and its value is then the contract's fill: whether something was
measured says something by itself. Nothing here is learned from rows, so the encoding is the same in training, in
evaluation and wherever the model is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from hardline.tasks.core.arrow_types import matrix
from hardline.tasks.core.errors import ContractError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from hardline.tasks.core.contract import Column, Contract, Range

OTHER: Final = "__other__"  # the level that stands for every value which the contract does not list
_UNIT = (Decimal(0), Decimal(1))


@dataclass(frozen=True)
class Input:
    """One number that a net takes.

    Attributes:
        name: The column's; with `=LEVEL` for a level, with `?` for whether it is missing.
        column: The column's name.
        level: Of a category; None: the value itself, or whether it is missing.
        missing: Whether this input says that the value is missing.
        scale: What maps to 0 and 1, in raw units.
        valid: Outside it a value is impossible.
        epsilon: How far an attacker moves it, in units of the scale.
        immutable: Whether an attacker cannot move it at all.
        direction: Which way an attacker moves it.
        whole: Whether it takes whole numbers only.
        indicator: Where in the inputs it stands whether this value is missing; None: it never is.
    """

    name: str
    column: str
    level: str | None
    missing: bool
    scale: Range
    valid: Range | None
    epsilon: Decimal
    immutable: bool
    direction: str
    whole: bool
    indicator: int | None


def inputs_of(columns: Sequence[Column]) -> tuple[Input, ...]:
    """The inputs of feature columns, column by column in their order."""
    found: list[Input] = []
    for column in columns:
        found += _of(column, len(found))
    return tuple(found)


def positions(inputs: Sequence[Input]) -> dict[str, int]:
    """Where the value of each numeric column stands in the inputs."""
    return {item.column: place for place, item in enumerate(inputs) if item.level is None and not item.missing}


def _of(column: Column, start: int) -> Iterator[Input]:
    if column.type == "category":
        for level in column.levels:
            yield _switch(f"{column.name}={level}", column, level, missing=False)
    elif column.tensor is not None:
        whole = column.tensor.dtype == "uint8"
        for place in range(math.prod(column.tensor.shape)):
            yield _value(f"{column.name}[{place}]", column, whole=whole, indicator=None)
    else:
        indicator = start + 1 if column.nullable else None
        yield _value(column.name, column, whole=column.type != "number", indicator=indicator)
    if column.nullable:
        yield _switch(f"{column.name}?", column, None, missing=True)


def _value(name: str, column: Column, *, whole: bool, indicator: int | None) -> Input:
    if column.scale is None or not column.scale[0] < column.scale[1]:
        raise ContractError(f"column {column.name!r}: a scale from low to high expected for a feature")
    return Input(
        name=name,
        column=column.name,
        level=None,
        missing=False,
        scale=column.scale,
        valid=column.valid,
        epsilon=column.epsilon,
        immutable=column.immutable,
        direction=column.direction,
        whole=whole,
        indicator=indicator,
    )


def _switch(name: str, column: Column, level: str | None, *, missing: bool) -> Input:
    """0 or 1, and never an attacker's to move."""
    return Input(
        name=name,
        column=column.name,
        level=level,
        missing=missing,
        scale=_UNIT,
        valid=_UNIT,
        epsilon=Decimal(0),
        immutable=True,
        direction="both",
        whole=True,
        indicator=None,
    )


def encode(contract: Contract, table: pa.Table) -> NDArray[np.float32]:
    """Rows as a net takes them.

    Args:
        contract: Whose features they are.
        table: N rows, with at least the feature columns.

    Returns:
        Float32 [N, D], one column for each of `contract.inputs`, numbers in raw units.

    Raises:
        ContractError: A cell is missing, or of a level that the contract does not list, where it must not be.
    """
    import numpy as np

    made = np.zeros((table.num_rows, len(contract.inputs)), dtype=np.float32)
    position = 0
    for column in contract.feature_columns:
        cells = table.column(column.name)
        missing = np.asarray(cells.is_null().to_numpy(), dtype=np.bool_)
        if missing.any() and not column.nullable:
            raise ContractError(
                f"column {column.name!r}: a value in every row expected, got {int(missing.sum())} missing"
            )
        if column.type == "category":
            index = level_indices(column, cells)
            rows = np.flatnonzero(~missing)
            made[rows, position + index[rows]] = 1
            position += len(column.levels)
        elif column.tensor is not None:
            flat = matrix(cells)
            made[:, position : position + flat.shape[1]] = flat
            position += flat.shape[1]
        else:
            made[:, position] = _numbers(column, cells)
            position += 1
        if column.nullable:
            made[:, position] = missing
            position += 1
    return made


def level_indices(column: Column, cells: pa.ChunkedArray) -> NDArray[np.int64]:
    """The index of each cell's level, int64 [N]; -1 where the cell is missing; raises like `encode`."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    known = [level for level in column.levels if level != OTHER]
    found = pc.index_in(cells, value_set=pa.array(known, pa.string()))
    unknown = pc.and_(pc.is_null(found), pc.is_valid(cells))
    if OTHER in column.levels:
        found = pc.if_else(unknown, column.levels.index(OTHER), found)
    elif count := pc.sum(unknown).as_py():
        raise ContractError(f"column {column.name!r}: a level of the contract expected, got {count} others")
    return np.asarray(pc.fill_null(found, -1).to_numpy(), dtype=np.int64)


def _numbers(column: Column, cells: pa.ChunkedArray) -> NDArray[np.float64]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = pc.cast(cells, pa.float64())
    if column.fill is not None:
        numbers = pc.fill_null(numbers, float(column.fill))
    return np.asarray(numbers.to_numpy(), dtype=np.float64)
