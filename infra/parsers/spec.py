"""What a parser is told: the format, the columns and their exact spelling, and how much it may use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from hardline.infra.errors import Misconfigured

FORMATS = ("csv", "jsonl", "parquet", "arrow", "npz", "npy")
SUFFIXES = {"none": "", "gzip": ".gz", "zstd": ".zst"}  # what a compressed file's name ends with
COMPRESSIONS = tuple(SUFFIXES)
TYPES = ("boolean", "category", "date", "integer", "number", "tensor", "text")
DTYPES = {"uint8": 1, "float32": 4}  # of a tensor's elements, with their bytes
TENSOR_FORMATS = ("parquet", "arrow", "npz", "npy")
MAX_ELEMENTS = 1 << 22  # of one row's tensor: 16 MiB of float32, an image of 3 x 1024 x 1024 among them
_NO_DELIMITER = frozenset('"\r\n\0.+-_') | frozenset("0123456789")


class Tensor(NamedTuple):
    """The element type and the shape of one row's tensor."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Elements in one row."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Spec:
    """How a source is read. All of it can be written as JSON. A CSV source has a `CsvSpec`."""

    columns: Sequence[tuple[str, str, bool]]  # name, type (one of TYPES), nullable (judged later: see `process.parse`)
    format: str = "csv"
    compression: str = "none"
    tensor: Tensor | None = None  # of the one column of that type, if there is one
    max_cell_bytes: int = 1 << 20
    max_decoded_bytes: int = 1 << 40  # of one file, decompressed, and of the Arrow data made from it
    max_ratio: int = 500  # decoded bytes for a byte of the file, beyond `free_bytes`
    free_bytes: int = 256 << 20  # decoded bytes that a file may have whatever its own size
    max_whole_bytes: int = 512 << 20  # of a file whose format needs all of it in memory, decompressed
    max_group_bytes: int = 1 << 30  # of one row group, as Parquet's footer declares it
    timeout_s: int = 300  # the longest wait for one batch
    cpu_s: int = 4 * 3600  # of the parser's process
    memory_bytes: int = 1 << 30  # of its address space, besides `max_whole_bytes`
    batch_bytes: int = 8 << 20  # of one batch: source text, or Arrow data

    def __post_init__(self) -> None:
        names = [name for name, _, _ in self.columns]
        if not names or len(set(names)) != len(names) or not all(names):
            raise Misconfigured("parser: columns with names of their own expected, at least one")
        unknown = sorted({type_ for _, type_, _ in self.columns} - set(TYPES))
        if unknown:
            raise Misconfigured(f"parser: column types {', '.join(TYPES)} expected, got {unknown[0][:40]!r}")
        if self.format not in FORMATS or self.compression not in COMPRESSIONS:
            raise Misconfigured(f"parser: a format of {', '.join(FORMATS)}, plain, in gzip or in zstd expected")
        if (self.format == "csv") != isinstance(self, CsvSpec):
            raise Misconfigured("parser: a specification of its format expected")
        self._check_tensor([type_ for _, type_, _ in self.columns].count("tensor"))
        if min(value for value in asdict(self).values() if type(value) is int) < 1:
            raise Misconfigured("parser: positive limits expected")

    def _check_tensor(self, count: int) -> None:
        tensor = self.tensor
        if count != (tensor is not None) or (tensor is not None and self.format not in TENSOR_FORMATS):
            raise Misconfigured(f"parser: at most one tensor, in {', '.join(TENSOR_FORMATS)}, expected")
        if tensor is not None and (
            tensor.dtype not in DTYPES or not tensor.shape or min(tensor.shape) < 1 or tensor.size > MAX_ELEMENTS
        ):
            raise Misconfigured(
                f"parser: a tensor of {' or '.join(DTYPES)} with at most {MAX_ELEMENTS} elements expected"
            )

    @property
    def record_bytes(self) -> int:
        """The longest record that is looked at: one cell at its limit, and a batch of others."""
        return self.max_cell_bytes + self.batch_bytes

    @property
    def row_bytes(self) -> int:
        """The Arrow data of one row, texts guessed."""
        tensor = self.tensor
        return 16 * len(self.columns) + (tensor.size * DTYPES[tensor.dtype] if tensor else 0)

    @property
    def batch_rows(self) -> int:
        """How many rows are decoded at a time where the format lets us choose."""
        return max(1, min(1 << 16, self.batch_bytes // self.row_bytes))

    @property
    def whole(self) -> bool:
        """Whether the format needs random access, and so the whole file in memory; an Arrow file may, or may not."""
        return self.format in ("parquet", "arrow", "npz", "npy")

    @property
    def address_bytes(self) -> int:
        """The address space of the parser's process."""
        return self.memory_bytes + (self.max_whole_bytes if self.whole else 0)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Spec:
        """From `to_json`; raises `Misconfigured` for anything else."""
        kind = CsvSpec if value.get("format") == "csv" else Spec
        if set(value) != {field.name for field in fields(kind)}:
            raise Misconfigured("parser: the fields of a parser's specification expected, got others")
        tensor = value["tensor"] and Tensor(value["tensor"][0], tuple(value["tensor"][1]))
        return kind(**{**value, "columns": [tuple(column) for column in value["columns"]], "tensor": tensor})


@dataclass(frozen=True)
class CsvSpec(Spec):
    """How a CSV source is read."""

    delimiter: str = ","
    decimal: str = "."
    null_values: Sequence[str] = ("",)  # unquoted spellings of a missing cell
    true_values: Sequence[str] = ("true", "True", "TRUE", "1")
    false_values: Sequence[str] = ("false", "False", "FALSE", "0")
    trim: bool = False  # blanks around unquoted cells, the header's too, are dropped before the cells are read
    encoding: str = "utf-8"
    names_only: bool = False  # the rows are the names in the header, in one text column; nothing after it is read

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.delimiter) != 1 or not self.delimiter.isascii() or self.delimiter in _NO_DELIMITER:
            raise Misconfigured("CSV: a delimiter of one ASCII character expected, such as , ; or a tab")
        if self.delimiter == " " and self.trim:
            raise Misconfigured("CSV: a delimiter that is no blank expected where blanks are trimmed")
        if self.decimal not in (".", ",") or self.decimal == self.delimiter:
            raise Misconfigured("CSV: a decimal point of . or , expected, other than the delimiter")
        if self.encoding != "utf-8":
            raise Misconfigured(f"CSV: encoding utf-8 expected, got {self.encoding[:20]!r}")
        spellings = [*self.null_values, *self.true_values, *self.false_values]
        if len(set(spellings)) != len(spellings) or any(set(text) & {*'"\r\n\0', self.delimiter} for text in spellings):
            raise Misconfigured("CSV: plain and different spellings of missing, true and false expected")
