"""The accepted contract and suite of a name: found by record, read by digest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardline.infra.plain_file import read_file
from hardline.tasks.core import canonical, paths
from hardline.tasks.core import contract as contracts
from hardline.tasks.core import suite as suites
from hardline.tasks.core.commit import read_links, refuse_shared_name
from hardline.tasks.core.contract import Contract, parse_contract
from hardline.tasks.core.errors import ContractError, DigestMismatch, UsageError
from hardline.tasks.core.suite import Suite, parse_suite

if TYPE_CHECKING:
    from pathlib import Path

    from hardline.tasks.core.act import Act
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record
    from hardline.tasks.core.references import ContractRef

CONTRACT_FILE = "contract.odcs.yaml"
SUITE_FILE = "suite.json"


@dataclass(frozen=True)
class Accepted:
    """A contract and a suite that a steward signed, with the bytes that were signed."""

    contract: Contract
    suite: Suite
    contract_bytes: bytes
    suite_bytes: bytes
    link_name: str
    link: bytes
    index: int


def find_accepted(act: Act, view: LogView, wanted: ContractRef) -> Accepted:
    """The latest accepted contract of a name, which must be the one wanted when digests are given.

    Raises:
        ContractError: Nobody accepted it, or it changed since.
        VerificationError: What lies in the store is not what was accepted.
    """
    record = view.last("declare", name=wanted.name)
    if record is None:
        raise ContractError(f"contract {wanted.name}: not accepted by a steward", help="hardline accept DIR")
    for what, digest in (("contract", wanted.contract), ("suite", wanted.suite)):
        if digest is not None and digest != record[what]:
            raise ContractError(
                f"{what} of {wanted.name}: the accepted sha256:{record[what][:16]}... expected, got sha256:{digest[:16]}...;"
                " it was changed after it was accepted",
                help="hardline accept DIR; the name alone, where no folder of that name lies, is the accepted one",
            )
    return read_accepted(act, record)


def read_accepted(act: Act, record: Record) -> Accepted:
    """What a `declare` record names, from the store; raises `VerificationError`."""
    folder = paths.contract(record["name"], record["contract"], record["suite"])
    contract = act.recorded(f"{folder}/{CONTRACT_FILE}", record["contract"])
    suite = act.recorded(f"{folder}/{SUITE_FILE}", record["suite"])
    for name, link in read_links(act, folder).items():
        if canonical.digest(link) == record["link"]:
            return Accepted(parse_contract(contract), parse_suite(suite), contract, suite, name, link, record.index)
    raise DigestMismatch(f"{folder}: the steward's link sha256:{record['link']} expected, got none")


def accept(act: Act, contract_bytes: bytes, suite_bytes: bytes) -> Record:
    """Sign a contract and its suite as accepted; the same pair twice is one record.

    Raises:
        ContractError, ExpectationError: One of them is wrong; nothing is signed.
    """
    contract, suite = parse_contract(contract_bytes), parse_suite(suite_bytes)
    suite.check_against(contract)
    view = act.ledger.view()
    refuse_shared_name(view, contract.name, "dataset")
    latest = view.last("declare", name=contract.name)
    if latest is not None and (latest["contract"], latest["suite"]) == (contract.digest, suite.digest):
        return latest
    folder = paths.contract(contract.name, contract.digest, suite.digest)
    act.place(f"{folder}/{CONTRACT_FILE}", contract_bytes)
    act.place(f"{folder}/{SUITE_FILE}", suite_bytes)
    link = act.link(folder, {}, {CONTRACT_FILE: contract.digest, SUITE_FILE: suite.digest})
    body = {"name": contract.name, "contract": contract.digest, "suite": suite.digest, "link": link}
    return act.ledger.append(act.role, "declare", lambda _: body)


def read_folder(folder: Path) -> tuple[bytes, bytes]:
    """A folder's contract and suite as they lie there, for review; raises `UsageError` when one is no such file."""
    found = []
    for name, limit in ((CONTRACT_FILE, contracts.MAX_BYTES), (SUITE_FILE, suites.MAX_BYTES)):
        try:
            found.append(read_file(folder / name, limit))
        except OSError as error:
            raise UsageError(f"{folder / name}: {error.strerror}", help="a folder with both files is needed") from None
    return found[0], found[1]


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Give a refusal of the block the name of the file that it is about."""
    try:
        yield
    except ContractError as error:
        raise ContractError(f"{path}: {error.message}", help=error.help) from None
