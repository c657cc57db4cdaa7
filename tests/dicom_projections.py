"""Generated images that are no slices: mammograms, radiographs, ultrasound and fundus photographs."""

from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    OphthalmicPhotography8BitImageStorage,
    UltrasoundImageStorage,
)

from tests import phantoms
from tests.dicom_exam import SOMEBODY, Exam, Kind, code, image_of, item, noise_of, put, put_pixels, series_template

_MG_VIEWS = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}

_MG: dict[str, Any] = {
    "ImageType": ["ORIGINAL", "PRIMARY"],
    "PresentationIntentType": "FOR PRESENTATION",
    "BodyPartExamined": "BREAST",
    "AnatomicRegionSequence": code("76752008", "SCT", "Breast"),
    "PositionerType": "MAMMOGRAPHIC",
    "OrganExposed": "BREAST",
    "BreastImplantPresent": "NO",
    "PartialView": "NO",
    "QualityControlImage": "NO",
    "AcquisitionContextSequence": [],
    "DetectorType": "DIRECT",
    "DetectorConfiguration": "AREA",
    "FieldOfViewShape": "RECTANGLE",
    "ImagerPixelSpacing": ["0.5", "0.5"],
    "PixelSpacing": ["0.5", "0.5"],
    "DistanceSourceToDetector": "700",
    "DistanceSourceToPatient": "675",
    "EstimatedRadiographicMagnificationFactor": "1.037",
    "BodyPartThickness": "54",
    "CompressionForce": "98",
    "KVP": "29",
    "ExposureTime": "980",
    "XRayTubeCurrent": "100",
    "Exposure": "98",
    "ExposureInuAs": "98000",
    "AnodeTargetMaterial": "TUNGSTEN",
    "FilterMaterial": "RHODIUM",
    "Grid": "RECIPROCATING",
    "PixelIntensityRelationship": "LOG",
    "PixelIntensityRelationshipSign": 1,
    "PresentationLUTShape": "IDENTITY",
    "RescaleIntercept": "0",
    "RescaleSlope": "1",
    "RescaleType": "US",
    "WindowCenter": "2048",
    "WindowWidth": "4096",
    "BurnedInAnnotation": "NO",
    "LossyImageCompression": "00",
}


def mg_study(exam: Exam = SOMEBODY, rows: int = 320, columns: int = 240, **attributes: Any) -> list[Dataset]:
    """Return the four standard views of a mammography, each a series of its own."""
    kind = Kind("MG", DigitalMammographyXRayImageStorageForPresentation, "hologic", "Mammo screening", _MG)
    images = []
    for number, (side, view) in enumerate([("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO")], start=1):
        image = image_of(series_template(exam, kind, number), 1)
        pixels = phantoms.breast(rows, columns, view, noise_of(image.SOPInstanceUID))
        value, meaning = _MG_VIEWS[view]
        put(image, {"SeriesDescription": f"{side} {view}", "ImageLaterality": side, "ViewPosition": view})
        image.ViewCodeSequence = code(value, "SCT", meaning)
        image.ViewCodeSequence[0].ViewModifierCodeSequence = []
        image.PositionerPrimaryAngle = "0" if view == "CC" else "45"
        right = side == "R"
        head = {"CC": "L" if right else "R", "MLO": "FL" if right else "FR"}[view]
        image.PatientOrientation = ["P" if right else "A", head]
        images.append(put(put_pixels(image, pixels[:, ::-1] if right else pixels, 12), attributes))
    return images


def cr_image(
    exam: Exam = SOMEBODY, number: int = 1, rows: int = 256, columns: int = 256, **attributes: Any
) -> list[Dataset]:
    """Return a chest radiograph, postero-anterior."""
    kind = Kind("CR", ComputedRadiographyImageStorage, "fuji", "Chest PA", {
        "ImageType": ["ORIGINAL", "PRIMARY"], "BodyPartExamined": "CHEST", "ViewPosition": "PA", "KVP": "117",
        "PatientOrientation": ["L", "F"], "ImagerPixelSpacing": ["1.4", "1.4"], "PixelSpacing": ["1.4", "1.4"],
        "ExposureTime": "8", "XRayTubeCurrent": "320", "Exposure": "3", "DistanceSourceToDetector": "1800",
        "PlateID": "C014", "RescaleIntercept": "0", "RescaleSlope": "1", "RescaleType": "US",
        "WindowCenter": "1600", "WindowWidth": "3200", "BurnedInAnnotation": "NO", "LossyImageCompression": "00",
    })  # fmt: skip
    image = image_of(series_template(exam, kind, number), 1)
    return [put(put_pixels(image, phantoms.radiograph(rows, columns, noise_of(image.SOPInstanceUID)), 12), attributes)]


def us_image(
    exam: Exam = SOMEBODY, number: int = 1, rows: int = 240, columns: int = 320, **attributes: Any
) -> list[Dataset]:
    """Return a B-mode ultrasound image with its calibrated region."""
    kind = Kind("US", UltrasoundImageStorage, "philips", "Abdomen liver", {
        "ImageType": ["ORIGINAL", "PRIMARY", "ABDOMINAL"], "PatientOrientation": "", "TransducerType": "SECTOR_PHASED",
        "BodyPartExamined": "LIVER",
        "BurnedInAnnotation": "NO", "LossyImageCompression": "00",
    })  # fmt: skip
    image = image_of(series_template(exam, kind, number), 1)
    image.SequenceOfUltrasoundRegions = [
        item(
            RegionSpatialFormat=1, RegionDataType=1, RegionFlags=2,
            RegionLocationMinX0=0, RegionLocationMinY0=0, RegionLocationMaxX1=columns - 1, RegionLocationMaxY1=rows - 1,
            PhysicalUnitsXDirection=3, PhysicalUnitsYDirection=3, PhysicalDeltaX=0.06, PhysicalDeltaY=0.06,
        )
    ]  # fmt: skip
    return [put(put_pixels(image, phantoms.ultrasound(rows, columns, noise_of(image.SOPInstanceUID)), 8), attributes)]


def fundus_image(
    exam: Exam = SOMEBODY, number: int = 1, rows: int = 256, columns: int = 256, side: str = "R", **attributes: Any
) -> list[Dataset]:
    """Return a colour fundus photograph, macula centred."""
    kind = Kind("OP", OphthalmicPhotography8BitImageStorage, "topcon", "Fundus 45", {
        "ImageType": ["ORIGINAL", "PRIMARY", "", "COLOR"], "PatientOrientation": ["L", "F"], "ImageLaterality": side,
        "AnatomicRegionSequence": code("5665001", "SCT", "Retina"), "AcquisitionContextSequence": [],
        "AcquisitionDeviceTypeCodeSequence": code("409898007", "SCT", "Fundus Camera"),
        "IlluminationTypeCodeSequence": [], "LightPathFilterTypeStackCodeSequence": [],
        "ImagePathFilterTypeStackCodeSequence": [], "LensesCodeSequence": [], "DetectorType": "CCD",
        "PatientEyeMovementCommanded": "NO", "RefractiveStateSequence": [], "EmmetropicMagnification": 1.0,
        "HorizontalFieldOfView": 45.0, "PupilDilated": "NO",
        "BurnedInAnnotation": "NO", "LossyImageCompression": "00", "NumberOfFrames": 1, "FrameTime": "0",
        "FrameIncrementPointer": 0x00181063, "SynchronizationTrigger": "NO TRIGGER", "AcquisitionTimeSynchronized": "N",
    })  # fmt: skip
    image = image_of(series_template(exam, kind, number), 1)
    image.AcquisitionDateTime = exam.date + exam.time
    image.IntraOcularPressure = None  # type 2: present without a value
    image.SynchronizationFrameOfReferenceUID = exam.uid("clock")
    return [put(put_pixels(image, phantoms.fundus_rgb(rows, columns, noise_of(image.SOPInstanceUID)), 8), attributes)]
