"""Valid DICOM images as a good scanner writes them, made with pydicom alone.

Every builder returns a list of datasets of one series (or one study, for mammography) that ``dciodvfy`` finds no
error in. UIDs depend on names alone. Single defects are in tests/dicom_defects.py.
"""

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
)

from tests import phantoms
from tests.dicom_exam import (
    SOMEBODY,
    Exam,
    Grid,
    Kind,
    Scanner,
    code,
    decimal,
    image_of,
    item,
    noise_of,
    numbers,
    put,
    put_pixels,
    put_plane,
    series_template,
    uid,
    write,
)
from tests.dicom_projections import cr_image, fundus_image, mg_study, us_image

__all__ = [
    "SOMEBODY", "Exam", "Grid", "Scanner", "cr_image", "ct_localizer", "ct_series", "enhanced_ct", "fundus_image",
    "mg_study", "mr_series", "pt_series", "uid", "us_image", "write",
]  # fmt: skip

CUBE = Grid()
HEAD = Grid(spacing_mm=(3.75, 3.75))
WHOLE_BODY = Grid(spacing_mm=(4.07, 4.07))

_CT_KERNELS = {"ge": "STANDARD", "siemens": "B31f", "philips": "B", "uih": "B_SOFT_B"}

_CT: dict[str, Any] = {
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "BodyPartExamined": "CHEST",
    "PatientPosition": "HFS",
    "PositionReferenceIndicator": "",
    "AcquisitionNumber": 1,
    "KVP": "120",
    "DataCollectionDiameter": "500",
    "DistanceSourceToDetector": "1085.6",
    "DistanceSourceToPatient": "595",
    "TableHeight": "152",
    "RotationDirection": "CW",
    "ExposureTime": "500",
    "XRayTubeCurrent": "240",
    "Exposure": "120",
    "FilterType": "BODY FILTER",
    "FocalSpots": "1.2",
    "SpiralPitchFactor": 0.984,
    "CTDIvol": 6.2,
    "CTDIPhantomTypeCodeSequence": code("113691", "DCM", "IEC Body Dosimetry Phantom"),
    "ScanOptions": "HELICAL MODE",
    "WindowCenter": "40",
    "WindowWidth": "400",
    "RescaleSlope": "1",
    "RescaleType": "HU",
    "BurnedInAnnotation": "NO",
    "LossyImageCompression": "00",
}


def ct_series(exam: Exam = SOMEBODY, grid: Grid = CUBE, number: int = 2, **attributes: Any) -> list[Dataset]:
    """Return an axial CT of a chest phantom; `attributes` are set on every image."""
    vendor = exam.vendor or "ge"
    shared = series_template(exam, Kind("CT", CTImageStorage, "ge", "Chest routine", _CT), number)
    shared.FrameOfReferenceUID = exam.uid("CT", "frame")
    shared.ConvolutionKernel = _CT_KERNELS[vendor]
    shared.GantryDetectorTilt = decimal(grid.tilt_deg)
    shared.ReconstructionDiameter = decimal(grid.columns * grid.spacing_mm[1])
    signed = vendor in ("ge", "uih")
    shared.RescaleIntercept = "0" if signed else "-1024"
    images = []
    for i in range(grid.n):
        image = put_plane(image_of(shared, i + 1), grid, i)
        hu = phantoms.chest_hu(grid.points(i), noise_of(image.SOPInstanceUID))
        put_pixels(image, hu - float(shared.RescaleIntercept), 16 if signed else 12, signed=signed)
        images.append(put(image, attributes))
    return images


def ct_localizer(exam: Exam = SOMEBODY, number: int = 1, **attributes: Any) -> Dataset:
    """Return the scout of a CT examination: one coronal projection."""
    grid = Grid(n=1, rows=96, columns=96, spacing_mm=(4.0, 4.0), step_mm=1.0, plane="coronal")
    image = ct_series(exam, grid, number)[0]
    pixels = phantoms.radiograph(96, 96, noise_of(image.SOPInstanceUID)) / 2 - 1000
    put(
        image,
        {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "SeriesDescription": "Scout", "ScanOptions": "SCOUT MODE"},
    )
    put_pixels(image, pixels - float(image.RescaleIntercept), image.BitsStored, signed=bool(image.PixelRepresentation))
    return put(image, {"SpiralPitchFactor": None, "RescaleType": "US", **attributes})


_MR: dict[str, Any] = {
    "BodyPartExamined": "BRAIN",
    "PatientPosition": "HFS",
    "PositionReferenceIndicator": "",
    "AcquisitionNumber": 1,
    "ScanOptions": "",
    "NumberOfAverages": "1",
    "ImagingFrequency": "123.259",
    "ImagedNucleus": "1H",
    "MagneticFieldStrength": "3",
    "PercentSampling": "100",
    "PercentPhaseFieldOfView": "100",
    "PixelBandwidth": "219",
    "InPlanePhaseEncodingDirection": "COL",
    "SAR": "0.4",
    "WindowCenter": "450",
    "WindowWidth": "900",
    "BurnedInAnnotation": "NO",
    "LossyImageCompression": "00",
}

_CONTRASTS: dict[str, dict[str, Any]] = {
    "T1": {"ScanningSequence": "GR", "SequenceVariant": ["SP", "MP"], "MRAcquisitionType": "3D", "FlipAngle": "9",
           "RepetitionTime": "2300", "EchoTime": "2.98", "InversionTime": "900", "EchoTrainLength": 1},
    "T2": {"ScanningSequence": "SE", "SequenceVariant": "SK", "MRAcquisitionType": "2D", "FlipAngle": "150",
           "RepetitionTime": "5000", "EchoTime": "95", "EchoTrainLength": 15},
    "FLAIR": {"ScanningSequence": ["SE", "IR"], "SequenceVariant": "SK", "MRAcquisitionType": "2D", "FlipAngle": "150",
              "RepetitionTime": "9000", "EchoTime": "94", "InversionTime": "2500", "EchoTrainLength": 16},
    "DWI": {"ScanningSequence": "EP", "SequenceVariant": "SK", "MRAcquisitionType": "2D", "FlipAngle": "90",
            "RepetitionTime": "6600", "EchoTime": "84", "EchoTrainLength": 64},
    "BOLD": {"ScanningSequence": ["EP", "GR"], "SequenceVariant": "SK", "MRAcquisitionType": "2D", "FlipAngle": "77",
             "RepetitionTime": "2000", "EchoTime": "30", "EchoTrainLength": 64},
    "GRE": {"ScanningSequence": "GR", "SequenceVariant": "SP", "MRAcquisitionType": "2D", "FlipAngle": "60",
            "RepetitionTime": "620", "EchoTime": "4.9", "EchoTrainLength": 1},
}  # fmt: skip


def mr_series(
    exam: Exam = SOMEBODY,
    grid: Grid = HEAD,
    number: int = 3,
    contrast: str = "T2",
    echoes_ms: tuple[float, ...] = (),
    b_values: tuple[float, ...] = (),
    time_points: int = 1,
    **attributes: Any,
) -> list[Dataset]:
    """Return an MR of a head phantom, one volume for each echo, b-value (s/mm2) and time point."""
    image_type = ["ORIGINAL", "PRIMARY", "DIFFUSION" if b_values else "M", "NONE"]
    settings = {**_MR, **_CONTRASTS[contrast], "ImageType": image_type}
    shared = series_template(exam, Kind("MR", MRImageStorage, "siemens", f"Brain {contrast}", settings), number)
    shared.FrameOfReferenceUID = exam.uid("MR", "frame")
    shared.SpacingBetweenSlices = decimal(grid.step_mm)
    shared.AcquisitionMatrix = [0, grid.columns, grid.rows, 0]
    if time_points > 1:
        shared.NumberOfTemporalPositions = time_points
    images: list[Dataset] = []
    for volume, decay in _volumes(exam, echoes_ms or (0.0,), b_values or (0.0,), time_points):
        tells_apart = {
            k: v for k, v in volume.items() if (k != "EchoTime" or echoes_ms) and (k != "DiffusionBValue" or b_values)
        }
        for i in range(grid.n):
            image = put_plane(image_of(shared, len(images) + 1), grid, i)
            signal = phantoms.head_signal(grid.points(i), noise_of(image.SOPInstanceUID), decay)
            images.append(put(put_pixels(put(image, tells_apart), signal, 12), attributes))
    return images


def _volumes(
    exam: Exam, echoes_ms: tuple[float, ...], b_values: tuple[float, ...], time_points: int
) -> Iterator[tuple[dict[str, Any], float]]:
    """Yield what tells each volume from the others, and how dim tissue is in it."""
    for t, (e, echo), b in product(range(time_points), enumerate(echoes_ms), b_values):
        volume: dict[str, Any] = {"EchoNumbers": e + 1, "EchoTime": decimal(echo), "DiffusionBValue": float(b)}
        if time_points > 1:
            clock = f"{int(exam.time) + 2 * t:06d}"
            volume |= {"TemporalPositionIdentifier": t + 1, "AcquisitionNumber": t + 1, "AcquisitionTime": clock}
        yield volume, math.exp(-echo / 60 - b * 0.0009)


_PT: dict[str, Any] = {
    "ImageType": ["ORIGINAL", "PRIMARY"],
    "BodyPartExamined": "CHEST",
    "PatientOrientationCodeSequence": code("102538003", "SCT", "recumbent"),
    "PatientGantryRelationshipCodeSequence": code("102540001", "SCT", "headfirst"),
    "PositionReferenceIndicator": "",
    "Units": "BQML",
    "CountsSource": "EMISSION",
    "SeriesType": ["STATIC", "IMAGE"],
    "CorrectedImage": ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"],
    "DecayCorrection": "START",
    "AttenuationCorrectionMethod": "CT derived mu-map",
    "RandomsCorrectionMethod": "DLYD",
    "ScatterCorrectionMethod": "Model-based",
    "ReconstructionMethod": "OSEM 3i21s",
    "CollimatorType": "NONE",
    "DecayFactor": "1.15",
    "DoseCalibrationFactor": "1",
    "ScatterFractionFactor": "0.3",
    "FrameReferenceTime": "60000",
    "ActualFrameDuration": "120000",
    "RescaleIntercept": "0",
    "BurnedInAnnotation": "NO",
    "LossyImageCompression": "00",
}


def pt_series(exam: Exam = SOMEBODY, grid: Grid = WHOLE_BODY, number: int = 4, **attributes: Any) -> list[Dataset]:
    """Return a static PET with FDG, in Bq/ml."""
    shared = series_template(exam, Kind("PT", PositronEmissionTomographyImageStorage, "siemens", "PET WB", _PT), number)
    shared.FrameOfReferenceUID = exam.uid("PT", "frame")
    shared.NumberOfSlices = grid.n
    shared.RadiopharmaceuticalInformationSequence = [
        item(
            RadionuclideCodeSequence=code("77004003", "SCT", "^18^Fluorine"),
            Radiopharmaceutical="Fluorodeoxyglucose",
            RadiopharmaceuticalCodeSequence=code("35321007", "SCT", "Fluorodeoxyglucose F^18^"),
            RadiopharmaceuticalStartTime=f"{int(exam.time) - 10000:06d}",
            RadionuclideTotalDose="310000000",
            RadionuclideHalfLife="6586.2",
            RadionuclidePositronFraction="0.967",
        )
    ]
    images = []
    for i in range(grid.n):
        image = put_plane(image_of(shared, i + 1), grid, i)
        image.ImageIndex = i + 1
        image.RescaleSlope = "0.75"
        image.WindowCenter, image.WindowWidth = "10000", "20000"
        activity = phantoms.uptake_bq(grid.points(i), noise_of(image.SOPInstanceUID))
        images.append(put(put_pixels(image, activity / 0.75, 16, signed=True), attributes))
    return images


def enhanced_ct(exam: Exam = SOMEBODY, grid: Grid = CUBE, number: int = 5, **attributes: Any) -> list[Dataset]:
    """Return an enhanced multi-frame CT: one instance whose frames are the slices of `grid`."""
    kind = Kind("CT", EnhancedCTImageStorage, "siemens", "Chest enhanced", {
        "ImageType": ["DERIVED", "PRIMARY", "VOLUME", "NONE"], "PatientPosition": "HFS", "BodyPartExamined": "CHEST",
        "PositionReferenceIndicator": "", "PixelPresentation": "MONOCHROME", "VolumetricProperties": "VOLUME",
        "VolumeBasedCalculationTechnique": "NONE", "AcquisitionContextSequence": [], "BurnedInAnnotation": "NO",
        "LossyImageCompression": "00", "PresentationLUTShape": "IDENTITY", "ContentQualification": "PRODUCT",
        "MultienergyCTAcquisition": "NO",
    })  # fmt: skip
    image = image_of(series_template(exam, kind, number), 1)
    image.FrameOfReferenceUID = exam.uid("CT", "frame")
    put(image, {"AcquisitionDateTime": exam.date + exam.time, "AcquisitionDate": None, "AcquisitionTime": None})
    image.DimensionOrganizationSequence = [item(DimensionOrganizationUID=exam.uid("dimensions", number))]
    image.DimensionIndexSequence = [
        item(
            DimensionOrganizationUID=exam.uid("dimensions", number),
            DimensionIndexPointer=pointer,
            FunctionalGroupPointer=0x00209111,
        )
        for pointer in (0x00209056, 0x00209057)
    ]
    image.SharedFunctionalGroupsSequence = [_shared_groups(exam, grid)]
    image.PerFrameFunctionalGroupsSequence = [_frame_groups(exam, grid, i) for i in range(grid.n)]
    noise = noise_of(image.SOPInstanceUID)
    frames = np.stack([phantoms.chest_hu(grid.points(i), noise) for i in range(grid.n)]) + 1024
    put_pixels(image, frames[0], 12)
    image.NumberOfFrames = grid.n
    image.PixelData = np.clip(np.rint(frames), 0, 4095).astype("<u2").tobytes()
    return [put(image, attributes)]


def _shared_groups(exam: Exam, grid: Grid) -> Dataset:
    row, column = grid.axes
    return item(
        PixelMeasuresSequence=[item(PixelSpacing=numbers(grid.spacing_mm), SliceThickness=decimal(grid.thickness))],
        PlaneOrientationSequence=[item(ImageOrientationPatient=numbers([*row, *column]))],
        CTImageFrameTypeSequence=[item(
            FrameType=["DERIVED", "PRIMARY", "VOLUME", "NONE"], PixelPresentation="MONOCHROME",
            VolumetricProperties="VOLUME", VolumeBasedCalculationTechnique="NONE")],
        PixelValueTransformationSequence=[item(RescaleIntercept="-1024", RescaleSlope="1", RescaleType="HU")],
        IrradiationEventIdentificationSequence=[item(IrradiationEventUID=exam.uid("irradiation"))],
        FrameVOILUTSequence=[item(WindowCenter="40", WindowWidth="400")],
        FrameAnatomySequence=[item(FrameLaterality="U", AnatomicRegionSequence=code("51185008", "SCT", "Chest"))],
    )  # fmt: skip


def _frame_groups(exam: Exam, grid: Grid, i: int) -> Dataset:
    when = exam.date + exam.time
    return item(
        FrameContentSequence=[item(
            FrameAcquisitionNumber=1, FrameReferenceDateTime=when, FrameAcquisitionDateTime=when,
            FrameAcquisitionDuration=500.0, StackID="1", InStackPositionNumber=i + 1, DimensionIndexValues=[1, i + 1])],
        PlanePositionSequence=[item(ImagePositionPatient=numbers(grid.origin(i)))],
    )  # fmt: skip
