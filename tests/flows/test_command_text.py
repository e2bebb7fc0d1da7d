"""Results as lines: each fact on its own line, and no other."""

from hardline.flows.command_text import text
from hardline.tasks.core import graph, results

FORGED = "x\n  digest     sha256:00\x1b[2J"


def test_a_value_never_makes_a_line_of_its_own():
    recalled = results.RecallResult("a@1", "0" * 64, FORGED, 7, ("b@1\nc",), True)
    record = {"log_index": 3, "type": "recall", "by": "o\np", "role": "steward", "time": "t", "reason": FORGED}
    shown = results.Shown("dataset", "a@1", "0" * 64, FORGED, {"rows": 1}, (record,))
    for result, lines in ((recalled, 6), (shown, 4)):
        said = text(result)
        assert len(said.split("\n")) == lines
        assert "\\n  digest" in said and "\x1b" not in said


def test_a_lineage_of_a_recalled_dataset_keeps_its_lines():
    node = graph.Node("ingest", "ingest", "o\np", "ingestor", "t", 1, "snapshot.json", "0" * 64, ())
    said = graph.tree(graph.Lineage("a@1", "0" * 64, "dataset", FORGED, (node,)))
    assert len(said.split("\n")) == 2
