"""The sentences as Prefect flows: what prefect.yaml deploys and what `hardline run` starts.

A sentence (publish_dataset.py and its neighbours) is a plain function of references, so the API and a notebook call it
without Prefect. This module is the only one that imports Prefect to make a flow of it, and only Prefect's entrypoints
and `hardline run` import this module. Inside a flow run the sentence's verbs notice the run and become its tasks
(`tasks._stage`), so there is one sentence and nothing to keep alike.

The file has a two-word name, as every file of this folder: Prefect's loader puts the folder first on `sys.path`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from prefect import Flow

from hardline.flows import harden_model as _harden_model
from hardline.flows import publish_dataset as _publish_dataset
from hardline.flows import secure_training as _secure_training
from hardline.infra import runtime
from hardline.infra.settings import protect_process
from hardline.tasks.core.working import working

P = ParamSpec("P")
R = TypeVar("R")


def _flow(sentence: Callable[P, R], run_name: str) -> Flow[P, R]:
    """Make a flow of a sentence: parameters are parsed again here, results are never persisted.

    Args:
        sentence: The function; its docstring is the flow's description, and with the fields' descriptions the manual
            of Prefect's form.
        run_name: A format string over its parameters.
    """

    @wraps(sentence)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        protect_process()
        with working(runtime.current()):  # one home, and one derivation of its key, for the whole run
            return sentence(*args, **kwargs)

    run.__signature__ = inspect.signature(sentence, eval_str=True)  # type: ignore[attr-defined]
    name = sentence.__name__.replace("_", "-")
    return Flow(run, name=name, flow_run_name=run_name, validate_parameters=True, persist_result=False, retries=0)


publish_dataset = _flow(_publish_dataset.publish_dataset, "publish {contract.name}")
harden_model = _flow(_harden_model.harden_model, "harden {dataset.name}")
secure_training = _flow(_secure_training.secure_training, "publish and harden {contract.name}")
