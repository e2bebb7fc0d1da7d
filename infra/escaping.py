"""Making text harmless for the place where it is shown: a terminal, markdown, a Mermaid graph.

A text may come from data, from a folder that somebody sent, or from people.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_TEXT: Final = 300  # characters of one cell
_SPECIAL: Final = re.compile(r"[^A-Za-z0-9 ,.;:%/]")
_ADDRESS: Final = re.compile(r"(://|\bwww\b|@)", re.IGNORECASE)
_JOINER: Final = "\u2060"  # invisible, and no part of an address


def one_line(text: object, limit: int = MAX_TEXT) -> str:
    """A text in one line of at most `limit` characters; control and direction characters are written as escapes."""
    line = "".join(
        character if character == " " or unicodedata.category(character)[0] not in "CZ" else ascii(character)[1:-1]
        for character in str(text)[: limit + 1]
    )
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def markdown(text: object) -> str:
    """A text that stays one in markdown, in HTML and in a table of markdown, and that makes no link.

    Every character with a meaning becomes a numeric reference (CommonMark 0.31 section 2.5: such a character is never
    structure).
    """
    broken = _ADDRESS.sub(lambda found: found[0] + _JOINER, one_line(text))
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", broken)


def mermaid_label(text: object) -> str:
    """A text that stays one inside the quotes of a Mermaid label (Mermaid's own entity codes)."""
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", one_line(text))
