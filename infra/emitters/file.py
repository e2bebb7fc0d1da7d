"""Lineage events as JSON lines in a file: what a collector picks up."""

from __future__ import annotations

import os
from pathlib import Path

from hardline.infra.errors import Unavailable


class FileEmitter:
    """An `Emitter` that appends to `openlineage.jsonl` in a folder."""

    def __init__(self, folder: Path) -> None:
        """Args: folder: Made by the first event."""
        self._path = folder / "openlineage.jsonl"

    def emit(self, event: bytes) -> None:
        """See `Emitter`. One write for each line, so that two processes never share one."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                os.write(descriptor, event.replace(b"\n", b" ") + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror}", help="see the disk of that folder") from None
