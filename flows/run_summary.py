"""What `hardline run` did, for a person with ten seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hardline.tasks.core.results import Ran


def summary(ran: Ran, program: str = "hardline") -> str:
    """Dataset, model, what was measured, who signed, and where to look further.

    Args:
        ran: What was done.
        program: How the program is called, for the commands to go on with.
    """
    dataset, published, model, hardened = ran.published.dataset, ran.published, ran.hardened.model, ran.hardened
    metrics = hardened.metrics
    names = ", ".join(_attacker(item) for item in metrics["attackers"])
    lines = [
        "",
        f"dataset  {dataset.reference}{_again(published.created)}   log index {published.log_index}",
        f"         sha256:{dataset.digest}",
        f"         {dataset.rows_in:,} rows in, {dataset.rows_accepted:,} accepted, {dataset.rows_quarantined:,} quarantined",
        f"model    {model.reference}{_again(hardened.created)}   log index {hardened.log_index}",
        f"         sha256:{model.digest}",
        "",
        f"         {'accuracy':<12}{'clean':>8}{'robust':>9}   95 % interval of robust, n = {metrics['rows']:,}",
        *(_net(net, metrics[net]) for net in ("standard", "hardened") if net in metrics),
        f"         attackers: {names}",
        "         robust is the worst case over those that the contract permits",
        "",
        *_signed({**published.signers, **hardened.signers}),
        "",
        "look further",
        f"         {program} verify {model.reference}      every signature, seal and digest again",
        f"         {program} lineage {model.reference}     what was made from what, by whom",
        f"         {program} show {dataset.reference}      the same with list, and with log verify",
        f"{ran.seconds:.1f} s" + ("" if published.created or hardened.created else ": nothing was published twice"),
    ]
    return "\n".join(lines)


def _net(name: str, report: Mapping[str, Any]) -> str:
    low, high = (100 * float(end) for end in report["interval"]["robust"])
    return f"         {name:<12}{100 * report['clean']:>6.1f} %{100 * report['robust']:>7.1f} %   {low:.1f} % to {high:.1f} %"


def _attacker(item: Mapping[str, Any]) -> str:
    return f"{item['name']}" if item["permitted"] else f"{item['name']} (beyond the contract)"


def _again(created: bool) -> str:
    return "" if created else " (made before)"


def _signed(signers: Mapping[str, str]) -> list[str]:
    """One principal signing all is said in one line; several stand step by step."""
    if len(set(signers.values())) == 1:
        return [f"signed   {', '.join(signers)}: each by its own key of {next(iter(signers.values()))}"]
    cells = [f"{step}: {principal}" for step, principal in signers.items()]
    return [
        f"{'signed' if start == 0 else '':<9}{'   '.join(cells[start : start + 4])}"
        for start in range(0, len(cells), 4)
    ]
