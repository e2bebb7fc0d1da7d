"""Pin every dependency again, with hashes, from what pyproject.toml asks for; torch stands apart in constraints.txt."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
TORCH = re.compile(r"^torch\b")


def asked() -> list[str]:
    """Every requirement of the project and its extras, torch aside, and what builds a wheel."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    extras = [item for extra in project["optional-dependencies"].values() for item in extra]
    return [item for item in [*project["dependencies"], *extras, "setuptools>=80", "wheel"] if not TORCH.match(item)]


def main() -> None:
    """Write lock.txt and download-mb."""
    with tempfile.TemporaryDirectory() as folder:
        # torch's own requirements are resolved with it and kept; its line is left out of what is written.
        wanted = Path(folder, "wanted.in")
        wanted.write_text("\n".join([*asked(), (HERE / "constraints.txt").read_text()]) + "\n")
        options = (
            "--generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate "
            "--strip-extras --allow-unsafe --quiet"
        )
        out = Path(folder, "lock.txt")
        command = [sys.executable, "-m", "piptools", "compile", *options.split(), "-o", str(out), str(wanted)]
        subprocess.run(command, check=True, env={**os.environ, "CUSTOM_COMPILE_COMMAND": "make lock"})
        blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", out.read_text())
        (HERE / "lock.txt").write_text("".join(block for block in blocks if not TORCH.match(block)))
        store = Path(folder, "wheels")
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(store)]
        subprocess.run([*pip, "--require-hashes", "-r", str(HERE / "lock.txt")], check=True)
        subprocess.run([*pip, "-c", str(HERE / "constraints.txt"), "torch"], check=True)
        size = sum(file.stat().st_size for file in store.iterdir())
        (HERE / "download-mb").write_text(f"{size // 10**6}\n")


if __name__ == "__main__":
    main()
