from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dqkit.model import Level
from dqkit.profile.infer import Group, Inferred, Line
from dqkit.profile.learn import Usual
from dqkit.profile.pack_text import pack_name, pack_text
from dqkit.rulebook.document import parse_document


def inferred(where: dict[str, Any], unsettled: tuple[str, ...] = ()) -> Inferred:
    line = Line("ACQ-107", "echo-time", Usual({"min_ms": 98, "max_ms": 98}, 143, 150), Level.SERIES)
    return Inferred(
        by=tuple(where),
        series=(Group(where, 150, (line,), unsettled),),
        studies=(),
        small=(2, 17),
        unnamed=3,
        only_original=True,
        without_rule=("PixelBandwidth",),
    )


def read(text: str) -> dict[str, Any]:
    return parse_document(text, Path("pack.yaml")).plain()


@pytest.mark.parametrize(
    "name",
    ["yes", "null", "1e5", "2020-01-01", "1:30", "&a", "*a", "!t", "a: b", "#c", "{x}", "%d", "'", '"', "=", "<<",
     " lead", "trail ", "a\nb", "\x00", "\x1b[31m", "\x85", "\u2028", "\u202e", "\ufeff", "高分辨", "😀", "x" * 3000],
)  # fmt: skip
def test_every_name_of_a_protocol_reads_back_as_it_was(name: str) -> None:
    pack = read(pack_text(inferred({"ProtocolName": name}), "p", date(2024, 1, 2)))
    assert pack["rules"][0]["where"] == {"ProtocolName": name}


def test_what_would_reorder_the_text_is_spelled_out() -> None:
    assert "\u202e" not in pack_text(inferred({"ProtocolName": "a\u202eb"}), "p", date(2024, 1, 2))


def test_a_line_says_how_many_keep_to_it() -> None:
    pack = read(pack_text(inferred({"Modality": "MR"}), "p", date(2024, 1, 2)))
    assert pack["rules"] == [
        {
            "use": "ACQ-107", "as": "g1-echo-time", "where": {"Modality": "MR"}, "with": {"min_ms": 98, "max_ms": 98},
            "cite": "inferred: 143 of 150 series",
        }
    ]  # fmt: skip


def test_derived_series_are_not_judged_where_they_can_be_told() -> None:
    assert read(pack_text(inferred({"Modality": "MR"}), "p", date(2024, 1, 2)))["scope"] == {"is_derived": False}


def test_what_is_left_out_is_said() -> None:
    text = pack_text(inferred({"Modality": "MR"}, ("field-of-view",)), "p", date(2024, 1, 2))
    comments = "\n".join(line for line in text.splitlines() if line.lstrip().startswith("#"))
    for said in ("2 groups", "17 series", "3 series", "PixelBandwidth", "field-of-view", "In-house", "2024-01-02"):
        assert said in comments


def test_a_name_can_be_made_of_any_file() -> None:
    assert [pack_name(stem) for stem in ("My Pack_v2", "北院", "--x--")] == ["my-pack-v2", "my-pack", "x"]
