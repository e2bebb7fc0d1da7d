"""What a Prefect run's page shows: tables, cards, charts and graphs, with every text made harmless.

Prefect's page renders markdown, raw HTML and Mermaid, and turns addresses into links. Texts may come from data or from
people, so each is escaped for the place where it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

MAX_TEXT: Final = 300  # characters of one cell
_PLAIN: Final = re.compile(r"[^A-Za-z0-9 ]")
_ADDRESS: Final = re.compile(r"(://|\bwww\b|@)", re.IGNORECASE)
_JOINER: Final = "\u2060"  # invisible, and no part of an address


def one_line(text: object) -> str:
    """A text in one line of at most `MAX_TEXT` characters; control and direction characters are written as escapes."""
    line = "".join(
        character if character == " " or unicodedata.category(character)[0] not in "CZ" else ascii(character)[1:-1]
        for character in str(text)[: MAX_TEXT + 1]
    )
    return line if len(line) <= MAX_TEXT else f"{line[: MAX_TEXT - 3]}..."


def markdown(text: object) -> str:
    """A text that stays one in markdown, in HTML and in a table of markdown, and that makes no link.

    Every character with a meaning becomes a numeric reference (CommonMark 0.31 section 2.5: such a character is never
    structure).
    """
    broken = _ADDRESS.sub(lambda found: found[0] + _JOINER, one_line(text))
    return _PLAIN.sub(lambda found: f"&#{ord(found[0])};", broken)


def mermaid_label(text: object) -> str:
    """A text that stays one inside the quotes of a Mermaid label (Mermaid's own entity codes)."""
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", one_line(text))


def put_table(key: str, rows: Sequence[Mapping[str, object]], about: str) -> None:
    """A table; its cells are numbers, booleans or text."""
    from prefect.artifacts import create_table_artifact

    plain = [{name: cell if isinstance(cell, bool | int) else one_line(cell) for name, cell in row.items()} for row in rows]
    create_table_artifact(plain, key=key, description=markdown(about))


def put_card(key: str, title: str, facts: Mapping[str, object], about: str, *, below: str = "") -> None:
    """A title and facts, name by name; `below` is markdown that the caller made of escaped parts."""
    lines = [f"# {markdown(title)}", "", "| | |", "|---|---|"]
    lines += [f"| {markdown(name)} | {markdown(fact)} |" for name, fact in facts.items()]
    _put_markdown(key, "\n".join([*lines, "", below]), about)


def put_graph(key: str, graph: str, about: str) -> None:
    """A Mermaid graph, whose labels its maker escaped."""
    _put_markdown(key, fenced(graph), about)


def fenced(graph: str) -> str:
    """Mermaid text as a markdown code block that the text cannot leave."""
    longest = max((len(run) for run in re.findall("`+", graph)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}mermaid\n{graph}\n{fence}"


def bars(title: str, values: Mapping[str, float]) -> str:
    """A bar chart of shares from 0 to 1, as Mermaid text."""
    names = ", ".join(f'"{mermaid_label(name)}"' for name in values)
    heights = ", ".join(f"{value:.4f}" for value in values.values())
    return (
        f'xychart-beta\n    title "{mermaid_label(title)}"\n    x-axis [{names}]\n'
        f'    y-axis "accuracy" 0 --> 1\n    bar [{heights}]'
    )


def emit(event: str, resource: str, payload: Mapping[str, Any]) -> None:
    """Tell Prefect that something happened, so that an automation can begin a run. The event proves nothing."""
    from prefect.events import emit_event

    emit_event(event=event, resource={"prefect.resource.id": resource}, payload=dict(payload))


def _put_markdown(key: str, text: str, about: str) -> None:
    from prefect.artifacts import create_markdown_artifact

    create_markdown_artifact(text, key=key, description=markdown(about))
