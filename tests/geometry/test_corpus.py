"""Real series of many scanners, against what another script measured in them."""

from pathlib import Path

import polars as pl
import pytest

from dqkit.geometry.stacks import stacks_of
from tests.geometry.instances import read

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def instances(corpus: Path) -> pl.DataFrame:
    return read(corpus)


@pytest.fixture(scope="module")
def stacks(instances: pl.DataFrame) -> pl.DataFrame:
    folders = instances.group_by("series_key").agg(pl.col("folder").first())
    return stacks_of(instances).join(folders, on="series_key")


def of(stacks: pl.DataFrame, folder: str) -> pl.DataFrame:
    found = stacks.filter(pl.col("folder").str.ends_with(folder))
    assert found.height, folder
    return found


@pytest.mark.parametrize(
    ("folder", "missing"),
    [
        ("failing/sliceincrement/001", 1),
        ("failing/sliceincrement/002", 1),
        ("77654033/CT2", 161),
    ],
)
def test_gaps(stacks, folder, missing):
    stack = of(stacks, folder).row(0, named=True)
    assert (stack["verdict"], stack["slices_missing"], len(stack["gap_after"])) == ("MISSING", missing, 1)


@pytest.mark.parametrize(
    ("folder", "tilt_deg"),
    [("failing/gantrytilting/001", 14.0), ("failing/sliceincrement/002", 15.5), ("S21610/S2010", 18.5)],
)
def test_tilts(stacks, folder, tilt_deg):
    assert of(stacks, folder)["tilt_deg"].to_list() == [pytest.approx(tilt_deg, abs=0.05)]


def test_thin_and_thick_slices_of_a_tilted_head(stacks):
    two = of(stacks, "dcm_qa_ct/In/GE").sort("SliceThickness")
    assert two["verdict"].to_list() == ["SHEARED", "SHEARED"]
    assert two["SliceThickness"].to_list() == [4.0, 7.0]
    assert two["slice_step_mm"].to_list() == [pytest.approx(4.002, abs=1e-3), pytest.approx(6.999, abs=1e-3)]
    assert two["tilt_deg"].to_list() == [pytest.approx(18.5, abs=0.05)] * 2


@pytest.mark.parametrize(
    ("folder", "orientations"),
    [("abd1.zip.d", 3), ("failing/sliceorientation/001", 2), ("98892003/MR700", 7)],
)
def test_orientations(stacks, folder, orientations):
    found = of(stacks, folder)
    assert found.height == orientations
    assert all("ImageOrientationPatient" in by for by in found["split_by"])


@pytest.mark.parametrize(
    ("folder", "n", "slices", "by"),
    [
        ("In/20180918GE/mr_0004", 10, 15, ["InstanceNumber"]),
        ("Magdeburg_2014/fmri", 3, 9, ["TemporalPositionIdentifier"]),
        ("neurolabusc__dcm_qa_agfa/Siemens", 4, 25, None),
    ],
)
def test_time_series(stacks, folder, n, slices, by):
    found = of(stacks, folder)
    assert found["n_slices"].to_list() == [slices] * n
    assert set(found["verdict"]) == {"OK"}
    assert by is None or found["split_by"].to_list() == [by] * n


def test_diffusion_volumes(stacks):
    found = of(stacks, "601_WIP_dti_ax")
    assert found["n_slices"].to_list() == [40] * 17
    assert set(found["verdict"]) == {"OK"}


def test_uneven_repeats_are_copies_or_echoes_of_unequal_size(stacks):
    assert of(stacks, "701-ADCb500")["n_slices"].to_list() == [20]
    assert of(stacks, "failing/slicecount/001")["n_slices"].to_list() == [4]
    echoes = of(stacks, "2D_16Echo_qT2")
    assert sorted(echoes["n_slices"]) == [2, 2, 3]
    assert set(echoes["split_by"].explode()) == {"EchoNumbers"}


@pytest.mark.parametrize("folder", ["siemens/fmri/001", "20180918Si/mr_0003", "dti_tra_dir16_AP_SaveBySlc__140028"])
def test_volumes_in_one_image_raise_no_fault(stacks, folder):
    assert set(of(stacks, folder)["verdict"]) == {"OK"}


def test_nothing_else_is_faulted(stacks):
    images = stacks.filter(pl.col("Modality").is_in(["CT", "MR", "PT"]))
    faulted = images.filter(~pl.col("verdict").is_in(["OK", "SINGLE"]))["folder"].str.split("/").list.tail(2)
    assert sorted({"/".join(parts) for parts in faulted}) == [
        "77654033/CT2",
        "In/GE",
        "S21610/S2010",
        "dcmstack/2D_16Echo_qT2",
        "gantrytilting/001",
        "sliceincrement/001",
        "sliceincrement/002",
    ]
