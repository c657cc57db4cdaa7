"""Colour comes out as RGB however it is stored, and is written as NIfTI and PNG that others read."""

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pydicom.data
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.pixels import convert_color_space

from dqkit.harmonize import nifti, png
from dqkit.harmonize.refusal import Reason, Refused
from tests.dicom_exam import put, put_pixels
from tests.dicom_factory import cr_image, fundus_image
from tests.harmonize.plane.images import Made, made, made_of, recipe

KEEP = recipe(planar={"orient": False, "secondary": "keep"})
FILES = Path(pydicom.data.__file__).parent / "test_files"
SQUARES = FILES / "SC_rgb_dcmtk_+eb+cr.dcm"


def samples(done: Made) -> np.ndarray:
    return done.voxels.view(np.uint8).reshape(*done.voxels.shape, 3)


def stored(name: str) -> Made:
    path = FILES / name
    native = dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID.is_encapsulated is False
    return made_of(path, "OT", KEEP, is_native=native)


def test_rgb_is_kept_to_the_last_bit(tmp_path: Path) -> None:
    image = fundus_image()[0]
    assert (samples(made(image, tmp_path, KEEP)) == image.pixel_array).all()


def test_planes_of_one_colour_each_are_put_together(tmp_path: Path) -> None:
    image = fundus_image()[0]
    expected = image.pixel_array
    image.PlanarConfiguration = 1
    image.PixelData = np.ascontiguousarray(np.moveaxis(expected, -1, 0)).tobytes()
    assert (samples(made(image, tmp_path, KEEP)) == expected).all()


@pytest.mark.parametrize(
    "name",
    ["SC_rgb_dcmtk_+eb+cy+n1.dcm", "SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_rgb_dcmtk_+eb+cy+s4.dcm", "SC_rgb_gdcm_KY.dcm",
     "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm", "SC_ybr_full_422_uncompressed.dcm", "SC_rgb_jpeg_lossy_gdcm.dcm"],
)  # fmt: skip
def test_every_encoding_comes_to_the_colours_that_pydicom_shows(name: str) -> None:
    assert (samples(stored(name)) == dcmread(FILES / name).pixel_array).all()
    difference = samples(stored(name)).astype(int) - samples(stored(SQUARES.name)).astype(int)
    assert np.median(np.abs(difference)) <= 2  # the same picture; JPEG smears the edges of its squares


def test_ybr_is_converted_as_pydicom_converts_it(tmp_path: Path) -> None:
    image = fundus_image()[0]
    ybr = convert_color_space(image.pixel_array, "RGB", "YBR_FULL")
    image.PhotometricInterpretation = "YBR_FULL"
    put_pixels(image, ybr.astype(float), 8)
    done = samples(made(image, tmp_path, KEEP))
    assert (done == convert_color_space(ybr, "YBR_FULL", "RGB")).all()


def test_jpeg_2000_that_decoders_turn_to_rgb_is_not_turned_again() -> None:
    done = stored("examples_jpeg2k.dcm")
    assert done.step("load")["stored_as"] == "YBR_RCT"
    assert (samples(done) == dcmread(FILES / "examples_jpeg2k.dcm").pixel_array).all()


def test_palettes_become_rgb() -> None:
    done = stored("examples_palette.dcm")
    file = dcmread(FILES / "examples_palette.dcm")
    from pydicom.pixels import apply_color_lut

    expected = apply_color_lut(file.pixel_array, file)
    assert (samples(done) == (expected >> 8 if expected.dtype == np.uint16 else expected)).all()


def test_sixteen_bits_a_sample_keep_their_highest_eight() -> None:
    done = stored("SC_rgb_rle_16bit.dcm")
    assert (samples(done) == dcmread(FILES / "SC_rgb_rle_16bit.dcm").pixel_array >> 8).all()


def test_a_damaged_palette_is_refused(tmp_path: Path) -> None:
    image = put_pixels(cr_image()[0], np.zeros((8, 8)), 8)
    put(image, {"PhotometricInterpretation": "PALETTE COLOR"})
    with pytest.raises(Refused) as refused:
        made(image, tmp_path, KEEP)
    assert refused.value.reason is Reason.COLOUR


def test_colour_spaces_that_the_standard_retired_are_refused(tmp_path: Path) -> None:
    image = put(fundus_image()[0], {"PhotometricInterpretation": "HSV"})
    with pytest.raises(Refused, match="HSV"):
        made(image, tmp_path, KEEP)


def test_colour_has_eight_bits_and_no_intensity_steps(tmp_path: Path) -> None:
    image = fundus_image()[0]
    with pytest.raises(Refused, match="uint8"):
        made(image, tmp_path / "a", recipe(bit_depth="uint16"))
    with pytest.raises(Refused, match="grey images"):
        made(image, tmp_path / "b", recipe(intensity=["z_score"]))


def test_grey_goes_through_the_intensity_steps(tmp_path: Path) -> None:
    done = made(cr_image()[0], tmp_path, recipe(intensity=[{"z_score": {"mask": "all"}}], bit_depth="float32"))
    assert done.voxels.mean() == pytest.approx(0, abs=1e-6)


# --- files ---


def test_png_holds_sixteen_bits_the_size_of_a_pixel_and_the_same_bytes_twice(tmp_path: Path) -> None:
    using = recipe(planar={"orient": True, "voi": "window"}, bit_depth="uint16")
    image = put(cr_image()[0], {"ImagerPixelSpacing": ["0.2", "0.1"], "PixelSpacing": None})
    done = made(image, tmp_path / "in", using)
    (path,) = png.write(done.image, tmp_path / "one")
    with Image.open(path) as read:
        assert read.mode == "I;16"
        assert (np.array(read) == done.voxels).all()
        assert read.info["dpi"] == pytest.approx((254, 127), rel=1e-3)
    (again,) = png.write(done.image, tmp_path / "two")
    assert path.read_bytes() == again.read_bytes()


def test_png_holds_colour(tmp_path: Path) -> None:
    done = made(fundus_image()[0], tmp_path / "in", KEEP)
    (path,) = png.write(done.image, tmp_path)
    with Image.open(path) as read:
        assert (np.array(read) == samples(done)).all()


def test_png_refuses_what_it_does_not_hold(tmp_path: Path) -> None:
    done = made(cr_image()[0], tmp_path / "in", recipe(bit_depth="float32"))
    with pytest.raises(Refused, match="not float32"):
        png.write(done.image, tmp_path)
    thick = replace(done.image.volume, voxels=np.zeros((3, 4, 5), np.uint8))
    with pytest.raises(Refused, match="one slice"):
        png.write(replace(done.image, volume=thick), tmp_path)


@pytest.mark.parametrize("compression", [0, 1])
def test_nifti_holds_colour_and_grey_with_the_patients_directions(tmp_path: Path, compression: int) -> None:
    for image in (fundus_image()[0], cr_image()[0]):
        folder = tmp_path / image.Modality
        using = recipe(planar={"orient": True}, output={"compression": compression})
        done = made(image, folder / "in", using)
        (path,) = nifti.write(done.image, folder)
        read = nibabel.load(path)
        voxels = np.asarray(read.dataobj)[..., 0].T
        assert (voxels == done.voxels).all()
        assert nibabel.aff2axcodes(read.affine)[:2] == ("L", "I")
