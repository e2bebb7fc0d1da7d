"""Drafting: the whole source once, in bounded memory, and two files for a person to review."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from hardline.infra.parsers import process, sources
from hardline.infra.parsers.errors import ParseRefused
from hardline.infra.parsers.spec import CsvSpec
from hardline.tasks.core.acceptance import disclosed
from hardline.tasks.core.accepted import CONTRACT_FILE, SUITE_FILE
from hardline.tasks.core.contract import parse_contract
from hardline.tasks.core.drafting.choices import choose
from hardline.tasks.core.drafting.profile import Profile
from hardline.tasks.core.drafting.writing import contract_text, suite_text
from hardline.tasks.core.errors import IngestError, Unavailable, UsageError
from hardline.tasks.core.references import NAME
from hardline.tasks.core.results import Drafted
from hardline.tasks.core.suite import parse_suite

if TYPE_CHECKING:
    from pathlib import Path

    from hardline.infra.parsers.sources import SourceFile
    from hardline.infra.ports import Progress

DELIMITERS: Final = (",", ";", "\t", "|")
_COMPRESSED: Final = {".gz": "gzip", ".zst": "zstd"}
_MOST: Final = 10_000  # columns


def draft(
    uri: str, name: str, label: str, target: Path, progress: Progress, *, delimiter: str | None = None
) -> Drafted:
    """Profile a CSV source and write `contract.odcs.yaml` and `suite.json`.

    Args:
        uri: The source; its suffix `.gz` or `.zst` says that it is compressed.
        name: The dataset's name.
        label: The column to predict.
        target: The folder to write to; it must not hold either file.
        progress: Told how far it is.
        delimiter: Between cells; None: the one that the first line has most of.

    Raises:
        IngestError: The source cannot be read as CSV.
        ContractError: Nothing can be learned from it.
        UsageError: The name is none, or one of the files is there.
    """
    if not re.fullmatch(NAME, name):
        raise UsageError(f"name: lower-case letters, digits and hyphens expected, got {name[:80]!r}")
    if delimiter is not None and delimiter not in DELIMITERS:
        raise UsageError("--delimiter: one of , ; | and a tab expected, got something else")
    for file in (CONTRACT_FILE, SUITE_FILE):
        if (target / file).exists():
            raise UsageError(f"{target / file}: it is there already", help="remove it, or choose another --out")
    try:
        compression = next((kind for suffix, kind in _COMPRESSED.items() if uri.endswith(suffix)), "none")
        files = sources.open_sources(uri, format="csv", compression=compression)
        mark = delimiter or _delimiter(files[0], compression)
        profile = _profile(files, mark, compression, progress)
    except ParseRefused as error:
        raise IngestError(f"{sources.redact_uri(uri)}: {error.message}", help=error.help) from None
    made = choose(profile, name, label, delimiter=mark, compression=compression)
    texts = {CONTRACT_FILE: contract_text(made), SUITE_FILE: suite_text(made)}
    contract = parse_contract(texts[CONTRACT_FILE].encode())
    parse_suite(texts[SUITE_FILE].encode()).check_against(contract)  # what we write ourselves is always acceptable
    _write(target, texts)
    groups = Counter(column.group for column in made.columns)
    return Drafted(str(target), name, profile.rows, dict(sorted(groups.items())), made.notes, disclosed(contract))


def _delimiter(file: SourceFile, compression: str) -> str:
    """The delimiter that the first line has most of, quotes left out; a comma where it cannot be looked at."""
    if compression != "none":
        return ","
    head = b""
    for chunk in file.chunks():
        head += chunk
        if b"\n" in head or len(head) > 1 << 20:
            break
    line = re.sub(rb'"[^"]*"', b"", head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0])
    return max(DELIMITERS, key=lambda mark: line.count(mark.encode()))


def _profile(files: Sequence[SourceFile], delimiter: str, compression: str, progress: Progress) -> Profile:
    spec = CsvSpec(
        columns=(("name", "text", True),), compression=compression, delimiter=delimiter, null_values=(), trim=True,
        decimal="." if delimiter == "," else ",", true_values=(), false_values=(),
    )  # fmt: skip
    names = _names(process.header([(files[0].name, files[0].chunks())], spec))
    from dataclasses import replace

    every = replace(spec, columns=tuple((name, "text", True) for name in names))
    profile = Profile(names)
    for batch in process.parse(_chunks(files), every):
        profile.add(batch)
        progress.advance("draft", profile.rows, None)
    return profile


def _chunks(files: Sequence[SourceFile]) -> Iterator[tuple[str, Iterator[bytes]]]:
    return ((file.name, file.chunks()) for file in files)


def _names(found: list[str]) -> list[str]:
    """The header's names, if they can name columns; the contract must spell them as the source does, blanks and all."""
    unfit = sum(1 for name in found if not name.strip() or len(name) > 200 or not name.isprintable())
    patterns = [name for name in found if name == "*" or (name.startswith("^") and name.endswith("$"))]
    if patterns:
        raise IngestError(f"header: names expected, got {patterns[0][:60]!r}, a pattern", help="rename that column")
    twice = [name for name, count in Counter(found).items() if count > 1]
    if not 2 <= len(found) <= _MOST or unfit:
        raise IngestError(
            f"header: 2 to {_MOST:,} columns with names expected, got {len(found)}, {unfit} of them without a fitting one",
            help="check --delimiter, and that the first line names the columns",
        )
    if twice:
        raise IngestError(f"header: each column once expected, got {twice[0][:60]!r} {found.count(twice[0])} times")
    return found


def _write(target: Path, texts: dict[str, str]) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            descriptor = os.open(target / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
            with os.fdopen(descriptor, "w", encoding="utf-8") as place:
                place.write(text)
    except OSError as error:
        raise Unavailable(f"{target}: {error.strerror}", help="choose another --out") from None
