"""A structure that an RTSTRUCT or SEG marks is what a step measures, on the grid that the image was brought to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dqkit.harmonize.image import HarmonizedImage, LabelFile
from dqkit.harmonize.one_image import Task, harmonized
from dqkit.harmonize.plan import PlannedImage
from dqkit.harmonize.refusal import Refused
from tests.dicom_exam import Grid, write
from tests.dicom_factory import ct_series
from tests.harmonize.solids import recipe, stack_of
from tests.labels.shapes import SPHERE, Marked, centres, contour, contours_of, rtstruct, saved, seg
from tests.labels.shapes import stack_of as labelled

SERIES = ct_series(grid=Grid(n=20, rows=48, columns=48, spacing_mm=(1.5, 1.5), step_mm=2.5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CT, and its liver as an RTSTRUCT and as a SEG."""
    folder = tmp_path_factory.mktemp("structure")
    write(SERIES, folder / "ct")
    drawn = {"Liver": [contour(points, image) for image, points in contours_of(SERIES, SPHERE)]}
    saved(rtstruct(SERIES, drawn), folder, "rtstruct.dcm")
    saved(seg(SERIES, [Marked(SPHERE.holds(centres(labelled(SERIES).planes)))]), folder, "seg.dcm")
    return folder


def scored(folder: Path, kind: str, mask: str) -> HarmonizedImage:
    how = recipe(
        "ct-1mm-iso", spacing={"mm": 2}, bit_depth="float32", intensity=[{"z_score": {"mask": mask, "on_hu": True}}]
    )
    stack = stack_of(sorted((folder / "ct").iterdir()), SERIES)
    label = LabelFile("l" * 20, bytes(folder / f"{kind.lower()}.dcm"), kind)
    planned = PlannedImage("i" * 20, "out", ("s",), None, ("orient", "resample", "intensity"), modality="CT")
    return harmonized(Task(planned, (replace(stack, modality="CT"),), how, {}, (label,)), lambda warning: None)


@pytest.mark.parametrize("kind", ["RTSTRUCT", "SEG"])
def test_a_z_score_is_that_of_the_liver(folder: Path, kind: str) -> None:
    volume = scored(folder, kind, "liver").volume
    slices, rows, columns = np.indices(volume.voxels.shape)
    index = np.stack([columns, rows, slices, np.ones_like(rows)], axis=-1)
    inside = SPHERE.holds((index @ volume.affine.T)[..., :3])
    assert volume.voxels[inside].mean(dtype=np.float64) == pytest.approx(0, abs=0.15)
    assert volume.voxels[inside].std(dtype=np.float64) == pytest.approx(1, abs=0.15)
    told = volume.steps[-2].parameters["mask"]
    assert told["structure"] == "liver"
    assert told["voxels"] == pytest.approx(inside.sum(), rel=0.05)


def test_a_structure_that_nobody_marked_refuses_the_image(folder: Path) -> None:
    with pytest.raises(Refused, match="no label marks heart on the image"):
        scored(folder, "SEG", "heart")
