"""Drafts of messy tables: what is proposed, and that the two files are accepted as they are."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from hardline.tasks.core.contract import parse_contract
from hardline.tasks.core.drafting.choices import choose
from hardline.tasks.core.drafting.profile import Profile
from hardline.tasks.core.drafting.rounding import outwards
from hardline.tasks.core.drafting.writing import contract_text, suite_text
from hardline.tasks.core.errors import ContractError
from hardline.tasks.core.suite import parse_suite

ROWS = 400
RNG = np.random.default_rng(5)


def draft(label="y", cut=137, delimiter=",", **columns):
    table = pa.table({name: pa.array([str(cell) for cell in cells], pa.string()) for name, cells in columns.items()})
    profile = Profile(table.column_names)
    for batch in table.to_batches(max_chunksize=cut):
        profile.add(batch)
    made = choose(profile, "mine", label, delimiter=delimiter)
    contract, suite = parse_contract(contract_text(made).encode()), parse_suite(suite_text(made).encode())
    suite.check_against(contract)
    return made, contract


LABEL = ["yes", "no", "no", "no"] * (ROWS // 4)
NUMBERS = [f"{value:.3f}" for value in RNG.normal(50, 10, ROWS)]


def column(name, cells):
    commas = any("," in str(cell) for cell in cells)
    made, contract = draft(y=LABEL, n=NUMBERS, delimiter=";" if commas else ",", **{name: cells})
    return next(item for item in made.columns if item.name == name), contract, made


def some(cells, every, text):
    return [text if at % every == 0 else cell for at, cell in enumerate(cells)]


@pytest.mark.parametrize(
    ("cells", "type_", "group"),
    [
        ([at % 50 for at in range(ROWS)], "integer", "features"),
        ([at % 2 for at in range(ROWS)], "boolean", "features"),
        (["True", "False"] * (ROWS // 2), "boolean", "features"),
        ([f"{at % 7:03d}" for at in range(ROWS)], "category", "features"),
        (["a", "b", "c", "d"] * (ROWS // 4), "category", "features"),
        ([f"{at:05d}" for at in range(ROWS)], "text", "identifiers"),
        ([f"2024-01-{at % 28 + 1:02d}" for at in range(ROWS)], "date", "identifiers"),
        ([1000 + at for at in range(ROWS)], "integer", "identifiers"),
        (["the same"] * ROWS, "text", "ignored"),
        ([""] * ROWS, "text", "ignored"),
        ([f"patient number {at} was seen" for at in range(ROWS)], "text", "identifiers"),
        (
            ["a very long remark that goes on and on and says nothing of use " + "ab"[at % 2] for at in range(ROWS)],
            "text",
            "identifiers",
        ),
        ([f" {at % 9} " for at in range(ROWS)], "integer", "features"),
        ([f"{at % 9},5" for at in range(ROWS)], "number", "features"),
        ([f"{at % 9}.5e3" for at in range(ROWS)], "number", "features"),
    ],
)
def test_the_type_and_group_of_a_column(cells, type_, group):
    found, contract, made = column("x", cells)
    assert (found.type, found.group) == (type_, group)
    assert contract.column("x").group == group
    assert (group == "features") == (not any("'x' is no feature" in note for note in made.notes))


@pytest.mark.parametrize("text", ["", "?", "NA", "n/a", "none yet"])
def test_missing_numbers_become_an_indicator_and_the_median(text):
    found, contract, made = column("x", some([150 + at * 7 % 101 for at in range(ROWS)], 5, text))
    assert (found.type, found.group, found.required) == ("integer", "features", False)
    assert found.missing == pytest.approx(0.2)
    assert text in made.null_values and Decimal(150) < found.fill < Decimal(250)
    assert [item.name for item in contract.inputs if item.column == "x"] == ["x", "x?"]


def test_a_word_that_means_something_is_no_missing_cell():
    found, _contract, made = column("x", ["None", "mild", "severe", "NA"] * (ROWS // 4))
    assert found.levels == ("NA", "None", "mild", "severe", "__other__") and found.required
    assert made.null_values == ("",)


def test_rare_levels_are_not_told():
    found, _contract, _ = column("x", ["common"] * (ROWS - 20) + ["often"] * 11 + [f"rare{at}" for at in range(9)])
    assert found.levels == ("common", "often", "__other__")
    assert "zebra" not in contract_text(draft(y=LABEL, n=NUMBERS, x=["common"] * 391 + ["zebra"] * 9)[0])


def test_ranges_are_rounded_outwards():
    found, _contract, _ = column("x", [*np.linspace(0.0123, 98.76, ROWS)])
    assert found.scale == (Decimal("0.012"), Decimal(99))
    assert found.valid[0] <= 0 and found.valid[1] >= 150
    heavy, _, _ = column("x", [*np.linspace(1, 2, ROWS - 1), 1e6])
    assert heavy.scale[1] <= Decimal("2.1") and heavy.valid[1] >= 10**6 and "clips" in heavy.why


@pytest.mark.parametrize(
    ("low", "high", "whole", "expected"),
    [(0.0123, 98.76, False, ("0.012", "99")), (-1.234, 0, False, ("-1.3", "0")), (3, 1234, True, ("3", "1300")),
     (1e-9, 1e12, False, ("1e-9", "1e12")), (-7, -3, True, ("-7", "-3"))],
)  # fmt: skip
def test_two_digits(low, high, whole, expected):
    assert outwards(low, high, whole=whole) == tuple(Decimal(number) for number in expected)


def test_classes_with_few_rows_are_one_class_or_quarantined():
    many = ["a"] * 300 + ["b"] * 80 + ["c"] * 9 + ["d"] * 8 + ["e"] * 3
    _, contract = draft(y=many, n=NUMBERS)
    assert contract.classes == ("a", "b", "__other__")
    few = ["a"] * 300 + ["b"] * 95 + ["c"] * 5
    made, contract = draft(y=few, n=NUMBERS)
    assert contract.classes == ("a", "b") and "5 rows" in made.label_column.why


@pytest.mark.parametrize(
    ("label", "columns", "message"),
    [
        ("z", {"y": LABEL, "n": NUMBERS}, "a column of the source expected"),
        ("n", {"y": LABEL, "n": NUMBERS}, "regression is not supported"),
        ("y", {"y": ["a"] * ROWS, "n": NUMBERS}, "two classes"),
        ("y", {"y": LABEL, "n": ["same"] * ROWS}, "at least one column to learn from"),
        ("y", {"y": ["a"] * (ROWS - 9) + ["b"] * 9, "n": NUMBERS}, "two classes"),
    ],
)
def test_what_cannot_be_drafted_says_why(label, columns, message):
    with pytest.raises(ContractError) as refused:
        draft(label=label, **columns)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "name",
    ["Größe (cm)", 'a "quoted" name', "a: b", "#1", "it's", "x{y}", "- dash", "tab\tno"[:3] + " ok", "?", "名前"],
)
def test_strange_names_of_columns_survive_the_two_files(name):
    _made, contract = draft(y=LABEL, n=NUMBERS, **{name: [at % 50 for at in range(ROWS)]})
    assert name in {item.name for item in contract.columns}


def test_a_cut_changes_nothing_but_samples():
    cells = some([f"{at % 30}" for at in range(ROWS)], 7, "?")
    one, two = draft(cut=ROWS, y=LABEL, x=cells), draft(cut=3, y=LABEL, x=cells)
    assert contract_text(one[0]) == contract_text(two[0]) and suite_text(one[0]) == suite_text(two[0])


def test_decimal_commas_in_a_file_of_commas_are_no_numbers():
    made, _ = draft(y=LABEL, n=NUMBERS, x=[f"{at},5" for at in range(ROWS)])
    assert next(item for item in made.columns if item.name == "x").group == "identifiers"
    assert made.decimal == "." and any("write it with points" in note for note in made.notes)


@pytest.mark.parametrize("size", [2.0**53, 1e16, 1e19, 9e27, 1e29])
@pytest.mark.parametrize("whole", [True, False])
def test_numbers_of_any_size_are_drafted(size, whole):
    cells = [int(size * (at % 90 + 1) / 90) if whole else size * (at % 90 + 1) / 90 for at in range(ROWS)]
    found, contract, _ = column("x", cells)
    assert contract.column("x").group == found.group


def test_values_that_no_contract_can_list_are_left_to_the_others():
    found, contract, _ = column("x", ["li\nne", "plain", "other", "plain"] * (ROWS // 4))
    assert found.levels == ("other", "plain", "__other__")
    with pytest.raises(ContractError, match="printable names"):
        draft(y=["a\nb", "c"] * (ROWS // 2), n=NUMBERS)
    _, contract = draft(y=["__other__"] * 30 + ["a"] * 185 + ["b"] * 180 + ["c"] * 5, n=NUMBERS)
    assert contract.classes == ("a", "b", "__other__")


def test_a_source_that_its_own_draft_would_refuse_is_said():
    made, _ = draft(y=["a", "b", "?", "a"] * (ROWS // 4), n=NUMBERS)
    assert any("will be refused" in note for note in made.notes)
    assert not any("will be refused" in note for note in draft(y=LABEL, n=NUMBERS)[0].notes)
