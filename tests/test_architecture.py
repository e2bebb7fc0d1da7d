"""The shape of the house: arrows point down, the core is light, links are relative, licences fit."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("flows", "tasks", "expectations", "infra")
SOURCES = [path for folder in (*FOLDERS, "hardline") for path in sorted((ROOT / folder).glob("**/*.py"))]
LONG = {
    "tasks/core/verification.py": "the whole of verification in one place, as one list",
    "tasks/core/contract.py": "one format, parsed strictly field by field",
    "tasks/core/results.py": "what every verb returns, in one place",
    "hardline/__init__.py": "the whole API in one file",
}


def test_the_folders_are_relative_links_of_the_package():
    for folder in FOLDERS:
        link = ROOT / "hardline" / folder
        assert link.is_symlink()
        assert link.readlink() == Path("..") / folder


def test_arrows_point_down():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_an_arrow_that_points_up_is_seen(tmp_path):
    for folder in ("hardline", *FOLDERS):
        subprocess.run(["cp", "-a", ROOT / folder, tmp_path / folder], check=True)
    subprocess.run(["cp", ROOT / "pyproject.toml", tmp_path], check=True)
    clock = tmp_path / "infra" / "clock.py"
    clock.write_text(clock.read_text() + "\nfrom hardline.tasks.core import canonical  # noqa\n")
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "hardline.infra.clock -> hardline.tasks.core" in done.stdout


def test_core_and_infra_load_nothing_heavy():
    names = [
        "hardline." + ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for folder in ("tasks/core", "infra")
        for path in sorted((ROOT / folder).glob("**/*.py"))
        if path.name != "child.py"
        and "infra/prefect" not in path.as_posix()  # a program; the adapter of Prefect itself
    ]
    code = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        "print([m for m in ('prefect', 'great_expectations', 'boto3', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_holds_one_idea(path):
    text = path.read_text("utf-8")
    assert text.isascii()
    if path.relative_to(ROOT).as_posix() not in LONG:
        assert text.count("\n") < 320
    assert ast.get_docstring(ast.parse(text)), "a module says what it is"


def test_licences_fit_apache_2():
    fits = ("apache", "mit", "bsd", "mpl", "isc", "python", "psf", "unlicense", "hpnd", "zlib", "cc0", "0bsd", "lgpl")
    known = {"text-unidecode": "Artistic or GPL, at choice", "hardline": "ours"}
    strange = []
    for item in importlib.metadata.distributions():
        name = item.metadata["Name"].lower()
        classifiers = [c for c in item.metadata.get_all("Classifier") or [] if c.startswith("License")]
        said = " ".join(
            [item.metadata.get("License-Expression") or "", item.metadata.get("License") or "", *classifiers]
        ).lower()
        if name not in known and not any(word in said for word in fits):
            strange.append((name, said[:80]))
    assert not strange


def test_every_format_has_its_page_and_every_page_its_place_in_the_index():
    marker = re.compile(r"hardline/[a-z-]+/v[0-9]+")
    pages = {path: path.read_text("utf-8") for path in (ROOT / "docs/formats").glob("*.md")}
    written = {found for path in SOURCES for found in marker.findall(path.read_text("utf-8"))}
    described = {found for text in pages.values() for found in marker.findall(text)}
    private = {
        f"hardline/{name}/v1" for name in ("home-key", "key-file", "sample")
    }  # never leave the process or the key file
    assert written - private <= described
    index = pages[ROOT / "docs/formats/README.md"]
    assert {path.name for path in pages} - {"README.md"} == set(re.findall(r"\(([a-z-]+\.md)\)", index))
