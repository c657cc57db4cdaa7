"""Which attributes a steward asks for first, by modality, and how a profile bands numbers."""

from collections.abc import Mapping

_OF_EVERY_IMAGE = (
    "StudyDate", "PatientSex", "PatientAge", "PatientBirthDate", "Manufacturer", "ManufacturerModelName",
    "SoftwareVersions", "BodyPartExamined", "ProtocolName", "SeriesDescription",
)  # fmt: skip

_OF_SLICES = ("SliceThickness", "PixelSpacing", "PatientPosition", "FrameOfReferenceUID")

_OWN: Mapping[str, tuple[str, ...]] = {
    "CT": (
        *_OF_SLICES, "KVP", "ConvolutionKernel", "ReconstructionDiameter", "RescaleSlope", "RescaleIntercept",
    ),
    "MR": (
        *_OF_SLICES, "MagneticFieldStrength", "RepetitionTime", "EchoTime", "FlipAngle", "ScanningSequence",
        "SequenceVariant", "MRAcquisitionType", "PixelBandwidth", "AcquisitionMatrix", "InPlanePhaseEncodingDirection",
        "SpacingBetweenSlices",
    ),
    "PT": (
        *_OF_SLICES, "Units", "DecayCorrection", "AttenuationCorrectionMethod", "CorrectedImage", "PatientWeight",
        "RadionuclideTotalDose", "RadionuclideHalfLife", "RadiopharmaceuticalStartTime",
    ),
    "MG": (
        "ViewPosition", "ImageLaterality", "PresentationIntentType", "KVP", "BodyPartThickness", "CompressionForce",
        "ImagerPixelSpacing", "PatientOrientation",
    ),
    "DX": ("ViewPosition", "ImageLaterality", "PresentationIntentType", "KVP", "ImagerPixelSpacing"),
    "CR": ("ViewPosition", "KVP", "ImagerPixelSpacing"),
    "US": ("PhysicalDeltaX", "PhysicalDeltaY", "PhysicalUnitsXDirection"),
    "OP": ("ImageLaterality", "HorizontalFieldOfView", "PupilDilated"),
    "XA": ("KVP", "ImagerPixelSpacing"),
    "NM": ("PatientPosition", "PixelSpacing"),
}  # fmt: skip

MATTERING: Mapping[str, tuple[str, ...]] = {modality: (*own, *_OF_EVERY_IMAGE) for modality, own in _OWN.items()}
"""Modality -> attributes of PS3.3's modules for it (A.3, A.4, A.21, A.26 …) by which archives are searched and judged.

House style: PS3.3 asks for fewer (many are type 2 or 3), and none of them is a rule; rules/ has those."""

BANDS: Mapping[str, tuple[float, ...]] = {"SliceThickness": (0, 1, 2, 3, 5, 7.5)}
"""Attribute -> lower ends of its bands, each open below and closed above ((1, 2] mm). House style."""

AGE_BAND, OLDEST = 10, 90
"""Years a band of ages spans; from `OLDEST` on there is one band, as 45 CFR 164.514(b)(2)(i)(C) has it."""
