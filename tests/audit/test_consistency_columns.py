"""What series of one scanner, study, patient and site are compared by."""

import datetime as dt
from typing import Any

from dqkit.audit.frames import frame_of
from dqkit.catalog.schema import FRAMES
from dqkit.model import Level
from dqkit.rulebook.vocabulary import load_table
from tests.audit.conftest import HandMade

CT = "1.2.840.10008.5.1.4.1.1.2"


def series(key: str, **values: Any) -> dict[str, Any]:
    """Return a CT series of one scanner at one site."""
    return {
        "series_key": key, "site": "north", "study_key": f"study {key}", "patient_key": f"patient {key}",
        "StudyInstanceUID": f"1.{key}", "SOPClassUID": CT, "Modality": "CT", "Manufacturer": "SIEMENS",
        "ManufacturerModelName": "Force", "DeviceSerialNumber": "73021", "StationName": "CT1", "n_files": 1,
        "n_instances": 1, "n_frames": 1, "n_localizers": 0, "is_survey": False, "varying": [], "varying_values": [],
        **values,
    }  # fmt: skip


def seen(level: Level, rows: list[dict[str, Any]], *columns: str, by: str = "") -> list[Any]:
    frame = frame_of(level, HandMade({"series": rows}))
    found = frame.sort(by or f"{level.value}_key").select(columns).collect()
    return found.to_series().to_list() if len(columns) == 1 else found.rows()


def of_series(rows: list[dict[str, Any]], *columns: str) -> list[Any]:
    return seen(Level.SERIES, rows, *columns)


def day(month: int) -> dt.date:
    return dt.date(2024, month, 1)


def test_an_update_is_told_once_on_the_first_series_after_it() -> None:
    versions = [("a", "VA48", 1), ("b", "VA48", 2), ("c", "VB20", 3), ("d", "VB20", 4)]
    rows = [series(key, SoftwareVersions=[software], study_date=day(month)) for key, software, month in versions]
    assert of_series(rows, "software_before") == [None, None, "VA48", None]


def test_versions_that_alternate_are_no_update() -> None:
    versions = [("a", "console", 1), ("b", "reconstruction", 1), ("c", "console", 2), ("d", "reconstruction", 2)]
    rows = [series(key, SoftwareVersions=[software], study_date=day(month)) for key, software, month in versions]
    assert of_series(rows, "software_before") == [None] * 4


def test_software_of_another_scanner_or_without_a_date_is_no_update() -> None:
    other = series("b", SoftwareVersions=["VB20"], study_date=day(2), DeviceSerialNumber="73022")
    undated = series("c", SoftwareVersions=["VB20"])
    rows = [series("a", SoftwareVersions=["VA48"], study_date=day(1)), other, undated]
    assert of_series(rows, "software_before") == [None] * 3


def test_a_scanner_speaks_through_one_series() -> None:
    rows = [series("b", StationName="CT2"), series("a"), series("c", DeviceSerialNumber="9")]
    assert of_series(rows, "speaks_for_scanner", "stations_of_scanner") == [(True, 2), (False, 2), (True, 1)]
    assert of_series(rows, "speaks_for_station", "devices_of_station") == [(True, 2), (True, 1), (False, 2)]


def test_placeholders_name_no_machine() -> None:
    rows = [series("a", site="north", DeviceSerialNumber="0000"), series("b", site="south", DeviceSerialNumber="0000")]
    assert of_series(rows, "sites_of_device") == [None, None]
    real = [series("a", site="north"), series("b", site="south")]
    assert of_series(real, "sites_of_device") == [2, 2]


def test_captures_name_no_scanner() -> None:
    rows = [series("a", ImageType=["DERIVED", "SECONDARY"]), series("b", ImageType=["ORIGINAL", "PRIMARY"])]
    assert of_series(rows, "speaks_for_scanner", "series_of_protocol") == [(False, 0), (True, 0)]


def test_makers_are_known_in_any_spelling() -> None:
    names = ["Siemens Healthineers", "siemens", "G.E. MEDICAL SYSTEMS", "ACME", None]
    rows = [series(key, Manufacturer=name) for key, name in zip("abcde", names, strict=True)]
    assert of_series(rows, "vendor") == ["SIEMENS", "SIEMENS", "GE MEDICAL SYSTEMS", None, None]
    assert of_series(rows, "vendor_spellings") == [2, 2, 1, None, None]


def test_a_placeholder_is_no_second_maker_of_a_model() -> None:
    rows = [series("a"), series("b", Manufacturer="UNKNOWN"), series("c", Manufacturer="Siemens Healthcare")]
    assert of_series(rows, "vendors_of_model") == [1, 1, 1]
    assert of_series([series("a"), series("b", Manufacturer="Philips")], "vendors_of_model") == [2, 2]


def test_the_preferred_spelling_is_itself_a_spelling() -> None:
    table = load_table("vendors")
    assert {str(row["preferred"]) for row in table.values()} <= set(table)


def test_a_study_counts_ages_weights_days_and_scanners() -> None:
    same = {"study_key": "s", "StudyInstanceUID": "1.2"}
    first = series("a", **same, patient_age_years=40.0, PatientWeight=66.0, acquisition_date=day(1))
    second = series("b", **same, patient_age_years=62.0, PatientWeight=0.0, acquisition_date=day(2))
    third = series("c", **same, PatientWeight=70.0, ManufacturerModelName="Flash", acquisition_date=day(1))
    late = series("d", **same, is_derived=True, acquisition_date=day(9))
    columns = ("n_ages", "weight_spread_kg", "days_of_images", "extra_scanners", "n_images")
    assert seen(Level.STUDY, [first, second, third, late], *columns) == [(2, 4.0, 31, 1, 4)]


def test_a_birthday_and_a_later_segmentation_are_no_other_age() -> None:
    same = {"study_key": "s", "StudyInstanceUID": "1.2"}
    image, next_day = series("a", **same, patient_age_years=61.0), series("b", **same, patient_age_years=62.0)
    segmentation = series(
        "c", **same, patient_age_years=70.0, SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4", Modality="SEG"
    )
    assert seen(Level.STUDY, [image, next_day, segmentation], "n_ages") == [1]
    mixed = series("a", **same, varying=["patient_age_years"], varying_values=["2"])
    assert seen(Level.STUDY, [mixed], "n_ages") == [2]
    assert seen(Level.STUDY, [mixed, next_day], "n_ages") == [2]


def test_a_study_of_scouts_alone() -> None:
    scout = series("a", study_key="s", n_localizers=1)
    report = series("b", study_key="s", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33", Modality="SR")
    slices = series("c", study_key="s")
    assert seen(Level.STUDY, [scout, report], "only_localizers") == [True]
    assert seen(Level.STUDY, [scout, slices], "only_localizers") == [False]
    assert seen(Level.STUDY, [report], "only_localizers") == [False]


def patient(key: str, number: str, name: str | None, born: str | None = "19610704", **more: Any) -> dict[str, Any]:
    return series(key, PatientID=number, PatientName=name, PatientBirthDate=born, **more)


def test_one_person_under_several_ids() -> None:
    rows = [patient("a", "1", "Doe^Kim"), patient("b", "2", "DOE^KIM^"), patient("c", "3", "Doe^Kim", "19700101")]
    assert seen(Level.PATIENT, rows, "ids_of_this_person") == [2, 2, 1]
    elsewhere = [rows[0], {**rows[1], "site": "south"}]
    assert seen(Level.PATIENT, elsewhere, "ids_of_this_person") == [1, 1]


def test_names_of_nobody_make_no_person() -> None:
    for name in ("Anonymous", "ANON^12", "", None, "000", "Test^"):
        rows = [patient("a", "1", name), patient("b", "2", name)]
        assert seen(Level.PATIENT, rows, "ids_of_this_person") == [1, 1], name
    many = [patient(str(i), str(i), "Phantasy^Name") for i in range(6)]
    assert set(seen(Level.PATIENT, many, "ids_of_this_person")) == {1}


def test_ids_that_differ_in_zeros_case_and_punctuation() -> None:
    numbers = ["ab-12", "00AB12", "AB13", "0"]
    rows = [patient(key, number, f"{key}^x") for key, number in zip("abcd", numbers, strict=True)]
    assert seen(Level.PATIENT, rows, "ids_alike") == [2, 2, 1, 1]
    made = [patient("a", "Phantom-100.0--100.0-9", "A^A"), patient("b", "Phantom-100.0-100.0-9", "B^B")]
    assert seen(Level.PATIENT, made, "ids_alike") == [1, 1]


def test_follow_up_compares_studies_and_not_series_of_one() -> None:
    shared = {"patient_key": "p", "ProtocolName": "Chest"}
    thin = series("a", study_key="1", SliceThickness=1.0, **shared)
    thick = series("b", study_key="1", SliceThickness=5.0, **shared)
    later = series("c", study_key="2", SliceThickness=2.5, ManufacturerModelName="Flash", **shared)
    columns = ("follow_up_models", "follow_up_thickness_mm")
    assert seen(Level.PATIENT, [thin, thick], *columns) == [(None, None)]
    assert seen(Level.PATIENT, [thin, thick, later], *columns) == [(2, 1.5)]


def test_follow_up_at_another_field() -> None:
    shared = {"patient_key": "p", "Modality": "MR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}
    rows = [series(key, MagneticFieldStrength=tesla, **shared) for key, tesla in (("a", 1.5), ("b", 1.494), ("c", 3.0))]
    assert seen(Level.PATIENT, rows[:2], "follow_up_fields") == [1]
    assert seen(Level.PATIENT, rows, "follow_up_fields") == [2]


def test_a_site_is_compared_with_the_others() -> None:
    sites = [("north", 5.0), ("south", 1.0), ("west", 1.25)]
    rows = [series(site, site=site, SliceThickness=mm) for site, mm in sites]
    tables = HandMade({"series": rows, "instances": [{"site": site, "status": "dicom"} for site, _ in sites]})
    frame = frame_of(Level.SITE, tables).sort("site").select("ct_thickness_mm", "ct_thickness_elsewhere_mm").collect()
    assert frame.rows() == [(5.0, 1.125), (1.0, 3.125), (1.25, 3.0)]
    two = HandMade({"series": rows[:2], "instances": tables.rows["instances"][:2]})
    assert frame_of(Level.SITE, two).select("ct_thickness_elsewhere_mm").collect().to_series().to_list() == [None, None]


def test_an_age_is_compared_with_the_birth_date() -> None:
    row = series("a", patient_age_years=20.0, study_date=day(7), patient_birth_date=dt.date(1961, 7, 1))
    assert of_series([row], "age_error_years") == [43.0]
    assert of_series([series("a", patient_age_years=20.0)], "age_error_years") == [None]


def test_a_derived_series_is_counted_with_the_originals_of_its_study_and_modality() -> None:
    derived = {"study_key": "s", "is_derived": True}
    rows = [series("a", study_key="s"), series("b", **derived), series("c", Modality="PT", **derived)]
    assert of_series(rows, "originals_in_study") == [1, 1, 0]


def test_no_series_at_all() -> None:
    assert frame_of(Level.SERIES, HandMade()).collect().is_empty()
    assert frame_of(Level.STUDY, HandMade()).collect().is_empty()
    assert frame_of(Level.PATIENT, HandMade()).collect().is_empty()


def test_the_frames_are_typed_as_written_down() -> None:
    for level in (Level.SERIES, Level.STUDY, Level.PATIENT, Level.SITE):
        frame = frame_of(
            level, HandMade({"series": [series("a")], "instances": [{"site": "north", "status": "dicom"}]})
        )
        assert dict(frame.collect_schema()) == FRAMES[level], level


def test_terms_of_regions_and_organs_belong_to_the_vocabulary() -> None:
    regions, terms = set(load_table("regions")), load_table("body-part-terms")
    for name, row in load_table("region-neighbours").items():
        assert {name, *row["goes_with"]} <= regions
        assert name in row["goes_with"]
    assert {term for term in load_table("sex-organs") if " " not in term} <= set(terms)
    assert not terms["CHEST"]["paired"]
    assert terms["KNEE"]["paired"]
