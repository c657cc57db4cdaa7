"""`dqkit plan` and `dqkit harmonize` as people type them."""

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import nibabel
import polars as pl
import pytest

from dqkit.catalog.store import Catalog
from dqkit.dataset.entries import read_dataset
from dqkit.dataset.files import files_of
from dqkit.dataset.tracing import trace_files
from dqkit.index.progress import Silent
from tests.cli.conftest import KEY, Ran, command, dqkit, dqkit_process, environment


@pytest.fixture(scope="session")
def indexed(two_sites: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a catalog of `two_sites`, to be read only."""
    catalog = tmp_path_factory.mktemp("indexed") / "catalog"
    with mock.patch.dict(os.environ, DQKIT_KEY=KEY):
        assert dqkit("index", two_sites, "--catalog", catalog).code == 0
    return catalog


@pytest.fixture
def place(indexed: Path, tmp_path: Path) -> Iterator[Path]:
    """Work in a folder that holds the catalog under its usual name."""
    shutil.copytree(indexed, tmp_path / "dqkit-catalog")
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def planned(*arguments: object, recipe: str = "keep-geometry") -> Ran:
    ran = dqkit("plan", "--recipe", recipe, *arguments)
    assert ran.code == 0, ran.said
    return ran


def test_from_a_catalog_to_volumes(place: Path) -> None:
    ran = planned()
    assert "images to write: 1, of stacks: 1; refused: 1" in ran.said
    assert "slices are missing" in ran.said
    assert "dqkit harmonize plan.yaml --out DIR" in ran.said
    ran = dqkit("harmonize", "plan.yaml", "--out", "volumes", "--workers", 1)
    assert ran.code == 0, ran.said
    assert "1 written, 0 there already, 1 refused" in ran.said
    (path,) = Path("volumes").rglob("*.nii.gz")
    assert nibabel.load(path).shape == (64, 64, 12)
    again = dqkit("harmonize", "plan.yaml", "--out", "volumes")
    assert "0 written, 1 there already, 1 refused" in again.said


def test_volumes_become_a_source_under_the_site_of_their_images(place: Path, two_sites: Path) -> None:
    planned()
    assert "as the source keep-geometry" in dqkit("harmonize", "plan.yaml", "--out", "volumes", "--workers", 1).said
    catalog = Catalog(place / "dqkit-catalog")
    sources = catalog.scan("sources").select("name", "made_by").sort("name").collect().rows()
    assert ("keep-geometry", "harmonize keep-geometry 1.0.0") in sources
    (row,) = catalog.scan("instances").filter(pl.col("status") == "nifti").collect().iter_rows(named=True)
    assert row["site"] == "north"
    made_of = catalog.scan("provenance").collect()
    assert set(made_of["output_file_id"]) == {row["file_id"]}
    assert made_of.height == 12
    assert catalog.scan("runs").collect()["command"].to_list()[-1] == "harmonize"
    assert planned().said.count("images to write: 1, of stacks: 1") == 1  # nothing is harmonized twice


def test_a_dataset_of_volumes_is_traced_to_audited_series(place: Path) -> None:
    planned()
    dqkit("harmonize", "plan.yaml", "--out", "volumes", "--workers", 1)
    (path,) = Path("volumes").rglob("*.nii.gz")
    Path("train.csv").write_text(f"path\n{path}\n")
    traced = trace_files(files_of(read_dataset(Path("train.csv")), Silent()), Catalog(place / "dqkit-catalog"))
    assert traced.select("state", "how", "site").rows() == [("traced", "provenance", "north")]


def test_json_is_for_machines(place: Path) -> None:
    told = json.loads(planned("--json").out)
    assert told["write"] == 1
    assert told["refuse"] == {"gap": 1}
    told = json.loads(dqkit("harmonize", "plan.yaml", "--out", "v", "--workers", 1, "--no-index", "--json").out)
    assert (told["written"], told["refused"], told["complete"], told["source"]) == (1, {"gap": 1}, True, "")
    assert Path(told["manifest"]).exists()


def test_chinese(place: Path) -> None:
    assert "缺少层面" in planned("--lang", "zh").said
    said = dqkit("harmonize", "plan.yaml", "--out", "v", "--workers", 1, "--no-index", "--lang", "zh").said
    assert "写出 1 个" in said


def test_refusals_fail_a_strict_run_alone(place: Path) -> None:
    planned()
    line = ("harmonize", "plan.yaml", "--out", "v", "--workers", 1, "--no-index")
    assert dqkit(*line).code == 0
    assert dqkit(*line, "--strict").code == 1


def test_what_was_selected_alone_is_planned(place: Path) -> None:
    assert "images to write: 1, of stacks: 1; refused: 0" in planned("--select", "site=north").said
    assert "images to write: 0, of stacks: 0; refused: 1" in planned("--select", "site=south").said


WRONG = {
    "no recipe": (("plan",), "a plan needs a recipe"),
    "unknown recipe": (("plan", "--recipe", "ct-1mm-izo"), "did you mean ct-1mm-iso"),
    "no catalog": (("plan", "elsewhere", "--recipe", "ct-lung"), "there is no catalog"),
    "unknown column": (("plan", "--recipe", "ct-lung", "--select", "Site=north"), "did you mean site"),
    "no plan": (("harmonize", "no.yaml"), "cannot be read"),
    "unknown format": (("harmonize", "plan.yaml", "--out", "v", "--format", "mhd"), "no format 'mhd'"),
    "in the catalog": (("harmonize", "plan.yaml", "--out", "dqkit-catalog/v"), "lie inside each other"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_ends_with_2_and_says_what_is_right(place: Path, case: str) -> None:
    planned()
    arguments, message = WRONG[case]
    ran = dqkit(*arguments)
    assert ran.code == 2
    assert message in ran.said
    assert "Traceback" not in ran.err


def test_nothing_is_written_into_a_source_or_around_one(place: Path, two_sites: Path) -> None:
    planned()
    before = sorted(two_sites.rglob("*"))
    for out in (two_sites, two_sites / "volumes", two_sites.parent):
        ran = dqkit("harmonize", "plan.yaml", "--out", out)
        assert ran.code == 2
        assert "only reads sources" in ran.said
    assert dqkit("plan", "--recipe", "keep-geometry", "-o", two_sites / "plan.yaml").code == 2
    assert sorted(two_sites.rglob("*")) == before


def test_a_disk_that_takes_no_more_ends_with_3_and_leaves_no_half_files(place: Path) -> None:
    planned()
    line = ("harmonize", "plan.yaml", "--out", "v", "--workers", 1, "--no-index")
    small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, resource.RLIM_INFINITY))  # noqa: E731
    ran = dqkit_process(*line, preexec_fn=small)
    assert ran.code == 3
    assert "could not be written: file too large" in ran.said
    assert "Traceback" not in ran.err
    assert not list(Path("v").rglob("*.part"))
    assert dqkit(*line).code == 0


def test_ctrl_c_ends_with_130_and_the_next_run_goes_on(place: Path) -> None:
    planned()
    line = [str(part) for part in command("harmonize", "plan.yaml", "--out", "v", "--workers", 1, "--no-index")]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, env=environment(), start_new_session=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not Path("v/journal.jsonl").exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    if process.returncode != 0:  # it was faster than we are
        assert process.returncode == 130, err
        assert b"run the same command again" in err
        assert b"Traceback" not in err
    assert dqkit("harmonize", "plan.yaml", "--out", "v", "--workers", 1, "--no-index").code == 0
    assert len(list(Path("v").rglob("*.nii.gz"))) == 1


def test_settings_name_the_catalog_that_is_planned_and_the_plan_that_which_is_used(place: Path) -> None:
    (place / "dqkit-catalog").rename(place / "ours")
    Path("dqkit.yaml").write_text("catalog: ours\n")
    assert "images to write: 1" in planned().said
    Path("dqkit.yaml").write_text("catalog: another\n")
    assert dqkit("harmonize", "plan.yaml", "--out", "v", "--workers", 1, "--no-index").code == 0


def test_a_catalog_that_was_moved_is_named_anew(place: Path) -> None:
    planned()
    (place / "dqkit-catalog").rename(place / "moved")
    line = ("harmonize", "plan.yaml", "--out", "v", "--workers", 1, "--no-index")
    ran = dqkit(*line)
    assert ran.code == 2
    assert "say where it is now: --catalog" in ran.said
    assert dqkit(*line, "--catalog", "moved").code == 0


def test_a_recipe_that_takes_nothing_says_what_it_takes(place: Path) -> None:
    ran = planned(recipe="mr-prostate")
    assert "2 stacks are of other kinds of series: CT 2" in ran.said
    assert "known to be so: {Modality: MR" in ran.said
    assert "images are of other kinds of series" in planned(recipe="fundus-standard").said
