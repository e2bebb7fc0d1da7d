"""A search for permitted adversarial rows that needs no gradients and shares no code with training.

It asks the net for scores only. Each round probes both ends of every feature, combines the better ends, and refines the
result by random sets of features that shrink (the idea of Square, Andriushchenko et al. 2020,
https://arxiv.org/abs/1912.00049). Every row it reports is checked against the contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hardline.tasks.core.inputs import positions

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from hardline.tasks.core.contract import Contract

    Floats = NDArray[np.float64]
    Predict = Callable[[NDArray[np.float32]], NDArray[Any]]  # raw rows [N, F] -> scores [N, K], logits best

_CELLS = 1 << 22  # of one batch of probes: bounds it at 32 MiB of float64
_SWEEPS = 4
_TOLERANCE = 1e-6  # of a feature's scale: room for float32, in which nets take rows


@dataclass(frozen=True)
class Limits:
    """The contract's threat model as float64 arrays in raw units."""

    span: Floats
    down: Floats
    up: Floats
    valid: Floats  # [F, 2]
    whole: NDArray[np.bool_]
    indicator: NDArray[np.int64]  # of each input, where it stands that its value is missing; -1: it never is
    attackable: NDArray[np.bool_]
    relations: Floats  # [R, F]
    bounds: Floats

    @classmethod
    def of(cls, contract: Contract) -> Limits:
        columns = contract.inputs
        span = np.array([float(c.scale[1] - c.scale[0]) for c in columns])
        radius = span * np.array([0.0 if c.immutable else float(c.epsilon) for c in columns])
        place = positions(columns)
        relations = np.zeros((len(contract.threat.relations), len(columns)))
        for row, relation in zip(relations, contract.threat.relations, strict=True):
            for name, coefficient in relation.terms:
                row[place[name]] += float(coefficient)
        attackable = np.zeros(len(contract.classes), dtype=np.bool_)
        attackable[list(contract.threat.attackable)] = True
        infinite = (-np.inf, np.inf)
        return cls(
            span=span,
            down=np.where([c.direction == "increase" for c in columns], 0.0, radius),
            up=np.where([c.direction == "decrease" for c in columns], 0.0, radius),
            valid=np.array([infinite if c.valid is None else (float(c.valid[0]), float(c.valid[1])) for c in columns]),
            whole=np.array([c.whole for c in columns], dtype=np.bool_),
            indicator=np.array([-1 if c.indicator is None else c.indicator for c in columns]),
            attackable=attackable,
            relations=relations,
            bounds=np.array([float(relation.lower) for relation in contract.threat.relations]),
        )

    def box(self, x: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Lower and upper limits of each row [N, F]; a row always lies in its own box."""
        moves = self.attackable[y][:, None] * ~((self.indicator >= 0) & (x[:, self.indicator] > 0.5))  # none to move
        lower = np.maximum(x - self.down * moves, self.valid[:, 0])
        upper = np.minimum(x + self.up * moves, self.valid[:, 1])
        lower = np.where(self.whole, np.ceil(lower - 1e-9), lower)
        upper = np.where(self.whole, np.floor(upper + 1e-9), upper)
        return np.minimum(lower, x), np.maximum(upper, x)

    def repair(self, moved: Floats, x: Floats, lower: Floats, upper: Floats) -> Floats:
        """Near points that keep box and relations; what a few projections do not mend goes back towards its row."""
        moved = np.clip(moved, lower, upper)
        if len(self.bounds):
            kept = x @ self.relations.T
            bounds = np.minimum(self.bounds, kept)
            weight = np.maximum(self.down, self.up) ** 2
            norm = np.maximum((self.relations**2) @ weight, 1e-300)
            for _ in range(_SWEEPS):
                broken = np.maximum(bounds - moved @ self.relations.T, 0.0)
                if not broken.any():
                    break
                moved = np.clip(moved + (broken / norm) @ self.relations * weight, lower, upper)
            fall = kept - moved @ self.relations.T
            room = kept - bounds
            pull = np.divide(room, fall, out=np.ones_like(fall), where=fall > room).min(axis=1, keepdims=True)
            moved = x + (moved - x) * np.clip(pull, 0.0, 1.0)
        whole = self.whole & (upper > lower)
        return np.where(whole, np.clip(np.rint(moved), lower, upper), moved)

    def keeps(self, moved: Floats, x: Floats, y: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each row is permitted, up to float32 rounding: bool [N]."""
        lower, upper = self.box(x, y)
        size = np.abs(np.where(np.isfinite(moved), moved, 0.0)).astype(np.float32)
        grain = 2 * np.spacing(size).astype(np.float64)
        slack = np.where(upper > lower, _TOLERANCE * self.span + grain, 0.0)
        good = (moved >= lower - slack) & (moved <= upper + slack) & np.isfinite(moved)
        good &= ~self.whole | (moved == x) | (moved == np.rint(moved))
        result: NDArray[np.bool_] = np.asarray(good.all(axis=1))
        if len(self.bounds):
            bounds = np.minimum(self.bounds, x @ self.relations.T)
            give = _TOLERANCE * (np.abs(self.relations) @ self.span) + grain @ np.abs(self.relations).T
            finite = np.where(np.isfinite(moved), moved, x)
            result = result & np.asarray((finite @ self.relations.T >= bounds - give).all(axis=1))
        return result


def permitted(
    moved: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.int64], contract: Contract
) -> NDArray[np.bool_]:
    """Whether the contract permits each row of `x` [N, F] to become that of `moved`: bool [N].

    Radius, immutable columns, direction, valid ranges, whole numbers, attackable classes and relations; a relation that
    the clean row breaks must not be broken further. Tolerance: 1e-6 of a feature's scale and two units in the last
    place of float32.
    """
    return Limits.of(contract).keeps(moved.astype(np.float64), x.astype(np.float64), y)


def search(
    predict: Predict, x: NDArray[np.float32], y: NDArray[np.int64], contract: Contract, *, seed: int = 0,
    starts: int = 2, rounds: int = 3, proposals: int = 60,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:  # fmt: skip
    """Look for permitted rows that the net gets wrong.

    Args:
        predict: Raw rows, float32 [N, F], to scores [N, K]; only their order and differences count.
        x: Clean rows, float32 [N, F], raw units.
        y: True class indices, int64 [N].
        contract: The threat model.
        seed: Of the random choices.
        starts: From the clean row, then from random corners of the box.
        rounds: Of probing for each start.
        proposals: After each round.

    Returns:
        The moved rows, float32 [N, F], and where they are wrong and permitted, bool [N]; other rows come back clean.
    """
    limits = Limits.of(contract)
    rng = np.random.default_rng(seed)
    moved, found = x.copy(), np.zeros(len(x), dtype=np.bool_)
    features = x.shape[1]
    size = int(np.clip(_CELLS // (2 * features * features), 1, 512))
    for begin in range(0, len(x), size):
        part = slice(begin, begin + size)
        clean, labels = x[part].astype(np.float64), y[part]
        for start in range(starts):
            left = np.flatnonzero(~found[part] & limits.attackable[labels])
            if not len(left):
                break
            best = _climb(predict, clean[left], labels[left], limits, rng, start > 0, rounds, proposals)
            rows = best.astype(np.float32)
            wrong = np.argmax(predict(rows), axis=1) != labels[left]
            wrong &= limits.keeps(rows.astype(np.float64), clean[left], labels[left])
            hits = begin + left[wrong]
            moved[hits], found[hits] = rows[wrong], True
    return moved, found


def _climb(
    predict: Predict, x: Floats, y: NDArray[np.int64], limits: Limits, rng: np.random.Generator, corner: bool,
    rounds: int, proposals: int,
) -> Floats:  # fmt: skip
    """Lower the margin of each row from one start; returns the best points, float64 [N, F]."""
    lower, upper = limits.box(x, y)
    best = limits.repair(np.where(rng.random(x.shape) < 0.5, lower, upper), x, lower, upper) if corner else x.copy()
    margin = _margin(predict, best, y)
    total = rounds * proposals
    for turn in range(rounds):
        ends = _better_ends(predict, best, y, lower, upper)
        for proposal in range(proposals):
            live = np.flatnonzero(margin >= 0)
            if not len(live):
                return best
            tried = ends[live]
            if proposal:
                share = 0.5 * (1 - (turn * proposals + proposal) / total) + 0.05
                chance = np.where(rng.random(tried.shape) < 0.5, lower[live], upper[live])
                aims = np.where(rng.random(tried.shape) < 0.6, tried, chance)
                tried = np.where(rng.random(tried.shape) < share, aims, best[live])
            tried = limits.repair(tried, x[live], lower[live], upper[live])
            value = _margin(predict, tried, y[live])
            better = value < margin[live]
            best[live[better]] = tried[better]
            margin[live[better]] = value[better]
    return best


def _better_ends(predict: Predict, at: Floats, y: NDArray[np.int64], lower: Floats, upper: Floats) -> Floats:
    """For every feature alone, the end of its range with the lower margin, float64 [N, F]."""
    rows, features = at.shape
    free = np.flatnonzero((upper > lower).any(axis=0))
    if not len(free):
        return at
    probes = np.repeat(at[:, None, None, :], 2, axis=1).repeat(len(free), axis=2)  # [N, end, free feature, F]
    index = np.arange(len(free))
    probes[:, 0, index, free] = lower[:, free]
    probes[:, 1, index, free] = upper[:, free]
    margin = _margin(predict, probes.reshape(-1, features), np.repeat(y, 2 * len(free))).reshape(rows, 2, len(free))
    ends = at.copy()
    ends[:, free] = np.where(
        margin[:, 0] < margin[:, 1],
        lower[:, free],
        np.where(margin[:, 1] < margin[:, 0], upper[:, free], at[:, free]),
    )
    return ends


def _margin(predict: Predict, rows: Floats, y: NDArray[np.int64]) -> Floats:
    """Score of the true class less the best other one, float64 [N]: negative means wrong."""
    scores = np.array(predict(rows.astype(np.float32)), dtype=np.float64)
    index = np.arange(len(y))
    true = scores[index, y]
    scores[index, y] = -np.inf
    result: Floats = true - scores.max(axis=1)
    return result
