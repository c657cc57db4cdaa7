"""Functional groups: geometry of each frame, and what all frames share."""

import io

import pydicom
import pytest
from pydicom.dataset import Dataset

from dqkit.archive.multiframe import read_frames, sole_values
from tests.archive.test_walker import item, written
from tests.dicom_factory import enhanced_ct


def frame(z: float, *, stack: str = "1", echo: float | None = None, b_value: float | None = None) -> Dataset:
    groups = item(
        PlanePositionSequence=[item(ImagePositionPatient=[0, 0, z])],
        FrameContentSequence=[item(StackID=stack, InStackPositionNumber=1)],
    )
    if echo is not None:
        groups.MREchoSequence = [item(EffectiveEchoTime=echo)]
    if b_value is not None:
        groups.MRDiffusionSequence = [item(DiffusionBValue=b_value)]
    return groups


def enhanced(*frames: Dataset, **shared: object) -> Dataset:
    orientation = [item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
    common = item(PlaneOrientationSequence=orientation, **shared)
    return reread(item(SharedFunctionalGroupsSequence=[common], PerFrameFunctionalGroupsSequence=list(frames)))


def reread(dataset: Dataset) -> Dataset:
    """Return a data set as it comes from a file: with raw values."""
    return pydicom.dcmread(io.BytesIO(written(dataset)))


def test_every_frame_has_its_position_and_the_shared_orientation() -> None:
    frames = read_frames(enhanced(frame(0), frame(2.5), frame(5)))
    assert frames is not None
    assert frames.positions == [0, 0, 0, 0, 0, 2.5, 0, 0, 5]
    assert frames.orientations == [1, 0, 0, 0, 1, 0] * 3
    assert frames.groups == ["", "", ""]


def test_groups_tell_volumes_apart_by_what_varies() -> None:
    frames = read_frames(enhanced(frame(0, echo=10, b_value=0), frame(0, echo=10, b_value=800)))
    assert frames is not None
    assert frames.groups == ["DiffusionBValue=0", "DiffusionBValue=800"]


def test_a_frame_without_a_position_leaves_none() -> None:
    frames = read_frames(enhanced(frame(0), item(FrameContentSequence=[item(StackID="1")])))
    assert frames is not None
    assert frames.positions is None
    assert len(frames.groups) == 2


def test_what_all_frames_share_stands_for_the_ordinary_attributes() -> None:
    sole = sole_values(
        enhanced(
            frame(0, echo=12.5),
            frame(2, echo=12.5),
            PixelMeasuresSequence=[item(PixelSpacing=[0.5, 0.5], SliceThickness=2)],
        )
    )
    assert sole["PixelSpacing"].strip() == b"0.5\\0.5"
    assert float(sole["SliceThickness"]) == 2
    assert sole["EchoTime"] == b"12.5"
    assert "ImagePositionPatient" not in sole


def test_what_varies_between_frames_is_not_sole() -> None:
    assert "EffectiveEchoTime" not in sole_values(enhanced(frame(0, echo=10), frame(2, echo=20)))
    assert "EffectiveEchoTime" not in sole_values(enhanced(frame(0, echo=10), frame(2)))


def test_an_ordinary_image_has_no_frames() -> None:
    assert read_frames(item(Modality="CT")) is None


def test_a_whole_object_is_read() -> None:
    (made,) = enhanced_ct()
    dataset = reread(made)
    frames = read_frames(dataset)
    assert frames is not None
    assert len(frames.groups) == dataset.NumberOfFrames
    assert frames.positions is not None
    steps = {round(b - a, 4) for a, b in zip(frames.positions[2::3], frames.positions[5::3], strict=False)}
    assert len(steps) == 1


@pytest.mark.parametrize("value", ["a\\b\\c", "1\\2", ""])
def test_positions_that_are_no_three_numbers_are_none(value: str) -> None:
    broken = enhanced(frame(0))
    broken.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0] = Dataset()
    broken.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].add_new(0x00200032, "LO", value)
    frames = read_frames(broken)
    assert frames is not None
    assert frames.positions is None
