"""The shipped examples whose data is no CSV, as tables under their contracts."""

from __future__ import annotations

import os

os.environ["POLARS_OOC_DISK_BUDGET_MB"] = "0"  # as protect_process does, before anything imports polars

import io
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hardline.expectations import gate, shipped
from hardline.tasks.core.contract import Contract, parse_contract
from hardline.tasks.core.rows import assign_splits
from hardline.tasks.core.steps.validate import Judgement
from hardline.tasks.core.suite import Suite, parse_suite

KEY = bytes(range(32))


@cache
def contract(name: str) -> Contract:
    return parse_contract((shipped.folder(name) / "contract.odcs.yaml").read_bytes())


def suite_bytes(name: str) -> bytes:
    return (shipped.folder(name) / "suite.json").read_bytes()


@cache
def suite(name: str) -> Suite:
    return parse_suite(suite_bytes(name))


@cache
def source(name: str) -> bytes:
    return shipped.EXAMPLES[name].data()


@cache
def table(name: str) -> pa.Table:
    """What the source file holds, read by its own library."""
    schema = contract(name).arrow_schema()
    if name == "payments":
        read = pq.read_table(io.BytesIO(source(name)))
        assert read.schema.equals(schema)  # a column of another type would be refused before it gets here
        return read
    arrays = np.load(io.BytesIO(source(name)))
    flat = pa.array(arrays["image"].reshape(-1), pa.float32())
    images = pa.FixedSizeListArray.from_arrays(flat, 64)
    return pa.table({"image": images, "digit": [str(digit) for digit in arrays["digit"]]}).cast(schema)


def judged(name: str, rows: pa.Table) -> Judgement:
    """By the real gate, both engines."""
    train = assign_splits(rows, contract(name).split, KEY)
    parts = [("train", rows.filter(pa.array(train))), ("test", rows.filter(pa.array(~train)))]
    return gate.judge(contract(name), suite(name), suite_bytes(name), lambda: iter(parts), KEY)
