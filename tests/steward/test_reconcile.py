"""Lists of a PACS against a catalog: what is missing, partial, extra, changed, and what of a list cannot be trusted."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from openpyxl import Workbook

from dqkit.errors import DqkitError, ExitCode, NothingToCheckError
from dqkit.rulebook.mapping import known_headers, load_mapping
from dqkit.steward.expected import ExpectedList, ExpectedOptions, read_expected
from dqkit.steward.reconcile import Reconciled, reconcile
from tests.audit.conftest import HandMade

DAY = dt.date(2024, 5, 1)


def held(*studies: dict[str, Any]) -> HandMade:
    """Return a catalog; each study has `series`, a list of numbers of images."""
    rows = []
    for i, study in enumerate(studies):
        uid = study.get("uid", f"1.2.{i}")
        for n, images in enumerate(study.get("series", [20])):
            rows.append(
                {
                    "site": study.get("site", "north"), "study_key": f"{study.get('site', 'north')} {uid}",
                    "series_key": f"{uid}.{n}", "StudyInstanceUID": uid, "SeriesInstanceUID": f"{uid}.{n}",
                    "PatientID": study.get("patient", f"p{i}"), "AccessionNumber": study.get("accession"),
                    "study_date": study.get("date", DAY), "Modality": study.get("modality", "CT"),
                    "n_instances": images,
                }
            )  # fmt: skip
    return HandMade({"series": rows})


def read(path: Path, **options: Any) -> ExpectedList:
    return read_expected(path, ExpectedOptions(**{"mapping": None, "headers": known_headers(), **options}))


def listed(folder: Path, text: str, **options: Any) -> ExpectedList:
    path = folder / "pacs.csv"
    path.write_text(text, encoding="utf-8")
    return read(path, **options)


def statuses(found: Reconciled) -> dict[str, str]:
    return {str(row["StudyInstanceUID"]): row["status"] for row in found.studies.iter_rows(named=True)}


def test_studies_are_complete_partial_missing_and_extra(tmp_path: Path) -> None:
    expected = listed(tmp_path, "StudyInstanceUID,Number of Images\n1.2.0,20\n1.2.1,25\n1.2.9,30\n")
    found = reconcile(held({}, {}, {}), expected)
    assert statuses(found) == {"1.2.0": "complete", "1.2.1": "partial", "1.2.9": "missing", "1.2.2": "extra"}
    assert found.by_site.to_dicts() == [
        {"site": "north", "expected": 3, "complete": 1, "partial": 1, "missing": 1, "extra": 1, "unmatched": 0,
         "changed": 0, "missing_series": 0, "missing_instances": 35}
    ]  # fmt: skip
    assert found.exit_code is ExitCode.FAILED


def test_all_there_is_green(tmp_path: Path) -> None:
    found = reconcile(held({}), listed(tmp_path, "Study UID;images\n1.2.0;20\n"))
    assert (found.exit_code, found.repeated, found.unlisted) == (ExitCode.OK, 0, ())


def test_series_of_a_study_are_counted(tmp_path: Path) -> None:
    found = reconcile(held({"series": [20, 5]}), listed(tmp_path, "检查UID,序列数\n1.2.0,3\n"))
    row = found.studies.row(0, named=True)
    assert (row["status"], row["missing_series"], row["missing_instances"]) == ("partial", 1, None)
    assert not found.listed.counted


def test_a_list_of_series_finds_the_series_that_lacks_images(tmp_path: Path) -> None:
    text = "StudyInstanceUID,SeriesInstanceUID,images\n1.2.0,1.2.0.0,20\n1.2.0,1.2.0.1,9\n1.2.0,1.2.0.7,4\n"
    found = reconcile(held({"series": [30, 5]}), listed(tmp_path, text))
    row = found.studies.row(0, named=True)
    assert found.listed.level == "series"
    # 1.2.0.1 lacks 4, 1.2.0.7 is not there; the ten too many of 1.2.0.0 make up for nothing
    numbers = (row["status"], row["expected_series"], row["missing_series"], row["missing_instances"])
    assert numbers == ("partial", 3, 1, 8)


def test_a_list_of_images_counts_them(tmp_path: Path) -> None:
    rows = "\n".join(f"1.2.0,1.2.0.0,1.2.0.0.{i}" for i in range(22))
    found = reconcile(held({}), listed(tmp_path, f"StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID\n{rows}\n"))
    row = found.studies.row(0, named=True)
    assert (row["status"], row["expected_instances"], row["missing_instances"]) == ("partial", 22, 2)
    assert found.repeated == 0


def test_studies_are_found_by_accession_number(tmp_path: Path) -> None:
    text = "检查号,图像数\nA1,20\nA7,20\n"
    found = reconcile(held({"accession": "A1"}, {"accession": "A2"}), listed(tmp_path, text))
    assert {row["AccessionNumber"]: row["status"] for row in found.studies.to_dicts()} == {
        "A1": "complete", "A7": "missing", "A2": "extra",
    }  # fmt: skip


def test_an_accession_number_of_two_studies_stands_for_both(tmp_path: Path) -> None:
    catalog = held({"accession": "A1"}, {"accession": "A1", "series": [5]})
    found = reconcile(catalog, listed(tmp_path, "acc no,images\nA1,25\n"))
    assert (found.studies["status"].to_list(), found.studies["found_instances"].to_list()) == (["complete"], [25])


def test_a_study_under_another_uid_is_found_by_its_accession_number(tmp_path: Path) -> None:
    found = reconcile(held({"accession": "A1"}), listed(tmp_path, "StudyInstanceUID,AccessionNumber\n9.9,A1\n"))
    row = found.studies.row(0, named=True)
    assert (row["status"], row["changed"]) == ("complete", ["uid"])


def test_another_patient_date_or_modality_is_told(tmp_path: Path) -> None:
    text = (
        "StudyInstanceUID,PatientID,StudyDate,Modality\n1.2.0,other,20240501,CT\n1.2.1,p1,2024-05-02,CT\n"
        "1.2.2,p2,2024-05-01,MR\n1.2.3,P3,20240501,CT\\SR\n"
    )
    found = reconcile(held({}, {}, {}, {"patient": "00p3"}), listed(tmp_path, text))
    changed = {row["StudyInstanceUID"]: row["changed"] for row in found.studies.to_dicts()}
    assert changed == {"1.2.0": ["patient"], "1.2.1": ["date"], "1.2.2": ["modality"], "1.2.3": []}
    assert (found.respelt, found.exit_code) == (1, ExitCode.OK)


@pytest.mark.parametrize("spelling", ["1.2.0\x00", " 1.2.0 ", '"1.2.0"', '="1.2.0"'])
def test_other_spellings_of_a_uid_are_the_same_study(spelling: str, tmp_path: Path) -> None:
    assert statuses(reconcile(held({}), listed(tmp_path, f"StudyInstanceUID\n{spelling}\n"))) == {"1.2.0": "complete"}


def test_rows_that_repeat_or_contradict_each_other_are_counted(tmp_path: Path) -> None:
    text = "StudyInstanceUID,images,PatientID\n1.2.0,20,p0\n1.2.0,20,p0\n1.2.1,20,p1\n1.2.1,22,p1\n"
    found = reconcile(held({}, {}), listed(tmp_path, text))
    assert (found.repeated, found.contradicting) == (2, 1)
    assert statuses(found) == {"1.2.0": "complete", "1.2.1": "partial"}


def test_an_accession_number_that_a_spreadsheet_rounded_is_matched_to_nothing(tmp_path: Path) -> None:
    text = "AccessionNumber,images\n2.02405E+13,20\nA1,20\n,20\n"
    found = reconcile(held({"accession": "20240501000017"}, {"accession": "A1"}), listed(tmp_path, text))
    assert sorted(found.studies["status"]) == ["complete", "extra", "unmatched", "unmatched"]
    assert found.exit_code is ExitCode.INCOMPLETE
    assert "scientific notation" in " ".join(note.what for note in found.listed.column_notes)


def test_a_rounded_accession_number_beside_a_uid_does_no_harm(tmp_path: Path) -> None:
    text = "StudyInstanceUID,AccessionNumber\n1.2.0,2.02405E+13\n"
    assert reconcile(held({}), listed(tmp_path, text)).exit_code is ExitCode.OK


def test_uids_that_a_spreadsheet_rounded_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DqkitError, match="scientific notation"):
        listed(tmp_path, "StudyInstanceUID\n1.2E+30\n")


def workbook(folder: Path, *rows: list[Any]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(folder / "pacs.xlsx")
    return folder / "pacs.xlsx"


def test_zeros_that_a_workbook_lost_are_made_up_for_where_that_is_sure(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["登记号", "图像数量"], [17, 20], [18, 20])
    catalog = held({"accession": "000017"}, {"accession": "0018"}, {"accession": "018"})
    found = reconcile(catalog, read(path))
    got = {row["AccessionNumber"]: row["status"] for row in found.studies.to_dicts()}
    assert got == {"17": "complete", "18": "missing", "0018": "extra", "018": "extra"}


def test_a_qido_answer_is_a_list(tmp_path: Path) -> None:
    answer = [
        {"0020000D": {"vr": "UI", "Value": ["1.2.0"]}, "00080061": {"vr": "CS", "Value": ["CT", "SR"]},
         "00201206": {"vr": "IS", "Value": [2]}, "00201208": {"vr": "IS", "Value": [25]}},
    ]  # fmt: skip
    path = tmp_path / "qido.json"
    path.write_text(json.dumps(answer))
    row = reconcile(held({"series": [20]}), read(path)).studies.row(0, named=True)
    numbers = [row[name] for name in ("status", "missing_series", "missing_instances", "expected_modalities")]
    assert numbers == ["partial", 1, 5, ["CT", "SR"]]


def test_a_parquet_list_of_series_may_count_its_study_too(tmp_path: Path) -> None:
    pl.DataFrame(
        {"StudyInstanceUID": ["1.2.0"], "SeriesInstanceUID": ["1.2.0.0"], "NumberOfSeriesRelatedInstances": [20],
         "NumberOfStudyRelatedInstances": [60], "NumberOfStudyRelatedSeries": [3]}
    ).write_parquet(tmp_path / "l.parquet")  # fmt: skip
    row = reconcile(held({}), read(tmp_path / "l.parquet")).studies.row(0, named=True)
    assert (row["missing_series"], row["missing_instances"]) == (2, 40)


TWO = ({"site": "north"}, {"site": "south"}, {"site": "south", "uid": "1.2.0"})


def test_a_site_that_is_told_is_the_only_place_that_counts(tmp_path: Path) -> None:
    expected = listed(tmp_path, "StudyInstanceUID\n1.2.0\n1.2.1\n", site="south")
    found = reconcile(held(*TWO), expected, "south")
    assert [(row["site"], row["status"]) for row in found.studies.to_dicts()] == [("south", "complete")] * 2
    north = reconcile(held(*TWO), listed(tmp_path, "StudyInstanceUID\n1.2.0\n1.2.1\n", site="north"), "north")
    assert statuses(north) == {"1.2.0": "complete", "1.2.1": "missing"}
    with pytest.raises(DqkitError, match="no site 'west'"):
        reconcile(held(*TWO), expected, "west")


def test_a_column_may_name_the_site(tmp_path: Path) -> None:
    text = "StudyInstanceUID,院区名\n1.2.0,south\n1.2.1,north\n"
    found = reconcile(held(*TWO), listed(tmp_path, text, site_column="院区名"))
    assert {(row["site"], row["StudyInstanceUID"]): row["status"] for row in found.studies.to_dicts()} == {
        ("south", "1.2.0"): "complete", ("north", "1.2.1"): "missing",
        ("south", "1.2.1"): "extra", ("north", "1.2.0"): "extra",
    }  # fmt: skip


def test_what_is_missing_belongs_where_its_institution_or_patient_is(tmp_path: Path) -> None:
    rows = ("1.2.0,North General,p0", "8.1,North General,x", "1.2.1,,p1", "8.2,,p1", "8.3,,y")
    text = "\n".join(["StudyInstanceUID,InstitutionName,PatientID", *rows])
    found = reconcile(held({"site": "north"}, {"site": "south"}), listed(tmp_path, text))
    assert {row["StudyInstanceUID"]: row["site"] for row in found.studies.to_dicts()} == {
        "1.2.0": "north", "8.1": "north", "1.2.1": "south", "8.2": "south", "8.3": None,
    }  # fmt: skip


def test_sites_and_dates_beyond_the_list_are_not_extra(tmp_path: Path) -> None:
    catalog = held({}, {"date": dt.date(2019, 1, 1)}, {"site": "south"}, {})
    found = reconcile(catalog, listed(tmp_path, "StudyInstanceUID,StudyDate\n1.2.0,20240501\n"))
    assert statuses(found) == {"1.2.0": "complete", "1.2.3": "extra"}
    assert (found.outside, found.unlisted) == (1, ("south",))


def test_a_mapping_says_what_columns_mean(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("level: study\ncolumns: {a: StudyInstanceUID, b: n_series, c: n_instances}\n")
    expected = listed(tmp_path, "a,b,c\n1.2.0,2,30\n", mapping=load_mapping(str(tmp_path / "m.yaml")))
    row = reconcile(held({}), expected).studies.row(0, named=True)
    assert (row["missing_series"], row["missing_instances"]) == (1, 10)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("", NothingToCheckError, "is empty"),
        ("StudyInstanceUID,images\n", NothingToCheckError, "holds no row"),
        ("PatientID,images\np,3\n", DqkitError, "names no study"),
        ("foo,bar\n1,2\n", DqkitError, "none of the 2 headers"),
    ],
)
def test_a_list_that_is_none_is_refused(text: str, error: type[DqkitError], said: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=said):
        listed(tmp_path, text)


def test_a_folder_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DqkitError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(DqkitError, match="cannot be read"):
        read(tmp_path / "absent.csv")


def test_an_empty_catalog_lacks_everything(tmp_path: Path) -> None:
    found = reconcile(HandMade(), listed(tmp_path, "StudyInstanceUID,images\n1.2.0,20\n"))
    assert found.studies.select("site", "status", "missing_instances").rows() == [(None, "missing", 20)]
