"""hardline keys backup and restore: the way there and back, and every file that is not exactly a backup."""

import io
import json
import shutil
import stat
import tarfile

import pytest

import hardline
from hardline.tasks.core import backup, canonical
from hardline.tasks.core.errors import Malformed


@pytest.fixture
def saved(home, say, tmp_path):
    code, _, _ = say("keys", "backup", tmp_path / "keys.tar", "--home", home)
    assert code == 0
    return tmp_path / "keys.tar"


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_lost_keys_come_back_and_work(home, saved, say):
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    keys, trust = tree(home / "keys"), tree(home / "trust")
    shutil.rmtree(home / "keys")
    shutil.rmtree(home / "trust")
    code, out, _ = say("keys", "restore", saved, "--home", home, "--json")
    assert (code, json.loads(out)["files"]) == (0, len(keys) + len(trust))
    assert (tree(home / "keys"), tree(home / "trust")) == (keys, trust)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home / "keys").iterdir()} == {0o600}
    assert not (home / "tmp").exists()
    assert hardline.verify("diagnosis@1", home=home).kind == "dataset"
    with hardline.open_dataset("diagnosis@1", role="trainer", home=home) as data:
        assert data.to_arrow().num_rows


def test_a_new_home_takes_them_with_store_and_log(home, saved, say, tmp_path):
    new = tmp_path / "new"
    assert say("keys", "restore", saved, "--home", new)[0] == 0
    assert say("verify", "diagnosis@1", "--home", new)[0] == 4, "the log that was seen is not there"
    shutil.copytree(home / "store", new / "store", dirs_exist_ok=True)
    shutil.copy(home / "log.db", new / "log.db")
    assert say("verify", "diagnosis@1", "--home", new)[0] == 0


def test_the_same_home_has_the_same_backup(home, saved, say, tmp_path):
    assert say("keys", "backup", tmp_path / "again.tar", "--home", home)[0] == 0
    assert (tmp_path / "again.tar").read_bytes() == saved.read_bytes()
    with tarfile.open(saved) as archive:
        assert archive.getnames() == [backup.MANIFEST, *sorted(archive.getnames()[1:])]


def test_neither_overwrites(home, saved, say):
    before = tree(home)
    assert say("keys", "backup", saved, "--home", home)[0] == 2
    code, _, err = say("keys", "restore", saved, "--home", home)
    assert code == 2 and "no keys expected" in err
    assert tree(home) == before


def test_what_was_seen_never_goes_back(home, saved, say):
    old = (home / "trust/seen/checkpoint").read_bytes()
    hardline.recall("diagnosis@1", "later than the backup", home=home)
    new = (home / "trust/seen/checkpoint").read_bytes()
    shutil.rmtree(home / "keys")
    code, out, _ = say("keys", "restore", saved, "--home", home, "--json")
    assert code == 0 and "trust/seen/checkpoint" in json.loads(out)["kept"]
    assert (home / "trust/seen/checkpoint").read_bytes() == new != old


def test_an_older_one_in_the_home_goes_forward(home, say, tmp_path):
    old = (home / "trust/seen/checkpoint").read_bytes()
    hardline.recall("diagnosis@1", "before the backup", home=home)
    new = (home / "trust/seen/checkpoint").read_bytes()
    assert say("keys", "backup", tmp_path / "new.tar", "--home", home)[0] == 0
    (home / "trust/seen/checkpoint").write_bytes(old)
    shutil.rmtree(home / "keys")
    assert say("keys", "restore", tmp_path / "new.tar", "--home", home)[0] == 0
    assert (home / "trust/seen/checkpoint").read_bytes() == new


def test_a_wrong_passphrase_restores_nothing(home, saved, say, tmp_path, monkeypatch):
    (tmp_path / "wrong").write_text("another\n")
    (tmp_path / "wrong").chmod(0o600)
    monkeypatch.setenv("HARDLINE_PASSPHRASE_FILE", str(tmp_path / "wrong"))
    code, out, _ = say("keys", "restore", saved, "--home", tmp_path / "new")
    assert (code, out) == (5, "")
    assert not (tmp_path / "new/keys").exists() and not (tmp_path / "new/trust/trust.json").exists()


def members(saved):
    with tarfile.open(saved) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def listed(files, mac):
    facts = {path: {"size": len(data), "sha256": canonical.digest(data)} for path, data in files.items()}
    return canonical.encode({"format": backup.FORMAT, "files": facts, "mac": mac})


def test_another_trust_document_is_refused_by_the_mac(home, saved, say, tmp_path):
    files = members(saved)
    mac = json.loads(files.pop(backup.MANIFEST))["mac"]
    files["trust/trust.json"] = files["trust/seen/trust.json"] = files["trust/trust.json"] + b" "
    saved.write_bytes(backup._archive({backup.MANIFEST: listed(files, mac), **files}))
    code, _, err = say("keys", "restore", saved, "--home", tmp_path / "new")
    assert code == 4 and "SignatureInvalid" in err
    assert not (tmp_path / "new/trust").exists() or not (tmp_path / "new/trust/trust.json").exists()


def hostile(change):
    def make(files):
        mac = json.loads(files.pop(backup.MANIFEST))["mac"]
        change(files)
        return backup._archive({backup.MANIFEST: listed(files, mac), **files})

    return make


def member(kind, name="keys/planted.secret.key", link=""):
    def make(files):
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for path, data in files.items():
                info = tarfile.TarInfo(path)
                info.size, info.mode = len(data), 0o600
                archive.addfile(info, io.BytesIO(data))
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            archive.addfile(info)
        return sink.getvalue()

    return make


HOSTILE = {
    "empty": lambda files: b"",
    "no tar": lambda files: b"x" * 20_000,
    "a path above": hostile(lambda files: files.update({"../outside": b"x"})),
    "an absolute path": hostile(lambda files: files.update({"/outside": b"x"})),
    "a path below keys": hostile(lambda files: files.update({"keys/../../outside": b"x"})),
    "another name": hostile(lambda files: files.update({"keys/authorized_keys": b"x"})),
    "a log": hostile(lambda files: files.update({"log.db": b"x"})),
    "no header": hostile(lambda files: files.pop("keys/home.json")),
    "no trust": hostile(lambda files: files.pop("trust/trust.json")),
    "a symbolic link": member(tarfile.SYMTYPE, link="/etc/passwd"),
    "a hard link": member(tarfile.LNKTYPE, link="keys/home.json"),
    "a device": member(tarfile.CHRTYPE),
    "a folder": member(tarfile.DIRTYPE, "keys/x"),
    "a name twice": member(tarfile.REGTYPE, "keys/home.json"),
    "a tail": lambda files: backup._archive(files) + b"\0",
    "cut short": lambda files: backup._archive(files)[:-600],
    "a changed byte": lambda files: backup._archive(files).replace(b"argon2id", b"argon2ix"),
    "no manifest": lambda files: backup._archive({backup.MANIFEST: b"{}", **files})[:1],
    "another manifest": lambda files: backup._archive({**files, backup.MANIFEST: b"{}"}),
    "another format": lambda files: backup._archive(
        {**files, backup.MANIFEST: files[backup.MANIFEST].replace(b"backup/v1", b"backup/v2")}
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_exactly_a_backup_is_refused(name, saved, say, tmp_path):
    saved.write_bytes(HOSTILE[name](members(saved)))
    with pytest.raises(Malformed):
        backup._decode(saved.read_bytes())
    code, out, _ = say("keys", "restore", saved, "--home", tmp_path / "new")
    assert (code, out) == (4, "")
    assert not (tmp_path / "new/keys").exists() and not (tmp_path / "outside").exists()


def test_too_large_a_file_is_not_read(saved, say, tmp_path, monkeypatch):
    monkeypatch.setattr(backup, "MAX_BYTES", 1000)
    assert say("keys", "restore", saved, "--home", tmp_path / "new")[0] == 4


def test_a_stranger_beside_the_keys_is_named(home, say, tmp_path):
    (home / "keys/notes.txt").write_text("x")
    code, _, err = say("keys", "backup", tmp_path / "keys.tar", "--home", home)
    assert code == 2 and "keys/notes.txt" in err and not (tmp_path / "keys.tar").exists()
