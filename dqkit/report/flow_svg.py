"""The way from a catalog to a cohort as a picture, as papers show it (CONSORT 2010, STARD 2015: flow of participants).

One column of what is left, and beside each arrow what went and why. The picture is one SVG that loads nothing; lines
and letters alone, so that it prints.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from dqkit.cohort.attrition import Attrition, Count, StepCount
from dqkit.report.visible import visible
from dqkit.report.words import say

_WIDTH = 860
_LEFT, _LEFT_WIDTH = 20, 350
_RIGHT, _RIGHT_WIDTH = 440, 400
_PAD, _LINE, _GAP = 12, 19, 30
_SIZE = 14
_MOST_REASONS = 8
_INK, _SOFT = "#1b2430", "#56606d"
_FONT = (
    "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', "
    "sans-serif"
)
_WIDE = 0x2E80
"""Characters from here on (CJK radicals and after) are as wide as the letters are high."""


@dataclass(frozen=True)
class _Line:
    text: str
    strong: bool = False
    soft: bool = False
    indent: int = 0


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    width: float
    lines: tuple[_Line, ...]
    dashed: bool = False

    @property
    def height(self) -> float:
        return len(self.lines) * _LINE + 2 * _PAD

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def flow_svg(attrition: Attrition, title: str, lang: str, *, by_site: bool = False) -> str:
    """Return the flow picture of `attrition` as SVG, free of identifying values.

    Parameters
    ----------
    title
        What the cohort is called, in `lang`.
    by_site
        Whether every box says what is left of each site.
    """
    title = visible(title, 200)
    parts = list(_drawn(attrition, title, lang, by_site=by_site))
    bottom = max(box.y + box.height for box in parts if isinstance(box, _Box)) + _LEFT
    body = "\n".join(part if isinstance(part, str) else _svg_box(part) for part in parts)
    about = say("cohort.about", lang, title=title, n=attrition.end.series)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom:g}" width="{_WIDTH}" '
        f'height="{bottom:g}" role="img" aria-label={quoteattr(about)} font-family="{_FONT}" font-size="{_SIZE}" '
        f'fill="{_INK}">\n<title>{escape(about)}</title>\n<defs><marker id="tip-{lang}" viewBox="0 0 8 8" refX="7" '
        f'refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="{_INK}"/></marker>'
        f"</defs>\n{body}\n</svg>\n"
    )


def _drawn(attrition: Attrition, title: str, lang: str, *, by_site: bool) -> Iterator[_Box | str]:
    sites = attrition.start_sites if by_site else {}
    heading = say("cohort.all", lang)
    if not attrition.steps:
        heading = title
    box = _Box(_LEFT, _LEFT, _LEFT_WIDTH, _left_lines(heading, attrition.start, sites, lang))
    yield box
    for i, step in enumerate(attrition.steps):
        is_last = i == len(attrition.steps) - 1
        side = _side_lines(step, lang)
        gap = max(len(side) * _LINE + 2 * _PAD + 2 * _GAP / 3, _GAP)
        top = box.y + box.height
        beside = _Box(_RIGHT, top + _GAP / 3, _RIGHT_WIDTH, side, dashed=step.brings_back)
        left = {site: left for site, (_, left) in step.sites.items()} if by_site else {}
        box = _Box(_LEFT, top + gap, _LEFT_WIDTH, _left_lines(title if is_last else "", step.left, left, lang))
        middle = _LEFT + _LEFT_WIDTH / 2
        yield _arrow(middle, top, middle, box.y, lang)
        ends = (_RIGHT, middle) if step.brings_back else (middle, _RIGHT)
        yield _arrow(ends[0], beside.middle, ends[1], beside.middle, lang)
        yield beside
        yield box


def _left_lines(heading: str, left: Count, sites: dict[str, Count] | object, lang: str) -> tuple[_Line, ...]:
    lines = [_Line(text, strong=True) for text in _wrapped(heading, _LEFT_WIDTH)] if heading else []
    lines.append(_Line(counted(left, lang)))
    if isinstance(sites, dict):
        for site, count in sites.items():
            name = _cut(visible(site, 60), _LEFT_WIDTH - 150)
            numbers = f"{count.patients:,} · {count.studies:,} · {count.series:,}"
            lines.append(_Line(f"{name}{say('colon', lang)}{numbers}", soft=True, indent=1))
    return tuple(lines)


def _side_lines(step: StepCount, lang: str) -> tuple[_Line, ...]:
    lines = [_Line(text, strong=True) for text in _wrapped(visible(step.name[lang], 200), _RIGHT_WIDTH)]
    lines += [_Line(text) for text in _wrapped(gone(step, lang), _RIGHT_WIDTH)]
    for reason in step.reasons[:_MOST_REASONS]:
        text = f"{reason.n:,}  {visible(reason.text[lang], 200)}"
        lines += [
            _Line(part, soft=True, indent=1 + bool(i)) for i, part in enumerate(_wrapped(text, _RIGHT_WIDTH - 32))
        ]
    rest = step.reasons[_MOST_REASONS:]
    if rest:
        lines.append(
            _Line(say("cohort.more_reasons", lang, n=len(rest), of=sum(r.n for r in rest)), soft=True, indent=1)
        )
    if step.kept_unknown:
        lines.append(_Line(say("cohort.kept_unknown", lang, n=step.kept_unknown), soft=True, indent=1))
    return tuple(lines)


def counted(count: Count, lang: str) -> str:
    """Say patients, studies and series."""
    return " · ".join(say(f"count.{name}", lang, n=getattr(count, name)) for name in ("patients", "studies", "series"))


def gone(step: StepCount, lang: str) -> str:
    """Say how many entities a step took out (or brought back), and what went with them."""
    entities = say(f"count.{_PLURAL[step.level.value]}", lang, n=step.entities)
    key = "cohort.back" if step.brings_back else "cohort.out"
    out = Count() - step.out if step.brings_back else step.out
    also = [
        say(f"count.{name}", lang, n=n)
        for name in ("patients", "studies", "series")
        if name != _PLURAL[step.level.value] and (n := getattr(out, name))
    ]
    whole = say(key, lang, what=entities)
    if not also:
        return whole
    between, before = {"en": (", ", " "), "zh": ("、", "")}[lang]
    return f"{whole}{before}{say('cohort.with', lang, what=between.join(also))}"


_PLURAL = {"series": "series", "study": "studies", "patient": "patients"}


def _arrow(x1: float, y1: float, x2: float, y2: float, lang: str) -> str:
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{_INK}" stroke-width="1.2" '
        f'marker-end="url(#tip-{lang})"/>'
    )


def _svg_box(box: _Box) -> str:
    dash = ' stroke-dasharray="5 4"' if box.dashed else ""
    frame = (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="3" fill="none" '
        f'stroke="{_INK}" stroke-width="1.2"{dash}/>'
    )
    texts = [_svg_line(line, box.x + _PAD, box.y + _PAD + (i + 0.76) * _LINE) for i, line in enumerate(box.lines)]
    return "\n".join([frame, *texts])


def _svg_line(line: _Line, x: float, y: float) -> str:
    style = (' font-weight="600"' if line.strong else "") + (f' fill="{_SOFT}"' if line.soft else "")
    return f'<text x="{x + line.indent * 14:g}" y="{y:g}"{style}>{escape(line.text)}</text>'


def _wide(text: str) -> float:
    """Return about how wide `text` is, in pixels, a little more than in usual fonts."""
    return _SIZE * sum(_share(character) for character in text)


def _share(character: str) -> float:
    """Return the width of a character as a share of the size of the letters."""
    if ord(character) >= _WIDE:
        return 1.0
    if character in "mwMW@%":
        return 0.98
    if character.isupper():
        return 0.72
    return 0.36 if character in " iljtf.,:;'|!()" else 0.62


def _wrapped(text: str, width: float) -> Sequence[str]:
    """Break `text` into lines that a box of `width` holds: between words, and anywhere in Chinese."""
    room = width - 2 * _PAD
    lines, line = [], ""
    for piece in _pieces(text):
        if line and _wide(line + piece.rstrip()) > room:
            lines.append(line.rstrip())
            line = ""
        line += piece
        while _wide(line) > room and len(line) > 1:  # a word longer than a line
            fits = next(i for i in range(len(line), 0, -1) if _wide(line[:i]) <= room or i == 1)
            if fits >= len(line.rstrip()):
                break
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _pieces(text: str) -> Iterator[str]:
    """Cut `text` where a line may end."""
    piece = ""
    for character in text:
        if ord(character) >= _WIDE:
            if piece:
                yield piece
            yield character
            piece = ""
        else:
            piece += character
            if character == " ":
                yield piece
                piece = ""
    if piece:
        yield piece


def _cut(text: str, width: float) -> str:
    if _wide(text) <= width:
        return text
    return next(text[:i] for i in range(len(text), 0, -1) if _wide(text[:i]) <= width - _SIZE) + "…"
