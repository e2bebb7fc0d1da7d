"""Every hostile file through the parser's real process: the right code, a message that helps, and no process left."""

from __future__ import annotations

import os
from pathlib import Path

import hostile
import pytest

from hardline.infra.parsers.errors import ParseRefused
from hardline.infra.parsers.process import parse

CASES = hostile.cases()


def outcome(case: hostile.Case) -> tuple[str, ParseRefused | None, list[dict]]:
    """The code, the refusal, and the rows that were handed out."""
    rows: list[dict] = []
    try:
        for batch in parse(((name, [data]) for name, data in case.files), case.spec):
            rows += batch.to_pylist()
    except ParseRefused as refused:
        return refused.code, refused, rows
    return "ok", None, rows


def test_there_are_many():
    assert len(CASES) >= 150
    assert sum(case.code != "ok" for case in CASES) >= 100


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_hostile_file_is_refused_for_what_it_is(case):
    before = _children()
    code, refused, rows = outcome(case)
    assert code == case.code, refused
    if refused is None:
        assert rows
        return
    assert refused.exit_code == 3 and refused.help and "\n" not in str(refused)
    assert "never says" not in str(refused) and "was stopped" not in str(refused), (
        "the process itself says what is wrong"
    )
    assert _children() <= before


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_what_lying_statistics_hide_is_read():
    case = next(case for case in CASES if case.name == "parquet: lying statistics")
    _, _, rows = outcome(case)
    assert [row["x"] for row in rows] == [0.5, 99.0]


def test_the_message_names_the_property_to_change():
    case = next(case for case in CASES if case.name == "csv: gzip")
    _, refused, _ = outcome(case)
    assert str(refused) == "CSV text expected, got gzip data (set compression: gzip in the contract's property source)"


def test_the_place_is_told_and_no_value():
    case = next(case for case in CASES if case.name == "parquet: a long text")
    _, refused, _ = outcome(case)
    assert (refused.row, refused.column, refused.file) == (2, "t", 0)
    case = next(case for case in CASES if case.name == "csv: second file of another header")
    assert outcome(case)[1].file == 1


def test_blanks_are_trimmed_outside_of_quotes_alone():
    case = next(case for case in CASES if case.name == "csv: blanks in quotes are kept")
    assert outcome(case)[2] == [{"id": 1, "x": 2.0, "t": "a , b "}]
    case = next(case for case in CASES if case.name == "csv: blanks where they are trimmed")
    assert outcome(case)[2] == [{"id": 1, "x": 2.0, "t": "a"}]
