"""Build the foreign verifiers, each in an environment of its own below .venvs/: witnesses, never parts of the program.

Every package is pinned by its digest (requirements.txt, package-lock.json). What is built and unchanged is left alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".venvs"
PYTHON = ("in-toto", "model-signing")
NODE = ("hpke-js",)


def lock_digest(name: str) -> str:
    """What an environment was built from; its stamp says the same while it is current."""
    whole = hashlib.sha256(sys.version.encode() if name in PYTHON else b"")
    for file in ("requirements.txt", "package.json", "package-lock.json"):
        path = HERE / name / file
        whole.update(path.read_bytes() if path.exists() else b"")
    return whole.hexdigest()


def current(name: str) -> bool:
    """Whether an environment is there and up to date."""
    stamp = ENVIRONMENTS / name / "stamp"
    return stamp.exists() and stamp.read_text() == lock_digest(name)


def build(name: str) -> None:
    """Build one environment from nothing."""
    folder = ENVIRONMENTS / name
    shutil.rmtree(folder, ignore_errors=True)
    if name in PYTHON:
        _run(sys.executable, "-m", "venv", str(folder))
        pip = (str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check")
        _run(*pip, "install", "-q", "--require-hashes", "--no-deps", "-r", str(HERE / name / "requirements.txt"))
    else:
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            raise SystemExit("node and npm are needed for the witness of HPKE: install Node.js 20 or newer")
        folder.mkdir(parents=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name / file, folder)
        _run(npm, "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    (folder / "stamp").write_text(lock_digest(name))


def _run(*command: str, cwd: Path | None = None) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if subprocess.run(command, cwd=cwd, env=env, check=False).returncode:
        raise SystemExit(f"{Path(command[0]).name} failed; nothing was left half built that counts as current")


def main() -> None:
    """Build what is missing or out of date."""
    for name in (*PYTHON, *NODE):
        if not current(name):
            print(f"building .venvs/{name}", flush=True)
            build(name)


if __name__ == "__main__":
    main()
