"""`hardline run`: the main job as a Prefect flow run, on a server of its own unless one is configured.

The log is asked first: what stands there already needs no server, no Prefect and no training.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import hardline
from hardline.expectations import shipped
from hardline.flows.run_request import Job
from hardline.infra.prefect.server import Server, own_server
from hardline.infra.runtime import HOME_FILE, open_runtime, root_of
from hardline.infra.settings import Settings
from hardline.tasks.core import finished
from hardline.tasks.core.errors import UsageError
from hardline.tasks.core.home import begun, refuse_stranger
from hardline.tasks.core.ledger import Ledger
from hardline.tasks.core.references import ContractRef, ModelRef, Wanted
from hardline.tasks.core.results import Ran
from hardline.tasks.core.working import working

if TYPE_CHECKING:
    from hardline.infra.ports import Progress
    from hardline.infra.runtime import Runtime

_HEAVY: Final = (
    "hardline.flows.prefect_flows",
    "great_expectations",
    "polars",
    "hardline.tasks.hardening.evaluation",
    "pyautoattack",
)
EXAMPLES: Final = "examples"  # folder of a home, for the source files of shipped examples


def run_named(asked: str, home: Path | str | None, progress: Progress) -> Ran:
    """Run a shipped example, for which a home is made if there is none, or the job that a file describes.

    Args:
        asked: The example's name, or the file's path.
        home: The home; None: as the environment says.
        progress: Who watches.

    Raises:
        UsageError: It is neither, or its recipe is none.
    """
    settings = Settings.from_environment(os.environ)
    root = root_of(home, settings)
    with ExitStack() as stack:
        server = None
        if asked in shipped.NAMES:
            if settings.prefect_api_url is None and not begun(root, HOME_FILE):
                refuse_stranger(root)
                server = stack.enter_context(own_server(root))  # there is work for certain: it starts meanwhile
            if not _accepted(root, asked):  # a finished home is not unlocked for nothing
                hardline.init(home=root, progress=progress)
            source = root / EXAMPLES / shipped.file_name(asked)
            shipped.write_source(asked, source)
            job = Job(source=hardline.source_ref(str(source)), contract=ContractRef(name=asked))
        elif os.path.lexists(asked):
            job = Job.read(Path(asked))
        else:
            raise UsageError(
                f"{asked[:80]}: {', '.join(shipped.NAMES)} or a YAML file expected", help="hardline run --help"
            )
        runtime = stack.enter_context(working(open_runtime(root, progress=progress)))
        return replace(run_job(runtime, job, server), synthetic=asked in shipped.SYNTHETIC)


def _accepted(root: Path, name: str) -> bool:
    """Whether there is a home in which a steward accepted the contract of that name."""
    return begun(root, HOME_FILE) and Ledger(open_runtime(root)).view().last("declare", name=name) is not None


def run_job(runtime: Runtime, job: Job, server: Server | None = None) -> Ran:
    """Publish and harden, or find that both stand already.

    Args:
        runtime: The home that this process works on.
        job: What to run.
        server: A server that was started for it; None: one is started when there is work.

    Raises:
        HardlineError: As the step that failed says.
    """
    started = time.monotonic()
    hardline.recipe_ref(job.recipe, dataset=job.contract.name)
    before = already(runtime, job)
    if before is not None:
        runtime.progress.say("nothing to do: this dataset and this model stand in the log")
        dataset, model = before
        created = (False, False)
    else:
        earlier = finished.publication(runtime, job.source, job.contract)
        with prefect_api(runtime, server):
            made = _as_flow(job)
        dataset = Wanted(name=job.contract.name, digest=made.dataset)
        model = Wanted(name=made.name, digest=made.digest)
        created = (earlier is None, made.created)
    return Ran(
        finished.published(runtime, dataset, created=created[0]),
        finished.hardened(runtime, model, created=created[1]),
        time.monotonic() - started,
    )


def already(runtime: Runtime, job: Job) -> tuple[Wanted, Wanted] | None:
    """The dataset and the model that the same job made before, unless one was recalled; None: there is work."""
    from hardline.tasks.train import settings

    dataset = finished.publication(runtime, job.source, job.contract)
    if dataset is None:
        return None
    model = finished.release(runtime, job.recipe.name, dataset, settings(job.recipe).to_json())
    if model is None:
        return None
    return (
        Wanted(name=dataset["name"], digest=dataset["manifest"]),
        Wanted(name=model["name"], digest=model["manifest"]),
    )


@contextmanager
def prefect_api(runtime: Runtime, started: Server | None = None) -> Iterator[None]:
    """Prefect as configured, or else a server of the home's own; entered before Prefect is imported.

    While the server starts, this process imports what the flow will need: the two keep two cores busy.
    """
    quiet = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}  # the terminal belongs to the program's own progress
    if runtime.settings.prefect_api_url is not None:
        with environment(quiet):
            yield
        return
    runtime.progress.say("starting a Prefect server for this run")
    kept = own_server(runtime.root) if started is None else nullcontext(started)
    with kept as server, environment({**quiet, **server.environment}):
        _import_ahead()
        server.wait()
        try:
            yield
        finally:
            drain()


def _as_flow(job: Job) -> ModelRef:
    from hardline.flows.prefect_flows import secure_training

    return secure_training(job.source, job.contract, job.recipe)


def _import_ahead() -> None:
    """What the flow imports anyway; a library that is missing is for the step that needs it to say."""
    for name in _HEAVY:
        with suppress(ImportError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries, about themselves
            import_module(name)


def drain() -> None:
    """Let Prefect send what it still holds, while there is a server to send it to."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    drains: tuple[Callable[..., Any], ...] = (APILogWorker.drain_all, EventsWorker.drain_all)
    for drain in drains:
        drain(timeout=5)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables that Prefect reads, for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    if "prefect.context" in sys.modules:  # it has read the environment already
        sys.modules["prefect.context"].refresh_global_settings_context()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
