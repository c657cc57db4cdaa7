"""Grey values: modality LUT, VOI LUT and polarity, against formulas of the standard and against pydicom."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from dqkit.harmonize.plane.grey import windowed
from dqkit.harmonize.refusal import Reason, Refused
from tests.dicom_exam import item, put, put_pixels
from tests.dicom_factory import cr_image
from tests.harmonize.plane.images import Made, made, recipe

RAMP = np.arange(4096.0).reshape(64, 64)
FLOAT = recipe(planar={"orient": False, "voi": "window"}, bit_depth="float32")
PLAIN = recipe(bit_depth="auto")


def ramp(bits: int = 12, *, signed: bool = False, **attributes: Any) -> Dataset:
    """Every stored value from 0 (or -2048) to 4095 once."""
    image = cr_image(rows=64, columns=64)[0]
    return put(put_pixels(image, RAMP - 2048 * signed, bits, signed=signed), attributes)


def shown(folder: Path, image: Dataset) -> np.ndarray:
    return made(image, folder, FLOAT).voxels.ravel()


def by_pydicom(image: Dataset) -> np.ndarray:
    """What pydicom shows, brought to 0..1 by the range that PS3.3 gives its output."""
    stored = RAMP - 2048 * image.PixelRepresentation
    values = apply_modality_lut(stored.astype(np.int32), image)
    out = np.asarray(apply_voi_lut(values.astype(np.int64) if "VOILUTSequence" in image else values, image), float)
    if "VOILUTSequence" in image:
        return (out / (2 ** image.VOILUTSequence[0].LUTDescriptor[2] - 1)).ravel()
    low, high = (0, 4095) if not image.PixelRepresentation else (-2048, 2047)
    if "ModalityLUTSequence" in image:
        return (out / (2 ** image.ModalityLUTSequence[0].LUTDescriptor[2] - 1)).ravel()
    slope, intercept = float(image.RescaleSlope), float(image.RescaleIntercept)
    return ((out - (low * slope + intercept)) / ((high - low) * slope)).ravel()


def lut(entries: np.ndarray, first: int = 0, bits: int = 16) -> Dataset:
    table = item(LUTDescriptor=[len(entries) % 65536, first, bits], LUTData=entries.astype("<u2").tobytes())
    table["LUTData"].VR = "OW"
    table["LUTDescriptor"].VR = "US" if first >= 0 else "SS"
    return table


@pytest.mark.parametrize(
    "attributes",
    [
        {"WindowCenter": "2048", "WindowWidth": "4096"},
        {"WindowCenter": "1000", "WindowWidth": "600"},
        {"WindowCenter": ["1000", "50"], "WindowWidth": ["600", "10"]},
        {"WindowCenter": "1000.5", "WindowWidth": "600", "VOILUTFunction": "LINEAR_EXACT"},
        {"WindowCenter": "1000", "WindowWidth": "600", "VOILUTFunction": "SIGMOID"},
        {"WindowCenter": "500", "WindowWidth": "900", "RescaleSlope": "0.5", "RescaleIntercept": "-200"},
        {"signed": True, "WindowCenter": "-100", "WindowWidth": "1500"},
    ],
)
def test_windows_show_what_pydicom_shows(tmp_path: Path, attributes: dict[str, Any]) -> None:
    image = ramp(**attributes)
    assert np.abs(shown(tmp_path, image) - by_pydicom(image)).max() < 1e-5


def test_a_voi_table_shows_what_pydicom_shows(tmp_path: Path) -> None:
    image = ramp(VOILUTSequence=[lut(np.round(4095 * np.linspace(0, 1, 3000) ** 0.5), 500, 12)])
    found = shown(tmp_path, image)
    assert np.abs(found - by_pydicom(image)).max() < 1e-6
    assert found[0] == found[500] == 0
    assert found[-1] == 1


def test_a_modality_table_goes_before_the_window(tmp_path: Path) -> None:
    image = ramp(ModalityLUTSequence=[lut(np.arange(4096)[::-1] * 16)], WindowCenter="32768", WindowWidth="20000")
    image.ModalityLUTSequence[0].ModalityLUTType = "US"
    del image.RescaleSlope, image.RescaleIntercept
    assert np.abs(shown(tmp_path, image) - by_pydicom(image)).max() < 1e-5


def test_a_modality_table_alone_gives_its_entries_whole(tmp_path: Path) -> None:
    image = ramp(ModalityLUTSequence=[lut(np.arange(4096) * 3, bits=14)])
    del image.RescaleSlope, image.RescaleIntercept
    done = made(image, tmp_path, PLAIN)
    assert done.voxels.dtype == np.int16
    assert (done.voxels.ravel() == np.arange(4096) * 3).all()


def test_a_table_that_begins_below_zero_reads_its_first_value_as_signed(tmp_path: Path) -> None:
    image = ramp(signed=True, ModalityLUTSequence=[lut(np.arange(4096), first=-2048, bits=12)])
    del image.RescaleSlope, image.RescaleIntercept
    assert (made(image, tmp_path, PLAIN).voxels.ravel() == np.arange(4096)).all()


def test_monochrome1_is_turned_over_after_the_rescale(tmp_path: Path) -> None:
    image = ramp(PhotometricInterpretation="MONOCHROME1", RescaleSlope="2", RescaleIntercept="-100")
    done = made(image, tmp_path, PLAIN)
    assert (done.voxels.ravel() == (4095 * 2 - 100) - 2 * np.arange(4096)).all()
    assert done.step("load")["monochrome1_inverted"] is True


def test_monochrome1_is_turned_over_after_the_window(tmp_path: Path) -> None:
    image = ramp(WindowCenter="1000", WindowWidth="600")
    plain = shown(tmp_path / "a", image)
    image.PhotometricInterpretation = "MONOCHROME1"
    assert shown(tmp_path / "b", image) == pytest.approx(1 - plain)


def test_padding_becomes_the_darkest_value_of_either_polarity(tmp_path: Path) -> None:
    for polarity in ("MONOCHROME1", "MONOCHROME2"):
        image = ramp(PhotometricInterpretation=polarity, PixelPaddingValue=4095, WindowCenter="1000", WindowWidth="600")
        done = made(image, tmp_path / polarity, FLOAT)
        assert done.voxels.ravel()[4095] == 0
        assert done.step("load")["padding_pixels"] == 1


def test_bits_beyond_bits_stored_count_for_nothing(tmp_path: Path) -> None:
    image = ramp()
    image.PixelData = (np.arange(4096, dtype="<u2") | 0xF000).tobytes()
    assert (made(image, tmp_path, PLAIN).voxels.ravel() == np.arange(4096)).all()


def test_p_values_take_the_whole_range_of_the_type(tmp_path: Path) -> None:
    image = ramp(WindowCenter="2048", WindowWidth="4096")
    for depth, most in (("uint8", 255), ("uint16", 65535), ("auto", 65535)):
        done = made(image, tmp_path / depth, recipe(planar={"orient": False, "voi": "window"}, bit_depth=depth))
        assert (done.voxels.min(), done.voxels.max()) == (0, most)
        assert done.step("depth")["white"] == most


def test_an_image_that_asks_for_no_window_is_shown_over_its_own_range_and_says_so(tmp_path: Path) -> None:
    image = ramp(WindowCenter=None, WindowWidth=None, PixelPaddingValue=0)
    done = made(image, tmp_path, FLOAT)
    assert done.voxels.ravel()[[1, 4095]] == pytest.approx([0, 1])
    assert any("no window and no VOI LUT" in warning for warning in done.warnings)


def test_raw_detector_values_are_not_shown(tmp_path: Path) -> None:
    image = ramp(PresentationIntentType="FOR PROCESSING")
    with pytest.raises(Refused, match="FOR PROCESSING"):
        made(image, tmp_path / "a", FLOAT)
    assert made(image, tmp_path / "b", PLAIN).voxels.max() == 4095


def test_a_shape_that_contradicts_the_polarity_is_told(tmp_path: Path) -> None:
    done = made(ramp(PresentationLUTShape="INVERSE"), tmp_path, PLAIN)
    assert any("contradicts MONOCHROME2" in warning for warning in done.warnings)


@pytest.mark.parametrize(
    "broken",
    [
        {"LUTDescriptor": [4096, 0, 12], "LUTData": b"\0\0"},
        {"LUTDescriptor": [4096, 0], "LUTData": bytes(8192)},
        {"LUTDescriptor": [4096, 0, 40], "LUTData": bytes(8192)},
    ],
)
def test_a_damaged_table_is_refused(tmp_path: Path, broken: dict[str, Any]) -> None:
    table = item(**broken)
    table["LUTData"].VR = "OW"
    with pytest.raises(Refused) as refused:
        made(ramp(VOILUTSequence=[table]), tmp_path, FLOAT)
    assert refused.value.reason is Reason.MODALITY_LUT


def test_a_slope_of_nought_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Slope is 0"):
        made(ramp(RescaleSlope="0"), tmp_path, PLAIN)


def test_a_window_of_width_one_parts_two_values() -> None:
    assert windowed(np.array([[9.0, 10.0]], np.float32), 10, 1, "LINEAR").tolist() == [[0, 1]]


def test_unit_and_convention_are_on_record(tmp_path: Path) -> None:
    done: Made = made(ramp(RescaleType="OD", RescaleSlope="0.001"), tmp_path, PLAIN)
    assert done.image.volume.unit == "OD"
    assert done.step("load")["slope"] == 0.001
