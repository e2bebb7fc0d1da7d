"""A model's files between training and release, sealed under the model's data key when the data is not public."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hardline.tasks.core import canonical, paths, sealing
from hardline.tasks.core.act import open_keyring
from hardline.tasks.core.model_documents import TRAINED, File, TrainedDocument

if TYPE_CHECKING:
    from hardline.tasks.core.act import Act
    from hardline.tasks.core.keyring import DataKey
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record


def seal_file(version: str, path: str, data: bytes, key: DataKey, *, public: bool) -> bytes:
    """The bytes of one file of a model as they lie in the store."""
    if public:
        return data
    return sealing.seal(data, key.secret, sealing.context(bytes.fromhex(version), "model", path))


def open_file(version: str, path: str, data: bytes, file: File, key: DataKey) -> bytes:
    """The plain bytes of one file; raises `SealBroken`."""
    if not file.sealed:
        return data
    return bytes(sealing.open_sealed(data, key.secret, sealing.context(bytes.fromhex(version), "model", path)))


def put_files(
    act: Act, folder: str, version: str, files: Mapping[str, bytes], key: DataKey, *, public: bool
) -> dict[str, File]:
    """Write files, replacing what an interrupted attempt left; returns what a document says about them."""
    stored = {path: seal_file(version, path, data, key, public=public) for path, data in files.items()}
    for path, data in stored.items():
        act.place(f"{folder}/{path}", data)
    return {path: File(len(data), canonical.digest(data), not public) for path, data in stored.items()}


def read_trained(act: Act, name: str, version: str, digest: str) -> TrainedDocument:
    """The statement of training that a record names; raises `VerificationError`."""
    data = act.recorded(f"{paths.model(name, version)}/{paths.EVIDENCE}/{TRAINED}", digest)
    return TrainedDocument.decode(data)


def open_key(act: Act, view: LogView, record: Record, key_id: str) -> DataKey:
    """The model's data key for this role; raises `AccessDenied`."""
    ring = f"{paths.model(record['name'], record['version'])}/{paths.KEYRING}/0.json"
    return open_keyring(act, view, ring, record["keyring"], "trainer", act.role, [key_id])[key_id]
