"""The second engine: Great Expectations itself, in memory, saying true or false and nothing else.

BOOLEAN_ONLY is its one result format that never leaks a value. No context is written, no Data Docs are made, no
analytics are sent.
"""

from __future__ import annotations

import contextlib
import json
import logging
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def run(suite_bytes: bytes, table: pa.Table) -> tuple[bool | None, ...]:
    """Evaluate a suite on all rows of a table.

    Args:
        suite_bytes: The accepted suite; its types and arguments were checked when it was parsed.
        table: N rows, copied to pandas.

    Returns:
        By position: whether the expectation holds, or None where GX failed to say.
    """
    suite_json = json.loads(suite_bytes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries, about themselves
        import great_expectations as gx
        import numpy as np
        from great_expectations.data_context.types.base import ProgressBarsConfig

        logging.getLogger("great_expectations").setLevel(logging.ERROR)
        context = gx.get_context(mode="ephemeral", project_config=_config())
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        # By the constructor: adding one by one replaces an earlier expectation of the same type and column.
        built = filter(None, (_built(*item) for item in enumerate(suite_json["expectations"])))
        suite = gx.ExpectationSuite(name=suite_json["name"], expectations=list(built))
        source = context.data_sources.add_pandas("memory")
        definition = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
        batch = definition.get_batch({"dataframe": table.to_pandas()})
        results = batch.validate(suite, result_format="BOOLEAN_ONLY").results
    found: list[bool | None] = [None] * len(suite_json["expectations"])
    for result in results:
        position = result.expectation_config.meta["position"]  # never by order: GX sorts by column
        raised = (result.exception_info or {}).get("raised_exception", True)
        # quantiles are answered by numpy's own truth value
        found[position] = None if raised or not isinstance(result.success, bool | np.bool_) else bool(result.success)
    return tuple(found)


def _built(position: int, item: Mapping[str, Any]) -> Any:
    """One expectation as GX reads it, with every argument and its severity; None where GX refuses to read it."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    with contextlib.suppress(ValueError, TypeError):  # pydantic's errors are ValueErrors
        return ExpectationConfiguration(
            type=item["type"],
            kwargs=item["kwargs"],
            severity=item.get("severity", "critical"),
            meta={"position": position},
        ).to_domain_obj()
    return None


def _config() -> Any:
    """Everything in memory, no docs sites: the default makes a temporary folder for them, and leaves it."""
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False), analytics_enabled=False
    )


def version() -> str:
    """The engine's version."""
    from importlib.metadata import version as installed

    return installed("great-expectations")
