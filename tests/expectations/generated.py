"""Generated tables, and expectations of every supported type with arguments drawn near their data."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

NUMBERS = ("f", "g", "h", "i", "j")
TEXTS = ("s", "t", "u", "k", "m")
BOOLEANS = ("b", "c")
DATES = ("d", "e")
FAMILIES = {"number": NUMBERS, "text": TEXTS, "boolean": BOOLEANS, "date": DATES}
COLUMNS = (*NUMBERS, *TEXTS, *BOOLEANS, *DATES)
WORDS = (
    "",
    " ",
    "a",
    "b",
    "ab",
    "A",
    "a\n",
    "é",
    "e\u0301",
    "ß",
    "日本",
    "😀",
    "10",
    "9",
    "0x1",
    "nan",
    "None",
    "a.b",
    "a-b",
)
JSONS = ("{}", "[1]", "", "NaN", "1", "{", '"a"', "nul", "null", "[" * 1500)
DAYS = ("2024-02-29", "2023-02-29", "2024-1-5", "20240105", "", "2024-12-31", "31.12.2024", "0001-01-01")
REGEXES = (
    "^a", "a\\Z", "^[a-z]+\\Z", "[0-9]{1,2}", "^(a|b)\\Z", "[^a]", ".", "^.{2}\\Z", "^\\Z", "é", "a\\.b", "a\\n",
    "(?:ab)+", "[\\-a]", "😀?x", "^[A-Za-z0-9_]*\\Z", "^(?:[ab]{1,3}|10)\\Z", "^.\\Z", "[à-ÿ]",
)  # fmt: skip
SHAPES = ("usual", "finite", "full", "empty", "constant", "single", "none")


def table(seed: int, shape: str, rows: int = 40) -> pa.Table:
    """Every family, with what is awkward in it; `shape` says which awkwardness is meant."""
    rng = np.random.default_rng(seed)
    rows = {"single": 1, "none": 0}.get(shape, rows)

    def mixed(values: list[Any], missing: float) -> list[Any]:
        if shape == "full":
            missing = 0.0
        if shape == "empty":
            missing = 1.0
        return [None if rng.random() < missing else value for value in values]

    def drawn(pool: tuple[Any, ...]) -> list[Any]:
        if shape == "constant":
            pool = pool[2:3]
        return [pool[at] for at in rng.integers(0, len(pool), rows)]

    odd = (0.0, -0.0, 1.5, -1.5, 2.0, 1e300, 0.1, math.nan)
    if shape in ("usual", "empty"):
        odd += (math.inf, -math.inf)
    spread = [1.0] * rows if shape == "constant" else np.round(rng.normal(3, 2, rows), 3).tolist()
    first = datetime.date(2024, 1, 1)
    days = [first + datetime.timedelta(days=int(day)) for day in rng.integers(0, 20, rows)]
    truths = drawn((True, False, True))
    return pa.table(
        {
            "f": pa.array(mixed(drawn(odd), 0.1), pa.float64()),
            "g": pa.array(mixed(spread, 0.1), pa.float64()),
            "h": pa.array(mixed([float(v) for v in drawn((0, 1, 2, 3))], 0.2), pa.float64()),
            "i": pa.array(drawn((-2, -1, 0, 1, 2, 3, 2**40)), pa.int64()),
            "j": pa.array(mixed(drawn((0, 1, 2, 3)), 0.2), pa.int64()),
            "s": pa.array(mixed(drawn(WORDS), 0.1), pa.string()),
            "t": pa.array(mixed([str(v) for v in drawn((0, 1, 10, 9, 100))], 0.0), pa.string()),
            "u": pa.array(mixed([f"row {at}" for at in range(rows)], 0.1), pa.string()),
            "k": pa.array(mixed(drawn(JSONS), 0.1), pa.string()),
            "m": pa.array(mixed(drawn(DAYS), 0.1), pa.string()),
            "b": pa.array(truths, pa.bool_()),
            "c": pa.array(mixed(drawn((True, False, True)), 0.2), pa.bool_()),
            "d": pa.array(days, pa.date32()),
            "e": pa.array(mixed(days, 0.3), pa.date32()),
        }
    )


class Drawer:
    """Draws arguments near a table's data."""

    def __init__(self, data: pa.Table, seed: int) -> None:
        self.data, self.rng = data, np.random.default_rng(seed)

    def one(self, pool: Any) -> Any:
        pool = list(pool)
        return pool[int(self.rng.integers(len(pool)))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def column(self, *families: str) -> str:
        return self.one([name for family in families for name in FAMILIES[family]])

    def columns(self, least: int, most: int, *families: str) -> list[str]:
        names = list(FAMILIES[self.one(families)])
        self.rng.shuffle(names)
        return names[: int(self.rng.integers(least, min(most, len(names)) + 1))]

    def values(self, column: str) -> list[Any]:
        """What JSON can say of the column's values."""
        found = [v for v in self.data[column].to_pylist() if v is not None]
        if column in DATES:
            return [v.isoformat() for v in found] or ["2024-01-05"]
        found = [v for v in found if not isinstance(v, float) or math.isfinite(v)]
        return found or {"number": [0, 1.5], "text": ["a"], "boolean": [True]}[family(column)]

    def near(self, column: str) -> Any:
        value = self.one(self.values(column))
        if column in NUMBERS and self.chance(0.4) and abs(value) < 1e12:
            return value + self.one((-1, 1, 0.5, -0.25))
        return value

    def range(self, column: str) -> dict[str, Any]:
        low, high = sorted((self.near(column), self.near(column)))
        return self.bounds(low, high)

    def bounds(self, low: Any, high: Any, strict: bool = True) -> dict[str, Any]:
        found: dict[str, Any] = {"min_value": low, "max_value": high}
        if self.chance(0.4):
            del found[self.one(("min_value", "max_value"))]
        for name in ("strict_min", "strict_max") if strict else ():
            if self.chance(0.25):
                found[name] = self.chance(0.7)
        return found

    def around(self, value: float, width: float) -> dict[str, Any]:
        """A range whose edges are well away from the value: sums differ by rounding between engines."""
        if not abs(value) < 1e200:
            value = 0.0
        low = value + self.one((-1, 0.5)) * width
        return self.bounds(low, low + self.one((0.7, 3)) * width)

    def set_of(self, column: str) -> list[Any]:
        values = self.values(column)
        chosen = values if self.chance(0.3) else [self.near(column) for _ in range(int(self.rng.integers(1, 5)))]
        return list(dict.fromkeys(chosen))

    def condition(self) -> dict[str, Any]:
        kind = self.one(("leaf", "leaf", "and", "or"))
        if kind == "leaf":
            return self.leaf()
        parts = [self.leaf() for _ in range(2)]
        if kind == "or" and self.chance(0.5):
            parts.append({"type": "and", "conditions": [self.leaf(), self.leaf()]})
        return {"type": kind, "conditions": parts}

    def leaf(self) -> dict[str, Any]:
        if self.chance(0.25):
            return {"type": "nullity", "column": {"name": self.one(COLUMNS)}, "is_null": self.chance(0.5)}
        column = self.one(("f", "g", "h", "i", "j", "t", "u", "b", "c"))
        operator = self.one(("==", "!=") if column in BOOLEANS else ("==", "!=", "<", "<=", ">", ">=", "IN", "NOT_IN"))
        parameter = self.set_of(column) if "IN" in operator else self.near(column)
        return {"type": "comparison", "column": {"name": column}, "operator": operator, "parameter": parameter}

    def common(self, takes: Collection[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "mostly" in takes and self.chance(0.5):
            found["mostly"] = self.one((0.01, 0.1, 0.3, 0.5, 0.75, 0.9, 1, 1.0))
        if "row_condition" in takes and self.chance(0.2):
            found["row_condition"] = self.condition()
        return found


def family(column: str) -> str:
    """number, text, boolean or date."""
    return next(name for name, columns in FAMILIES.items() if column in columns)


def _on(*families: str, **more: Callable[[Drawer, str], Any]) -> Callable[[Drawer], dict[str, Any]]:
    def draw(drawer: Drawer) -> dict[str, Any]:
        column = drawer.column(*families)
        return {"column": column, **{name: make(drawer, column) for name, make in more.items()}}

    return draw


def _ranged(*families: str) -> Callable[[Drawer], dict[str, Any]]:
    def draw(drawer: Drawer) -> dict[str, Any]:
        column = drawer.column(*families)
        return {"column": column, **drawer.range(column)}

    return draw


def _measured(measure: Callable[[Any], float], scale: float = 1.0) -> Callable[[Drawer], dict[str, Any]]:
    def draw(drawer: Drawer) -> dict[str, Any]:
        column = drawer.column("number")
        values = np.array([v for v in drawer.data[column].to_pylist() if v is not None and v == v], dtype=float)
        with np.errstate(all="ignore"):
            value = measure(values) if len(values) else 0.0
        width = max(abs(value) / 3, scale) if abs(value) < 1e200 else scale
        return {"column": column, **drawer.around(value, width)}

    return draw


def _counted(most: int) -> Callable[[Drawer], dict[str, Any]]:
    def draw(drawer: Drawer) -> dict[str, Any]:
        low, high = sorted(int(v) for v in drawer.rng.integers(0, most, 2))
        return drawer.bounds(low, high)

    return draw


def _share(drawer: Drawer) -> dict[str, Any]:
    low, high = sorted(round(float(v), 2) for v in drawer.rng.random(2))
    if drawer.chance(0.3):
        low, high = drawer.one(((1, 1), (0, 0), (0, 0.5), (0.9, 1)))
    return {"column": drawer.one(COLUMNS), **drawer.bounds(low, high)}


def _pair(*families: str) -> Callable[[Drawer], dict[str, Any]]:
    def draw(drawer: Drawer) -> dict[str, Any]:
        one, other = drawer.columns(2, 2, *families)
        found = {"column_A": one, "column_B": other}
        if drawer.chance(0.6):
            found["ignore_row_if"] = drawer.one(("both_values_are_missing", "either_value_is_missing", "neither"))
        return found

    return draw


def _record(least: int, most: int, *families: str) -> Callable[[Drawer], dict[str, Any]]:
    def draw(drawer: Drawer) -> dict[str, Any]:
        found: dict[str, Any] = {"column_list": drawer.columns(least, most, *families)}
        if drawer.chance(0.6):
            found["ignore_row_if"] = drawer.one(("all_values_are_missing", "any_value_is_missing", "never"))
        return found

    return draw


def _greater(drawer: Drawer) -> dict[str, Any]:
    found = _pair("number", "text", "date")(drawer)
    if found["column_A"] in DATES:
        found["ignore_row_if"] = "either_value_is_missing"
    return {**found, "or_equal": drawer.chance(0.5)} if drawer.chance(0.7) else found


def _pairs_in_set(drawer: Drawer) -> dict[str, Any]:
    found = _pair("number", "text", "boolean")(drawer)
    pairs = [
        [None if drawer.chance(0.2) else drawer.near(found[name]) for name in ("column_A", "column_B")]
        for _ in range(9)
    ]
    return {**found, "value_pairs_set": pairs}


def _sum_equal(drawer: Drawer) -> dict[str, Any]:
    if drawer.chance(0.3):
        return {"column_list": ["h", "j"], "sum_total": drawer.one((0, 1, 2, 3.0)), "mostly": 0.1}
    return {**_record(2, 5, "number")(drawer), "sum_total": drawer.one((0, 1, 2.0, 3))}


def _quantiles(drawer: Drawer) -> dict[str, Any]:
    column = drawer.column("number")
    wanted = sorted({drawer.one((0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)) for _ in range(3)})
    ranges = []
    for _ in wanted:
        low, high = sorted((drawer.near(column), drawer.near(column)))
        ranges.append([None if drawer.chance(0.3) else low, high])
    found = {"column": column, "quantile_ranges": {"quantiles": wanted, "value_ranges": ranges}}
    if drawer.chance(0.6):
        found["allow_relative_error"] = drawer.one(("linear", "lower", "higher", "midpoint", "nearest"))
    return found


def _divergence(drawer: Drawer) -> dict[str, Any]:
    found: dict[str, Any] = {"threshold": drawer.one((0, 0.05, 0.3, 1, 5))}
    if drawer.chance(0.5):
        column = drawer.one(("s", "t", "h", "i", "j"))
        values = drawer.set_of(column)
        weights = drawer.rng.dirichlet(np.ones(len(values))).round(6)
        found["partition_object"] = {"values": values, "weights": _normal(weights)}
    else:
        column = drawer.column("number")
        bins = sorted({float(drawer.near(column)) for _ in range(5)} | {-100.0, 100.0})
        weights = drawer.rng.dirichlet(np.ones(len(bins) - 1)).round(6)
        if drawer.chance(0.3):
            weights[0] = 0
        found["partition_object"] = {"bins": bins, "weights": _normal(weights)}
        if drawer.chance(0.3):
            shrunk = [round(w * 0.8, 8) for w in found["partition_object"]["weights"]]
            rest = 1 - sum(shrunk)
            found["partition_object"] |= {"weights": shrunk, "tail_weights": [rest / 2, rest / 2]}
        elif drawer.chance(0.5):
            found["internal_weight_holdout"] = 0.01
    if "tail_weights" not in found["partition_object"] and drawer.chance(0.6):
        found["tail_weight_holdout"] = drawer.one((0.01, 0.1))
    return {"column": column, **found}


def _normal(weights: Any) -> list[float]:
    return [float(weight) for weight in weights / weights.sum()]


def _outliers(drawer: Drawer) -> dict[str, Any]:
    found: dict[str, Any] = {"column": drawer.column("number")}
    if drawer.chance(0.7):
        found["method"] = drawer.one(("iqr", "std"))
    if drawer.chance(0.7):
        found["multiplier"] = drawer.one((0, 0.5, 1.1, 2, 3.3))
    return found


def _names(drawer: Drawer) -> list[str]:
    names = list(COLUMNS)
    if drawer.chance(0.3):
        names.remove(drawer.one(names))
    if drawer.chance(0.2):
        names.append("another")
    if drawer.chance(0.3):
        drawer.rng.shuffle(names)
    return names


def _regexes(drawer: Drawer, _: str) -> list[str]:
    return [drawer.one(REGEXES) for _ in range(int(drawer.rng.integers(1, 4)))]


_set = {"value_set": Drawer.set_of}
_regex = {"regex": lambda drawer, _: drawer.one(REGEXES)}
DRAWN: Mapping[str, Callable[[Drawer], dict[str, Any]]] = {
    "expect_column_values_to_not_be_null": _on("number", "text", "boolean", "date"),
    "expect_column_values_to_be_null": _on("number", "text", "boolean", "date"),
    "expect_column_values_to_be_between": _ranged("number", "date"),
    "expect_column_values_to_be_in_set": _on("number", "text", "boolean", **_set),
    "expect_column_values_to_not_be_in_set": _on("number", "text", "boolean", **_set),
    "expect_column_values_to_match_regex": _on("text", **_regex),
    "expect_column_values_to_not_match_regex": _on("text", **_regex),
    "expect_column_values_to_match_regex_list": lambda drawer: {
        **_on("text", regex_list=_regexes)(drawer), "match_on": drawer.one(("any", "all")),
    },
    "expect_column_values_to_not_match_regex_list": _on("text", regex_list=_regexes),
    "expect_column_value_lengths_to_be_between": lambda drawer: {"column": drawer.column("text"), **_counted(12)(drawer)},
    "expect_column_value_lengths_to_equal": _on("text", value=lambda drawer, column: len(drawer.near(column))),
    "expect_column_values_to_match_strftime_format": _on(
        "text", strftime_format=lambda drawer, _: drawer.one(("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%H"))
    ),
    "expect_column_values_to_be_json_parseable": _on("text"),
    "expect_column_pair_values_a_to_be_greater_than_b": _greater,
    "expect_column_pair_values_to_be_equal": _pair("number", "text", "boolean", "date"),
    "expect_column_pair_values_to_be_in_set": _pairs_in_set,
    "expect_multicolumn_sum_to_equal": _sum_equal,
    "expect_multicolumn_values_to_be_equal": _record(2, 4, "number", "text", "boolean", "date"),
    "expect_select_column_values_to_be_unique_within_record": _record(2, 4, "number", "text"),
    "expect_column_values_to_be_unique": _on("number", "text", "boolean", "date"),
    "expect_compound_columns_to_be_unique": _record(2, 4, "number", "text", "boolean", "date"),
    "expect_column_value_z_scores_to_be_less_than": _on(
        "number", threshold=lambda drawer, _: drawer.one((0.1, 1, 1.9, 3, -1.3)), double_sided=lambda drawer, _: drawer.chance(0.5)
    ),
    "expect_column_values_to_not_be_outliers": _outliers,
    "expect_column_mean_to_be_between": _measured(np.mean),
    "expect_column_median_to_be_between": _measured(np.median),
    "expect_column_stdev_to_be_between": _measured(np.std),
    "expect_column_sum_to_be_between": _measured(np.sum, 5.0),
    "expect_column_min_to_be_between": _ranged("number", "date"),
    "expect_column_max_to_be_between": _ranged("number", "date"),
    "expect_column_unique_value_count_to_be_between": lambda drawer: {
        "column": drawer.one(COLUMNS), **_counted(20)(drawer),
    },
    "expect_column_proportion_of_unique_values_to_be_between": _share,
    "expect_column_proportion_of_non_null_values_to_be_between": _share,
    "expect_column_most_common_value_to_be_in_set": lambda drawer: {
        **_on("number", "text", "boolean", **_set)(drawer), "ties_okay": drawer.chance(0.5),
    },
    "expect_column_distinct_values_to_be_in_set": _on("number", "text", "boolean", **_set),
    "expect_column_distinct_values_to_contain_set": _on("number", "text", "boolean", **_set),
    "expect_column_distinct_values_to_equal_set": _on("number", "text", "boolean", **_set),
    "expect_column_quantile_values_to_be_between": _quantiles,
    "expect_column_kl_divergence_to_be_less_than": _divergence,
    "expect_table_row_count_to_be_between": _counted(60),
    "expect_table_row_count_to_equal": lambda drawer: {"value": drawer.one((0, 1, 40, drawer.data.num_rows))},
    "expect_table_column_count_to_be_between": lambda drawer: drawer.bounds(*drawer.one(((1, 14), (14, 14), (15, 20))), strict=False),
    "expect_table_column_count_to_equal": lambda drawer: {"value": drawer.one((13, 14))},
    "expect_table_columns_to_match_ordered_list": lambda drawer: {"column_list": _names(drawer)},
    "expect_table_columns_to_match_set": lambda drawer: {
        "column_set": _names(drawer), **({"exact_match": drawer.chance(0.5)} if drawer.chance(0.6) else {}),
    },
    "expect_column_to_exist": lambda drawer: {
        "column": drawer.one((*COLUMNS, "another")), **({"column_index": drawer.one((1, 2, 13, 14))} if drawer.chance(0.5) else {}),
    },
}  # fmt: skip


def expectations(data: pa.Table, seed: int, each: int, takes: Callable[[str], Collection[str]]) -> bytes:
    """A suite with up to `each` different expectations of every type.

    Args:
        data: Whose values the arguments are drawn near.
        seed: Of the draws.
        each: Of one type.
        takes: The optional arguments of a type.
    """
    drawer, items = Drawer(data, seed), {}
    for kind, draw in DRAWN.items():
        for _ in range(each):
            kwargs = {**drawer.common(takes(kind)), **draw(drawer)}
            item = {"type": kind, "kwargs": kwargs, "meta": {"reason": "generated"}}
            told = kwargs
            if "quantile_ranges" in kwargs:  # one for all quantiles of the same values
                told = {name: value for name, value in kwargs.items() if name not in ("quantile_ranges", "mostly")}
            items[json.dumps([kind, told], sort_keys=True)] = item
    return json.dumps({"name": "generated", "expectations": list(items.values())}).encode()
