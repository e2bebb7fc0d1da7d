"""What mostly, row_condition and severity do to the verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
from validation_fixtures import KEY, contract, diagnosis, judge, replaced, shards, suite_of

from hardline.expectations import gate, run_gx
from hardline.tasks.core.suite import parse_suite

HIGH = {3: 90.0, 4: 91.0, 5: 92.0}  # valid, and above what the rules below allow
TABLE = replaced(diagnosis(), "mean radius", HIGH)
RULE = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "mean radius", "max_value": 50}}


def _rule(severity="critical", **more) -> bytes:
    return suite_of({**RULE, "kwargs": {**RULE["kwargs"], **more}, "severity": severity})


def _refused(found) -> int:
    return int((~found.mask).sum())


def _suite_result(found):
    return next(rule for rule in found.rules if rule.id.startswith("0:"))


def test_without_mostly_each_failing_row_is_put_aside():
    found = judge(TABLE, _rule())
    assert (found.decision, _refused(found), found.warnings) == ("ACCEPT", 3, ())


def test_mostly_tolerates_rows_and_puts_none_aside():
    found = judge(TABLE, _rule(mostly=0.99))
    assert (found.decision, _refused(found)) == ("ACCEPT", 0), found.reasons
    assert _suite_result(found).success
    assert _suite_result(found).violations == 3


def test_a_share_below_mostly_refuses_the_snapshot():
    found = judge(TABLE, _rule(mostly=0.999))
    assert (found.decision, _refused(found)) == ("REJECT", 0)
    assert "1 expectations fail" in found.reasons[0]


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_what_is_not_critical_puts_no_row_aside_and_refuses_nothing(severity):
    found = judge(TABLE, _rule(severity))
    assert (found.decision, _refused(found), found.reasons) == ("ACCEPT", 0, ())
    result = _suite_result(found)
    assert (result.severity, result.success, result.violations) == (severity, False, 3)
    assert found.warnings == ((result.id,) if severity == "warning" else ())


def test_a_contract_may_refuse_warnings_by_name():
    strict = replace(contract(), warnings="refuse")
    suite_bytes = _rule("warning")
    found = gate.judge(strict, parse_suite(suite_bytes), suite_bytes, shards(TABLE), KEY)
    assert found.decision == "REJECT"
    assert found.reasons == (
        "1 warnings fail, and the contract refuses them: 0:column_values_to_be_between:mean radius",
    )
    calm = _rule("warning", mostly=0.9)
    assert gate.judge(strict, parse_suite(calm), calm, shards(TABLE), KEY).decision == "ACCEPT"


def test_a_warning_that_only_quarantined_rows_break_is_no_warning():
    both = suite_of({**RULE, "severity": "warning"}, {**RULE, "kwargs": {**RULE["kwargs"], "max_value": 60}})
    found = judge(TABLE, both)
    assert (found.decision, _refused(found), found.warnings) == ("ACCEPT", 3, ())
    assert not _suite_result(found).success


def _where(operator, parameter):
    return {"type": "comparison", "column": {"name": "diagnosis"}, "operator": operator, "parameter": parameter}


def test_a_condition_judges_the_rows_that_it_selects():
    kind = TABLE.column("diagnosis").to_pylist()
    malignant = sum(kind[row] == "malignant" for row in HIGH)
    assert malignant == 3
    assert _refused(judge(TABLE, _rule(row_condition=_where("==", "malignant")))) == 3
    assert _refused(judge(TABLE, _rule(row_condition=_where("!=", "malignant")))) == 0


def test_a_condition_that_selects_no_row_is_an_error():
    found = judge(TABLE, _rule(row_condition=_where("==", "nobody")))
    assert found.decision == "ERROR"
    assert any("no row matches" in reason for reason in found.reasons)


def test_an_expectation_that_gx_refuses_to_read_is_silent_and_no_crash():
    """The two allow-lists could part with a new release; what GX cannot read is never a pass."""
    unread = _rule().replace(b'"max_value": 50', b'"max_value": "fifty"')
    assert run_gx.run(unread, TABLE) == (None,)
