"""Results of the verbs that look at rows, keys and everything at once, in words; see command_text.py."""

from __future__ import annotations

from hardline.flows.command_text import facts, text
from hardline.tasks.core import results


@text.register
def _(result: results.RowsRead) -> str:
    known = {
        "rows": f"{result.rows:,}",
        "columns": len(result.columns),
        "digest": f"sha256:{result.digest}",
        "logged as": f"a read by the {result.role}",
    }
    return facts(f"wrote {result.file}, rows of {result.reference} in the clear", known)
