"""The process of a Prefect server: it serves on a socket that it inherits, and dies with its parent.

It is run by its path with one argument, `python -P child.py DESCRIPTOR`, and imports nothing of ours.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(descriptor: int, parent: int) -> None:
    """Serve until SIGTERM comes or the parent is gone.

    Args:
        descriptor: Of the listening socket.
        parent: The process that must live on.
    """
    die_with(parent)
    os.umask(0o077)
    import uvicorn

    config = uvicorn.Config(
        "prefect.server.api.server:create_app",
        factory=True,
        lifespan="on",
        log_level="error",
        timeout_graceful_shutdown=3,  # seconds; a client that is gone keeps its websocket open otherwise
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


def die_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends, however that happens (prctl(2); Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the kernel was asked
            os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
