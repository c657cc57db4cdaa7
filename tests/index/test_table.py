"""Tables in a catalog: series, keys, sites, duplicates, damaged ids, and tables beside folders."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from dqkit import identity
from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError
from dqkit.index.build import index
from dqkit.index.change_sources import remove_source
from dqkit.index.table import TableOptions, TableSummary, index_table, mark_offline, tables_of
from dqkit.index.table_mapping import Column, TableMapping

UID = "1.2.826.0.1.3680043.10.1599.77"
PLAIN = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality")

Add = Callable[..., TableSummary]


def mapped(*names: str, **more: object) -> TableMapping:
    return TableMapping("m", tuple(Column(name, name) for name in names), **more)  # type: ignore[arg-type]


@pytest.fixture
def add(catalog: Catalog, tmp_path: Path) -> Add:
    def add(lines: list[str], mapping: TableMapping | None = None, name: str = "t.csv", **more: object) -> TableSummary:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        mapping = mapping or mapped(*lines[0].split(","))
        return index_table(catalog, path, TableOptions(mapping=mapping, **more))  # type: ignore[arg-type]

    return add


def series(catalog: Catalog) -> pl.DataFrame:
    return catalog.scan("series").sort("SeriesInstanceUID").collect()


def plain(n: int, first: int = 0) -> list[str]:
    rows = [f"p{i},{UID}.1.{i},{UID}.2.{i},CT" for i in range(first, first + n)]
    return [",".join(PLAIN), *rows]


def test_rows_become_series_under_the_usual_keys(catalog: Catalog, add: Add):
    add(plain(2), site="North")
    row = series(catalog).row(0, named=True)
    assert row["series_key"] == identity.series_key("North", f"{UID}.1.0", f"{UID}.2.0", "")
    assert row["study_key"] == identity.study_key("North", f"{UID}.1.0", "")
    assert row["patient_key"] == identity.patient_key("North", None, "p0")
    assert row["site"] == "North"
    assert catalog.scan("instances").collect().is_empty()


def test_the_site_may_stand_in_a_column_in_institution_name_or_be_that_of_the_table(catalog: Catalog, add: Add):
    lines = [",".join([*PLAIN, "InstitutionName", "Haus"]), f"p,{UID}.1,{UID}.2,CT,South,East"]
    add(lines, mapped(*PLAIN, site_column="Haus"))
    assert series(catalog)["site"].to_list() == ["East"]
    add(lines, mapped(*PLAIN, "InstitutionName"))
    assert series(catalog)["site"].to_list() == ["South"]
    add(lines, mapped(*PLAIN))
    assert series(catalog)["site"].to_list() == ["t"]


def test_the_same_table_again_is_not_read_again_and_a_changed_one_replaces_its_rows(catalog: Catalog, add: Add):
    assert add(plain(200)).state == "read"
    version = catalog.versions["series"]
    assert add(plain(200)).state == "read"  # written anew, another mtime
    again = index_table(catalog, tables_of(catalog)[0], TableOptions())
    assert again.state == "unchanged"
    assert catalog.versions["series"] == version + 1
    changed = add(plain(199))
    assert (changed.removed, series(catalog).height) == (1, 199)


def test_many_series_gone_ask_for_confirmation(catalog: Catalog, add: Add):
    add(plain(100))
    with pytest.raises(DqkitError, match="90 of 100 series"):
        add(plain(10))
    assert series(catalog).height == 100
    assert add(plain(10), confirm_removed=True).removed == 90


def test_a_table_that_is_gone_is_offline_and_its_series_stay(catalog: Catalog, add: Add):
    add(plain(3))
    path = tables_of(catalog)[0]
    path.unlink()
    assert mark_offline(catalog, path).state == "offline"
    assert series(catalog).height == 3
    assert catalog.scan("sources").collect()["state"].to_list() == ["offline"]


def test_rows_of_one_series_count_once_and_differing_attributes_vary(catalog: Catalog, add: Add):
    lines = [",".join([*PLAIN, "SliceThickness"]), f"p,{UID}.1,{UID}.2,CT,1", f"p,{UID}.1,{UID}.2,CT,5",
             f"p,{UID}.1,{UID}.3,CT,1"]  # fmt: skip
    summary = add(lines)
    assert (summary.series, summary.repeated) == (2, 1)
    row = series(catalog).row(0, named=True)
    assert (row["SliceThickness"], row["varying"], row["varying_values"]) == (None, ["SliceThickness"], ["2"])
    assert row["Modality"] == "CT"


def test_a_table_of_images_becomes_series_of_so_many_images(catalog: Catalog, add: Add):
    lines = [",".join([*PLAIN, "SOPInstanceUID", "KVP"])]
    lines += [f"p,{UID}.1,{UID}.2,CT,{UID}.3.{i},{120 if i else 80}" for i in range(5)]
    summary = add(lines, mapped(*lines[0].split(","), level="instance"))
    assert (summary.series, summary.repeated) == (1, 0)
    row = series(catalog).row(0, named=True)
    assert (row["n_instances"], row["n_frames"], row["varying"]) == (5, 5, ["KVP"])
    assert {"n_instances", "varying:KVP"} <= summary.given


def test_a_cell_that_lists_values_says_that_the_attribute_varies(catalog: Catalog, add: Add):
    columns = (*(Column(name, name) for name in PLAIN), Column("tsuid", "TransferSyntaxUID", varies="|"))
    lines = [",".join([*PLAIN, "tsuid"]), f"p,{UID}.1,{UID}.2,CT,1.2|1.3|1.2", f"p,{UID}.1,{UID}.3,CT,1.2"]
    add(lines, TableMapping("m", columns))
    found = series(catalog)
    assert found["TransferSyntaxUID"].to_list() == [None, "1.2"]
    assert found["varying"].to_list() == [["TransferSyntaxUID"], []]
    assert found["varying_values"].to_list() == [["2"], []]


def test_rows_without_a_series_uid_are_a_series_each(catalog: Catalog, add: Add):
    lines = ["PatientID,AccessionNumber,Modality", "p,a1,CT", "p,a1,CT", "p,a2,MR"]
    summary = add(lines)
    assert (summary.series, summary.unnamed) == (3, 3)
    assert series(catalog)["study_key"].n_unique() == 2


def test_uids_in_scientific_notation_are_refused_without_showing_one(add: Add):
    with pytest.raises(DqkitError) as caught:
        add([",".join(PLAIN), f"p,1.2E+05,{UID}.2,CT"])
    assert "1 cells of the column 'StudyInstanceUID'" in caught.value.message
    assert "1.2E" not in caught.value.message


def test_patient_ids_in_scientific_notation_are_counted(catalog: Catalog, add: Add):
    summary = add([",".join(PLAIN), f"1.23457E+11,{UID}.1,{UID}.2,CT", f"000123,{UID}.3,{UID}.4,CT"])
    assert [(note.to, note.count) for note in summary.column_notes] == [("PatientID", 1)]
    assert series(catalog)["PatientID"].to_list() == ["1.23457E+11", "000123"]


def test_ids_that_went_through_floating_point_whole_are_mended(catalog: Catalog, add: Add):
    add([",".join(PLAIN), f"123.0,{UID}.1,{UID}.2,CT", f"77.0,{UID}.3,{UID}.4,CT"])
    assert series(catalog)["PatientID"].to_list() == ["123", "77"]


def test_values_that_cannot_be_read_are_counted_and_not_shown(catalog: Catalog, add: Add):
    summary = add([",".join([*PLAIN, "SliceThickness"]), f"p,{UID}.1,{UID}.2,CT,thin"])
    assert [(n.to, n.what, n.count) for n in summary.column_notes] == [("SliceThickness", "cells could not be read", 1)]
    assert series(catalog)["SliceThickness"].to_list() == [None]


def test_a_column_that_may_be_read_in_two_ways_is_left_out(add: Add):
    summary = add([",".join([*PLAIN, "StudyDate"]), f"p,{UID}.1,{UID}.2,CT,5/3/2024"])
    assert "StudyDate" not in summary.given
    assert "two ways" in summary.column_notes[0].what


def test_a_header_that_stands_twice_with_other_cells_is_refused(add: Add):
    lines = ["PatientID,PatientID,StudyInstanceUID,SeriesInstanceUID", f"p,q,{UID}.1,{UID}.2"]
    with pytest.raises(DqkitError, match="stands 2 times"):
        add(lines, mapped("PatientID", "StudyInstanceUID", "SeriesInstanceUID"))


def test_a_column_that_the_mapping_names_must_be_there(add: Add):
    with pytest.raises(DqkitError, match="names the column 'KVP'"):
        add(plain(1), mapped(*PLAIN, "KVP"))


def test_constants_stand_in_every_row(catalog: Catalog, add: Add):
    lines = ["PatientID,StudyInstanceUID,SeriesInstanceUID", f"p,{UID}.1,{UID}.2"]
    add(lines, mapped(*lines[0].split(","), constants={"Modality": "MG", "SliceThickness": "2,5"}))
    row = series(catalog).row(0, named=True)
    assert row["Modality"] == "MG"


def test_words_and_codes_of_people_become_those_of_dicom(catalog: Catalog, add: Add):
    columns = [*PLAIN, "PatientSex", "PatientAge", "ImageType"]
    add(
        [
            ",".join(columns),
            f"p,{UID}.1,{UID}.2,CT,女,034Y,ORIGINAL/PRIMARY/AXIAL",
            f"NULL,{UID}.3,{UID}.4,CT,male,6月,",
        ]
    )
    found = series(catalog)
    assert found["PatientSex"].to_list() == ["F", "M"]
    assert found["patient_age_years"].to_list() == [34.0, 0.5]
    assert found["ImageType"].to_list() == [["ORIGINAL", "PRIMARY", "AXIAL"], None]
    assert found["PatientID"].to_list() == ["p", None]


def test_a_series_of_files_is_not_taken_from_a_table(catalog: Catalog, archive: Path, add: Add):
    index(catalog, [archive])
    known = series(catalog).row(0, named=True)
    lines = [",".join(PLAIN), f"x,{known['StudyInstanceUID']},{known['SeriesInstanceUID']},CT", *plain(2)[1:]]
    before = series(catalog).height
    summary = add(lines, site=known["site"])
    assert (summary.series, summary.elsewhere) == (2, 1)
    assert series(catalog).height == before + 2


def test_indexing_a_folder_keeps_the_series_of_tables(catalog: Catalog, archive: Path, add: Add):
    add(plain(200))
    index(catalog, [archive])
    index(catalog, [])
    ids = catalog.scan("sources").select("source_id", "kind").collect()
    of_table = ids.filter(pl.col("kind") == "table")["source_id"][0]
    assert series(catalog).filter(pl.col("source_id") == of_table).height == 200
    assert series(catalog).height == 204


def test_a_table_can_be_taken_out_again(catalog: Catalog, archive: Path, add: Add):
    index(catalog, [archive])
    add(plain(5))
    assert remove_source(catalog, "t") == 5
    assert series(catalog).height == 4


def test_a_column_that_names_thousands_of_sites_names_none(add: Add):
    lines = [",".join([*PLAIN, "Haus"]), *(f"p,{UID}.1,{UID}.2.{i},CT,h{i}" for i in range(1001))]
    with pytest.raises(DqkitError, match="1,001 sites"):
        add(lines, mapped(*PLAIN, site_column="Haus"))
