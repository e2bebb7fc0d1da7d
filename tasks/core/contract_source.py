"""What a contract says of its source: the format of its files, how CSV is spelled, and the tensor of a row.

Part of the contract's parsing; the rest is `contract`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hardline.infra.parsers.spec import COMPRESSIONS, DTYPES, FORMATS, MAX_ELEMENTS, TENSOR_FORMATS
from hardline.tasks.core.errors import ContractError

_CSV = {"delimiter", "decimal", "nullValues", "trueValues", "falseValues", "trim"}
_SPELLINGS = ("nullValues", "trueValues", "falseValues")


@dataclass(frozen=True)
class SourceOptions:
    """The format of the source's files, one of `spec.FORMATS`, and how they are compressed."""

    format: str = "csv"
    compression: str = "none"


@dataclass(frozen=True)
class CsvOptions:
    """How a CSV source is written."""

    delimiter: str = ","
    null_values: tuple[str, ...] = ("",)
    decimal: str = "."
    true_values: tuple[str, ...] = ("true", "True", "TRUE", "1")
    false_values: tuple[str, ...] = ("false", "False", "FALSE", "0")
    trim: bool = False


@dataclass(frozen=True)
class TensorOptions:
    """The element type of a tensor column, and the shape of one row: [F], [H, W] or [C, H, W]."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def image_shape(self) -> tuple[int, ...]:
        """As a model sees it: [H, W] is one channel, [1, H, W]."""
        return (1, *self.shape) if len(self.shape) == 2 else self.shape


def parse_source(value: Any) -> SourceOptions:
    """The property `source`; left out, plain CSV. Raises `ContractError`."""
    value = _object({} if value is None else value, {"format", "compression"}, "source")
    found = SourceOptions(**value)
    for key, given, known in (("format", found.format, FORMATS), ("compression", found.compression, COMPRESSIONS)):
        if given not in known:
            raise ContractError(f"contract: source: {key}: one of {', '.join(known)} expected")
    return found


def parse_csv(value: Any, source: SourceOptions) -> CsvOptions:
    """The property `csv`, which only a CSV source has. Raises `ContractError`."""
    if value is not None and source.format != "csv":
        raise ContractError("contract: csv: a source of format csv expected, got another")
    value = _object({} if value is None else value, _CSV, "csv")
    delimiter, decimal, trim = value.get("delimiter", ","), value.get("decimal", "."), value.get("trim", False)
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n\0.+-_' or not delimiter.isascii():
        raise ContractError("contract: csv: delimiter: one ASCII character expected, such as , ; or a tab")
    if delimiter.isalnum():
        raise ContractError("contract: csv: delimiter: no letter and no digit expected")
    if decimal not in (".", ",") or decimal == delimiter:
        raise ContractError("contract: csv: decimal: . or , expected, other than the delimiter")
    if not isinstance(trim, bool) or (trim and delimiter == " "):
        raise ContractError("contract: csv: trim: true or false expected; false where the delimiter is a blank")
    spellings = {key: _texts(value[key], key) for key in _SPELLINGS if key in value}
    options = CsvOptions(
        delimiter=delimiter,
        null_values=spellings.get("nullValues", CsvOptions.null_values),
        decimal=decimal,
        true_values=spellings.get("trueValues", CsvOptions.true_values),
        false_values=spellings.get("falseValues", CsvOptions.false_values),
        trim=trim,
    )
    every = [*options.null_values, *options.true_values, *options.false_values]
    if len(set(every)) != len(every) or any(set(text) & {*'"\r\n\0', delimiter} for text in every):
        raise ContractError(f"contract: csv: {', '.join(_SPELLINGS)}: different texts without quotes expected")
    if trim and any(text != text.strip(" \t") for text in every):
        raise ContractError(f"contract: csv: {', '.join(_SPELLINGS)}: texts without blanks at their ends expected")
    return options


def parse_tensor(dtype: Any, shape: Any, subject: str) -> TensorOptions:
    """The properties `dtype` and `shape` of a tensor column. Raises `ContractError`."""
    if dtype not in DTYPES:
        raise ContractError(f"{subject}: dtype: {' or '.join(DTYPES)} expected")
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= 3
        or not all(type(length) is int and length >= 1 for length in shape)
        or math.prod(shape) > MAX_ELEMENTS
    ):
        raise ContractError(
            f"{subject}: shape: [F], [H, W] or [C, H, W] with at most {MAX_ELEMENTS:,} elements expected"
        )
    return TensorOptions(str(dtype), tuple(shape))


def check_tensor(features: Mapping[str, TensorOptions | None], source: SourceOptions) -> None:
    """A tensor stands alone among the features, in a format that has tensors. Raises `ContractError`.

    Args:
        features: The feature columns by name, with what makes them a tensor.
        source: The source's format.
    """
    tensors = [name for name, tensor in features.items() if tensor is not None]
    if not tensors:
        return
    if len(features) != 1:
        raise ContractError(f"contract: column {tensors[0]!r}: a tensor as the only feature expected")
    if source.format not in TENSOR_FORMATS:
        raise ContractError(
            f"contract: source: format: one of {', '.join(TENSOR_FORMATS)} expected for the tensor {tensors[0]!r}"
        )


def _texts(value: Any, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ContractError(f"contract: csv: {key}: a list of texts expected; quote true, false and numbers")
    return tuple(value)


def _object(value: Any, keys: set[str], subject: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not value.keys() <= keys:
        raise ContractError(f"contract: {subject}: an object with {', '.join(sorted(keys))} expected")
    return value
