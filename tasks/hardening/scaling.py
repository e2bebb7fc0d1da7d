"""The contract's scale as the first layer of a net, so that a released net takes raw units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn

from hardline.tasks.core.errors import ContractError

if TYPE_CHECKING:
    from hardline.tasks.core.contract import Column, Contract


class Scaling(nn.Module):
    """Raw units to [0, 1]: `(x - lower) / (upper - lower)`, clipped.

    The limits come from the contract and never from rows, so nothing of the data leaks into them, and one poisoned row
    cannot move them.
    """

    lower: Tensor
    upper: Tensor

    def __init__(self, lower: Tensor, upper: Tensor) -> None:
        """Args:
        lower: Raw value that becomes 0, float32 [F].
        upper: Raw value that becomes 1, float32 [F], above `lower`.
        """
        super().__init__()
        self.register_buffer("lower", lower)
        self.register_buffer("upper", upper)

    @classmethod
    def of(cls, contract: Contract) -> Self:
        """The scaling of a contract's feature columns, in their order.

        Raises:
            ContractError: A column has no scale, or one that does not rise.
        """
        limits = torch.tensor([_limits(column) for column in contract.feature_columns], dtype=torch.float32, device="cpu")
        if limits.numel() == 0:
            raise ContractError("contract: at least one feature column expected, got none")
        if not bool((limits[:, 1] > limits[:, 0]).all()):
            raise ContractError("contract: a scale that rises expected for every feature column")
        return cls(limits[:, 0].clone(), limits[:, 1].clone())

    def forward(self, x: Tensor) -> Tensor:
        """Args:
        x: Raw units, float32 [N, F].

        Returns:
            [N, F] in [0, 1].
        """
        return ((x - self.lower) / (self.upper - self.lower)).clamp(0.0, 1.0)

    def invert(self, z: Tensor) -> Tensor:
        """Raw units of a point of the scaled box, [N, F]; exact only inside the scale."""
        return z * (self.upper - self.lower) + self.lower

    def outside(self, x: Tensor) -> int:
        """How many of the [N, F] values lie outside the scale, and are clipped."""
        return int(((x < self.lower) | (x > self.upper)).sum())


def _limits(column: Column) -> tuple[float, float]:
    if column.scale is None:
        raise ContractError(f"contract: column {column.name!r}: a scale expected for a feature, got none")
    return float(column.scale[0]), float(column.scale[1])
