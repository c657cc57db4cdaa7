"""A run of harmonize for people and machines."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dqkit.harmonize.run import RunSummary
from dqkit.report.visible import visible
from dqkit.report.warning_words import warning
from dqkit.report.words import say


def print_run(
    summary: RunSummary, console: Console, lang: str = "en", files: tuple[str, str] | None = None, source: str = ""
) -> None:
    """Print what a run did; `files` are its page and its manifest, `source` is what the catalog calls the outputs."""
    refused = sum(summary.refused.values())
    told = say("hz.run_total", lang, written=summary.written, unchanged=summary.unchanged, refused=refused,
               seconds=f"{summary.seconds:.1f}")  # fmt: skip
    console.print(Text(told, style="bold"), soft_wrap=True)
    if summary.refused:
        table = Table(title=say("hz.refused", lang), title_justify="left", box=None, pad_edge=False)
        table.add_column(say("hz.stacks", lang), justify="right", no_wrap=True)
        table.add_column(say("hz.why", lang), overflow="fold")
        table.add_column(say("hz.do", lang), overflow="fold")
        for reason, count in sorted(summary.refused.items(), key=lambda item: (-item[1], item[0])):
            table.add_row(f"{count:,}", say(f"refusal.{reason}", lang), Text(say(f"ask.{reason}", lang), style="dim"))
        console.print(table)
    _print_warnings(summary, console, lang)
    _print_labels(summary, console, lang)
    for why, count in summary.failed.items():
        console.print(Text(say("hz.failed", lang, n=count, why=visible(why)), style="red"), soft_wrap=True)
    if summary.failed:
        console.print(Text(say("hz.failed_next", lang), style="dim"), soft_wrap=True)
    for name, file in zip(("hz.page", "hz.manifest"), files or (), strict=False):
        console.print(Text.assemble((say(name, lang) + say("colon", lang), "dim"), file), soft_wrap=True)
    if source:
        console.print(
            Text(say("hz.source", lang, n=summary.written_files, name=visible(source)), style="dim"), soft_wrap=True
        )


def _print_warnings(summary: RunSummary, console: Console, lang: str) -> None:
    if not summary.warnings:
        return
    table = Table(title=say("hz.warned", lang), title_justify="left", box=None, pad_edge=False)
    table.add_column(say("hz.images", lang), justify="right", no_wrap=True)
    table.add_column(say("hz.warning", lang), overflow="fold")
    for text, count in summary.warnings.items():
        table.add_row(f"{count:,}", Text(visible(warning(text)[lang])))
    console.print(table)


def _print_labels(summary: RunSummary, console: Console, lang: str) -> None:
    """Print how many labels followed their images, and why others did not."""
    followed = summary.labels.get("followed", 0)
    left = {reason: count for reason, count in summary.labels.items() if reason != "followed"}
    if followed:
        console.print(Text(say("hz.followed", lang, n=followed)), soft_wrap=True)
    if left:
        table = Table(title=say("hz.labels_left", lang), title_justify="left", box=None, pad_edge=False)
        table.add_column(say("hz.labels", lang), justify="right", no_wrap=True)
        table.add_column(say("hz.why", lang), overflow="fold")
        for reason, count in sorted(left.items(), key=lambda item: (-item[1], item[0])):
            table.add_row(f"{count:,}", say(f"label.{reason}", lang))
        console.print(table)


def run_to_json(summary: RunSummary, source: str = "") -> dict[str, Any]:
    """Return what a run did as plain JSON values."""
    return {
        "written": summary.written,
        "unchanged": summary.unchanged,
        "refused": dict(summary.refused),
        "failed": dict(summary.failed),
        "labels": dict(summary.labels),
        "warnings": summary.warnings,
        "complete": summary.complete,
        "files": summary.written_files,
        "seconds": round(summary.seconds, 2),
        "source": source,
    }
