"""Lineage events: one OpenLineage 2-0-2 RunEvent for each finished step.

Artifacts are OpenLineage datasets whose `version.datasetVersion` is their digest; a manifest stands under the dataset's
plain name. The log records the event's digest, so an event that was changed later is seen.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical, program

if TYPE_CHECKING:
    from openlineage.client.generated.base import DatasetFacet

NAMESPACE = "hardline"
_PRODUCER = "urn:hardline:program"
_RUNS = uuid.UUID("5f2f5e54-6b0e-5b7c-9d53-6b4f2b3d7a11")  # the namespace of run ids (RFC 9562 section 5.5)


def step_event(
    step: str,
    name: str,
    version: str,
    time: datetime,
    materials: Mapping[str, str],
    products: Mapping[str, str],
    link: str,
    assertions: Sequence[Mapping[str, Any]] = (),
    dataset: str | None = None,
) -> bytes:
    """The event of one finished step, as canonical JSON.

    Args:
        step: The step's name; the job is `name.step`.
        name: The dataset's or the model's name.
        version: The version id; the run id is derived from it and the step.
        time: When it finished.
        materials: Artifact name to digest.
        products: Artifact name to digest.
        link: The digest of the step's in-toto link.
        assertions: `{"assertion", "column", "success"}` for each expectation of the suite.
        dataset: The dataset's name, where `name` is a model's.
    """
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import data_quality_assertions_dataset as quality
    from openlineage.client.serde import Serde

    inputs = [
        InputDataset(namespace=NAMESPACE, name=_dataset(name, dataset, artifact), facets=_version(digest))
        for artifact, digest in sorted(materials.items())
    ]
    if assertions and inputs:
        checked = [
            quality.Assertion(assertion=str(a["assertion"]), success=bool(a["success"]), column=a.get("column"))
            for a in assertions
        ]
        inputs[-1].inputFacets = {
            "dataQualityAssertions": quality.DataQualityAssertionsDatasetFacet(assertions=checked)
        }
    outputs = [
        OutputDataset(namespace=NAMESPACE, name=_dataset(name, dataset, artifact), facets=_version(digest))
        for artifact, digest in sorted(products.items())
    ]
    event = RunEvent(
        eventTime=time.isoformat(),
        eventType=RunState.COMPLETE,
        producer=_PRODUCER,
        run=Run(runId=str(uuid.uuid5(_RUNS, f"{version}/{step}"))),
        job=Job(namespace=NAMESPACE, name=f"{name}.{step}"),
        inputs=inputs,
        outputs=outputs,
    )
    value = Serde.to_dict(event)
    value["schemaURL"] = RunEvent._get_schema()
    value["run"]["facets"] = {
        "hardline": {
            "_producer": _PRODUCER,
            "_schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet",
            "version": version,
            "link": f"sha256:{link}",
            **program.byproducts(),
        }
    }
    return canonical.encode(value)


def _dataset(name: str, dataset: str | None, artifact: str) -> str:
    if artifact == "manifest.json":
        return dataset or name
    return name if artifact == "model.json" else f"{name}/{artifact}"


def _version(digest: str) -> dict[str, DatasetFacet]:
    from openlineage.client.facet_v2 import dataset_version_dataset

    return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=f"sha256:{digest}")}
