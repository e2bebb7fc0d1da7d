"""Nets that were not made here: written whole, measured as they are, and left as they were."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch
from hardening_fixtures import contract, diagnosis, feature

from hardline.tasks.core.errors import Malformed
from hardline.tasks.hardening import autoattack
from hardline.tasks.hardening.evaluation import measure
from hardline.tasks.hardening.model_format import encode_net


class Mixed(torch.nn.Module):
    """Tied weights, a parameter with gaps, an integer buffer, a strided buffer."""

    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.turned = torch.nn.Parameter(torch.rand(3, 5).T)
        self.register_buffer("count", torch.arange(3))
        self.register_buffer("every_other", torch.rand(9)[::2])


class Usual(torch.nn.Module):
    """Layers that behave otherwise in training."""

    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.BatchNorm1d(30), torch.nn.Linear(30, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 2)
        )

    def forward(self, x):
        return self.body(x)


def test_every_tensor_is_written_whole():
    net, again = Mixed(), Mixed()
    data = encode_net(net)
    again.load_state_dict(safetensors.torch.load(data), strict=True)
    for name, tensor in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
    assert again.second.weight is again.first.weight
    assert encode_net(again) == data


def with_buffer(tensor):
    net = torch.nn.Linear(2, 2)
    net.register_buffer("extra", tensor)
    return net


class Stateful(torch.nn.Linear):
    def get_extra_state(self):
        return {"a": 1}


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.nn.LazyLinear(2),
        lambda: torch.nn.Linear(2, 2, device="meta"),
        lambda: with_buffer(torch.eye(2).to_sparse()),
        lambda: Stateful(2, 2),
    ],
)
def test_what_has_no_plain_form_is_refused_by_name(make):
    with pytest.raises(Malformed, match="dense tensor"):
        encode_net(make())


def test_each_layer_keeps_its_mode(monkeypatch):
    monkeypatch.setattr(autoattack, "ATTACKS", ("apgd-ce",))  # one of the three is enough to run backward once
    bound, _, _, x, y = diagnosis()
    net = Usual().train()
    net.body[0].eval()
    modes = [module.training for module in net.modules()]
    state = encode_net(net)
    with torch.inference_mode():  # a caller's mode has no say
        measure(bound, x[:20], y[:20], {"hardened": net})
    assert [module.training for module in net.modules()] == modes
    assert encode_net(net) == state


def test_a_net_that_answers_at_random_is_refused():
    class Noisy(torch.nn.Module):
        def forward(self, x):
            return torch.randn(len(x), 2)

    bound, _, _, x, y = diagnosis()
    with pytest.raises(Malformed, match="same logits"):
        measure(bound, x, y, {"hardened": Noisy()})


def test_a_collapsed_net_shows_in_its_classes():
    # It is perfectly robust, and right on the greater class: only the class-wise counts say that it knows nothing.
    class Constant(torch.nn.Module):
        def forward(self, x):
            return x.new_tensor([0.0, 1.0]).expand(len(x), 2)

    bound, _, _, x, y = diagnosis()
    report = measure(bound, x, y, {"hardened": Constant()}).metrics["hardened"]
    assert report["clean"] == report["robust"] == 107
    assert report["classes"]["malignant"] == {"rows": 64, "clean": 0, "robust": 0}
    assert report["attackers"][-1]["what"].startswith("unconstrained scaled box: square;")


def test_all_attackers_take_an_odd_number_of_features_and_several_classes():
    classes, features = 4, 7
    bound = contract([feature(f"f{number}") for number in range(features)], [f"c{number}" for number in range(classes)])
    generator = torch.Generator().manual_seed(classes)
    net, x = torch.nn.Linear(features, classes), torch.rand(40, features, generator=generator)
    with torch.no_grad():
        net.weight.copy_(torch.randn(classes, features, generator=generator))
        net.bias.copy_(-net.weight.sum(1) / 2)
        y = net(x).argmax(1)
    report = measure(bound, x.numpy(), y.numpy(), {"hardened": net}).metrics["hardened"]
    right = [attacker["right"] for attacker in report["attackers"]]
    assert report["clean"] == 40 > report["robust"]
    assert max(right) - min(right) <= 1  # without promises all three attack the same box
