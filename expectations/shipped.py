"""The examples that come with the program: a contract, a suite, and data that a library bundles or a generator makes."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hardline.tasks.core.errors import UsageError


def _diagnosis() -> bytes:
    """Wisconsin breast-cancer data (569 x 30; Wolberg, Street, Mangasarian 1995), as scikit-learn has it, as CSV."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*bunch.feature_names, "diagnosis"])
    for row, target in zip(bunch.data, bunch.target, strict=True):
        writer.writerow([*(repr(float(value)) for value in row), bunch.target_names[target]])
    return text.getvalue().encode()


def _digits() -> bytes:
    """Handwritten digits (1,797 x 8 x 8; Alpaydin and Kaynak 1998), as scikit-learn has them, as NPZ.

    numpy dates the members 1980, so that equal arrays are equal bytes.
    """
    import numpy as np
    from sklearn.datasets import load_digits

    bunch, made = load_digits(), io.BytesIO()
    np.savez(made, image=bunch.images.astype(np.float32), digit=bunch.target.astype(np.int64))
    return made.getvalue()


def _payments() -> bytes:
    """Synthetic card payments (50,000; `payments_generator`), as Parquet without compression: equal tables are equal bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from hardline.expectations.payments_generator import payments

    made = pa.BufferOutputStream()
    pq.write_table(payments(), made, compression="none", use_dictionary=False, write_statistics=False)
    return bytes(made.getvalue())


@dataclass(frozen=True)
class Example:
    """What a source file is made of: its suffix, its bytes, and whether a generator invented them."""

    suffix: str
    data: Callable[[], bytes]
    synthetic: bool = False


EXAMPLES: Final[Mapping[str, Example]] = {
    "diagnosis": Example(".csv", _diagnosis),
    "digits": Example(".npz", _digits),
    "payments": Example(".parquet", _payments, synthetic=True),
}
NAMES: Final = tuple(EXAMPLES)
SYNTHETIC: Final = tuple(name for name, example in EXAMPLES.items() if example.synthetic)


def folder(name: str) -> Path:
    """The folder with `contract.odcs.yaml` and `suite.json`; raises `UsageError` for a name that is none."""
    _example(name)
    return Path(__file__).parent / name


def file_name(name: str) -> str:
    """What the example's source file is called; raises like `folder`."""
    return f"{name}{_example(name).suffix}"


def write_source(name: str, path: Path) -> None:
    """Write the example's data, the same bytes each time, unless the same file is there already; raises like `folder`."""
    data = _example(name).data()
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.rename(path)


def _example(name: str) -> Example:
    if name not in EXAMPLES:
        raise UsageError(f"example: {', '.join(NAMES)} expected, got {name[:40]!r}")
    return EXAMPLES[name]
