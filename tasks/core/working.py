"""Working on a home: alone, and after what a crash left is removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from hardline.infra import runtime as runtimes
from hardline.infra.locks import file_lock
from hardline.infra.settings import private_temporary
from hardline.tasks.core.sweep import sweep

if TYPE_CHECKING:
    from hardline.infra.runtime import Runtime

LOCK = "lock"
TEMPORARY = "tmp"


@contextmanager
def working(runtime: Runtime, *, clean: bool = True) -> Iterator[Runtime]:
    """Hold the home, and make it the current runtime while the block lasts.

    Args:
        runtime: The home.
        clean: Whether what a crash left is removed first; a recall waits for nothing.

    Raises:
        Unavailable: Another process or thread works on it.
    """
    with file_lock(runtime.root / LOCK) as first, runtimes.use(runtime), ExitStack() as stack:
        if first:
            stack.enter_context(private_temporary(runtime.root / TEMPORARY))
        if first and clean:  # what a block around this one is making is not left over
            sweep(runtime)
        yield runtime
