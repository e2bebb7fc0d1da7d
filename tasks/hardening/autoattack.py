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
STANDARD = ("apgd-ce", "apgd-t", "fab-t", "square")  # the published ensemble; the targeted ones need four classes
_QUERIES = 1000
_RESTARTS = 2
_FAB_CLASSES = 20


class _Image(nn.Module):
    """A net over flat rows as a net over images, scaled to [0, 1]: Square and FAB expect four dimensions.

    Of a table, rows are laid out as one channel [1, a, b], and the cells after the last input are padding that the net
    never sees.
    """

    low: Tensor
    span: Tensor
    whole: Tensor

    def __init__(self, net: nn.Module, contract: Contract) -> None:
        super().__init__()
        self.net = net
        ends = torch.tensor([[float(low), float(high)] for low, high in scales(contract)], dtype=torch.float64)
        self.register_buffer("low", ends[:, 0].float())
        self.register_buffer("span", (ends[:, 1] - ends[:, 0]).float())
        self.inputs = len(contract.inputs)
        height = max(2, math.isqrt(self.inputs - 1) + 1)
        table = (1, height, max(2, -(-self.inputs // height)))
        self.shape = contract.input_shape if len(contract.input_shape) == 3 else table
        whole = [item.whole for item in contract.inputs]
        self.register_buffer("whole", torch.tensor(whole))

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.net(image.flatten(1)[:, : self.inputs] * self.span + self.low)
        return logits.contiguous()  # the attacks write into it, which a constant net's expanded logits do not bear

    def rows(self, image: Tensor) -> Tensor:
        """Raw rows [N, D], with whole numbers where there are no others."""
        raw = image.flatten(1)[:, : self.inputs] * self.span + self.low
        return torch.where(self.whole, raw.round(), raw) if len(self.shape) == 3 and bool(self.whole.all()) else raw

    def image(self, x: Tensor) -> Tensor:
        """Scaled and clipped, [N, C, H, W]."""
        z = ((x - self.low) / self.span).clamp(0.0, 1.0)
        padded = torch.full((len(x), math.prod(self.shape)), 0.5)
        padded[:, : self.inputs] = z
        return padded.view(len(x), *self.shape)


def fits(contract: Contract) -> bool:
    """Whether the one ball of AutoAttack is the contract's threat model: one radius, both directions, no relations."""
    first = contract.inputs[0]
    same = all(
        (item.epsilon, item.immutable, item.direction, item.indicator) == (first.epsilon, False, "both", None)
        for item in contract.inputs
    )
    return contract.tensor is not None and same and not contract.threat.relations


def choose(net: nn.Module, x: NDArray[np.float32], contract: Contract) -> tuple[str, ...]:
    """The attacks that can judge a net: without gradients Square alone; FAB takes one gradient for each class.

    Images of four classes and more get the published ensemble.
    """
    classes = len(contract.classes)
    if not net(torch.from_numpy(x[:1]).requires_grad_(True)).requires_grad:
        return ("square",)
    if contract.tensor is not None and classes >= 4:
        return STANDARD
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
        if attacks == STANDARD:
            attacker = AutoAttack(image, eps=radius, norm="Linf", seed=seed, version="standard", device="cpu")
        else:
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
