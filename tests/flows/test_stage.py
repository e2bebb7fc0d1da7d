"""The verbs, with Prefect and without."""

import subprocess
import sys
from pathlib import Path

import pytest

from hardline.infra import runtime as runtimes
from hardline.infra.runtime import Runtime, Silent
from hardline.tasks import _stage
from hardline.tasks._stage import Unexpected, stage
from hardline.tasks.core.errors import Corrupt, ExpectationError, Unavailable
from hardline.tasks.core.references import SourceRef

pytestmark = pytest.mark.xdist_group("prefect")
ROOT = Path(__file__).resolve().parents[2]
SOURCE = SourceRef(uri="a.csv")
CANARY = "canary-7f3a91"
VERBS = ["ingest", "validate", "encrypt", "sign", "publish", "verify", "train", "evaluate", "release"]


@pytest.fixture(autouse=True)
def runtime(tmp_path):
    """A runtime of which these verbs use nothing."""
    nothing = dict.fromkeys(["settings", "store", "log", "vault", "trust", "clock", "emitter"])
    made = Runtime(root=tmp_path, progress=Silent(), **nothing)
    with runtimes.use(made):
        yield made


def _verb(act, source: SourceRef) -> str:
    """Say who acts."""
    return f"{act.step} as {act.role} of {source.uri}"


def _failing(errors):
    calls = []

    def fail(act, source: SourceRef) -> str:
        """Fail as told, then succeed."""
        calls.append(source)
        if len(calls) <= len(errors):
            raise errors[len(calls) - 1]
        return "done"

    return stage("ingestor", "fail {source.uri}")(fail), calls


def _as_flow(call, **options):
    from prefect import Flow

    def sentence() -> str:
        return call()

    return Flow(sentence, name="a-flow", persist_result=False, **options)()


def test_a_verb_is_a_plain_function_without_prefect():
    assert stage("ingestor", "title")(_verb)(SOURCE) == "_verb as ingestor of a.csv"


def test_importing_and_calling_verbs_imports_no_prefect():
    code = "import sys, hardline, hardline.flows.secure_training as s; "
    code += "heavy = {'prefect', 'great_expectations', 'torch', 'boto3', 'pandas', 'polars'} & set(sys.modules); assert not heavy, heavy"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_says_what_it_does_and_whose_keys_it_uses(name):
    from importlib import import_module

    verb = getattr(import_module(f"hardline.tasks.{name}"), name)
    assert verb.__name__ == name and verb.__doc__ and verb.role
    assert "act" not in verb.__signature__.parameters


def test_in_a_flow_run_it_is_a_task_of_that_run(prefect_server):
    from prefect.client.orchestration import get_client

    verb = stage("ingestor", "say {source.uri}")(_verb)
    seen = []

    def call():
        from prefect.context import FlowRunContext

        seen.append(FlowRunContext.get().flow_run.id)
        return verb(SOURCE)

    assert _as_flow(call) == "_verb as ingestor of a.csv"
    assert verb.task.persist_result is False
    with get_client(sync_client=True) as client:
        from hardline.flows.run_job import drain

        drain()
        (run,) = [run for run in client.read_task_runs() if run.flow_run_id == seen[0]]
    assert run.name == "say a.csv" and "role:ingestor" in run.tags


def test_only_what_was_unavailable_is_tried_again(prefect_server, monkeypatch):
    monkeypatch.setattr(_stage, "RETRY_SECONDS", [0.0, 0.0])
    verb, calls = _failing([Unavailable("a disk"), Unavailable("a disk")])
    assert _as_flow(lambda: verb(SOURCE)) == "done"
    assert len(calls) == 3


@pytest.mark.parametrize("error", [ExpectationError("verdict REJECT", help="correct it"), Corrupt("log.db")])
def test_an_error_of_ours_passes_unchanged_and_once(prefect_server, error):
    verb, calls = _failing([error])
    with pytest.raises(type(error)) as raised:
        _as_flow(lambda: verb(SOURCE))
    assert (raised.value.message, raised.value.help) == (error.message, error.help)
    assert len(calls) == 1


def test_prefect_stores_nothing_of_a_foreign_error(prefect_server, running):
    """What a library says may quote the data: its text reaches neither the database nor a file of Prefect."""
    from hardline.flows.run_job import drain

    verb, _ = _failing([ValueError(f"could not convert string to float: {CANARY!r}")])
    with pytest.raises(Unexpected, match="ValueError at tests.flows.test_stage|ValueError at test_stage") as raised:
        _as_flow(lambda: verb(SOURCE))
    assert raised.value.__context__ is None and CANARY not in str(raised.value)
    drain()
    folder = running[0] / "prefect"
    assert not [path for path in (folder / "storage").rglob("*") if path.is_file()]
    for path in folder.rglob("*"):
        assert path.is_dir() or CANARY.encode() not in path.read_bytes(), path


def test_the_canary_would_be_found(prefect_server, running):
    """The same error raised past the decorator does reach the database: the scan above can fail."""
    from prefect import Flow, Task

    from hardline.flows.run_job import drain

    def leak() -> None:
        raise ValueError("leaked-canary-55")

    leaking = Task(leak, name="leak")
    with pytest.raises(ValueError):
        Flow(lambda: leaking(), name="leaky")()
    drain()
    files = [path for path in (running[0] / "prefect").rglob("*") if path.is_file()]
    assert any(b"leaked-canary-55" in path.read_bytes() for path in files)


def test_an_artifact_that_fails_fails_nothing(prefect_server):
    def show(act, result):
        raise RuntimeError("no page")

    verb = stage("ingestor", "title", show)(_verb)
    assert _as_flow(lambda: verb(SOURCE)).startswith("_verb")


def test_a_flow_of_the_user_may_be_asynchronous(prefect_server):
    import asyncio

    from prefect import Flow

    verb = stage("ingestor", "title")(_verb)

    async def sentence() -> str:
        return verb(SOURCE)

    assert asyncio.run(Flow(sentence, name="an-async-flow")()).startswith("_verb")
