"""AutoAttack as a foreign judge (Croce and Hein 2020, https://arxiv.org/abs/2003.01690), by pyautoattack.

It knows one L-infinity ball in the box [0, 1] and no contract: no immutable column, direction, relation or radius of
one feature. What it finds is therefore mostly outside the contract, and says how a net fares without those promises.
"""

from __future__ import annotations

import logging
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from hardline.tasks.core.errors import Misconfigured
from hardline.tasks.hardening.scaling import scales

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from hardline.tasks.core.contract import Contract

ATTACKS = ("apgd-ce", "fab", "square")
_QUERIES = 1000
_RESTARTS = 2
_FAB_CLASSES = 20


class _Image(nn.Module):
    """A net over rows as a net over one-channel images [N, 1, a, b]: Square and FAB expect four dimensions.

    The cells after the last feature are padding that the net never sees.
    """

    low: Tensor
    span: Tensor

    def __init__(self, net: nn.Module, contract: Contract) -> None:
        super().__init__()
        self.net = net
        ends = torch.tensor([[float(low), float(high)] for low, high in scales(contract)], dtype=torch.float64)
        self.register_buffer("low", ends[:, 0].float())
        self.register_buffer("span", (ends[:, 1] - ends[:, 0]).float())
        self.features = len(ends)
        self.height = max(2, math.isqrt(self.features - 1) + 1)
        self.width = max(2, -(-self.features // self.height))

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.net(self.rows(image))
        return logits.contiguous()  # the attacks write into it, which a constant net's expanded logits do not bear

    def rows(self, image: Tensor) -> Tensor:
        """Raw rows [N, F]."""
        return image.flatten(1)[:, : self.features] * self.span + self.low

    def image(self, x: Tensor) -> Tensor:
        """Scaled and clipped, [N, 1, a, b]."""
        z = ((x - self.low) / self.span).clamp(0.0, 1.0)
        padded = torch.full((len(x), self.height * self.width), 0.5)
        padded[:, : self.features] = z
        return padded.view(len(x), 1, self.height, self.width)


def choose(net: nn.Module, x: NDArray[np.float32], classes: int) -> tuple[str, ...]:
    """The attacks that can judge a net: without gradients Square alone; FAB takes one gradient for each class."""
    if not net(torch.from_numpy(x[:1]).requires_grad_(True)).requires_grad:
        return ("square",)
    return ATTACKS if classes <= _FAB_CLASSES else tuple(name for name in ATTACKS if name != "fab")


def attack(
    net: nn.Module,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    contract: Contract,
    *,
    seed: int,
    attacks: tuple[str, ...] = ATTACKS,
) -> tuple[NDArray[np.float32], int]:
    """Run attacks with the contract's largest radius on every feature.

    Args:
        net: Raw rows to logits.
        x: Clean rows, float32 [N, F], raw units.
        y: Class indices, int64 [N].
        contract: Gives scale and radius.
        attacks: Which, as `choose` says.
        seed: Of the attacks; call it inside `scaling.isolated`, since they draw from torch's global generator.

    Returns:
        The moved rows, float32 [N, F] (the box's own point where nothing was found), and how often AutoAttack warned
        that a defence looks random, dynamic or free of gradients.

    Raises:
        Misconfigured: The extra `assess` is not installed.
    """
    try:
        from pyautoattack import AutoAttack
    except ImportError:
        raise Misconfigured("pyautoattack: expected, not installed", help="pip install 'hardline[assess]'") from None
    image = _Image(net, contract).eval()
    radius = max(float(item.epsilon) for item in contract.inputs)
    with _warnings() as seen:
        attacker = AutoAttack(
            image, attacks=list(attacks), eps=radius, norm="Linf", seed=seed, version="custom", device="cpu"
        )
        attacker.apgd.n_restarts = _RESTARTS
        attacker.fab.n_restarts = _RESTARTS
        attacker.square.n_queries = _QUERIES
        moved, _ = attacker.run_standard_evaluation(
            image.image(torch.from_numpy(x)), torch.from_numpy(y), batch_size=512
        )
    with torch.no_grad():
        return image.rows(moved).numpy().astype(np.float32), len(seen)


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """The warnings of AutoAttack's logger, which is silent meanwhile."""
    seen: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING:
                seen.append(record.levelname)

    logger = logging.getLogger("auto-attack")
    handler, propagate = Keep(), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield seen
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
