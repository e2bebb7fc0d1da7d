"""Every vector of a contract and of a shard goes through its reader."""

from __future__ import annotations

import base64
import datetime

import make_contract_vectors as maker
import pytest
from format_samples import load

from hardline.tasks.core.contract import parse_contract
from hardline.tasks.core.errors import ContractError, Malformed
from hardline.tasks.core.rows import decode_table

CONTRACT, SHARD = load("documents/contract.json"), load("documents/shard.json")


@pytest.mark.parametrize("case", CONTRACT["cases"], ids=lambda case: case["name"])
def test_a_contract(case):
    if case["expect"] == "success":
        read = parse_contract(case["document"].encode())
        assert (read.digest, [item.name for item in read.inputs]) == (CONTRACT["digest"], CONTRACT["inputs"])
        return
    with pytest.raises(ContractError):
        parse_contract(case["document"].encode())


@pytest.mark.parametrize("case", SHARD["cases"], ids=lambda case: case["name"])
def test_a_shard(case):
    case = {**SHARD["defaults"], **case}
    columns = [tuple(column) for column in case["columns"]]

    def read():
        return decode_table(base64.b64decode(case["stream"]), subject="vector", columns=columns, rows=case["rows"])

    if case["expect"] == "success":
        found = read().to_pydict()
        epoch = datetime.date(1970, 1, 1)
        found["seen"] = [None if day is None else (day - epoch).days for day in found["seen"]]
        assert found == SHARD["values"]
        return
    with pytest.raises(Malformed):
        read()


def test_the_vectors_are_what_their_maker_makes():
    assert maker.contract() == CONTRACT
    assert maker.shard()["defaults"] == SHARD["defaults"]  # Arrow may pad a stream otherwise in another release
    assert len(SHARD["cases"]) == len(maker.shard()["cases"])
