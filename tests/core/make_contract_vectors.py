"""Makes tests/vectors/documents/{contract,shard}.json: `python tests/core/make_contract_vectors.py`. The same each time.

A contract is YAML and a shard an Arrow stream: neither is canonical JSON, so their cases are made here.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pyarrow as pa
from format_samples import VECTORS

from hardline.tasks.core import canonical, rows

CONTRACT = """\
apiVersion: v3.0.2
kind: DataContract
id: vectors
name: visits
version: 1.0.0
status: active
customProperties:
  - {property: label, value: outcome}
  - {property: split, value: {train: 70}}
  - {property: visibility, value: confidential}
  - {property: quarantine, value: {percent: 2, rows: 10}}
  - {property: source, value: {format: csv, compression: gzip}}
  - {property: csv, value: {delimiter: ";", decimal: ",", nullValues: ["", "?"], trim: true}}
  - {property: floors, value: {clean: 0.8, robust: 0.5}}
  - {property: threat, value: {norm: linf, evades: [good], relations: [{sum: {high: 1, low: -1}, atLeast: 0}]}}
schema:
  - name: rows
    properties:
      - name: low
        logicalType: number
        required: true
        customProperties: [{property: valid, value: [0, 1e3]}, {property: scale, value: [0, 90]}, {property: epsilon, value: 0.05}]
      - name: high
        logicalType: integer
        required: false
        customProperties:
          - {property: valid, value: [0, 1000]}
          - {property: scale, value: [0, 190]}
          - {property: fill, value: 80}
          - {property: direction, value: increase}
      - name: ward
        logicalType: string
        required: true
        customProperties: [{property: type, value: category}, {property: levels, value: [north, south, __other__]}]
      - name: outcome
        logicalType: string
        required: true
        customProperties:
          - {property: type, value: category}
          - {property: group, value: label}
          - {property: levels, value: [bad, good]}
"""
DEFECTS = {
    "another kind": ("kind: DataContract", "kind: Contract"),
    "another version of the standard": ("v3.0.2", "v2.2.0"),
    "an unknown top-level field": ("status: active", "status: active\nfoo: 1"),
    "an unknown property": ("{property: visibility, value: confidential}", "{property: visible, value: confidential}"),
    "an unknown field of a column": ("        required: false", "        requird: false"),
    "a property twice": (
        "  - {property: split, value: {train: 70}}",
        "  - {property: split, value: {train: 70}}\n" * 2,
    ),
    "a key twice": ("status: active", "status: active\nstatus: draft"),
    "an alias": ("id: vectors", "id: &a vectors\ntenant: *a"),
    "an octal number": ("value: [0, 190]", "value: [0, 0190]"),
    "a number of minutes": ("value: [0, 190]", "value: [0, 3:10]"),
    "a number with underscores": ("value: [0, 190]", "value: [0, 1_90]"),
    "no label": ("  - {property: label, value: outcome}\n", ""),
    "a label of one class": ("value: [bad, good]}", "value: [bad]}"),
    "a scale outside of the valid range": ("value: [0, 90]", "value: [0, 9000]"),
    "a scale upside down": ("value: [0, 90]", "value: [90, 0]"),
    "a number that may be missing without a fill": ("          - {property: fill, value: 80}\n", ""),
    "the other level in the middle": ("[north, south, __other__]", "[north, __other__, south]"),
    "a relation that no row keeps": ("atLeast: 0", "atLeast: 5000"),
    "a relation of a category": ("sum: {high: 1, low: -1}", "sum: {high: 1, ward: -1}"),
    "a class that is none": ("evades: [good]", "evades: [best]"),
    "a share above a hundred": ("train: 70", "train: 170"),
    "a decimal that is the delimiter": ('delimiter: ";"', 'delimiter: ","'),
    "csv options of another format": ("format: csv", "format: jsonl"),
}


def contract() -> dict[str, Any]:
    cases = [{"name": "a good contract", "expect": "success", "document": CONTRACT}]
    for name, (old, new) in DEFECTS.items():
        assert CONTRACT.count(old) == 1, name
        cases.append({"name": name, "expect": "contract error", "document": CONTRACT.replace(old, new)})
    inputs = ["low", "high", "high?", "ward=north", "ward=south", "ward=__other__"]
    return {"format": "ODCS v3", "digest": canonical.digest(CONTRACT.encode()), "inputs": inputs, "cases": cases}


COLUMNS = [["mean radius", "double"], ["count", "int64"], ["ward", "string"], ["seen", "date32[day]"], ["ok", "bool"]]
ROWS = {
    "mean radius": [1.5, None, -0.0], "count": [1, 2, None], "ward": ["north", "", None], "seen": [0, 19_000, None],
    "ok": [True, None, False],
}  # fmt: skip


def table() -> pa.Table:
    types = {"double": pa.float64(), "int64": pa.int64(), "string": pa.string(), "bool": pa.bool_()}
    return pa.table({name: pa.array(ROWS[name], types.get(type_, pa.date32())) for name, type_ in COLUMNS})


def shard() -> dict[str, Any]:
    good = bytes(rows.encode_table(table()))

    def case(name: str, expect: str, data: bytes, **other: Any) -> dict[str, Any]:
        return {"name": name, "expect": expect, "stream": base64.b64encode(data).decode(), **other}

    cases = [
        case("a good shard", "success", good),
        case("nothing", "malformed", b""),
        case("cut in the middle", "malformed", good[: len(good) // 2]),
        case("another number of rows", "malformed", good, rows=4),
        case("a column less than the manifest says", "malformed", good, columns=[*COLUMNS, ["more", "double"]]),
        case("another type", "malformed", good, columns=[["mean radius", "float"], *COLUMNS[1:]]),
        case("another order", "malformed", good, columns=COLUMNS[::-1]),
        case("text", "malformed", b"mean radius,count\n1.5,1\n"),
    ]
    return {"format": "Arrow IPC stream", "defaults": {"rows": 3, "columns": COLUMNS}, "values": ROWS, "cases": cases}


if __name__ == "__main__":
    for name_, made in (("contract", contract()), ("shard", shard())):
        (VECTORS / "documents" / f"{name_}.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
