"""Every table of the catalog and every frame that rules see, written down once.

A column that is a raw DICOM attribute keeps its PS3.6 keyword; a derived one is snake_case and ends in its
unit. Delta Lake knows no Null, Time, Duration, Categorical or unsigned 64-bit type, so that DICOM times stay
text and dates stand twice: as text (``StudyDate``) and typed (``study_date``).
"""

import polars as pl

from dqkit.model import Level

FORMAT_VERSION = 1
"""Columns are only added within a format version."""

BUCKETS = 64
"""Rows are replaced by the bucket, hash(StudyInstanceUID, else folder) % BUCKETS: a study is in one bucket."""

Schema = dict[str, pl.DataType]

TEXT, INT, REAL, FLAG, DATE = pl.String(), pl.Int64(), pl.Float64(), pl.Boolean(), pl.Date()
TEXTS, REALS, INTS = pl.List(pl.String()), pl.List(pl.Float64()), pl.List(pl.Int64())
WHEN = pl.Datetime("us", "UTC")

ATTRIBUTES: Schema = {
    # SOP common, general study, series and equipment (PS3.3 C.12.1, C.7.2, C.7.3, C.7.5)
    "SpecificCharacterSet": TEXTS,
    "ImageType": TEXTS,
    "SOPClassUID": TEXT,
    "SOPInstanceUID": TEXT,
    "StudyDate": TEXT,
    "SeriesDate": TEXT,
    "AcquisitionDate": TEXT,
    "ContentDate": TEXT,
    "AcquisitionDateTime": TEXT,
    "StudyTime": TEXT,
    "SeriesTime": TEXT,
    "AcquisitionTime": TEXT,
    "ContentTime": TEXT,
    "AccessionNumber": TEXT,
    "Modality": TEXT,
    "ConversionType": TEXT,
    "PresentationIntentType": TEXT,
    "Manufacturer": TEXT,
    "InstitutionName": TEXT,
    "StationName": TEXT,
    "StudyDescription": TEXT,
    "SeriesDescription": TEXT,
    "ManufacturerModelName": TEXT,
    "DerivationDescription": TEXT,
    "DeviceSerialNumber": TEXT,
    "SoftwareVersions": TEXTS,
    # Patient (C.7.1.1, C.7.2.2)
    "PatientName": TEXT,
    "PatientID": TEXT,
    "IssuerOfPatientID": TEXT,
    "PatientBirthDate": TEXT,
    "PatientSex": TEXT,
    "PatientAge": TEXT,
    "PatientSize": REAL,
    "PatientWeight": REAL,
    "PatientIdentityRemoved": TEXT,
    "DeidentificationMethod": TEXTS,
    # Acquisition: CT, MR, projection X-ray, PT (C.8.2.1, C.8.3.1, C.8.7, C.8.9, C.8.11)
    "BodyPartExamined": TEXT,
    "ContrastBolusAgent": TEXT,
    "ScanningSequence": TEXTS,
    "SequenceVariant": TEXTS,
    "ScanOptions": TEXTS,
    "MRAcquisitionType": TEXT,
    "SequenceName": TEXT,
    "SliceThickness": REAL,
    "KVP": REAL,
    "RepetitionTime": REAL,
    "EchoTime": REAL,
    "InversionTime": REAL,
    "NumberOfAverages": REAL,
    "ImagingFrequency": REAL,
    "EchoNumbers": INTS,
    "MagneticFieldStrength": REAL,
    "SpacingBetweenSlices": REAL,
    "EchoTrainLength": INT,
    "ImagedNucleus": TEXT,
    "PercentSampling": REAL,
    "PercentPhaseFieldOfView": REAL,
    "PixelBandwidth": REAL,
    "ProtocolName": TEXT,
    "TriggerTime": REAL,
    "ReconstructionDiameter": REAL,
    "DistanceSourceToDetector": REAL,
    "GantryDetectorTilt": REAL,
    "ExposureTime": REAL,
    "XRayTubeCurrent": REAL,
    "Exposure": REAL,
    "FilterType": TEXTS,
    "ImagerPixelSpacing": REALS,
    "NominalScannedPixelSpacing": REALS,
    "FocalSpots": REALS,
    "BodyPartThickness": REAL,
    "CompressionForce": REAL,
    "ConvolutionKernel": TEXTS,
    "PatientPosition": TEXT,
    "ViewPosition": TEXT,
    "AcquisitionMatrix": INTS,
    "InPlanePhaseEncodingDirection": TEXT,
    "FlipAngle": REAL,
    "SpiralPitchFactor": REAL,
    "SingleCollimationWidth": REAL,
    "TotalCollimationWidth": REAL,
    "ExposureIndex": REAL,
    "DeviationIndex": REAL,
    "CTDIvol": REAL,
    "DiffusionBValue": REAL,
    "DiffusionGradientOrientation": REALS,
    # Relationship and frame of reference (C.7.3, C.7.4, C.7.6)
    "StudyInstanceUID": TEXT,
    "SeriesInstanceUID": TEXT,
    "StudyID": TEXT,
    "SeriesNumber": INT,
    "AcquisitionNumber": INT,
    "InstanceNumber": INT,
    "PatientOrientation": TEXTS,
    "ImagePositionPatient": REALS,
    "ImageOrientationPatient": REALS,
    "FrameOfReferenceUID": TEXT,
    "Laterality": TEXT,
    "ImageLaterality": TEXT,
    "TemporalPositionIdentifier": INT,
    "NumberOfTemporalPositions": INT,
    "TemporalResolution": REAL,
    "SliceLocation": REAL,
    # Ophthalmic photography (C.8.17)
    "HorizontalFieldOfView": REAL,
    "PupilDilated": TEXT,
    # Image pixel, VOI and modality LUT (C.7.6.3, C.11)
    "SamplesPerPixel": INT,
    "PhotometricInterpretation": TEXT,
    "PlanarConfiguration": INT,
    "NumberOfFrames": INT,
    "Rows": INT,
    "Columns": INT,
    "PixelSpacing": REALS,
    "PixelAspectRatio": INTS,
    "BitsAllocated": INT,
    "BitsStored": INT,
    "HighBit": INT,
    "PixelRepresentation": INT,
    "CorrectedImage": TEXTS,
    "BurnedInAnnotation": TEXT,
    "WindowCenter": REALS,
    "WindowWidth": REALS,
    "RescaleIntercept": REAL,
    "RescaleSlope": REAL,
    "RescaleType": TEXT,
    "LossyImageCompression": TEXT,
    "LossyImageCompressionRatio": REALS,
    "LossyImageCompressionMethod": TEXTS,
    # Positron emission tomography (C.8.9)
    "Units": TEXT,
    "DecayCorrection": TEXT,
    "AttenuationCorrectionMethod": TEXT,
    "SeriesType": TEXTS,
    "NumberOfSlices": INT,
    # Inside a sequence: see NESTED
    "RadiopharmaceuticalStartTime": TEXT,
    "RadiopharmaceuticalStartDateTime": TEXT,
    "RadionuclideTotalDose": REAL,
    "RadionuclideHalfLife": REAL,
    "PhysicalDeltaX": REAL,
    "PhysicalDeltaY": REAL,
    "PhysicalUnitsXDirection": INT,
    "ViewCodeMeaning": TEXT,
    "AnatomicRegionCodeMeaning": TEXT,
    "ContrastBolusAgentCodeMeaning": TEXT,
}
"""The attributes read from every header, with the type they are kept in."""

NESTED: dict[str, tuple[str, str]] = {
    "RadiopharmaceuticalStartTime": ("RadiopharmaceuticalInformationSequence", "RadiopharmaceuticalStartTime"),
    "RadiopharmaceuticalStartDateTime": ("RadiopharmaceuticalInformationSequence", "RadiopharmaceuticalStartDateTime"),
    "RadionuclideTotalDose": ("RadiopharmaceuticalInformationSequence", "RadionuclideTotalDose"),
    "RadionuclideHalfLife": ("RadiopharmaceuticalInformationSequence", "RadionuclideHalfLife"),
    "PhysicalDeltaX": ("SequenceOfUltrasoundRegions", "PhysicalDeltaX"),
    "PhysicalDeltaY": ("SequenceOfUltrasoundRegions", "PhysicalDeltaY"),
    "PhysicalUnitsXDirection": ("SequenceOfUltrasoundRegions", "PhysicalUnitsXDirection"),
    "ViewCodeMeaning": ("ViewCodeSequence", "CodeMeaning"),
    "AnatomicRegionCodeMeaning": ("AnatomicRegionSequence", "CodeMeaning"),
    "ContrastBolusAgentCodeMeaning": ("ContrastBolusAgentSequence", "CodeMeaning"),
}
"""Column -> (sequence, attribute of its first item), for attributes that stand inside a sequence."""

DATES: dict[str, str] = {
    "StudyDate": "study_date",
    "SeriesDate": "series_date",
    "AcquisitionDate": "acquisition_date",
    "ContentDate": "content_date",
    "PatientBirthDate": "patient_birth_date",
}
"""DA attribute -> its typed column."""

_OF_THE_FILE: Schema = {
    "file_id": TEXT,
    "source_id": TEXT,
    "path": TEXT,  # relative to the root, percent-escaped (archive/paths.py)
    "folder": TEXT,
    "bucket": pl.Int32(),
    "size": INT,  # bytes
    "mtime_ns": INT,
    "status": TEXT,  # model.FileStatus
    "status_detail": TEXT,
    "reader": TEXT,  # walker | pydicom | nibabel, null where nothing was read
    "reader_reason": TEXT,  # why the walker handed the file on
    "reader_version": pl.Int32(),
    "site": TEXT,
    "patient_key": TEXT,
    "study_key": TEXT,
    "series_key": TEXT,
}

_OF_THE_HEADER: Schema = {
    "has_preamble": FLAG,
    "has_file_meta": FLAG,
    "TransferSyntaxUID": TEXT,
    "MediaStorageSOPClassUID": TEXT,
    "MediaStorageSOPInstanceUID": TEXT,
    "header_truncated": FLAG,  # the file ends inside an element before the pixel data
    "has_pixel_data": FLAG,
    "pixel_data_bytes": INT,  # length the element declares; null when undefined (encapsulated)
    "pixel_data_present_bytes": INT,  # what the file really holds of it
    "pixel_data_terminated": FLAG,  # encapsulated: the fragments end with a delimiter; null for native
    "pixel_data_expected_bytes": INT,  # by Rows x Columns x …, for native transfer syntaxes
    "empty": TEXTS,  # keywords present without a value
    "untypeable": TEXTS,  # keywords whose value does not fit their VR …
    "untypeable_text": TEXTS,  # … and that value as text, index-aligned
    "undecodable": TEXTS,  # keywords whose text does not fit SpecificCharacterSet
    "with_nul": TEXTS,  # keywords whose value holds a NUL byte
    "overlong": TEXTS,  # keywords whose value is longer than its VR allows (PS3.5 6.2)
    "odd_vr": TEXTS,  # keywords whose VR differs from PS3.6
}

_DERIVED: Schema = {
    **dict.fromkeys(DATES.values(), DATE),
    "patient_age_years": REAL,
    "diffusion_b_value": REAL,  # s/mm2, from DiffusionBValue or the vendor's private element
    "is_localizer": FLAG,
    "is_derived": FLAG,
    "is_mosaic": FLAG,  # Siemens mosaic
    "mosaic_tiles": INT,
    "is_vframe": FLAG,  # UIH VFRAME
    "frame_positions_mm": REALS,  # enhanced multi-frame: x, y, z a frame, flat
    "frame_orientations": REALS,  # six a frame, flat
    "frame_groups": TEXTS,  # what tells a frame's volume from another: echo, b-value, time …
    "nifti_shape": INTS,
    "nifti_affine": REALS,  # 4x4, row-major, RAS, mm
    "nifti_dtype": TEXT,
    "nifti_orientation_known": FLAG,
    "content_sha256": TEXT,  # whole file; only for files that share their SOPInstanceUID
    "superseded_by": TEXT,  # file_id of the file of a resend that took its place (index/supersede.py); null = it counts
}

INSTANCES: Schema = {**_OF_THE_FILE, **_OF_THE_HEADER, **ATTRIBUTES, **_DERIVED}
"""One row a file of a source, whatever the file is."""

PER_INSTANCE = frozenset(
    {
        "SOPInstanceUID", "InstanceNumber", "ImagePositionPatient", "SliceLocation", "ContentTime", "AcquisitionTime",
        "AcquisitionDateTime", "WindowCenter", "WindowWidth", "XRayTubeCurrent", "Exposure", "ExposureTime", "CTDIvol",
        "TriggerTime", "TemporalPositionIdentifier", "DiffusionGradientOrientation", "ImageOrientationPatient",
    }
)  # fmt: skip
"""Attributes that vary inside a healthy series and so have no column there."""

_KEYS: Schema = {"site": TEXT, "patient_key": TEXT, "study_key": TEXT, "series_key": TEXT}

STACKS: Schema = {
    "stack_id": TEXT,
    **_KEYS,
    "bucket": pl.Int32(),
    "source_id": TEXT,
    "StudyInstanceUID": TEXT,
    "SeriesInstanceUID": TEXT,
    "Modality": TEXT,
    "split_by": TEXTS,  # the attributes that tell this stack from its sisters
    "split_key": TEXT,  # their values
    "verdict": TEXT,  # model.StackVerdict
    "order_inferred": FLAG,  # no attribute tells the volumes apart: the order was inferred
    "is_localizer": FLAG,
    "is_derived": FLAG,
    "n_slices": INT,
    "slice_positions_mm": REALS,  # projected on the slice normal, ascending
    "file_ids": TEXTS,  # aligned with slice_positions_mm
    "frame_numbers": INTS,  # aligned; 1-based, 1 for single-frame files
    "instance_numbers": INTS,  # aligned; null where absent
    "slice_step_mm": REAL,  # median
    "slice_step_min_mm": REAL,
    "slice_step_max_mm": REAL,
    "gap_after": INTS,  # indices i with a gap between slice i and i + 1
    "slices_missing": INT,  # whole steps that the gaps amount to
    "duplicates_at": INTS,  # indices i whose position equals that of i - 1
    "tilt_deg": REAL,  # angle between the slice normal and the line through the origins
    "off_axis_mm": REAL,  # largest distance of an origin from that line
    "orthonormality_error": REAL,  # of the direction cosines
    "plane": TEXT,  # AXIAL | SAGITTAL | CORONAL | OBLIQUE
    "Rows": INT,
    "Columns": INT,
    "PixelSpacing": REALS,
    "SliceThickness": REAL,
    "SpacingBetweenSlices": REAL,
    "GantryDetectorTilt": REAL,
    "slice_location_error_mm": REAL,  # largest departure of SliceLocation's steps from the measured ones
    "number_order_agrees": FLAG,  # InstanceNumber ascends or descends with the position
}
"""One row a stack: the instances (or frames) of a series that form one volume."""

SERIES: Schema = {
    **_KEYS,
    "bucket": pl.Int32(),
    "source_id": TEXT,
    "folder": TEXT,  # of its first file
    "n_files": INT,
    "n_instances": INT,  # distinct SOPInstanceUIDs
    "n_frames": INT,
    "n_stacks": INT,
    "n_localizers": INT,
    "n_orientations": INT,  # distinct slice orientations among images that ImageType does not call localizers
    "is_survey": FLAG,  # a short MR series in three perpendicular planes: its images count as localizers
    "n_unpositioned": INT,  # images without ImagePositionPatient or ImageOrientationPatient
    "n_without_patient": INT,  # instances without PatientID
    "partly_missing": TEXTS,  # attributes of index.series.DEMANDED that some instances have and others lack
    "size": INT,  # bytes
    "varying": TEXTS,  # attributes with more than one value here …
    "varying_values": TEXTS,  # … and how many values each has, index-aligned
    "TransferSyntaxUID": TEXT,
    **{name: kind for name, kind in ATTRIBUTES.items() if name not in PER_INSTANCE},
    **{name: kind for name, kind in _DERIVED.items() if name in DATES.values()},
    "patient_age_years": REAL,
    "diffusion_b_value": REAL,
    "is_localizer": FLAG,
    "is_derived": FLAG,
    "b_values": REALS,  # s/mm2, ascending, each once; null where no image has one
    "views": TEXTS,  # side and view of its images, such as R-CC, PA or L, each once; null where none has either
    "ctdi_vol_mgy": REAL,  # largest CTDIvol
    "tube_current_ma": REAL,  # largest XRayTubeCurrent
    "exposure_mas": REAL,  # largest Exposure
    "first_acquisition_time": TEXT,  # earliest AcquisitionTime, HHMMSS.FFFFFF
    "n_time_points": INT,  # most images of one place that were acquired at different times; null where none are
    "instance_numbers_missing": INT,  # between the first and the last; null where numbers do not count images
    "time_span_s": REAL,  # from the first to the last image of that place
    "time_step_s": REAL,  # from one image of that place to the next: the median
}
"""One row a series. A column holds the sole value of its attribute; where there are several it is null and
the attribute stands in `varying`."""

LABELS: Schema = {
    "label_id": TEXT,
    **_KEYS,
    "bucket": pl.Int32(),
    "file_id": TEXT,
    "Modality": TEXT,  # SEG | RTSTRUCT | SR
    "StudyInstanceUID": TEXT,
    "SeriesInstanceUID": TEXT,
    "SOPInstanceUID": TEXT,
    "FrameOfReferenceUID": TEXT,
}
"""One row an object that carries labels."""

PIXEL_MEASURES: Schema = {
    "file_id": TEXT,
    "size": INT,
    "mtime_ns": INT,
    "measure_version": pl.Int32(),
    "bucket": pl.Int32(),
    "frame": INT,  # 1-based; 1 for single-frame files
    "frames_looked_at": INT,  # of this file, so that a sample is told from all
    "decodes": FLAG,
    "decode_error": TEXT,  # kind of failure, free of values
    "pixel_min": REAL,
    "pixel_max": REAL,
    "pixel_mean": REAL,
    "pixel_std": REAL,
    "pixel_sha256": TEXT,  # of the decoded samples
    "pixel_dtype": TEXT,  # of the decoded samples, such as uint16
    # What follows leaves out samples that Pixel Padding Value marks; docs/pixels.md defines each
    "grey_levels": INT,  # distinct values
    "commonest_share": REAL,  # share of the commonest value
    "share_at_min": REAL,
    "share_at_max": REAL,
    "clipped_share": REAL,  # share at the largest value where that is a plateau, else 0
    "outside_bits_share": REAL,  # samples with values in the bits that BitsStored leaves unused
    "negative_share": REAL,  # after the rescale
    "rescaled_min": REAL,  # after the rescale
    "neighbour_correlation": REAL,  # of pixels side by side: 0 = noise
    "byte_swap_gain": REAL,  # how many times smoother the image is with its bytes swapped
    "noise": REAL,  # standard deviation, in units of the rescaled values
    "snr": REAL,
    "cnr": REAL,
    "sharpness": REAL,
    "air_share": REAL,  # CT: share within 100 HU of air
    "air_peak_hu": REAL,  # CT
    "tissue_peak_hu": REAL,  # CT
    "signature": pl.Binary(),  # 32 x 32 grey levels of 8 bits, to compare slices
}
"""What decoding a frame of a file showed, a row a frame; keyed by file, size, mtime, measure version and frame."""

CHECKSUMS: Schema = {
    "file_id": TEXT,  # of a file outside all sources: identity.digest("file outside", its absolute path)
    "size": INT,
    "mtime_ns": INT,
    "sha256": TEXT,  # of the whole file
    "checked_at": WHEN,
}
"""Checksums of files, keyed by file, size and mtime; of each key the first row and the last that was made stay.

Where the two differ, the file changed though its size and mtime did not."""

PROVENANCE: Schema = {
    "output_file_id": TEXT,
    "output_sha256": TEXT,
    "source_file_id": TEXT,
    "source_sha256": TEXT,  # when the output was made
    "recipe": TEXT,  # name and version
    "stack_id": TEXT,  # of the source
}
"""Which files an output was made of: one row a pair of them."""

SOURCES: Schema = {
    "source_id": TEXT,
    "name": TEXT,
    "root": TEXT,
    "volume_id": TEXT,
    "site_from": TEXT,  # auto | name:<site> | path:<n> | tag:<keyword> | file:<csv>
    "state": TEXT,  # online | offline
    "n_files": INT,
    "registered_at": WHEN,
    "indexed_at": WHEN,
    "root_folders": INT,  # folders directly under the root: two or more stand for sites
    "kind": TEXT,  # folder | table; null = folder
    "columns": TEXTS,  # of a table: what it has something to say about; null = a folder, whose headers say all
    "mapping": TEXT,  # of a table: what its columns mean (JSON)
    "fingerprint": TEXT,  # of a table: hash of size, mtime and mapping when it was last read
    "made_by": TEXT,  # of a folder that dqkit wrote: the command and recipe; null = acquired images
    "resend": FLAG,  # its files take the place of older ones of their site; null = no
}

OUTCOMES: Schema = {
    "rule_id": TEXT,
    "variant": TEXT,
    "severity": TEXT,
    "site": TEXT,  # null = archive
    "evaluated": INT,
    "passed": INT,
    "failed": INT,
    "unknown": INT,
    "not_applicable": INT,
    "implied": INT,
    "waived": INT,
    "baseline": INT,
    "errors": INT,
    "allowed": INT,
    "verdict": TEXT,  # model.Verdict
    "unknown_missing": INT,
    "unknown_varying": INT,
    "unknown_not_looked_at": INT,
}

FINDINGS: Schema = {
    "finding_id": TEXT,
    "rule_id": TEXT,
    "variant": TEXT,
    "severity": TEXT,
    "level": TEXT,
    "site": TEXT,
    "patient_hash": TEXT,
    "StudyInstanceUID": TEXT,
    "SeriesInstanceUID": TEXT,
    "stack_id": TEXT,
    "SOPInstanceUID": TEXT,
    "label_id": TEXT,
    "paths": TEXTS,  # relative to the source
    "observed": TEXT,
    "expected": TEXT,
    "message_en": TEXT,
    "message_zh": TEXT,
    "remedy": TEXT,
    "origin": TEXT,  # model.Origin
    "waived_by": TEXT,
    "problem_id": TEXT,
    "n_paths": INT,  # `paths` holds at most 1000 of them
    "modality": TEXT,
    "scanner": TEXT,
    "protocol": TEXT,  # pseudonym of ProtocolName and SeriesDescription
    "location": TEXT,  # pseudonymous, for what leaves the house; of the first 50 of a problem
    "period": TEXT,  # YYYY-MM of the study
    "entity": TEXT,  # key of the entity at `level`
}

PROBLEMS: Schema = {
    "problem_id": TEXT,
    "rule_id": TEXT,
    "variant": TEXT,
    "severity": TEXT,
    "site": TEXT,
    "modality": TEXT,
    "scanner": TEXT,
    "protocol": TEXT,
    "findings": INT,
    "patients": INT,
    "studies": INT,
    "series": INT,
    "files": INT,
    "first_period": TEXT,
    "last_period": TEXT,
    "example": TEXT,  # a finding_id
    "observed": TEXT,  # of the example, or the commonest
    "remedy": TEXT,
    "origin": TEXT,
    "state": TEXT,  # model.ProblemState
    "state_since": WHEN,
}
"""Findings rolled up by rule x site x scanner x protocol: what a person acts on."""

PROBLEM_STATES: Schema = {
    "problem_id": TEXT,
    "row_id": TEXT,  # the row of a worklist that was answered; null = the problem as a whole
    "state": TEXT,  # model.ProblemState
    "at": WHEN,  # when this was recorded
    "answer": TEXT,  # as the hospital chose it; null where an audit or a steward says it
    "comment": TEXT,  # free text of a hospital or a steward: in-house
    "by": TEXT,  # who answered, as the reply says: in-house
    "answered_on": DATE,  # as the reply says
    "handback_id": TEXT,
    "moved_to": TEXT,  # problem_id under which its findings are now
    "run_id": TEXT,
    **dict.fromkeys(("rule_id", "variant", "severity", "site", "modality", "scanner", "protocol"), TEXT),
}
"""What became of problems, append-only: the last row of a problem without `row_id` is its state."""

HANDBACK_ROWS: Schema = {
    "handback_id": TEXT,
    "made_at": WHEN,
    "row_id": TEXT,  # pseudonym that stands in the worklist
    "problem_id": TEXT,
    "row_key": TEXT,  # what the row speaks of (audit.problem_states.row_key); null = the problem as a whole
    "site": TEXT,
    "series_key": TEXT,  # the series, or one of the study, patient or folder; null where there is none
    "run_id": TEXT,
}
"""The rows of every worklist that was handed back, append-only: what a reply's row ids mean."""

RUNS: Schema = {
    "run": INT,  # 0, 1, 2 …
    "run_id": TEXT,
    "command": TEXT,
    "who": TEXT,
    "started_at": WHEN,
    "ended_at": WHEN,
    "dqkit_version": TEXT,
    "rules": TEXT,  # digest of the rules and packs that ran
    "counts": TEXT,  # JSON
    "table_versions": TEXT,  # JSON: table -> Delta version
    "complete": FLAG,
    "previous_sha256": TEXT,
    "sha256": TEXT,  # over this row and previous_sha256
}
"""Append-only and hash-chained; the last row names the versions of every table that belong together."""

HARMONIZED: Schema = {
    "image_id": TEXT,  # of the stacks and the part of them that it was made of
    "kind": TEXT,  # image | label | table (of diffusion gradients)
    "status": TEXT,  # written | refused
    "reason": TEXT,  # of a refusal (docs/harmonize.md), free of values
    "detail": TEXT,
    "path": TEXT,  # relative to the folder of images
    "format": TEXT,
    "size": INT,  # bytes
    "sha256": TEXT,
    **_KEYS,
    "Modality": TEXT,
    "stack_ids": TEXTS,  # of four axes in the order of the volumes
    "recipe": TEXT,  # name and version
    "recipe_sha256": TEXT,
    "do": TEXTS,
    "mends": TEXTS,  # rules whose findings are mended
    "unit": TEXT,
    "background": REAL,
    "dtype": TEXT,
    "shape": INTS,  # columns, rows, slices (, volumes)
    "spacing_mm": REALS,
    "affine": REALS,  # 4x4, row-major: index (column, row, slice) to LPS, mm
    "first_slice": INT,  # of the image, from 0, volume after volume, that the file holds …
    "slice_nearest": INTS,  # … and for each slice of the file an index into source_file_ids: the largest share
    "slice_sources": pl.List(pl.List(pl.Int64())),  # all indices that gave to it …
    "slice_weights": pl.List(pl.List(pl.Float64())),  # … and their shares
    "source_file_ids": TEXTS,  # a source slice each …
    "source_sha256": TEXTS,
    "source_frames": INTS,  # … from 1
    "source_tiles": INTS,  # … of a mosaic, from 0; else null
    "steps": TEXT,  # JSON: name, parameters and the 4x4 after each
    "versions": TEXT,  # JSON: library -> version
    "warnings": TEXTS,
    "label_file_id": TEXT,  # of a label: the file it stood in …
    "label_name": TEXT,
    "label_before_mm3": REAL,  # … and its volume there and here
    "label_after_mm3": REAL,
    "task": TEXT,  # hash of everything the file depends on: a run that finds it again has nothing to do
}
"""The manifest of harmonized images: a row a file that was written, and a row a stack that was not."""
COHORT: Schema = {
    "level": TEXT,  # patient | study | series
    **_KEYS,
    "StudyInstanceUID": TEXT,
    "SeriesInstanceUID": TEXT,
    "Modality": TEXT,  # of a series
    "included": FLAG,
    "step": TEXT,  # the step of the policy that took it out; null where it is in
    "reasons": TEXTS,  # why it is out (or in, where a person decided that), in English …
    "reasons_zh": TEXTS,  # … and in Chinese, index-aligned
    "unknown": FLAG,  # out because an attribute that a condition asks for is missing or varies
    "owner": TEXT,  # of a person's decision
    "decided_on": DATE,
    "n_files": INT,  # of a series, as all that follow: what tells that it changed since
    "n_instances": INT,
    "size": INT,  # bytes
    "mtime_ns": INT,  # of its newest file
}
"""One row a patient, study and series of a catalog: chosen or not, and why. The file of `dqkit select`, in-house."""

COHORT_SERIES: Schema = {
    "cohort_sha256": TEXT,  # of the file
    "series_key": TEXT,
}
"""The series of every cohort that an audit was restricted to, so that it can be recalled without the file."""

TABLES: dict[str, Schema] = {
    "sources": SOURCES,
    "instances": INSTANCES,
    "stacks": STACKS,
    "series": SERIES,
    "labels": LABELS,
    "pixel_measures": PIXEL_MEASURES,
    "checksums": CHECKSUMS,
    "provenance": PROVENANCE,
    "outcomes": OUTCOMES,
    "findings": FINDINGS,
    "problem_states": PROBLEM_STATES,
    "handback_rows": HANDBACK_ROWS,
    "cohort_series": COHORT_SERIES,
    "runs": RUNS,
}

_MORE_OF_AN_INSTANCE: Schema = {
    "n_copies": INT,  # other files with this SOPInstanceUID
    "files_same": TEXTS,  # file_ids of those with its UID and bytes, its own too; null but for the first of a site
    "files_recoded": TEXTS,  # file_ids of all with this SOPInstanceUID, where encodings differ; null as above
    "files_different": TEXTS,  # file_ids of all with this SOPInstanceUID, where contents differ; null as above
    "is_image": FLAG,  # its SOP class stores images
    "is_dicom": FLAG,
    "decodes": FLAG,
    "decode_error": TEXT,
    "pixel_min": REAL,
    "pixel_max": REAL,
    "pixel_std": REAL,
    "grey_levels": INT,
    "outside_bits_share": REAL,
    "neighbour_correlation": REAL,
    "byte_swap_gain": REAL,
    "at_blank_end": FLAG,  # a blank slice before the first or after the last that shows something
}

_PIXELS_OF_A_STACK: Schema = {
    # Index-aligned with file_ids, or indices into it (0-based); null where not all slices were decoded
    "blank_slices": INTS,  # blank ones between others that are not
    "blank_end_slices": INTS,  # blank ones before the first and after the last that is not
    "identical_slices": INTS,  # with the pixels of a slice elsewhere in the stack
    "noise_slices": INTS,  # noise between slices that show something
    "mirrored_slices": INTS,  # turned over against the slices beside them
    "slice_clipped_shares": REALS,
    "slice_negative_shares": REALS,
    "undeclared_padding_share": REAL,  # CT: largest share of samples far below air that no attribute declares
    "air_peak_hu": REAL,  # CT: median of the slices
    "tissue_peak_hu": REAL,  # CT: median of the slices
    "shows_air": FLAG,
    "shows_tissue": FLAG,
    "grey_levels": INT,  # of the slice that has most
    "is_tiled": FLAG,  # several slices stand in one frame (mosaic, VFRAME): they are not compared; never null
}

_PIXELS_OF_A_SERIES: Schema = {
    "n_looked_at": INT,  # images of it that were decoded; null = none
    "snr": REAL,  # median of its images, and so the next
    "cnr": REAL,
    "sharpness": REAL,
    "alike_by": TEXT,  # hash of scanner, protocol, thickness and kernel: series of one key look alike
    "n_alike": INT,  # decoded series with this key
}

_COUNTS: Schema = {"n_files": INT, "n_instances": INT, "n_series": INT}

ACQUISITION: Schema = {
    "acquired_phase_mm": REAL,  # field of view / encoding steps, along the phase direction …
    "acquired_frequency_mm": REAL,  # … and along the frequency direction; never an interpolated PixelSpacing
    "fov_mm": REAL,  # longer side of the image
    "fov_short_mm": REAL,  # shorter side
    "slice_gap_mm": REAL,  # between the faces of neighbouring slices; negative where they overlap
    "n_slices": INT,  # of its largest volume, or its frames where it has none
    "temporal_resolution_s": REAL,
    "dynamic_duration_s": REAL,
    "uptake_minutes": REAL,  # from the injection of the tracer to the first image
    "tracer_start": TEXT,  # RadiopharmaceuticalStartDateTime or RadiopharmaceuticalStartTime
    "detector_rows": REAL,  # TotalCollimationWidth / SingleCollimationWidth
    "field_strength_t": REAL,  # MagneticFieldStrength; values in gauss are divided by 10 000
    "laterality": TEXT,  # R, L, B or U: ImageLaterality, else Laterality
    "contrast_agent": TEXT,  # ContrastBolusAgent, else its code; null where it says that there was none
    "kernel": TEXT,  # first value of ConvolutionKernel; some makers add an iteration level behind it
    "pixels_per_degree": REAL,  # Columns / HorizontalFieldOfView of a fundus photograph
}
"""Columns of a series that are worked out of how it was acquired (audit/acquisition_columns.py)."""

RECOGNISED: Schema = {
    "role": TEXT,  # what the series is for, a key of rules/vocabulary/roles.yaml; empty where nothing says so
    "role_by": TEXT,  # attributes | description, empty where not recognised
    "region": TEXT,  # what it shows, a key of rules/vocabulary/regions.yaml; empty where nothing says so
    "region_by": TEXT,  # attributes | description, empty where not recognised
}
"""Columns of a series that recognisers fill (audit/recognise.py); never null."""

CONSISTENCY: Schema = {
    "vendor": TEXT,  # Manufacturer in its preferred spelling; null where the vocabulary does not know it
    "scanner_key": TEXT,  # site, maker, model and serial number (or station) of what acquired the images
    "protocol_key": TEXT,  # Modality, ProtocolName and SeriesDescription, and whether images are derived
    "series_of_protocol": INT,  # series of this scanner and protocol; 0 where one of them is not known
    "device": TEXT,  # maker, model and serial number
    "station": TEXT,  # site, modality and StationName
    "software": TEXT,  # SoftwareVersions
    "software_before": TEXT,  # on the first series of a scanner with other software: what it had before
    "vendor_spellings": INT,  # in how many ways the archive spells this maker
    "vendors_of_model": INT,  # makers that the archive names for this model
    "stations_of_scanner": INT,  # distinct StationName
    "sites_of_device": INT,
    "devices_of_station": INT,
    "speaks_for_scanner": FLAG,  # of the series of a scanner, the one in whose name a finding about it stands …
    "speaks_for_device": FLAG,
    "speaks_for_station": FLAG,
    "speaks_for_model": FLAG,
    "described_modality": TEXT,  # what its descriptions name: CT, MR, "" = none or several …
    "described_plane": TEXT,  # AXIAL, SAGITTAL, CORONAL
    "described_side": TEXT,  # L, R
    "described_contrast": TEXT,  # with, without
    "described_region": TEXT,  # a key of rules/vocabulary/regions.yaml
    "body_part_region": TEXT,  # the same by BodyPartExamined alone
    "described_lying": TEXT,  # supine, prone
    "lying": TEXT,  # the same by PatientPosition; "" = on a side, or not known
    "plane": TEXT,  # of all its volumes; "" = none or several
    "age_error_years": REAL,  # between PatientAge and the time from birth to study
    "originals_in_study": INT,  # series of original images of its study and modality
}
"""Columns of a series by which it is compared with itself and with others (audit/consistency_columns.py)."""

FRAMES: dict[Level, Schema] = {
    Level.FILE: INSTANCES | {"is_dicom": FLAG},
    Level.INSTANCE: INSTANCES | _MORE_OF_AN_INSTANCE,
    Level.STACK: STACKS | {"n_duplicates": INT, "n_gaps": INT, "slice_step_spread": REAL, "is_volume": FLAG}
    | _PIXELS_OF_A_STACK
    | {"role": TEXT, "region": TEXT},  # of its series
    Level.SERIES: SERIES
    | _PIXELS_OF_A_SERIES
    | {
        "studies_with_this_series": INT,
        "sites_with_this_series": INT,
        "patients_with_this_series": INT,
        "n_volumes": INT,  # stacks that are not localizers
        "volume_sizes": INTS,  # slices of each of them
        "slice_step_mm": REAL,  # median of their slice steps
        "stack_verdicts": TEXTS,
        "is_image": FLAG,
        **ACQUISITION,
        **CONSISTENCY,
        **RECOGNISED,
    },
    Level.STUDY: {
        **_KEYS,
        "source_id": TEXT,  # of all its series; null where they come from several sources
        **_COUNTS,
        "StudyInstanceUID": TEXT,
        "modalities": TEXTS,
        "n_patients": INT,  # distinct PatientIDs, issuer considered
        "patients_without_id": INT,  # instances without PatientID
        "n_study_dates": INT,
        "n_accession_numbers": INT,
        "n_frames_of_reference": INT,
        "sites_with_this_study": INT,
        "patients_with_this_study": INT,
        "study_date": DATE,
        "n_ages": INT,
        "n_study_times": INT,
        "n_institutions": INT,
        "weight_spread_kg": REAL,  # between the heaviest and the lightest PatientWeight
        "days_of_images": INT,  # from its first to its last original images
        "n_images": INT,  # images and frames of series of images
        "only_localizers": FLAG,  # all its images are scout views
        "extra_scanners": INT,  # scanner models beyond one a modality
        "b_values": REALS,  # of all its series, ascending, each once; null where none has one
        "views": TEXTS,  # of all its series, each once; null where none has one
        "roles": TEXTS,  # of its series, each once; never null
        "regions": TEXTS,  # of its series, each once; never null
        "n_unrecognised": INT,  # CT, MR, PT, MG, radiograph and fundus series without a role
        "StudyDescription": TEXT,  # null where its series have several
    },
    Level.PATIENT: {
        **_KEYS,
        "source_id": TEXT,  # as above
        **_COUNTS,
        "PatientID": TEXT,
        "n_studies": INT,
        "n_birth_dates": INT,
        "n_sexes": INT,
        "n_names": INT,
        "sites_with_this_id": INT,
        "ids_of_this_person": INT,  # IDs of the site with this name and birth date; 1 where they name nobody
        "ids_alike": INT,  # IDs of the site that differ in case, leading zeros or punctuation alone
        "follow_up_fields": INT,  # most field strengths of MR, over several studies; null for a single study
        "follow_up_models": INT,  # most scanner models of one modality, over several studies
        "follow_up_thickness_mm": REAL,  # largest difference of slice thickness within a protocol, between studies
        "has_acquired_images": FLAG,  # CT, MR, PT, MG, CR or DX, not derived; never null
        "n_sharing_pixels": INT,  # other PatientIDs that have images with the very same pixels
    },
    Level.LABEL: LABELS,
    Level.SITE: {
        "site": TEXT, "source_id": TEXT, **_COUNTS, "n_patients": INT, "n_studies": INT, "n_not_dicom": INT,
        "n_unread": INT, "modalities": TEXTS,
        "ct_thickness_mm": REAL,  # median of its CT series …
        "ct_thickness_elsewhere_mm": REAL,  # … and of the other sites; null where there are not two of them
    },
    Level.ARCHIVE: {**_COUNTS, "n_sites": INT, "n_patients": INT, "n_studies": INT, "modalities": TEXTS},
}  # fmt: skip
"""Columns of the frame that rules of a level see (audit/frames.py makes them)."""


def empty(schema: Schema) -> pl.DataFrame:
    """Return a frame of no rows with the columns and types of `schema`."""
    return pl.DataFrame(schema=schema)


def conform(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return `frame` with exactly the columns of `schema`, in order: missing ones null, others dropped."""
    have = set(frame.columns)
    return frame.select(
        pl.col(name).cast(kind) if name in have else pl.lit(None, dtype=kind).alias(name)
        for name, kind in schema.items()
    )
