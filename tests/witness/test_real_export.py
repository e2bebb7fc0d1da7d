"""What `hardline export` writes for the shipped example, through all foreign verifiers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from witnesses import Refused, witness_export

pytestmark = [pytest.mark.witness, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """A dataset and a model trained on it, exported from a fresh home."""
    import hardline
    from hardline.expectations import shipped

    root = tmp_path_factory.mktemp("export")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(root / "config"))
        home, source = root / "home", root / "diagnosis.csv"
        hardline.init(home=home)
        shipped.write_source("diagnosis", source)
        published = hardline.publish(str(source), Path(shipped.__file__).parent / "diagnosis", home=home).to_json()
        hardened = hardline.harden(published["dataset"]["reference"], recipe="fast", home=home).to_json()
        for kind, made in (("dataset", published), ("model", hardened)):
            hardline.export(made[kind]["reference"], root / kind, home=home)
    return root


@pytest.mark.parametrize("kind", ["dataset", "model"])
def test_a_real_export_is_accepted(kind, exports):
    witness_export(exports / kind)


@pytest.mark.parametrize("kind", ["dataset", "model"])
def test_a_real_export_with_a_changed_byte_is_refused(kind, exports, tmp_path):
    folder = shutil.copytree(exports / kind, tmp_path / kind)
    largest = max((path for path in (folder / "payload").rglob("*") if path.is_file()), key=lambda p: p.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 1
    largest.write_bytes(data)
    with pytest.raises(Refused, match=largest.name):
        witness_export(folder)


@pytest.mark.parametrize("kind", ["dataset", "model"])
def test_a_real_export_without_one_link_is_refused(kind, exports, tmp_path):
    folder = shutil.copytree(exports / kind, tmp_path / kind)
    next((folder / "in-toto").glob("validate.*.link")).unlink()
    with pytest.raises(Refused, match="LinkNotFoundError"):
        witness_export(folder)
