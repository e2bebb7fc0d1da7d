"""The gate: invariants, compiler and Great Expectations together decide; any doubt is ERROR, and ERROR trains nothing.

The compiler decides at every size. GX itself runs on every publish: on all rows up to 200,000, above that on a keyed
random sample on which the compiler is run too. Where the two differ, or one cannot say, the verdict is ERROR.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hardline.expectations import compiler, coverage, invariants, run_gx
from hardline.tasks.core.contract import Contract
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
    first = compiler.run(suite, lambda: (table for _, table in shards()))
    mask = own_mask & first.mask
    everything = np.ones(len(mask), dtype=np.bool_)
    agreed = _agreement(suite, suite_bytes, shards, everything, sample_key, first)
    kept, reasons = first, [] if len(mask) else ["no rows"]
    doubts = _doubts(suite, agreed, first, "")
    if not doubts:
        reasons += _over_budget(contract, mask, [*own_rules, *_suite_rules(suite, first)])
        if not reasons and not mask.all():  # what failed is put aside; what stays must hold, in both engines
            kept = compiler.run(suite, lambda: _kept(shards, mask))
            again = _agreement(suite, suite_bytes, shards, mask, sample_key, kept)
            doubts = _doubts(suite, again, kept, " about the accepted rows")
    failing = [e for e, success in zip(suite.expectations, kept.success, strict=True) if success is False]
    warnings = tuple(e.id for e in failing if e.severity == "warning")
    if not reasons and not doubts:
        reasons += _failed("expectations fail", [e.id for e in failing if e.severity == "critical"])
        if contract.warnings == "refuse":
            reasons += _failed("warnings fail, and the contract refuses them", warnings)
        reasons = reasons or coverage.gaps(contract, _kept_by_split(shards, mask))
    decision = "ERROR" if doubts else "REJECT" if reasons else "ACCEPT"
    return Judgement(
        decision=decision,
        mask=mask,
        rules=(*own_rules, *_suite_rules(suite, first)),
        evaluated=sum(agreed),
        engines={"compiler on polars": compiler.version(), "great-expectations": run_gx.version()},
        warnings=warnings,
        reasons=(*reasons, *doubts),
    )


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


def _suite_rules(suite: Suite, outcome: compiler.Outcome) -> list[RuleResult]:
    return [
        RuleResult(
            expectation.id,
            expectation.type,
            expectation.columns[0] if len(expectation.columns) == 1 else "",
            outcome.success[expectation.position] is True,
            outcome.violations[expectation.position],
            expectation.severity,
        )
        for expectation in suite.expectations
    ]


def _agreement(
    suite: Suite,
    suite_bytes: bytes,
    shards: Shards,
    mask: NDArray[np.bool_],
    sample_key: bytes,
    outcome: compiler.Outcome,
) -> list[bool]:
    """By position: whether GX says the same as the compiler about the rows of the mask, or about a sample of them."""
    table = _sampled(shards, mask, sample_key)
    if table is None:
        return [False] * len(suite.expectations)
    whole = table.num_rows == int(mask.sum())
    compiled = outcome if whole else compiler.run(suite, lambda: iter([table]))
    said = run_gx.run(suite_bytes, table)
    return [one is not None and one == other for one, other in zip(said, compiled.success, strict=True)]


def _doubts(suite: Suite, agreed: list[bool], outcome: compiler.Outcome, about: str) -> list[str]:
    """What makes the verdict ERROR: an expectation that the engines do not decide alike, and why, where that is known."""
    if all(agreed):
        return []
    why = [f"{suite.expectations[at].id}: {reason}" for at, reason in sorted(outcome.undecided.items())]
    return [f"the two engines agree on {sum(agreed)} of {len(agreed)} expectations{about}", *why[:5]]


def _over_budget(contract: Contract, mask: NDArray[np.bool_], rules: Sequence[RuleResult]) -> list[str]:
    refused, budget = len(mask) - int(mask.sum()), contract.budget
    if refused <= budget.rows and refused * 100 <= budget.percent * len(mask):
        return []
    worst = sorted((rule for rule in rules if rule.violations), key=lambda rule: -(rule.violations or 0))[:3]
    named = "; ".join(f"{rule.violations:,} by {rule.id}" for rule in worst)
    limits = f"{budget.rows:,} rows and {budget.percent} percent"
    return [f"{refused:,} rows fail, and the contract's budget is {limits}: {named}"]


def _failed(what: str, ids: Sequence[str]) -> list[str]:
    return [f"{len(ids)} {what}: {', '.join(ids[:5])}"] if ids else []


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
