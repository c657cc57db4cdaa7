"""The flow of a cohort as one HTML file that works offline, in English and Chinese."""

from markupsafe import Markup

from dqkit.cohort.select import Selected
from dqkit.report.cohort_text import made
from dqkit.report.flow_svg import flow_svg, gone
from dqkit.report.page import as_script_data, rendered
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, WORDS, Pair, pair

_FIGURES = ("patients", "studies", "series")


def render_cohort(selected: Selected, lang: str, *, by_site: bool) -> str:
    """Render the flow picture and its table as one self-contained page, free of identifying values.

    Parameters
    ----------
    lang
        ``en`` or ``zh``: the language that the page opens in; it holds both.
    by_site
        Whether the picture says what is left of each site.
    """
    attrition, title = selected.attrition, selected.policy.title
    return rendered(
        "cohort",
        lang,
        with_charts=False,
        script="profile",
        title={lang: visible(title[lang], 200) for lang in LANGUAGES},
        made={lang: made(selected, lang) for lang in LANGUAGES},
        pictures={lang: Markup(flow_svg(attrition, title[lang], lang, by_site=by_site)) for lang in LANGUAGES},  # noqa: S704 - escaped there
        figures=_FIGURES,
        start=attrition.start,
        steps=[
            {
                "name": {lang: visible(step.name[lang], 200) for lang in LANGUAGES},
                "gone": {lang: gone(step, lang) for lang in LANGUAGES},
                "reasons": [(f"{one.n:,}", _shown(one.text)) for one in step.reasons],
                "kept": pair("cohort.kept_unknown", n=step.kept_unknown) if step.kept_unknown else None,
                "left": step.left,
            }
            for step in attrition.steps
        ],
        sites=[(visible(site, 80), start, attrition.end_sites[site]) for site, start in attrition.start_sites.items()],
        reading=[WORDS[f"cohort.reading.{key}"] for key in ("first", "left", "unknown")],
        data=as_script_data({}),
    )


def _shown(text: object) -> Pair:
    return {lang: visible(text[lang], 200) for lang in LANGUAGES}  # type: ignore[index]
