"""Derived radiographs and mammograms: pixels and spacings in proportion, polarity told, found without error."""

from pathlib import Path

import numpy as np
import pytest

from dqkit.harmonize.derived.write import write
from dqkit.harmonize.refusal import Reason, Refused
from tests.dicom_exam import put
from tests.dicom_factory import cr_image, fundus_image, mg_study
from tests.harmonize.derived.made import derived, faults, plane_of
from tests.harmonize.solids import recipe

KEPT = {"takes": "images", "bit_depth": "uint16", "planar": {"orient": False}}
TURNED = KEPT | {"planar": {"orient": True, "chest_wall": "left"}}


def one(made):
    return made[0] if isinstance(made, list) else made


def test_a_mammogram_keeps_its_class_pixels_and_view(tmp_path):
    source = one(mg_study())
    (image,) = derived(plane_of(source, tmp_path, recipe(**KEPT)), tmp_path)
    assert image.SOPClassUID == source.SOPClassUID
    assert (image.pixel_array == source.pixel_array).all()
    assert image.ImagerPixelSpacing == source.ImagerPixelSpacing
    assert image.ViewCodeSequence == source.ViewCodeSequence
    assert (image.RescaleSlope, image.RescaleIntercept, image.PresentationLUTShape) == (1, 0, "IDENTITY")
    assert image.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID


@pytest.mark.dciodvfy
@pytest.mark.parametrize("make", [lambda: one(mg_study()), lambda: one(cr_image())])
@pytest.mark.parametrize("how", [KEPT, TURNED | {"spacing": {"mm": [0.3, 0.3, "keep"]}},
                                 TURNED | {"planar": {"voi": "window"}, "bit_depth": "auto"}])  # fmt: skip
def test_dciodvfy_finds_no_error(tmp_path, make, how):
    image = plane_of(make(), tmp_path, recipe(**how))
    series = derived(image, tmp_path)
    assert faults(series) == []
    assert [path.read_bytes() for path in write(image, tmp_path / "again")] == [Path(series[0].filename).read_bytes()]


def test_spacings_change_as_pixels_do(tmp_path):
    source = put(one(cr_image()), {"ImagerPixelSpacing": ["0.2", "0.2"], "PixelSpacing": ["0.1", "0.1"]})
    (image,) = derived(plane_of(source, tmp_path, recipe(**KEPT, spacing={"mm": [0.3, 0.4, "keep"]})), tmp_path)
    # The recipe's columns come first, DICOM's rows
    assert [float(v) for v in image.PixelSpacing] == pytest.approx([0.4, 0.3])
    assert [float(v) for v in image.ImagerPixelSpacing] == pytest.approx([0.8, 0.6])
    assert image.pixel_array.shape == tuple(np.ceil(np.array(source.pixel_array.shape) / [4, 3]).astype(int))


def test_values_that_a_mammogram_cannot_hold_are_refused_with_what_to_do(tmp_path):
    image = plane_of(one(mg_study()), tmp_path, recipe(**KEPT | {"bit_depth": "float32", "spacing": {"mm": 0.3}}))
    with pytest.raises(Refused) as caught:
        write(image, tmp_path)
    assert caught.value.reason == Reason.DICOM_CLASS
    assert "uint16" in caught.value.detail


def test_a_mammogram_that_is_turned_says_how_it_lies_now(tmp_path):
    source = put(one(mg_study()), {"ImagerPixelSpacing": ["0.2", "0.1"]})
    (image,) = derived(plane_of(source, tmp_path, recipe(**TURNED)), tmp_path)
    assert source.PatientOrientation[0] == "P"
    assert image.PatientOrientation[0] == "A"
    assert (image.pixel_array == np.fliplr(source.pixel_array)).all()
    assert [float(v) for v in image.ImagerPixelSpacing] == [0.2, 0.1]
    assert image.ImageLaterality == source.ImageLaterality


def test_spacings_change_places_where_rows_become_columns(tmp_path):
    source = put(one(cr_image()), {"ImagerPixelSpacing": ["0.2", "0.1"], "PatientOrientation": ["F", "L"]})
    (image,) = derived(plane_of(source, tmp_path, recipe(**KEPT | {"planar": {"orient": True}})), tmp_path)
    assert list(image.PatientOrientation) == ["L", "F"]
    assert [float(v) for v in image.ImagerPixelSpacing] == pytest.approx([0.1, 0.2])
    assert image.pixel_array.shape == source.pixel_array.shape[::-1]


def test_polarity_that_is_turned_over_is_told(tmp_path):
    source = put(one(mg_study()), {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE",
                                   "PixelIntensityRelationshipSign": 1})  # fmt: skip
    (image,) = derived(plane_of(source, tmp_path, recipe(**KEPT)), tmp_path)
    assert (image.PhotometricInterpretation, image.PresentationLUTShape) == ("MONOCHROME2", "IDENTITY")
    assert image.PixelIntensityRelationshipSign == -1
    assert (image.pixel_array == (1 << source.BitsStored) - 1 - source.pixel_array).all()


def test_what_is_already_as_shown_is_shown_whole(tmp_path):
    how = KEPT | {"planar": {"orient": False, "voi": "window"}, "bit_depth": "auto"}
    (image,) = derived(plane_of(one(mg_study()), tmp_path, recipe(**how)), tmp_path)
    assert (image.WindowCenter, image.WindowWidth) == (32768, 65536)
    assert "VOILUTSequence" not in image


@pytest.mark.dciodvfy
@pytest.mark.parametrize(
    "how", [{"bit_depth": "auto"}, {"bit_depth": "uint8", "planar": {"crop": "circle", "size": 128}}]
)
def test_a_photograph_keeps_its_colours(tmp_path, how):
    source = one(fundus_image())
    (image,) = derived(plane_of(source, tmp_path, recipe(takes="images", **how)), tmp_path)
    assert (image.PhotometricInterpretation, image.SamplesPerPixel, image.BitsAllocated) == ("RGB", 3, 8)
    assert faults([image]) == []
    if "planar" not in how:
        assert (image.pixel_array == source.pixel_array).all()
    assert "WindowCenter" not in image
