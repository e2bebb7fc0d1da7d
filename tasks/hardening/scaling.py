"""From raw units to [0, 1] by the contract's scale, as the first layer of a net."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from hardline.tasks.core.contract import Contract


def scales(contract: Contract) -> tuple[tuple[str, str], ...]:
    """Low and high end of every input's scale in raw units, as decimal strings, in the contract's order.

    Of an image one pair, which is that of each element.
    """
    inputs = contract.inputs if len(contract.input_shape) == 1 else contract.inputs[:1]
    return tuple((str(item.scale[0]), str(item.scale[1])) for item in inputs)


def clipped(x: NDArray[np.float32], contract: Contract) -> int:
    """How many values lie outside their scale, so that the first layer moves them to its end."""
    ends = np.array(scales(contract), dtype=np.float64)
    return int(((x < ends[:, 0]) | (x > ends[:, 1])).sum())


class Scaling(nn.Module):
    """Float32 [N, D] in raw units to float32 [N, D] in [0, 1]: (x - low) / (high - low), clipped.

    With one pair of ends it is the scale of every input.
    """

    low: Tensor
    span: Tensor

    def __init__(self, ends: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        pairs = torch.tensor([[float(low), float(high)] for low, high in ends], dtype=torch.float64)
        self.register_buffer("low", pairs[:, 0].float())
        self.register_buffer("span", (pairs[:, 1] - pairs[:, 0]).float())

    def forward(self, x: Tensor) -> Tensor:
        """Scale and clip."""
        return ((x - self.low) / self.span).clamp(0.0, 1.0)


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Seeded, deterministic, one thread, float32, with gradients, whatever the caller has set; all as before afterwards.

    One thread, since the number of threads decides the order of a sum and so its last bits. The global generators of
    numpy and `random` are kept too: foreign attacks may draw from them.
    """
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with (
        torch.random.fork_rng(devices=[]),
        torch.device("cpu"),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast("cpu", enabled=False),
    ):
        try:
            torch.set_num_threads(1)
            torch.set_default_dtype(torch.float32)
            torch.use_deterministic_algorithms(True)
            torch.manual_seed(seed)
            random.seed(seed)
            np.random.seed(seed)
            yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)
            torch.set_num_threads(threads)
            torch.set_default_dtype(dtype)
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
