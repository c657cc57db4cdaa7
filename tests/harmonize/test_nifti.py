"""NIfTI files: two affines that agree, units, and the same bytes every time."""

import gzip
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.nifti import header_of, write
from dqkit.harmonize.refusal import Refused
from dqkit.harmonize.volume import Volume
from tests.harmonize.solids import recipe, rotation

SHAPES = [(3, 4, 5), (2, 3, 4, 5), (1, 1, 1)]
KINDS = ["int16", "uint16", "uint8", "int32", "float32", "float64"]


def image(shape=(3, 4, 5), kind: str = "int16", compression: int = 1, angles=(20, 30, 40)) -> HarmonizedImage:
    affine = np.eye(4)
    affine[:3, :3] = rotation(angles) * (0.7, 0.8, 3.3)
    affine[:3, 3] = (-120.5, 33.25, 7.125)
    voxels = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    return HarmonizedImage(Volume(voxels, affine), (), (), None, recipe(output={"compression": compression}), "a/b")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_voxels_come_back_in_their_place(tmp_path: Path, shape: tuple[int, ...], kind: str) -> None:
    one = image(shape, kind)
    (path,) = write(one, tmp_path)
    read = nibabel.load(path)
    assert path == tmp_path / "a" / "b.nii.gz"
    assert read.get_data_dtype() == np.dtype(kind)
    assert np.array_equal(np.asarray(read.dataobj).T, one.volume.voxels)
    assert read.header.get_xyzt_units() == ("mm", "sec" if len(shape) == 3 else "unknown")


@given(st.tuples(*[st.floats(-180, 180)] * 3))
def test_sform_and_qform_agree(angles) -> None:
    one = image(angles=angles)
    header = nibabel.Nifti1Header(header_of(one.volume)[:348])
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
    assert header.get_sform() == pytest.approx(one.volume.affine_ras, abs=1e-4)
    # Next to half a turn, a quaternion in single precision is good to 0.04 degrees: the format's own limit
    assert header.get_qform() == pytest.approx(header.get_sform(), abs=4e-3)


def test_a_sheared_affine_stands_in_the_sform_alone() -> None:
    affine = np.eye(4)
    affine[1, 2] = 0.3
    header = nibabel.Nifti1Header(header_of(Volume(np.zeros((2, 2, 2), np.int16), affine))[:348])
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 0)
    assert header.get_sform()[1, 2] == pytest.approx(-0.3)


@pytest.mark.parametrize("compression", [0, 1, 3])
def test_the_same_image_gives_the_same_bytes_without_time_or_name(tmp_path: Path, compression: int) -> None:
    one = image(compression=compression)
    first = write(one, tmp_path / "x")[0].read_bytes()
    second = write(one, tmp_path / "longer name")[0].read_bytes()
    assert first == second
    if compression:
        assert first[3] & 0x08 == 0  # RFC 1952: no file name …
        assert first[4:8] == bytes(4)  # … and no time
        assert len(gzip.decompress(first)) == 352 + one.volume.voxels.nbytes


def test_the_voxels_begin_where_the_header_says(tmp_path: Path) -> None:
    data = write(image(compression=0), tmp_path)[0].read_bytes()
    assert np.frombuffer(data[108:112], "<f4")[0] == 352
    assert np.frombuffer(data[352:], "<i2").tolist() == list(range(60))


def test_views_that_are_turned_over_are_written_as_they_look(tmp_path: Path) -> None:
    one = image(compression=0)
    turned = replace(one, volume=replace(one.volume, voxels=one.volume.voxels[::-1, :, ::-1]))
    read = nibabel.load(write(turned, tmp_path)[0])
    assert np.array_equal(np.asarray(read.dataobj).T, turned.volume.voxels)


def test_more_voxels_than_nifti_counts_are_refused() -> None:
    with pytest.raises(Refused, match="32767"):
        header_of(Volume(np.zeros((1, 1, 40_000), np.uint8), np.eye(4)))


def at(*places: int) -> tuple[dict[str, str], ...]:
    return tuple({"TemporalPositionIdentifier": str(place)} for place in places)


EVEN = {"time_step_s": 2.5, "time_span_s": 10.0, "n_time_points": 5}
STEPS: dict[str, tuple[tuple[dict[str, str], ...], dict[str, float], float | None]] = {
    "numbered": (at(1, 2, 3, 4, 5), EVEN, 2.5),
    "told apart by when, which is not shown": (({},) * 5, EVEN, 2.5),
    "echoes": (({"EchoTime": "5"}, {"EchoTime": "10"}) * 2, EVEN, None),
    "no times": ((), EVEN, None),
    "nothing says when": (at(1, 2, 3, 4, 5), {}, None),
    "a number is missing": (at(1, 2, 4, 5, 6), EVEN, None),
    "a volume of the series is not in the image": (at(1, 2, 3, 4), EVEN, None),
    "a pause": (({},) * 5, EVEN | {"time_span_s": 12.5}, None),
}


@pytest.mark.parametrize("case", STEPS)
def test_the_fourth_axis_counts_seconds_where_it_is_evenly_spaced_time(tmp_path: Path, case: str) -> None:
    times, series, step = STEPS[case]
    header = nibabel.load(write(replace(image((2, 3, 4, 5)), times=times, series=series), tmp_path)[0]).header
    assert (header.get_zooms()[3], header.get_xyzt_units()[1]) == ((step, "sec") if step else (1.0, "unknown"))
