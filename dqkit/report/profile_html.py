"""The profile as one HTML file that works offline, in English and Chinese, with the parts of the audit's report."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dqkit.profile.glance import Glance
from dqkit.profile.profile import Profile
from dqkit.report.charts import Chart, charts_of
from dqkit.report.glance_view import modality_bars, scanner_rows, tiles
from dqkit.report.page import as_script_data, rendered
from dqkit.report.page_data import chart_views
from dqkit.report.profile_view import profile_view, timeline
from dqkit.report.visible import visible
from dqkit.report.words import WORDS, pair

_NAV = ("glance", "profile", "charts", "reading")


@dataclass(frozen=True)
class ProfilePage:
    """What the page of a profile tells of."""

    title: str
    dqkit_version: str
    made_at: datetime
    glance: Glance
    profile: Profile


def render_profile(page: ProfilePage, lang: str = "en") -> str:
    """Render `page` as one self-contained HTML page that holds no identifying value (PS3.15 Table E.1-1).

    Parameters
    ----------
    lang
        ``en`` or ``zh``: the language that the page opens in; it holds both.
    """
    charts = charts_of(page.glance.distributions)
    change = timeline(page.profile)
    drawn = [*charts, *([change] if change else [])]
    when = page.made_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    return rendered(
        "profile",
        lang,
        with_charts=bool(drawn),
        nav=_NAV,
        title=visible(page.title),
        made=pair("prof.made", when=when, version=visible(page.dqkit_version, 40)),
        tiles=tiles(page.glance),
        modalities=modality_bars(page.glance.modalities),
        scanners=scanner_rows(page.glance.scanners),
        charts=charts,
        profile=profile_view(page.profile),
        fill_pair=pair,
        folds_open=99,
        reading=[WORDS["prof.private"], WORDS["read.licences"]],
        data=as_script_data(_data(drawn)),
    )


def _data(drawn: list[Chart]) -> dict[str, Any]:
    return {"charts": [{"measure": c.measure, "about": c.about, "views": chart_views(c)} for c in drawn]}
