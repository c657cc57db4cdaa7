"""Great Expectations judges: the one importer of it.

The outcomes table (rule x site) goes through a Checkpoint of our expectation; which outcomes fail, and so the exit
code, comes from its result alone (docs/adr/0003-polars-scans-gx-judges.md). Importing this module costs seconds:
do it while workers read.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read when great_expectations is imported

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
import polars as pl
from great_expectations.core.batch import Batch
from great_expectations.data_context import AbstractDataContext
from great_expectations.execution_engine import ExecutionEngine, PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from dqkit.rulebook.check import Expectation

_METRIC = "table.dqkit.outcomes_over_allowance"
_ARCHIVE = "(archive)"


class OutcomesOverAllowance(TableMetricProvider):  # type: ignore[misc] # GX ships no types
    """The sites at which a rule fails: failed - waived - baseline exceeds allowed."""

    metric_name = _METRIC
    value_keys = ("rule_id", "variant")

    @metric_value(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(
        cls,  # noqa: N805 - GX turns it into a class method
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> dict[str, list[str]]:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type="table")
        rows = frame[
            (frame["rule_id"] == metric_value_kwargs["rule_id"]) & (frame["variant"] == metric_value_kwargs["variant"])
        ]
        over = rows[rows["failed"] - rows["waived"] - rows["baseline"] > rows["allowed"]]
        return {"failing": over["site"].tolist(), "judged": rows["site"].tolist()}


class ExpectOutcomesWithinAllowance(BatchExpectation):  # type: ignore[misc]
    """Expect that a rule fails at no site by more than it allows."""

    rule_id: str
    variant: str = ""

    metric_dependencies: ClassVar[tuple[str, ...]] = (_METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = ("rule_id", "variant")
    args_keys: ClassVar[tuple[str, ...]] = ("rule_id", "variant")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: ExecutionEngine | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        sites = metrics[_METRIC]
        return {"success": not sites["failing"], "result": {"observed_value": sites["failing"], "details": sites}}


def failing(outcomes: pl.DataFrame) -> list[tuple[str, str, str | None]]:
    """Run the Checkpoint over `outcomes`; return (rule id, variant, site) of those that fail.

    The order is that of the rules in `outcomes`; site is None for the archive.
    """
    if outcomes.is_empty():
        return []
    frame = pd.DataFrame(outcomes.with_columns(pl.col("site").fill_null(_ARCHIVE)).to_dict(as_series=False))
    rules = outcomes.select("rule_id", "variant", "severity").unique(maintain_order=True)
    with _quiet_context() as context:
        suite = context.suites.add(
            gx.ExpectationSuite(
                "dqkit outcomes",
                expectations=[
                    ExpectOutcomesWithinAllowance(rule_id=rule_id, variant=variant, severity=severity)
                    for rule_id, variant, severity in rules.iter_rows()
                ],
            )
        )
        definition = context.validation_definitions.add(
            gx.ValidationDefinition(name="dqkit outcomes", data=_whole_frame(context, "outcomes"), suite=suite)
        )
        checkpoint = context.checkpoints.add(gx.Checkpoint(name="dqkit verdict", validation_definitions=[definition]))
        result = checkpoint.run(batch_parameters={"dataframe": frame})
    found = []
    for validation in result.run_results.values():
        for one in validation.results:
            if one.exception_info.get("raised_exception"):
                raise RuntimeError("the Great Expectations checkpoint could not judge an outcome")
            arguments = one.expectation_config.kwargs
            found += [
                (arguments["rule_id"], arguments.get("variant", ""), None if site == _ARCHIVE else site)
                for site in ([] if one.success else one.result["observed_value"])
            ]
    return found


class CoreExpectations:
    """Counts with core expectations on pandas, in a context of its own; one serves many tables."""

    def __init__(self, context: AbstractDataContext) -> None:
        self._definition = _whole_frame(context, "entities")

    def unexpected_by_site(self, frame: pl.DataFrame, expectation: Expectation) -> Counter[str]:
        """Return how many rows of `frame` are unexpected at each site, by its column ``site``; none = no key.

        Raises
        ------
        RuntimeError
            Great Expectations could not evaluate the expectation.
        """
        batch = self._definition.get_batch({"dataframe": pd.DataFrame(frame.to_dict(as_series=False))})
        made = getattr(gxe, expectation.type)(**expectation.kwargs)
        total = int(_result_of(batch, made, {"result_format": "BASIC"}).get("unexpected_count", 0))
        if not total:
            return Counter()
        wanted = {
            "result_format": "COMPLETE",
            "unexpected_index_column_names": ["site"],
            "return_unexpected_index_query": False,
        }
        sites = Counter(row["site"] for row in _result_of(batch, made, wanted)["unexpected_index_list"])
        if sites.total() != total:
            raise RuntimeError(f"Great Expectations does not name the rows that fail {expectation.type}")
        return sites


@contextmanager
def core_expectations() -> Iterator[CoreExpectations]:
    """Give CoreExpectations."""
    with _quiet_context() as context:
        yield CoreExpectations(context)


def _result_of(batch: Batch, expectation: BatchExpectation, wanted: dict[str, Any]) -> dict[str, Any]:
    result = batch.validate(expectation, result_format=wanted)
    if result.exception_info.get("raised_exception"):
        raise RuntimeError(f"Great Expectations could not evaluate {type(expectation).__name__}")
    found: dict[str, Any] = result.result
    return found


def _whole_frame(context: AbstractDataContext, name: str) -> Any:
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    return asset.add_batch_definition_whole_dataframe(name)


@contextmanager
def _quiet_context() -> Iterator[AbstractDataContext]:
    """Give a context that lives in memory, draws no progress bars and talks to nobody."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    yield context
