import polars as pl
import pytest

from dqkit.errors import DqkitError
from dqkit.identity import Pseudonyms
from dqkit.profile.grouping import grouped, parse_grouping
from tests.audit.conftest import HandMade

KEY = Pseudonyms(b"0123456789abcdef")


def test_nothing_typed_means_by_site() -> None:
    assert parse_grouping([]) == ("site",)


def test_words_and_keywords_may_be_typed_in_any_case() -> None:
    assert parse_grouping(["Scanner", "kvp", "MODALITY"]) == ("scanner", "KVP", "modality")


@pytest.mark.parametrize(("word", "said"), [("KPV", "did you mean KVP"), ("WindowWidth", "from image to image")])
def test_what_cannot_group_is_told_with_what_can(word: str, said: str) -> None:
    with pytest.raises(DqkitError) as error:
        parse_grouping([word])
    assert said in f"{error.value.message} {error.value.hint}"


@pytest.mark.parametrize("name", ["protocol", "StationName", "PatientAge", "StudyDescription", "study_date"])
def test_identifying_values_never_name_a_group(name: str) -> None:
    secret = "Morgan brain"
    row = {"series_key": "a", "site": "N", "ProtocolName": secret, "StationName": secret, "PatientAge": secret}
    tables = HandMade({"series": [{**row, "StudyDescription": secret, "study_date": None}]})
    _, groups = grouped(tables.scan("series"), (name,), KEY)
    assert secret not in str(groups.to_dicts())


def test_null_is_a_group_of_its_own() -> None:
    rows = [{"series_key": str(i), "site": site} for i, site in enumerate(["N", None, None])]
    series, groups = grouped(HandMade({"series": rows}).scan("series"), ("site",), KEY)
    assert dict(groups.select("site", "series").iter_rows()) == {"N": 1, None: 2}
    assert series.collect()["group"].null_count() == 0


def test_one_scanner_is_one_whatever_the_spaces() -> None:
    rows = [
        {"series_key": "a", "Manufacturer": "GE  MEDICAL", "ManufacturerModelName": "X "},
        {"series_key": "b", "Manufacturer": "GE MEDICAL ", "ManufacturerModelName": "X"},
    ]
    _, groups = grouped(HandMade({"series": rows}).scan("series"), ("scanner",), KEY)
    assert groups["scanner"].to_list() == ["GE MEDICAL X"]


def test_groups_without_a_key_stay_nameless() -> None:
    rows = [{"series_key": "a", "ProtocolName": "secret"}]
    _, groups = grouped(HandMade({"series": rows}).scan("series"), ("protocol",), None)
    assert groups["protocol"].to_list() == [None]
    assert isinstance(groups, pl.DataFrame)
