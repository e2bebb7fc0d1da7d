"""What a Prefect run's page shows: tables, cards, charts and graphs, with every text made harmless.

Prefect's page renders markdown, raw HTML and Mermaid, and turns addresses into links. Texts may come from data or from
people, so each is escaped for the place where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hardline.infra.escaping import markdown, mermaid_label, one_line


def put_table(key: str, rows: Sequence[Mapping[str, object]], about: str) -> None:
    """A table; its cells are numbers, booleans or text."""
    from prefect.artifacts import create_table_artifact

    plain = [
        {name: cell if isinstance(cell, bool | int) else one_line(cell) for name, cell in row.items()} for row in rows
    ]
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
