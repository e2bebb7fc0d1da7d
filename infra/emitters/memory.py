"""Lineage events in a list, for tests."""

from __future__ import annotations


class MemoryEmitter:
    """An `Emitter` that keeps what it got."""

    def __init__(self) -> None:
        self.events: list[bytes] = []

    def emit(self, event: bytes) -> None:
        """See `Emitter`."""
        self.events.append(event)
