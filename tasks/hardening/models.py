"""The built-in net: scaling, then a multilayer perceptron."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from hardline.tasks.hardening.scaling import Scaling


class MLP(nn.Module):
    """Float32 [N, F] in raw units to logits float32 [N, K].

    Args:
        ends: Scale of every feature, as `scaling.scales` gives it.
        hidden: Widths of the hidden layers, each followed by ReLU.
        classes: K.
    """

    def __init__(self, ends: tuple[tuple[str, str], ...], hidden: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.ends = ends
        self.hidden = hidden
        self.classes = classes
        self.scaling = Scaling(ends)
        layers: list[nn.Module] = []
        for width, following in pairwise((len(ends), *hidden)):
            layers += [nn.Linear(width, following), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Linear(hidden[-1], classes))

    def forward(self, x: Tensor) -> Tensor:
        """Logits of rows in raw units."""
        logits: Tensor = self.body(self.scaling(x))
        return logits
