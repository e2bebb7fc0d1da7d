"""digits and payments the whole way, with short training and few attacked rows: what holds for the data holds for the job."""

from __future__ import annotations

import pytest

import hardline
from hardline.expectations import shipped
from hardline.flows.run_job import EXAMPLES
from hardline.flows.run_summary import summary
from hardline.tasks.core.references import RecipeRef
from hardline.tasks.core.results import Ran
from hardline.tasks.hardening import evaluation

SHORT = {
    "digits": RecipeRef(preset="fast", options={"epochs": 12}),
    "payments": RecipeRef(preset="fast", options={"epochs": 2, "batch": 256}),
}


@pytest.mark.parametrize("name", SHORT)
def test_an_example_is_published_hardened_and_released(name, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(evaluation, "ATTACKED_IMAGES", 40)
    monkeypatch.setattr(evaluation, "ATTACKED_ROWS", 600)
    home = tmp_path / "home"
    assert hardline.init(home=home).contracts == shipped.NAMES
    source = home / EXAMPLES / shipped.file_name(name)
    shipped.write_source(name, source)
    published = hardline.publish(str(source), name, home=home)
    assert published.dataset.rows_in == published.dataset.rows_accepted == {"digits": 1797, "payments": 50_000}[name]
    shipped.write_source(name, source)
    assert not hardline.publish(str(source), name, home=home).created  # equal bytes: the same request
    made = hardline.harden(f"{name}@1", SHORT[name], home=home)
    assert made.metrics["rows"] == {"digits": 40, "payments": 600}[name]
    judge = next(item for item in made.metrics["attackers"] if item["name"] == "autoattack")
    assert judge["permitted"] is (name == "digits")
    told = summary(Ran(published, made, 1.0, synthetic=name in shipped.SYNTHETIC))
    assert ("SYNTHETIC" in told) is (name == "payments")
    if name == "payments":
        frauds = made.metrics["hardened"]["classes"]["fraud"]
        assert frauds["clean"] > frauds["rows"] / 2  # not the majority's answer
    assert hardline.verify(f"{name}-model@1", home=home).scope == "full"
