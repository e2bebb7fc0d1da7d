"""Working on a home: alone, and after what a crash left is removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hardline.infra import runtime as runtimes
from hardline.infra.locks import file_lock
from hardline.tasks.core.sweep import sweep

if TYPE_CHECKING:
    from hardline.infra.runtime import Runtime

LOCK = "lock"


@contextmanager
def working(runtime: Runtime) -> Iterator[Runtime]:
    """Hold the home, and make it the current runtime while the block lasts.

    Raises:
        Unavailable: Another process works on it.
    """
    with file_lock(runtime.root / LOCK), runtimes.use(runtime):
        sweep(runtime)
        yield runtime
