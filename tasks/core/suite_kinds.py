"""The supported types of expectation: the arguments of each, the columns it fits, and what it judges.

A type that Great Expectations does not decide faithfully on pandas is not here; docs/formats/suite.md says why for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hardline.tasks.core import suite_arguments as arguments
from hardline.tasks.core.errors import ContractError
from hardline.tasks.core.suite_arguments import Reader

NUMBER, TEXT, BOOLEAN, DATE = "number", "text", "boolean", "date"
ANY = (NUMBER, TEXT, BOOLEAN, DATE)
FAMILIES: Mapping[str, str] = {
    "number": NUMBER, "integer": NUMBER, "boolean": BOOLEAN, "category": TEXT, "text": TEXT, "date": DATE,
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One supported type.

    Attributes:
        required: Argument to its reader.
        optional: Argument to its reader.
        families: Families of the columns it fits; several columns in one expectation are of one family.
        row_local: Whether it judges each row by itself; else it judges the whole.
        compared: Arguments whose values are compared with the column's.
    """

    required: Mapping[str, Reader]
    optional: Mapping[str, Reader]
    families: tuple[str, ...] = ANY
    row_local: bool = False
    compared: tuple[str, ...] = ()

    @property
    def arguments(self) -> Mapping[str, Reader]:
        """All of them."""
        return {**self.required, **self.optional}

    def read(self, kwargs: Any, subject: str) -> dict[str, Any]:
        """The arguments, each read by its reader.

        Raises:
            ContractError: One is missing, unknown, or not as its reader expects.
        """
        if not isinstance(kwargs, dict) or not self.required.keys() <= kwargs.keys() <= self.arguments.keys():
            names = ", ".join(sorted(self.arguments))
            raise ContractError(f"{subject}: only the arguments {names} expected")
        found = {name: self.arguments[name](value, f"{subject}: {name}") for name, value in kwargs.items()}
        if "max_value" in self.optional:
            arguments.check_bounds(found.get("min_value"), found.get("max_value"), f"{subject}: min_value, max_value")
        if "column_A" in found and found["column_A"] == found["column_B"]:
            raise ContractError(f"{subject}: two different columns expected")
        if "partition_object" in found:
            arguments.check_holdouts(found, subject)
        return found


_CONDITION: Mapping[str, Reader] = {"row_condition": arguments.row_condition}
_MOSTLY: Mapping[str, Reader] = {"mostly": arguments.mostly, **_CONDITION}
_STRICT: Mapping[str, Reader] = {"strict_min": arguments.flag, "strict_max": arguments.flag}
_COLUMN: Mapping[str, Reader] = {"column": arguments.column}
_PAIR: Mapping[str, Reader] = {"column_A": arguments.column, "column_B": arguments.column}
_PAIR_IGNORES: Mapping[str, Reader] = {
    "ignore_row_if": arguments.one_of("both_values_are_missing", "either_value_is_missing", "neither"),
    **_MOSTLY,
}
# Great Expectations drops the row_condition of pairs in a set without a word, so none is taken there
_SET_IGNORES = {name: reader for name, reader in _PAIR_IGNORES.items() if name != "row_condition"}
_RECORD_IGNORES: Mapping[str, Reader] = {
    "ignore_row_if": arguments.one_of("all_values_are_missing", "any_value_is_missing", "never"),
    **_MOSTLY,
}


def _range(reader: Reader) -> Mapping[str, Reader]:
    return {"min_value": reader, "max_value": reader, **_STRICT}


def _values(families: tuple[str, ...] = ANY, compared: str = "", optional: Mapping[str, Reader] | None = None,
            **required: Reader) -> Kind:  # fmt: skip
    """Each value of a column by itself."""
    return Kind({**_COLUMN, **required}, {**(optional or {}), **_MOSTLY}, families, True, tuple(compared.split()))


def _whole(families: tuple[str, ...] = ANY, compared: str = "", optional: Mapping[str, Reader] | None = None,
           **required: Reader) -> Kind:  # fmt: skip
    """A column as a whole."""
    return Kind({**_COLUMN, **required}, {**(optional or {}), **_CONDITION}, families, False, tuple(compared.split()))


_SETS = (NUMBER, TEXT, BOOLEAN)
_MEASURE = _whole((NUMBER,), "min_value max_value", _range(arguments.numeric_bound))
_EXTREME = _whole((NUMBER, DATE), "min_value max_value", _range(arguments.bound))
_SHARE = _whole(ANY, "", _range(arguments.share_bound))

SUPPORTED: Mapping[str, Kind] = {
    # each value
    "expect_column_values_to_not_be_null": _values(),
    "expect_column_values_to_be_null": _values(),
    "expect_column_values_to_be_between": _values((NUMBER, DATE), "min_value max_value", _range(arguments.bound)),
    "expect_column_values_to_be_in_set": _values(_SETS, "value_set", value_set=arguments.value_set),
    "expect_column_values_to_not_be_in_set": _values(_SETS, "value_set", value_set=arguments.value_set),
    "expect_column_values_to_match_regex": _values((TEXT,), regex=arguments.regex),
    "expect_column_values_to_not_match_regex": _values((TEXT,), regex=arguments.regex),
    "expect_column_values_to_match_regex_list": _values(
        (TEXT,), "", {"match_on": arguments.one_of("any", "all")}, regex_list=arguments.regexes
    ),
    "expect_column_values_to_not_match_regex_list": _values((TEXT,), regex_list=arguments.regexes),
    "expect_column_value_lengths_to_be_between": _values((TEXT,), "", _range(arguments.count_bound)),
    "expect_column_value_lengths_to_equal": _values((TEXT,), value=arguments.count),
    "expect_column_values_to_match_strftime_format": _values((TEXT,), strftime_format=arguments.strftime_format),
    "expect_column_values_to_be_json_parseable": _values((TEXT,)),
    # each pair and each record
    "expect_column_pair_values_a_to_be_greater_than_b": Kind(
        _PAIR, {"or_equal": arguments.flag, **_PAIR_IGNORES}, (NUMBER, TEXT, DATE), row_local=True
    ),
    "expect_column_pair_values_to_be_equal": Kind(_PAIR, _PAIR_IGNORES, row_local=True),
    "expect_column_pair_values_to_be_in_set": Kind(
        {**_PAIR, "value_pairs_set": arguments.value_pairs}, _SET_IGNORES, _SETS, row_local=True
    ),
    "expect_multicolumn_sum_to_equal": Kind(
        {"column_list": arguments.columns(2, 7), "sum_total": arguments.number},
        _RECORD_IGNORES,
        (NUMBER,),
        row_local=True,
    ),
    "expect_multicolumn_values_to_be_equal": Kind(
        {"column_list": arguments.columns(2, 50)}, _RECORD_IGNORES, row_local=True
    ),
    "expect_select_column_values_to_be_unique_within_record": Kind(
        {"column_list": arguments.columns(2, 10)}, _RECORD_IGNORES, (NUMBER, TEXT), row_local=True
    ),
    # values against all others
    "expect_column_values_to_be_unique": Kind(_COLUMN, _MOSTLY),
    "expect_compound_columns_to_be_unique": Kind({"column_list": arguments.columns(2, 50)}, _RECORD_IGNORES),
    "expect_column_value_z_scores_to_be_less_than": Kind(
        {**_COLUMN, "threshold": arguments.number, "double_sided": arguments.flag}, _MOSTLY, (NUMBER,)
    ),
    "expect_column_values_to_not_be_outliers": Kind(
        _COLUMN,
        {"method": arguments.one_of("iqr", "std"), "multiplier": arguments.at_least_zero, **_MOSTLY},
        (NUMBER,),
    ),
    # a column as a whole
    "expect_column_mean_to_be_between": _MEASURE,
    "expect_column_median_to_be_between": _MEASURE,
    "expect_column_stdev_to_be_between": _MEASURE,
    "expect_column_sum_to_be_between": _MEASURE,
    "expect_column_min_to_be_between": _EXTREME,
    "expect_column_max_to_be_between": _EXTREME,
    "expect_column_unique_value_count_to_be_between": _whole(ANY, "", _range(arguments.count_bound)),
    "expect_column_proportion_of_unique_values_to_be_between": _SHARE,
    "expect_column_proportion_of_non_null_values_to_be_between": _SHARE,
    "expect_column_most_common_value_to_be_in_set": _whole(
        _SETS, "value_set", {"ties_okay": arguments.flag}, value_set=arguments.value_set
    ),
    "expect_column_distinct_values_to_be_in_set": _whole(_SETS, "value_set", value_set=arguments.value_set),
    "expect_column_distinct_values_to_contain_set": _whole(_SETS, "value_set", value_set=arguments.value_set),
    "expect_column_distinct_values_to_equal_set": _whole(_SETS, "value_set", value_set=arguments.value_set),
    "expect_column_quantile_values_to_be_between": _whole(
        (NUMBER,),
        "",
        {"allow_relative_error": arguments.one_of("linear", "lower", "higher", "midpoint", "nearest")},
        quantile_ranges=arguments.quantile_ranges,
    ),
    "expect_column_kl_divergence_to_be_less_than": _whole(
        (NUMBER, TEXT),
        "",
        {"tail_weight_holdout": arguments.share, "internal_weight_holdout": arguments.share},
        partition_object=arguments.partition,
        threshold=arguments.at_least_zero,
    ),
    # the table
    "expect_table_row_count_to_be_between": Kind({}, {**_range(arguments.count_bound), **_CONDITION}),
    "expect_table_row_count_to_equal": Kind({"value": arguments.count}, _CONDITION),
    "expect_table_column_count_to_be_between": Kind(
        {}, {"min_value": arguments.count_bound, "max_value": arguments.count_bound}
    ),
    "expect_table_column_count_to_equal": Kind({"value": arguments.count}, {}),
    "expect_table_columns_to_match_ordered_list": Kind({"column_list": arguments.columns(1, 10_000)}, {}),
    "expect_table_columns_to_match_set": Kind(
        {"column_set": arguments.columns(1, 10_000)}, {"exact_match": arguments.flag}
    ),
    "expect_column_to_exist": Kind(_COLUMN, {"column_index": arguments.index}),
}
