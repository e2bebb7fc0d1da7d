"""The examples that come with the program: a contract, a suite, and real data that a library bundles."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from hardline.tasks.core.errors import UsageError

NAMES = ("diagnosis",)


def folder(name: str) -> Path:
    """The folder with `contract.odcs.yaml` and `suite.json`; raises `UsageError` for a name that is none."""
    if name not in NAMES:
        raise UsageError(f"example: {', '.join(NAMES)} expected, got {name[:40]!r}")
    return Path(__file__).parent / name


def write_source(name: str, path: Path) -> None:
    """Write the example's data as a CSV file, unless the same file is there already.

    diagnosis is the Wisconsin breast-cancer data (569 x 30; Wolberg, Street, Mangasarian 1995), as scikit-learn has it.
    """
    folder(name)
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*bunch.feature_names, "diagnosis"])
    for row, target in zip(bunch.data, bunch.target, strict=True):
        writer.writerow([*(repr(float(value)) for value in row), bunch.target_names[target]])
    data = text.getvalue().encode()
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.rename(path)
