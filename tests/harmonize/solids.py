"""Bodies of known size and place, as scanners of any geometry would picture them, and how to measure them again."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage

from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.one_image import Task, harmonized
from dqkit.harmonize.plan import PlannedImage
from dqkit.harmonize.read_recipe import load_recipe, recipe_of
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.stack import SourceFile, Stack
from tests.dicom_exam import SOMEBODY, Kind, image_of, numbers, put, put_pixels, series_template, write

Floats = NDArray[np.float64]
AIR, TISSUE = -1024.0, 1000.0
"""As what lies outside a CT, so that the field of view does not show."""

Body = Callable[[Floats], Floats]
"""Points (…, 3), LPS in mm -> share of tissue, 0 to 1."""


def soft(distance_mm: Floats, edge_mm: float) -> Floats:
    """Return 1 inside and 0 outside of a surface, with a ramp across it that keeps the volume."""
    return np.clip(0.5 - distance_mm / edge_mm, 0.0, 1.0)


def sphere(centre: Sequence[float], radius: float, edge_mm: float = 3.0) -> Body:
    return lambda points: soft(np.linalg.norm(points - np.asarray(centre), axis=-1) - radius, edge_mm)


def ellipsoid(centre: Sequence[float], radii: Sequence[float], turn: Floats, edge_mm: float = 3.0) -> Body:
    """Return an ellipsoid whose axes are the columns of `turn`; its surface is soft by `edge_mm` of the mean radius."""
    scale, mean = np.asarray(radii), float(np.mean(radii))

    def share(points: Floats) -> Floats:
        away = (points - np.asarray(centre)) @ turn / scale
        return soft((np.linalg.norm(away, axis=-1) - 1) * mean, edge_mm)

    return share


def rotation(degrees: Sequence[float]) -> Floats:
    """Return the rotation about x, then y, then z."""
    turn = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        one = np.eye(3)
        i, j = [k for k in range(3) if k != axis]
        one[i, i] = one[j, j] = np.cos(angle)
        one[i, j], one[j, i] = -np.sin(angle), np.sin(angle)
        turn = one @ turn
    return turn


@dataclass(frozen=True)
class Scan:
    """How slices lie.

    `axes` has the directions of a row, of a column and of travel as columns; travel leaves the normal by `tilt_deg`
    in the plane of column and normal. `places` are the positions of the slices along the normal, mm.
    """

    size: tuple[int, int] = (40, 40)  # rows, columns
    spacing: tuple[float, float] = (3.0, 3.0)  # between rows, between columns
    places: tuple[float, ...] = tuple(3.0 * i for i in range(40))
    axes: Floats = field(default_factory=lambda: np.eye(3))
    tilt_deg: float = 0.0
    middle: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def origin(self, i: int) -> Floats:
        """Return where the first voxel of slice `i` stands; the middle of the stack is `middle`."""
        row, column, normal = self.axes.T
        place = self.places[i] - (self.places[0] + self.places[-1]) / 2
        travel = place * (normal + np.tan(np.radians(self.tilt_deg)) * column)
        half = row * (self.size[1] - 1) / 2 * self.spacing[1] + column * (self.size[0] - 1) / 2 * self.spacing[0]
        return np.asarray(self.middle) + travel - half

    def points(self, i: int) -> Floats:
        """Return where the voxels of slice `i` stand, (rows, columns, 3)."""
        down = np.arange(self.size[0])[:, None, None] * self.spacing[0] * self.axes[:, 1]
        along = np.arange(self.size[1])[None, :, None] * self.spacing[1] * self.axes[:, 0]
        return self.origin(i) + down + along


def images_of(body: Body, scan: Scan, modality: str = "CT", **attributes: Any) -> list[Dataset]:
    """Return a file a slice: CT in HU (stored with an intercept of -1024), or MR without rescale."""
    sop = CTImageStorage if modality == "CT" else MRImageStorage
    kind = Kind(modality, sop, "ge", "Phantom", {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]})
    shared = series_template(SOMEBODY, kind, 2)
    shared.FrameOfReferenceUID = SOMEBODY.uid("phantom")
    if modality == "CT":
        put(shared, {"RescaleSlope": "1", "RescaleIntercept": "-1024", "RescaleType": "HU"})
    images = []
    for i in range(len(scan.places)):
        image = put(image_of(shared, i + 1), {
            "PixelSpacing": numbers(scan.spacing), "SliceThickness": "3",
            "ImageOrientationPatient": [f"{value:.9f}" for value in scan.axes[:, :2].T.ravel()],
            "ImagePositionPatient": [f"{value:.5f}" for value in scan.origin(i)],
        })  # fmt: skip
        values = AIR + (TISSUE - AIR) * body(scan.points(i))
        put_pixels(image, values + 1024, 12)
        images.append(put(image, attributes))
    return images


def stack_of(paths: Sequence[Path], images: Sequence[Dataset], **changed: Any) -> Stack:
    """Return the stack of files, a slice each, in the order of their positions, as the catalog would have it."""
    normal = np.cross(*np.reshape([float(v) for v in images[0].ImageOrientationPatient], (2, 3)))
    order = np.argsort(
        [np.dot([float(v) for v in image.ImagePositionPatient], normal) for image in images], kind="stable"
    )
    files = tuple(source_file(paths[i], images[i]) for i in order)
    stack = Stack("s" * 20, str(images[0].Modality), "frames", files, (1,) * len(files))
    return replace(stack, **changed)


def source_file(path: Path, image: Dataset) -> SourceFile:
    stat = path.stat()
    native = not image.file_meta.TransferSyntaxUID.is_encapsulated
    return SourceFile(
        path.name, os.fsencode(path), stat.st_size, stat.st_mtime_ns, str(image.SOPInstanceUID),
        str(image.SOPClassUID), native,
    )  # fmt: skip


def recipe(base: str = "keep-geometry", **changed: Any) -> Recipe:
    """Return a shipped recipe with some of its keys changed, as a file of one's own would change them."""
    return recipe_of(load_recipe(base).plain | changed, Path("own.yaml"))


def made(stack: Stack, how: Recipe, do: Sequence[str] = (), **planned: Any) -> HarmonizedImage:
    """Harmonize one stack without a catalog."""
    image = PlannedImage("i" * 20, "out", (stack.stack_id,), None, tuple(do), modality=stack.modality)
    return harmonized(Task(replace(image, **planned), (stack,), how), lambda warning: None)


def scanned(folder: Path, body: Body, scan: Scan, modality: str = "CT", **attributes: Any) -> Stack:
    """Write a scan of a body to `folder` and return its stack."""
    images = images_of(body, scan, modality, **attributes)
    return stack_of(write(images, folder), images)


@dataclass(frozen=True)
class Measured:
    """What an image shows: volume (mm3) and centre (LPS, mm) of the tissue."""

    volume: float
    centre: Floats


def measured(image: HarmonizedImage) -> Measured:
    """Measure the tissue in an image in HU, by what its affine says alone."""
    volume = image.volume
    share = (volume.voxels.astype(np.float64) - AIR) / (TISSUE - AIR)
    slices, rows, columns = (np.arange(n) for n in share.shape)
    mass = share.sum()
    index = [
        (share.sum(axis=(0, 1)) * columns).sum() / mass,
        (share.sum(axis=(0, 2)) * rows).sum() / mass,
        (share.sum(axis=(1, 2)) * slices).sum() / mass,
    ]
    cell = abs(np.linalg.det(volume.affine[:3, :3]))
    return Measured(float(mass * cell), volume.affine[:3, :3] @ index + volume.affine[:3, 3])


def soft_sphere_mm3(radius: float, edge_mm: float = 3.0) -> float:
    """Return the volume of a sphere with a soft edge: the ramp adds a little to 4/3 pi r^3."""
    r = np.linspace(0, radius + edge_mm, 20001)
    return float(np.trapezoid(4 * np.pi * r**2 * soft(r - radius, edge_mm), r))


def soft_ellipsoid_mm3(radii: Sequence[float], edge_mm: float = 3.0) -> float:
    mean = float(np.mean(radii))
    return soft_sphere_mm3(mean, edge_mm) / mean**3 * float(np.prod(radii))
