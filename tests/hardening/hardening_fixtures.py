"""The threat model of the breast cancer set, as the contract's own types, and its rows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from hardline.tasks.core.contract import (
    Budget,
    Column,
    Contract,
    CsvOptions,
    Floors,
    LinearRelation,
    SplitRule,
    ThreatModel,
)


def category(name: str, *levels: str) -> Column:
    """A category, which no attacker moves."""
    return replace(feature(name), type="category", scale=None, epsilon=Decimal(0), levels=levels)


def feature(name: str, scale: tuple[str, str] = ("0", "1"), **changes: Any) -> Column:
    """A numeric feature that may move by a tenth of its scale."""
    column = Column(
        name=name, type="number", nullable=False, group="features", valid=None,
        scale=(Decimal(scale[0]), Decimal(scale[1])), epsilon=Decimal("0.1"), immutable=False,
        direction="both", levels=(),
    )  # fmt: skip
    return replace(column, **changes)


def contract(features, classes=("malignant", "benign"), attackable=None, relations=()) -> Contract:
    """A contract over these features."""
    label = replace(feature("label"), type="category", group="label", scale=None, levels=tuple(classes))
    return Contract(
        digest="0" * 64, name="diagnosis", version="1.0.0", description="", columns=(*features, label), label="label",
        classes=tuple(classes), split=SplitRule(70, None), visibility="public", budget=Budget(Decimal(0), 0),
        threat=ThreatModel("linf", tuple(range(len(classes)) if attackable is None else attackable), tuple(relations)),
        floors=Floors(Decimal("0.9"), Decimal("0.6")), csv=CsvOptions(",", ("",)),
    )  # fmt: skip


@cache
def diagnosis(seed: int = 0):
    """Contract, train rows (398), train labels, test rows (171), test labels."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    data = load_breast_cancer()
    features = []
    for number, name in enumerate(data.feature_names):
        low, high = data.data[:, number].min(), data.data[:, number].max()
        ends = (f"{low * 0.95:.6f}", f"{high * 1.05:.6f}")
        valid = (Decimal(0), Decimal(ends[1]) * 2)
        features.append(feature(str(name), ends, immutable="error" in str(name), valid=valid))
    pairs = [str(name).removeprefix("mean ") for name in data.feature_names[:10]]
    relations = [
        LinearRelation(((f"worst {name}", Decimal(1)), (f"mean {name}", Decimal(-1))), Decimal(0)) for name in pairs
    ]
    x = data.data.astype(np.float32)
    y = data.target.astype(np.int64)
    split = train_test_split(x, y, test_size=0.3, random_state=seed, stratify=y)
    return contract(features, relations=relations), split[0], split[2], split[1], split[3]
