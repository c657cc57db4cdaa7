from typing import Any

import polars as pl
import pytest

from dqkit.profile.completeness import COMPLETENESS, completeness_of, of_instances
from dqkit.profile.grouping import grouped
from tests.audit.conftest import HandMade

STATES = ("present", "varying", "empty", "untypeable", "absent", "not_told")


def instance(series: str, **more: Any) -> dict[str, Any]:
    row = {"file_id": "f", "series_key": series, "status": "dicom", "empty": [], "untypeable": []}
    return {**row, **more}


def counted(series: list[dict[str, Any]], instances: list[dict[str, Any]], attribute: str = "KVP") -> dict[str, Any]:
    rows = [{"site": "N", "Modality": "CT", "varying": [], "partly_missing": [], **row} for row in series]
    tables = HandMade({"series": rows, "instances": instances})
    numbered, _ = grouped(tables.scan("series"), ("site",), None)
    return completeness_of(numbered, tables).row(by_predicate=pl.col("attribute") == attribute, named=True)


def test_present_absent_empty_and_varying_stay_distinct() -> None:
    series = [
        {"series_key": "present", "KVP": 120.0},
        {"series_key": "absent"},
        {"series_key": "empty"},
        {"series_key": "varying", "varying": ["KVP"]},
    ]
    instances = [instance("present"), instance("absent"), instance("empty", empty=["KVP"]), instance("varying")]
    found = counted(series, instances)
    assert {name: found[name] for name in STATES} == dict.fromkeys(STATES, 1) | {"untypeable": 0, "not_told": 0}


def test_a_value_that_does_not_fit_its_type_is_none_even_where_its_text_is_kept() -> None:
    series = [{"series_key": "a", "PatientAge": "forty"}, {"series_key": "b", "PatientAge": "040Y"}]
    instances = [instance("a", untypeable=["PatientAge"]), instance("b")]
    found = counted(series, instances, "PatientAge")
    assert (found["present"], found["untypeable"]) == (1, 1)


def test_a_value_on_some_images_counts_as_present_and_as_partly_missing() -> None:
    found = counted([{"series_key": "a", "KVP": 120.0, "partly_missing": ["KVP"]}], [instance("a", empty=["KVP"])])
    assert (found["present"], found["partly_missing"], found["empty"]) == (1, 1, 0)


def test_states_always_add_up() -> None:
    series = [
        {"series_key": "a", "varying": ["KVP"], "KVP": None},
        {"series_key": "b", "KVP": 80.0},
        {"series_key": "c", "PatientAge": "x", "varying": ["PatientAge"]},
    ]
    instances = [
        instance("a", empty=["KVP"], untypeable=["KVP"]),
        instance("b", empty=["KVP"]),
        instance("c", untypeable=["PatientAge"], empty=["PatientAge"]),
    ]
    for attribute in ("KVP", "PatientAge"):
        found = counted(series, instances, attribute)
        assert sum(found[name] for name in STATES) == found["n"] == 3
        assert min(found[name] for name in STATES) >= 0


def test_a_catalog_of_a_table_has_series_and_no_instances() -> None:
    found = counted([{"series_key": "a", "KVP": 120.0}, {"series_key": "b"}], [])
    assert (found["present"], found["absent"]) == (1, 1)


def test_what_a_table_has_no_column_for_is_not_absent() -> None:
    rows = [
        {"series_key": key, "source_id": source, "site": "N", "Modality": "CT", "varying": [], "partly_missing": []}
        for key, source in (("a", "table"), ("b", "table"), ("c", "folder"))
    ]
    sources = [
        {"source_id": "table", "columns": ["EchoTime", "Modality"]},
        {"source_id": "folder", "columns": None},
    ]
    tables = HandMade({"series": rows, "sources": sources})
    numbered, _ = grouped(tables.scan("series"), ("site",), None)
    counts = completeness_of(numbered, tables).select("attribute", "absent", "not_told").rows_by_key("attribute")
    assert counts["KVP"] == [(1, 2)]
    assert counts["EchoTime"] == [(3, 0)]


def test_attributes_of_images_are_counted_over_images() -> None:
    tables = HandMade(
        {
            "series": [{"series_key": "a", "site": "N", "Modality": "CT"}],
            "instances": [
                instance("a", InstanceNumber=1), instance("a", InstanceNumber=2),
                instance("a", empty=["InstanceNumber"]), instance("a"),
                {**instance("a", InstanceNumber=3), "status": "truncated"},
            ],
        }
    )  # fmt: skip
    numbered, _ = grouped(tables.scan("series"), ("site",), None)
    found = of_instances(numbered, tables)
    assert found.schema == pl.Schema(COMPLETENESS)
    row = found.row(by_predicate=pl.col("attribute") == "InstanceNumber", named=True)
    assert (row["level"], row["n"], row["present"], row["empty"], row["absent"]) == ("instance", 4, 2, 1, 1)


@pytest.mark.corpus
def test_real_files_add_up(real_catalog: Any) -> None:
    numbered, _ = grouped(real_catalog.scan("series"), ("site",), None)
    for found in (completeness_of(numbered, real_catalog), of_instances(numbered, real_catalog)):
        assert found.filter(pl.sum_horizontal(*STATES) != pl.col("n")).is_empty()
        assert found.filter(pl.min_horizontal(*STATES) < 0).is_empty()
