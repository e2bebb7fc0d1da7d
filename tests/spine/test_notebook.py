"""docs/notebook.md is true: every block of it runs, one after the other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from processes import ROOT, environment


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs/notebook.md").read_text("utf-8"), re.DOTALL)


def test_the_notebook_runs(tmp_path: Path) -> None:
    assert len(blocks()) >= 6
    (tmp_path / "notebook.py").write_text("\n".join(blocks()))
    done = subprocess.run(
        [sys.executable, "notebook.py"],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "'Case' is no feature" in done.stdout and "visits-own@1" in done.stdout
    assert "read inside the with block" in done.stdout and "3 visits@1: recalled" in done.stdout
