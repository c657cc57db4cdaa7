"""Diffusion-weighted volumes whose headers say so in the words of the standard or of a maker."""

import copy
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.one_image import Task, harmonized
from dqkit.harmonize.plan import PlannedImage
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.source import SourceSlice
from tests.dicom_exam import put, uid, write
from tests.harmonize.solids import Floats, Scan, images_of, recipe, sphere, stack_of
from tests.harmonize.test_tiles import csa

Vector = tuple[float, float, float]
Tell = Callable[[Dataset, float, Vector], Dataset]
"""Writes a b-value and a gradient to the header of an image."""

SCAN = Scan((4, 5), (2.0, 2.5), (0.0, 3.0, 6.0))
OBLIQUE: Vector = (0.36, -0.48, 0.8)
NONE: Vector = (0.0, 0.0, 0.0)


def standard(image: Dataset, b: float, gradient: Vector) -> Dataset:
    return put(image, {"DiffusionBValue": b, "DiffusionGradientOrientation": list(gradient)})


def siemens(image: Dataset, b: float, gradient: Vector) -> Dataset:
    block = image.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", f"{b:.0f}")
    block.add_new(0x0E, "FD", list(gradient))
    return image


def siemens_csa(image: Dataset, b: float, gradient: Vector) -> Dataset:
    block = image.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", csa(B_value=[b], DiffusionGradientDirection=list(gradient)))
    return image


def philips(image: Dataset, b: float, gradient: Vector) -> Dataset:
    image.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x03, "FL", b)
    block = image.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    for i, part in enumerate(gradient):
        block.add_new(0xB0 + i, "FL", part)
    return image


def uih(image: Dataset, b: float, gradient: Vector) -> Dataset:
    """UIH's gradients stand along row, column and normal of the image."""
    row, column = np.reshape([float(v) for v in image.ImageOrientationPatient], (2, 3))
    along = np.column_stack([row, column, np.cross(row, column)]).T @ np.array(gradient)
    block = image.private_block(0x0065, "Image Private Header", create=True)
    block.add_new(0x09, "UN", struct.pack("<d", b))
    block.add_new(0x37, "UN", struct.pack("<3d", *along))
    return image


def ge(image: Dataset, b: float, gradient: Vector) -> Dataset:
    image.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x39, "IS", [f"{b:.0f}", "8", "0", "0"])
    block = image.private_block(0x0019, "GEMS_ACQU_01", create=True)
    for i, part in enumerate(gradient):
        block.add_new(0xBB + i, "DS", f"{part:.6f}")
    return image


def volumes(
    gradients: Sequence[tuple[float, Vector]], scan: Scan = SCAN, tell: Tell = standard, **attributes: Any
) -> list[list[Dataset]]:
    """Return the images of a volume for each b-value and gradient."""
    plain = images_of(sphere((0.0, 0.0, 0.0), 4.0), scan, "MR", **attributes)
    return [
        [
            put(tell(copy.deepcopy(image), b, gradient), {"SOPInstanceUID": uid("weighted", v, i)})
            for i, image in enumerate(plain)
        ]
        for v, (b, gradient) in enumerate(gradients)
    ]


def image_of(
    folder: Path, images: Sequence[Sequence[Dataset]], how: Recipe | None = None, **times: Sequence[str]
) -> HarmonizedImage:
    """Harmonize volumes as one image; `times` tells them apart, a keyword with a value a volume."""
    stacks = tuple(stack_of(write(of_one, folder / str(v)), of_one, stack_id=str(v)) for v, of_one in enumerate(images))
    told = tuple({name: values[v] for name, values in times.items()} for v in range(len(images)))
    stack_ids = tuple(stack.stack_id for stack in stacks)
    planned = PlannedImage("i" * 20, "out", stack_ids, None, (), told if len(stacks) > 1 else (), modality="MR")
    return harmonized(Task(planned, stacks, how or recipe(), {"Modality": "MR"}), lambda warning: None)


def source(path: Path, frame: int = 1, orientation: Sequence[float] = (1, 0, 0, 0, 1, 0)) -> SourceSlice:
    a, b, c, d, e, f = orientation
    return SourceSlice("file", os.fsencode(path), frame, "", "", (0.0, 0.0, 0.0), (a, b, c, d, e, f))


def in_scanner(bvec: NDArray[Any], affine: Floats) -> Floats:
    """Return FSL's vectors (3, n) in the space of a NIfTI file's affine (RAS), by FSL's own words.

    FSL's voxels are the file's where the determinant is negative; else the first axis counts backwards.
    """
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    first = np.array([-1.0 if np.linalg.det(axes) > 0 else 1.0, 1.0, 1.0])
    return np.asarray(axes @ (first[:, None] * bvec))
