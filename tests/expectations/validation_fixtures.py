"""The diagnosis example as tables, judged by the real engines."""

from __future__ import annotations

import os

os.environ["POLARS_OOC_DISK_BUDGET_MB"] = "0"  # as protect_process does, before anything imports polars

import json
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from hardline.expectations import gate, shipped
from hardline.tasks.core.contract import Contract, parse_contract
from hardline.tasks.core.rows import assign_splits
from hardline.tasks.core.suite import Suite, parse_suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardline.tasks.core.steps.validate import Judgement

FOLDER = shipped.folder("diagnosis")
CONTRACT_BYTES = (FOLDER / "contract.odcs.yaml").read_bytes()
SUITE_BYTES = (FOLDER / "suite.json").read_bytes()
KEY = bytes(range(32))


@cache
def contract() -> Contract:
    return parse_contract(CONTRACT_BYTES)


@cache
def suite() -> Suite:
    return parse_suite(SUITE_BYTES)


@cache
def diagnosis() -> pa.Table:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    columns = {name: bunch.data[:, at] for at, name in enumerate(bunch.feature_names)}
    columns["diagnosis"] = [str(bunch.target_names[target]) for target in bunch.target]
    return pa.table(columns).cast(contract().arrow_schema())


def replaced(table: pa.Table, column: str, cells: dict[int, object]) -> pa.Table:
    """The table with some cells of a column replaced; None makes a null."""
    values = table.column(column).to_pylist()
    for row, value in cells.items():
        values[row] = value
    at = table.schema.get_field_index(column)
    return table.set_column(at, column, pa.array(values, type=table.schema.field(column).type))


def shards(table: pa.Table) -> Callable[[], Iterator[tuple[str, pa.Table]]]:
    """The table by split, as ingest stages it; rows keep their order inside a split."""
    train = assign_splits(table, contract().split, KEY)
    parts = [("train", table.filter(pa.array(train))), ("test", table.filter(pa.array(~train)))]
    return lambda: iter(parts)


def shards_of(*tables: pa.Table) -> Callable[[], Iterator[pa.Table]]:
    """The tables as the compiler takes shards."""
    return lambda: iter(tables)


def judge(table: pa.Table, suite_bytes: bytes) -> Judgement:
    return gate.judge(contract(), parse_suite(suite_bytes), suite_bytes, shards(table), KEY)


def suite_of(*items: dict) -> bytes:
    expectations = [{**item, "meta": {"reason": "a test needs it"}} for item in items]
    return json.dumps({"name": "test", "expectations": expectations}).encode()


def one_of_each() -> bytes:
    """One shipped expectation of each type: Great Expectations' time goes by their number."""
    items = {item["type"]: item for item in reversed(json.loads(SUITE_BYTES)["expectations"])}
    return json.dumps({"name": "one-of-each", "expectations": list(items.values())}).encode()


SMALL = one_of_each()
