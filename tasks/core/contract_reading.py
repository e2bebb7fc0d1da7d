"""Reading a contract: from nodes of strict YAML to the types of `contract`; the only place where that happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from decimal import Decimal
from typing import Final, TypeVar

from hardline.tasks.core import canonical, strict_yaml
from hardline.tasks.core.contract import (
    FEATURES,
    GROUPS,
    LABEL,
    NUMERIC,
    Budget,
    Column,
    Contract,
    CsvOptions,
    Floors,
    LinearRelation,
    SplitRule,
    ThreatModel,
)
from hardline.tasks.core.errors import ContractError
from hardline.tasks.core.strict_yaml import Node

MAX_CLASSES = 1000
MAX_COLUMNS = 4096

# Parts of the standard that describe and decide nothing here; everything else that is unknown is refused, so that
# nobody takes a field for enforced that is not.
_DESCRIPTIVE: Final = frozenset(
    {"tags", "domain", "tenant", "dataProduct", "authoritativeDefinitions", "support", "team", "contractCreatedTs"}
)
_TYPES: Final = {"number": "number", "integer": "integer", "boolean": "boolean", "date": "date", "string": "text"}
_T = TypeVar("_T")


def read(data: bytes) -> Contract:
    """Parse a contract; see `contract.parse_contract`."""
    root = strict_yaml.parse(data)
    fields = root.fields(
        {"apiVersion", "kind", "id", "name", "version", "status", "description", "schema", "customProperties"},
        _DESCRIPTIVE,
    )
    fields["apiVersion"].text(r"v3\.[0-2]\.[0-9]")
    fields["kind"].one_of("DataContract")
    fields["id"].text(r"[A-Za-z0-9_-]{1,100}")
    fields["status"].one_of("proposed", "draft", "active")
    fields["description"].fields({"purpose"}, {"usage", "limitations"})
    _check_model(root)
    properties = _custom(
        fields["customProperties"],
        {"label", "split", "visibility", "quarantineBudget", "threatModel", "floors"},
        {"csv"},
    )
    threat = properties["threatModel"].fields({"norm", "epsilon", "attackableClasses"}, {"relations"})
    columns = _columns(fields["schema"], threat["epsilon"].decimal(0, 1))
    by_name = {column.name: column for column in columns}
    label = _label(properties["label"], by_name)
    return Contract(
        digest=canonical.digest(data),
        name=fields["name"].text(r"[a-z][a-z0-9-]{1,62}"),
        version=fields["version"].text(r"[0-9]{1,5}\.[0-9]{1,5}\.[0-9]{1,5}"),
        columns=columns,
        label=label.name,
        classes=label.levels,
        split=_split(properties["split"], by_name),
        visibility=properties["visibility"].one_of("public", "confidential", "restricted"),
        budget=_budget(properties["quarantineBudget"]),
        threat=_threat(threat, by_name, label.levels),
        floors=_floors(properties["floors"]),
        csv=_csv(properties["csv"]) if "csv" in properties else CsvOptions(),
    )


def _check_model(root: Node) -> None:
    """The standard's own model must take the document too, so that other tools read it."""
    from open_data_contract_standard.model import OpenDataContractStandard
    from pydantic import ValidationError

    try:
        OpenDataContractStandard.model_validate(root.plain())
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False, include_url=False)[0]["loc"])
        raise ContractError(f"contract, {where[:100]}: Open Data Contract Standard v3 expected, got something else") from None


def _custom(node: Node, required: Set[str], optional: Set[str] = frozenset()) -> Mapping[str, Node]:
    """The list of {property, value} as one mapping."""
    found: dict[str, Node] = {}
    for item in node.items():
        fields = item.fields({"property", "value"}, {"description"})
        name = fields["property"].one_of(*sorted(required | optional))
        if name in found:
            item.refuse(f"property {name!r} once expected, got it twice")
        found[name] = fields["value"]
    for name in sorted(required - found.keys()):
        node.refuse(f"property {name!r} expected, got nothing")
    return found


def _columns(schema: Node, epsilon: Decimal) -> tuple[Column, ...]:
    objects = schema.items()
    if len(objects) != 1:
        schema.refuse(f"one table expected, got {len(objects)}")
    fields = objects[0].fields({"name", "properties"}, {"logicalType", "physicalType", "description", "businessName", "tags"})
    if "logicalType" in fields:
        fields["logicalType"].one_of("object")
    nodes = fields["properties"].items()
    if len(nodes) > MAX_COLUMNS:
        fields["properties"].refuse(f"at most {MAX_COLUMNS} columns expected, got {len(nodes)}")
    columns: dict[str, Column] = {}
    for node in nodes:
        column = _column(node, epsilon)
        if column.name in columns:
            node.refuse(f"column {column.name!r} once expected, got it twice")
        columns[column.name] = column
    if all(column.group != FEATURES for column in columns.values()):
        fields["properties"].refuse("at least one column of classification features expected, got none")
    return tuple(columns.values())


def _column(node: Node, epsilon: Decimal) -> Column:
    fields = node.fields(
        {"name", "description", "logicalType", "required", "classification"},
        {"businessName", "logicalTypeOptions", "enum", "customProperties", "tags"},
    )
    # A word character first: polars reads `^...$` and `*` in place of a name as a pattern over all columns.
    name = fields["name"].text(r"\w(?:[^\x00-\x1f\x7f]{0,98}[^\x00-\x20\x7f])?")
    fields["description"].text()
    group = fields["classification"].one_of(*GROUPS)
    levels = _levels(fields["enum"], fields["logicalType"]) if "enum" in fields else ()
    type_ = _TYPES[fields["logicalType"].one_of(*_TYPES)]
    type_ = "category" if type_ == "text" and levels else type_
    nullable = not fields["required"].boolean()
    custom = _custom(fields["customProperties"], set(), _COLUMN_PROPERTIES) if "customProperties" in fields else {}
    if group != FEATURES and (stray := sorted(custom.keys() & _FEATURE_PROPERTIES)):
        node.refuse(f"property {stray[0]!r} at columns of classification features only expected, got it elsewhere")
    valid = _valid(fields["logicalTypeOptions"], type_) if "logicalTypeOptions" in fields else None
    common = Column(
        name=name,
        description=fields["description"].text(),
        unit=custom["unit"].text(r".{1,60}") if "unit" in custom else None,
        type=type_,
        nullable=nullable,
        group=group,
        valid=valid,
        levels=levels,
    )
    return _feature(node, common, custom, epsilon) if group == FEATURES else common


_FEATURE_PROPERTIES: Final = frozenset({"scale", "epsilon", "immutable", "direction"})
_COLUMN_PROPERTIES: Final = _FEATURE_PROPERTIES | {"unit"}


def _feature(node: Node, column: Column, custom: Mapping[str, Node], epsilon: Decimal) -> Column:
    if column.type not in (*NUMERIC, "boolean"):
        node.refuse("a feature as number, integer or boolean expected; encode a category as one boolean for each level")
    if column.nullable:
        node.refuse("a feature with `required: true` expected: a model cannot read an empty cell")
    zero_one = (Decimal(0), Decimal(1))
    valid = zero_one if column.type == "boolean" else column.valid
    if valid is None:
        node.refuse("logicalTypeOptions with minimum and maximum expected for a feature, got nothing")
    if column.type == "boolean" and "scale" not in custom:
        scale = zero_one
    else:
        scale = _range(_need(node, custom, "scale"))
    if not valid[0] <= scale[0] < scale[1] <= valid[1]:
        node.refuse("a scale that rises and lies inside the valid range expected, got another")
    immutable = _or(custom, "immutable", Node.boolean, False)
    own = _or(custom, "epsilon", lambda item: item.decimal(0, 1), Decimal(0) if immutable else epsilon)
    if immutable and own:
        node.refuse("an immutable column with epsilon 0 or none expected, got more")
    return Column(
        name=column.name,
        description=column.description,
        unit=column.unit,
        type=column.type,
        nullable=False,
        group=FEATURES,
        valid=valid,
        scale=scale,
        epsilon=own,
        immutable=immutable,
        direction=_or(custom, "direction", lambda item: item.one_of("both", "increase", "decrease"), "both"),
        levels=column.levels,
    )


def _or(custom: Mapping[str, Node], name: str, read_: Callable[[Node], _T], default: _T) -> _T:
    return read_(custom[name]) if name in custom else default


def _need(node: Node, custom: Mapping[str, Node], name: str) -> Node:
    if name not in custom:
        node.refuse(f"property {name!r} expected for a feature, got nothing")
    return custom[name]


def _levels(node: Node, logical_type: Node) -> tuple[str, ...]:
    whole = logical_type.one_of("string", "integer") == "integer"
    levels: list[str] = []
    for item in node.items():
        value = item.fields({"value"}, {"label", "description"})["value"]
        level = str(value.integer(-(2**53), 2**53)) if whole else value.text(r"[^\x00-\x1f\x7f]{1,200}")
        if level in levels:
            item.refuse(f"level {level[:60]!r} once expected, got it twice")
        levels.append(level)
    return tuple(levels)


def _valid(node: Node, type_: str) -> tuple[Decimal, Decimal]:
    if type_ not in NUMERIC:
        node.refuse("minimum and maximum at a number or an integer only expected")
    fields = node.fields({"minimum", "maximum"})
    low, high = fields["minimum"].decimal(), fields["maximum"].decimal()
    if low >= high:
        node.refuse("a minimum below the maximum expected, got another")
    return low, high


def _range(node: Node) -> tuple[Decimal, Decimal]:
    items = node.items()
    if len(items) != 2:
        node.refuse(f"two numbers expected, got {len(items)}")
    return items[0].decimal(), items[1].decimal()


def _label(node: Node, columns: Mapping[str, Column]) -> Column:
    labels = [column for column in columns.values() if column.group == LABEL]
    name = node.text()
    if len(labels) != 1 or labels[0].name != name:
        node.refuse(f"the name of the one column of classification {LABEL} expected, got {len(labels)} such columns")
    label = labels[0]
    if not 2 <= len(label.levels) <= MAX_CLASSES:
        node.refuse(f"a label with an enum of 2 to {MAX_CLASSES} classes expected; regression is not supported")
    if label.nullable:
        node.refuse("a label with `required: true` expected")
    return label


def _split(node: Node, columns: Mapping[str, Column]) -> SplitRule:
    fields = node.fields({"train"}, {"by"})
    by = fields["by"].text() if "by" in fields else None
    if by is not None and (by not in columns or columns[by].nullable or columns[by].group == LABEL):
        fields["by"].refuse("a column with `required: true` that is not the label expected, got another")
    return SplitRule(fields["train"].integer(1, 99), by)


def _budget(node: Node) -> Budget:
    fields = node.fields({"percent", "rows"})
    return Budget(fields["percent"].decimal(0, 100), fields["rows"].integer(0, 10**12))


def _floors(node: Node) -> Floors:
    fields = node.fields({"clean", "robust"})
    floors = Floors(fields["clean"].decimal(0, 1), fields["robust"].decimal(0, 1))
    if floors.robust > floors.clean:
        node.refuse("a robust floor of at most the clean one expected, got more")
    return floors


def _csv(node: Node) -> CsvOptions:
    fields = node.fields(set(), {"delimiter", "nullValues"})
    delimiter = fields["delimiter"].one_of(",", ";", "\t", "|") if "delimiter" in fields else ","
    if "nullValues" not in fields:
        return CsvOptions(delimiter)
    values = tuple(item.text(r"[^\x00-\x1f\x7f]{0,40}") for item in fields["nullValues"].items())
    return CsvOptions(delimiter, values)


def _threat(fields: Mapping[str, Node], columns: Mapping[str, Column], classes: tuple[str, ...]) -> ThreatModel:
    node = fields["attackableClasses"]
    if node.value == "all":
        attackable = tuple(range(len(classes)))
    else:
        names = [item.plain() if isinstance(item.value, str) else str(item.integer(-(2**53), 2**53)) for item in node.items()]
        if len(set(names)) != len(names) or not set(names) <= set(classes):
            node.refuse("all, or levels of the label, each once, expected, got others")
        attackable = tuple(sorted(classes.index(name) for name in names))
    relations = fields["relations"].items() if "relations" in fields else ()
    return ThreatModel(fields["norm"].one_of("linf"), attackable, tuple(_relation(item, columns) for item in relations))


def _relation(node: Node, columns: Mapping[str, Column]) -> LinearRelation:
    fields = node.fields({"terms", "lower"}, {"description"})
    terms = []
    for name, item in fields["terms"].mapping().items():
        if name not in columns or columns[name].group != FEATURES or columns[name].type not in NUMERIC:
            item.refuse("a number or an integer of classification features expected, got another column")
        coefficient = item.decimal()
        if coefficient == 0:
            item.refuse("a coefficient other than 0 expected")
        terms.append((name, coefficient))
    return LinearRelation(tuple(terms), fields["lower"].decimal())
