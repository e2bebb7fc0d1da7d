"""The hand-off: rows that were verified, for as long as somebody looks at them.

`VerifiedDataset` has one maker, `opening.open_dataset`, which runs the whole of `verification` first. It cannot be
pickled, its repr shows digests only, and every read digests and opens the bytes again: chunk authentication alone is not
enough, since any reader holds the data key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from hardline.tasks.core import canonical, paths, sealing
from hardline.tasks.core.arrow_types import arrow_type
from hardline.tasks.core.errors import AccessDenied, DigestMismatch, UsageError
from hardline.tasks.core.folders import read_recorded
from hardline.tasks.core.inputs import encode, level_indices
from hardline.tasks.core.manifest import SPLITS, Entry, Manifest
from hardline.tasks.core.rows import concat, decode_table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import torch
    from numpy.typing import NDArray

    from hardline.tasks.core.contract import Contract
    from hardline.tasks.core.folders import Folder
    from hardline.tasks.core.keyring import DataKey
    from hardline.tasks.core.verification import Verified

_MAKER: Final = object()


class VerifiedDataset:
    """Rows of one published dataset, opened for one role.

    Use it inside the `with` block that made it; afterwards its keys are gone and every read raises.
    """

    def __init__(
        self, maker: object, verified: Verified, folder: Folder, role: str, keys: Mapping[str, DataKey]
    ) -> None:
        if maker is not _MAKER:
            raise TypeError("a VerifiedDataset comes from hardline.open_dataset only: verification is its maker")
        document = verified.document
        assert isinstance(document, Manifest)
        self._verified = verified
        self._manifest = document
        self._folder = folder
        self._keys: dict[str, DataKey] | None = dict(keys)
        self.role = role

    @property
    def reference(self) -> str:
        """The form people write, for example `diagnosis@1`."""
        return self._verified.reference

    @property
    def digest(self) -> str:
        """The dataset's identity: the digest of its manifest."""
        return self._verified.subject.digest

    @property
    def contract(self) -> Contract:
        """The contract that the dataset was accepted under."""
        return self._verified.contract

    @property
    def manifest(self) -> Manifest:
        """What the dataset is."""
        return self._manifest

    @property
    def verified(self) -> Verified:
        """What verification established."""
        return self._verified

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that this role may read."""
        return tuple(split for split in SPLITS if any(key.startswith(f"{split}/") for key in self._open_keys()))

    def rows(self, split: str) -> int:
        """The number of rows in a split."""
        return sum(entry.rows for entry in self._manifest.select(split, self._groups(split)[:1]))

    def to_arrow(self, split: str | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """A split as one Arrow table, in the contract's order of columns.

        Args:
            split: `train` or `test`; may be left out when the role reads only one.
            columns: Some columns only; all readable ones when left out.

        Raises:
            AccessDenied: The role holds no key for the split or a column.
            VerificationError: The bytes are not the published ones any more.
        """
        split = self._split(split)
        wanted = self._columns(split, columns)
        tables = list(self._tables(split, wanted))
        types = {name: arrow_type(type_) for name, type_, _ in self._manifest.columns}
        return concat(tables, [(name, "") for name in wanted], types)

    def to_pandas(self, split: str | None = None, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A split as one data frame; see `to_arrow`."""
        frame: pd.DataFrame = self.to_arrow(split, columns).to_pandas()
        return frame

    def batches(self, rows: int, split: str | None = None) -> Iterator[pa.RecordBatch]:
        """A split in batches of at most `rows` rows; one shard is in memory at a time; see `to_arrow`."""
        if rows < 1:
            raise UsageError(f"batches: at least 1 row expected, got {rows}")
        split = self._split(split)
        for table in self._tables(split, self._columns(split, None)):
            yield from table.to_batches(max_chunksize=rows)

    def arrays(self, split: str | None = None) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The contract's inputs as float32, numbers in raw units, and the class indices as int64 [N].

        Inputs are [N, D]; of a tensor [N, F], or [N, C, H, W] with C = 1 for a shape of [H, W].

        Where all features are numbers that are never missing, D is their number and the inputs are the features; see
        `inputs` for the others, and `to_arrow`.
        """
        contract = self.contract
        names = [column.name for column in contract.feature_columns]
        table = self.to_arrow(split, [*names, contract.label])
        features = encode(contract, table).reshape(table.num_rows, *contract.input_shape)
        return features, level_indices(contract.column(contract.label), table.column(contract.label))

    def tensors(self, split: str | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """The same as `arrays`, as tensors of torch; needs the extra `train`."""
        import torch  # on demand: nothing else in the core needs it

        features, labels = self.arrays(split)
        return torch.from_numpy(features), torch.from_numpy(labels)

    def close(self) -> None:
        """Forget the data keys; every later read raises."""
        self._keys = None

    def _tables(self, split: str, wanted: Sequence[str]) -> Iterator[pa.Table]:
        """One table for each shard, the column groups side by side."""
        by_group: dict[str, list[tuple[str, str]]] = {}
        for name, type_, group in self._manifest.columns:
            by_group.setdefault(group, []).append((name, type_))
        group_of = {name: group for name, _, group in self._manifest.columns}
        groups = sorted({group_of[name] for name in wanted})
        shards = zip(*(self._manifest.select(split, [group]) for group in groups), strict=True)
        for shard in shards:
            parts = {entry.group: self._open(entry, by_group[entry.group]) for entry in shard}
            first = next(iter(parts.values()))
            yield first.from_arrays([parts[group_of[name]].column(name) for name in wanted], names=list(wanted))

    def _open(self, entry: Entry, columns: Sequence[tuple[str, str]]) -> pa.Table:
        """Step 7, for one entry: the same private bytes are digested and opened."""
        key = self._open_keys()[f"{entry.split}/{entry.group}"]
        with self._verified.subject.steps(7):
            sealed = read_recorded(self._folder, f"{paths.PAYLOAD}/{entry.path}", entry.size)
            if len(sealed) != entry.size or canonical.digest(sealed) != entry.digest:
                raise DigestMismatch(f"entry {entry.path}: sha256:{entry.digest} expected, got other bytes")
            context = sealing.context(bytes.fromhex(self._manifest.version), "shard", entry.path)
            plain = sealing.open_sealed(sealed, key.secret, context)
            return decode_table(plain, subject=f"entry {entry.path}", columns=columns, rows=entry.rows)

    def _open_keys(self) -> Mapping[str, DataKey]:
        if self._keys is None:
            raise AccessDenied(f"{self.reference}: closed", help="read inside the with block of open_dataset")
        return self._keys

    def _groups(self, split: str) -> list[str]:
        start = f"{split}/"
        return sorted(name.removeprefix(start) for name in self._open_keys() if name.startswith(start))

    def _split(self, split: str | None) -> str:
        readable = self.splits
        if split is None and len(readable) == 1:
            return readable[0]
        if split not in SPLITS:
            raise UsageError(f"split: {' or '.join(SPLITS)} expected, got {split!r}")
        if split not in readable:
            raise AccessDenied(f"{self.reference}: role {self.role} holds no key for split {split}")
        return split

    def _columns(self, split: str, columns: Sequence[str] | None) -> list[str]:
        readable = set(self._groups(split))
        group_of = {name: group for name, _, group in self._manifest.columns}
        if columns is None:
            return [name for name, group in group_of.items() if group in readable]
        for name in columns:
            if name not in group_of:
                raise UsageError(f"{self.reference}: no column {name!r}")
            if group_of[name] not in readable:
                raise AccessDenied(f"{self.reference}: role {self.role} holds no key for column {name!r}")
        return list(columns)

    def __repr__(self) -> str:
        return f"<VerifiedDataset {self.reference} sha256:{self.digest} role={self.role}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a VerifiedDataset is never pickled: pickling would write rows or keys. "
            "Pass the reference, and open the dataset where it is used."
        )

    def __getstate__(self) -> dict[str, Any]:
        self.__reduce__()


def make(verified: Verified, folder: Folder, role: str, keys: Mapping[str, DataKey]) -> VerifiedDataset:
    """For `opening.open_dataset` alone, after all eight steps of verification."""
    return VerifiedDataset(_MAKER, verified, folder, role, keys)
