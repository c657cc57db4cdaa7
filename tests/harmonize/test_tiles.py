"""Siemens mosaics and UIH VFRAMEs: each tile stands where its slice was taken."""

import struct
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from dqkit.harmonize.load import load_stack
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.stack import Stack
from dqkit.harmonize.tiles import mosaic_tiles, vframe_tiles
from tests.dicom_exam import item, numbers, put, put_pixels, write
from tests.harmonize.solids import (
    Scan,
    images_of,
    made,
    measured,
    recipe,
    rotation,
    soft_sphere_mm3,
    source_file,
    sphere,
)

CENTRE = (4.0, -3.0, 6.0)
BALL = sphere(CENTRE, 20.0)
SCAN = Scan((16, 16), (4.0, 4.0), tuple(4.0 * i for i in range(14)))


def csa(**tags: list[float]) -> bytes:
    """Return a CSA Image Header as syngo writes it: SV10, then a tag after the other, items padded to 4 bytes."""
    data = b"SV10\x04\x03\x02\x01" + struct.pack("<II", len(tags), 77)
    for name, values in tags.items():
        data += struct.pack("<64si4siii", name.encode(), len(values), b"FD\0\0", 0, len(values), 77)
        for value in values:
            text = f"{value:.8f}".encode() + b"\0"
            data += struct.pack("<4i", len(text), len(text), 77, len(text)) + text + bytes(-len(text) % 4)
    return data


def tiled(images: list[Dataset], across: int, down: int) -> Dataset:
    """Return the first image with all slices side by side in its pixels."""
    rows, columns = images[0].Rows, images[0].Columns
    canvas = np.zeros((down * rows, across * columns), np.uint16)
    for k, image in enumerate(images):
        row, column = divmod(k, across)
        canvas[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns] = image.pixel_array
    return put_pixels(images[0], canvas, 12)


def mosaic(scan: Scan = SCAN, *, along: int = 1, **changed: object) -> Dataset:
    """Return a mosaic of the ball; with `along` -1 its tiles run against row x column."""
    images = images_of(BALL, scan)[::along]
    row, column, normal = scan.axes.T
    count, first = len(images), np.array([float(v) for v in images[0].ImagePositionPatient])
    across = int(np.ceil(np.sqrt(count)))
    # The position of a mosaic is that of an image of its size around the centre of the first slice
    first = first - row * 4.0 * scan.size[1] * (across - 1) / 2 - column * 4.0 * scan.size[0] * (across - 1) / 2
    image = tiled(images, across, across)
    image.add_new((0x0029, 0x0010), "LO", "SIEMENS CSA HEADER")
    told = csa(NumberOfImagesInMosaic=[count], SliceNormalVector=(along * normal).tolist())
    image.add_new((0x0029, 0x1010), "OB", told)
    put(image, {"ImagePositionPatient": numbers(first), "SpacingBetweenSlices": "4"})
    return put(image, dict(changed))


def vframe(scan: Scan = SCAN) -> Dataset:
    images = images_of(BALL, scan)
    positions = [item(ImagePositionPatient=image.ImagePositionPatient) for image in images]
    image = tiled(images, 5, 3)
    image.add_new((0x0065, 0x0010), "LO", "Image Private Header")
    image.add_new((0x0065, 0x1051), "SQ", positions)
    return put(image, {"ImagePositionPatient": None, "AcquisitionMatrix": [16, 0, 0, 16]})


def stack(folder: Path, image: Dataset, kind: str, tiles: int | None = 14) -> Stack:
    (path,) = write([image], folder)
    return Stack("s" * 20, "CT", kind, (source_file(path, image),), (1,), tiles)


SCANS = {
    "axial": SCAN,
    "oblique": Scan(SCAN.size, SCAN.spacing, SCAN.places, axes=rotation((20, 10, 30))),
}


@pytest.mark.parametrize("along", [1, -1])
@pytest.mark.parametrize("name", SCANS)
def test_a_mosaic_is_the_volume_that_it_pictures(tmp_path: Path, name: str, along: int) -> None:
    found = measured(made(stack(tmp_path, mosaic(SCANS[name], along=along), "mosaic"), recipe()))
    assert found.volume == pytest.approx(soft_sphere_mm3(20.0), rel=0.01)
    assert np.abs(found.centre - CENTRE).max() < 2


def test_a_vframe_is_the_volume_that_it_pictures(tmp_path: Path) -> None:
    found = measured(made(stack(tmp_path, vframe(), "vframe"), recipe("ct-1mm-iso", spacing={"mm": 2})))
    assert found.volume == pytest.approx(soft_sphere_mm3(20.0), rel=0.01)
    assert np.abs(found.centre - CENTRE).max() < 2


def test_the_number_of_tiles_comes_from_the_header_where_the_catalog_has_none(tmp_path: Path) -> None:
    slices = load_stack(stack(tmp_path, mosaic(), "mosaic", None), recipe())
    assert slices.voxels.shape == (14, 16, 16)
    assert [source.tile for source in slices.sources] == list(range(14))
    assert slices.sources[3].position_mm == pytest.approx(SCAN.origin(3))


LACKS = {
    "Siemens' own header": mosaic(),
    "distance of slices": mosaic(SpacingBetweenSlices=None, SliceThickness=None),
    "position": mosaic(ImagePositionPatient=None),
}
del LACKS["Siemens' own header"][0x0029, 0x1010]


@pytest.mark.parametrize("what", LACKS)
def test_a_mosaic_that_does_not_place_its_slices_is_refused(what: str) -> None:
    with pytest.raises(Refused) as refused:
        mosaic_tiles(LACKS[what], 14)
    assert refused.value.reason is Reason.POSITIONS_UNKNOWN


def test_a_damaged_header_of_siemens_is_refused_not_a_crash() -> None:
    image = mosaic()
    image[0x0029, 0x1010].value = image[0x0029, 0x1010].value[:100]
    with pytest.raises(Refused):
        mosaic_tiles(image, 14)


def test_a_vframe_with_fewer_items_than_slices_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        vframe_tiles(vframe(), 15)
    assert refused.value.reason is Reason.POSITIONS_UNKNOWN
