"""The attrition of a cohort as plain JSON values and as a table in Markdown."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from dqkit.cohort.attrition import Count, StepCount
from dqkit.cohort.select import Selected
from dqkit.report.flow_svg import gone
from dqkit.report.visible import visible
from dqkit.report.words import say

FORMAT = "dqkit-cohort-attrition"
FORMAT_VERSION = 1


def selected_to_json(selected: Selected, sha256: str) -> dict[str, Any]:
    """Return the cohort as plain JSON values, free of identifying ones.

    Parameters
    ----------
    sha256
        Of the cohort file.
    """
    basis, attrition = selected.basis, selected.attrition
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "dqkit_version": basis.dqkit_version,
        "cohort_sha256": sha256,
        "policy": {"name": basis.policy, "title": dict(selected.policy.title), "sha256": basis.policy_sha256},
        "packs": [{"name": pack.name, "version": pack.version} for pack in selected.policy.packs],
        "catalog": {"run": basis.run, "run_id": basis.run_id, "table_versions": dict(basis.table_versions)},
        "key_fingerprint": basis.key_fingerprint,
        "start": {**asdict(attrition.start), "sites": _sites(attrition.start_sites)},
        "steps": [_step(step) for step in attrition.steps],
        "cohort": {**asdict(attrition.end), "sites": _sites(attrition.end_sites)},
        "decisions_without_effect": list(selected.idle),
    }


def _step(step: StepCount) -> dict[str, Any]:
    return {
        "name": dict(step.name),
        "level": step.level.value,
        "kind": step.kind,
        "entities": step.entities,
        "unknown": step.unknown,
        "kept_unknown": step.kept_unknown,
        "reasons": [{"text": dict(one.text), "n": one.n, "unknown": one.unknown} for one in step.reasons],
        "out": asdict(step.out),
        "left": asdict(step.left),
        "sites": {site: {"out": asdict(out), "left": asdict(left)} for site, (out, left) in step.sites.items()},
    }


def _sites(sites: Any) -> dict[str, Any]:
    return {site: asdict(count) for site, count in sites.items()}


def attrition_markdown(selected: Selected, lang: str) -> str:
    """Return the attrition as a table in Markdown, and what is left of each site."""
    attrition = selected.attrition
    lines = [f"# {_cell(selected.policy.title[lang])}", "", made(selected, lang), ""]
    heads = [say(key, lang) for key in ("cohort.step", "cohort.excluded", "cohort.why", *_FIGURES)]
    lines += [_row(heads), _row(["---", "---", "---", "---:", "---:", "---:"])]
    lines.append(_row([say("cohort.all", lang), "", "", *_figures(attrition.start)]))
    for step in attrition.steps:
        lines.append(_row([_cell(step.name[lang]), gone(step, lang), _why(step, lang), *_figures(step.left)]))
    lines += ["", f"## {say('cohort.sites', lang)}", ""]
    lines += [_row([say("site", lang), *(say(key, lang) for key in _FIGURES)]), _row(["---", "---:", "---:", "---:"])]
    lines += list(_of_sites(selected))
    lines += ["", *(f"- {say(f'cohort.reading.{key}', lang)}" for key in ("first", "left", "unknown")), ""]
    return "\n".join(lines)


_FIGURES = ("patients", "studies", "series")


def made(selected: Selected, lang: str) -> str:
    """Say by what and from what the cohort was chosen."""
    basis = selected.basis
    return say(
        "cohort.made", lang, policy=visible(basis.policy, 60), sha=basis.policy_sha256[:12], run=str(basis.run),
        version=visible(basis.dqkit_version, 40),
    )  # fmt: skip


def _of_sites(selected: Selected) -> Iterator[str]:
    attrition = selected.attrition
    for site, start in attrition.start_sites.items():
        end = attrition.end_sites[site]
        yield _row([_cell(site), *(f"{getattr(end, key):,} / {getattr(start, key):,}" for key in _FIGURES)])


def _why(step: StepCount, lang: str) -> str:
    return "<br>".join(f"{one.n:,} {_cell(one.text[lang])}" for one in step.reasons)


def _figures(count: Count) -> list[str]:
    return [f"{getattr(count, key):,}" for key in _FIGURES]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Return `text` as a cell that neither ends the table nor becomes markup."""
    shown = visible(text, 200)
    for character in "\\`*_[]<>|#":
        shown = shown.replace(character, f"\\{character}")
    return shown
