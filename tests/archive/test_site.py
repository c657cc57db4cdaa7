"""How a site is found is written down in the catalog, and read again the same."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.archive.site import SiteRule, with_site

RULES = st.sampled_from(
    [SiteRule(), SiteRule("name", "North: 1"), SiteRule("path", "2"), SiteRule("tag", "StationName")]
)


@given(RULES, st.dictionaries(st.text(), st.text(), max_size=4))
def test_a_rule_reads_back_as_it_was_written(rule: SiteRule, names: dict[str, str]) -> None:
    named = SiteRule(rule.kind, rule.value, names=names)
    assert SiteRule.parse(str(named)) == named


def test_what_is_no_list_of_names_is_part_of_the_site() -> None:
    assert SiteRule.parse("name:A names=B").value == "A names=B"


@pytest.mark.parametrize(
    ("rule", "sites"),
    [
        (SiteRule(names={"north": "Northern"}), ["Northern", "Clinic", "south"]),
        (SiteRule("tag", "InstitutionName", names={"Clinic": "C", "root": "R"}), ["R", "C", "R"]),
        (SiteRule("path", "1", names={"south": "S", "S": "T"}), ["north", "Clinic", "S"]),
    ],
)
def test_names_are_given_once_to_whatever_was_found(rule: SiteRule, sites: list[str]) -> None:
    rows = pl.DataFrame(
        {
            "path": ["north/a", "Clinic/b", "south/c"],
            "folder": ["north", "Clinic", "south"],
            "InstitutionName": ["", "Clinic", None],
        }
    )
    found = with_site(rows, rule, "root", root_holds_sites=True)
    assert found["site"].to_list() == sites
