"""The flow picture: what papers show, in both languages, with hostile names harmless and lines inside their boxes."""

import re
import xml.etree.ElementTree as ET

import pytest

from dqkit.cohort.attrition import Attrition, Count, ReasonCount, StepCount
from dqkit.model import Level
from dqkit.report.flow_svg import flow_svg

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert(1)</script> & "x" \u202e'


def step(name: str = "CT", reasons: int = 1, *, kind: str = "where", kept: int = 0) -> StepCount:
    told = tuple(ReasonCount({"en": f"reason {i}", "zh": f"原因 {i}"}, 2, unknown=False) for i in range(reasons))
    out = Count(1, 2, 2 * reasons) if kind != "included" else Count(-1, -1, -1)
    left = Count(9, 18, 40)
    return StepCount(
        {"en": name, "zh": "步骤"}, Level.SERIES, kind, abs(out.series), 0, kept, told, out, left,
        {"north": (out, left), "西山医院": (Count(), Count())},
    )  # fmt: skip


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter(f"{SVG}text")]


START = {"north": Count(10, 20, 42), "西山医院": Count()}


def drawn(*steps: StepCount, lang: str = "en", by_site: bool = False, title: str = "Volumes") -> str:
    return flow_svg(Attrition(Count(10, 20, 42), START, steps), title, lang, by_site=by_site)


def test_it_tells_what_is_left_and_what_went_and_why() -> None:
    assert texts(drawn(step(kept=3))) == [
        "In the catalog", "10 patients · 20 studies · 42 series",
        "CT", "2 series excluded (with 1 patient, 2 studies)", "2  reason 0", "3  not known, kept",
        "Volumes", "9 patients · 18 studies · 40 series",
    ]  # fmt: skip


def test_it_speaks_chinese() -> None:
    assert texts(drawn(step(), lang="zh")) == [
        "目录中全部数据", "10 名患者 · 20 项检查 · 42 个序列",
        "步骤", "排除 2 个序列（连同 1 名患者、2 项检查）", "2  原因 0",
        "Volumes", "9 名患者 · 18 项检查 · 40 个序列",
    ]  # fmt: skip


def test_sites_are_counted_where_asked() -> None:
    assert "north: 9 · 18 · 40" in texts(drawn(step(), by_site=True))
    assert not any("north" in text for text in texts(drawn(step())))


def test_many_reasons_are_summed_up() -> None:
    shown = texts(drawn(step(reasons=11)))
    assert "2  reason 7" in shown
    assert "2  reason 8" not in shown
    assert "6  for 3 more reasons" in shown


def test_what_is_brought_back_points_to_the_column() -> None:
    back = ET.fromstring(drawn(step(kind="included")))
    assert any("stroke-dasharray" in box.attrib for box in back.iter(f"{SVG}rect"))
    lines = [(float(line.get("x1", 0)), float(line.get("x2", 0))) for line in back.iter(f"{SVG}line")]
    assert [x1 > x2 for x1, x2 in lines if x1 != x2] == [True]


def test_hostile_names_stay_text() -> None:
    svg = drawn(step(HOSTILE), title=HOSTILE)
    assert {node.tag for node in ET.fromstring(svg).iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "title", "defs", "marker", "path", "rect", "line", "text")
    }
    assert "\u202e" not in svg
    assert not re.search(r"href|url\((?!#)|http(?!://www\.w3\.org/2000/svg)", svg)


@pytest.mark.parametrize("name", ["word " * 40, "W" * 120, "层面缺失" * 30, ""])
def test_long_names_are_broken_into_lines_that_fit(name: str) -> None:
    svg = drawn(step(name), title=name or "T")
    # Of DejaVu Sans, one of the widest fonts
    ems = [1.0 if "层" in text else 0.99 if "W" in text else 0.55 for text in texts(svg)]
    assert max(len(text) * 14 * em for text, em in zip(texts(svg), ems, strict=True)) <= 400
    shown = "".join(texts(svg)).replace(" ", "")
    assert name.replace(" ", "")[:100] in shown


def test_a_policy_without_steps_is_one_box() -> None:
    assert texts(drawn()) == ["Volumes", "10 patients · 20 studies · 42 series"]


def test_the_same_comes_out_twice() -> None:
    assert drawn(step(), step("b", 3), by_site=True) == drawn(step(), step("b", 3), by_site=True)
