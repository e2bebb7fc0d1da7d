"""Finding what is wrong with a block that did not convert: cell by cell, slowly, and exactly."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from hardline.infra.parsers.csv_blocks import records
from hardline.infra.parsers.csv_convert import grammar
from hardline.infra.parsers.refusals import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardline.infra.parsers.csv_blocks import Block
    from hardline.infra.parsers.spec import CsvSpec

_INT64 = range(-(1 << 63), 1 << 63)


def diagnose(block: Block, spec: CsvSpec, order: Sequence[int]) -> Found:
    """The first thing in the block that is not what the specification says."""
    checks = [_check(type_, spec) for _, type_, _ in spec.columns]
    nulls = {text.encode() for text in spec.null_values}
    for line, cells, _ in records(block, spec):
        if len(cells) != len(order):
            return Found("row-length", line=line, got=len(cells))
        for position, (text, quoted) in zip(order, cells, strict=True):
            if len(text) > spec.max_cell_bytes:
                return Found("cell-size", line=line, column=position)
            missing = not quoted and text in nulls
            if not missing and not checks[position](text.decode()):
                return Found("value", line=line, column=position)
    return Found("row-length", line=block.line, got=0)  # Arrow refused what reads well here: refused all the same


def _check(type_: str, spec: CsvSpec) -> Callable[[str], bool]:
    expression = grammar(type_, spec)
    if expression is None:
        return lambda text: True
    spelled = re.compile(expression)
    if type_ == "integer":
        return lambda text: bool(spelled.fullmatch(text)) and len(text) < 1000 and int(text) in _INT64
    if type_ == "date":
        return lambda text: bool(spelled.fullmatch(text)) and _is_date(text)
    return lambda text: bool(spelled.fullmatch(text))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
