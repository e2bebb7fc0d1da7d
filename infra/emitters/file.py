"""Lineage events as JSON lines in a file: what a collector picks up."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from hardline.infra.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path


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
                line = event.replace(b"\n", b" ") + b"\n"
                if os.write(descriptor, line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror}", help="see the disk of that folder") from None
