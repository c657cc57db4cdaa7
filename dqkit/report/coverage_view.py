"""The chapter of the page on what was recognised and what was judged."""

from typing import Any

import polars as pl

from dqkit.audit.coverage import Coverage, PackOfRun
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, pair
from dqkit.rulebook.vocabulary import load_table

_MOST_SITES = 10
"""Sites that have a column of their own; the rest share one."""

_MOST_MODALITIES = 8


def coverage_view(coverage: Coverage) -> dict[str, Any] | None:
    """Return what the chapter shows, None where no image series was looked at."""
    series = int(coverage.roles["series"].sum())
    if not series:
        return None
    known = int(coverage.roles.filter(pl.col("role") != "")["series"].sum())
    sites = _sites(coverage.roles)
    return {
        "packs": [_pack(coverage, pack) for pack in coverage.packs],
        "unjudged": _unjudged(coverage),
        "share": pair("role.share", n=known, all=series),
        "sites": [visible(site, 60) for site in sites],
        "others": coverage.roles["site"].n_unique() > len(sites),
        "roles": _roles(coverage.roles, sites),
    }


def _pack(coverage: Coverage, pack: PackOfRun) -> dict[str, Any]:
    rows = coverage.judged.filter(pl.col("pack") == pack.name)
    return {
        "name": visible(pack.name, 60),
        "version": visible(pack.version, 20),
        "title": {lang: visible(pack.title.get(lang, pack.name), 120) for lang in LANGUAGES},
        "extends": pair("pack.extends", packs=visible(", ".join(pack.lineage), 120)) if pack.lineage else None,
        "rules": pack.rules,
        "series": int(rows["series"].sum()),
        "judged": int(rows["judged"].sum()),
    }


def _unjudged(coverage: Coverage) -> dict[str, Any] | None:
    if not coverage.has_protocol:
        return None
    by_modality = coverage.unjudged.group_by("modality").agg(pl.col("series").sum()).sort("series", descending=True)
    shown = [f"{visible(name or '–', 16)} {n:,}" for name, n in by_modality.head(_MOST_MODALITIES).iter_rows()]
    text = pair("pack.unjudged", n=int(coverage.unjudged["series"].sum()))
    return {"text": text, "modalities": ", ".join(shown)}


def _sites(roles: pl.DataFrame) -> list[str]:
    """Return the sites with most series, the largest first."""
    by_site = roles.group_by("site").agg(pl.col("series").sum()).sort("series", "site", descending=[True, False])
    return by_site["site"].drop_nulls().head(_MOST_SITES).to_list()


def _roles(roles: pl.DataFrame, sites: list[str]) -> list[dict[str, Any]]:
    """Return a row a role, the commonest first, with its series by site; what was not recognised comes last."""
    rows = [_role(name, part, sites) for (name,), part in roles.partition_by("role", as_dict=True).items()]
    return sorted(rows, key=lambda row: (not row["name"], -row["series"]))


def _role(name: object, part: pl.DataFrame, sites: list[str]) -> dict[str, Any]:
    at = dict(part.group_by("site").agg(pl.col("series").sum()).iter_rows())
    by = dict(part.group_by("by").agg(pl.col("series").sum()).iter_rows())
    total = int(part["series"].sum())
    cells = [int(at.get(site, 0)) for site in sites]
    known = load_table("roles").get(str(name))
    return {
        "name": str(name),
        "title": {lang: str(known[lang]) for lang in LANGUAGES} if known else pair("role.none"),
        "modalities": ", ".join(visible(m, 16) for m in part["modality"].drop_nulls().unique().sort().head(5)),
        "series": total,
        "attributes": int(by.get("attributes", 0)),
        "description": int(by.get("description", 0)),
        "cells": cells,
        "others": total - sum(cells),
    }
