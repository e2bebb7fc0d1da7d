"""`row_condition`: which rows an expectation is about, as the JSON of Great Expectations' condition objects.

A string is refused: pandas runs it. The objects end as text for `DataFrame.query` inside Great Expectations all the same,
so names and texts are held to characters that mean nothing there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hardline.tasks.core.errors import ContractError

MAX_CONDITIONS = 100  # as in Great Expectations
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "IN", "NOT_IN")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,199}")
_TEXT = re.compile(r"[A-Za-z0-9 _.,:/+-]{0,200}")

Scalar = str | int | float | bool


@dataclass(frozen=True)
class Comparison:
    """A column compared with a value, or with a list of them; a missing value is unequal to everything."""

    column: str
    operator: str
    parameter: Scalar | tuple[Scalar, ...]

    @property
    def literals(self) -> tuple[Scalar, ...]:
        """What the column is compared with."""
        return self.parameter if isinstance(self.parameter, tuple) else (self.parameter,)


@dataclass(frozen=True)
class Nullity:
    """Whether a column's value is missing."""

    column: str
    is_null: bool


@dataclass(frozen=True)
class All:
    """Every part holds."""

    parts: tuple[Comparison | Nullity, ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Comparison | Nullity | All, ...]


Condition = Comparison | Nullity | All | AnyOf


def parse_condition(value: Any, subject: str) -> Condition:
    """Read a row_condition strictly: a leaf, an "and" of leaves, or an "or" of both.

    Raises:
        ContractError: It is another thing, a string above all.
    """
    if isinstance(value, str):
        raise ContractError(f"{subject}: a condition object expected, got a string, which pandas would run")
    kind = value.get("type") if isinstance(value, dict) else None
    found: Condition
    if kind == "or":
        parts = tuple(_conjunction(item, subject) for item in _parts(value, subject))
        found = AnyOf(parts)
    else:
        found = _conjunction(value, subject)
    if sum(1 for _ in leaves(found)) > MAX_CONDITIONS:
        raise ContractError(f"{subject}: at most {MAX_CONDITIONS} conditions expected")
    return found


def leaves(condition: Condition) -> Iterator[Comparison | Nullity]:
    """Its comparisons and questions of nullity."""
    if isinstance(condition, All | AnyOf):
        for part in condition.parts:
            yield from leaves(part)
    else:
        yield condition


def _conjunction(value: Any, subject: str) -> Comparison | Nullity | All:
    if isinstance(value, dict) and value.get("type") == "and":
        return All(tuple(_leaf(item, subject) for item in _parts(value, subject)))
    return _leaf(value, subject)


def _parts(value: dict[str, Any], subject: str) -> list[Any]:
    if value.keys() != {"type", "conditions"} or not isinstance(value["conditions"], list) or not value["conditions"]:
        raise ContractError(f"{subject}: type and a list of conditions expected")
    return value["conditions"]


def _leaf(value: Any, subject: str) -> Comparison | Nullity:
    if isinstance(value, dict) and value.get("type") == "nullity":
        if value.keys() != {"type", "column", "is_null"} or not isinstance(value["is_null"], bool):
            raise ContractError(f"{subject}: nullity with column and is_null expected")
        return Nullity(_column(value["column"], subject), value["is_null"])
    if not isinstance(value, dict) or value.get("type") != "comparison":
        raise ContractError(f"{subject}: comparison, nullity, an and of those, or an or of all three expected")
    if value.keys() != {"type", "column", "operator", "parameter"} or value["operator"] not in OPERATORS:
        raise ContractError(
            f"{subject}: comparison with column, operator ({', '.join(OPERATORS)}) and parameter expected"
        )
    operator, parameter = value["operator"], value["parameter"]
    column = _column(value["column"], subject)
    if operator in ("IN", "NOT_IN"):
        if not isinstance(parameter, list) or not parameter or any(isinstance(item, bool) for item in parameter):
            raise ContractError(f"{subject}: {operator}: a list of texts or of numbers expected")
        found = tuple(_scalar(item, subject) for item in parameter)
        if len({isinstance(item, str) for item in found}) > 1:
            raise ContractError(f"{subject}: {operator}: texts or numbers expected, not both")
        return Comparison(column, operator, found)
    if isinstance(parameter, bool) and operator not in ("==", "!="):
        raise ContractError(f"{subject}: {operator}: a text or a number expected")
    return Comparison(column, operator, _scalar(parameter, subject))


def _column(value: Any, subject: str) -> str:
    name = value.get("name") if isinstance(value, dict) and value.keys() == {"name"} else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ContractError(f"{subject}: a column's name of ASCII letters, digits, space, _ . and - expected")
    return name


def _scalar(value: Any, subject: str) -> Scalar:
    if isinstance(value, str):
        if not _TEXT.fullmatch(value):
            raise ContractError(f"{subject}: a text of ASCII letters, digits, space and _ . , : / + - expected")
        return value
    if isinstance(value, bool):
        return value
    if not isinstance(value, int | float) or not abs(value) <= (2**53 if isinstance(value, int) else 1e300):
        raise ContractError(f"{subject}: a text, a finite number, true or false expected")
    return value
