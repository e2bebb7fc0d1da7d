"""30 expectations over generated rows: our compiler, Great Expectations on pandas, and peers where they are installed.

Each contender runs in a process of its own and prints its CPU seconds, wall seconds, peak memory and failing rules; the
parent prints a table. Every contender starts from the same Arrow IPC file, so reading and conversion are counted.

    python benchmarks/validate.py [--rows 1000000] [--write]     --write appends to benchmarks/RESULTS.md
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["POLARS_OOC_DISK_BUDGET_MB"] = "0"  # before polars is imported, as the program does
HERE = Path(__file__).parent
SHARD = 250_000  # rows
NUMBERS = [f"n{at}" for at in range(16)]
REGEX = "^[a-z]{3}-[0-9]{4}\\Z"
LEVELS = ["a", "b", "c", "d"]


def rules() -> list[dict]:
    """30 expectations; those on n0 and code fail on some rows, as planted."""
    column = "expect_column_"
    found = [
        (f"{column}values_to_be_between", {"column": name, "min_value": -6, "max_value": 6}) for name in NUMBERS[:12]
    ]
    found += [(f"{column}values_to_not_be_null", {"column": name}) for name in NUMBERS[12:]]
    found += [
        (f"{column}values_to_be_in_set", {"column": "level", "value_set": LEVELS}),
        (f"{column}values_to_match_regex", {"column": "code", "regex": REGEX}),
        (f"{column}value_lengths_to_equal", {"column": "code", "value": 8}),
        (f"{column}values_to_be_unique", {"column": "id"}),
        (f"{column}pair_values_a_to_be_greater_than_b", {"column_A": "n2", "column_B": "below"}),
        (f"{column}mean_to_be_between", {"column": "n3", "min_value": -0.1, "max_value": 0.1}),
        (f"{column}stdev_to_be_between", {"column": "n4", "min_value": 0.9, "max_value": 1.1}),
        (f"{column}min_to_be_between", {"column": "n5", "min_value": -6}),
        (f"{column}max_to_be_between", {"column": "n6", "max_value": 6}),
        (f"{column}distinct_values_to_equal_set", {"column": "level", "value_set": LEVELS}),
        (f"{column}unique_value_count_to_be_between", {"column": "level", "min_value": 4, "max_value": 4}),
        (f"{column}median_to_be_between", {"column": "n7", "min_value": -0.1, "max_value": 0.1}),
        ("expect_table_row_count_to_be_between", {"min_value": 1}),
        ("expect_table_column_count_to_equal", {"value": 20}),
    ]
    return [{"type": kind, "kwargs": kwargs, "meta": {"reason": "measured"}} for kind, kwargs in found]


SUITE = json.dumps({"name": "measured", "expectations": rules()}).encode()


def write_rows(path: Path, rows: int) -> None:
    """Normal numbers, texts, levels and ids, with a few planted failures, as an Arrow IPC file of shards."""
    import numpy as np
    import pyarrow as pa

    rng, sink = np.random.default_rng(1), None
    ids = rng.permutation(rows)
    with pa.OSFile(str(path), "wb") as file:
        for start in range(0, rows, SHARD):
            size = min(SHARD, rows - start)
            numbers = {name: rng.normal(size=size).clip(-5, 5) for name in NUMBERS}
            numbers["n0"][::50_000] = 99.0
            codes = np.char.add("abc-", np.char.zfill(rng.integers(0, 10_000, size).astype(str), 4))
            codes[::100_000] = "bad code"
            table = pa.table(
                {
                    **numbers,
                    "below": numbers["n2"] - 1.0,
                    "level": np.array(LEVELS)[rng.integers(0, 4, size)],
                    "code": codes,
                    "id": ids[start : start + size],
                }
            )
            sink = sink or pa.ipc.new_file(file, table.schema)
            sink.write_table(table)
        if sink is not None:
            sink.close()


def tables(path: Path) -> Iterator:
    """The shards, each read from the file when it is its turn."""
    import pyarrow as pa

    with pa.OSFile(str(path), "rb") as file:
        reader = pa.ipc.open_file(file)
        for at in range(reader.num_record_batches):
            yield pa.Table.from_batches([reader.get_batch(at)])


def _frame(path: Path) -> Any:
    import polars as pl
    import pyarrow as pa

    return pl.from_arrow(pa.concat_tables(tables(path)))


def hardline(path: Path) -> int:
    """The compiler, with masks."""
    from hardline.expectations import compiler
    from hardline.tasks.core.suite import parse_suite

    outcome = compiler.run(parse_suite(SUITE), lambda: tables(path))
    assert None not in outcome.success
    return outcome.success.count(False)


def great_expectations(path: Path) -> int:
    """Great Expectations on pandas, BOOLEAN_ONLY: no masks."""
    import pyarrow as pa

    from hardline.expectations import run_gx

    said = run_gx.run(SUITE, pa.concat_tables(tables(path)))
    assert None not in said
    return said.count(False)


def pandera(path: Path) -> int:
    """pandera on polars, lazy: gathers failing cases; the same 30 rules."""
    import pandera.polars as pa
    import polars as pl

    frame = _frame(path)

    def whole(holds: Callable) -> pa.Check:
        return pa.Check(lambda data: data.lazyframe.select(holds(pl.col(data.key))))

    columns = {name: pa.Column(float, pa.Check.in_range(-6, 6), nullable=True) for name in NUMBERS[:12]}
    columns |= {name: pa.Column(float, nullable=False) for name in NUMBERS[12:]}
    columns["below"] = pa.Column(float)
    columns["n3"].checks.append(whole(lambda c: c.mean().is_between(-0.1, 0.1)))
    columns["n4"].checks.append(whole(lambda c: c.std().is_between(0.9, 1.1)))
    columns["n5"].checks.append(whole(lambda c: c.min() >= -6))
    columns["n6"].checks.append(whole(lambda c: c.max() <= 6))
    columns["n7"].checks.append(whole(lambda c: c.median().is_between(-0.1, 0.1)))
    level = [pa.Check.isin(LEVELS), whole(lambda c: c.n_unique() == 4), whole(lambda c: c.unique().is_in(LEVELS).all())]
    columns["level"] = pa.Column(str, level, nullable=True)
    code = [pa.Check.str_matches(REGEX.replace("\\Z", "$")), pa.Check.str_length(8, 8)]
    columns["code"] = pa.Column(str, code, nullable=True)
    columns["id"] = pa.Column(int, unique=True)
    pair = pa.Check(lambda data: data.lazyframe.select(pl.col("n2") > pl.col("below")))
    table = pa.Check(lambda data: data.lazyframe.select(pl.len() >= 1))
    schema = pa.DataFrameSchema(columns, checks=[pair, table], strict=True)
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        return len({(case["column"], case["check"]) for case in error.failure_cases.to_dicts()})
    return 0


def dataframely(path: Path) -> int:
    """dataframely: filter into good rows and failures; 21 of the 30, as it has no rules about a whole column but groups."""
    import dataframely as dy
    import polars as pl

    members: dict = {name: dy.Float64(min=-6, max=6, nullable=True) for name in NUMBERS[:12]}
    members |= {name: dy.Float64(nullable=False) for name in NUMBERS[12:]}
    members |= {
        "below": dy.Float64(nullable=True),
        "level": dy.String(nullable=True, check=lambda c: c.is_in(LEVELS)),
        "code": dy.String(nullable=True, regex=REGEX.replace("\\Z", "\\z"), min_length=8, max_length=8),
        "id": dy.Int64(primary_key=True),
        "ordered": dy.rule()(lambda cls: pl.col("n2") > pl.col("below")),
    }
    schema = type("Measured", (dy.Schema,), members)
    _, failure = schema.filter(_frame(path))
    return sum(1 for count in failure.counts().values() if count)


CONTENDERS = (hardline, great_expectations, pandera, dataframely)


def _child(name: str, path: Path) -> None:
    start = time.perf_counter()
    contender = next(c for c in CONTENDERS if c.__name__ == name)
    failed = contender(path)
    used = resource.getrusage(resource.RUSAGE_SELF)
    facts = {
        "cpu": used.ru_utime + used.ru_stime,
        "wall": time.perf_counter() - start,
        "peak": used.ru_maxrss / 1024,
        "failed": failed,
    }
    print(json.dumps(facts))


def _measured(name: str, path: Path) -> dict | None:
    done = subprocess.run(
        [sys.executable, __file__, "--child", name, "--file", str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"{name}: not measured: {done.stderr.strip().splitlines()[-1][:200]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each contender; the least CPU is kept")
    parser.add_argument("--only", nargs="*", default=[c.__name__ for c in CONTENDERS])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--child")
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    if given.child:
        _child(given.child, given.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.arrow"
        write_rows(path, given.rows)
        found = {}
        for name in given.only:
            runs = [run for _ in range(given.repeat) if (run := _measured(name, path))]
            if runs:
                found[name] = min(runs, key=lambda run: run["cpu"])
    lines = [
        f"## validate: {len(rules())} expectations, {given.rows:,} rows, 20 columns",
        "",
        f"    python benchmarks/validate.py {' '.join(item for item in sys.argv[1:] if item != '--write')}".rstrip(),
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; a process for each run, imports",
        f"and reading included; the run of least CPU of {given.repeat}. dataframely has 21 of the 30 rules; Great Expectations",
        "gives no masks. Installed as `make bench-validate` does.",
        "",
        "| engine | CPU s | wall s | peak MB | rules that fail |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {run['cpu']:.2f} | {run['wall']:.2f} | {run['peak']:.0f} | {run['failed']} |"
        for name, run in found.items()
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if given.write:
        results = HERE / "RESULTS.md"
        before = results.read_text() if results.exists() else "# Measurements\n"
        results.write_text(f"{before}\n{text}")


if __name__ == "__main__":
    main()
