"""Great Expectations judges: the one importer of it.

The outcomes table (rule x site) goes through a Checkpoint of our expectation; which outcomes fail, and so the exit
code, comes from its result alone (docs/adr/0003-polars-scans-gx-judges.md). Importing this module costs seconds:
do it while workers read.
"""

import html
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read when great_expectations is imported

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
import polars as pl
from great_expectations.checkpoint import (
    ActionContext,
    CheckpointResult,
    EmailAction,
    MicrosoftTeamsNotificationAction,
    SlackNotificationAction,
    ValidationAction,
)
from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.core.batch import Batch
from great_expectations.data_context import AbstractDataContext
from great_expectations.execution_engine import ExecutionEngine, PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.render.renderer import EmailRenderer, MicrosoftTeamsRenderer, SlackRenderer

from dqkit.audit.notice import Failing, Message, Notice
from dqkit.rulebook.check import Expectation

_METRIC = "table.dqkit.outcomes_over_allowance"
_ARCHIVE = "(archive)"

logging.getLogger("great_expectations.checkpoint.actions").disabled = True
"""What GX 1.24 logs of a request that failed names its URL, which is a secret."""

_PATIENCE_S = 30
_SLACK_HEADER, _SLACK_TEXT = 150, 3000
"""Characters that Slack takes in a header and in a section."""


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
        key = f"{metric_value_kwargs['rule_id']} {metric_value_kwargs['variant']}"
        rows = frame.loc[key:key]  # of a sorted index: looking through the whole column took a third of the run
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


def failing(outcomes: pl.DataFrame, notices: Sequence[Notice] = ()) -> list[Failing]:
    """Run the Checkpoint over `outcomes`; return (rule id, variant, site) of those that fail.

    The order is that of the rules in `outcomes`; site is None for the archive.

    Parameters
    ----------
    notices
        Whom the Checkpoint tells, by its Actions; how that went stands in them afterwards.
    """
    if outcomes.is_empty():
        return []
    frame = pd.DataFrame(outcomes.with_columns(pl.col("site").fill_null(_ARCHIVE)).to_dict(as_series=False))
    frame = frame.set_index(frame["rule_id"] + " " + frame["variant"]).sort_index(kind="stable")
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
        checkpoint = gx.Checkpoint(
            name="dqkit verdict", validation_definitions=[definition], actions=[_action_of(one) for one in notices]
        )
        return _failing(checkpoint.run(batch_parameters={"dataframe": frame}))


def _failing(result: CheckpointResult) -> list[Failing]:
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


class _GuardedAction(ValidationAction):  # type: ignore[misc]
    """An Action that can neither fail the Checkpoint nor hold it up; what it says is composed of the result."""

    type: Literal["dqkit_guarded"] = "dqkit_guarded"
    _notice: Notice = PrivateAttr()  # its settings hold secrets: GX writes fields down, and no private attribute

    def run(self, checkpoint_result: CheckpointResult, action_context: ActionContext | None = None) -> dict[str, Any]:
        """Send what the notice says of the result, if anything."""
        notice = self._notice
        message = notice.compose(_failing(checkpoint_result))
        if message is None:
            return {}
        notice.error = _in_time(lambda: _send(notice, message, checkpoint_result, action_context))
        notice.sent = not notice.error
        return {}


def _action_of(notice: Notice) -> ValidationAction:
    action = _GuardedAction(name=f"dqkit {notice.kind}")
    action._notice = notice  # noqa: SLF001 - ours
    return action


def _in_time(send: Callable[[], str]) -> str:
    """Return what `send` says went wrong; empty = nothing. GX gives its requests no time limit."""
    told: list[str] = []

    def work() -> None:
        try:
            told.append(send())
        except Exception as error:  # noqa: BLE001 - a message of any kind could hold the secret
            told.append(type(error).__name__)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)
    return told[0] if told else f"no answer within {_PATIENCE_S} s"


def _send(notice: Notice, message: Message, result: CheckpointResult, action_context: ActionContext | None) -> str:
    """Let the Action of GX send `message`; return what went wrong: it logs errors (with the webhook) and goes on."""
    answer = _MADE[notice.kind](notice.settings, message).run(result, action_context)
    return "" if any(answer.values()) else "not delivered"


class _Slack(SlackRenderer):  # type: ignore[misc]
    """Says the gate's message in the place of GX's own, which counts expectations."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self._message = message

    def concatenate_text_blocks(self, **about: Any) -> dict[str, Any]:  # noqa: ARG002
        text = "\n".join(_plain_mrkdwn(line) for line in self._message.lines)
        head = {"type": "header", "text": {"type": "plain_text", "text": self._message.title[:_SLACK_HEADER]}}
        body = {"type": "section", "text": {"type": "mrkdwn", "text": text[:_SLACK_TEXT] or "-"}}
        return {"text": self._message.title, "blocks": [head, body]}


class _Teams(MicrosoftTeamsRenderer):  # type: ignore[misc]
    """Says the gate's message in an adaptive card without pictures of other hosts."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self._message = message

    def render(self, checkpoint_result: CheckpointResult, data_docs_pages: Any = None) -> dict[str, Any]:  # noqa: ARG002
        title = {"type": "TextBlock", "weight": "bolder", "wrap": True, "text": self._message.title}
        lines = [{"type": "TextBlock", "wrap": True, "text": line} for line in self._message.lines]
        payload: dict[str, Any] = self._build_payload(blocks=[title, *lines], data_docs_pages=None)
        return payload


class _Email(EmailRenderer):  # type: ignore[misc]
    """Says the gate's message as subject and lines of HTML."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self._message = message

    def render(self, checkpoint_result: CheckpointResult) -> tuple[str, str]:  # noqa: ARG002
        lines = (self._message.title, *self._message.lines)
        return self._message.title, "\n".join(f"<p>{html.escape(line)}</p>" for line in lines)


def _plain_mrkdwn(line: str) -> str:
    """Escape what Slack would obey (its documentation names these three)."""
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _email(settings: Mapping[str, Any], message: Message) -> ValidationAction:
    return EmailAction(
        name="email",
        smtp_address=settings["server"],
        smtp_port=str(settings["port"]),
        receiver_emails=", ".join(settings["to"]),
        sender_login=settings.get("user"),
        sender_password=settings.get("password"),
        sender_alias=settings["from"],
        use_tls=settings["security"] == "starttls",
        use_ssl=settings["security"] == "tls",
        notify_on="all",
        renderer=_Email(message),
    )


_MADE: dict[str, Callable[[Mapping[str, Any], Message], ValidationAction]] = {
    "slack": lambda settings, message: SlackNotificationAction(
        name="slack", slack_webhook=settings["webhook"], notify_on="all", renderer=_Slack(message)
    ),
    "teams": lambda settings, message: MicrosoftTeamsNotificationAction(
        name="teams", teams_webhook=settings["webhook"], notify_on="all", renderer=_Teams(message)
    ),
    "email": _email,
}
"""Kind of notice -> the Action of GX that sends it; when to send is for `Notice.compose` to say."""


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
