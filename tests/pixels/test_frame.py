"""Frames are decoded as pydicom decodes them, and what cannot be decoded says why."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.pixels import pixel_array

from dqkit.pixels.frame import Frame, PixelFault, decode_frame, quiet
from tests import dicom_defects as defects
from tests.dicom_factory import Grid, ct_series, enhanced_ct, mg_study, write

ONE = Grid(n=1)


def _by_pydicom(path: Path) -> Any:
    with quiet():
        try:
            return pixel_array(pydicom.dcmread(path, force=True), index=0, raw=True)
        except Exception:  # noqa: BLE001 - whatever pydicom raises, it has no array
            return None


_TWELVE_BITS = {"JPGExtended.dcm", "JPEG-lossy.dcm"}
"""JPEG Extended, for which pydicom asks for a GPL library; tests/pixels/test_syntaxes.py has them."""


def _agree(path: Path) -> bool:
    if path.name in _TWELVE_BITS:
        return True
    mine, theirs = decode_frame(os.fsencode(path)), _by_pydicom(path)
    if theirs is None or isinstance(mine, PixelFault):
        return theirs is None and isinstance(mine, PixelFault)
    return np.array_equal(mine.pixels, theirs)


def test_every_file_of_pydicom_decodes_as_pydicom_decodes_it(pydicom_files: list[Path]) -> None:
    assert [path.name for path in pydicom_files if not _agree(path)] == []


@pytest.mark.corpus
@pytest.mark.slow
def test_real_files_decode_as_pydicom_decodes_them(corpus_kinds: list[Path]) -> None:
    differing = [path.name for path in corpus_kinds if not _agree(path)]
    # No File Meta Information: pydicom asks for the transfer syntax, here it is guessed from the dataset
    assert differing in ([], ["CR-MONO1-10-chest"])


def _ct(folder: Path) -> Path:
    return write(ct_series(grid=ONE), folder)[0]


def _without(keyword: str) -> Callable[[Path], Path]:
    return lambda folder: write(defects.remove(ct_series(grid=ONE), keyword), folder)[0]


def _with(keyword: str, value: Any) -> Callable[[Path], Path]:
    return lambda folder: write(defects.vary(ct_series(grid=ONE), keyword, value), folder)[0]


@pytest.mark.parametrize(
    ("signed", "vr", "told", "meant"),
    [(1, "US", 63536, -2000), (1, "SS", -2000, -2000), (0, "SS", -2000, 63536), (0, "US", 63536, 63536)],
)
def test_padding_has_the_sign_that_pixels_have(tmp_path: Path, signed: int, vr: str, told: int, meant: int) -> None:
    (image,) = ct_series(grid=ONE)
    image.PixelRepresentation = signed
    image.add_new("PixelPaddingValue", vr, told)
    frame = decode_frame(os.fsencode(write([image], tmp_path)[0]))
    assert isinstance(frame, Frame)
    assert frame.padding == meant


def _in_syntax(uid: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = _ct(folder)
        data = path.read_bytes()
        old, new = b"1.2.840.10008.1.2.1\0", uid.encode().ljust(20, b"\0")
        path.write_bytes(data.replace(old, new, 1))
        return path

    return make


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (_without("PixelData"), PixelFault.NO_PIXEL_DATA),
        (_without("BitsAllocated"), PixelFault.BAD_DESCRIPTION),
        (_with("Rows", 0), PixelFault.BAD_DESCRIPTION),
        (_with("BitsAllocated", 12), PixelFault.BAD_DESCRIPTION),
        (_with("Rows", 65535), PixelFault.TOO_SHORT),
        (lambda folder: defects.cut_pixels(_ct(folder)), PixelFault.TOO_SHORT),
        (lambda folder: defects.truncate_header(_ct(folder)), PixelFault.NO_PIXEL_DATA),
        (lambda folder: defects.junk(_ct(folder)), PixelFault.NO_PIXEL_DATA),
        (lambda folder: defects.zero_byte(_ct(folder)), PixelFault.NO_PIXEL_DATA),
        (_in_syntax("1.2.840.10008.1.2.99"), PixelFault.UNSUPPORTED),
        (_in_syntax("1.2.840.10008.1.2.5"), PixelFault.CORRUPT),
        (lambda folder: folder / "gone.dcm", PixelFault.UNREADABLE),
    ],
)
def test_what_cannot_be_decoded_says_why(make: Callable[[Path], Path], kind: PixelFault, tmp_path: Path) -> None:
    assert decode_frame(os.fsencode(make(tmp_path))) is kind


def test_an_image_of_gigabytes_is_not_allocated(tmp_path: Path) -> None:
    series = defects.vary(defects.vary(ct_series(grid=ONE), "Rows", 65535), "Columns", 65535)
    assert decode_frame(os.fsencode(write(series, tmp_path)[0])) is PixelFault.TOO_LARGE


@pytest.mark.parametrize("strip", [defects.no_preamble, defects.dataset_only])
def test_a_file_without_its_beginning_still_decodes(strip: Callable[[Path], Path], tmp_path: Path) -> None:
    whole, bare = decode_frame(os.fsencode(_ct(tmp_path))), decode_frame(os.fsencode(strip(_ct(tmp_path))))
    assert isinstance(whole, Frame)
    assert isinstance(bare, Frame)
    assert np.array_equal(whole.pixels, bare.pixels)


def test_what_is_left_of_a_cut_image_is_told_from_what_is_lost(tmp_path: Path) -> None:
    path = _ct(tmp_path)
    whole = decode_frame(os.fsencode(path))
    left = decode_frame(os.fsencode(defects.cut_pixels(path, 64 * 2 * 24)), partial=True)
    assert isinstance(whole, Frame)
    assert isinstance(left, Frame)
    assert left.lost_from_row == 40
    assert np.array_equal(left.pixels[:40], whole.pixels[:40])
    assert not left.pixels[40:].any()


def test_a_frame_of_an_enhanced_image_knows_its_own_place(tmp_path: Path) -> None:
    grid = Grid(n=5)
    path = os.fsencode(write(enhanced_ct(grid=grid), tmp_path)[0])
    frame = decode_frame(path, 3)
    assert isinstance(frame, Frame)
    assert frame.position_mm == pytest.approx(grid.origin(3))
    assert frame.spacing_mm == grid.spacing_mm
    assert (frame.slope, frame.intercept) == (1.0, -1024.0)
    assert decode_frame(path, 5) is PixelFault.NO_SUCH_FRAME


def test_imager_pixel_spacing_stands_in_for_pixel_spacing(tmp_path: Path) -> None:
    path = write(defects.remove(mg_study(), "PixelSpacing"), tmp_path)[0]
    frame = decode_frame(os.fsencode(path))
    assert isinstance(frame, Frame)
    assert frame.spacing_mm == (0.5, 0.5)


def test_nothing_is_said_about_a_damaged_file(
    pydicom_files: list[Path], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("badVR.dcm", "MR_truncated.dcm", "SC_rgb_jpeg.dcm", "reportsi.dcm"):
            decode_frame(os.fsencode(next(path for path in pydicom_files if path.name == name)))
    assert caplog.records == []
    assert capfd.readouterr().err == ""
