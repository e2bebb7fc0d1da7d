"""validate: Snapshot -> AcceptedSnapshot."""

from __future__ import annotations

from hardline.tasks import _page
from hardline.tasks._stage import stage
from hardline.tasks.core.act import Act
from hardline.tasks.core.references import AcceptedSnapshot, Snapshot
from hardline.tasks.core.steps import validate as core


@stage("validator", "validate {snapshot.name}", _page.show_verdict)
def validate(act: Act, snapshot: Snapshot) -> AcceptedSnapshot:
    """Judge every row by the accepted suite, with two engines that must agree; write one verdict and no data."""
    from hardline.expectations.gate import judge

    return core.validate(act, snapshot, judge=judge)
