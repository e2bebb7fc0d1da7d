"""The contract: what rows of a dataset must look like, who may read which column, and what an attacker may do.

Open Data Contract Standard v3, YAML. ODCS says names, types and descriptions; what it has no field for stands in its
`customProperties`, each of which is listed in docs/formats/contract.md. Numbers are read as decimals, never as binary
floats, so that the contract says the same everywhere.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import TYPE_CHECKING, Any

import yaml

from hardline.tasks.core import canonical
from hardline.tasks.core.contract_source import (
    CsvOptions,
    SourceOptions,
    TensorOptions,
    check_tensor,
    parse_csv,
    parse_source,
    parse_tensor,
)
from hardline.tasks.core.errors import ContractError
from hardline.tasks.core.inputs import OTHER, Input, inputs_of
from hardline.tasks.core.references import NAME

if TYPE_CHECKING:
    import pyarrow as pa

MAX_BYTES = 4 << 20
MAX_LEVELS = 1000
TYPES = ("number", "integer", "boolean", "category", "text", "date", "tensor")
NUMERIC = ("number", "integer", "boolean")
GROUPS = ("features", "label", "restricted", "identifiers", "ignored")
VISIBILITIES = ("public", "confidential", "restricted")
DIRECTIONS = ("both", "increase", "decrease")
WARNINGS = ("list", "refuse")
_LOGICAL = {
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "category": "string",
    "text": "string",
    "date": "date",
    "tensor": "array",
}

Range = tuple[Decimal, Decimal]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: As in the source's header.
        type: One of `TYPES`.
        nullable: Whether a value may be missing.
        group: The column group, which has data keys of its own.
        valid: Outside it a value is impossible: a violation, which quarantines the row.
        scale: What maps to 0 and 1 for the model, and the unit of epsilon; outside is clipped.
        epsilon: How far an attacker moves the value, in units of the scale.
        immutable: Whether an attacker cannot move it at all.
        direction: Which way an attacker moves it.
        levels: The values of a category, in order; the last may be `__other__`, for every value that is not listed.
        fill: What a net takes for a missing number; None where none may be missing.
        tensor: What each row of a tensor column is; `valid`, `scale` and `epsilon` are then of each element.
    """

    name: str
    type: str
    nullable: bool
    group: str
    valid: Range | None
    scale: Range | None
    epsilon: Decimal
    immutable: bool
    direction: str
    levels: tuple[str, ...]
    fill: Decimal | None = None
    tensor: TensorOptions | None = None


@dataclass(frozen=True)
class LinearRelation:
    """The sum of coefficient times value, in raw units, is at least `lower`: in every row, attacked ones too."""

    terms: tuple[tuple[str, Decimal], ...]
    lower: Decimal


@dataclass(frozen=True)
class ThreatModel:
    """What an attacker at inference may do."""

    norm: str
    attackable: tuple[int, ...]  # indices of the classes whose rows evade
    relations: tuple[LinearRelation, ...]


@dataclass(frozen=True)
class SplitRule:
    """The share of the train split in percent, and the column that keeps rows together, if any."""

    train: int
    by: str | None


@dataclass(frozen=True)
class Budget:
    """How many rows may be quarantined: at most this share in percent, and at most this many."""

    percent: Decimal
    rows: int


@dataclass(frozen=True)
class Floors:
    """What a released model must measure, as shares of the test split."""

    clean: Decimal
    robust: Decimal


@dataclass(frozen=True)
class Contract:
    """See the module."""

    digest: str
    name: str
    version: str
    description: str
    columns: tuple[Column, ...]
    label: str
    classes: tuple[str, ...]
    split: SplitRule
    visibility: str
    budget: Budget
    threat: ThreatModel
    floors: Floors
    csv: CsvOptions
    source: SourceOptions = field(default_factory=SourceOptions)
    warnings: str = "list"  # one of WARNINGS: what a failing expectation of severity warning leads to

    @cached_property
    def feature_columns(self) -> tuple[Column, ...]:
        """The columns that a model sees, in order."""
        return tuple(column for column in self.columns if column.group == "features")

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The features as a net takes them."""
        return inputs_of(self.feature_columns)

    @cached_property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one row as a net takes it: [D], or [C, H, W] of a tensor of two or three dimensions."""
        if self.tensor is None or self.tensor.tensor is None:
            return (len(self.inputs),)
        return self.tensor.tensor.image_shape

    @cached_property
    def tensor(self) -> Column | None:
        """The tensor column, which then is the only feature; None: the features are plain columns."""
        return next((column for column in self.columns if column.tensor is not None), None)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The column groups that are sealed, sorted; ignored columns are not kept."""
        return tuple(sorted({column.group for column in self.columns} - {"ignored"}))

    def column(self, name: str) -> Column:
        """The column of that name; raises `KeyError`."""
        return {column.name: column for column in self.columns}[name]

    def arrow_schema(self) -> pa.Schema:
        """The columns as Arrow sees them."""
        import pyarrow as pa

        types = {
            "number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(), "category": pa.string(),
            "text": pa.string(), "date": pa.date32(),
        }  # fmt: skip
        elements = {"uint8": pa.uint8(), "float32": pa.float32()}
        return pa.schema(
            (c.name, pa.list_(elements[c.tensor.dtype], math.prod(c.tensor.shape)) if c.tensor else types[c.type])
            for c in self.columns
        )


def parse_contract(data: bytes) -> Contract:
    """Read a contract strictly.

    Raises:
        ContractError: It is not one; the message names the line or the column.
    """
    value = _load(data)
    _check_standard(value)
    custom = _custom(value, "contract")
    schemas = value.get("schema")
    if not isinstance(schemas, list) or len(schemas) != 1 or not schemas[0].get("properties"):
        raise ContractError("contract: one schema with properties expected")
    columns = tuple(_column(item) for item in schemas[0]["properties"])
    if len({column.name for column in columns}) != len(columns):
        raise ContractError("contract: each column once expected")
    label, name = custom.pop("label", None), str(value.get("name"))
    if not re.fullmatch(NAME, name):
        raise ContractError(f"contract: name: lower-case letters, digits and hyphens expected, got {name[:80]!r}")
    classes = _classes(columns, label)
    source = parse_source(custom.pop("source", None))
    contract = Contract(
        digest=canonical.digest(data),
        name=name,
        version=str(value["version"]),
        description=str((value.get("description") or {}).get("purpose") or ""),
        columns=columns,
        label=str(label),
        classes=classes,
        split=_split(custom.pop("split", None), columns),
        visibility=_one_of(custom.pop("visibility", None), VISIBILITIES, "contract: visibility"),
        budget=_budget(custom.pop("quarantine", None)),
        warnings=_one_of(custom.pop("warnings", "list"), WARNINGS, "contract: warnings"),
        threat=_threat(custom.pop("threat", None), columns, classes),
        floors=_floors(custom.pop("floors", None)),
        csv=parse_csv(custom.pop("csv", None), source),
        source=source,
    )
    if custom:
        raise ContractError(f"contract: customProperties: known ones expected, got {sorted(custom)[0]!r}")
    if not contract.feature_columns:
        raise ContractError("contract: at least one feature column expected")
    check_tensor({column.name: column.tensor for column in contract.feature_columns}, source)
    return contract


class _Loader(yaml.SafeLoader):
    """YAML without duplicate keys, aliases, tags (`!!int 010` is eight) and binary floats."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
            raise ContractError(f"contract: line {event.start_mark.line + 1}: no YAML aliases and tags expected")
        return super().compose_node(parent, index)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    found: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str) or key in found:
            raise ContractError(f"contract: line {key_node.start_mark.line + 1}: each key once, as text, expected")
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> Decimal:
    try:
        number = Decimal(node.value.replace("_", ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ContractError(f"contract: line {node.start_mark.line + 1}: a finite decimal number expected")
    return number


# A number is what a reviewer reads: 010 is no eight, 1:30 no ninety, 1_0 no ten, and yes is a word.
_Loader.yaml_implicit_resolvers = {}
for _tag, _form, _first in (
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)?(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_form})\Z"), list(_first))
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)


def _load(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise ContractError(f"contract: at most {MAX_BYTES} bytes expected, got {len(data)}")
    try:
        value = yaml.load(data.decode("utf-8"), Loader=_Loader)  # noqa: S506  a SafeLoader, made stricter
    except UnicodeDecodeError:
        raise ContractError("contract: UTF-8 expected") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ContractError(f"contract: line {line}: YAML expected ({error.problem})") from None
    except (yaml.YAMLError, RecursionError, ValueError, KeyError, AttributeError, TypeError):  # a tag on a wrong scalar
        raise ContractError("contract: YAML expected, got something else") from None
    if not isinstance(value, dict):
        raise ContractError("contract: an ODCS document expected, got something else")
    try:
        json.dumps(_plain(value), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ContractError("contract: text without lone surrogates expected") from None
    return value


def _check_standard(value: Mapping[str, Any]) -> None:
    """The standard's own model: required fields, and none that it does not know."""
    from open_data_contract_standard.model import OpenDataContractStandard
    from pydantic import ValidationError

    if value.get("kind") != "DataContract" or not str(value.get("apiVersion", "")).startswith("v3."):
        raise ContractError("contract: kind DataContract with apiVersion v3.x expected")
    for name in ("id", "name", "version", "status"):
        if not isinstance(value.get(name), str):
            raise ContractError(f"contract: {name}: a text expected")
    try:
        known = OpenDataContractStandard.model_validate(_plain(value))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ContractError(f"contract: {place}: {first['msg']}") from None
    _refuse_strangers(value, known.model_dump(by_alias=True, exclude_unset=True))


def _refuse_strangers(value: Any, known: Any, place: str = "") -> None:
    """Refuse a field that the standard's model drops without a word: `requird: true` would enforce nothing."""
    if isinstance(value, dict) and isinstance(known, dict):
        for key, item in value.items():
            if key not in known:
                raise ContractError(f"contract: {place}{key[:60]}: a field of the standard expected")
            _refuse_strangers(item, known[key], f"{place}{key}.")
    elif isinstance(value, list) and isinstance(known, list):
        for position, (item, other) in enumerate(zip(value, known, strict=True)):
            _refuse_strangers(item, other, f"{place}{position}.")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


def _custom(value: Mapping[str, Any], subject: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in value.get("customProperties") or []:
        if not isinstance(item, dict) or not isinstance(item.get("property"), str) or item["property"] in found:
            raise ContractError(f"{subject}: customProperties: each property once expected")
        found[item["property"]] = item.get("value")
    return found


def _column(value: Mapping[str, Any]) -> Column:
    name = value.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= 200 or not name.isprintable() or not name.strip():
        raise ContractError("contract: a column with a printable name of at most 200 characters expected")
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        raise ContractError(f"contract: column {name!r}: a name expected, got a pattern")  # polars takes it for one
    subject = f"contract: column {name!r}"
    custom = _custom(value, subject)
    group = _one_of(custom.pop("group", "features"), GROUPS, f"{subject}: group")
    levels = custom.pop("levels", None) or []
    if not isinstance(levels, list) or not all(isinstance(level, str) for level in levels):
        raise ContractError(f"{subject}: levels: a list of texts expected; quote true, false and numbers")
    immutable = custom.pop("immutable", False)
    if not isinstance(immutable, bool) or not isinstance(value.get("required", False), bool):
        raise ContractError(f"{subject}: immutable and required: true or false expected")
    type_ = custom.pop("type", None) or {v: k for k, v in reversed(_LOGICAL.items())}.get(str(value.get("logicalType")))
    type_ = _one_of(type_, TYPES, f"{subject}: type")
    if value.get("logicalType") != _LOGICAL[type_]:
        raise ContractError(f"{subject}: logicalType {_LOGICAL[type_]} expected")
    column = Column(
        name=name,
        type=type_,
        nullable=not value.get("required", False),
        group=group,
        valid=_range(custom.pop("valid", None), f"{subject}: valid"),
        scale=_range(custom.pop("scale", None), f"{subject}: scale"),
        epsilon=_number(custom.pop("epsilon", 0), f"{subject}: epsilon", low=Decimal(0), high=Decimal(1)),
        immutable=immutable,
        direction=_one_of(custom.pop("direction", "both"), DIRECTIONS, f"{subject}: direction"),
        levels=tuple(levels),
        fill=None if (fill := custom.pop("fill", None)) is None else _number(fill, f"{subject}: fill"),
        tensor=parse_tensor(custom.pop("dtype", None), custom.pop("shape", None), subject)
        if type_ == "tensor"
        else None,
    )
    if custom:
        raise ContractError(f"{subject}: customProperties: known ones expected, got {sorted(custom)[0]!r}")
    if column.tensor is not None and group != "features":
        raise ContractError(f"{subject}: group: features expected for a tensor")
    if column.levels and group != "label":
        _check_levels(column, subject)
    if group == "features":
        _check_feature(column, subject)
    return column


def _single(number: Decimal) -> float:
    """As the nets see it: a number of 32 bits."""
    found: float = struct.unpack("f", struct.pack("f", float(number)))[0]
    return found


def _check_levels(column: Column, subject: str) -> None:
    if column.type != "category":
        raise ContractError(f"{subject}: levels: a category expected, got a {column.type}")
    if (
        len(set(column.levels)) != len(column.levels)
        or not all(map(str.isprintable, column.levels))
        or "" in column.levels
    ):
        raise ContractError(f"{subject}: levels: different levels expected, printable and none empty")
    if OTHER in column.levels[:-1]:
        raise ContractError(f"{subject}: levels: {OTHER} as the last one expected")


def _check_feature(column: Column, subject: str) -> None:
    """A feature becomes numbers by what the contract says alone."""
    if column.type == "category":
        if not 1 <= len(column.levels) <= MAX_LEVELS:
            raise ContractError(f"{subject}: levels: 1 to {MAX_LEVELS} expected for a feature")
        if column.scale or column.valid or column.epsilon or column.fill is not None:
            raise ContractError(f"{subject}: a category without scale, valid, epsilon and fill expected")
        return
    if column.type not in (*NUMERIC, "tensor"):
        raise ContractError(f"{subject}: a feature that is a {', '.join(NUMERIC)}, category or tensor expected")
    if column.tensor is not None and column.nullable:
        raise ContractError(f"{subject}: required: true expected for a tensor")
    if column.scale is None or not _single(column.scale[0]) < _single(column.scale[1]):
        raise ContractError(f"{subject}: scale: [low, high] with low below high expected, as 32-bit numbers too")
    if column.type != "boolean" and (
        column.valid is None or not column.valid[0] <= column.scale[0] < column.scale[1] <= column.valid[1]
    ):
        raise ContractError(f"{subject}: valid: a range around the scale expected")
    low, high = column.valid or column.scale
    if column.nullable != (column.fill is not None) or (column.fill is not None and not low <= column.fill <= high):
        raise ContractError(
            f"{subject}: fill: a number inside the valid range expected for a feature that may be missing, and for no other"
        )


def _classes(columns: Sequence[Column], label: Any) -> tuple[str, ...]:
    found = [column for column in columns if column.group == "label"]
    if len(found) != 1 or found[0].name != label:
        raise ContractError("contract: label: the one column of group label expected")
    column = found[0]
    if column.type != "category" or column.nullable:
        raise ContractError(f"contract: label {label!r}: a required category expected; regression is not supported")
    if not 2 <= len(column.levels) <= MAX_LEVELS:
        raise ContractError(f"contract: label {label!r}: 2 to 1,000 levels expected")
    _check_levels(column, f"contract: label {label!r}")
    return column.levels


def _split(value: Any, columns: Sequence[Column]) -> SplitRule:
    value = _object(value, {"train", "by"}, "split")
    train, by = value.get("train"), value.get("by")
    if isinstance(train, bool) or not isinstance(train, int) or not 1 <= train <= 99:
        raise ContractError("contract: split: train: a percentage from 1 to 99 expected")
    if by is not None and (not isinstance(by, str) or by not in {column.name for column in columns}):
        raise ContractError("contract: split: by: a column expected")
    if by is not None and any(column.name == by and column.group == "label" for column in columns):
        raise ContractError("contract: split: by: another column than the label expected: each split needs every class")
    return SplitRule(train, by)


def _greatest(relation: LinearRelation, valid: Mapping[str, Range | None]) -> Decimal:
    """The greatest sum of a relation over the valid ranges of its columns."""
    total = Decimal(0)
    for name, coefficient in relation.terms:
        bounds = valid[name]
        total += max(coefficient * end for end in bounds) if bounds else Decimal("Infinity")
    return total


def _budget(value: Any) -> Budget:
    value = _object(value, {"percent", "rows"}, "quarantine")
    rows = value.get("rows")
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:
        raise ContractError("contract: quarantine: rows: a count expected")
    return Budget(_number(value.get("percent"), "contract: quarantine: percent", Decimal(0), Decimal(100)), rows)


def _threat(value: Any, columns: Sequence[Column], classes: Sequence[str]) -> ThreatModel:
    value = _object(value, {"norm", "evades", "relations"}, "threat")
    norm = _one_of(value.get("norm"), ("linf",), "contract: threat: norm")
    evades = value.get("evades")
    if (
        not isinstance(evades, list)
        or not evades
        or len({str(name) for name in evades}) != len(evades)
        or not all(name in classes for name in evades)
    ):
        raise ContractError("contract: threat: evades: classes of the label expected")
    numeric = {column.name for column in columns if column.group == "features" and column.type in NUMERIC}
    listed = value.get("relations") or []
    if not isinstance(listed, list):
        raise ContractError("contract: threat: relations: a list expected")
    relations = tuple(_relation(item, numeric) for item in listed)
    valid = {column.name: column.valid or column.scale for column in columns}
    for number, relation in enumerate(relations):
        if _greatest(relation, valid) < relation.lower:
            raise ContractError(f"contract: threat: relation {number}: one that valid rows can keep expected")
    return ThreatModel(norm, tuple(sorted(classes.index(name) for name in evades)), relations)


def _relation(value: Any, columns: set[str]) -> LinearRelation:
    value = _object(value, {"sum", "atLeast"}, "threat: relation")
    terms = value.get("sum")
    if not isinstance(terms, dict) or not terms or not terms.keys() <= columns:
        raise ContractError("contract: threat: relation: sum: feature columns with their coefficients expected")
    subject = "contract: threat: relation"
    return LinearRelation(
        tuple((name, _number(factor, subject)) for name, factor in terms.items()),
        _number(value.get("atLeast"), f"{subject}: atLeast"),
    )


def _floors(value: Any) -> Floors:
    value = _object(value, {"clean", "robust"}, "floors")
    found = [_number(value.get(key), f"contract: floors: {key}", Decimal(0), Decimal(1)) for key in ("clean", "robust")]
    return Floors(*found)


def _object(value: Any, keys: set[str], subject: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not value.keys() <= keys:
        raise ContractError(f"contract: {subject}: an object with {', '.join(sorted(keys))} expected")
    return value


def _range(value: Any, subject: str) -> Range | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise ContractError(f"{subject}: [low, high] expected")
    low, high = (_number(item, subject) for item in value)
    if low > high:
        raise ContractError(f"{subject}: [low, high] with low not above high expected")
    return low, high


def _number(value: Any, subject: str, low: Decimal | None = None, high: Decimal | None = None) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ContractError(f"{subject}: a number expected")
    number = Decimal(value)
    if not number.is_finite() or number.copy_abs() > Decimal("1e30"):  # inside float32, with room for sums
        raise ContractError(f"{subject}: a number within 1e30 of 0 expected")
    if (low is not None and number < low) or (high is not None and number > high):
        raise ContractError(f"{subject}: a number from {low} to {high} expected, got {number}")
    return number


def _one_of(value: Any, known: Sequence[str], subject: str) -> str:
    if value not in known:
        raise ContractError(f"{subject}: {', '.join(known)} expected")
    return str(value)
