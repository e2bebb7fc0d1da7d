"""Results in words, for a terminal; `--json` writes the same facts as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import singledispatch
from typing import Final

from hardline.flows.run_summary import summary
from hardline.infra.escaping import one_line
from hardline.tasks.core import results

_HOME: ContextVar[str | None] = ContextVar("home", default=None)
WIDTH: Final = 100  # characters of one fact that has no form of its own
LONG: Final = 4000  # characters of one line


@contextmanager
def called(home: str | None) -> Iterator[None]:
    """While a result is written: the home that the caller named, which commands to go on with must name as well."""
    token = _HOME.set(home)
    try:
        yield
    finally:
        _HOME.reset(token)


def program() -> str:
    """How the program is called, for the next command."""
    home = _HOME.get()
    return "hardline" if home is None else f"hardline --home {shlex.quote(home)}"


@singledispatch
def text(result: object) -> str:
    """One result as lines."""
    return str(result)


@text.register
def _(result: tuple | list) -> str:  # type: ignore[type-arg]
    if not result:
        return "none"
    first = result[0]
    if isinstance(first, results.Listed):
        rows = [
            (
                item.reference,
                item.what,
                f"sha256:{item.digest[:16]}",
                item.time,
                f"log {item.log_index}",
                "RECALLED" * item.recalled,
            )
            for item in result
        ]
    elif isinstance(first, results.KeyFacts):
        rows = [
            (
                key.role,
                key.principal,
                key.fingerprint,
                key.scheme,
                _period(key.since, key.until),
                "held here" * key.held,
            )
            for key in result
        ]
    else:
        return "\n".join(text(item) for item in result)
    return columns(rows)


@text.register
def _(result: results.Home) -> str:
    return facts(
        "made a home" if result.created else "the home is there already",
        {
            "home": result.home,
            "owner key": f"{result.owner}  (compare it over another channel)",
            "passphrase": result.passphrase,
            "contracts": ", ".join(result.contracts) or "none accepted yet",
            "log": f"{result.log_size} records",
        },
    )


@text.register
def _(result: results.Acceptance) -> str:
    title = f"accepted {result.name}" if result.created else f"{result.name} was accepted already"
    lines = facts(
        title,
        {"contract": f"sha256:{result.contract}", "suite": f"sha256:{result.suite}", "log index": result.log_index},
    )
    return "\n".join(
        [
            lines,
            *_section("changed since the last accepted", result.changes),
            *_section("what the contract tells everybody", result.discloses),
        ]
    )


@text.register
def _(result: results.Drafted) -> str:
    groups = ", ".join(f"{count} {group}" for group, count in result.columns.items())
    known = {
        "rows": f"{result.rows:,}",
        "columns": groups,
        "next": f"review both files, then {program()} accept {result.folder}",
    }
    lines = facts(f"wrote {result.folder}/contract.odcs.yaml and {result.folder}/suite.json", known)
    return "\n".join(
        [
            lines,
            *_section("decided, and yours to change", result.notes),
            *_section("what the contract tells everybody", result.discloses),
        ]
    )


@text.register
def _(result: results.Published) -> str:
    dataset = result.dataset
    return facts(
        f"{'published' if result.created else 'published before'} {dataset.reference}",
        {
            "digest": f"sha256:{dataset.digest}",
            "rows": f"{dataset.rows_in:,} in, {dataset.rows_accepted:,} accepted, {dataset.rows_quarantined:,} quarantined",
            "signed by": signers(result.signers),
            "log index": result.log_index,
            "next": f"{program()} harden {dataset.reference}",
        },
    )


@text.register
def _(result: results.Hardened) -> str:
    robust = {net: report["robust"] for net, report in result.metrics.items() if isinstance(report, Mapping)}
    return facts(
        f"{'released' if result.created else 'released before'} {result.model.reference}",
        {
            "digest": f"sha256:{result.model.digest}",
            "trained on": f"{result.dataset.reference}  sha256:{result.dataset.digest}",
            "robust": ", ".join(f"{net} {100 * share:.1f} %" for net, share in robust.items()),
            "signed by": signers(result.signers),
            "log index": result.log_index,
            "next": f"{program()} verify {result.model.reference}",
        },
    )


@text.register
def _(result: results.Ran) -> str:
    return summary(result, program())


@text.register
def _(result: results.Verification) -> str:
    steps = [(f"  {step['number']}", str(step["name"]), str(step["result"]).replace("_", " ")) for step in result.steps]
    title = f"verified {result.reference}, a {result.kind}"
    known = {
        "digest": f"sha256:{result.digest}",
        "scope": result.scope,
        "as of": f"a checkpoint over {result.checkpoint} records",
        "signed by": signers(result.signers),
        "separation": result.separation,
    }
    return "\n".join([facts(title, known), columns(steps), *_section("notes", result.notes)])


@text.register
def _(result: results.Shown) -> str:
    title = f"{result.reference}, a {result.kind}" + (f": RECALLED: {result.recalled}" if result.recalled else "")
    rows = [
        (
            f"  log {record['log_index']}",
            record["type"],
            f"{record['by']} ({record['role']})",
            record["time"],
            record.get("reason", ""),
        )
        for record in result.records
    ]
    return "\n".join([facts(title, {"digest": f"sha256:{result.digest}", **_flat(result.facts)}), columns(rows)])


@text.register
def _(result: results.Exported) -> str:
    known = {"files": result.files, "bytes": f"{result.bytes:,}", "digest": f"sha256:{result.digest}"}
    return facts(f"exported {result.reference} to {result.folder}", {**known, "next": f"see {result.folder}/README"})


@text.register
def _(result: results.RecallResult) -> str:
    known = {"digest": f"sha256:{result.digest}", "reason": result.reason, "log index": result.log_index}
    affected = _section("models that no longer verify either", result.affected)
    return "\n".join(
        [
            facts(
                f"recalled {result.reference}" if result.created else f"{result.reference} was recalled already", known
            ),
            *affected,
        ]
    )


@text.register
def _(result: results.CheckpointResult) -> str:
    return result.note


@text.register
def _(result: results.ProofResult) -> str:
    known = {
        "signed by": f"{result.principal} ({result.role})",
        "time": result.time,
        "included in": f"a checkpoint over {result.size} records",
        "path": f"{len(result.path)} digests (--json shows them)",
    }
    return facts(f"log {result.log_index}: {result.type}", known)


@text.register
def _(result: results.LogVerification) -> str:
    counted = ", ".join(f"{count} {kind}" for kind, count in result.records.items())
    return facts(f"every record of the log holds: {result.size}", {"root": result.root, "records": counted})


def facts(title: str, values: Mapping[str, object]) -> str:
    """A title, and a line for each fact; a value never makes a line of its own."""
    width = max((len(name) for name in values), default=0)
    lines = (f"  {name:<{width}}  {one_line(value, LONG)}" for name, value in values.items())
    return "\n".join([one_line(title, LONG), *lines])


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns as wide as they need to be; a cell never makes a line of its own."""
    rows = [[one_line(cell, LONG) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def signers(by_step: Mapping[str, str]) -> str:
    """Who signed what: principals with their steps."""
    steps: dict[str, list[str]] = {}
    for step, principal in by_step.items():
        steps.setdefault(principal, []).append(step)
    return "; ".join(f"{principal} ({', '.join(done)})" for principal, done in steps.items())


def safe(text_: str) -> str:
    """The same lines, with what a terminal would obey written as escapes."""
    return "\n".join(one_line(line, LONG) for line in text_.split("\n"))


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"  {one_line(line, LONG)}" for line in lines]
    return [f"{title}:", *found] if found else []


def _flat(values: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= {f"{name} {inner}": item for inner, item in _flat(value).items()}
        else:
            found[name] = one_line(_short(value), WIDTH)  # --json shows all of it
    return found


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_short(item)}" for name, item in value.items())
    return ", ".join(_short(item) for item in value) if isinstance(value, list | tuple) else str(value)


def _period(since: int, until: int | None) -> str:
    return f"from log {since}" if until is None else f"log {since} to {until}"
