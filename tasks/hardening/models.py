"""The nets that are trained here."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hardline.tasks.hardening.scaling import Scaling


class MLP(nn.Module):
    """A multilayer perceptron on scaled features, with ReLU between its layers."""

    def __init__(self, features: int, hidden: Sequence[int], classes: int, generator: torch.Generator) -> None:
        """Args:
        features: Number of inputs, F.
        hidden: Width of each hidden layer.
        classes: Number of logits, K.
        generator: Of the first weights; the global one is not touched.
        """
        super().__init__()
        widths = [features, *hidden, classes]
        layers = [_linear(fan_in, fan_out, generator) for fan_in, fan_out in zip(widths, widths[1:], strict=False)]
        self.layers = nn.ModuleList(layers)

    def forward(self, z: Tensor) -> Tensor:
        """Logits [N, K] of scaled features [N, F]."""
        for layer in self.layers[:-1]:
            z = torch.relu(layer(z))
        logits: Tensor = self.layers[-1](z)
        return logits


class Net(nn.Module):
    """A released net: raw units [N, F] float32 in, logits [N, K] out."""

    def __init__(self, scaling: Scaling, mlp: MLP) -> None:
        """Args:
        scaling: From the contract.
        mlp: On scaled features.
        """
        super().__init__()
        self.scaling = scaling
        self.mlp = mlp

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, K] of raw rows [N, F]."""
        logits: Tensor = self.mlp(self.scaling(x))
        return logits


def _linear(fan_in: int, fan_out: int, generator: torch.Generator) -> nn.Linear:
    """A layer with the usual uniform start (He et al. 2015), drawn from the generator."""
    layer = nn.utils.skip_init(nn.Linear, fan_in, fan_out, device="cpu", dtype=torch.float32)
    bound = fan_in**-0.5
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer
