"""`hardline`: every operation, without the UI. Each command is one call of the face.

What every command has in common stands in command_frame.py, how results read in command_text.py.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

import hardline
from hardline.flows import command_frame as frame
from hardline.flows import reading_text  # noqa: F401  how results of reading read
from hardline.flows.command_frame import Session, command
from hardline.infra import runtime as runtimes
from hardline.tasks.core import graph
from hardline.tasks.core.ledger import Ledger

app = typer.Typer(
    name="hardline", cls=frame.Group, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich"
)
log = typer.Typer(cls=frame.Group, help="The Merkle log of everything that was done.")
keys = typer.Typer(cls=frame.Group, help="The keys of the trust document.")
app.callback()(frame.root)
app.add_typer(log, name="log", rich_help_panel="Trust")
app.add_typer(keys, name="keys", rich_help_panel="Trust")

REFUSED: Final = {"verified": False, "step": None}
TWO_FILES: Final = "Folder with contract.odcs.yaml and suite.json."
DATA, LOOK, TRUST = "Data and models", "Look", "Trust"
Ref = Annotated[str, typer.Argument(metavar="REF", help="name@3, name@sha256:..., or name for the latest.")]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that does not exist, or is empty.")]
ContractDir = Annotated[
    str,
    typer.Option("--contract", metavar="NAME|DIR", help=f"An accepted name. {TWO_FILES}"),
]
Recipe = Annotated[str, typer.Option("--recipe", metavar="R", help="fast, balanced or strong.")]

Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="A file, a folder, a quoted pattern, or an https:// URI.")
]
As = Annotated[str, typer.Option("--as", metavar="ROLE", help="Who reads; this home must hold its keys.")]
Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file, .parquet or .csv; never overwritten.")]


class Split(StrEnum):
    """Which rows."""

    TRAIN = "train"
    TEST = "test"


class Format(StrEnum):
    """How a lineage is written."""

    TREE = "tree"
    JSON = "json"
    MERMAID = "mermaid"


@command(app, "init", "hardline init", panel=TRUST, opens=False)
def init(session: Session) -> object:
    """Make a home: keys for every role, trust document, layouts, log. Harmless if it is there."""
    return hardline.init(home=session.home, progress=session.progress)


@command(app, "draft", "hardline draft patients.csv --name patients --label outcome", panel=DATA, opens=False)
def draft(
    session: Session,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A CSV file, a folder, a pattern or https://.")],
    name: Annotated[str, typer.Option("--name", metavar="N", help="The dataset's name.")],
    label: Annotated[str, typer.Option("--label", metavar="COL", help="The column to predict.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the two files go; ./N if not given.")
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option("--delimiter", metavar="C", help="Between cells; found in the first line if not given."),
    ] = None,
) -> object:
    """Read a source once and write a contract and a suite for it, for you to review."""
    return hardline.draft(source, name, label, out, delimiter=delimiter, progress=session.progress)


@command(app, "accept", "hardline accept expectations/diagnosis", panel=TRUST)
def accept(_: Session, folder: Annotated[Path, typer.Argument(metavar="DIR", help=TWO_FILES)]) -> object:
    """Show what changed since the last accepted, then sign a contract and its suite as steward."""
    return hardline.accept(folder)


@command(
    app, "validate", "hardline validate patients.csv --contract expectations/diagnosis", panel=DATA, opens=False,
    failed={"decision": "ERROR"},
)  # fmt: skip
def validate(
    session: Session,
    source: Source,
    folder: Annotated[Path, typer.Option("--contract", metavar="DIR", help="A folder with both files.")],
) -> object:
    """Judge a source by a contract that nobody has to have accepted; needs no home. Exit 0, or 3 when refused."""
    found = hardline.validate(source, folder, progress=session.progress)
    return _answer(session, found, 0 if found.decision == "ACCEPT" else 3)


@command(app, "publish", "hardline publish patients.csv --contract diagnosis", panel=DATA)
def publish(
    _: Session,
    source: Source,
    contract: ContractDir,
) -> object:
    """Ingest, validate, encrypt, sign and publish a source. Nothing is published twice."""
    return hardline.publish(source, contract=contract)


@command(app, "harden", "hardline harden diagnosis@1 --recipe strong", panel=DATA)
def harden(
    _: Session,
    reference: Ref,
    recipe: Recipe = "balanced",
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name; the dataset's with -model if not given.")
    ] = None,
) -> object:
    """Verify a dataset, train on it, attack the result, and release it as a signed model."""
    return hardline.harden(reference, recipe, model=name)


@command(app, "run", "hardline run diagnosis", panel=DATA, opens=False)
def run(
    session: Session,
    job: Annotated[
        str,
        typer.Argument(
            metavar="NAME|SPEC", help="diagnosis, digits, payments, or a YAML file {source, contract, recipe}."
        ),
    ],
) -> object:
    """The main job as a Prefect flow run: publish, harden, and a summary of what was proved."""
    from hardline.flows.run_job import run_named

    return run_named(job, session.home, session.progress)


@command(app, "verify", "hardline verify diagnosis@1", panel=LOOK, opens=False, failed=REFUSED)
def verify(
    session: Session,
    subject: Annotated[str, typer.Argument(metavar="REF|FOLDER", help="A reference, or an exported folder: ./NAME.")],
    trust: Annotated[Path | None, typer.Option(metavar="DIR", help="A trust folder, for a FOLDER.")] = None,
    owner_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The owner's public key, got elsewhere, for a FOLDER.")
    ] = None,
) -> object:
    """Check every signature, seal and digest again, offline. Trust never comes from the FOLDER itself."""
    return hardline.verify(subject, trust=trust, owner_key=owner_key, home=session.home)


@command(app, "lineage", "hardline lineage diagnosis-model --format mermaid", panel=LOOK)
def lineage(
    session: Session,
    reference: Ref,
    written: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TREE,
) -> object:
    """What was made from what, by whom, read from the log."""
    if session.json or written is Format.JSON:
        return hardline.lineage(reference).to_json()
    if written is Format.MERMAID:
        return graph.mermaid(Ledger(runtimes.current()).view(), reference)
    return graph.tree(hardline.lineage(reference))


@command(app, "list", "hardline list --json", panel=LOOK)
def list_(_: Session) -> object:
    """The published datasets and the released models."""
    return hardline.list()


@command(app, "show", "hardline show diagnosis@1", panel=LOOK)
def show(_: Session, reference: Ref) -> object:
    """What the log and the public documents say about one of them."""
    return hardline.show(reference)


@command(app, "export", "hardline export diagnosis@1 ./diagnosis-1", panel=LOOK)
def export(_: Session, reference: Ref, folder: Folder) -> object:
    """Write what outside verifiers need: sealed payload, signature bundle, custody chain, proof."""
    return hardline.export(reference, folder)


@command(app, "recall", 'hardline recall diagnosis@1 --reason "mislabelled batch"', panel=TRUST)
def recall(
    _: Session,
    reference: Ref,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it stands in the log for ever.")],
) -> object:
    """Withdraw a dataset or a model: from now on it does not verify, nor do models trained on it."""
    return hardline.recall(reference, reason=reason)


@command(app, "read", "hardline read diagnosis@1 --as trainer --out train.parquet", panel=LOOK)
def read(
    _: Session,
    reference: Ref,
    role: As,
    out: Out,
    columns: Annotated[str | None, typer.Option("--columns", metavar="A,B", help="Some columns only.")] = None,
    split: Annotated[Split | None, typer.Option("--split", help="Where the role reads both.")] = None,
) -> object:
    """Verify a dataset and write the rows that a role may read; logged. No other command writes its rows."""
    names = None if columns is None else columns.split(",")
    return hardline.read(reference, out, role=role, columns=names, split=split)


@command(app, "predict", "hardline predict diagnosis-model --in new.csv --out answers.csv", panel=DATA)
def predict(
    _: Session,
    model: Ref,
    source: Annotated[str, typer.Option("--in", metavar="FILE", help="Rows as the contract says, label or not.")],
    out: Out,
    role: Annotated[str, typer.Option("--as", metavar="ROLE", help="Who opens the weights.")] = "releaser",
) -> object:
    """Verify a model and write a class, its probabilities and what was clipped for every row; logged."""
    return hardline.predict(model, source, out, role=role)


@command(app, "quarantine", "hardline quarantine diagnosis --as steward", panel=LOOK)
def quarantine(
    _: Session,
    reference: Annotated[str, typer.Argument(metavar="REF|NAME", help="A version, or a name: its latest refused run.")],
    role: As,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A new file for the rows.")] = None,
) -> object:
    """Say what was put aside and why; logged. It is as good as the role that sealed it, whose signature is checked."""
    return hardline.quarantine(reference, out, role=role)


@command(log, "checkpoint", "hardline log checkpoint")
def log_checkpoint(_: Session) -> object:
    """Sign the log's head with the current time, and write it as a signed note."""
    return hardline.log_checkpoint()


@command(log, "prove", "hardline log prove 7 --json")
def log_prove(
    _: Session, what: Annotated[str, typer.Argument(metavar="INDEX|REF", help="A record's index, or a reference.")]
) -> object:
    """Show a record and its inclusion under the latest checkpoint."""
    return hardline.log_prove(what)


@command(log, "verify", "hardline log verify", failed=REFUSED)
def log_verify(_: Session) -> object:
    """Check every record, every signature and the tree."""
    return hardline.log_verify()


@command(app, "audit", "hardline audit --json", panel=TRUST, failed={"verified": False})
def audit(session: Session) -> object:
    """Verify everything again and name all that is wrong; repairs nothing. Exit 0, or 4 when something is no longer so."""
    found = hardline.audit()
    return _answer(session, found, 0 if found.verified else 4)


@command(keys, "list", "hardline keys list")
def keys_list(_: Session) -> object:
    """Who holds which role, since when, and which keys this home has."""
    return hardline.keys_list()


@command(keys, "backup", "hardline keys backup ~/hardline-keys.tar")
def keys_backup(_: Session, file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")]) -> object:
    """Write the keys, encrypted as they are, and the trust folder to one file; the passphrase is not in it."""
    return hardline.keys_backup(file)


@command(keys, "restore", "hardline keys restore ~/hardline-keys.tar", opens=False)
def keys_restore(session: Session, file: Annotated[Path, typer.Argument(metavar="FILE")]) -> object:
    """Put a backup into a home without keys; needs its passphrase, and never goes back behind what was seen."""
    return hardline.keys_restore(file, home=session.home)


def _answer(session: Session, result: object, code: int) -> object:
    """A result that is an answer and yet no success: it is written like any other, and the exit code says the rest."""
    if code:
        frame.write(result, session.json)
        raise typer.Exit(code)
    return result


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The program."""
    frame.prepare()
    sys.exit(frame.call(app, sys.argv[1:] if arguments is None else arguments))


if __name__ == "__main__":
    main()
