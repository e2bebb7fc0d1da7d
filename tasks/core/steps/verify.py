"""verify: steps 1 to 7 for a dataset, and a receipt that says so."""

from __future__ import annotations

from hardline.tasks.core import opening
from hardline.tasks.core.act import Act
from hardline.tasks.core.references import DatasetRef, Receipt, Wanted


def verify(act: Act, dataset: Wanted | DatasetRef) -> Receipt:
    """Walk the numbered list; the receipt is a record, not a permission.

    Args:
        act: As auditor: public keys only.
        dataset: What was published; a name alone means the latest that is not recalled.

    Raises:
        VerificationError: With the number of the step that refused.
    """
    wanted = (
        dataset
        if isinstance(dataset, Wanted)
        else Wanted(name=dataset.name, number=dataset.number, digest=dataset.digest)
    )
    proven, _, view = opening.verified(act.runtime, wanted, kind="dataset")
    passed = tuple(number for number, result in proven.subject.steps.results.items() if result == "passed")
    act.say(f"verified {proven.reference}: steps {', '.join(map(str, passed))}")
    return Receipt(
        reference=proven.reference,
        manifest=proven.subject.digest,
        index=proven.subject.record.index,
        checkpoint=len(view),
        steps=passed,
    )
