"""What a CSV parser is told: the columns and their exact spelling, and how much it may use."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from hardline.infra.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TYPES = ("boolean", "category", "date", "integer", "number", "text")
_NO_DELIMITER = frozenset('"\r\n\0.+-_') | frozenset("0123456789")


@dataclass(frozen=True)
class CsvSpec:
    """How a CSV source is read. All of it can be written as JSON."""

    columns: Sequence[tuple[str, str, bool]]  # name, type (one of TYPES), nullable (judged later: see `parse_csv`)
    delimiter: str = ","
    decimal: str = "."
    null_values: Sequence[str] = ("",)  # unquoted spellings of a missing cell
    true_values: Sequence[str] = ("true", "True", "TRUE", "1")
    false_values: Sequence[str] = ("false", "False", "FALSE", "0")
    encoding: str = "utf-8"
    max_cell_bytes: int = 1 << 20
    max_decoded_bytes: int = 1 << 40  # of the source's text, and of the Arrow data made from it
    timeout_s: int = 300  # the longest wait for one batch
    cpu_s: int = 4 * 3600  # of the parser's process
    memory_bytes: int = 1 << 30  # of its address space
    batch_bytes: int = 8 << 20  # of source text in one batch

    def __post_init__(self) -> None:
        names = [name for name, _, _ in self.columns]
        if not names or len(set(names)) != len(names) or not all(names):
            raise Misconfigured("CSV: columns with names of their own expected, at least one")
        unknown = sorted({type_ for _, type_, _ in self.columns} - set(TYPES))
        if unknown:
            raise Misconfigured(f"CSV: column types {', '.join(TYPES)} expected, got {unknown[0][:40]!r}")
        if len(self.delimiter) != 1 or not self.delimiter.isascii() or self.delimiter in _NO_DELIMITER:
            raise Misconfigured("CSV: a delimiter of one ASCII character expected, such as , ; or a tab")
        if self.decimal not in (".", ",") or self.decimal == self.delimiter:
            raise Misconfigured("CSV: a decimal point of . or , expected, other than the delimiter")
        if self.encoding != "utf-8":
            raise Misconfigured(f"CSV: encoding utf-8 expected, got {self.encoding[:20]!r}")
        spellings = [*self.null_values, *self.true_values, *self.false_values]
        if len(set(spellings)) != len(spellings) or any(set(text) & {*'"\r\n\0', self.delimiter} for text in spellings):
            raise Misconfigured("CSV: plain and different spellings of missing, true and false expected")
        limits = (self.max_cell_bytes, self.max_decoded_bytes, self.timeout_s, self.cpu_s, self.memory_bytes)
        if min(*limits, self.batch_bytes) < 1:
            raise Misconfigured("CSV: positive limits expected")

    @property
    def record_bytes(self) -> int:
        """The longest record that is looked at: one cell at its limit, and a batch of others."""
        return self.max_cell_bytes + self.batch_bytes

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """From `to_json`; raises `Misconfigured` for anything else."""
        if set(value) != {field.name for field in fields(cls)}:
            raise Misconfigured("CSV: the fields of a parser's specification expected, got others")
        return cls(**{**value, "columns": [tuple(column) for column in value["columns"]]})
