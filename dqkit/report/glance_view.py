"""The archive at a glance, as the page's tiles and tables."""

from typing import Any

import polars as pl

from dqkit.audit.result import AuditResult
from dqkit.profile.glance import Glance
from dqkit.report.summary import SEVERITIES, SiteRow, site_rows
from dqkit.report.visible import visible
from dqkit.report.words import Pair, pair

_MOST_SCANNERS = 200
_MOST_MODALITIES = 12


def tiles(glance: Glance) -> list[tuple[str, str]]:
    """Return the key figures of the archive: name of the word, figure."""
    sites = glance.sites
    total = {name: int(sites.get_column(name).sum() or 0) for name in ("patients", "studies", "series", "instances")}
    scanners = (
        glance.scanners.select("site", "scanner").drop_nulls("scanner").n_unique() if glance.scanners.height else 0
    )
    figures = [("sites", f"{sites.height:,}"), *((name, f"{n:,}") for name, n in total.items())]
    return [
        *figures,
        ("scanners", f"{scanners:,}"),
        ("volume", bytes_text(int(sites.get_column("bytes").sum() or 0))),
        ("years", years_text(sites.get_column("first_year").min(), sites.get_column("last_year").max())),
    ]


def modality_bars(modalities: pl.DataFrame) -> list[tuple[str, Pair, float]]:
    """Return the modalities by their number of series, with the length of a bar in percent."""
    totals = (
        modalities.group_by("modality").agg(pl.col("series").sum()).sort("series", "modality", descending=[True, False])
    )
    largest = max(int(totals.get_column("series").max() or 1), 1) if totals.height else 1  # type: ignore[arg-type]
    return [
        (visible(name, 20) if name else "–", pair("count.series", n=n), round(100 * n / largest, 1))
        for name, n in totals.head(_MOST_MODALITIES).iter_rows()
    ]


def scanner_rows(scanners: pl.DataFrame) -> list[dict[str, str]]:
    """Return a row a scanner and site, the busiest first."""
    ordered = scanners.sort("series", descending=True, nulls_last=True).head(_MOST_SCANNERS)
    return [
        {
            "scanner": visible(row["scanner"]) if row["scanner"] else "",
            "site": visible(row["site"] or "–"),
            "modality": visible(row["modality"] or "–", 20),
            "series": f"{row['series'] or 0:,}",
            "years": years_text(row["first_year"], row["last_year"]),
        }
        for row in ordered.to_dicts()
    ]


def site_table(result: AuditResult, figures: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return a row a site: how it stands, and its key figures."""
    known = {row["site"]: row for row in result.glance.sites.to_dicts()}
    return [_site(row, known.get(row.site, {}), figures) for row in site_rows(result)]


def years_text(first: Any, last: Any) -> str:
    """Write a span of years."""
    if first is None or last is None:
        return "–"
    return str(first) if first == last else f"{first}–{last}"


def bytes_text(size: int) -> str:
    """Write a number of bytes in decimal units, three digits."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5:  # noqa: PLR2004
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.3g} {unit}"  # noqa: PLR2004
        value /= 1000
    return f"{value:,.3g} PB"


def _site(row: SiteRow, glance: dict[str, Any], figures: tuple[str, ...]) -> dict[str, Any]:
    modalities = [visible(name, 20) for name in (glance.get("modalities") or []) if name]
    return {
        "site": None if row.site is None else visible(row.site),
        "modalities": " ".join(modalities[:8]),
        "rate": _percent(row.passed, row.judged),
        "of_rules": pair("of_rules", passed=row.passed, judged=row.judged),
        "problems": row.problems,
        "findings": {name: pair("count.findings", n=row.findings[name]) for name in SEVERITIES},
        "unknown": f"{row.unknown:,}",
        "years": years_text(glance.get("first_year"), glance.get("last_year")),
        **{name: f"{glance[name]:,}" if glance.get(name) is not None else "–" for name in figures},
    }


def _percent(part: int, whole: int) -> int | None:
    """Round down, so that 100 % means all."""
    return 100 * part // whole if whole else None
