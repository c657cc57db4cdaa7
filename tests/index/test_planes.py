"""How many orientations a series has, and what counts as a survey."""

from typing import Any

import polars as pl
import pytest

from dqkit.catalog.schema import INSTANCES, conform
from dqkit.index.planes import planes_of, with_surveys

AXIAL, CORONAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1]


def images(*cosines: list[float] | None, **more: Any) -> pl.DataFrame:
    rows = [
        {"series_key": "s", "status": "dicom", "Modality": "MR", "ImageOrientationPatient": one, **more}
        for one in cosines
    ]
    schema = {name: INSTANCES[name] for name in rows[0]}
    return conform(pl.DataFrame(rows, schema=schema), INSTANCES)


def told(frame: pl.DataFrame) -> list[tuple[int, bool]]:
    return planes_of(frame).select("n_orientations", "is_survey").rows()


def test_three_perpendicular_planes_of_a_short_mr_series_are_a_survey() -> None:
    survey = images(*[AXIAL] * 3, *[CORONAL] * 4, *[SAGITTAL] * 4)
    assert told(survey) == [(3, True)]
    marked = with_surveys(survey, planes_of(survey))
    assert marked["is_localizer"].all()
    assert survey["is_localizer"].null_count() == survey.height


@pytest.mark.parametrize(
    ("frame", "number"),
    [
        (images(*[AXIAL] * 5), 1),
        (images(AXIAL, CORONAL), 2),
        (images(AXIAL, CORONAL, [0.7071, 0.7071, 0, 0, 0, -1]), 3),
        (images(AXIAL, CORONAL, SAGITTAL, Modality="CT"), 3),
        (images(*[AXIAL, CORONAL, SAGITTAL] * 20), 3),
    ],
)
def test_other_series_are_none(frame: pl.DataFrame, number: int) -> None:
    assert told(frame) == [(number, False)]
    assert with_surveys(frame, planes_of(frame)).equals(frame)


def test_no_rounding_boundary_makes_two_orientations_of_one() -> None:
    lean = [[1.0, 0.0, 0.0, 0.0, 0.9949 + k * 1e-5, 0.1] for k in range(30)]
    assert told(images(*lean)) == [(1, False)]


def test_images_without_six_cosines_and_localizers_do_not_count() -> None:
    assert told(images(None, [1, 0, 0])) == []
    assert told(images(AXIAL, CORONAL, is_localizer=True)) == []
    assert told(images(AXIAL, [float("nan")] * 6)) == [(2, False)]
