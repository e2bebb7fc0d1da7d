"""tests/vectors/suites: what a reader accepts, what it refuses, and what does not fit its contract; each by one defect."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardline.expectations import shipped
from hardline.tasks.core.contract import Column, parse_contract
from hardline.tasks.core.errors import ContractError
from hardline.tasks.core.suite import parse_suite
from hardline.tasks.core.suite_regex import check_regex, rust_regex

VECTORS = Path(__file__).parents[1] / "vectors" / "suites"
SHIPPED = parse_contract((shipped.folder("diagnosis") / "contract.odcs.yaml").read_bytes())


def _column(name, type_):
    return Column(name, type_, True, "restricted", None, None, Decimal(0), False, "both", ())


COLUMNS = [_column("size", "number"), _column("other", "number"), _column("kind", "category")]
CONTRACT = replace(SHIPPED, columns=(*COLUMNS, _column("day", "date"), _column("end", "date")))


def _cases(name):
    found = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    return [pytest.param(case["suite"], case["expect"], id=case["name"]) for case in found]


@pytest.mark.parametrize(("suite", "expect"), _cases("accepted"))
def test_accepted(suite, expect):
    assert expect == "success"
    parse_suite(json.dumps(suite).encode()).check_against(CONTRACT)


@pytest.mark.parametrize(("suite", "expect"), _cases("refused"))
def test_refused(suite, expect):
    with pytest.raises(ContractError, match=re.escape(expect)):
        parse_suite(json.dumps(suite).encode())


@pytest.mark.parametrize(("suite", "expect"), _cases("unfit"))
def test_refused_against_the_contract(suite, expect):
    read = parse_suite(json.dumps(suite).encode())
    with pytest.raises(ContractError, match=re.escape(expect)):
        read.check_against(CONTRACT)


@pytest.mark.parametrize("data", [b'{"min_value": 1e999}', b'{"min_value": NaN}', b'{"min_value": "\\ud800"}'])
def test_numbers_and_texts_that_are_none_are_refused(data):
    kwargs = data.replace(b"{", b'{"column": "size", ', 1)
    suite = (
        b'{"name": "a", "expectations": [{"type": "expect_column_min_to_be_between", "meta": {"reason": "x"}, "kwargs": '
        + kwargs
        + b"}]}"
    )
    with pytest.raises(ContractError):
        parse_suite(suite)


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_a_feature_that_only_a_warning_guards_is_unguarded(severity):
    items = [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "mean radius"}, "severity": severity}]
    data = json.dumps({"name": "a", "expectations": [{**item, "meta": {"reason": "x"}} for item in items]}).encode()
    with pytest.raises(ContractError, match="none for 'mean radius'"):
        parse_suite(data).check_against(SHIPPED)


@pytest.mark.parametrize("regex", ["[^a]{1000}", "(?:[^a]|.){500}", "é" * 1000, "(?:(?:[^ab]{10}){10}){10}"])
def test_the_largest_that_the_subset_accepts_compiles(regex):
    import polars as pl

    check_regex(regex, "regex")
    assert pl.Series([""]).str.contains(rust_regex(regex)).to_list() == [False]


@settings(max_examples=400, deadline=None)
@given(
    st.text(alphabet="ab1.^|()[]?:*+{},-\\Zn 2é", min_size=1, max_size=14),
    st.lists(st.text(alphabet="ab1.-\n 2éZ", max_size=6), min_size=1, max_size=8),
)
def test_what_the_subset_accepts_python_and_rust_read_alike(regex, texts):
    import polars as pl

    try:
        check_regex(regex, "regex")
    except ContractError:
        return
    found = pl.Series(texts).str.contains(rust_regex(regex)).to_list()
    assert found == [re.search(regex, text) is not None for text in texts]
