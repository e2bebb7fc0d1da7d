"""One pass over the shards for every rule, and further passes for the few whose question depends on an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardline.expectations.compiler.columns import WholeRule, enough, whole_rule
from hardline.expectations.compiler.conditions import check_condition, predicate
from hardline.expectations.compiler.rows import judged
from hardline.expectations.compiler.statistics import Statistic, Statistics, Tally
from hardline.expectations.compiler.tables import table_rule
from hardline.expectations.compiler.values import UndecidedError, family_of, frame_of
from hardline.tasks.core.suite import Expectation, Suite, fits
from hardline.tasks.core.suite_conditions import Condition, leaves

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa
    from numpy.typing import NDArray

Tables = Callable[[], Iterator["pa.Table"]]


@dataclass(frozen=True)
class Outcome:
    """What the passes found.

    Attributes:
        success: By position of the expectation; None where it cannot be decided.
        violations: Rows, by position; None for a rule about the whole.
        mask: Boolean [rows]; true where no rule that quarantines fails.
        undecided: By position, why there is no answer; no value of a cell.
    """

    success: tuple[bool | None, ...]
    violations: tuple[int | None, ...]
    mask: NDArray[np.bool_]
    undecided: Mapping[int, str]


def run(suite: Suite, tables: Tables) -> Outcome:
    """Evaluate every expectation.

    Args:
        suite: What is expected.
        tables: The shards, in order, each time it is called: of one schema; one is in memory at a time.
    """
    import numpy as np

    pass_ = _Pass(suite)
    for table in tables():
        pass_.start(table)
        frame = frame_of(table, pass_.used)
        pass_.rows(frame, table.num_rows)
        pass_.feed(frame)
    while pass_.proceed():
        for table in tables():
            pass_.feed(frame_of(table, pass_.needed))
    mask = np.concatenate(pass_.masks) if pass_.masks else np.zeros(0, dtype=np.bool_)
    success = tuple(pass_.decide(expectation) for expectation in suite.expectations)
    violations = tuple(
        pass_.fails.get(expectation.position) if expectation.row_local else None for expectation in suite.expectations
    )
    return Outcome(success, violations, mask, pass_.undecided)


@dataclass
class _Pass:
    """The state of a run."""

    suite: Suite
    header: tuple[str, ...] | None = None
    total: int = 0
    masks: list[NDArray[np.bool_]] = field(default_factory=list)
    about: dict[int, int] = field(default_factory=dict)
    fails: dict[int, int] = field(default_factory=dict)
    matched: dict[Condition, int] = field(default_factory=dict)
    undecided: dict[int, str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)  # by id of the statistic
    finished: set[int] = field(default_factory=set)
    active: list[Statistic] = field(default_factory=list)
    whole: dict[int, WholeRule] = field(default_factory=dict)
    tallies: dict[int, Tally] = field(default_factory=dict)
    predicates: list[pl.Expr] = field(default_factory=list)
    local: list[Expectation] = field(default_factory=list)

    @property
    def used(self) -> tuple[str, ...]:
        """The columns whose values some rule reads."""
        names = [name for e in self.suite.expectations if e.about_values for name in e.columns]
        names += [leaf.column for e in self.suite.expectations if e.condition for leaf in leaves(e.condition)]
        return tuple(dict.fromkeys(names))

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that this pass reads."""
        return tuple(dict.fromkeys(name for statistic in self.active for name in statistic.reads))

    def start(self, table: pa.Table) -> None:
        """Compile the rules against the first table's columns."""
        if self.header is not None:
            return
        self.header = tuple(table.column_names)
        schema = frame_of(table.slice(0, 0), self.used).schema
        statistics = Statistics(schema)
        for expectation in self.suite.expectations:
            try:
                self._compile(expectation, schema, statistics)
            except UndecidedError as reason:
                self.undecided[expectation.position] = str(reason)
        self.predicates += [
            predicate(condition, schema).alias(f"c{at}") for at, condition in enumerate(self.matched)
        ]  # fmt: skip
        self.active = list(statistics.known.values())

    def _compile(self, expectation: Expectation, schema: pl.Schema, statistics: Statistics) -> None:
        if expectation.condition is not None:
            check_condition(expectation.condition, schema)
            self.matched[expectation.condition] = 0
        if not expectation.about_values:
            return
        families = [family_of(schema.get(name)) for name in expectation.columns]
        if not set(families) <= set(expectation.kind.families):
            raise UndecidedError("a column is missing, or of a type that the expectation does not fit")
        for name, family in zip(expectation.columns, families, strict=True):
            if not all(fits(value, family) for value in expectation.compared(name)):
                raise UndecidedError("a value is of another type than the column")
        at = expectation.position
        if not expectation.row_local:
            self.whole[at] = whole_rule(expectation, statistics)
            return
        about, fails = judged(expectation, schema)
        self.predicates += [about.alias(f"a{at}"), fails.alias(f"f{at}")]
        self.local.append(expectation)
        self.about[at] = self.fails[at] = 0

    def rows(self, frame: pl.DataFrame, rows: int) -> None:
        """Judge each row: every predicate in one select, so that what they share is computed once."""
        import numpy as np
        import polars as pl

        self.total += rows
        bad = np.zeros(rows, dtype=np.bool_)
        if self.predicates:
            found = frame.lazy().select(self.predicates).collect()
            for expectation in self.local:
                at = expectation.position
                self.about[at] += int(found[f"a{at}"].sum())
                self.fails[at] += int(found[f"f{at}"].sum())
            for number, condition in enumerate(self.matched):
                self.matched[condition] += int(found[f"c{number}"].sum())
            failing = [f"f{expectation.position}" for expectation in self.local if expectation.quarantines]
            if failing:
                bad = found.select(pl.any_horizontal(failing)).to_series().to_numpy().astype(np.bool_)
        self.masks.append(~bad)

    def feed(self, frame: pl.DataFrame) -> None:
        """Give a shard to the statistics of this pass."""
        for statistic in list(self.active):
            try:
                statistic.add(frame)
            except UndecidedError as reason:
                self._drop(statistic, reason)

    def proceed(self) -> bool:
        """End a pass; whether another is needed."""
        going = []
        for statistic in list(self.active):
            try:
                if not statistic.finish():
                    going.append(statistic)
                    continue
            except UndecidedError as reason:
                self._drop(statistic, reason)
            self.finished.add(id(statistic))
        for at, rule in self.whole.items():
            if rule.tally is not None and at not in self.tallies and {id(s) for s in rule.needs} <= self.finished:
                self.tallies[at] = rule.tally()
                going.append(self.tallies[at])
        self.active = going
        return bool(going)

    def _drop(self, statistic: Statistic, reason: UndecidedError) -> None:
        self.errors[id(statistic)] = str(reason)
        self.active.remove(statistic)

    def decide(self, expectation: Expectation) -> bool | None:
        """Whether it holds; None, and a reason, where that cannot be said."""
        at = expectation.position
        if at in self.undecided:
            return None
        condition = expectation.condition
        if condition is not None and self.header is not None and not self.matched[condition]:
            self.undecided[at] = "row_condition: no row matches"
            return None
        if self.header is None:
            self.undecided[at] = "no rows and no columns"
            return None
        if not expectation.about_values:
            return table_rule(expectation, self.header, self.total if condition is None else self.matched[condition])
        if expectation.row_local:
            return enough(self.about[at], self.fails[at], expectation.mostly)
        rule = self.whole[at]
        lost = [self.errors[id(statistic)] for statistic in rule.needs if id(statistic) in self.errors]
        if lost:
            self.undecided[at] = lost[0]
            return None
        return rule.holds(self.tallies.get(at))


def version() -> str:
    """The engine's version."""
    import polars as pl

    return pl.__version__
