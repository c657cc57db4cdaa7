"""Images of a good scanner, harmonized without a catalog, and read back as derived series."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from dqkit.harmonize.derived.write import write as write_derived
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.one_image import Task
from dqkit.harmonize.plan import PlannedImage
from dqkit.harmonize.planar import harmonized_plane
from dqkit.harmonize.recipe import Recipe
from tests.dicom_exam import write
from tests.harmonize.solids import made, stack_of


def image_of(series: Sequence[Dataset], folder: Path, how: Recipe, **planned: Any) -> HarmonizedImage:
    """Write a series of single-frame images to `folder` and harmonize it as one stack."""
    stack = stack_of(write(series, folder / "source"), series)
    thickness = float(series[0].get("SliceThickness") or 0) or None
    return made(replace(stack, thickness_mm=thickness), how, **planned)


def plane_of(image: Dataset, folder: Path, how: Recipe) -> HarmonizedImage:
    """Write a 2-D image to `folder` and harmonize it."""
    from tests.harmonize.solids import source_file

    (path,) = write([image], folder / "source")
    stack = replace(_NO_STACK, files=(source_file(path, image),), modality=str(image.Modality))
    planned = PlannedImage("i" * 20, "out", ("s",), None, ("image",), modality=str(image.Modality))
    return harmonized_plane(Task(planned, (stack,), how), lambda warning: None)


def derived(image: HarmonizedImage, folder: Path) -> list[Dataset]:
    """Write the derived series below `folder` and read it back."""
    return [dcmread(path) for path in write_derived(image, folder / "derived")]


def values_of(series: Sequence[Dataset]) -> np.ndarray:
    """Return what the stored values mean, (slices, rows, columns), in the order of the files."""
    return np.stack([
        image.pixel_array * float(image.get("RescaleSlope", 1)) + float(image.get("RescaleIntercept", 0))
        for image in series
    ])  # fmt: skip


def affine_of(series: Sequence[Dataset]) -> np.ndarray:
    """Return index (column, row, slice) to LPS, by the attributes of the first and the last image."""
    first, last = series[0], series[-1]
    cosines = np.array(first.ImageOrientationPatient, dtype=float).reshape(2, 3)
    origin, end = (np.array(image.ImagePositionPatient, dtype=float) for image in (first, last))
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = cosines[0] * float(first.PixelSpacing[1]), cosines[1] * float(first.PixelSpacing[0])
    affine[:3, 2] = (end - origin) / max(1, len(series) - 1)
    affine[:3, 3] = origin
    return affine


def faults(series: Sequence[Dataset]) -> list[str]:
    """Return the errors that dciodvfy finds in each image."""
    found = []
    for image in series:
        told = subprocess.run(["dciodvfy", "-new", image.filename], capture_output=True, text=True, check=False)
        found += [line for line in (told.stdout + told.stderr).splitlines() if line.startswith("Error")]
    return found


def _no_stack() -> Any:
    from dqkit.harmonize.stack import Stack

    return Stack("s", "", "frames", (), (1,))


_NO_STACK = _no_stack()
