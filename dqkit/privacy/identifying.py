"""Which attributes identify a person, so that their values stay out of logs, errors and reports."""

from dqkit.catalog.schema import DATES

_OF_TABLE_E_1_1 = frozenset(
    {
        "SOPInstanceUID", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "AcquisitionDateTime",
        "StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime", "AccessionNumber", "InstitutionName",
        "StationName",
        "StudyDescription", "SeriesDescription", "DerivationDescription", "DeviceSerialNumber", "PatientName",
        "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "PatientAge", "PatientSize",
        "PatientWeight",
        "ContrastBolusAgent", "ProtocolName", "StudyInstanceUID", "SeriesInstanceUID", "StudyID", "FrameOfReferenceUID",
        "RadiopharmaceuticalStartTime", "RadiopharmaceuticalStartDateTime", "MediaStorageSOPInstanceUID",
    }
)  # fmt: skip

IDENTIFYING = _OF_TABLE_E_1_1 | frozenset(DATES.values()) | {
    "patient_age_years", "path", "folder", "untypeable_text",
    "first_acquisition_time", "tracer_start", "contrast_agent", "ContrastBolusAgentCodeMeaning",
    "scanner_key", "protocol_key", "device", "station",
}  # fmt: skip
"""Columns of the catalog that Table E.1-1 of PS3.15 (2026c) lists, those derived from them, paths, and the
text of values that could not be typed (which may be of any attribute)."""


def is_identifying(column: str) -> bool:
    """Tell whether values of `column` must not leave the catalog."""
    return column in IDENTIFYING
