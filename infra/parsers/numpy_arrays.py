"""NumPy's NPY and NPZ to rows: one array for each column, its first axis the rows.

NumPy itself parses the header; pickled objects, structures and complex numbers are refused by their type, before any of
their bytes is looked at. Arrays in C order are read a batch at a time, side by side, so an archive may unpack to more
than memory holds; one in Fortran order is taken as a whole.
"""

from __future__ import annotations

import errno
import io
import math
import warnings
import zipfile
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from hardline.infra.parsers import columns
from hardline.infra.parsers.columns import damage
from hardline.infra.parsers.refusals import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from hardline.infra.parsers.spec import Spec

SUFFIX = ".npy"
_KINDS: dict[str, dict[str, tuple[int, ...] | None]] = {  # NumPy's kinds of a type, and the widths that fit without loss
    "boolean": {"b": (1,)}, "integer": {"i": (1, 2, 4, 8), "u": (1, 2, 4)}, "number": {"f": (4, 8)},
    "category": {"U": None, "i": (1, 2, 4, 8), "u": (1, 2, 4, 8)}, "text": {"U": None}, "date": {"M": (8,)},
}  # fmt: skip
_WORDS = {
    "b": "bool", "U": "text of fixed width", "S": "binary", "V": "a structure", "O": "Python objects", "c": "complex",
    "M": "timestamp", "m": "duration",
}  # fmt: skip
_MISSING_DAY = -(1 << 63)  # NaT
_HEADER_BYTES = 1 << 16
_ENCRYPTED = 0x41  # flags of a zip member: encryption, strong encryption


def prepare(spec: Spec) -> None:
    """Read an archive of our own, of one row: what NumPy and zipfile load, they load now."""
    import numpy as np

    samples = {
        "boolean": np.zeros(1, np.bool_), "integer": np.zeros(1, np.int8), "number": np.zeros(1, ">f4"),
        "category": np.zeros(1, np.uint8), "text": np.array(["a"]), "date": np.zeros(1, "M8[D]"),
    }  # fmt: skip
    if spec.tensor is not None:
        samples["tensor"] = np.zeros((1, *spec.tensor.shape), spec.tensor.dtype, order="F")
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, type_, _ in spec.columns:
            with archive.open(name + SUFFIX, "w") as member:
                np.lib.format.write_array(member, samples[type_])
    b"\xff".decode("cp437")  # names of members that are no UTF-8
    list(batches_of_archive(memoryview(sink.getvalue()), spec))


class Header(NamedTuple):
    """What an NPY header says."""

    dtype: np.dtype[Any]
    fortran: bool
    shape: tuple[int, ...]


class Array:
    """One array of the source, read row by row."""

    def __init__(self, read: Callable[[int], bytes], column: int, spec: Spec) -> None:
        """Raises `Found` unless its header says an array that fits the column."""
        self._read = read
        self._spec = spec
        self.taken = 0  # bytes that were read
        self.column = column
        self._kind = spec.columns[column][1]
        self._header = self._parse_header()
        self._check()
        self.rows = self._header.shape[0]
        self.row_bytes = self._header.dtype.itemsize * math.prod(self._header.shape[1:])
        self._whole: NDArray[Any] | None = None
        self._given = 0
        self._type = columns.schema(spec).field(column).type
        if self._header.fortran and len(self._header.shape) > 1:
            self._whole = self._fortran()

    def take(self, count: int) -> pa.Array:
        """The next `count` rows."""
        import numpy as np

        shape = (count, *self._header.shape[1:])
        if self._whole is not None:
            values = np.ascontiguousarray(self._whole[self._given : self._given + count])
        else:
            values = np.frombuffer(self._exactly(count * self.row_bytes), dtype=self._header.dtype).reshape(shape)
        self._given += count
        return self._arrow(values.astype(values.dtype.newbyteorder("="), copy=False))

    def finish(self) -> None:
        """Nothing may follow; reading on also makes an archive compare its checksum."""
        if self._read(1):
            raise Found("damaged", how="followed")

    def _parse_header(self) -> Header:
        import numpy as np

        stream = SimpleNamespace(read=self._header_bytes)  # numpy asks for the header's bytes, and never for data
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a header of Python 2 is none
            version = np.lib.format.read_magic(stream)
            if version not in ((1, 0), (2, 0)):
                raise Found("damaged", how="corrupt")
            parse = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = parse(stream)
        return Header(dtype, bool(fortran), tuple(int(length) for length in shape))

    def _header_bytes(self, size: int) -> bytes:
        if size > _HEADER_BYTES:
            raise Found("damaged", how="corrupt")
        return self._exactly(size)

    def _check(self) -> None:
        dtype, _, shape = self._header
        tensor = self._spec.tensor
        wanted: tuple[int, ...] = tensor.shape if self._kind == "tensor" and tensor else ()
        if len(shape) < 1 or min(shape) < 0 or shape[1:] != wanted or not self._fits(dtype):
            raise Found("type", column=self.column, got=_word(dtype), shape=[min(n, 1 << 62) for n in shape[:8]])

    def _fits(self, dtype: np.dtype[Any]) -> bool:
        import numpy as np

        if dtype.hasobject or dtype.names is not None or dtype.subdtype is not None or not dtype.itemsize:
            return False
        if self._kind == "tensor":
            assert self._spec.tensor is not None
            return dtype.newbyteorder("=") == np.dtype(self._spec.tensor.dtype)
        kinds = _KINDS[self._kind]
        if dtype.kind not in kinds or (dtype.kind == "M" and np.datetime_data(dtype) != ("D", 1)):
            return False
        widths = kinds[dtype.kind]
        return dtype.itemsize in widths if widths is not None else dtype.itemsize <= 4 * self._spec.max_cell_bytes

    def _fortran(self) -> NDArray[Any]:
        import numpy as np

        size = self.row_bytes * self.rows
        if size > self._spec.max_whole_bytes:
            raise Found("limits", what="whole")
        flat = np.frombuffer(self._exactly(size), dtype=self._header.dtype)
        return flat.reshape(self._header.shape, order="F")

    def _exactly(self, size: int) -> bytes:
        pieces = []
        while size and (piece := self._read(min(size, 1 << 20))):
            pieces.append(piece)
            size -= len(piece)
            self.taken += len(piece)
        if size:
            raise Found("damaged", how="cut")
        return b"".join(pieces)

    def _arrow(self, values: NDArray[Any]) -> pa.Array:
        import numpy as np

        row, kind = self._given - len(values), values.dtype.kind
        if self._kind == "tensor":
            return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), type=self._type)
        if kind == "b":
            odd = np.flatnonzero(values.view(np.uint8) > 1)
            if len(odd):
                raise Found("value", row=row + int(odd[0]) + 1, column=self.column)
        if kind == "U":
            return self._texts(values, row)
        if kind == "M":
            days = values.view(np.int64)
            bad = np.flatnonzero((days != _MISSING_DAY) & (np.abs(days + (days == _MISSING_DAY)) > 1 << 22))
            if len(bad):
                raise Found("value", row=row + int(bad[0]) + 1, column=self.column)
            return pa.array(days.astype(np.int32), pa.int32(), mask=days == _MISSING_DAY).cast(pa.date32())
        return pa.array(values).cast(self._type, safe=True)

    def _texts(self, values: NDArray[Any], row: int) -> pa.Array:
        try:
            return pa.array(values.tolist(), pa.string())
        except (ValueError, UnicodeError, pa.ArrowException):
            raise Found("utf-8", row=row + 1, column=self.column) from None


def batches(arrays: Sequence[Array], spec: Spec) -> Iterator[pa.RecordBatch]:
    """The rows of arrays of one length, side by side; raises `Found`."""
    ordered = sorted(arrays, key=lambda array: array.column)
    first = ordered[0]
    for array in ordered:
        if array.rows != first.rows:
            raise Found("rows", column=array.column, got=array.rows, expected=first.rows)
    with damage():
        step = max(1, min(spec.batch_rows, spec.batch_bytes // sum(array.row_bytes for array in ordered)))
        for start in range(0, first.rows, step):
            count = min(step, first.rows - start)
            made = pa.RecordBatch.from_arrays([array.take(count) for array in ordered], schema=columns.schema(spec))
            yield from columns.sliced(columns.checked(made, spec, start), spec.batch_bytes)
        for array in ordered:
            array.finish()


def batches_of_archive(data: memoryview, spec: Spec) -> Iterator[pa.RecordBatch]:
    """The rows of an NPZ archive whose members are exactly `COLUMN.npy`; see `parquet.batches`."""
    with damage(), zipfile.ZipFile(View(data)) as archive:
        members = archive.infolist()
        for member in members:
            if member.flag_bits & _ENCRYPTED:
                raise Found("member", how="encrypted")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Found("member", how="packed")
        names = [member.orig_filename for member in members]
        if len(set(names)) != len(names):
            raise Found("member", how="twice")
        order = columns.match([column_of(name) for name in names], spec)
        arrays = [
            Array(archive.open(member).read, position, spec) for member, position in zip(members, order, strict=True)
        ]
        yield from batches(arrays, spec)
        if any(array.taken != member.file_size for array, member in zip(arrays, members, strict=True)):
            raise Found("damaged", how="corrupt")


def batches_of_files(files: Sequence[tuple[str, Callable[[int], bytes]]], spec: Spec) -> Iterator[pa.RecordBatch]:
    """The rows of NPY files, one for each column: its name, and what reads it; see `batches`."""
    order = columns.match([column for column, _ in files], spec)
    with damage():
        arrays = [Array(read, position, spec) for (_, read), position in zip(files, order, strict=True)]
    rows = 0
    for batch in batches(arrays, spec):
        rows += batch.num_rows
        yield batch
    if not rows:
        raise Found("no-rows")


def column_of(name: str) -> str:
    """The column that a file of that name holds; a name of another form is no column's."""
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) else name


def _word(dtype: np.dtype[Any]) -> str:
    """A word of `refusals.FOUND_TYPES`."""
    if dtype.hasobject:
        return "Python objects"
    if dtype.names is not None or dtype.subdtype is not None:
        return "a structure"
    name = {"float16": "halffloat", "float32": "float", "float64": "double"}.get(dtype.name, dtype.name)
    return _WORDS.get(dtype.kind) or (name if dtype.kind in "iuf" and dtype.itemsize <= 8 else "other")


class View(io.RawIOBase):
    """A file of bytes in memory, without a copy."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def readinto(self, target: Any) -> int:
        piece = self._data[self._at : self._at + len(target)]
        target[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "before the beginning")  # as a real file does, which zipfile counts on
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
