"""A draft as the two files that a person reviews: every default with a comment that says why it is so."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hardline.tasks.core.drafting.notes import BUDGET
from hardline.tasks.core.inputs import OTHER

if TYPE_CHECKING:
    from hardline.tasks.core.drafting.choices import Draft, Proposal

_LOGICAL = {"number": "number", "integer": "integer", "boolean": "boolean", "date": "date"}


def contract_text(draft: Draft) -> str:
    """`contract.odcs.yaml`."""
    return "\n".join([*_head(draft), *(line for column in draft.columns for line in _column(column))]) + "\n"


def _head(draft: Draft) -> Iterator[str]:
    label = draft.label_column
    yield f"# A draft, made from {draft.rows:,} rows. Review every line: once accepted it decides what trains, and it is public."
    yield "# The numbers are from these rows, rounded outwards; what is possible in the world is for you to say."
    yield "apiVersion: v3.0.2"
    yield "kind: DataContract"
    yield f"id: {draft.name}"
    yield f"name: {draft.name}"
    yield "version: 0.1.0"
    yield "status: draft"
    yield "description:"
    yield f"  purpose: {_quoted(f'Predict {draft.label}.')}   # say what for"
    yield "customProperties:"
    yield "  - property: label"
    yield f"    value: {_quoted(draft.label)}"
    yield "  - property: split            # by a keyed digest of the whole row; `by: COLUMN` keeps the rows of one person together"
    yield "    value: {train: 70}"
    yield "  - property: visibility       # public, confidential or restricted; models of data that is not public are sealed"
    yield "    value: confidential"
    yield "  - property: quarantine       # rows that fail are put aside, up to both limits; more refuses the source"
    yield f"    value: {{percent: {BUDGET}, rows: {max(1, math.ceil(draft.rows * BUDGET / 100))}}}"
    yield "  - property: source           # never guessed: another format is refused"
    yield f"    value: {{format: csv, compression: {draft.compression}}}"
    yield "  - property: csv              # blanks around cells are cut; these spellings are missing cells, in every column"
    nulls = ", ".join(_quoted(text) for text in draft.null_values)
    yield (
        f"    value: {{delimiter: {_quoted(draft.delimiter)}, decimal: {_quoted(draft.decimal)}, trim: true,"
        f" nullValues: [{nulls}]}}"
    )
    yield "  - property: floors           # chance, and nothing: raise both to what a model must reach to be released"
    yield f"    value: {{clean: {_decimal(Decimal(round(1 / len(label.levels), 2)).quantize(Decimal('0.01')))}, robust: 0}}"
    yield "  - property: threat           # the attacker: linf = each feature by its epsilon; evades = whose rows want another class"
    yield "    value:"
    yield "      norm: linf"
    yield f"      evades: [{', '.join(_quoted(level) for level in label.levels)}]"
    yield "      relations: []            # what stays true whatever an attacker does: {sum: {a: 1, b: -1}, atLeast: 0}"
    yield "schema:"
    yield "  - name: rows"
    yield "    properties:"


def _column(column: Proposal) -> Iterator[str]:
    yield f"      - name: {_quoted(column.name)}"
    yield f"        description: {_quoted('')}   # {_comment(column.why)}"
    yield f"        logicalType: {_LOGICAL.get(column.type, 'string')}"
    yield f"        required: {'true' if column.required else 'false'}{_share(column)}"
    yield "        customProperties:"
    if column.type in ("category", "text"):
        yield f"          - {{property: type, value: {column.type}}}"
    if column.group != "features":
        yield f"          - {{property: group, value: {column.group}}}{_GROUP.get(column.group, '')}"
    if column.levels:
        levels = ", ".join(_quoted(level) for level in column.levels)
        yield f"          - {{property: levels, value: [{levels}]}}{_rare(column)}"
    if column.scale is None:
        return
    if column.valid is not None:
        yield f"          - {{property: valid, value: {_pair(column.valid)}}}   # impossible outside: such rows are put aside"
        yield f"          - {{property: scale, value: {_pair(column.scale)}}}   # 0 and 1 for the net; outside is clipped"
        yield "          - {property: epsilon, value: 0.05}   # how far an attacker moves it, in units of the scale"
    else:
        yield f"          - {{property: scale, value: {_pair(column.scale)}}}"
        yield "          - {property: immutable, value: true}   # nobody moves it; say otherwise if somebody can"
    if column.fill is not None:
        yield f"          - {{property: fill, value: {_decimal(column.fill)}}}   # the median, for the net; that it was missing is an input too"


_GROUP = {
    "identifiers": "   # sealed under a key of its own, for the steward; put it into features if it is one",
    "ignored": "   # read, and not kept",
}


def suite_text(draft: Draft) -> str:
    """`suite.json`."""
    lines = ",\n".join(f"  {json.dumps(item, ensure_ascii=False)}" for item in _expectations(draft))
    meta = json.dumps({"great_expectations_version": "1.24.1"})
    return f'{{"name": {json.dumps(draft.name)}, "meta": {meta}, "expectations": [\n{lines}\n]}}\n'


def _expectations(draft: Draft) -> Iterator[dict[str, Any]]:
    names = [column.name for column in draft.columns]
    yield _rule(
        "expect_table_columns_to_match_ordered_list", "The columns that were reviewed, and no other.", column_list=names
    )
    half = max(1, draft.rows // 2)
    yield _rule(
        "expect_table_row_count_to_be_between",
        f"The draft was made from {draft.rows:,} rows; less than half of them is another export.",
        min_value=half,
    )
    for column in draft.columns:
        if column.group in ("features", "label"):
            yield from _of_column(column)


def _of_column(column: Proposal) -> Iterator[dict[str, Any]]:
    name = column.name
    if column.required:
        yield _rule("expect_column_values_to_not_be_null", "It was given in every row.", column=name)
    else:
        present = max(0.01, math.floor(100 * (1 - 2 * column.missing)) / 100)
        reason = f"It was missing in {100 * column.missing:.1f} % of the rows; much more is a broken export."
        yield _rule("expect_column_values_to_not_be_null", reason, column=name, mostly=present)
    if column.valid is not None:
        low, high = (_plain(number) for number in column.valid)
        reason = "Impossible outside; also a unit or an export error."
        yield _rule("expect_column_values_to_be_between", reason, column=name, min_value=low, max_value=high)
        assert column.scale is not None
        low, high = (_plain(number) for number in column.scale)
        reason = "A mean outside the range of most values is another population or another unit."
        yield _rule("expect_column_mean_to_be_between", reason, column=name, min_value=low, max_value=high)
    elif column.type == "boolean":
        reason = "Both values occurred; one alone is a broken export."
        yield _rule("expect_column_unique_value_count_to_be_between", reason, column=name, min_value=2, max_value=2)
    elif column.levels:
        known = [level for level in column.levels if level != OTHER]
        if column.group == "label":
            reason = "Every class occurred; one that is missing cannot be learned."
            yield _rule("expect_column_distinct_values_to_contain_set", reason, column=name, value_set=known)
        if OTHER in column.levels:
            listed = max(0.01, math.floor(100 * (1 - 2 * (1 - column.listed)) - 2) / 100)
            reason = f"{100 * column.listed:.1f} % of the values were of a listed level; far fewer is another source."
            yield _rule("expect_column_values_to_be_in_set", reason, column=name, value_set=known, mostly=listed)
        else:
            yield _rule(
                "expect_column_values_to_be_in_set", "The classes that were reviewed.", column=name, value_set=known
            )


def _rule(type_: str, reason: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": type_, "kwargs": kwargs, "meta": {"reason": reason}}


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _pair(numbers: tuple[Decimal, Decimal]) -> str:
    return f"[{_decimal(numbers[0])}, {_decimal(numbers[1])}]"


def _decimal(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"


def _plain(number: Decimal) -> int | float:
    """As a suite takes it: whole numbers up to 2^53 as such."""
    whole = number == number.to_integral_value() and abs(number) <= 1 << 53
    return int(number) if whole else float(number)


def _share(column: Proposal) -> str:
    return "" if column.required or not column.missing else f"   # {100 * column.missing:.1f} % were missing"


def _rare(column: Proposal) -> str:
    if OTHER not in column.levels:
        return ""
    return f"   # seen at least ten times, {100 * column.listed:.1f} % of the rows; {OTHER} is every other value"
