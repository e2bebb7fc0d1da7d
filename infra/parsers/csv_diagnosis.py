"""Finding what is wrong with a block that did not convert: cell by cell, slowly, and exactly."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from hardline.infra.parsers.csv_blocks import Cell, records
from hardline.infra.parsers.csv_convert import grammar
from hardline.infra.parsers.refusals import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardline.infra.parsers.csv_blocks import Block
    from hardline.infra.parsers.spec import CsvSpec

_INT64 = range(-(1 << 63), 1 << 63)


def columns_of(header: Sequence[Cell], spec: CsvSpec) -> list[int]:
    """For each cell of the header, its column's position in the contract.

    Raises:
        Found: The header does not name exactly the contract's columns, each once. Its other names are reported only
            if it names half of them: otherwise the line may be a row.
    """
    names = [text.decode() for text, _ in header]
    known = {name: position for position, (name, _, _) in enumerate(spec.columns)}
    missing = [position for name, position in known.items() if name not in names]
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if missing or unknown or twice:
        is_header = 2 * len(missing) <= len(known)
        if not is_header:
            twice, unknown = [], []
        raise Found("header", line=1, header=is_header, missing=missing, twice=_some(twice), unknown=_some(unknown))
    return [known[name] for name in names]


def _some(names: list[str]) -> list[str]:
    return [name[:60] for name in names[:100]]


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
