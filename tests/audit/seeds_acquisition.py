"""Defects of acquisition attributes, each in a sound series or examination."""

from collections.abc import Callable
from typing import Any

from pydicom.dataset import Dataset

from tests import dicom_defects as defects
from tests.audit.seeding import Seed, Seeded, case, ct, made, mr, pt
from tests.dicom_factory import Exam, cr_image, fundus_image, mg_study, us_image

Series = list[Dataset]


def lost(*keywords: str) -> Callable[[Series], Series]:
    """Remove attributes from every image."""

    def change(series: Series) -> Series:
        for keyword in keywords:
            series = defects.remove(series, keyword)
        return series

    return change


def given(keyword: str, value: Any) -> Callable[[Series], Series]:
    """Set an attribute of every image."""
    return lambda series: defects.vary(series, keyword, value)


def inside(sequence: str, keyword: str, value: Any) -> Callable[[Series], Series]:
    """Set an attribute of the first item of a sequence, on every image."""

    def change(series: Series) -> Series:
        for image in series:
            setattr(image[sequence].value[0], keyword, value)
        return series

    return change


def mammogram(change: Callable[[Series], Series]) -> Seed:
    """Write a mammography with a change of one of its four images."""

    def make(exam: Exam) -> Series:
        images = mg_study(exam, 80, 60)
        return [*images[:1], *change(images[1:2]), *images[2:]]

    return made(make)


def radiograph(change: Callable[[Series], Series]) -> Seed:
    return made(lambda exam: change(cr_image(exam, rows=64, columns=64)))


def ultrasound(change: Callable[[Series], Series]) -> Seed:
    return made(lambda exam: change(us_image(exam, rows=60, columns=80)))


def fundus(change: Callable[[Series], Series]) -> Seed:
    return made(lambda exam: change(fundus_image(exam, rows=64, columns=64)))


TRACER = "RadiopharmaceuticalInformationSequence"

ACQUISITION: list[Seeded] = [
    case("no-voltage", ct(lost("KVP")), "ACQ-001"),
    case("no-voltage-on-one", ct(lambda s: defects.remove(s, "KVP", 3)), "ACQ-001"),
    case("voltage-in-volts", ct(given("KVP", "120000")), "ACQ-002"),
    case("no-kernel", ct(lost("ConvolutionKernel")), "ACQ-003"),
    case("no-dose", ct(lost("CTDIvol"))),
    case("no-exposure", ct(lost("XRayTubeCurrent", "Exposure"))),
    case("dose-in-microgray", ct(given("CTDIvol", 6200.0)), "ACQ-006"),
    case("pitch-in-percent", ct(given("SpiralPitchFactor", 98.4))),
    case("current-in-microampere", ct(given("XRayTubeCurrent", "240000")), "ACQ-008"),
    case("no-echo-time", mr(lost("EchoTime")), "ACQ-010"),
    case("no-times", mr(lost("EchoTime", "RepetitionTime")), "ACQ-010"),
    case("no-flip-angle", mr(lost("FlipAngle"), contrast="GRE")),
    case("no-inversion-time", mr(lost("InversionTime"), contrast="FLAIR"), "ACQ-012"),
    case("no-field-strength", mr(lost("MagneticFieldStrength")), "ACQ-013"),
    case("field-in-gauss", mr(given("MagneticFieldStrength", "30000")), "ACQ-014"),
    case("repetition-in-seconds", mr(given("RepetitionTime", "5")), "ACQ-015"),
    case("no-repetition", mr(given("RepetitionTime", "0")), "ACQ-016"),
    case("echo-in-seconds", mr(given("EchoTime", "0.095")), "ACQ-017"),
    case("inversion-in-seconds", mr(given("InversionTime", "2.5"), contrast="FLAIR"), "ACQ-018"),
    case("no-flip", mr(given("FlipAngle", "0")), "ACQ-019"),
    case("bandwidth-of-all", mr(given("PixelBandwidth", "62500"))),
    case("no-b-value", mr(lost("DiffusionBValue"), contrast="DWI", b_values=(1000,)), "ACQ-021"),
    case("diffusion-in-name-alone", mr(contrast="DWI"), "ACQ-029"),
    case("flagged-b-value", mr(given("DiffusionBValue", 1000001000.0), contrast="DWI", b_values=(1000,)), "ACQ-022"),
    case("own-sequence-term", mr(given("ScanningSequence", "FLASH")), "ACQ-023"),
    case("own-acquisition-term", mr(given("MRAcquisitionType", "VOLUME")), "ACQ-024"),
    case("no-acquisition-type", mr(lost("MRAcquisitionType"))),
    case("no-phase-direction", mr(lost("InPlanePhaseEncodingDirection"), contrast="BOLD")),
    case("another-field", mr(given("MagneticFieldStrength", "1.5")), "ACQ-027"),
    case("no-acquisition-matrix", mr(lost("AcquisitionMatrix"))),
    case("no-mammographic-view", mammogram(lost("ViewPosition", "ViewCodeSequence")), "ACQ-040"),
    case("own-mammographic-view", mammogram(given("ViewPosition", "OBLIQUE")), "ACQ-041"),
    case("flat-breast", mammogram(given("BodyPartThickness", "0")), "ACQ-042"),
    case("force-in-grams", mammogram(given("CompressionForce", "9800"))),
    case("chest-voltage", mammogram(given("KVP", "117")), "ACQ-044"),
    case("no-compression", mammogram(lost("BodyPartThickness", "CompressionForce"))),
    case("side-in-words", mammogram(given("ImageLaterality", "RIGHT")), "ACQ-047"),
    case("no-view", radiograph(lost("ViewPosition")), "ACQ-050"),
    case("no-body-part", radiograph(lost("BodyPartExamined")), "ACQ-051"),
    case("overexposed", radiograph(given("DeviationIndex", "5.2"))),
    case("distance-in-centimetres", radiograph(given("DistanceSourceToDetector", "180"))),
    case("no-weight", pt(lost("PatientWeight")), "ACQ-060"),
    case("no-tracer", pt(lost(TRACER)), "ACQ-060"),
    case("weight-zero", pt(given("PatientWeight", "0")), "ACQ-061"),
    case("dose-in-megabecquerels", pt(inside(TRACER, "RadionuclideTotalDose", "310")), "ACQ-062"),
    case("half-life-in-hours", pt(inside(TRACER, "RadionuclideHalfLife", "1.8295")), "ACQ-063"),
    case("injected-later", pt(inside(TRACER, "RadiopharmaceuticalStartTime", "113000")), "ACQ-064"),
    case("not-attenuation-corrected", pt(given("CorrectedImage", ["NORM", "DECY"]))),
    case("scatter-left-in", pt(given("CorrectedImage", ["NORM", "ATTN", "DECY"])), "ACQ-066"),
    case("counts", pt(given("Units", "CNTS"))),
    case("no-scale", ultrasound(lost("SequenceOfUltrasoundRegions"))),
    case("scale-zero", ultrasound(inside("SequenceOfUltrasoundRegions", "PhysicalDeltaX", 0.0)), "ACQ-071"),
    case("no-eye", fundus(lost("ImageLaterality")), "ACQ-080"),
    case("no-field-of-view", fundus(lost("HorizontalFieldOfView"))),
    case("field-of-view-zero", fundus(given("HorizontalFieldOfView", 0.0)), "ACQ-082"),
    case("no-patient-position", ct(lost("PatientPosition"))),
    case("no-scanner", ct(lost("Manufacturer", "ManufacturerModelName")), "ACQ-091"),
]
"""Those that expect nothing are of rules at info."""
