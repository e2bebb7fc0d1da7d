"""What a net answers to rows: finite logits, and the probabilities that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from hardline.tasks.core.errors import Malformed
from hardline.tasks.hardening.scaling import isolated

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

_BATCH = 8192


def logits(net: nn.Module, rows: NDArray[np.float32], classes: int) -> NDArray[np.float32]:
    """Finite logits, float32 [N, K]; raises `Malformed`."""
    with torch.no_grad():
        parts = [net(part) for part in torch.split(torch.from_numpy(np.ascontiguousarray(rows)), _BATCH)]
    for part in parts:
        if not isinstance(part, torch.Tensor) or part.ndim != 2 or part.shape[1] != classes:
            raise Malformed(f"net: logits [N, {classes}] expected, got something else")
    found = torch.cat(parts).float()
    if len(found) != len(rows) or not bool(torch.isfinite(found).all()):
        raise Malformed("net: finite logits, one row for each, expected, got others")
    return found.numpy()


def probabilities(net: nn.Module, rows: NDArray[np.float32], classes: int) -> NDArray[np.float32]:
    """Softmax of the logits, float32 [N, K], the same on every run of one machine; raises `Malformed`."""
    with isolated(0):
        return torch.softmax(torch.from_numpy(logits(net, rows, classes)), dim=1).numpy()
