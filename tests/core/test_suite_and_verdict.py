"""The suite's allow-list and the verdict's format."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hardline.expectations import shipped
from hardline.tasks.core import canonical
from hardline.tasks.core.contract import parse_contract
from hardline.tasks.core.errors import ContractError, Malformed
from hardline.tasks.core.suite import SUPPORTED, parse_suite
from hardline.tasks.core.verdict import RuleResult, Verdict

FOLDER = shipped.folder("diagnosis")
SUITE = (FOLDER / "suite.json").read_bytes()
CONTRACT = parse_contract((FOLDER / "contract.odcs.yaml").read_bytes())
ITEM = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "diagnosis"}, "meta": {"reason": "needed"}}


def _suite(*items, **more) -> bytes:
    return json.dumps({"name": "test", "expectations": list(items), **more}).encode()


def test_the_shipped_suite_is_read_and_every_feature_has_an_expectation():
    suite = parse_suite(SUITE)
    suite.check_against(CONTRACT)
    assert [e.position for e in suite.expectations] == list(range(len(suite.expectations)))
    assert suite.digest == canonical.digest(SUITE)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b" " * (5 << 20),
        b'{"name":"a","name":"b","expectations":[]}',
        b'{"name":"a","expectations":[NaN]}',
        _suite(),
        _suite(ITEM, checkpoint={}),
        _suite(ITEM, ITEM),
        _suite({**ITEM, "rendered": 1}),
        _suite({**ITEM, "kwargs": {}}),
        _suite({**ITEM, "kwargs": {"column": 1}}),
        _suite({**ITEM, "kwargs": {"column": "a", "row_condition": "b > 0"}}),
        _suite({**ITEM, "severity": "loud"}),
    ],
)  # fmt: skip
def test_what_is_no_supported_suite_is_refused(data):
    with pytest.raises(ContractError, match=r"^suite"):
        parse_suite(data)


def test_an_unknown_type_is_refused_with_the_supported_ones():
    with pytest.raises(ContractError) as refused:
        parse_suite(_suite({**ITEM, "type": "expect_column_values_to_be_nice"}))
    assert sorted(SUPPORTED) == str(refused.value).split("supported: ")[1].rstrip(")").split(", ")


def test_a_column_that_the_contract_has_not_is_refused():
    with pytest.raises(ContractError, match="nobody"):
        parse_suite(_suite({**ITEM, "kwargs": {"column": "nobody"}})).check_against(CONTRACT)


def test_a_feature_without_an_expectation_is_refused():
    with pytest.raises(ContractError, match="none for 'mean radius'"):
        parse_suite(_suite(ITEM)).check_against(CONTRACT)


VERDICT = Verdict(
    snapshot="a" * 64,
    mask="b" * 64,
    decision="ACCEPT",
    rows=10,
    accepted=9,
    quarantined=1,
    declared=1,
    evaluated=1,
    rules=(RuleResult("0:x", "expect_x", "a", True, 0), RuleResult("1:y", "expect_y", "", False, None, "warning")),
    suite="c" * 64,
    contract="d" * 64,
    engines={"great-expectations": "1.24.1"},
    warnings=("1:y",),
    reasons=(),
)


def test_a_verdict_comes_back_as_it_was():
    assert Verdict.decode(VERDICT.encode()) == VERDICT
    refused = replace(VERDICT, decision="REJECT", mask=None, accepted=0, quarantined=10, reasons=("too many",))
    assert Verdict.decode(refused.encode()) == refused


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", "hardline/verdict/v2"), ("decision", "MAYBE"), ("snapshot", "x"), ("mask", "x"), ("rows", 11),
        ("accepted", -1), ("accepted", True), ("rows", "10"), ("rules", {}), ("rules", [{}]), ("engines", []),
        ("reasons", "none"), ("reasons", [""]), ("suite", None), ("extra", 1),
        ("warnings", ["0:x"]), ("warnings", ["2:z"]), ("warnings", [1]), ("warnings", "1:y"), ("warnings", None),
    ],
)  # fmt: skip
def test_another_verdict_is_malformed(name, value):
    body = canonical.decode(VERDICT.encode())
    body[name] = value
    with pytest.raises(Malformed):
        Verdict.decode(canonical.encode(body))


@pytest.mark.parametrize("severity", ["fatal", "", None, 1])
def test_a_rule_of_another_severity_is_malformed(severity):
    body = canonical.decode(VERDICT.encode())
    body["rules"][0]["severity"] = severity
    with pytest.raises(Malformed, match="severity"):
        Verdict.decode(canonical.encode(body))


@pytest.mark.parametrize("name", sorted(canonical.decode(VERDICT.encode())))
def test_a_missing_field_is_malformed(name):
    body = canonical.decode(VERDICT.encode())
    del body[name]
    with pytest.raises(Malformed):
        Verdict.decode(canonical.encode(body))


def test_only_canonical_bytes_are_read():
    with pytest.raises(Malformed):
        Verdict.decode(json.dumps(canonical.decode(VERDICT.encode()), indent=1).encode())


def test_a_float_is_never_written():
    with pytest.raises(ValueError, match="floats"):
        replace(VERDICT, rows=1.5).encode()
