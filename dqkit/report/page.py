"""A page of dqkit: one HTML file that carries its style, its scripts and its data, and loads nothing."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from dqkit.report.palette import DARK, LIGHT, as_css
from dqkit.report.words import HTML_LANG, WORDS

_TEMPLATES = Path(__file__).parent / "templates"


def rendered(name: str, lang: str, *, with_charts: bool, script: str = "", **context: Any) -> str:
    """Render the page ``<name>.html.j2`` with its script ``<name>.js``, or that of another page.

    The page's Content-Security-Policy forbids every request and runs only the scripts whose hashes it names.

    Parameters
    ----------
    with_charts
        Whether the page draws anything: Vega takes 0.9 MB.
    """
    scripts = [_script(f"{script or name}.js"), *([_vega(), _script("charts.js")] if with_charts else [])]
    return _template(name).render(
        lang=lang,
        html_lang=HTML_LANG,
        w=WORDS,
        css=_text("report.css"),
        light=as_css(LIGHT),
        dark=as_css(DARK),
        scripts=scripts,
        script_hashes=" ".join(_hash(script) for script in scripts),
        **context,
    )


def as_script_data(data: dict[str, Any]) -> str:
    """Write `data` as JSON that cannot end or escape a ``<script>`` element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _template(name: str) -> jinja2.Template:
    return _environment().get_template(f"{name}.html.j2")


@cache
def _environment() -> jinja2.Environment:
    """Return the environment that keeps templates compiled: a page has several, and a gate writes one a site."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _script(name: str) -> str:
    return _inline(_text(name))


@cache
def _vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, about 0.9 MB; vl-convert carries them."""
    import vl_convert

    return _inline(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _inline(script: str) -> str:
    """Make `script` safe inside its element; both replacements mean the same inside strings of JavaScript."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--").replace("\r\n", "\n")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
