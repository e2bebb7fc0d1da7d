"""The first engine: a suite compiled to polars, exact over any number of shards, in bounded memory.

Semantics are those of Great Expectations on pandas (docs/formats/suite.md): NaN is a missing value, and a missing value
breaks only what is about missing values. Our invariants refuse both on their own.

    run         one pass over the shards for everything, further passes for the few rules that need them
    rows        a predicate for each row-by-row rule, all in one select
    conditions  row_condition as a predicate
    values      columns as the rules see them: NaN missing, dates and texts as such
    statistics  what is gathered over the shards, shared by the rules that need it
    moments     counts, sums, means, spreads, smallest and largest values
    distinct    how often each value occurs, by keys of its values
    quantiles   exact order statistics by refining histograms
    divergence  Kullback-Leibler against a declared partition
    columns     which statistics a rule about a column needs, and whether it holds
    tables      rules about the header and the number of rows
"""

from hardline.expectations.compiler.run import Outcome, run, version

__all__ = ["Outcome", "run", "version"]
