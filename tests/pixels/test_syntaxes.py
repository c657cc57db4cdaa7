"""Every transfer syntax of still images decodes with free libraries; the others say that nothing here reads them."""

import os
from collections.abc import Callable
from pathlib import Path

import gdcm
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from dqkit.pixels.frame import Frame, PixelFault, decode_frame
from tests import dicom_defects as defects
from tests.dicom_factory import Grid, ct_series, write
from tests.pixels import htj2k

ONE = Grid(n=1, rows=48, columns=32)

LOSSLESS = {
    "implicit little endian": "1.2.840.10008.1.2",
    "explicit little endian": "1.2.840.10008.1.2.1",
    "deflated": "1.2.840.10008.1.2.1.99",
    "RLE": "1.2.840.10008.1.2.5",
    "JPEG lossless, process 14": "1.2.840.10008.1.2.4.57",
    "JPEG lossless, selection value 1": "1.2.840.10008.1.2.4.70",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG 2000 lossless": "1.2.840.10008.1.2.4.90",
}

NO_FREE_DECODER = {
    "MPEG2": "1.2.840.10008.1.2.4.100",
    "H.264": "1.2.840.10008.1.2.4.102",
    "H.265": "1.2.840.10008.1.2.4.107",
    "JPEG XL lossless": "1.2.840.10008.1.2.4.110",
    "JPEG XL recompression": "1.2.840.10008.1.2.4.111",
    "JPEG XL": "1.2.840.10008.1.2.4.112",
    "JPEG 2000 part 2": "1.2.840.10008.1.2.4.92",
    "JPIP": "1.2.840.10008.1.2.4.94",
}


def _ct(**attributes: object) -> Dataset:
    return ct_series(grid=ONE, **attributes)[0]


def _frame(path: Path) -> Frame:
    frame = decode_frame(os.fsencode(path))
    assert isinstance(frame, Frame), frame
    return frame


def _native(image: Dataset) -> np.ndarray:
    return np.frombuffer(image.PixelData, "<i2").reshape(image.Rows, image.Columns)


def _by_gdcm(path: Path, syntax: str) -> Path:
    """Encode a written file with GDCM."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return path


def _encoded(image: Dataset, syntax: str, folder: Path) -> Path:
    if syntax.startswith("1.2.840.10008.1.2.4.") and syntax.endswith(("57", "70")):
        return _by_gdcm(write([image], folder)[0], syntax)
    if UID(syntax).is_encapsulated:
        path = write([image], folder)[0]
        dataset = pydicom.dcmread(path)
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(path)
        return path
    image.file_meta.TransferSyntaxUID = syntax
    return write([image], folder)[0]


@pytest.mark.parametrize("syntax", LOSSLESS.values(), ids=LOSSLESS.keys())
def test_lossless_syntaxes_give_the_very_samples(syntax: str, tmp_path: Path) -> None:
    image = _ct()
    path = _encoded(image, syntax, tmp_path)
    assert pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(_frame(path).pixels, _native(image))


def test_big_endian_samples_are_turned(tmp_path: Path) -> None:
    series = ct_series(grid=ONE)
    path = write(defects.big_endian(series), tmp_path)[0]
    assert np.array_equal(_frame(path).pixels, _native(series[0]))


@pytest.mark.parametrize(
    ("syntax", "stream", "off_by"),
    [
        ("1.2.840.10008.1.2.4.201", htj2k.LOSSLESS, 0),
        ("1.2.840.10008.1.2.4.202", htj2k.LOSSLESS, 0),
        ("1.2.840.10008.1.2.4.203", htj2k.LOSSY, 1),
    ],
    ids=["HTJ2K lossless", "HTJ2K RPCL", "HTJ2K"],
)
def test_high_throughput_jpeg_2000_decodes(syntax: str, stream: bytes, off_by: int, tmp_path: Path) -> None:
    rows, columns = htj2k.IMAGE.shape
    image = _ct(Rows=rows, Columns=columns, PixelRepresentation=0, PixelData=encapsulate([stream]))
    image["PixelData"].VR = "OB"
    image["PixelData"].is_undefined_length = True
    image.file_meta.TransferSyntaxUID = syntax
    pixels = _frame(write([image], tmp_path)[0]).pixels.astype(int)
    assert abs(pixels - htj2k.IMAGE).max() <= off_by


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_jpeg_dcmtk.dcm",  # JPEG baseline
        "JPEGLSNearLossless_16.dcm",
        "JPEG2000.dcm",
        "examples_palette.dcm",
        "SC_rgb_rle_32bit.dcm",
        "liver_1frame.dcm",  # one bit a sample
    ],
)
def test_files_of_pydicom_decode(name: str, pydicom_files: list[Path]) -> None:
    assert _frame(next(path for path in pydicom_files if path.name == name)).pixels.size


def test_jpeg_of_twelve_bits_decodes_to_the_values_that_pydicom_gives_for_it(pydicom_files: list[Path]) -> None:
    # pydicom's own tests: (420, 140) is 244 and (230, 120) is 95, of its GPL decoder
    pixels = _frame(next(path for path in pydicom_files if path.name == "JPGExtended.dcm")).pixels
    assert pixels.shape == (1024, 256)
    assert (pixels[420, 140], pixels[230, 120]) == (244, 95)


def _spoil(change: Callable[[bytes], bytes]) -> Callable[[Path, Path], Path]:
    def make(source: Path, folder: Path) -> Path:
        dataset = pydicom.dcmread(source)
        stream = next(iter(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1)))
        dataset.PixelData = encapsulate([change(stream)])
        dataset.save_as(folder / "spoilt.dcm")
        return folder / "spoilt.dcm"

    return make


@pytest.mark.parametrize(
    "spoil",
    [
        _spoil(lambda stream: b"\0" * len(stream)),
        _spoil(lambda stream: stream[:40]),
        _spoil(lambda stream: stream.replace(b"\xff\xc1\x00\x0b\x0c\x04\x00", b"\xff\xc1\x00\x0b\x0c\x7f\xff")),
    ],
    ids=["zeros", "cut", "other rows than the data set"],
)
def test_twelve_bit_jpeg_that_is_damaged_is_corrupt(
    spoil: Callable[[Path, Path], Path], pydicom_files: list[Path], tmp_path: Path
) -> None:
    source = next(path for path in pydicom_files if path.name == "JPGExtended.dcm")
    assert decode_frame(os.fsencode(spoil(source, tmp_path))) is PixelFault.CORRUPT


@pytest.mark.parametrize("syntax", NO_FREE_DECODER.values(), ids=NO_FREE_DECODER.keys())
def test_what_nothing_free_decodes_is_no_fault_of_the_file(syntax: str, tmp_path: Path) -> None:
    image = _ct(PixelData=encapsulate([bytes(64)]))
    image["PixelData"].VR = "OB"
    image["PixelData"].is_undefined_length = True
    path = write([image], tmp_path)[0]
    data = path.read_bytes()
    at = data.index(b"1.2.840.10008.1.2.1\0")
    new = syntax.encode().ljust(-(-len(syntax) // 2) * 2, b"\0")
    group = int.from_bytes(data[140:144], "little") + len(new) - 20
    path.write_bytes(
        data[:140] + group.to_bytes(4, "little") + data[144 : at - 2] + len(new).to_bytes(2, "little") + new
        + data[at + 20 :]
    )  # fmt: skip
    assert decode_frame(os.fsencode(path)) is PixelFault.NO_DECODER


def test_every_syntax_that_pydicom_decodes_has_a_free_plugin() -> None:
    known = [uid for uid in pydicom.uid.UID_dictionary if _has_decoder(uid)]
    assert len(known) >= 15
    assert [uid for uid in known if not get_decoder(UID(uid)).is_available] == []


def _has_decoder(uid: str) -> bool:
    try:
        get_decoder(UID(uid))
    except NotImplementedError:
        return False
    return True
