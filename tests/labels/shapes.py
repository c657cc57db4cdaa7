"""Label objects that mark a shape whose size and place are known, on any grid: contours and frames by formula."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from dqkit.labels.planes import Planes
from dqkit.labels.stack import Stack
from tests.dicom_exam import (
    SOMEBODY,
    Grid,
    Kind,
    image_of,
    item,
    put,
    put_pixels,
    put_plane,
    series_template,
    uid,
    write,
)

Points = np.ndarray
CT = Kind("CT", CTImageStorage, "ge", "Chest", {
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "KVP": "120", "AcquisitionNumber": 1, "RescaleSlope": "1",
    "RescaleIntercept": "0", "RescaleType": "HU", "PositionReferenceIndicator": "", "PatientPosition": "HFS",
})  # fmt: skip
FINE = Grid(n=44, rows=72, columns=80, spacing_mm=(1.1, 1.0), step_mm=1.5)


@dataclass(frozen=True)
class Ellipsoid:
    """Axes are columns of `axes` (3, 3), orthonormal; the centre is where grids have theirs."""

    radii_mm: tuple[float, float, float] = (20.0, 20.0, 20.0)
    axes: Any = None
    centre_mm: tuple[float, float, float] = (1.3, -2.1, 0.7)

    @property
    def volume_mm3(self) -> float:
        return 4 / 3 * np.pi * float(np.prod(self.radii_mm))

    @property
    def shape(self) -> Points:
        """The matrix whose quadratic form is 1 on the surface."""
        axes = np.eye(3) if self.axes is None else self.axes
        return np.asarray(axes @ np.diag(1 / np.square(self.radii_mm)) @ axes.T)

    def holds(self, points_mm: Points) -> Points:
        off = points_mm - np.array(self.centre_mm)
        return np.asarray(np.einsum("...i,ij,...j->...", off, self.shape, off) <= 1)

    def section(self, origin: Points, row: Points, column: Points, corners: int = 180) -> Points | None:
        """Return the ellipse that a plane cuts out, shape (corners, 3); None where it misses."""
        plane, off = np.stack([row, column], axis=1), origin - np.array(self.centre_mm)
        a, b = plane.T @ self.shape @ plane, plane.T @ self.shape @ off
        middle = -np.linalg.solve(a, b)
        left = 1 - (off @ self.shape @ off - middle @ a @ middle)
        if left <= 1e-9:
            return None
        angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
        circle = np.stack([np.cos(angles), np.sin(angles)])
        return origin + (plane @ (middle[:, None] + np.linalg.solve(np.linalg.cholesky(a).T, circle) * np.sqrt(left))).T


SPHERE = Ellipsoid()


def images(grid: Grid = FINE, **attributes: Any) -> list[Dataset]:
    """A CT whose pixels say nothing: what matters is where they stand."""
    shared = series_template(SOMEBODY, CT, 2)
    shared.FrameOfReferenceUID = SOMEBODY.uid("CT", "frame")
    made = [put_plane(image_of(shared, i + 1), grid, i) for i in range(grid.n)]
    return [put(put_pixels(image, np.zeros((grid.rows, grid.columns)), 16, signed=True), attributes) for image in made]


def planes_of(grid: Grid) -> Planes:
    row, column = grid.axes
    origins = np.array([grid.origin(i) for i in range(grid.n)])
    return Planes.of(origins, [*row, *column], grid.spacing_mm, (grid.rows, grid.columns))[0]


def stack_of(series: Sequence[Dataset]) -> Stack:
    origins = np.array([image.ImagePositionPatient for image in series], dtype=float)
    first = series[0]
    planes, order = Planes.of(origins, first.ImageOrientationPatient, first.PixelSpacing, (first.Rows, first.Columns))
    return Stack(planes, tuple(series[i].SOPInstanceUID for i in order), first.FrameOfReferenceUID)


def centres(planes: Planes) -> Points:
    """Places of all voxels, (slices, rows, columns, 3)."""
    k, r, c = np.meshgrid(np.arange(planes.count), *(np.arange(n) for n in planes.shape), indexing="ij")
    return planes.points_mm(k, r.astype(float), c.astype(float))


def reference(image: Dataset, frame: int | None = None) -> Dataset:
    made = item(ReferencedSOPClassUID=image.SOPClassUID, ReferencedSOPInstanceUID=image.SOPInstanceUID)
    return made if frame is None else put(made, {"ReferencedFrameNumber": frame})


def contours_of(series: Sequence[Dataset], shape: Ellipsoid) -> list[tuple[Dataset, Points]]:
    """Return the section of `shape` by each image that it meets, with the image."""
    found = []
    for image in series:
        cosines = np.array(image.ImageOrientationPatient, dtype=float)
        points = shape.section(np.array(image.ImagePositionPatient, dtype=float), cosines[:3], cosines[3:])
        if points is not None:
            found.append((image, points))
    return found


def contour(points: Points, image: Dataset | None = None, kind: str = "CLOSED_PLANAR") -> Dataset:
    made = item(ContourGeometricType=kind, NumberOfContourPoints=len(points),
                ContourData=[f"{number:.4f}" for number in np.asarray(points).ravel()])  # fmt: skip
    return made if image is None else put(made, {"ContourImageSequence": [reference(image)]})


def rtstruct(series: Sequence[Dataset], rois: Mapping[str, Sequence[Dataset]], **attributes: Any) -> Dataset:
    """Return an RTSTRUCT on `series` of ROIs, each a list of `contour`s."""
    first = series[0]
    made = Dataset()
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
                    "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"):  # fmt: skip
        setattr(made, keyword, first.get(keyword))
    put(made, {
        "SpecificCharacterSet": "ISO_IR 192", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.3", "Modality": "RTSTRUCT",
        "SOPInstanceUID": uid("rtstruct", *rois), "SeriesInstanceUID": uid("rtstruct series", *rois),
        "SeriesNumber": 9, "InstanceNumber": 1, "Manufacturer": "test", "StructureSetLabel": "S",
        "StructureSetDate": "20240311", "StructureSetTime": "100000",
    })  # fmt: skip
    made.ReferencedFrameOfReferenceSequence = [item(
        FrameOfReferenceUID=first.FrameOfReferenceUID,
        RTReferencedStudySequence=[item(
            ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID=first.StudyInstanceUID,
            RTReferencedSeriesSequence=[item(
                SeriesInstanceUID=first.SeriesInstanceUID,
                ContourImageSequence=[reference(image) for image in series])])])]  # fmt: skip
    made.StructureSetROISequence = [
        item(ROINumber=i, ROIName=name, ReferencedFrameOfReferenceUID=first.FrameOfReferenceUID,
             ROIGenerationAlgorithm="MANUAL") for i, name in enumerate(rois, start=1)]  # fmt: skip
    made.ROIContourSequence = [
        item(ReferencedROINumber=i, ContourSequence=list(drawn)) for i, drawn in enumerate(rois.values(), start=1)
    ]
    made.RTROIObservationsSequence = [
        item(ObservationNumber=i, ReferencedROINumber=i, RTROIInterpretedType="ORGAN", ROIInterpreter="")
        for i in range(1, len(rois) + 1)
    ]
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return put(made, attributes)


def saved(dataset: Dataset, folder: Path, name: str = "label.dcm") -> bytes:
    return bytes(write([dataset], folder, name)[0])


def random_axes(seed: int) -> Points:
    """A rotation that is no symmetry of anything."""
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return np.asarray(q * np.sign(np.linalg.det(q)))


@dataclass(frozen=True)
class Marked:
    """A segment to be: what it is called, and which voxels it has, (slices, rows, columns)."""

    voxels: Any
    label: str = "Liver"
    code: tuple[str, str, str] = ("10200004", "SCT", "Liver")


def seg(series: Sequence[Dataset], segments: Sequence[Marked], kind: str = "BINARY", planes: Planes | None = None,
        **options: Any) -> Dataset:  # fmt: skip
    """Return a SEG by highdicom on `series`; its frames stand on `planes` where these are others than the images'."""
    import highdicom as hd
    from pydicom.sr.coding import Code

    described = [
        hd.seg.SegmentDescription(
            segment_number=i, segment_label=marked.label, segmented_property_type=Code(*marked.code),
            segmented_property_category=Code("91723000", "SCT", "Anatomical Structure"), algorithm_type="MANUAL",
        )
        for i, marked in enumerate(segments, start=1)
    ]  # fmt: skip
    pixels = np.stack([marked.voxels for marked in segments], axis=-1)
    if kind == "LABELMAP":
        numbers = np.arange(1, len(segments) + 1)
        pixels = (pixels * numbers).max(axis=-1).astype(np.uint8)
    geometry = {} if planes is None else {
        "plane_positions": [hd.PlanePositionSequence("PATIENT", origin) for origin in planes.origins_mm],
        "plane_orientation": hd.PlaneOrientationSequence("PATIENT", [*planes.row, *planes.column]),
        "pixel_measures": hd.PixelMeasuresSequence(planes.spacing_mm, planes.step_mm, planes.step_mm),
    }  # fmt: skip
    return hd.seg.Segmentation(
        source_images=list(series), pixel_array=pixels if kind == "FRACTIONAL" else pixels.astype(np.uint8),
        segmentation_type=kind, segment_descriptions=described, series_instance_uid=uid("seg series", kind),
        series_number=7, sop_instance_uid=uid("seg", kind), instance_number=1, manufacturer="test",
        manufacturer_model_name="test", software_versions="1", device_serial_number="1",
        **geometry, **options,
    )  # fmt: skip
