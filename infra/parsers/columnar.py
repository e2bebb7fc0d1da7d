"""Columns of Parquet and Arrow to the contract's: the same type, or one that widens to it without loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from hardline.infra.parsers import columns
from hardline.infra.parsers.refusals import FOUND_TYPES, Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardline.infra.parsers.spec import Spec

_ROWS = 1 << 16  # converted at a time
_INTEGERS = {pa.int64(), pa.int32(), pa.int16(), pa.int8(), pa.uint32(), pa.uint16(), pa.uint8()}
_TEXTS = {pa.string(), pa.large_string(), pa.string_view()}
_STORED = {
    "boolean": {pa.bool_()}, "category": _TEXTS, "date": {pa.date32()}, "integer": _INTEGERS,
    "number": {pa.float64(), pa.float32()}, "text": _TEXTS,
}  # fmt: skip


class Converter:
    """Record batches of one file to those of the specification."""

    def __init__(self, spec: Spec, found: pa.Schema) -> None:
        """Raises `Found` unless the file has exactly the specification's columns, each of a type that fits."""
        self._spec = spec
        self._schema = columns.schema(spec)
        order = columns.match(found.names, spec)
        for field, position in zip(found, order, strict=True):
            if not self._fits(field.type, position):
                raise Found("type", column=position, got=_named(field.type))
        self._places = [order.index(position) for position in range(len(order))]
        self._rows = 0

    def convert(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """The batch's rows. Its buffers come from the file: they are validated before they are used."""
        for start in range(0, batch.num_rows, _ROWS):
            part = batch.slice(start, _ROWS)
            arrays = [self._array(part.column(place), i) for i, place in enumerate(self._places)]
            made = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
            yield columns.checked(made, self._spec, self._rows)
            self._rows += made.num_rows

    def _fits(self, type_: pa.DataType, position: int) -> bool:
        kind = self._spec.columns[position][1]
        if kind == "tensor":
            return self._fits_tensor(type_)
        if pa.types.is_dictionary(type_):
            return kind in ("text", "category") and type_.value_type in _TEXTS
        return type_ in _STORED[kind]

    def _fits_tensor(self, type_: pa.DataType) -> bool:
        tensor = self._spec.tensor
        assert tensor is not None
        element = columns.tensor_type(tensor).value_type
        if isinstance(type_, pa.FixedShapeTensorType):
            plain = type_.permutation is None or list(type_.permutation) == list(range(len(tensor.shape)))
            return bool(plain and tuple(type_.shape) == tensor.shape and type_.value_type == element)
        if pa.types.is_fixed_size_list(type_):
            return bool(type_.list_size == tensor.size and type_.value_type == element)
        # Parquet has variable lists only; a writer that is not Arrow says no more
        return bool((pa.types.is_list(type_) or pa.types.is_large_list(type_)) and type_.value_type == element)

    def _array(self, array: pa.Array, position: int) -> pa.Array:
        type_ = self._schema.field(position).type
        self._validate(array, position)
        if self._spec.columns[position][1] == "tensor":
            return self._tensor(array, position, type_)
        if pa.types.is_dictionary(array.type):
            self._fits_decoded(array, position)
            return array.dictionary_decode().cast(pa.string())
        return array if array.type == type_ else array.cast(type_, safe=True)

    def _validate(self, array: pa.Array, position: int) -> None:
        try:
            array.validate(full=True)
        except (pa.ArrowException, UnicodeDecodeError) as error:
            is_text = "UTF8" in str(error).upper().replace("-", "")
            raise (Found("utf-8", column=position) if is_text else Found("damaged", how="corrupt")) from None

    def _fits_decoded(self, array: pa.DictionaryArray, position: int) -> None:
        """A dictionary of long texts, referred to many times, must not become more than memory holds."""
        lengths = pc.binary_length(array.dictionary.cast(pa.large_string()))
        if (pc.max(lengths).as_py() or 0) > self._spec.max_cell_bytes:
            raise Found("cell-size", column=position)
        total = pc.sum(lengths.cast(pa.int64()).take(array.indices)).as_py() or 0
        if total > self._spec.memory_bytes // 4:
            raise Found("limits", what="memory")

    def _tensor(self, array: pa.Array, position: int, type_: pa.DataType) -> pa.Array:
        """Every row is one tensor of its full length, without gaps."""
        stored = array.storage if isinstance(array, pa.ExtensionArray) else array
        if stored.null_count:
            gap = pc.index(stored.is_null(), pa.scalar(value=True)).as_py()
            raise Found("value", row=self._rows + 1 + gap, column=position)
        if not pa.types.is_fixed_size_list(stored.type):
            wrong = pc.not_equal(pc.list_value_length(stored), type_.list_size)
            if pc.any(wrong).as_py():
                row = self._rows + 1 + pc.index(wrong, pa.scalar(value=True)).as_py()
                raise Found("value", row=row, column=position)
        values = stored.flatten()
        if values.null_count:
            gap = pc.index(values.is_null(), pa.scalar(value=True)).as_py() // type_.list_size
            raise Found("value", row=self._rows + 1 + gap, column=position)
        return pa.FixedSizeListArray.from_arrays(values, type=type_)


def _named(type_: pa.DataType) -> str:
    """A word of `refusals.FOUND_TYPES`: a type's own text may quote names of the file."""
    word = str(type_).split("[")[0].split("(")[0].split("<")[0]
    word = {"date32": "date32", "date64": "date64", "time32": "time", "time64": "time", "large_string": "string"}.get(
        word, word.removesuffix("128").removesuffix("256")
    )
    if pa.types.is_nested(type_) or isinstance(type_, pa.BaseExtensionType):
        word = "nested"
    return word if word in FOUND_TYPES else "other"
