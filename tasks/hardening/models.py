"""The built-in nets: the contract's scale as first layer, then a body. Both take flat rows, so that attackers need no shapes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from hardline.tasks.hardening.scaling import Scaling

if TYPE_CHECKING:
    from hardline.tasks.core.contract import Contract
    from hardline.tasks.hardening.recipe import Recipe

Ends = tuple[tuple[str, str], ...]
MLP_KIND, CNN_KIND = "mlp", "cnn"


class BuiltIn(nn.Module):
    """Float32 [N, D] in raw units to logits float32 [N, K]: `body(scaling(x))`."""

    def __init__(self, ends: Ends, body: nn.Sequential, architecture: dict[str, Any]) -> None:
        super().__init__()
        self.scaling = Scaling(ends)
        self.body = body
        self.architecture = architecture  # what rebuilds it around its weights

    def forward(self, x: Tensor) -> Tensor:
        """Logits of rows in raw units."""
        logits: Tensor = self.body(self.scaling(x))
        return logits


class MLP(BuiltIn):
    """A multilayer perceptron.

    Args:
        ends: Scale of every input, as `scaling.scales` gives it.
        hidden: Widths of the hidden layers, each followed by ReLU.
        classes: K.
    """

    def __init__(self, ends: Ends, hidden: tuple[int, ...], classes: int) -> None:
        layers: list[nn.Module] = []
        for width, following in pairwise((len(ends), *hidden)):
            layers += [nn.Linear(width, following), nn.ReLU()]
        body = nn.Sequential(*layers, nn.Linear(hidden[-1], classes))
        scale = [list(pair) for pair in ends]
        super().__init__(ends, body, {"kind": MLP_KIND, "scale": scale, "hidden": [*hidden], "classes": classes})


class CNN(BuiltIn):
    """A small convolutional net for images: three layers of 3 x 3, one halving of the picture, one hidden layer.

    Args:
        ends: The one scale of all elements.
        shape: Of an image, [C, H, W]; at least 4 x 4.
        width: Channels of the first two layers; the third has twice as many, the hidden layer four times.
        classes: K.
    """

    def __init__(self, ends: Ends, shape: tuple[int, int, int], width: int, classes: int) -> None:
        channels, height, breadth = shape
        flat = 2 * width * (height // 2) * (breadth // 2)
        body = nn.Sequential(
            nn.Unflatten(1, shape),
            nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(),
            nn.Flatten(),
            nn.Linear(flat, 4 * width), nn.ReLU(),
            nn.Linear(4 * width, classes),
        )  # fmt: skip
        scale = [list(pair) for pair in ends]
        made = {"kind": CNN_KIND, "scale": scale, "shape": [*shape], "width": width, "classes": classes}
        super().__init__(ends, body, made)


def build(contract: Contract, ends: Ends, recipe: Recipe) -> BuiltIn:
    """The net for a contract's inputs: a CNN for images, an MLP for tables; weights as torch draws them now."""
    shape = contract.input_shape
    if len(shape) == 3 and min(shape[1:]) >= 4:
        return CNN(ends, (shape[0], shape[1], shape[2]), recipe.width, len(contract.classes))
    ends = ends * shape[0] if len(ends) == 1 and len(shape) == 1 else ends
    return MLP(ends, recipe.hidden, len(contract.classes))
