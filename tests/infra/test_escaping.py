import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardline.infra.escaping import MAX_TEXT, markdown, mermaid_label, one_line
from hardline.infra.prefect.artifacts import bars, fenced

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</td></table><script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "a | b",
    "`code`",
    "```\n<b>",
    "\x1b[2Jgone",
    "\u202etxt.exe",
    "https://evil.example/x",
    "www.evil.example",
    "someone@evil.example",
    '"] --> B; click A "javascript:alert(1)"',
    "line\nbreak\rand\ttab\u2028end",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_leaves_nothing_that_has_a_meaning(text):
    escaped = markdown(text)
    assert re.fullmatch(r"(?:[A-Za-z0-9 ,.;:%/]|&#[0-9]+;)*", escaped)
    assert not re.search(r"://\w|www\.|@\w", html.unescape(escaped))


@given(st.text())
def test_every_text_becomes_one_harmless_line(text):
    line = one_line(text)
    assert len(line) <= MAX_TEXT
    assert line.isprintable()
    assert re.fullmatch(r"(?:[A-Za-z0-9 ,.;:%/]|#[0-9]+;)*", mermaid_label(text))


def test_plain_text_stays_readable():
    assert one_line("mean radius (mm): 12.5 %") == "mean radius (mm): 12.5 %"
    assert html.unescape(markdown("mean radius | µ")) == "mean radius | µ"


def test_a_graph_cannot_leave_its_block():
    block = fenced("graph TD\n```\n<script>\n````")
    assert block.startswith("`````mermaid\n") and block.endswith("\n`````")


def test_a_chart_escapes_its_names():
    assert 'x-axis ["a#34;b"]' in bars("accuracy", {'a"b': 0.5})
