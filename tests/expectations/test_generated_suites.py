"""Every supported type against Great Expectations, on generated tables with generated arguments; and cut into shards."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import generated
import numpy as np
import pytest
from validation_fixtures import shards_of

from hardline.expectations import compiler, run_gx
from hardline.tasks.core.suite import SUPPORTED, parse_suite

# Where the engines differ by nature, and the compiler's answer then: by the reason that it gives.
BY_NATURE = {"row_condition: no row matches": "Great Expectations passes what is about no row; we decide nothing"}


def _suite(data, seed, each):
    return generated.expectations(data, seed, each, lambda kind: SUPPORTED[kind].optional)


def _differences(seed, shape, each):
    data = generated.table(seed, shape)
    suite_bytes = _suite(data, seed, each)
    suite = parse_suite(suite_bytes)
    outcome, said = compiler.run(suite, shards_of(data)), run_gx.run(suite_bytes, data)
    items = json.loads(suite_bytes)["expectations"]
    for expectation, item in zip(suite.expectations, items, strict=True):
        ours, theirs = outcome.success[expectation.position], said[expectation.position]
        reason = outcome.undecided.get(expectation.position)
        if ours is None and reason in BY_NATURE:
            continue
        yield expectation.type, ours, theirs, item["kwargs"]


def test_every_supported_type_is_generated():
    assert generated.DRAWN.keys() == SUPPORTED.keys()
    assert len(SUPPORTED) >= 40


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's words for inf - inf, from pandas
def test_both_engines_say_the_same_and_both_answers_are_seen():
    seen = defaultdict(set)
    for seed, shape, each in ((1, "usual", 5), (2, "usual", 5), (3, "finite", 5), (4, "full", 6), (5, "full", 6)):
        for kind, ours, theirs, kwargs in _differences(seed, shape, each):
            assert ours is theirs, (seed, shape, kind, ours, theirs, kwargs)
            seen[kind].add(ours)
    assert {kind for kind in SUPPORTED if seen[kind] != {True, False}} == set()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("shape", ["empty", "constant", "single", "none"])
def test_both_engines_say_the_same_of_little_data(shape):
    for kind, ours, theirs, kwargs in _differences(6, shape, 2):
        assert ours is theirs, (kind, ours, theirs, kwargs)


@pytest.mark.parametrize("shape", ["usual", "full"])
@pytest.mark.parametrize("cuts", [(1,), (150, 150), (7, 60, 61, 199), tuple(range(1, 200, 13))])
def test_any_cut_into_shards_gives_the_same(shape, cuts):
    data = generated.table(8, shape, rows=200)
    suite = parse_suite(_suite(data, 8, 4))
    whole = compiler.run(suite, shards_of(data))
    edges = [0, *cuts, 200]
    parts = [data.slice(low, high - low) for low, high in pairwise(edges)]
    found = compiler.run(suite, shards_of(*parts))
    differ = [e.id for e in suite.expectations if found.success[e.position] != whole.success[e.position]]
    assert differ == []
    assert (found.violations, found.undecided) == (whole.violations, whole.undecided)
    assert np.array_equal(found.mask, whole.mask)
    few = [e for e in suite.expectations if e.quarantines and 0 < (whole.violations[e.position] or 0) < 40]
    some = replace(suite, expectations=tuple(few))
    one, many = compiler.run(some, shards_of(data)).mask, compiler.run(some, shards_of(*parts)).mask
    assert 0 < one.sum() < 200
    assert np.array_equal(one, many)


def test_a_table_of_other_types_is_not_judged():
    """The contract pins types; a compiler that is shown others says nothing, as Great Expectations does or worse."""
    data = generated.table(9, "full")
    suite_bytes = _suite(data, 9, 1)
    suite = parse_suite(suite_bytes)
    texts = data.cast(generated.pa.schema([(name, "string") for name in data.column_names]))
    outcome = compiler.run(suite, shards_of(texts))
    for expectation in suite.expectations:
        families = {generated.family(name) for name in expectation.columns if name in generated.COLUMNS}
        if "text" not in expectation.kind.families and families and expectation.about_values:
            assert outcome.success[expectation.position] is None, expectation.id
            assert "type" in outcome.undecided[expectation.position]


def _plain(value):
    """JSON with a date as its text, and without defaults that Great Expectations adds to a condition."""
    return json.loads(json.dumps(value, default=str))


def test_every_argument_and_the_severity_reach_great_expectations():
    passed = defaultdict(set)
    for item in json.loads(_suite(generated.table(4, "full"), 4, 40))["expectations"]:
        built = run_gx._built(0, {**item, "severity": "warning"})
        assert built.severity == "warning"
        reached = _plain(built.configuration.to_json_dict()["kwargs"])
        for name, value in item["kwargs"].items():
            default = name not in reached and value == _plain(built.__fields__[name].default)
            assert default or reached[name] == value, (item["type"], name, value, reached.get(name))
            passed[item["type"]].add(name)
    assert {kind: set(declared.arguments) - passed[kind] for kind, declared in SUPPORTED.items()} == {
        kind: set() for kind in SUPPORTED
    }
