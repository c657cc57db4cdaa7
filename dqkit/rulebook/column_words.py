"""Columns of dqkit's own in words that a reader of findings understands; DICOM keywords stay as they are."""

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    # {} is the value; without it the value stands after the words
    "acquisition_date": "acquisition date",
    "duplicates_at": "repeated slice positions",
    "files_different": "{} files of one UID, not all alike",
    "files_recoded": "{} files of one image, in several encodings",
    "files_same": "{} identical files",
    "frame_orientations": "orientation of the frames",
    "frame_positions_mm": "positions of the frames",
    "n_accession_numbers": "{} accession numbers",
    "n_birth_dates": "{} birth dates",
    "n_instances": "images: {}",
    "n_localizers": "scout views: {}",
    "n_names": "{} names",
    "n_orientations": "{} slice orientations",
    "n_patients": "{} patients",
    "n_sexes": "{} sexes",
    "n_study_dates": "{} study dates",
    "n_unpositioned": "images without a place: {}",
    "n_volumes": "{} volumes",
    "odd_vr": "unexpected type of value",
    "orthonormality_error": "error of the direction cosines",
    "overlong": "too long",
    "patient_birth_date": "birth date",
    "patients_without_id": "images without a patient: {}",
    "pixel_data_bytes": "declared {} bytes",
    "pixel_data_expected_bytes": "needed {} bytes",
    "pixel_data_present_bytes": "present {} bytes",
    "pixel_max": "largest pixel value",
    "pixel_min": "smallest pixel value",
    "series_key": "series",
    "sites_with_this_id": "{} sites",
    "sites_with_this_series": "{} sites",
    "sites_with_this_study": "{} sites",
    "slice_location_error_mm": "SliceLocation off by {} mm",
    "slice_positions_mm": "slice positions",
    "slice_step_mm": "step between slices {} mm",
    "status": "file {}",
    "studies_with_this_series": "{} studies",
    "study_date": "study date",
    "tilt_deg": "measured tilt {}°",
    "undecodable": "not in the declared character set",
    "untypeable": "not of its type",
    "verdict": "slices {}",
    "volume_sizes": "slices of each volume: {}",
    "with_nul": "NUL bytes in",
}

FLAGS: Mapping[str, tuple[str, str]] = {
    # what true says, what false says
    "decodes": ("pixels decode", "pixels do not decode"),
    "has_file_meta": ("file meta information", "no file meta information"),
    "has_pixel_data": ("pixel data", "no pixel data"),
    "has_preamble": ("preamble", "no preamble"),
    "header_truncated": ("header cut off", "header whole"),
    "is_mosaic": ("mosaic", "no mosaic"),
    "is_vframe": ("VFRAME", "no VFRAME"),
    "is_survey": ("three perpendicular planes", "no survey"),
    "nifti_orientation_known": ("orientation known", "orientation unknown"),
    "number_order_agrees": ("instance numbers follow the positions", "instance numbers do not follow the positions"),
    "pixel_data_terminated": ("compressed pixel data end", "compressed pixel data do not end"),
    "order_inferred": ("order of volumes guessed", "order of volumes told"),
}

VALUES: Mapping[str, Mapping[str, str]] = {
    "status": {
        "not_dicom": "not DICOM", "io_error": "input/output error", "denied": "not permitted",
        "crashed": "not readable by dqkit", "system": "of the exported disk",
    },
    "verdict": {"NOT_COLLINEAR": "not on one line"},
}  # fmt: skip
"""Values of columns of dqkit's own, where they are no words."""
