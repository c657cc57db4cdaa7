from datetime import date
from typing import Any

import polars as pl
import pytest

from dqkit.profile.composition import FEW, MOST_CATEGORIES, OTHER
from dqkit.profile.profile import profile_of
from tests.audit.conftest import HandMade


def shares(dimension: str, rows: list[dict[str, Any]]) -> dict[str | None, int | None]:
    numbered = [
        {"series_key": str(i), "study_key": str(i), "patient_key": str(i), "site": "N", **row}
        for i, row in enumerate(rows)
    ]
    found = profile_of(HandMade({"series": numbered})).composition.filter(pl.col("dimension") == dimension)
    return dict(found.sort("rank").select("category", "n").iter_rows())


@pytest.mark.parametrize(
    ("thickness", "band"), [(0.6, "≤ 1"), (1.0, "≤ 1"), (1.25, "1–2"), (5.0, "3–5"), (10.0, "> 7.5"), (0.0, None)]
)
def test_thickness_falls_into_its_band(thickness: float, band: str | None) -> None:
    assert shares("SliceThickness", [{"Modality": "CT", "SliceThickness": thickness}]) == {band: 1}


def test_thickness_of_a_radiograph_does_not_count() -> None:
    assert shares("SliceThickness", [{"Modality": "DX", "SliceThickness": 1.0}]) == {}


def test_bands_stand_in_the_order_of_their_size() -> None:
    rows = [{"Modality": "CT", "SliceThickness": t} for t in (10.0, 10.0, 0.5, 2.5)]
    assert list(shares("SliceThickness", rows)) == ["≤ 1", "2–3", "> 7.5"]


def test_the_rarest_categories_become_one() -> None:
    rows = [{"Modality": "CT", "Manufacturer": f"maker {i:02d}"} for i in range(MOST_CATEGORIES + 3)]
    found = shares("vendor", rows)
    assert len(found) == MOST_CATEGORIES + 1
    assert found[OTHER] == 3


def test_patients_are_counted_once() -> None:
    rows = [{"patient_key": "p", "PatientSex": sex} for sex in ("F", "F", None)] * 2
    rows += [{"patient_key": f"q{i}", "PatientSex": "M"} for i in range(FEW)]
    assert shares("PatientSex", rows) == {"M": FEW, "F": None}


def test_so_few_patients_that_they_could_be_recognised_are_not_counted_out() -> None:
    rows = [{"PatientSex": "F", "patient_age_years": 34.0}] * FEW
    distinct = [{**row, "patient_key": str(i)} for i, row in enumerate(rows)]
    assert shares("age", distinct) == {"30–39": FEW}
    assert shares("age", distinct[1:]) == {"30–39": None}


def test_the_oldest_share_one_band() -> None:
    rows = [{"patient_age_years": age} for age in (91.0, 92.0, 95.0, 99.0, 104.0)]
    assert shares("age", rows) == {"90+": 5}


def test_what_stands_in_place_of_a_sex_is_not_repeated() -> None:
    assert set(shares("PatientSex", [{"PatientSex": "Morgan^Alex"}] * 6)) == {OTHER}


def test_years_are_of_studies() -> None:
    rows = [{"study_key": "s", "study_date": date(2020, 1, 1)}] * 3 + [{"study_date": date(1901, 1, 1)}]
    assert shares("year", rows) == {"2020": 1, None: 1}
