"""The gate: invariants, compiler and Great Expectations together decide; any doubt is ERROR, and ERROR trains nothing.

The compiler decides at every size. GX itself runs on every publish: on all rows up to 200,000, above that on a keyed
random sample on which the compiler is run too. Where the two differ, or one cannot say, the verdict is ERROR.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hardline.expectations import compile_polars, invariants, run_gx
from hardline.tasks.core.arrow_types import elements
from hardline.tasks.core.contract import Contract
from hardline.tasks.core.manifest import SPLITS
from hardline.tasks.core.steps.validate import Judgement, Shards
from hardline.tasks.core.suite import Suite
from hardline.tasks.core.verdict import RuleResult

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

GX_ROWS = 200_000


def judge(contract: Contract, suite: Suite, suite_bytes: bytes, shards: Shards, sample_key: bytes) -> Judgement:
    """Judge every row of a snapshot; see `steps.validate.Judge`."""
    import numpy as np

    own_mask, own_rules = _invariants(contract, shards)
    first = compile_polars.run(suite, (table for _, table in shards()))
    mask = own_mask & first.mask
    reasons = []
    agreed = _agreement(suite, suite_bytes, shards, np.ones(len(mask), dtype=np.bool_), sample_key, first)
    evaluated = sum(agreed)
    rules = [*own_rules, *_suite_rules(suite, first)]
    if not len(mask):
        reasons.append("no rows")
    if evaluated != len(suite.expectations):
        reasons.append(f"the two engines agree on {evaluated} of {len(suite.expectations)} expectations")
        decision = "ERROR"
    else:
        reasons += _refusals(contract, suite, suite_bytes, shards, mask, first, sample_key)
        decision = "REJECT" if reasons else "ACCEPT"
        if any(reason.startswith("the two engines") for reason in reasons):
            decision = "ERROR"
    engines = {"compiler on polars": compile_polars.version(), "great-expectations": run_gx.version()}
    return Judgement(decision, mask, tuple(rules), evaluated, engines, tuple(reasons))


def _invariants(contract: Contract, shards: Shards) -> tuple[NDArray[np.bool_], list[RuleResult]]:
    import numpy as np

    counts: Counter[tuple[str, str]] = Counter()
    masks = []
    for _, table in shards():
        good = np.ones(table.num_rows, dtype=np.bool_)
        for rule, column, failing in invariants.failing_rows(contract, table):
            counts[(rule, column)] += int(failing.sum())
            good &= ~failing
        masks.append(good)
    mask = np.concatenate(masks) if masks else np.zeros(0, dtype=np.bool_)
    rules = [
        RuleResult(f"invariant:{rule}:{column}", f"invariant_{rule}", column, count == 0, count)
        for (rule, column), count in counts.items()
    ]
    return mask, rules


def _suite_rules(suite: Suite, outcome: compile_polars.Outcome) -> list[RuleResult]:
    return [
        RuleResult(
            expectation.id,
            expectation.type,
            expectation.columns[0] if len(expectation.columns) == 1 else "",
            outcome.success[expectation.position],
            outcome.violations[expectation.position],
        )
        for expectation in suite.expectations
    ]


def _agreement(
    suite: Suite,
    suite_bytes: bytes,
    shards: Shards,
    mask: NDArray[np.bool_],
    sample_key: bytes,
    outcome: compile_polars.Outcome,
) -> list[bool]:
    """By position: whether GX says the same as the compiler about the rows of the mask."""
    table = _sampled(shards, mask, sample_key)
    if table is None:
        return [False] * len(suite.expectations)
    whole = table.num_rows == int(mask.sum())
    compiled = outcome if whole else compile_polars.run(suite, [table])
    said = run_gx.run(suite_bytes, table)
    return [one is not None and one == other for one, other in zip(said, compiled.success, strict=True)]


def _refusals(
    contract: Contract,
    suite: Suite,
    suite_bytes: bytes,
    shards: Shards,
    mask: NDArray[np.bool_],
    first: compile_polars.Outcome,
    sample_key: bytes,
) -> list[str]:
    """Why the snapshot is not accepted, or nothing."""
    refused = len(mask) - int(mask.sum())
    budget = contract.budget
    if refused > budget.rows or refused * 100 > budget.percent * len(mask):
        return [
            f"{refused:,} rows fail, and the contract's budget is {budget.rows:,} rows and {budget.percent} percent"
        ]
    kept = first
    if refused:  # what failed is put aside; what stays must hold without exception, in both engines
        kept = compile_polars.run(suite, _kept(shards, mask))
        agreed = _agreement(suite, suite_bytes, shards, mask, sample_key, kept)
        if not all(agreed):
            return [f"the two engines agree on {sum(agreed)} of {len(agreed)} expectations about the accepted rows"]
    failed = [e.id for e, success in zip(suite.expectations, kept.success, strict=True) if not success]
    if failed:
        return [f"{len(failed)} expectations fail: {', '.join(failed[:5])}"]
    return _thin(contract, shards, mask)


def _thin(contract: Contract, shards: Shards, mask: NDArray[np.bool_]) -> list[str]:
    """What no suite asks and no training survives: a split without rows or without a class, a feature that never varies."""
    import pyarrow.compute as pc

    classes: dict[str, set[str]] = {split: set() for split in SPLITS}
    spans: dict[str, tuple[float, float]] = {}
    for split, table in _kept_by_split(shards, mask):
        classes[split].update(pc.unique(table.column(contract.label)).to_pylist())
        for column in contract.feature_columns:
            if table.num_rows:
                bounds = pc.min_max(pc.cast(elements(table.column(column.name)), "float64")).as_py()
                low, high = spans.get(column.name, (bounds["min"], bounds["max"]))
                spans[column.name] = (min(low, bounds["min"]), max(high, bounds["max"]))
    reasons = [
        f"split {split}: rows of all {len(contract.classes)} classes expected, got {len(found)}"
        for split, found in classes.items()
        if found != set(contract.classes)
    ]
    constant = [name for name, (low, high) in spans.items() if low == high]
    if constant:
        reasons.append(f"{len(constant)} features never vary: {', '.join(constant[:5])}")
    return reasons


def _kept(shards: Shards, mask: NDArray[np.bool_]) -> Iterator[pa.Table]:
    return (table for _, table in _kept_by_split(shards, mask))


def _kept_by_split(shards: Shards, mask: NDArray[np.bool_]) -> Iterator[tuple[str, pa.Table]]:
    import pyarrow as pa

    start = 0
    for split, table in shards():
        yield split, table.filter(pa.array(mask[start : start + table.num_rows]))
        start += table.num_rows


def _sampled(shards: Shards, mask: NDArray[np.bool_], key: bytes) -> pa.Table | None:
    """The rows of the mask, or a keyed random sample of 200,000 of them, in order."""
    import numpy as np
    import pyarrow as pa

    rows = np.flatnonzero(mask)
    if len(rows) > GX_ROWS:
        seed = int.from_bytes(hashlib.sha256(b"hardline/sample/v1" + key).digest()[:8], "big")
        rows = np.random.default_rng(seed).choice(rows, GX_ROWS, replace=False)
    wanted = np.zeros(len(mask), dtype=np.bool_)
    wanted[rows] = True
    tables = list(_kept(shards, wanted))
    return pa.concat_tables(tables) if len(rows) else None
