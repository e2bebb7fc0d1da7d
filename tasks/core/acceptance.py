"""Accepting a folder: what changed since the last time, what the contract discloses, and the signature."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from hardline.tasks.core import paths
from hardline.tasks.core.accepted import CONTRACT_FILE, SUITE_FILE, accept, named, read_folder
from hardline.tasks.core.contract import Contract, parse_contract
from hardline.tasks.core.results import Acceptance
from hardline.tasks.core.suite import parse_suite

if TYPE_CHECKING:
    from pathlib import Path

    from hardline.tasks.core.act import Act


def accept_folder(act: Act, folder: Path) -> Acceptance:
    """Sign a folder's contract and suite as accepted; the same pair twice is one record.

    Raises:
        UsageError: A file is missing.
        ContractError: One of them is wrong; nothing is signed.
    """
    contract_bytes, suite_bytes = read_folder(folder)
    with named(folder / CONTRACT_FILE):
        contract = parse_contract(contract_bytes)
    with named(folder / SUITE_FILE):
        parse_suite(suite_bytes).check_against(contract)
    before = act.ledger.view()
    latest = before.last("declare", name=contract.name)
    changes: list[str] = []
    if latest is not None:
        old = paths.contract(latest["name"], latest["contract"], latest["suite"])
        for file, digest, new in (
            (CONTRACT_FILE, latest["contract"], contract_bytes),
            (SUITE_FILE, latest["suite"], suite_bytes),
        ):
            changes += _diff(file, act.recorded(f"{old}/{file}", digest), new)
    record = accept(act, contract_bytes, suite_bytes)
    return Acceptance(
        name=contract.name,
        contract=record["contract"],
        suite=record["suite"],
        log_index=record.index,
        created=record.index >= len(before),
        changes=tuple(changes),
        discloses=disclosed(contract),
    )


def disclosed(contract: Contract) -> tuple[str, ...]:
    """What the contract, which is public, tells about the data."""
    ranged = sum(1 for column in contract.columns if column.scale or column.valid)
    levels = sum(len(column.levels) for column in contract.columns)
    names = ", ".join(f"{len([c for c in contract.columns if c.group == group])} {group}" for group in contract.groups)
    return (
        f"the names and types of {len(contract.columns)} columns ({names})",
        f"ranges of {ranged} columns",
        f"{levels} levels, the label's {len(contract.classes)} classes among them",
    )


def _diff(file: str, old: bytes, new: bytes) -> list[str]:
    before, now = (data.decode("utf-8", "replace").splitlines() for data in (old, new))
    return list(difflib.unified_diff(before, now, f"{file} (accepted)", f"{file} (now)", lineterm="", n=1))
