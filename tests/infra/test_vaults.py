"""The key vault's contract, on every adapter; and what only the one at rest must do."""

from __future__ import annotations

import base64
import json
import pickle
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from securesystemslib.signer import SSlibKey

from hardline.infra.errors import AccessDenied, Corrupt, Misconfigured
from hardline.infra.keys.file_vault import HEADER, FileVault
from hardline.infra.keys.memory_vault import MemoryVault

PHRASE = b"correct horse"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of keys, made once: Argon2id is slow on purpose."""
    folder = tmp_path_factory.mktemp("home") / "keys"
    vault = FileVault(folder, lambda: PHRASE)
    vault.create_signer("trainer")
    vault.create_signer("keeper", "ed25519")
    vault.create_recipient("trainer", b"r" * 40)
    vault.create_secret("source")
    return folder


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    for path in made.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(params=["file", "memory"])
def vault(request: pytest.FixtureRequest, made: Path) -> FileVault | MemoryVault:
    if request.param == "file":
        return FileVault(made, lambda: PHRASE)
    vault = MemoryVault()
    vault.create_signer("trainer")
    vault.create_signer("keeper", "ed25519")
    vault.create_recipient("trainer", b"r" * 40)
    vault.create_secret("source")
    return vault


def test_keys_come_back(vault: FileVault | MemoryVault) -> None:
    signer = vault.signer("trainer")
    key = signer.public_key
    assert isinstance(key, SSlibKey)
    assert key.scheme == "ecdsa-sha2-nistp256"
    key.verify_signature(signer.sign(b"data"), b"data")
    assert vault.signer("keeper").public_key.scheme == "ed25519"
    assert vault.recipient("trainer") == b"r" * 40
    assert len(vault.secret("source")) == 32
    assert vault.roles() == {"trainer", "keeper"}


def test_creating_again_changes_nothing(vault: FileVault | MemoryVault) -> None:
    before = vault.signer("trainer").public_key.keyid, vault.secret("source")
    assert vault.create_signer("trainer").public_key.keyid == before[0]
    assert vault.create_recipient("trainer", b"other" * 8) == b"r" * 40
    vault.create_secret("source")
    assert (vault.signer("trainer").public_key.keyid, vault.secret("source")) == before


@pytest.mark.parametrize("name", ["sealer", "../keys/trainer", "", "trainer.signing", "Trainer", "a" * 40])
def test_a_key_that_is_not_here_is_denied(vault: FileVault | MemoryVault, name: str) -> None:
    for call in (vault.signer, vault.recipient, vault.secret):
        with pytest.raises(AccessDenied) as denied:
            call(name)
        assert denied.value.exit_code == 5


def test_a_vault_shows_and_hands_on_nothing(vault: FileVault | MemoryVault) -> None:
    secret = vault.secret("source")
    assert secret.hex() not in repr(vault)
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(vault)


def test_a_wrong_passphrase_is_denied_with_help(made: Path) -> None:
    for call in ("signer", "recipient"):
        vault = FileVault(made, lambda: b"wrong")
        with pytest.raises(AccessDenied, match="HARDLINE_PASSPHRASE_FILE") as denied:
            getattr(vault, call)("trainer")
        assert b"wrong".decode() not in str(denied.value)
    with pytest.raises(AccessDenied):
        FileVault(made, lambda: b"wrong").create_secret("another")
    assert not (made / "another.secret.key").exists()


def test_the_passphrase_is_asked_once_and_only_when_needed(made: Path) -> None:
    asked: list[None] = []

    def ask() -> bytes:
        asked.append(None)
        return PHRASE

    vault = FileVault(made, ask)
    assert vault.roles()
    with pytest.raises(AccessDenied):
        vault.signer("sealer")
    assert not asked
    vault.signer("trainer")
    vault.secret("source")
    assert len(asked) == 1


def test_a_process_holds_only_its_roles(made: Path) -> None:
    vault = FileVault(made, lambda: PHRASE, roles=frozenset({"keeper"}))
    assert vault.roles() == {"keeper"}
    vault.signer("keeper")
    for call in (vault.signer, vault.recipient):
        with pytest.raises(AccessDenied, match="does not hold the role"):
            call("trainer")


def test_nothing_at_rest_is_in_clear_and_all_is_ours_alone(made: Path) -> None:
    vault = FileVault(made, lambda: PHRASE)
    hidden = [vault.secret("source"), vault.recipient("trainer"), PHRASE, b"PRIVATE", bytes.fromhex("2a8648ce3d0201")]
    for path in made.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        data = path.read_bytes()
        assert not [clear for clear in hidden if clear in data or base64.b64encode(clear) in data]
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_the_home_key_is_what_rfc_9106_recommends(made: Path) -> None:
    kdf = json.loads((made / HEADER).read_bytes())["kdf"]
    assert kdf == {"name": "argon2id", "iterations": 3, "lanes": 4, "memory_cost": 65536}


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def _header(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        value = json.loads((folder / HEADER).read_bytes())
        (folder / HEADER).write_text(json.dumps({**value, **changes}))

    return change


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: _flip(folder / "trainer.signing.key"),
        lambda folder: (folder / "trainer.signing.key").write_bytes(b""),
        lambda folder: (folder / "trainer.signing.key").write_bytes(bytes(12)),
        lambda folder: (folder / "trainer.signing.key").write_bytes((folder / "keeper.signing.key").read_bytes()),
        lambda folder: (folder / "trainer.signing.key").write_bytes((folder / "source.secret.key").read_bytes()),
        lambda folder: (folder / HEADER).unlink(),
        lambda folder: (folder / HEADER).write_bytes(b"{}"),
        lambda folder: (folder / HEADER).write_bytes(b"[]"),
        lambda folder: (folder / HEADER).write_bytes(b"\xff"),
        _header(salt="AAAA"),
        _header(nonce=""),
        _header(verifier="not base64"),
    ],
)
def test_damage_is_corrupt_and_never_another_key(copied: Path, damage: Callable[[Path], None]) -> None:
    damage(copied)
    before = {path.name: path.read_bytes() for path in copied.iterdir()}
    with pytest.raises(Corrupt):
        FileVault(copied, lambda: PHRASE).signer("trainer")
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == before, "nothing is made in its place"


@pytest.mark.parametrize("change", [_header(format=2), _header(kdf={"name": "pbkdf2"})])
def test_keys_of_another_format_are_refused(copied: Path, change: Callable[[Path], None]) -> None:
    change(copied)
    with pytest.raises(Misconfigured, match="format"):
        FileVault(copied, lambda: PHRASE).signer("trainer")
