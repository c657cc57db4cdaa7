"""Tables of gradients: vectors stand along the axes of the very file that is written, whatever a recipe did."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqkit.audit.engine import evaluate
from dqkit.catalog.store import Catalog
from dqkit.dataset.entries import read_dataset
from dqkit.dataset.files import files_of
from dqkit.dataset.tracing import trace_files
from dqkit.harmonize.as_source import as_source
from dqkit.harmonize.gradient_table import along_axes, gradient_table, write_gradient_table
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.nifti import write as write_nifti
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.run import RunOptions, RunSummary, harmonize
from dqkit.index.build import index
from dqkit.index.progress import Silent
from dqkit.rulebook.load import load_rule
from dqkit.shipped import shipped
from tests.dicom_exam import write as write_dicom
from tests.harmonize.conftest import Archive, indexed, series
from tests.harmonize.solids import Floats, Scan, recipe, rotation
from tests.harmonize.weighted import NONE, OBLIQUE, SCAN, Vector, ge, image_of, in_scanner, standard, uih, volumes

GRADIENTS: tuple[tuple[float, Vector], ...] = (
    (0.0, NONE), (1000.0, (1.0, 0.0, 0.0)), (1000.0, (0.0, 1.0, 0.0)), (2000.0, (0.0, 0.0, 1.0)), (2000.0, OBLIQUE),
)  # fmt: skip
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def written(image: HarmonizedImage, folder: Path) -> tuple[dict[str, Floats], Floats, list[str]]:
    """Write an image and its table; return the numbers of each file, the affine of the image, and the warnings."""
    warnings: list[str] = []
    (path,) = write_nifti(image, folder)
    table = gradient_table(image, warnings.append)
    files = write_gradient_table(table, image, folder) if table else ()
    numbers = {file.name: np.loadtxt(file, ndmin=2) for file in files}
    return numbers, np.asarray(nibabel.load(path).affine, np.float64), warnings


def check(image: HarmonizedImage, folder: Path, gradients: Sequence[tuple[float, Vector]] = GRADIENTS) -> None:
    """Check that the files lead back to what the headers say."""
    numbers, affine, warnings = written(image, folder)
    assert warnings == []
    assert numbers["out.bval"].tolist() == [[b for b, _ in gradients]]
    expected = LPS_TO_RAS @ np.array([gradient for _, gradient in gradients]).T
    assert np.allclose(in_scanner(numbers["out.bvec"], affine), expected, atol=1e-6)


PLANES = {"axial": (0, 0, 0), "coronal": (90, 0, 0), "sagittal": (90, 90, 0), "oblique": (20, -35, 50)}
RECIPES: dict[str, dict[str, Any]] = {
    "as acquired": {},
    "RAS": {"orientation": {"axes": "RAS"}},
    "LAS": {"orientation": {"axes": "LAS"}},
    "SPR": {"orientation": {"axes": "SPR"}},
    "resampled": {"orientation": {"axes": "RAS"}, "spacing": {"mm": 2}},
    "along the patient": {"orientation": {"axes": "RAS", "align": "patient"}, "spacing": {"mm": 3}},
}


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("how", RECIPES)
def test_vectors_lead_back_to_the_headers_whatever_was_done(plane: str, how: str, tmp_path: Path) -> None:
    scan = Scan(SCAN.size, SCAN.spacing, SCAN.places, axes=rotation(PLANES[plane]))
    check(image_of(tmp_path / "in", volumes(GRADIENTS, scan), recipe(**RECIPES[how])), tmp_path)


def test_tilt_that_was_undone_changes_no_vector(tmp_path: Path) -> None:
    scan = Scan(SCAN.size, SCAN.spacing, SCAN.places, axes=rotation((10, 0, 0)), tilt_deg=15.0)
    check(image_of(tmp_path / "in", volumes(GRADIENTS, scan)), tmp_path)


angles = st.tuples(*[st.floats(-180, 180)] * 3)


@settings(max_examples=15, deadline=None)
@given(scan=angles, gradient=angles, axes=st.sampled_from(["keep", "RAS", "LPS", "LAS"]))
def test_of_any_plane_and_gradient(
    scan: Sequence[float], gradient: Sequence[float], axes: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    x, y, z = rotation(gradient)[:, 0].tolist()
    told = [(0.0, NONE), (1000.0, (x, y, z))]
    turned = Scan(SCAN.size, SCAN.spacing, SCAN.places, axes=rotation(scan))
    check(image_of(folder / "in", volumes(told, turned), recipe(orientation={"axes": axes})), folder, told)


@settings(max_examples=200)
@given(scan=angles, gradient=angles, flips=st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3))
def test_vectors_keep_their_length_and_lead_back(
    scan: Sequence[float], gradient: Sequence[float], flips: Sequence[float]
) -> None:
    affine, vector = np.eye(4), rotation(gradient)[:, :1]
    affine[:3, :3] = rotation(scan) * flips * [0.7, 2.0, 5.0]
    there = along_axes(vector.T, affine)
    assert np.linalg.norm(there) == pytest.approx(1)
    assert np.allclose(in_scanner(there, affine), vector)


@pytest.mark.parametrize(
    ("axes", "expected"),
    [  # (1, 0, 0), (0, 1, 0), (0, 0, 1) of the patient (left, posterior, superior), worked out by hand
        ("LPS", [[-1, 0, 0], [0, 1, 0], [0, 0, 1]]),  # right-handed: FSL counts columns backwards
        ("RAS", [[1, 0, 0], [0, -1, 0], [0, 0, 1]]),
        ("LAS", [[1, 0, 0], [0, -1, 0], [0, 0, 1]]),  # left-handed: FSL's columns are the file's
        ("RPS", [[-1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    ],
)
def test_the_first_axis_of_a_right_handed_image_is_turned_over(
    axes: str, expected: list[list[int]], tmp_path: Path
) -> None:
    image = image_of(tmp_path / "in", volumes(GRADIENTS[:4]), recipe(orientation={"axes": axes}))
    numbers, _, _ = written(image, tmp_path)
    assert numbers["out.bvec"][:, 1:].T.tolist() == expected


def test_files_are_rows_of_plain_numbers(tmp_path: Path) -> None:
    image = image_of(tmp_path / "in", volumes([(0.0, NONE), (928.25, OBLIQUE), (10000.0, (-1.0, 0.0, 0.0))]))
    written(image, tmp_path)
    assert (tmp_path / "out.bval").read_text() == "0 928.25 10000\n"
    assert (tmp_path / "out.bvec").read_text() == "0 -0.36 1\n0 -0.48 0\n0 0.8 0\n"


def test_a_low_b_value_without_a_gradient_counts_as_none(tmp_path: Path) -> None:
    gradients = [(1.25, NONE), (1000.0, OBLIQUE)]
    check(image_of(tmp_path / "in", volumes(gradients, tell=uih)), tmp_path, gradients)


def test_a_volume_by_itself_has_a_table_too(tmp_path: Path) -> None:
    check(image_of(tmp_path / "in", volumes([(1000.0, OBLIQUE)])), tmp_path, [(1000.0, OBLIQUE)])


# --- where nothing, or less, is written ---


def test_images_without_weighting_have_no_table(tmp_path: Path) -> None:
    ordinary = volumes([(0.0, NONE)] * 2, tell=lambda image, b, gradient: image)
    for name, images in {"unweighted": volumes([(0.0, NONE)] * 2), "ordinary": ordinary}.items():
        assert written(image_of(tmp_path / name, images), tmp_path)[::2] == ({}, [])


@pytest.mark.parametrize("tell", [standard, ge])
def test_a_volume_without_a_known_gradient_leaves_the_b_values_alone(tell: Any, tmp_path: Path) -> None:
    gradients = (*GRADIENTS, (1000.0, NONE)) if tell is standard else GRADIENTS
    numbers, _, warnings = written(image_of(tmp_path / "in", volumes(gradients, tell=tell)), tmp_path)
    assert {name: values.tolist() for name, values in numbers.items()} == {"out.bval": [[b for b, _ in gradients]]}
    assert warnings == ["b-values without gradient directions: a volume is weighted in no single known direction"]


def test_sheared_axes_hold_no_vectors(tmp_path: Path) -> None:
    scan = Scan(SCAN.size, SCAN.spacing, SCAN.places, tilt_deg=15.0)
    image = image_of(tmp_path / "in", volumes(GRADIENTS, scan), recipe(policy={"tilt": "off"}))
    numbers, _, warnings = written(image, tmp_path)
    assert list(numbers) == ["out.bval"]
    assert warnings == ["b-values without gradient directions: the axes of the image are sheared"]


def nothing(image: HarmonizedImage, folder: Path) -> str:
    """Return why there is no table."""
    numbers, _, (warning,) = written(image, folder)
    assert numbers == {}
    return warning.removeprefix("no table of diffusion gradients: ")


def test_slices_that_disagree_are_never_averaged(tmp_path: Path) -> None:
    for name, (b, gradient) in {"b": (1100.0, OBLIQUE), "gradient": (2000.0, (-0.36, 0.48, 0.8))}.items():
        images = volumes(GRADIENTS)
        standard(images[-1][1], b, gradient)
        why = nothing(image_of(tmp_path / name, images), tmp_path)
        assert why == "slices of one volume say different b-values or directions"


def test_a_volume_that_says_nothing_leaves_all_without_a_table(tmp_path: Path) -> None:
    images = volumes(GRADIENTS)
    for image in images[2]:
        del image.DiffusionBValue
    assert nothing(image_of(tmp_path / "in", images), tmp_path) == "a volume does not say how it was weighted"


def test_volumes_of_several_echoes_have_no_table(tmp_path: Path) -> None:
    image = image_of(tmp_path / "in", volumes(GRADIENTS[:2]), EchoTime=("5", "10"), DiffusionBValue=("0", "1000"))
    assert nothing(image, tmp_path) == "volumes differ in their echo too"


# --- a run ---

HOW = recipe()


def patient(name: str, gradients: Sequence[tuple[float, Vector]] = GRADIENTS) -> list[Any]:
    return series(name, (image for volume in volumes(gradients) for image in volume))


@pytest.fixture
def two(tmp_path: Path) -> Archive:
    """Return two patients who were examined alike, the second with a trace image appended."""
    write_dicom(patient("one"), tmp_path / "archive" / "one")
    write_dicom(patient("two", (*GRADIENTS, (1000.0, NONE))), tmp_path / "archive" / "two")
    return indexed(tmp_path / "archive", tmp_path / "catalog")


def run(archive: Archive, out: Path, how: Recipe = HOW, **options: Any) -> RunSummary:
    return harmonize(archive.plan(how), archive.catalog, out, RunOptions(**options))


def tables(out: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (out / HOW.name).rglob("*.bv*")}


def test_tables_are_rows_of_the_manifest_beside_their_image(two: Archive, tmp_path: Path) -> None:
    summary = run(two, tmp_path / "out")
    assert (summary.written, summary.labels) == (3, {})
    rows = summary.manifest.filter(pl.col("kind") == "table")
    images = summary.manifest.filter(pl.col("kind") == "image").select("image_id", image="path").to_dicts()
    stems = {row["image_id"]: row["image"].removesuffix(".nii.gz") for row in images}
    assert sorted(rows["format"]) == ["bval", "bval", "bval", "bvec", "bvec"]
    for row in rows.iter_rows(named=True):
        path = tmp_path / "out" / HOW.name / row["path"]
        assert row["path"] == f"{stems[row['image_id']]}.{row['format']}"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]
        assert len(row["source_file_ids"]) == len(row["source_sha256"]) > 0
    assert run(two, tmp_path / "out").written == 0


def test_a_trace_among_gradients_is_an_image_of_its_own(two: Archive, tmp_path: Path) -> None:
    manifest = run(two, tmp_path / "out").manifest
    (trace,) = manifest.filter(pl.col("path").str.ends_with("_b1000.nii.gz")).to_dicts()
    assert trace["shape"] == [5, 4, 3]
    assert trace["warnings"] == [
        "b-values without gradient directions: a volume is weighted in no single known direction"
    ]
    assert (tmp_path / "out" / HOW.name / trace["path"]).with_suffix("").with_suffix(".bval").read_text() == "1000\n"
    others = manifest.filter(pl.col("kind") == "image", pl.col("path") != trace["path"])
    assert others["shape"].to_list() == [[5, 4, 3, 5]] * 2
    assert others["warnings"].to_list() == [[], []]


def test_tables_are_made_again_and_go_with_their_image(two: Archive, tmp_path: Path) -> None:
    run(two, tmp_path / "out")
    before = tables(tmp_path / "out")
    min(before).unlink()
    assert run(two, tmp_path / "out").written == 1
    assert tables(tmp_path / "out") == before
    plain = volumes(GRADIENTS, tell=lambda image, b, gradient: image)
    write_dicom(series("one", (image for volume in plain for image in volume)), two.root / "one")
    index(two.catalog, [])
    manifest = run(two, tmp_path / "out").manifest
    left = {path.relative_to(tmp_path / "out" / HOW.name).as_posix() for path in tables(tmp_path / "out")}
    assert left == set(manifest.filter(pl.col("kind") == "table")["path"])
    assert len(left) == 3
    assert manifest.filter(pl.col("kind") == "image").height == 3


def test_formats_other_than_nifti_have_no_table(two: Archive, tmp_path: Path) -> None:
    assert run(two, tmp_path / "out", formats=("dicom",)).manifest.filter(pl.col("kind") == "table").is_empty()
    assert len(tables(tmp_path / "out")) == 0
    run(two, tmp_path / "out", formats=("nifti", "dicom"))
    assert len(tables(tmp_path / "out")) == 5


def test_a_file_a_volume_has_a_table_each(two: Archive, tmp_path: Path) -> None:
    how = recipe(output={"four_d": False})
    manifest = run(two, tmp_path / "out", how).manifest
    rows = manifest.filter(pl.col("kind") == "table")
    assert sorted(rows["format"]) == ["bval"] * 9 + ["bvec"] * 8  # of 11 volumes two are not weighted


def test_an_audit_of_the_outputs_calls_no_table_a_stranger(two: Archive, tmp_path: Path) -> None:
    summary = run(two, tmp_path / "out")
    (two.root / "notes.txt").write_text("of a person")
    index(two.catalog, [])
    as_source(two.catalog, tmp_path / "out", HOW, summary.manifest, 1, Silent())
    rules = tuple(load_rule(path) for path in sorted((shipped("rules") / "fmt").glob("FMT-0*.yaml")))
    failed = evaluate(rules, two.catalog).failed
    made = two.catalog.scan("provenance").collect()
    assert set(made["output_sha256"]) == set(summary.manifest["sha256"])
    assert failed.filter(pl.col("entity").is_in(made["output_file_id"].implode())).is_empty()
    assert failed.filter(pl.col("rule_id") == "FMT-002").height == 1  # the notes


def test_tables_of_one_protocol_are_traced_each_to_its_own_patient(two: Archive, tmp_path: Path) -> None:
    manifest = run(two, tmp_path / "out").manifest
    as_source(two.catalog, tmp_path / "out", HOW, manifest, 1, Silent())
    rows = manifest.filter(pl.col("path").str.contains("_4d")).select("path", "patient_key", "sha256", "format")
    assert rows.filter(pl.col("format") == "bval")["sha256"].n_unique() == 1
    split = {key: f"part-{i}" for i, key in enumerate(rows["patient_key"].unique().sort())}
    lines = [f"out/{HOW.name}/{path},{split[key]}" for path, key in rows.select("path", "patient_key").iter_rows()]
    (tmp_path / "train.csv").write_text("\n".join(["path,split", *lines]) + "\n")
    catalog = Catalog(two.catalog.path)
    traced = trace_files(files_of(read_dataset(tmp_path / "train.csv"), Silent()), catalog)
    assert traced["state"].to_list() == ["traced"] * 6
    assert traced["patient_key"].to_list() == rows["patient_key"].to_list()
    of_tables = traced.filter(pl.col("place").str.contains(r"\.bv"))
    assert of_tables.select("same_as", "splits").rows() == [(None, 1)] * 4
