"""Derived series: read back exactly, found without error by dciodvfy, the same bytes twice, nothing stale."""

from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom.dataset import Dataset

from dqkit.harmonize.derived.write import write
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.refusal import Reason, Refused
from tests.dicom_exam import Grid, put
from tests.dicom_factory import SOMEBODY, ct_series, enhanced_ct, mr_series, pt_series
from tests.harmonize.derived.made import affine_of, derived, faults, image_of, values_of
from tests.harmonize.solids import recipe

SMALL = Grid(n=7, rows=24, columns=20, spacing_mm=(6.0, 5.5), step_mm=5.0)
TILTED = Grid(n=7, rows=24, columns=20, spacing_mm=(6.0, 5.5), step_mm=5.0, tilt_deg=15)
OBLIQUE = Grid(n=7, rows=24, columns=20, spacing_mm=(6.0, 5.5), step_mm=5.0, plane="oblique")
CASES = {
    "ct as acquired": (lambda: ct_series(grid=SMALL), {}),
    "ct siemens as acquired": (lambda: ct_series(grid=OBLIQUE, exam=_of("siemens")), {}),
    "ct tilted": (lambda: ct_series(grid=TILTED), {}),
    "ct tilt kept": (lambda: ct_series(grid=TILTED), {"policy": {"tilt": "off"}}),
    "ct 4 mm": (lambda: ct_series(grid=SMALL), {"spacing": {"mm": 4}, "bit_depth": "int16"}),
    "ct in float": (lambda: ct_series(grid=OBLIQUE), {"spacing": {"mm": 7}, "bit_depth": "float32"}),
    "ct coronal": (lambda: ct_series(grid=SMALL), {"orientation": {"axes": "LSA"}}),
    "mr as acquired": (lambda: mr_series(grid=OBLIQUE), {}),
    "mr in float": (lambda: mr_series(grid=SMALL), {"spacing": {"mm": 4}}),
    "pt as acquired": (lambda: pt_series(grid=SMALL), {}),
    "pt 4 mm": (lambda: pt_series(grid=SMALL), {"spacing": {"mm": 4}}),
}


def _of(vendor: str):
    from dataclasses import replace

    return replace(SOMEBODY, vendor=vendor)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[HarmonizedImage, list[Dataset], Path]]:
    """Return case -> image, derived series as read back, folder."""
    found = {}
    for name, (make, how) in CASES.items():
        folder = tmp_path_factory.mktemp("derived")
        image = image_of(make(), folder, recipe(**how))
        found[name] = image, derived(image, folder), folder
    return found


@pytest.mark.parametrize("name", CASES)
def test_voxels_and_places_come_back(cases, name):
    image, series, _ = cases[name]
    values, volume = values_of(series), image.volume
    if volume.voxels.dtype.kind == "i":
        assert (values == volume.voxels).all()
    else:
        assert np.abs(values - volume.voxels).max() <= float(series[0].RescaleSlope) * 0.5001
    assert np.abs(affine_of(series) - volume.affine).max() < 1e-9
    assert [one.InstanceNumber for one in series] == list(range(1, len(series) + 1))


@pytest.mark.parametrize("name", [name for name in CASES if name != "ct tilt kept"])
def test_highdicom_reads_the_same_volume(cases, name):
    image, series, _ = cases[name]
    theirs = highdicom.get_volume_from_series(series)
    wanted = values_of(series)
    place = np.linalg.inv(image.volume.affine) @ theirs.affine[:, [2, 1, 0, 3]]  # theirs counts slices first
    ours = np.rint(place[:3, :3]).astype(int)
    assert np.abs(place[:3, :3] - ours).max() < 1e-6
    flips = [slice(None, None, int(ours[i, i])) for i in (2, 1, 0)]
    assert (theirs.array == wanted[tuple(flips)]).all()


@pytest.mark.dciodvfy
@pytest.mark.parametrize("name", CASES)
def test_dciodvfy_finds_no_error(cases, name):
    series = cases[name][1]
    assert faults([series[0], series[-1]]) == []


@pytest.mark.parametrize("name", CASES)
def test_the_same_image_gives_the_same_bytes(cases, name, tmp_path):
    image, series, _ = cases[name]
    again = write(image, tmp_path)
    assert [path.read_bytes() for path in again] == [Path(one.filename).read_bytes() for one in series]


def test_who_and_where_stay_and_series_and_images_are_new(cases):
    source, (_, series, _) = ct_series(grid=SMALL)[0], cases["ct as acquired"]
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName", "AccessionNumber",
                    "Manufacturer", "ConvolutionKernel", "KVP"):  # fmt: skip
        assert series[0].get(keyword) == source.get(keyword), keyword
    uids = {one.SOPInstanceUID for one in series}
    assert len(uids) == len(series)
    assert {one.SeriesInstanceUID for one in series} == {series[0].SeriesInstanceUID}
    assert series[0].SeriesInstanceUID != source.SeriesInstanceUID
    assert all(uid.startswith("2.25.") for uid in uids | {series[0].SeriesInstanceUID})
    assert series[0].SeriesNumber == source.SeriesNumber + 5000


def test_another_recipe_gives_other_uids(cases):
    assert cases["ct as acquired"][1][0].SeriesInstanceUID != cases["ct 4 mm"][1][0].SeriesInstanceUID


def test_a_derived_image_says_so(cases):
    image, series, _ = cases["ct 4 mm"]
    one = series[3]
    assert list(one.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
    assert [code.CodeValue for code in one.DerivationCodeSequence] == ["113085"]
    assert image.recipe.name in one.DerivationDescription
    assert image.recipe.sha256[:16] in one.DerivationDescription
    modified = one.ContributingEquipmentSequence[-1]
    assert modified.PurposeOfReferenceCodeSequence[0].CodeValue == "109103"
    named = {item.ReferencedSOPInstanceUID for item in one.SourceImageSequence}
    assert named == {image.sources[given.source].sop_instance_uid for given in image.made_of[3]}


def test_pet_images_have_the_one_second_value_they_may_have(cases):
    assert list(cases["pt 4 mm"][1][0].ImageType) == ["DERIVED", "PRIMARY"]


def test_what_a_scanner_wrote_of_its_pixels_is_not_carried_over(tmp_path):
    stale = {
        "SpacingBetweenSlices": "1.25", "GantryDetectorTilt": "12", "SliceLocation": "7", "ImageComments": "by hand",
        "PixelAspectRatio": ["1", "2"], "SmallestImagePixelValue": 3, "PixelPaddingValue": -2000,
        "ReconstructionDiameter": "360", "PixelIntensityRelationship": "LIN",
    }  # fmt: skip
    images = [_with_private(put(image, stale)) for image in ct_series(grid=SMALL)]
    series = derived(image_of(images, tmp_path, recipe(spacing={"mm": 4})), tmp_path)
    for keyword in stale:
        assert keyword not in series[0] or keyword == "SpacingBetweenSlices", keyword
    assert float(series[0].SpacingBetweenSlices) == 4
    assert not any(element.tag.is_private for element in series[0].iterall())


def _with_private(image: Dataset) -> Dataset:
    block = image.private_block(0x0019, "SOMEBODY", create=True)
    block.add_new(0x01, "LO", "secret")
    return image


def test_slices_between_thick_ones_are_not_called_thin(cases, tmp_path):
    thick = [put(image, {"SliceThickness": "8"}) for image in ct_series(grid=SMALL)]
    series = derived(image_of(thick, tmp_path, recipe(spacing={"mm": 1})), tmp_path)
    assert float(series[0].SliceThickness) == 8
    assert float(series[0].SpacingBetweenSlices) == 1
    assert float(cases["ct in float"][1][0].SliceThickness) == 7


def test_attributes_on_which_sources_differ_are_left_out_or_empty(tmp_path):
    images = ct_series(grid=SMALL)
    for i, image in enumerate(images):
        image.XRayTubeCurrent, image.AcquisitionNumber = 200 + i, i
    series = derived(image_of(images, tmp_path, recipe()), tmp_path)
    assert "XRayTubeCurrent" not in series[0]
    assert series[0].AcquisitionNumber is None


def test_pet_slices_keep_the_times_of_the_slice_that_they_stand_at(tmp_path):
    images = pt_series(grid=SMALL)
    for i, image in enumerate(images):
        image.FrameReferenceTime, image.DecayFactor = str(1000 * i), str(1 + i / 10)
    series = derived(image_of(images, tmp_path, recipe(orientation={"axes": "LPI"})), tmp_path)
    assert [float(one.FrameReferenceTime) for one in series] == [6000, 5000, 4000, 3000, 2000, 1000, 0]
    assert [one.ImageIndex for one in series] == list(range(1, 8))


def test_one_lossy_source_makes_the_whole_lossy(tmp_path):
    images = ct_series(grid=SMALL)
    put(images[3], {"LossyImageCompression": "01", "BurnedInAnnotation": "YES"})
    series = derived(image_of(images, tmp_path, recipe()), tmp_path)
    assert {one.LossyImageCompression for one in series} == {"01"}
    assert {one.BurnedInAnnotation for one in series} == {"YES"}


@pytest.mark.filterwarnings("ignore:The value length")
def test_values_that_break_their_vr_are_left_out_unless_they_say_whose_the_image_is(tmp_path):
    images = ct_series(grid=SMALL)
    for image in images:
        image.add_new("StationName", "SH", "x" * 40)
        image.add_new("PatientID", "LO", "y" * 80)
    series = derived(image_of(images, tmp_path, recipe()), tmp_path)
    assert "StationName" not in series[0]
    assert series[0].PatientID == "y" * 80


def test_windows_stay_where_values_mean_what_they_did(cases):
    assert (cases["ct 4 mm"][1][0].WindowCenter, cases["ct 4 mm"][1][0].WindowWidth) == (40, 400)
    pet = cases["pt 4 mm"][1]
    assert {one.WindowCenter for one in pet} == {pet[0].WindowCenter}


def test_an_enhanced_image_becomes_single_frames(tmp_path):
    from dqkit.harmonize.stack import Stack
    from tests.dicom_exam import write as write_source
    from tests.harmonize.solids import made, source_file

    (image,) = enhanced_ct(grid=SMALL)
    (path,) = write_source([image], tmp_path)
    file = source_file(path, image)
    stack = Stack("s", "CT", "frames", (file,) * SMALL.n, tuple(range(1, SMALL.n + 1)), thickness_mm=5.0)
    harmonized = made(stack, recipe())
    series = derived(harmonized, tmp_path)
    assert series[0].SOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
    assert (values_of(series) == harmonized.volume.voxels).all()
    assert "ReferencedFrameNumber" not in series[0].SourceImageSequence[0]
    assert series[4].SourceImageSequence[0].ReferencedFrameNumber == 5
    assert faults(series[:1]) == []


def test_a_class_without_a_derived_form_is_refused(tmp_path):
    images = [put(image, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}) for image in ct_series(grid=SMALL)]
    with pytest.raises(Refused) as caught:
        write(image_of(images, tmp_path, recipe()), tmp_path)
    assert caught.value.reason == Reason.DICOM_CLASS
