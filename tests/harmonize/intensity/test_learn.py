"""``dqkit landmarks``: from a catalog to landmarks, and back on images; the training part alone counts."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from dqkit.harmonize.intensity.learn import Measured, _learnt
from dqkit.harmonize.plan import Plan
from dqkit.harmonize.plan_file import read_plan, write_plan
from dqkit.harmonize.read_recipe import parse_recipe
from dqkit.identity import Pseudonyms
from tests.cli.conftest import Ran, dqkit
from tests.dicom_factory import Exam, Grid, mr_series, write

HEAD = Grid(n=10, rows=40, columns=40, spacing_mm=(6.0, 6.0), step_mm=20.0)

RECIPE = """
name: our-mr
version: 1.0.0
title: {en: MR, zh: MR}
why: {en: One scale., zh: 统一灰度。}
scope: {Modality: MR}
bit_depth: float32
output: {four_d: false, formats: [nifti]}
intensity:
  - clip_percentiles: {low: 0.5, high: 99.5}
  - nyul: {landmarks: landmarks.json}
"""


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sites whose scanners count in other units: north 6 heads in T2, south 2 in T2 and one in T1; with plans.

    ``north.yaml`` is the training part, with landmarks.json learnt on it; ``all.yaml`` takes the whole catalog.
    """
    root = tmp_path_factory.mktemp("learn")
    for k in range(6):
        exam = Exam(site="North", patient=f"n-{k}", date=f"2024030{k + 1}")
        write(mr_series(exam, HEAD), root / "archive" / "north" / f"{k}")
    for k, contrast in enumerate(("T2", "T2", "FLAIR")):
        exam = Exam(site="South", patient=f"s-{k}", date=f"2024040{k + 1}", vendor="philips")
        louder = {"RescaleSlope": "3.5", "RescaleIntercept": "20", "RescaleType": "US"}
        write(mr_series(exam, HEAD, contrast=contrast, **louder), root / "archive" / "south" / f"{k}")
    work = root / "work"
    work.mkdir()
    (work / "recipe.yaml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
        plan = ("plan", root / "catalog", "--recipe", work / "recipe.yaml")
        for line in (
            ("index", root / "archive", "--catalog", root / "catalog", "--workers", 1),
            (*plan, "-o", work / "all.yaml"),
            (*plan, "--select", "site=north", "--select", "role=t2", "-o", work / "north.yaml"),
            ("landmarks", work / "north.yaml", "-o", work / "landmarks.json", "--workers", 1),
        ):
            ran = dqkit(*line)
            assert ran.code == 0, ran.said
    return root


@pytest.fixture
def work(made_once: Path, tmp_path: Path) -> Path:
    """A copy of the plans and landmarks that a test may change."""
    return Path(shutil.copytree(made_once / "work", tmp_path / "work"))


def learn(path: Path, *more: object) -> Ran:
    return dqkit("landmarks", path, "-o", path.with_name("landmarks.json"), "--workers", 1, *more)


def harmonize(path: Path) -> Ran:
    return dqkit("harmonize", path, "--out", path.with_name("out"), "--no-index", "--workers", 1)


def manifest(work: Path) -> pl.DataFrame:
    return pl.read_parquet(work / "out" / "manifest.parquet")


def _step(steps: str, name: str) -> dict[str, Any]:
    return next(step["parameters"] for step in json.loads(steps) if step["name"] == name)


def test_landmarks_learnt_at_one_site_bring_the_other_to_its_scale_and_refuse_another_role(work: Path) -> None:
    ran = harmonize(work / "all.yaml")
    assert ran.code == 0, ran.said
    written = manifest(work).filter(pl.col("status") == "written")
    assert sorted(written["site"].to_list()) == ["north"] * 6 + ["south"] * 2
    found = [_step(steps, "nyul") for steps in written["steps"]]
    assert {tuple(one["standard"]) for one in found} == {tuple(found[0]["standard"])}
    assert all(one["learnt_on"] == 6 for one in found)
    levels = {site: one["found"][5] for site, one in zip(written["site"], found, strict=True)}
    assert levels["south"] > 2 * levels["north"]
    refused = manifest(work).filter(pl.col("status") == "refused")
    assert refused["detail"].to_list() == ["the landmarks were learnt on MR t2; this is MR flair"]


def test_the_file_says_what_it_was_learnt_on_in_pseudonyms(made_once: Path) -> None:
    text = (made_once / "work" / "landmarks.json").read_text()
    data = json.loads(text)
    assert data["training"] == "site=north, role=t2"
    assert data["before"] == [{"clip_percentiles": {"low": 0.5, "high": 99.5, "mask": "foreground", "on_hu": False}}]
    assert [(one["modality"], one["role"], one["learnt_on"]) for one in data["standards"]] == [("MR", "t2", 6)]
    assert len(data["standards"][0]["images"]) == 6
    stacks = pl.read_delta(str(made_once / "catalog" / "stacks"))["stack_id"].to_list()
    assert not any(stack[:12] in text for stack in stacks)


def test_learning_twice_gives_the_same_bytes(work: Path) -> None:
    before = (work / "landmarks.json").read_bytes()
    ran = learn(work / "north.yaml", "--force", "--json")
    assert json.loads(ran.out)["images"] == [{"modality": "MR", "role": "t2", "images": 6}]
    assert (work / "landmarks.json").read_bytes() == before


def test_the_order_in_which_workers_end_changes_nothing() -> None:
    images = [Measured("MR", "t2", (f"stack-{k}",), tuple(np.linspace(k, 100 * k + 1, 3))) for k in range(5)]
    plan = Plan(parse_recipe(RECIPE, Path("recipe.yaml")), Path("catalog"), 1, ("site=north",))
    params = {"percentiles": [1.0, 50.0, 99.0]}
    one, other = (_learnt(plan, params, (), order, Pseudonyms(b"a key")).landmarks for order in (images, images[::-1]))
    assert one == other


def test_images_are_made_again_where_landmarks_changed(work: Path) -> None:
    assert "6 written" in harmonize(work / "north.yaml").said
    assert "6 there already" in harmonize(work / "north.yaml").said
    data = json.loads((work / "landmarks.json").read_text())
    data["standards"][0]["landmarks"][5] += 0.01
    (work / "landmarks.json").write_text(json.dumps(data))
    assert "6 written" in harmonize(work / "north.yaml").said


def test_landmarks_that_are_not_there_end_a_run_before_it_begins(work: Path) -> None:
    (work / "landmarks.json").unlink()
    ran = harmonize(work / "all.yaml")
    assert ran.code == 2
    assert "landmarks.json cannot be read" in ran.said
    assert "dqkit landmarks" in ran.said


def test_the_training_part_must_be_said(work: Path) -> None:
    ran = learn(work / "all.yaml", "--force")
    assert ran.code == 2
    assert "which part of it is the training part?" in ran.said
    ran = learn(work / "all.yaml", "--force", "--all")
    assert ran.code == 0
    assert "Fewer than 5 images of flair" in ran.said


def test_what_cannot_be_learnt_is_told(work: Path) -> None:
    assert "is there already" in learn(work / "north.yaml").said
    plan = read_plan(work / "north.yaml")
    write_plan(replace(plan, recipe=replace(plan.recipe, intensity=())), work / "plain.yaml")
    ran = learn(work / "plain.yaml", "--force")
    assert ran.code == 2
    assert "there is nothing to learn" in ran.said


def test_a_stack_that_is_gone_leaves_the_run_incomplete_not_green(work: Path) -> None:
    plan = read_plan(work / "north.yaml")
    lost = replace(plan.images[0], stacks=("0" * 40,))
    write_plan(replace(plan, images=(lost, *plan.images[1:])), work / "north.yaml")
    (work / "landmarks.json").unlink()
    ran = learn(work / "north.yaml")
    assert ran.code == 3
    assert "1 of 6 images could not be read" in ran.said
    assert not (work / "landmarks.json").exists()
