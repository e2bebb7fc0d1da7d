"""A gradient-free attacker that stays within a contract.

It asks a model for probabilities and nothing else, so it neither needs gradients nor is fooled by masked ones; it works on
trees as on nets. It shares no code with the trainer: of ours it knows the contract's type alone.

Per round and row it tries four kinds of moves from the best point so far: one feature to an end of its range, a random block
of features to their ends (Andriushchenko et al. 2020, for images), the ends that earlier answers speak for (a
slope regressed on the queries themselves, as in Ilyas et al. 2018), and a blend of such ends with the point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hardline.tasks.core.contract import Contract

Rows = NDArray[np.float32]
Mask = NDArray[np.bool_]
Predict = Callable[[Rows], NDArray[np.float64]]  # raw [N, F] -> probabilities or logits [N, K]

# float32 holds about 7 digits: a relation may be missed by this share of the size of its terms, for rounding alone.
ROUNDING = 1e-6
_BLOCK = 512  # rows that are searched side by side, which bounds memory
_TRIES = 20  # proposals for a row in one round
_CYCLES = 12  # of alternating projections


class Permitted:
    """The set that an attacker may reach from each row: a box, linear relations, and whole numbers in some columns.

    The box holds the epsilon ball in raw units, directions, immutable columns (a point), the valid ranges, and nothing but
    the row itself where its class is not attackable. A limit or relation that a row breaks already need not be
    mended, and must not be broken further, so the row itself is always permitted.
    """

    def __init__(self, contract: Contract, x: Rows, y: NDArray[np.int64]) -> None:
        """Args:
        contract: The threat model, the scales and the ranges.
        x: The rows as they are, raw units [N, F], finite.
        y: Their classes [N].
        """
        columns = contract.feature_columns
        self.origin = np.ascontiguousarray(x, dtype=np.float32)
        origin = self.origin.astype(np.float64)
        radius = np.array(
            [0.0 if c.immutable or not c.scale else float(c.epsilon * (c.scale[1] - c.scale[0])) for c in columns]
        )
        down = radius * [c.direction != "increase" for c in columns]
        up = radius * [c.direction != "decrease" for c in columns]
        attacked = np.isin(y, list(contract.threat.attackable))[:, None]
        valid = np.array([c.valid or (-np.inf, np.inf) for c in columns], dtype=np.float64)
        valid = np.where([[c.type == "boolean"] for c in columns], [0.0, 1.0], valid)
        low = np.minimum(np.maximum(origin - attacked * down, valid[:, 0]), origin)
        high = np.maximum(np.minimum(origin + attacked * up, valid[:, 1]), origin)
        self._whole = np.array([c.type in ("integer", "boolean") for c in columns])
        self.low, self.high = _inward(low, high, self._whole & (origin == np.round(origin)), self.origin)
        named = {column.name: position for position, column in enumerate(columns)}
        self._normals = np.zeros((len(contract.threat.relations), len(columns)))
        for number, relation in enumerate(contract.threat.relations):
            for name, coefficient in relation.terms:
                self._normals[number, named[name]] += float(coefficient)
        offsets = np.array([float(relation.lower) for relation in contract.threat.relations])
        self._need = np.minimum(origin @ self._normals.T, offsets)

    def take(self, rows: NDArray[np.intp]) -> Permitted:
        """The set for some of the rows; one may be named several times."""
        part = object.__new__(Permitted)
        part.origin, part.low, part.high = self.origin[rows], self.low[rows], self.high[rows]
        part._whole, part._normals, part._need = self._whole, self._normals, self._need[rows]
        return part

    @property
    def movable(self) -> Mask:
        """Which values an attacker can move at all, [N, F]."""
        return self.low < self.high

    def holds(self, points: Rows) -> Mask:
        """Which points [N, F] are permitted, bool [N]."""
        inside = ((points >= self.low) & (points <= self.high)).all(1)
        fixed = (points == np.round(points)) | (points == self.origin) | ~self._whole
        return inside & fixed.all(1) & self._related(points)

    def repair(self, points: NDArray[np.floating]) -> Rows:
        """A permitted point near each of the points [N, F], whatever they are."""
        wanted = np.where(np.isfinite(points), points, self.origin)
        found = self._round(self._project(np.clip(wanted, self.low, self.high)))
        for _ in range(2):  # box and relations are convex and hold the origin: the way back to it leads inside
            lost = ~self.holds(found)
            if not lost.any():
                return found
            found[lost] = self.take(np.flatnonzero(lost))._retreat(found[lost])
        lost = ~self.holds(found)
        found[lost] = self.origin[lost]
        return found

    def _related(self, points: Rows) -> Mask:
        wide = points.astype(np.float64)
        slack = wide @ self._normals.T - self._need + ROUNDING * (np.abs(wide) @ np.abs(self._normals).T)
        return (slack >= 0).all(1)

    def _project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Alternating projections onto box and relations, in units of each row's box."""
        if not len(self._normals):
            return points
        room = (self.high.astype(np.float64) - self.low) ** 2
        weight = room @ (self._normals**2).T + 1e-300
        for _ in range(_CYCLES):
            lack = np.maximum(self._need - points @ self._normals.T, 0.0)
            if not lack.any():
                break
            points = np.clip(points + (lack / weight) @ self._normals * room, self.low, self.high)
        return points

    def _round(self, points: NDArray[np.float64]) -> Rows:
        """To float32, and to whole numbers where the column has them."""
        if self._whole.any():
            points = np.where(self._whole & (points != self.origin), np.round(points), points)
        return np.clip(points.astype(np.float32), self.low, self.high)

    def _retreat(self, points: Rows) -> Rows:
        """Towards the origin, as far as the worst relation asks, and a little further."""
        there = points @ self._normals.T - self._need
        here = self.origin @ self._normals.T - self._need
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(there < 0, here / (here - there), 1.0).min(1, initial=1.0)
        share = np.clip(np.nan_to_num(share, nan=0.0), 0.0, 1.0)[:, None] * (1.0 - 1e-4)
        return self._round(self.origin + share * (points.astype(np.float64) - self.origin))


@dataclass(frozen=True, repr=False)
class Found:
    """What a search came back with.

    Attributes:
        rows: The worst permitted point of each row, raw units [N, F].
        success: Where the model is wrong about it, bool [N]; where it was wrong from the start, the row is unchanged.
        queries: Number of rows that the model was asked about.
    """

    rows: Rows
    success: Mask
    queries: int


def search(
    predict: Predict,
    x: Rows,
    y: NDArray[np.int64],
    contract: Contract,
    *,
    seed: int,
    queries: int = 1000,
    starts: Sequence[NDArray[np.floating]] = (),
) -> Found:
    """Look for permitted rows that the model gets wrong.

    Args:
        predict: The model; a higher value means a likelier class. Log-probabilities or logits guide the search best.
        x: Rows in raw units [N, F].
        y: Their true classes [N].
        contract: What is permitted.
        seed: Of the proposals.
        queries: How often the model may be asked about one row, at most.
        starts: Other attackers' points [N, F]; each is repaired into the permitted set first.
    """
    rows, success, asked = [np.empty((0, x.shape[1]), np.float32)], [np.empty(0, np.bool_)], 0
    for number, start in enumerate(range(0, len(x), _BLOCK)):
        part = slice(start, start + _BLOCK)
        permitted = Permitted(contract, x[part], y[part])
        block = _Block(predict, permitted, y[part], np.random.default_rng([seed, number]))
        block.search(queries, [points[part] for points in starts])
        rows.append(block.best)
        success.append(block.margin >= 0)
        asked += block.asked
    return Found(np.concatenate(rows), np.concatenate(success), asked)


def margin(scores: NDArray[np.float64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Best wrong score minus true score, [N]; a tie or a score that is no number is the model's mistake."""
    scores = np.array(scores, dtype=np.float64)
    index = np.arange(len(scores))
    true = scores[index, y]
    scores[index, y] = -np.inf
    result = scores.max(1) - true
    return np.where(np.isnan(result), np.inf, result)


class _Block:
    """Some rows that are searched side by side."""

    def __init__(
        self, predict: Predict, permitted: Permitted, y: NDArray[np.int64], random: np.random.Generator
    ) -> None:
        self._predict, self._permitted, self._y, self._random = predict, permitted, y, random
        self.best = permitted.origin.copy()
        self.margin = margin(predict(self.best), y)
        self.asked = len(self.best)
        self._slope = np.zeros(self.best.shape)

    def search(self, queries: int, starts: Sequence[NDArray[np.floating]]) -> None:
        for points in starts:
            self._offer(np.arange(len(self.best)), self._permitted.repair(points)[:, None])
        rounds = max((queries - 1 - len(starts)) // _TRIES, 0)
        for number in range(rounds):
            active = np.flatnonzero((self.margin < 0) & self._permitted.movable.any(1))
            if not len(active):
                return
            self._offer(active, self._propose(active, number / rounds))

    def _propose(self, active: NDArray[np.intp], time: float) -> NDArray[np.float32]:
        """Permitted points to try, [A, T, F]."""
        shape = (len(active), _TRIES, self.best.shape[1])
        sets = self._permitted.take(np.repeat(active, _TRIES))
        low, high = sets.low.reshape(shape), sets.high.reshape(shape)
        now = np.broadcast_to(self.best[active][:, None], shape)
        draw = self._random.random
        chance = np.where(high > low, 0.5, 0.0)
        slope = np.broadcast_to(self._slope[active][:, None], shape)
        kind = np.arange(_TRIES) % 4
        guided = (kind >= 2)[None, :, None] & (slope != 0)
        ends = np.where(np.where(guided, slope > 0, draw(shape) < chance), high, low)
        width = np.where(kind == 1, 0.8 * (1 - time) + 0.08, draw((len(active), _TRIES)) ** 0.5)[..., None]
        mask = draw(shape) < width
        single = self._pick(high > low)
        mask = np.where((kind == 0)[None, :, None], single, mask)
        blend = np.where(kind == 3, draw((len(active), _TRIES)), 1.0)[..., None]
        points = np.where(mask, now + blend * (ends - now), now)
        return sets.repair(points.reshape(-1, shape[2])).reshape(shape)

    def _pick(self, movable: Mask) -> Mask:
        """One movable feature for each proposal, [A, T, F]."""
        chosen = np.where(movable, self._random.random(movable.shape), -1.0).argmax(-1)
        return np.asarray(np.arange(movable.shape[-1]) == chosen[..., None], dtype=np.bool_)

    def _offer(self, rows: NDArray[np.intp], points: NDArray[np.float32]) -> None:
        """Ask the model about [A, T, F], keep what is better, and learn a slope from all answers."""
        tries = points.shape[1]
        flat = points.reshape(-1, points.shape[2])
        answers = margin(self._predict(flat), np.repeat(self._y[rows], tries)).reshape(-1, tries)
        self.asked += len(flat)
        moved = points - self.best[rows][:, None]
        gain = np.nan_to_num(answers - self.margin[rows][:, None], posinf=0.0, neginf=0.0)
        energy = (moved**2).sum(1) + 1e-30
        self._slope[rows] = 0.7 * self._slope[rows] + (gain[..., None] * moved).sum(1) / energy
        winner = answers.argmax(1)
        index = np.arange(len(rows))
        better = answers[index, winner] > self.margin[rows]
        self.best[rows[better]] = points[index, winner][better]
        self.margin[rows[better]] = answers[index, winner][better]


def _inward(
    low: NDArray[np.float64], high: NDArray[np.float64], whole: Mask, origin: Rows
) -> tuple[Rows, Rows]:
    """The limits in float32, rounded into the box, and to whole numbers where the column has them."""
    low, high = np.where(whole, np.ceil(low), low), np.where(whole, np.floor(high), high)
    low32, high32 = low.astype(np.float32), high.astype(np.float32)
    low32 = np.where(low32 < low, np.nextafter(low32, np.float32(np.inf)), low32)
    high32 = np.where(high32 > high, np.nextafter(high32, np.float32(-np.inf)), high32)
    return np.minimum(low32, origin), np.maximum(high32, origin)
