"""Weights as safetensors and the net's shape as JSON: a model is data, and loading one runs no code of its maker."""

from __future__ import annotations

import hashlib
import inspect
import itertools
import struct
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn
from torch.nn.parameter import is_lazy

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import DigestMismatch, Malformed
from hardline.tasks.hardening.models import CNN, CNN_KIND, MLP, MLP_KIND, BuiltIn

if TYPE_CHECKING:
    from collections.abc import Mapping

FOREIGN_KIND = "foreign"
_MAX_HEADER = 1 << 20
_MAX_PARAMETERS = 1 << 26


def encode_net(net: nn.Module) -> bytes:
    """The weights and buffers of a net as safetensors; equal weights have equal bytes.

    Raises:
        Malformed: There are none, one is not finite, or one has no plain form: state that is no tensor, a weight
            without data (lazy, meta), a sparse or quantised one.
    """
    tensors = {name: _plain(name, value) for name, value in net.state_dict().items()}
    if not tensors:
        raise Malformed("net: at least one tensor expected, got none")
    _finite(tensors)
    return bytes(safetensors.torch.save(tensors))


def architecture(net: nn.Module) -> dict[str, Any]:
    """What rebuilds a built-in net around its weights, or names a foreign one."""
    if type(net) in (MLP, CNN):
        return dict(net.architecture)  # type: ignore[arg-type]
    kind = type(net)
    try:
        source = hashlib.sha256(inspect.getsource(kind).encode()).hexdigest()
    except (OSError, TypeError):  # made in an interactive session: there is no file to read
        source = ""
    return {"kind": FOREIGN_KIND, "class": f"{kind.__module__}.{kind.__qualname__}", "source": source}


def decode_net(data: bytes, shape: Mapping[str, Any]) -> BuiltIn:
    """The built-in net, in evaluation mode.

    Args:
        data: Safetensors, as `encode_net` writes them.
        shape: As `architecture` gives it.

    Raises:
        Malformed: Anything about the bytes or the shape that is not exactly ours: names, shapes, types, sizes, a value
            that is not finite, a scale other than the stated one.
    """
    net = _build(shape)
    expected = net.state_dict()
    if len(data) < 8:
        raise Malformed("weights: safetensors expected, got fewer than 8 bytes")
    (header,) = struct.unpack("<Q", data[:8])
    size = sum(tensor.numel() * tensor.element_size() for tensor in expected.values())
    if header > _MAX_HEADER or len(data) != 8 + header + size:
        raise Malformed(f"weights: {size} bytes of tensors after a safetensors header expected, got another size")
    try:
        tensors = safetensors.torch.load(data)
    except (SafetensorError, ValueError, KeyError):
        raise Malformed("weights: safetensors expected, got something else") from None
    if tensors.keys() != expected.keys():
        raise Malformed(f"weights: the {len(expected)} tensors of the architecture expected, got others")
    for name, tensor in tensors.items():
        if tensor.dtype != expected[name].dtype or tensor.shape != expected[name].shape:
            raise Malformed(f"weights: {name}: {expected[name].dtype} {list(expected[name].shape)} expected")
        if name.startswith("scaling.") and not torch.equal(tensor, expected[name]):
            raise Malformed(f"weights: {name}: the scale of the architecture expected, got another")
    _finite(tensors)
    net.load_state_dict(tensors, strict=True)
    return net.eval()


def same_net(net: nn.Module, data: bytes) -> None:
    """Require that a foreign net holds exactly the recorded weights; raises `DigestMismatch`."""
    if canonical.digest(encode_net(net)) != canonical.digest(data):
        raise DigestMismatch("net: the recorded weights expected, got a module with others")


def _build(shape: Mapping[str, Any]) -> BuiltIn:
    """The built-in net that an architecture describes, with weights that mean nothing yet; raises `Malformed`."""
    own = {MLP_KIND: {"hidden"}, CNN_KIND: {"shape", "width"}}.get(shape.get("kind", ""))
    if own is None:
        raise Malformed("architecture: a built-in net expected; a foreign net has to be given as a module")
    value = canonical.fields(dict(shape), {"kind", "scale", "classes", *own}, subject="architecture")
    classes = canonical.integer(value["classes"], subject="architecture: classes", low=2, high=1000)
    ends = tuple(_pair(item) for item in _items(value["scale"], "scale", 10_000))
    if value["kind"] == MLP_KIND:
        hidden = _sizes(value["hidden"], "hidden", 8)
        _bounded(sum(a * b for a, b in itertools.pairwise((len(ends), *hidden, classes))))
        return MLP(ends, hidden, classes)
    channels, *sides = _sizes(value["shape"], "shape", 3)
    width = canonical.integer(value["width"], subject="architecture: width", low=1, high=1024)
    if len(sides) != 2 or min(sides) < 4 or len(ends) != 1:
        raise Malformed("architecture: an image of [C, H, W] from 4 x 4 pixels with one scale expected")
    _bounded(27 * width * (channels + width) + 8 * width * width * (sides[0] // 2) * (sides[1] // 2))
    return CNN(ends, (channels, sides[0], sides[1]), width, classes)


def _items(value: Any, field: str, most: int) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise Malformed(f"architecture: {field}: 1 to {most:,} items expected")
    return value


def _sizes(value: Any, field: str, most: int) -> tuple[int, ...]:
    return tuple(
        canonical.integer(item, subject=f"architecture: {field}", low=1, high=4096)
        for item in _items(value, field, most)
    )


def _bounded(weights: int) -> None:
    if weights > _MAX_PARAMETERS:
        raise Malformed(f"architecture: at most {_MAX_PARAMETERS} weights expected")


def _pair(value: Any) -> tuple[str, str]:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(end, str) and len(end) <= 64 for end in value):
        try:
            low, high = Decimal(value[0]), Decimal(value[1])
            if low.is_finite() and high.is_finite() and low < high:
                return value[0], value[1]
        except InvalidOperation:
            pass
    raise Malformed("architecture: scale: two decimal strings, low below high, expected")


def _plain(name: str, value: Any) -> torch.Tensor:
    """A dense copy of its own: tied weights share memory and slices have gaps, and safetensors knows neither."""
    if (
        not isinstance(value, torch.Tensor)
        or is_lazy(value)
        or value.is_meta
        or value.is_quantized
        or value.layout != torch.strided
    ):
        raise Malformed(f"net: {name}: a dense tensor with data expected, got something else")
    copy: torch.Tensor = value.detach().cpu().clone(memory_format=torch.contiguous_format)
    return copy


def _finite(tensors: Mapping[str, torch.Tensor]) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise Malformed(f"weights: {name}: finite values expected, got others")
