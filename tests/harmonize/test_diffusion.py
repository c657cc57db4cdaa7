"""How a slice was weighted, by the headers of every maker, and by headers that say nonsense."""

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from dqkit.harmonize.diffusion import Gradient, gradient_of
from tests.dicom_exam import item, put, write
from tests.harmonize.solids import Scan, images_of, rotation, sphere
from tests.harmonize.weighted import (
    NONE,
    OBLIQUE,
    Tell,
    ge,
    philips,
    siemens,
    siemens_csa,
    source,
    standard,
    uih,
)

TURNED = Scan((4, 5), (2.0, 2.5), (0.0,), axes=rotation((20.0, -35.0, 50.0)))


def plain(**attributes: Any) -> Dataset:
    return images_of(sphere((0.0, 0.0, 0.0), 4.0), TURNED, "MR", **attributes)[0]


def read(folder: Path, image: Dataset, frame: int = 1) -> Gradient | None:
    (path,) = write([image], folder / str(len(list(folder.iterdir()))))  # the last header that was read is kept
    return gradient_of(source(path, frame, [float(v) for v in plain().ImageOrientationPatient]))


@pytest.mark.parametrize("tell", [standard, siemens, siemens_csa, philips, uih])
def test_makers_say_b_value_and_gradient_in_their_own_words(tell: Tell, tmp_path: Path) -> None:
    found = read(tmp_path, tell(plain(), 1000.0, OBLIQUE))
    assert found is not None
    assert found.b == 1000
    assert found.direction == pytest.approx(OBLIQUE, abs=1e-6)
    assert read(tmp_path, tell(plain(), 0.0, NONE)) == Gradient(0.0)
    assert read(tmp_path, tell(plain(), 1000.0, NONE)) == Gradient(1000.0)


def test_an_ordinary_image_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, plain()) is None


def test_the_gradient_of_ge_has_axes_that_nobody_can_tell(tmp_path: Path) -> None:
    assert read(tmp_path, ge(plain(), 1000.0, OBLIQUE)) == Gradient(1000.0)
    assert read(tmp_path, ge(plain(), 1000.0, NONE)) == Gradient(1000.0)
    told = read(tmp_path, standard(ge(plain(), 1000.0, OBLIQUE), 1000.0, (0.0, 0.0, 1.0)))
    assert told == Gradient(1000.0, (0.0, 0.0, 1.0))


@pytest.mark.parametrize("tell", [standard, siemens, ge])
def test_a_gradient_of_part_of_the_strength_leaves_the_b_value_open(tell: Tell, tmp_path: Path) -> None:
    half = (0.18, -0.24, 0.4)
    assert read(tmp_path, tell(plain(), 3000.0, half)) is None
    assert read(tmp_path, tell(plain(), 5.0, half)) == Gradient(5.0)


@pytest.mark.parametrize("maker", ["UIH", "Bruker BioSpin MRI GmbH"])
def test_makers_whose_standard_attribute_has_other_axes_are_not_believed(maker: str, tmp_path: Path) -> None:
    image = standard(plain(Manufacturer=maker), 1000.0, (0.0, 0.0, 1.0))
    assert read(tmp_path, image) == Gradient(1000.0)


def test_of_uih_the_private_gradient_counts(tmp_path: Path) -> None:
    image = uih(standard(plain(Manufacturer="UIH"), 1000.0, (0.0, 0.0, 1.0)), 1000.0, OBLIQUE)
    found = read(tmp_path, image)
    assert found is not None
    assert found.direction == pytest.approx(OBLIQUE)


@pytest.mark.parametrize("block", ["SOMEBODY ELSE", ""])
def test_private_elements_count_in_the_block_of_their_creator_alone(block: str, tmp_path: Path) -> None:
    image = siemens(plain(), 1000.0, OBLIQUE)
    image[0x0019, 0x0010].value = block
    assert read(tmp_path, image) is None


HOSTILE: Mapping[str, tuple[dict[str, Any], Gradient | None]] = {
    "b not finite": ({"DiffusionBValue": math.nan}, None),
    "b infinite": ({"DiffusionBValue": math.inf}, None),
    "b negative": ({"DiffusionBValue": -1000.0}, None),
    "b huge": ({"DiffusionBValue": 1e9}, None),
    "several b": ({"DiffusionBValue": [0.0, 1000.0]}, None),
    "no b": ({"DiffusionBValue": None}, None),
    "vector of two": ({"DiffusionGradientOrientation": [1.0, 0.0]}, Gradient(1000.0)),
    "vector of six": ({"DiffusionGradientOrientation": [1.0, 0.0, 0.0] * 2}, Gradient(1000.0)),
    "vector of one": ({"DiffusionGradientOrientation": 1.0}, Gradient(1000.0)),
    "vector not finite": ({"DiffusionGradientOrientation": [math.nan, 0.0, 1.0]}, Gradient(1000.0)),
    "vector huge": ({"DiffusionGradientOrientation": [1e308, 1e308, 1e308]}, None),
    "isotropic": ({"DiffusionDirectionality": "ISOTROPIC"}, Gradient(1000.0)),
    "none": ({"DiffusionDirectionality": "NONE"}, Gradient(1000.0)),
    "by the matrix": ({"DiffusionDirectionality": "BMATRIX"}, Gradient(1000.0, (0.0, 0.0, 1.0))),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_values_of_the_standard_are_taken_as_far_as_they_go(case: str, tmp_path: Path) -> None:
    attributes, expected = HOSTILE[case]
    assert read(tmp_path, put(standard(plain(), 1000.0, (0.0, 0.0, 1.0)), attributes)) == expected


@pytest.mark.parametrize("raw", [b"", b"\0" * 23, struct.pack("<2d", 1, 0), struct.pack("<3d", 1, 0, math.inf)])
def test_damaged_private_gradients_are_none(raw: bytes, tmp_path: Path) -> None:
    image = siemens(plain(), 1000.0, OBLIQUE)
    image.add_new((0x0019, 0x100E), "UN", raw)
    assert read(tmp_path, image) == Gradient(1000.0)


def test_a_damaged_csa_header_says_nothing(tmp_path: Path) -> None:
    image = siemens_csa(plain(), 1000.0, OBLIQUE)
    image[0x0029, 0x1010].value = image[0x0029, 0x1010].value[:90]
    assert read(tmp_path, image) is None


# --- enhanced objects ---


def weighting(b: float, gradient: tuple[float, ...] = (), **attributes: Any) -> Dataset:
    said = item(DiffusionBValue=b, **attributes)
    if gradient:
        said.DiffusionGradientDirectionSequence = [item(DiffusionGradientOrientation=list(gradient))]
    return said


def enhanced(*frames: Dataset, **attributes: Any) -> Dataset:
    groups = [item(MRDiffusionSequence=[frame]) for frame in frames]
    return plain(PerFrameFunctionalGroupsSequence=groups, NumberOfFrames=len(groups), **attributes)


def test_functional_groups_say_it_for_each_frame(tmp_path: Path) -> None:
    image = enhanced(
        weighting(0.0, DiffusionDirectionality="NONE"),
        weighting(1000.0, OBLIQUE, DiffusionDirectionality="DIRECTIONAL"),
        weighting(1000.0, (1.0, 0.0, 0.0), DiffusionDirectionality="ISOTROPIC"),
    )
    assert read(tmp_path, image, 1) == Gradient(0.0)
    second = read(tmp_path, image, 2)
    assert second is not None
    assert second.direction == pytest.approx(OBLIQUE)
    assert read(tmp_path, image, 3) == Gradient(1000.0)
    assert read(tmp_path, image, 4) is None


def test_what_all_frames_share_counts_for_each(tmp_path: Path) -> None:
    image = enhanced(weighting(1000.0))
    shared = item(MRDiffusionSequence=[weighting(2000.0, (0.0, 1.0, 0.0))])
    image.SharedFunctionalGroupsSequence = [shared]
    assert read(tmp_path, image) == Gradient(1000.0, (0.0, 1.0, 0.0))


def test_what_the_file_says_as_a_whole_does_not_count_for_its_frames(tmp_path: Path) -> None:
    image = siemens(standard(enhanced(weighting(700.0)), 1000.0, OBLIQUE), 1000.0, OBLIQUE)
    assert read(tmp_path, image) == Gradient(700.0)


def test_two_gradients_of_one_frame_are_none(tmp_path: Path) -> None:
    said = weighting(1000.0, OBLIQUE)
    said.DiffusionGradientDirectionSequence.append(item(DiffusionGradientOrientation=[1.0, 0.0, 0.0]))
    assert read(tmp_path, enhanced(said)) == Gradient(1000.0)
    empty = enhanced(weighting(1000.0))
    empty.PerFrameFunctionalGroupsSequence[0].MRDiffusionSequence = []
    assert read(tmp_path, empty) is None


# --- slices of one volume ---


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        (Gradient(1000.5, (1.0, 0.0, 0.0)), True),
        (Gradient(1002.0, (1.0, 0.0, 0.0)), False),
        (Gradient(1000.0, (math.cos(0.0015), math.sin(0.0015), 0.0)), True),
        (Gradient(1000.0, (math.cos(0.002), math.sin(0.002), 0.0)), False),
        (Gradient(1000.0, (-1.0, 0.0, 0.0)), False),
        (Gradient(1000.0), False),
    ],
)
def test_slices_are_alike_to_a_part_in_a_thousand_and_a_tenth_of_a_degree(other: Gradient, alike: bool) -> None:
    assert Gradient(1000.0, (1.0, 0.0, 0.0)).is_like(other) is alike
