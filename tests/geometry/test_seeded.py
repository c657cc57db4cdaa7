"""Defects seeded into a clean series as files: read back, each shows in the stacks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dqkit.geometry.stacks import stacks_of
from tests import dicom_defects as defects
from tests.dicom_factory import ct_localizer, ct_series, enhanced_ct, mr_series, pt_series, write
from tests.geometry.instances import read

Series = list[Any]


def stacks_from(series: Series, folder: Path) -> pl.DataFrame:
    write(series, folder / "north")
    return stacks_of(read(folder))


@pytest.mark.parametrize("make", [ct_series, mr_series, pt_series, enhanced_ct])
def test_clean_series(make: Callable[[], Series], tmp_path: Path):
    stacks = stacks_from(make(), tmp_path)
    assert stacks["verdict"].to_list() == ["OK"]
    assert stacks["slices_missing"].to_list() == [0]


@pytest.mark.parametrize(
    ("defect", "verdicts"),
    [
        (lambda s: defects.drop_slice(s, 4), ["MISSING"]),
        (lambda s: defects.duplicate_slice(s, 4), ["AMBIGUOUS"]),
        (lambda s: defects.duplicate_uid(s, 3, 4), ["OK"]),
        (lambda s: defects.shift_origin(s, 4, (5.0, 0.0, 0.0)), ["NOT_COLLINEAR"]),
        (lambda s: defects.shear(s, 12.0), ["SHEARED"]),
        (lambda s: defects.mix_orientation(s, 0), ["OK", "SINGLE"]),
        (lambda s: defects.insert_scout(s, ct_localizer()), ["OK", "SINGLE"]),
        (defects.flip_numbers, ["OK"]),
    ],
)
def test_seeded_defect(defect: Callable[[Series], Series], verdicts: list[str], tmp_path: Path):
    assert sorted(stacks_from(defect(ct_series()), tmp_path)["verdict"]) == verdicts


@pytest.mark.parametrize("factor", [1.2, 2.0, 0.5])
def test_a_step_that_changes_on_the_way_is_no_gap(factor: float, tmp_path: Path):
    stacks = stacks_from(ct_series(), tmp_path / "clean")
    step = stacks["slice_step_mm"][0]
    half = stacks["n_slices"][0] // 2
    stacks = stacks_from(defects.stretch(ct_series(), half, factor * step), tmp_path / "seeded")
    assert stacks["verdict"].to_list() == ["VARIABLE"]
    assert stacks["gap_after"].to_list() == [[]]


def test_echoes_b_values_and_times_fall_apart(tmp_path: Path):
    series = mr_series(echoes_ms=(10.0, 20.0), b_values=(0.0, 800.0), time_points=2)
    stacks = stacks_from(series, tmp_path)
    assert stacks["verdict"].to_list() == ["OK"] * 8
    assert not stacks["order_inferred"].any()
