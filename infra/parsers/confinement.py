"""What a parser's process gives up before it reads the first byte of a source.

Afterwards it can compute and use the pipes that it has: it opens no file (RLIMIT_NOFILE), writes none
(RLIMIT_FSIZE), starts no process or thread (RLIMIT_NPROC, which the kernel waives for root), gains no privilege
(PR_SET_NO_NEW_PRIVS, empty capability sets), and where the kernel lets users make namespaces it has a network without
interfaces. On Linux; elsewhere only those resource limits hold that the system knows.
"""

from __future__ import annotations

import resource
import struct
import sys
from contextlib import nullcontext, suppress

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38  # linux/prctl.h
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h


def limit(*, memory_bytes: int, cpu_s: int) -> None:
    """Give up files, processes and more; every thread must run by now. Raises `OSError` if a limit cannot be set."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 3,
    }
    for kind, value in limits.items():
        _, hard = resource.getrlimit(kind)
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with nullcontext() if sys.platform == "linux" else suppress(OSError, ValueError):
            resource.setrlimit(kind, (allowed, allowed))


def drop_privileges() -> None:
    """Give up capabilities and the network; before any thread starts, since a thread has its own. Raises `OSError`."""
    if sys.platform != "linux":
        return
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    with suppress(AttributeError):
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)  # refused where users may not make namespaces
    header, empty = struct.pack("Ii", _CAPABILITY_VERSION_3, 0), bytes(24)
    for done in (
        libc.capset(header, empty),
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0),
    ):
        if done != 0:
            raise OSError(ctypes.get_errno(), "a parser's process keeps a privilege")
