"""Reading contracts: what is taken, and what is refused with the place named."""

from __future__ import annotations

import copy
import hashlib
from contextlib import suppress
from decimal import Decimal
from functools import reduce
from operator import getitem

import pytest
import yaml

from hardline.expectations import shipped
from hardline.tasks.core.contract import parse_contract
from hardline.tasks.core.contract_source import SourceOptions, TensorOptions
from hardline.tasks.core.errors import ContractError
from hardline.tasks.core.parsing import specification

GOOD = (shipped.folder("diagnosis") / "contract.odcs.yaml").read_text()


def _changed(old: str, new: str) -> bytes:
    assert old in GOOD
    return GOOD.replace(old, new, 1).encode()


def test_the_shipped_contract_is_read():
    contract = parse_contract(GOOD.encode())
    assert contract.digest == hashlib.sha256(GOOD.encode()).hexdigest()
    assert (contract.name, contract.label, contract.classes) == ("diagnosis", "diagnosis", ("malignant", "benign"))
    assert (contract.visibility, contract.split.train, contract.split.by) == ("confidential", 70, None)
    assert len(contract.columns) == 31
    assert len(contract.feature_columns) == 30
    assert set(contract.groups) == {"features", "label"}
    assert contract.column("mean radius").group == "features"
    assert [str(field.type) for field in contract.arrow_schema()] == ["double"] * 30 + ["string"]


def test_numbers_are_decimals_as_written():
    column = parse_contract(_changed("value: [0.071, 0.23]", "value: [0.1, 0.30]")).column("worst smoothness")
    assert column.scale == (Decimal("0.1"), Decimal("0.30"))


def test_the_digest_is_that_of_the_bytes_and_not_of_their_meaning():
    assert parse_contract(GOOD.encode()).digest != parse_contract(GOOD.encode() + b"# a remark\n").digest


def test_warnings_are_listed_unless_the_contract_refuses_them():
    assert parse_contract(GOOD.encode()).warnings == "list"
    refusing = "  - property: warnings\n    value: refuse\n  - property: quarantine"
    assert parse_contract(_changed("  - property: quarantine", refusing)).warnings == "refuse"
    with pytest.raises(ContractError, match="warnings: list, refuse expected"):
        parse_contract(_changed("  - property: quarantine", refusing.replace("refuse", "approve")))


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", "ODCS document"),
        (b"[]", "ODCS document"),
        (b"\xff\xfe", "UTF-8"),
        (b"a: [", "line 1"),
        (b"a: " + b"[" * 20_000, "YAML"),
        (b"a: !!python/object/apply:os.getpid []", "line 1"),
        (b"#" * (5 << 20), "at most"),
        (GOOD.encode() + b"\n---\nb: 1\n", "line"),
        (_changed("status: active", "status: &a active\ntenant: *a"), "aliases"),
        (_changed("status: active", "status: active\nstatus: draft"), "each key once"),
        (_changed("status: active", "status: active\nextra: 1"), "extra"),
        (_changed("kind: DataContract", "kind: Other"), "kind"),
        (_changed("apiVersion: v3.0.2", "apiVersion: v2.2.2"), "v3"),
        (_changed("name: diagnosis", "name: Diagnosis/.."), "name"),
        (_changed("value: confidential", "value: secret"), "visibility"),
        (_changed("{train: 70}", "{train: 100}"), "split"),
        (_changed("{train: 70}", "{train: 70, by: nobody}"), "split"),
        (_changed("{percent: 2, rows: 11}", "{percent: 101, rows: 11}"), "quarantine"),
        (_changed("{percent: 2, rows: 11}", "{percent: 2, rows: -1}"), "quarantine"),
        (_changed("norm: linf", "norm: l2"), "norm"),
        (_changed("evades: [malignant, benign]", "evades: [malignant, other]"), "evades"),
        (_changed('"worst radius": 1, "mean radius": -1', '"worst radius": 1, "diagnosis": -1'), "relation"),
        (_changed("{clean: 0.85, robust: 0.5}", "{clean: 1.5, robust: 0.5}"), "floors"),
        (_changed("{clean: 0.85, robust: 0.5}", "{clean: .nan, robust: 0.5}"), "finite"),
        (_changed('delimiter: ","', 'delimiter: "ab"'), "delimiter"),
        (_changed("  - property: label\n    value: diagnosis\n", ""), "label"),
        (_changed("value: [malignant, benign]}", "value: [malignant]}"), "2 to 1,000"),
        (_changed("value: [malignant, benign]}", "value: [malignant, malignant]}"), "different levels"),
        (_changed("value: [12, 50]", "value: [50, 12]"), "low"),
        (_changed("property: scale, value: [12, 50]", "property: scale, value: [12, 12]"), "scale"),
        (_changed("property: epsilon, value: 0.05", "property: epsilon, value: 2"), "epsilon"),
        (_changed("property: epsilon, value: 0.05", "property: epsilom, value: 0.05"), "epsilom"),
        (_changed("name: worst area", "name: worst radius"), "once"),
        (_changed("value: [12, 50]", "value: [012, 50]"), "number"),
        (_changed("value: [12, 50]", "value: [!!int 012, 50]"), "tags"),
        (_changed("status: active", "status: !!set {active}"), "tags"),
        (_changed("status: active", "status: !!timestamp 2024-01-01"), "tags"),
        (_changed("value: [12, 50]", "value: [0x0c, 50]"), "number"),
        (_changed("value: [12, 50]", "value: [1_2, 50]"), "number"),
        (_changed("value: [12, 50]", "value: [12, 1:30]"), "number"),
        (_changed("value: [12, 50]", "value: [12, 5e999999999]"), "1e30"),
        (_changed("value: [0.1, 100]", "value: [0, 1e-400]"), "scale"),
        (_changed("property: scale, value: [12, 50]", "property: scale, value: [12, 12.0000001]"), "32-bit"),
        (_changed("{percent: 2, rows: 11}", "{percent: 2, rows: true}"), "rows"),
        (_changed("{train: 70}", "{train: 70, by: diagnosis}"), "label"),
        (_changed('"mean radius": -5.6548}, atLeast: 0', '"mean radius": -5.6548}, atLeast: 100000000'), "relation"),
        (_changed("        required: true", "        requird: true"), "requird"),
        (_changed("purpose: Tell", 'purpose: "\\ud800"  #'), "surrogates"),
        (_changed("[malignant, benign]}", '["malig\\x07nant", benign]}'), "label"),
        (_changed("- property: floors", "- property: null"), "each property once"),
        (
            _changed("      norm: linf", "      relations: 5\n      norm: linf").replace(
                b"      relations:               #", b"      x:  #", 1
            ),
            "threat",
        ),
        (_changed("- property: floors", "- propertie: x\n    property: floors"), "customProperties.5.propertie"),
        (_changed("    properties:", "    fields: 1\n    properties:"), "schema.0.fields"),
        (_changed("required: true", "required: false"), "fill"),
        (_changed("{property: epsilon, value: 0.05}", "{property: fill, value: 1}"), "fill"),
    ],
)
def test_what_cannot_be_enforced_is_refused_with_its_place(data, place):
    with pytest.raises(ContractError) as refused:
        parse_contract(data)
    assert place in str(refused.value)


def test_regression_is_refused_by_name():
    label = GOOD[GOOD.rindex("logicalType: string") :]
    number = label.replace("string", "number", 1).replace(
        "{property: type, value: category}", "{property: type, value: number}"
    )
    with pytest.raises(ContractError, match="regression is not supported"):
        parse_contract(GOOD.replace(label, number).encode())


CATEGORY = """      - name: ward
        logicalType: string
        required: false
        customProperties:
          - {property: type, value: category}
          - {property: levels, value: [north, south, __other__]}
"""
NULLABLE = """      - name: age
        logicalType: integer
        customProperties:
          - {property: valid, value: [0, 130]}
          - {property: scale, value: [18, 95]}
          - {property: epsilon, value: 0.05}
          - {property: fill, value: 61}
"""


def _with(columns: str) -> bytes:
    start = GOOD.index("      - name: mean radius")
    return (GOOD[:start] + columns + GOOD[start:]).encode()


def test_a_category_and_a_number_that_may_be_missing_become_inputs():
    inputs = parse_contract(_with(CATEGORY + NULLABLE)).inputs
    assert [item.name for item in inputs[:7]] == [
        "ward=north", "ward=south", "ward=__other__", "ward?", "age", "age?", "mean radius",
    ]  # fmt: skip
    assert [item.immutable for item in inputs[:7]] == [True, True, True, True, False, True, False]
    assert inputs[4].indicator == 5 and inputs[6].indicator is None


@pytest.mark.parametrize(
    ("columns", "place"),
    [
        (CATEGORY.replace("[north, south, __other__]", "[north, __other__, south]"), "as the last one"),
        (CATEGORY.replace("[north, south, __other__]", "[north, north]"), "different levels"),
        (CATEGORY.replace("[north, south, __other__]", "[]"), "levels: 1 to"),
        (CATEGORY.replace("[north, south, __other__]", "[1, 2]"), "quote true, false and numbers"),
        (CATEGORY + "          - {property: epsilon, value: 0.1}\n", "without scale"),
        (CATEGORY + "          - {property: fill, value: 1}\n", "without scale"),
        (NULLABLE.replace("value: 61", "value: 200"), "inside the valid range"),
        (NULLABLE + "        required: true\n", "fill"),
        (NULLABLE.replace("scale, value: [18, 95]", "levels, value: [a]"), "a category expected"),
    ],
)
def test_a_feature_becomes_numbers_by_the_contract_or_not_at_all(columns, place):
    with pytest.raises(ContractError) as refused:
        parse_contract(_with(columns))
    assert place in str(refused.value)


IMAGES = """
      - {name: image, logicalType: array, required: true, customProperties: [
          {property: type, value: tensor}, {property: dtype, value: uint8}, {property: shape, value: [3, 4, 5]},
          {property: valid, value: [0, 255]}, {property: scale, value: [0, 255]}, {property: epsilon, value: 0.03}]}
"""


def _images(old: str = "", new: str = "", source: str = "{format: npz}") -> bytes:
    """The example with a tensor in place of its measurements."""
    label = GOOD[GOOD.rindex("      - name: diagnosis") :]
    start = GOOD[: GOOD.index("      - name: mean radius")]
    relations = start[start.index("      relations:") : start.index("schema:")]
    csv = start[start.index("  - property: csv") : start.index("  - property: floors")]
    text = start.replace(relations, "").replace(csv, f"  - {{property: source, value: {source}}}\n") + IMAGES + label
    assert old in text
    return text.replace(old, new, 1).encode()


def test_a_tensor_is_the_only_feature():
    contract = parse_contract(_images())
    assert contract.source == SourceOptions("npz", "none")
    assert contract.tensor is contract.feature_columns[0]
    assert contract.tensor.tensor.shape == (3, 4, 5)
    assert str(contract.arrow_schema().field("image").type) == "fixed_size_list<item: uint8>[60]"
    assert parse_contract(GOOD.encode()).tensor is None


@pytest.mark.parametrize(("shape", "image"), [((7,), (7,)), ((4, 5), (1, 4, 5)), ((3, 4, 5), (3, 4, 5))])
def test_an_image_has_channels(shape, image):
    assert TensorOptions("uint8", shape).image_shape == image


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("value: uint8", "value: float64", "dtype"),
        ("{property: dtype, value: uint8}, ", "", "dtype"),
        ("value: [3, 4, 5]", "value: []", "shape"),
        ("value: [3, 4, 5]", "value: [1, 2, 3, 4]", "shape"),
        ("value: [3, 4, 5]", "value: [3, 0, 5]", "shape"),
        ("value: [3, 4, 5]", "value: [3, true, 5]", "shape"),
        ("value: [3, 4, 5]", "value: [3, 5000, 5000]", "shape"),
        ("logicalType: array", "logicalType: number", "logicalType array"),
        ("required: true, customProperties: [\n          {property: type, value: tensor}", "customProperties: [{property: type, value: tensor}", "required"),
        ("{property: scale, value: [0, 255]}, ", "", "scale"),
        ("value: [0, 255]}, {property: scale", "value: [1, 255]}, {property: scale", "valid"),
        ("{property: type, value: tensor}", "{property: type, value: tensor}, {property: group, value: restricted}", "group"),
        ("{format: npz}", "{format: csv}", "npz"),
        ("{format: npz}", "{format: jsonl}", "npz"),
        ("{format: npz}", "{format: xlsx}", "format"),
        ("{format: npz}", "{format: npz, compression: bzip2}", "compression"),
        ("{format: npz}", "npz", "an object"),
        ("{format: npz}", "{format: npz}}\n  - {property: csv, value: {delimiter: ';'}", "csv"),
    ],
)  # fmt: skip
def test_a_tensor_or_a_source_without_sense_is_refused(old, new, place):
    with pytest.raises(ContractError, match=place):
        parse_contract(_images(old, new))


def test_a_tensor_beside_another_feature_is_refused():
    second = IMAGES.replace("name: image", "name: other")
    with pytest.raises(ContractError, match="only feature"):
        parse_contract(_images(IMAGES, IMAGES + second))


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ('{delimiter: ",", decimal: ","}', "decimal"),
        ("{decimal: x}", "decimal"),
        ("{trim: 1}", "trim"),
        ("{nullValues: [1]}", "nullValues"),
        ("{nullValues: [true]}", "nullValues"),
        ("{trueValues: [a], falseValues: [a]}", "different"),
        ("{nullValues: ['a\"b']}", "quotes"),
        ("{trim: true, nullValues: [' ']}", "blanks"),
        ("{delimiter: '5'}", "digit"),
        ("{encoding: latin-1}", "an object"),
    ],
)
def test_csv_options_without_sense_are_refused(options, place):
    with pytest.raises(ContractError, match=place):
        parse_contract(_changed('{delimiter: ",", nullValues: [""]}', options))


def test_csv_options_reach_the_parser():
    text = "{delimiter: ';', decimal: ',', nullValues: [NA], trueValues: [J], falseValues: [N], trim: true}"
    spec = specification(parse_contract(_changed('{delimiter: ",", nullValues: [""]}', text)))
    found = (spec.delimiter, spec.decimal, spec.null_values, spec.true_values, spec.false_values, spec.trim)
    assert found == (";", ",", ("NA",), ("J",), ("N",), True)


def test_the_tensor_and_the_compression_reach_the_parser():
    spec = specification(parse_contract(_images(source="{format: parquet, compression: zstd}")))
    assert (spec.format, spec.compression, spec.tensor) == ("parquet", "zstd", ("uint8", (3, 4, 5)))


def test_numbers_may_be_written_with_an_exponent():
    assert parse_contract(_changed("value: [12, 50]", "value: [1.2e1, 5e1]")).column("worst texture").scale == (
        Decimal(12),
        Decimal(50),
    )


def test_whatever_stands_in_a_place_is_read_or_refused():
    """Every place of the document in turn, with a value that does not belong there."""
    document = yaml.safe_load(GOOD)
    document["schema"][0]["properties"] = document["schema"][0]["properties"][-2:]
    values = ["null", "5", "{a: 1}", "[[]]", "true", "x", "1e400", "{property: null}"]
    for number, place in enumerate(_places(document)):
        changed = copy.deepcopy(document)
        *above, last = place
        reduce(getitem, above, changed)[last] = "MARK"
        text = yaml.safe_dump(changed, sort_keys=False).replace("MARK", values[number % len(values)])
        with suppress(ContractError):
            parse_contract(text.encode())


def _places(value, above=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*above, key)
        yield from _places(item, (*above, key))
