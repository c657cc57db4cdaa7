"""A run takes labels along, tells of those that have no image, and leaves an archive that an audit finds mended."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import polars as pl
import pytest
from rich.console import Console

from dqkit.archive.site import SiteRule
from dqkit.audit.run import audit
from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError
from dqkit.harmonize.following.masks import read_masks
from dqkit.harmonize.make_plan import make_plan
from dqkit.harmonize.plan import Plan
from dqkit.harmonize.plan_file import read_plan, write_plan
from dqkit.harmonize.run import RunOptions, RunSummary, harmonize
from dqkit.index.build import IndexOptions, index
from dqkit.labels.refusal import LabelFault
from dqkit.report.harmonize_view import print_run, run_to_json
from dqkit.report.label_words import LABELS
from dqkit.rulebook.book import load_book
from tests.dicom_exam import Grid, put, uid, write
from tests.dicom_factory import ct_series, mg_study
from tests.harmonize.conftest import KEYED
from tests.harmonize.solids import recipe
from tests.labels.shapes import SPHERE, Marked, centres, contour, contours_of, rtstruct, seg, stack_of

GRID = Grid(n=24, rows=48, columns=50, spacing_mm=(1.4, 1.3), step_mm=2.2, tilt_deg=14.0)
FORMATS = ("nifti", "dicom")


@dataclass(frozen=True)
class Ran:
    """An archive with labels, and what a run made of it."""

    root: Path
    catalog: Catalog
    plan: Plan
    out: Path
    summary: RunSummary

    def labels(self) -> list[Mapping[str, Any]]:
        return self.summary.manifest.filter(pl.col("kind") == "label").to_dicts()


def archive(root: Path) -> str:
    """Write a CT with labels of every kind; return its SeriesInstanceUID."""
    series = ct_series(grid=GRID)
    write(series, root / "ct")
    marked = Marked(SPHERE.holds(centres(stack_of(series).planes)))
    seg(series, [marked]).save_as(root / "seg.dcm")
    drawn = [contour(points, image) for image, points in contours_of(series, SPHERE)]
    write([rtstruct(series, {"Liver of Zephyrine": drawn})], root, "rt.dcm")
    elsewhere = [put(image, {"SOPInstanceUID": uid("elsewhere", i), "SeriesInstanceUID": uid("elsewhere")})
                 for i, image in enumerate(ct_series(grid=GRID))]  # fmt: skip
    lone = rtstruct(elsewhere, {"A": [contour(points, image) for image, points in contours_of(elsewhere, SPHERE)]})
    write([put(lone, {"SOPInstanceUID": uid("lone"), "SeriesInstanceUID": uid("lone series")})], root, "lone.dcm")
    affine = np.diag([-2.0, -2.0, 2.0, 1.0])
    affine[:3, 3] = [50, 50, -50]
    index_ = np.stack(np.meshgrid(*(np.arange(n) for n in (50, 50, 50)), indexing="ij"), axis=-1)
    holds = SPHERE.holds((index_ @ affine[:3, :3].T + affine[:3, 3]) * [-1, -1, 1])
    nibabel.save(nibabel.Nifti1Image(holds.astype(np.uint8), affine), root / "mask.nii.gz")
    return str(series[0].SeriesInstanceUID)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    root = tmp_path_factory.mktemp("labelled")
    series = archive(root / "archive")
    (root / "masks.csv").write_text(f"mask,SeriesInstanceUID\narchive/mask.nii.gz,{series}\n")
    catalog = Catalog.create(root / "catalog", KEYED.fingerprint, "test")
    index(catalog, [root / "archive"], IndexOptions(SiteRule("name", "North")))
    plan = make_plan(catalog, recipe(), load_book([]).rules, KEYED)
    write_plan(replace(plan, masks=read_masks(root / "masks.csv", catalog)), root / "plan.yaml")
    plan = read_plan(root / "plan.yaml")
    out = root / "out"
    return Ran(root, catalog, plan, out, harmonize(plan, catalog, out, RunOptions(FORMATS)))


def test_segments_rois_and_masks_follow_with_their_volumes(ran):
    rows = [row for row in ran.labels() if row["status"] == "written" and row["label_name"] != "table"]
    assert {(row["label_name"], Path(row["path"]).suffix) for row in rows} == {
        (name, suffix) for name in ("segment-1", "roi-1", "value-1") for suffix in (".gz", ".dcm")
    }
    for row in rows:
        assert row["label_before_mm3"] == pytest.approx(SPHERE.volume_mm3, rel=0.01)
        assert row["label_after_mm3"] == pytest.approx(SPHERE.volume_mm3, rel=0.01)
        # Its own file and those of the image: an audit of a data set traces it through them
        assert row["source_file_ids"][0] == row["label_file_id"]
        assert len(row["source_file_ids"]) == len(row["source_sha256"]) == GRID.n + 1


def test_every_file_is_in_the_manifest_with_its_checksum(ran):
    images = ran.out / ran.plan.recipe.name
    told = {row["path"]: row["sha256"] for row in ran.summary.manifest.drop_nulls("path").to_dicts()}
    there = {path.relative_to(images).as_posix(): path for path in images.rglob("*") if path.is_file()}
    assert set(told) == set(there)
    for name, path in there.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == told[name]


def test_a_label_without_its_image_is_told(ran):
    (lone,) = (row for row in ran.labels() if row["status"] == "refused")
    assert (lone["reason"], lone["detail"]) == ("label", "not_in_catalog")
    assert ran.summary.labels == {"followed": 3, "not_in_catalog": 1}


def test_a_label_that_cannot_be_read_leaves_the_run_incomplete(ran, tmp_path):
    lone = ran.root / "archive" / "lone.dcm"
    hidden = lone.rename(tmp_path / "lone.dcm")
    try:
        summary = harmonize(ran.plan, ran.catalog, ran.out, RunOptions(FORMATS))
    finally:
        hidden.rename(lone)
    assert not summary.complete
    assert summary.failed == {"a label could not be read: No such file or directory": 1}
    assert harmonize(ran.plan, ran.catalog, ran.out, RunOptions(FORMATS)).labels == ran.summary.labels


def test_a_second_run_has_nothing_to_do_though_its_outputs_are_a_source(ran):
    index(ran.catalog, [ran.out / ran.plan.recipe.name], IndexOptions(SiteRule("name", "North")))
    again = harmonize(ran.plan, ran.catalog, ran.out, RunOptions(FORMATS))
    assert (again.written, again.unchanged) == (0, 1)
    assert again.labels == ran.summary.labels


def test_people_and_machines_are_told_in_both_languages(ran):
    for lang, words in (("en", "3 labels followed their images"), ("zh", "3 个标注已随图像转换")):
        console = Console(file=io.StringIO(), width=200)
        print_run(ran.summary, console, lang)
        text = console.file.getvalue()
        assert words in text
        assert LABELS["label.not_in_catalog"][lang == "zh"] in text
    assert run_to_json(ran.summary)["labels"] == ran.summary.labels


def test_every_fault_has_its_sentence():
    assert {f"label.{fault}" for fault in LabelFault} | {"label.lost"} <= set(LABELS)


def test_an_audit_of_the_derived_series_finds_the_tilt_gone_and_nothing_critical(ran, tmp_path):
    catalog = Catalog.create(tmp_path / "after", KEYED.fingerprint, "test")
    index(catalog, [ran.out / ran.plan.recipe.name], IndexOptions(SiteRule("name", "North")))
    verdicts = [c.scan("stacks").collect()["verdict"].to_list() for c in (ran.catalog, catalog)]
    assert "SHEARED" in verdicts[0]
    assert set(verdicts[1]) == {"OK"}
    found = audit(catalog, load_book([]).rules, KEYED)
    assert "GEO-014" not in found.findings["rule_id"].to_list()
    assert found.findings.filter(pl.col("severity") == "critical").is_empty()
    assert found.judgement.complete


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,SeriesInstanceUID\nx,1.2\n", "no columns"),
        ("mask,SeriesInstanceUID\nnowhere.nii.gz,{uid}\n", "line 2 .* no source of the catalog holds this mask"),
        ("mask,SeriesInstanceUID\nmask.nii.gz,1.2.3\n", "line 2 .* series is in no source"),
    ],
)
def test_a_table_that_names_what_is_not_there_is_refused_with_its_line(ran, tmp_path, text, message):
    (tmp_path / "masks.csv").write_text(text.format(uid=ct_series(grid=GRID)[0].SeriesInstanceUID))
    with pytest.raises(DqkitError, match=message):
        read_masks(tmp_path / "masks.csv", ran.catalog)


def test_masks_are_found_by_absolute_path_beside_the_table_and_below_a_source(ran, tmp_path):
    series = ct_series(grid=GRID)[0].SeriesInstanceUID
    for mask in (str(ran.root / "archive" / "mask.nii.gz"), "mask.nii.gz"):
        (tmp_path / "masks.csv").write_text(f"﻿mask,SeriesInstanceUID\n{mask},{series}\n", encoding="utf-8")
        assert read_masks(tmp_path / "masks.csv", ran.catalog) == dict(ran.plan.masks)
    with pytest.raises(DqkitError, match="cannot be read"):
        read_masks(tmp_path / "none.csv", ran.catalog)


def test_a_format_that_an_image_cannot_have_costs_the_other_nothing(tmp_path):
    write([mg_study()[0]], tmp_path / "archive")
    catalog = Catalog.create(tmp_path / "catalog", KEYED.fingerprint, "test")
    index(catalog, [tmp_path / "archive"], IndexOptions(SiteRule("name", "North")))
    how = recipe(takes="images", bit_depth="float32", spacing={"mm": 0.7}, planar={"orient": False})
    summary = harmonize(make_plan(catalog, how, (), KEYED), catalog, tmp_path / "out", RunOptions(FORMATS))
    rows = {row["format"]: row for row in summary.manifest.to_dicts()}
    assert rows["nifti"]["status"] == "written"
    assert (rows["dicom"]["status"], rows["dicom"]["reason"]) == ("refused", "dicom_class")
    assert "uint16" in rows["dicom"]["detail"]
