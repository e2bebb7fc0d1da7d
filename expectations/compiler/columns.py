"""Rules about a column, or a table, as a whole: which statistics each needs, and whether it holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hardline.expectations.compiler import divergence
from hardline.expectations.compiler.moments import Moments
from hardline.expectations.compiler.statistics import Statistic, Statistics, Tally
from hardline.expectations.compiler.values import literal
from hardline.tasks.core.suite import Expectation

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class WholeRule:
    """One rule about the whole, while it is being decided.

    Attributes:
        needs: The statistics to be finished first.
        holds: Whether it holds, once they are; for a `Tally`, once that is finished too.
        tally: Makes the pass that must follow, or None.
    """

    needs: tuple[Statistic, ...]
    holds: Callable[[Tally | None], bool]
    tally: Callable[[], Tally] | None = None


def whole_rule(expectation: Expectation, statistics: Statistics) -> WholeRule:
    """How to decide a rule about a column or several."""
    return _RULES[expectation.type](expectation, statistics)


def between(value: Any, kwargs: Mapping[str, Any], dtype: pl.DataType | None = None) -> bool:
    """Whether a value lies in the range; nothing, and NaN, does not."""
    if value is None or value != value:
        return False
    low, high = (
        bound if bound is None or dtype is None else literal(bound, dtype)
        for bound in (kwargs.get("min_value"), kwargs.get("max_value"))
    )
    above = low is None or (value > low if kwargs.get("strict_min") else value >= low)
    below = high is None or (value < high if kwargs.get("strict_max") else value <= high)
    return bool(above and below)


def enough(about: int, fails: int, mostly: float) -> bool:
    """Whether the share of rows that satisfy a rule is enough; of no rows, nothing is asked."""
    return about == 0 or (about - fails) / about >= mostly


def _measure(read: Callable[[Moments], Any]) -> Callable[[Expectation, Statistics], WholeRule]:
    def rule(expectation: Expectation, statistics: Statistics) -> WholeRule:
        seen = statistics.moments(expectation)
        dtype = statistics.schema[expectation.kwargs["column"]]
        return WholeRule((seen,), lambda _: between(read(seen), expectation.kwargs, dtype))

    return rule


def _present_share(expectation: Expectation, statistics: Statistics) -> WholeRule:
    seen = statistics.moments(expectation)
    return WholeRule((seen,), lambda _: between(seen.count / seen.rows if seen.rows else 0, expectation.kwargs))


def _unique_count(expectation: Expectation, statistics: Statistics) -> WholeRule:
    seen = statistics.distinct(expectation)
    return WholeRule((seen,), lambda _: between(seen.count, expectation.kwargs))


def _unique_share(expectation: Expectation, statistics: Statistics) -> WholeRule:
    seen = statistics.distinct(expectation)

    def holds(_: Tally | None) -> bool:
        total = 0 if seen.counts is None else int(seen.counts.sum())
        return between(seen.count / total if total else 0, expectation.kwargs)

    return WholeRule((seen,), holds)


def _unique(expectation: Expectation, statistics: Statistics) -> WholeRule:
    seen = statistics.distinct(expectation)

    def holds(_: Tally | None) -> bool:
        total = 0 if seen.counts is None else int(seen.counts.sum())
        return enough(total, seen.repeated, expectation.mostly)

    return WholeRule((seen,), holds)


def _distinct_values(expectation: Expectation, statistics: Statistics) -> WholeRule:
    """By exact counts of the declared values; keys decide only how many others there are."""
    seen = statistics.distinct(expectation)

    def holds(_: Tally | None) -> bool:
        present = [count > 0 for count in seen.counts_of(expectation.kwargs["value_set"])]
        strangers = seen.count - sum(present)
        if expectation.type == "expect_column_distinct_values_to_be_in_set":
            return strangers == 0
        if expectation.type == "expect_column_distinct_values_to_contain_set":
            return all(present)
        return all(present) and strangers == 0

    return WholeRule((seen,), holds)


def _most_common(expectation: Expectation, statistics: Statistics) -> WholeRule:
    seen = statistics.distinct(expectation)

    def holds(_: Tally | None) -> bool:
        if seen.counts is None or not seen.count:
            return False
        most = int(seen.counts.max())
        declared = sum(1 for count in seen.counts_of(expectation.kwargs["value_set"]) if count == most)
        if expectation.kwargs.get("ties_okay"):
            return declared > 0
        return int((seen.counts == most).sum()) == 1 and declared == 1

    return WholeRule((seen,), holds)


def _median(expectation: Expectation, statistics: Statistics) -> WholeRule:
    seen = statistics.quantiles(expectation, {0.5})
    return WholeRule((seen,), lambda _: between(seen.median(), expectation.kwargs))


def _quantile_values(expectation: Expectation, statistics: Statistics) -> WholeRule:
    declared = expectation.kwargs["quantile_ranges"]
    seen = statistics.quantiles(expectation, set(declared["quantiles"]))
    method = expectation.kwargs.get("allow_relative_error", "nearest")

    def inside(value: float, low: float | None, high: float | None) -> bool:
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        return _close(value, low) or _close(value, high) or low <= value <= high

    return WholeRule(
        (seen,),
        lambda _: all(
            inside(seen.at(at, method), low, high)
            for at, (low, high) in zip(declared["quantiles"], declared["value_ranges"], strict=True)
        ),
    )


def _close(value: float, bound: float) -> bool:
    """The tolerance that Great Expectations gives a quantile at its bounds (its `isclose`, rtol 1e-4, atol 1e-8)."""
    if math.isinf(value) or math.isinf(bound):
        return value == bound
    return abs(value - bound) <= 1e-8 + 1e-4 * abs(bound)


def _z_scores(expectation: Expectation, statistics: Statistics) -> WholeRule:
    seen, kwargs = statistics.moments(expectation), expectation.kwargs
    threshold: float = kwargs["threshold"]

    def holds(value: pl.Expr) -> pl.Expr:
        import polars as pl

        if not seen.deviation > 0:  # 0, or none: nothing is far from the mean
            return pl.lit(value=True)
        score = (value - seen.average) / seen.deviation
        return score.abs() < abs(threshold) if kwargs["double_sided"] else score < threshold

    return _counted(expectation, statistics, seen, holds)


def _outliers(expectation: Expectation, statistics: Statistics) -> WholeRule:
    kwargs = expectation.kwargs
    multiplier: float = kwargs.get("multiplier", 1.5)
    if kwargs.get("method", "iqr") == "std":
        seen = statistics.moments(expectation)

        def near(value: pl.Expr) -> pl.Expr:
            center, spread = seen.average, seen.deviation
            if not (math.isfinite(center) and math.isfinite(spread)):
                return _anything()
            if multiplier * spread <= 0:
                return value == center
            return (value - center).abs() < multiplier * spread

        return _counted(expectation, statistics, seen, near)
    quartiles = statistics.quantiles(expectation, {0.25, 0.75})

    def inside(value: pl.Expr) -> pl.Expr:
        low, high = quartiles.at(0.25, "linear"), quartiles.at(0.75, "linear")
        if not (math.isfinite(low) and math.isfinite(high)):
            return _anything()
        reach = multiplier * (high - low)
        return (value >= low - reach) & (value <= high + reach)

    return _counted(expectation, statistics, quartiles, inside)


def _anything() -> pl.Expr:
    import polars as pl

    return pl.lit(value=True)


def _counted(
    expectation: Expectation, statistics: Statistics, seen: Statistic, holds: Callable[[pl.Expr], pl.Expr]
) -> WholeRule:
    def decided(tally: Tally | None) -> bool:
        assert tally is not None
        return enough(tally.about, tally.fails, expectation.mostly)

    where = statistics.where(expectation.condition)
    return WholeRule((seen,), decided, lambda: Tally(expectation.kwargs["column"], where, holds))


def _kl(expectation: Expectation, statistics: Statistics) -> WholeRule:
    kwargs = expectation.kwargs
    if "bins" in kwargs["partition_object"]:
        histogram = statistics.histogram(expectation)
        return WholeRule((histogram,), lambda _: divergence.of_bins(histogram, kwargs) <= kwargs["threshold"])
    seen = statistics.distinct(expectation)
    return WholeRule((seen,), lambda _: divergence.of_values(seen, kwargs) <= kwargs["threshold"])


_RULES: Mapping[str, Callable[[Expectation, Statistics], WholeRule]] = {
    "expect_column_values_to_be_unique": _unique,
    "expect_compound_columns_to_be_unique": _unique,
    "expect_column_value_z_scores_to_be_less_than": _z_scores,
    "expect_column_values_to_not_be_outliers": _outliers,
    "expect_column_mean_to_be_between": _measure(lambda seen: seen.average),
    "expect_column_median_to_be_between": _median,
    "expect_column_stdev_to_be_between": _measure(lambda seen: seen.deviation),
    "expect_column_sum_to_be_between": _measure(lambda seen: seen.total),
    "expect_column_min_to_be_between": _measure(lambda seen: seen.low),
    "expect_column_max_to_be_between": _measure(lambda seen: seen.high),
    "expect_column_unique_value_count_to_be_between": _unique_count,
    "expect_column_proportion_of_unique_values_to_be_between": _unique_share,
    "expect_column_proportion_of_non_null_values_to_be_between": _present_share,
    "expect_column_most_common_value_to_be_in_set": _most_common,
    "expect_column_distinct_values_to_be_in_set": _distinct_values,
    "expect_column_distinct_values_to_contain_set": _distinct_values,
    "expect_column_distinct_values_to_equal_set": _distinct_values,
    "expect_column_quantile_values_to_be_between": _quantile_values,
    "expect_column_kl_divergence_to_be_less_than": _kl,
}
