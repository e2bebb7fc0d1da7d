"""Measure nets on the test split: right when clean, and right whatever the contract's threat model permits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from hardline.tasks.core.dataset import VerifiedDataset
from hardline.tasks.core.errors import Malformed, UsageError
from hardline.tasks.core.steps.evaluate import Measured
from hardline.tasks.hardening import autoattack, gradient, model_format, search
from hardline.tasks.hardening.fit import check_arrays
from hardline.tasks.hardening.plot import plot
from hardline.tasks.hardening.scaling import clipped, isolated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from hardline.tasks.core.contract import Contract
    from hardline.tasks.core.model_documents import TrainedDocument

    Bools = NDArray[np.bool_]
    Rows = NDArray[np.float32]
    Labels = NDArray[np.int64]
    Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]

NETS = ("standard", "hardened")
ATTACKED_ROWS = 10_000  # the 95 % interval of a share is then at most 2 points wide
_BATCH = 8192
_QUANTILE = 1.959963984540054  # of the normal distribution, two-sided 95 %


def assess(
    data: VerifiedDataset,
    document: TrainedDocument,
    weights: Mapping[str, bytes],
    *,
    nets: Mapping[str, nn.Module] | None = None,
    seed: int = 0,
) -> Measured:
    """Attack each net on the test split.

    Args:
        data: From `open_dataset`, for a role that reads the test split.
        document: The statement of training; its architecture rebuilds a built-in net.
        weights: Net to safetensors; `hardened` is required.
        nets: Modules for an architecture of kind `foreign`; each must hold exactly the recorded weights.
        seed: Of the attackers.

    Raises:
        TypeError: `data` is anything but a `VerifiedDataset`.
        UsageError: There is no hardened net, or a foreign net was not given.
        Malformed: The weights do not fit the architecture, or a net answers with other than finite logits [N, K], or
            with others when asked again.
        DigestMismatch: A given module holds other weights than the recorded ones.
    """
    if type(data) is not VerifiedDataset:
        raise TypeError(f"assess: a VerifiedDataset expected, from hardline.open_dataset; got {type(data).__name__}")
    x, y = data.arrays("test")
    found = rebuild(document.architecture, weights, nets)
    if nets and x.ndim > 2:  # a net of the user's own takes images as `data.tensors` gives them
        found = {name: _Shaped(net, x.shape[1:]) for name, net in found.items()}
    return measure(data.contract, x.reshape(len(x), -1), y, found, seed=seed)


class _Shaped(nn.Module):
    """A net over images as one over flat rows."""

    def __init__(self, net: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.net = net
        self.shape = shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.net(x.reshape(len(x), *self.shape))
        return logits


def rebuild(
    architecture: Mapping[str, Any], weights: Mapping[str, bytes], nets: Mapping[str, nn.Module] | None
) -> dict[str, nn.Module]:
    """The nets that recorded weights belong to; see `assess`."""
    if "hardened" not in weights or weights.keys() - set(NETS):
        raise UsageError(f"weights: hardened, and perhaps standard, expected; got {len(weights)} nets")
    if architecture.get("kind") != model_format.FOREIGN_KIND:
        return {name: model_format.decode_net(weights[name], architecture) for name in NETS if name in weights}
    given = nets or {}
    if given.keys() != weights.keys():
        raise UsageError("nets: a module for each recorded foreign net expected", help="pass nets={'hardened': net}")
    for name, net in given.items():
        model_format.same_net(net, weights[name])
    return {name: given[name] for name in NETS if name in given}


def measure(contract: Contract, x: Rows, y: Labels, nets: Mapping[str, nn.Module], *, seed: int = 0) -> Measured:
    """The numeric part of `assess`: `x` float32 [N, D] in raw units, `y` int64 [N].

    Of a large test split, `ATTACKED_ROWS` rows drawn at random are measured; `rows` and every interval are over these.
    """
    check_arrays(contract, x, y)
    if "hardened" not in nets:
        raise UsageError("nets: hardened expected, got none")
    total = len(y)
    if total > ATTACKED_ROWS:
        drawn = np.sort(np.random.default_rng(seed).choice(total, ATTACKED_ROWS, replace=False))
        x, y = x[drawn], y[drawn]
    metrics = {name: {**_report(net, x, y, contract, seed), "of": total} for name, net in nets.items()}
    return Measured(rows=len(y), metrics=metrics, plot=plot(metrics))


def wilson(right: int, rows: int) -> list[str]:
    """The 95 % score interval of a share (Wilson 1927), as two decimal strings of four digits, rounded outwards."""
    if not 0 <= right <= rows or rows < 1:
        raise ValueError("wilson: 0 <= right <= rows and rows > 0 expected")
    share, square = right / rows, _QUANTILE**2
    centre = (share + square / (2 * rows)) / (1 + square / rows)
    half = _QUANTILE / (1 + square / rows) * math.sqrt(share * (1 - share) / rows + square / (4 * rows * rows))
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return [f"{math.floor(low * 10_000 + 1e-9) / 10_000:.4f}", f"{math.ceil(high * 10_000 - 1e-9) / 10_000:.4f}"]


def _report(net: nn.Module, x: Rows, y: Labels, contract: Contract, seed: int) -> dict[str, Any]:
    """One net under every attacker; a row is robust when it is right clean and under all that the contract permits."""
    modes = {module: module.training for module in net.modules()}  # each its own: a frozen layer stays frozen
    frozen = [parameter.requires_grad for parameter in net.parameters()]
    try:
        net.eval().requires_grad_(False)  # gradients go to the rows only
        with isolated(seed):
            return _attacked(net, x, y, contract, seed)
    finally:
        for module, training in modes.items():
            module.training = training
        for parameter, wanted in zip(net.parameters(), frozen, strict=True):
            parameter.requires_grad_(wanted)


def _attacked(net: nn.Module, x: Rows, y: Labels, contract: Contract, seed: int) -> dict[str, Any]:
    classes = len(contract.classes)

    def predict(rows: Rows) -> NDArray[np.float32]:
        return _logits(net, rows, classes)

    answers = predict(x)
    if not np.allclose(answers, predict(x), rtol=1e-3, atol=1e-5):
        raise Malformed("net: the same logits for the same rows expected, got others: random layers hide weaknesses")
    right = answers.argmax(1) == y
    rows = np.flatnonzero(right)
    robust = right.copy()
    attackers = []

    def judge(name: str, moved: Rows, inside: bool, what: str) -> None:
        """`moved` belongs to `rows`; a permitted attacker's example counts only if the contract permits it."""
        wrong = predict(moved).argmax(1) != y[rows]
        allowed = wrong & search.permitted(moved, x[rows], y[rows], contract)
        robust[rows[allowed]] = False  # also by an attacker that knows no contract, where it happened to keep it
        broken = int((allowed if inside else wrong).sum())
        attackers.append({"name": name, "permitted": inside, "right": len(rows) - broken, "what": what})

    if len(rows):
        clean, labels = x[rows], y[rows]
        if contract.tensor is None:  # of images, AutoAttack's Square is the one without gradients
            judge("search", search.search(predict, clean, labels, contract, seed=seed)[0], True,
                  "gradient-free search inside the contract")  # fmt: skip
        judge("pgd", gradient.climb(net, predict, clean, labels, contract, seed=seed)[0], True,
              f"projected gradient, {gradient.STEPS} steps, {gradient.STARTS} starts, inside the contract")  # fmt: skip
        chosen = autoattack.choose(net, clean, contract)
        moved, flags = autoattack.attack(net, clean, labels, contract, seed=seed, attacks=chosen)
        inside = autoattack.fits(contract)
        where = "standard, inside the contract" if inside and chosen == autoattack.STANDARD else "scaled box"
        judge("autoattack", moved, inside,
              f"{'' if inside else 'unconstrained '}{where}: {', '.join(chosen)}; {flags} warnings")  # fmt: skip
    counts = {"clean": int(right.sum()), "robust": int(robust.sum())}
    return {
        **counts,
        "rows": len(y),
        "interval": {name: wilson(count, len(y)) for name, count in counts.items()},
        "classes": {
            level: {
                "rows": int((y == number).sum()),
                "clean": int(right[y == number].sum()),
                "robust": int(robust[y == number].sum()),
            }
            for number, level in enumerate(contract.classes)
        },
        "attackers": attackers,
        "clipped": clipped(x, contract),
    }


def _logits(net: nn.Module, rows: Rows, classes: int) -> NDArray[np.float32]:
    """Finite logits, float32 [N, K]; raises `Malformed`."""
    with torch.no_grad():
        parts = [net(part) for part in torch.split(torch.from_numpy(np.ascontiguousarray(rows)), _BATCH)]
    for part in parts:
        if not isinstance(part, torch.Tensor) or part.ndim != 2 or part.shape[1] != classes:
            raise Malformed(f"net: logits [N, {classes}] expected, got something else")
    logits = torch.cat(parts).float()
    if len(logits) != len(rows) or not bool(torch.isfinite(logits).all()):
        raise Malformed("net: finite logits, one row for each, expected, got others")
    return logits.numpy()
