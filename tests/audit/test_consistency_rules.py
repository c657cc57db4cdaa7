"""One inconsistency each, in a table of series that agree otherwise: the one rule of the family that speaks of it."""

import datetime as dt
from typing import Any

import pytest

from dqkit.audit.causes import without_implied
from dqkit.audit.engine import evaluate
from dqkit.rulebook.book import load_book
from tests.audit.conftest import HandMade

CT, MR, CR = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "4", "1"))
RULES = [rule for rule in load_book() if rule.family == "CON" and not rule.is_open]
Rows = list[dict[str, Any]]


def series(key: str = "1", **values: Any) -> dict[str, Any]:
    """Return a chest CT that contradicts nothing; where it is, `placed` says."""
    return {
        "series_key": key, "study_key": "1", "patient_key": "1", "PatientID": "1", "SOPClassUID": CT, "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "is_derived": False, "DeviceSerialNumber": "7",
        "StationName": "S", "SoftwareVersions": ["A"], "BodyPartExamined": "CHEST", "SeriesNumber": int(key),
        "SliceThickness": 3.0, "KVP": 120.0, "ConvolutionKernel": ["B30f"], "ProtocolName": "Chest",
        "InstitutionName": "North", "StudyTime": "093000", "study_date": dt.date(2024, 3, 11),
        "series_date": dt.date(2024, 3, 11), "acquisition_date": dt.date(2024, 3, 11),
        "content_date": dt.date(2024, 3, 11), "patient_age_years": 62.0, "patient_birth_date": dt.date(1961, 7, 4),
        "PatientSex": "F", "PatientPosition": "HFS", "n_files": 40, "n_instances": 40, "n_frames": 40,
        "n_localizers": 0, "is_survey": False, "instance_numbers_missing": 0,
        "varying": [], "varying_values": [], **values,
    }  # fmt: skip


def mr(key: str = "1", **values: Any) -> dict[str, Any]:
    return series(key, **{"SOPClassUID": MR, "Modality": "MR", "KVP": None, "ConvolutionKernel": None,
                          "MagneticFieldStrength": 3.0, **values})  # fmt: skip


def varying(name: str, of: Any = series) -> Rows:
    return [of(varying=[name], varying_values=["2"])]


def two(**second: Any) -> Rows:
    return [series(), series("2", **second)]


def later(study: str, month: int, **values: Any) -> dict[str, Any]:
    """Return the same examination in another month."""
    days = dict.fromkeys(("study_date", "series_date", "acquisition_date", "content_date"), dt.date(2024, month, 11))
    return {**series(study), "study_key": study, **days, **values}


def eleven(of: Any, **odd: Any) -> Rows:
    """Return eleven patients under one protocol, of whom the last differs."""
    who = [{"study_key": str(i), "patient_key": str(i), "PatientID": f"p{i:02d}"} for i in range(1, 12)]
    return [*(of(one["study_key"], **one) for one in who[:-1]), of("11", **who[-1], **odd)]


CASES: dict[str, tuple[Rows, set[str]]] = {
    "sound": ([series(), series("2")], set()),
    "sound mr": ([mr()], set()),
    "flip angle": (varying("FlipAngle", mr), {"CON-004"}),
    "encodings": (varying("TransferSyntaxUID"), {"CON-009"}),
    "body parts": (varying("BodyPartExamined"), {"CON-011"}),
    "agents": (varying("ContrastBolusAgent"), {"CON-012"}),
    "institutions": (two(InstitutionName="South"), {"CON-022"}),
    "study times": (two(StudyTime="103000"), {"CON-023"}),
    "scanners of a study": (two(ManufacturerModelName="C", DeviceSerialNumber="8", StationName="T"), {"CON-025"}),
    "scouts": ([series(n_localizers=40)], {"CON-026"}),
    "one image": ([series(n_instances=1, n_frames=1)], {"CON-027"}),
    "one derived image": (
        [series(n_instances=1, n_frames=1, is_derived=True, ImageType=["DERIVED", "SECONDARY"])], {"CON-027"}),
    "series number": (two(SeriesNumber=1), {"CON-028"}),
    "derived alone": ([series(is_derived=True, ImageType=["DERIVED", "SECONDARY"])], {"CON-029"}),
    "another field": ([mr(), mr("2", study_key="2", MagneticFieldStrength=1.5, ManufacturerModelName="A",
                                DeviceSerialNumber="8", StationName="T")], {"CON-030"}),
    "another model": ([series(), later("2", 9, ManufacturerModelName="B", DeviceSerialNumber="8", StationName="T")],
                      {"CON-031"}),
    "another thickness": ([series(), later("2", 9, SliceThickness=5.0)], {"CON-032"}),
    "another kernel": (eleven(series, ConvolutionKernel=["B70f"]), {"CON-040"}),
    "another flip angle": (eleven(mr, FlipAngle=10.0), set()),
    "another thickness of mr": (eleven(mr, SliceThickness=6.0), {"CON-041"}),
    "cut short": (eleven(series, n_frames=12), {"CON-042"}),
    "an update": ([series(), later("2", 9, SoftwareVersions=["B"])], {"CON-050"}),
    "two station names": ([series(), later("2", 9, StationName="T")], {"CON-051"}),
    "two serial numbers": ([series(), later("2", 9, DeviceSerialNumber="8")], {"CON-053"}),
    "placeholder": ([series(Manufacturer="UNKNOWN")], {"CON-056"}),
    "described as mr": ([series(SeriesDescription="MRI chest")], {"CON-060"}),
    "a side": ([series(Laterality="L")], {"CON-064"}),
    "arterial": ([series(SeriesDescription="arterial 1mm")], {"CON-065"}),
    "plain with an agent": ([series(SeriesDescription="plain", ContrastBolusAgent="IOHEXOL")], {"CON-066"}),
    "enhanced": ([series(SeriesDescription="arterial", ContrastBolusAgent="IOHEXOL")], set()),
    "prone": ([series(SeriesDescription="prone 1mm")], {"CON-067"}),
    "no body part": ([series(BodyPartExamined=None)], {"CON-068"}),
    "words for the body part": ([series(BodyPartExamined="Chest")], {"CON-069"}),
    "described as a head": ([series(SeriesDescription="Head routine")], {"CON-070"}),
    "a prostate of a woman": ([series(BodyPartExamined="PROSTATE", ProtocolName="Routine")], {"CON-071"}),
    "content": ([series(content_date=dt.date(2023, 3, 11))], {"CON-082"}),
    "cropped": ([series(ReconstructionDiameter=360.0, Rows=256, Columns=256, PixelSpacing=[0.7, 0.7])], {"CON-089"}),
    "whole": ([series(ReconstructionDiameter=358.4, Rows=512, Columns=512, PixelSpacing=[0.7, 0.7])], set()),
}  # fmt: skip


def placed(name: str, rows: Rows) -> Rows:
    """Return the rows at a site of their own, of a maker and model of their own."""
    unlike = {"Manufacturer": f"Maker of {name}", "ManufacturerModelName": f"Model of {name}"}
    there = []
    for row in rows:
        keys = {key: f"{name} {row[key]}" for key in ("series_key", "study_key", "patient_key")}
        there.append({**unlike, **row, **keys, "site": name, "StudyInstanceUID": keys["study_key"]})
    return there


@pytest.fixture(scope="module")
def found() -> dict[str, set[str]]:
    """Return the rules that fail at each site, causes considered."""
    rows = [row for name, (rows, _) in CASES.items() for row in placed(name, rows)]
    tables = HandMade({"series": rows, "instances": [{"site": name, "status": "dicom"} for name in CASES]})
    evaluation = evaluate(RULES, tables)
    assert evaluation.crashed == {}
    kept, _ = without_implied(evaluation.failed, RULES, tables)
    return {name: set(kept.filter(kept["site"] == name)["rule_id"]) for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_one_inconsistency_gives_its_one_finding(name: str, found: dict[str, set[str]]) -> None:
    assert found[name] == CASES[name][1]
