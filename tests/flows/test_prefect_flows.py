"""What Prefect loads: entrypoints, forms, and a deployment file that fits them."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from hardline.infra.prefect import artifacts

pytestmark = pytest.mark.xdist_group("prefect")
ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]


def test_the_deployments_are_those_that_exist():
    assert [item["name"] for item in DEPLOYMENTS] == ["publish-dataset", "harden-model", "secure-training"]
    assert {item["work_pool"]["name"] for item in DEPLOYMENTS} == {"hardline"}
    assert not [schedule for item in DEPLOYMENTS for schedule in item.get("schedules", []) if schedule["active"]]


@pytest.mark.parametrize("item", DEPLOYMENTS, ids=lambda item: item["name"])
def test_an_entrypoint_loads_and_takes_its_parameters(item, prefect_server, monkeypatch):
    """As a worker loads it: from the file, with flows/ first on sys.path."""
    from prefect.flows import load_flow_from_entrypoint

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [*sys.path])
    flow = load_flow_from_entrypoint(item["entrypoint"])
    assert flow.name == item["name"]
    assert flow.persist_result is False
    assert flow.validate_parameters(item["parameters"])
    for name, schema in flow.parameters.properties.items():
        assert schema["description"], name
    for definition in flow.parameters.definitions.values():
        if definition["title"] not in ("DatasetRef", "Wanted"):
            assert all("description" in field for field in definition["properties"].values()), definition["title"]


@pytest.mark.parametrize(
    "changed", [{"source": {"uri": ""}}, {"contract": {"name": "../x"}}, {"recipe": {"seed": -1}}, {"recipe": {"x": 1}}]
)
def test_parameters_are_parsed_again_inside(changed, prefect_server):
    from prefect.exceptions import ParameterTypeError

    from hardline.flows.prefect_flows import secure_training

    good = {"source": {"uri": "a.csv"}, "contract": {"name": "diagnosis"}, "recipe": {"preset": "fast"}}
    assert secure_training.validate_parameters(good)
    with pytest.raises((ParameterTypeError, ValidationError)):
        secure_training.validate_parameters({**good, **changed})


def test_flows_first_on_the_path_shadows_nothing():
    """Prefect's loader puts flows/ first on sys.path: no file of it may have the name of a module that others import."""
    from importlib.metadata import packages_distributions

    names = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__"}
    assert not names & (set(sys.stdlib_module_names) | set(packages_distributions()))
    assert all("_" in name for name in names)


def test_artifacts_reach_the_page_escaped(prefect_server):
    from prefect import Flow
    from prefect.client.orchestration import get_client

    hostile = "<script>alert(1)</script>"

    def show() -> None:
        artifacts.put_table("a-table", [{"column": "a\x1b[2J", "rows": 3}], hostile)
        artifacts.put_card("a-card", hostile, {hostile: hostile}, "about", below=artifacts.fenced("graph TD"))
        artifacts.put_graph("a-graph", "graph LR\n  a --> b", "about")

    Flow(show, name="shows")()
    with get_client(sync_client=True) as client:
        found = {item.key: item for item in client.read_artifacts()}
    assert {"a-table", "a-card", "a-graph"} <= set(found)
    assert "<script" not in "".join(str(item.data) + str(item.description) for item in found.values())
    assert "```mermaid\ngraph LR" in found["a-graph"].data
    assert "\x1b" not in found["a-table"].data


def test_a_sentence_is_a_plain_function():
    code = "from hardline.flows.secure_training import secure_training as s; import sys, types; "
    code += "assert type(s) is types.FunctionType and 'prefect' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
