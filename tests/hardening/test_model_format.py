"""A model's bytes are parsed strictly, and loading them runs nothing."""

from __future__ import annotations

import pickle
import struct

import pytest
import safetensors.torch
import torch

from hardline.tasks.core.errors import DigestMismatch, Malformed
from hardline.tasks.hardening.model_format import architecture, decode_net, encode_net, same_net
from hardline.tasks.hardening.models import MLP
from hardline.tasks.hardening.scaling import isolated


@pytest.fixture
def net():
    with isolated(0):
        return MLP((("0", "1"), ("-5.5", "20")), (4, 3), 2)


def test_there_and_back(net):
    data = encode_net(net)
    again = decode_net(data, architecture(net))
    x = torch.tensor([[0.3, 2.0], [9.0, -9.0]])
    assert torch.equal(again(x), net(x))
    assert encode_net(again) == data
    assert not again.training


def changed(net, **tensors):
    return safetensors.torch.save({**net.state_dict(), **tensors})


def test_other_bytes_are_refused(net):
    data, shape = encode_net(net), architecture(net)
    first = net.state_dict()["body.0.weight"]
    without = {name: tensor for name, tensor in net.state_dict().items() if name != "body.0.bias"}
    bad = [
        b"", b"1234567", data[:-1], data + b"\0", pickle.dumps({}), b"\xff" * len(data),
        struct.pack("<Q", 2**40) + data[8:],
        data[:8] + b"x" * (len(data) - 8),
        changed(net, extra=torch.zeros(1)),
        safetensors.torch.save(without),
        changed(net, **{"body.0.weight": first.T.contiguous()}),
        changed(net, **{"body.0.weight": first.view(torch.int32)}),
        changed(net, **{"body.0.weight": first * float("nan")}),
        changed(net, **{"scaling.low": torch.ones(2)}),
    ]  # fmt: skip
    for item in bad:
        with pytest.raises(Malformed):
            decode_net(item, shape)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "foreign"}, {"kind": "pickle"}, {"hidden": [4]}, {"hidden": []}, {"hidden": [True, 3]},
        {"hidden": "43"},
        {"classes": 1}, {"classes": 3}, {"scale": []}, {"scale": [["0", "1"]]}, {"scale": [["0", "1"], ["20", "-5.5"]]},
        {"scale": [["0", "1"], ["x", "20"]]}, {"scale": [["0", "1"], ["NaN", "20"]]}, {"scale": [["0", "1"], [0, 1]]},
        {"hidden": [4096] * 8, "scale": [["0", "1"]] * 10_000}, {"extra": 1},
    ],
)  # fmt: skip
def test_another_shape_is_refused(net, change):
    with pytest.raises(Malformed):
        decode_net(encode_net(net), {**architecture(net), **change})


def test_a_net_without_finite_weights_is_not_written(net):
    with torch.no_grad():
        net.body[0].bias[0] = float("inf")
    with pytest.raises(Malformed, match=r"body\.0\.bias"):
        encode_net(net)
    with pytest.raises(Malformed, match="none"):
        encode_net(torch.nn.ReLU())


def test_a_foreign_net_is_known_by_its_weights(net):
    foreign = torch.nn.Sequential(torch.nn.Linear(2, 2))
    shape = architecture(foreign)
    assert shape["kind"] == "foreign"
    assert shape["class"] == "torch.nn.modules.container.Sequential"
    assert len(shape["source"]) == 64
    same_net(foreign, encode_net(foreign))
    with pytest.raises(DigestMismatch):
        same_net(torch.nn.Sequential(torch.nn.Linear(2, 2)), encode_net(foreign))
