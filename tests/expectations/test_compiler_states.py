"""The compiler's statistics alone: exact over shards, within their bounds, and undecided above them."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from validation_fixtures import shards_of, suite_of

from hardline.expectations import compiler
from hardline.expectations.compiler import distinct, quantiles
from hardline.expectations.compiler.distinct import Distinct
from hardline.expectations.compiler.moments import Moments
from hardline.expectations.compiler.quantiles import Quantiles
from hardline.tasks.core.suite import parse_suite

PARTS = [(0, 1), (1, 40), (40, 41), (41, 5000)]


def _feed(state, values):
    frame = pl.DataFrame({"x": values})
    while True:
        for low, high in PARTS:
            state.add(frame[low:high])
        if state.finish():
            return state


@pytest.mark.parametrize("keep", [0, 50, 10**6])
@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles_are_exact_however_few_values_may_be_gathered(monkeypatch, keep, method):
    monkeypatch.setattr(quantiles, "KEEP", keep)
    rng = np.random.default_rng(3)
    values = np.concatenate((rng.normal(size=3000), rng.integers(-3, 4, 1500).astype(float), np.full(500, -0.0)))
    rng.shuffle(values)
    wanted = {0.0, 0.01, 0.25, 1 / 3, 0.5, 0.9999, 1.0}
    found = _feed(Quantiles("x", None, set(wanted)), values)
    for at in wanted:
        assert found.at(at, method) == np.quantile(values, at, method=method), at
    assert _feed(Quantiles("x", None, {0.5}), values).median() == np.median(values)


@pytest.mark.parametrize("size", [2, 4, 6, 8])
def test_halfway_between_two_ranks_the_even_one_is_nearest(size):
    values = np.arange(float(size))
    found = Quantiles("x", None, {0.5})
    while True:
        found.add(pl.DataFrame({"x": values}))
        if found.finish():
            break
    assert found.at(0.5, "nearest") == np.quantile(values, 0.5, method="nearest")


def test_a_pass_more_is_made_only_where_it_is_needed():
    state, passes = Quantiles("x", None, {0.5}), 0
    frame = pl.DataFrame({"x": np.arange(1000.0)})
    while True:
        state.add(frame)
        passes += 1
        if state.finish():
            break
    assert passes == 2


def test_counts_survive_merges_and_colliding_first_halves(monkeypatch):
    monkeypatch.setattr(distinct, "PENDING", 10)
    texts = [f"v{at % 700}" for at in range(5000)]
    real = Distinct._keys
    monkeypatch.setattr(Distinct, "_keys", lambda self, v: (real(self, v)[0] % np.uint64(5), real(self, v)[1]))
    found = _feed(Distinct(("x",)), texts)
    assert (found.count, found.repeated) == (700, 5000)
    assert found.counts_of(["v0", "v699", "none"]) == [8, 7, 0]


def test_too_many_different_values_are_not_decided(monkeypatch):
    monkeypatch.setattr(distinct, "LIMIT", 10)
    rules = suite_of(
        {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "x"}},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "x"}},
    )
    table = pl.DataFrame({"x": np.arange(50)}).to_arrow()
    outcome = compiler.run(parse_suite(rules), shards_of(table))
    assert outcome.success == (None, True)
    assert outcome.undecided == {0: "more than 10 different values"}


def test_keys_of_texts_differ_from_run_to_run():
    one, other = (_feed(Distinct(("x",)), [f"v{at}" for at in range(5000)]) for _ in range(2))
    assert one.count == other.count == 5000
    assert not np.array_equal(one.high, other.high)


def test_moments_are_those_of_all_values_at_once():
    values = np.random.default_rng(5).normal(1e6, 3, 5000)
    found = _feed(Moments("x"), values)
    assert math.isclose(found.average, values.mean(), rel_tol=1e-13)
    assert math.isclose(found.deviation, values.std(ddof=1), rel_tol=1e-9)
    assert math.isclose(found.total, values.sum(), rel_tol=1e-13)


@pytest.mark.parametrize(
    ("odd", "mean"), [([math.inf], math.inf), ([-math.inf], -math.inf), ([math.inf, -math.inf], math.nan)]
)
def test_infinities_in_different_shards_make_no_false_nan(odd, mean):
    values = np.ones(5000)
    values[[2, 4500][: len(odd)]] = odd
    found = _feed(Moments("x"), values)
    assert found.average == mean or (math.isnan(mean) and math.isnan(found.average))
    assert math.isnan(found.deviation)


def test_sums_of_whole_numbers_are_exact():
    found = _feed(Moments("x"), [2**62] * 5000)
    assert found.total == 5000 * 2**62


def test_memory_of_the_rows_is_not_kept():
    """A pass takes one shard at a time: each is released before the next is made."""
    import weakref

    alive: list[weakref.ref] = []

    def tables():
        for seed in range(6):
            assert sum(ref() is not None for ref in alive) <= 1
            table = pl.DataFrame({"x": np.random.default_rng(seed).normal(size=1000)}).to_arrow()
            alive.append(weakref.ref(table))
            yield table
            del table

    rules = suite_of(
        {"type": "expect_column_median_to_be_between", "kwargs": {"column": "x", "min_value": -1, "max_value": 1}},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "x", "max_value": 100}},
    )
    assert compiler.run(parse_suite(rules), tables).success == (True, True)
