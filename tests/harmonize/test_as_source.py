"""Outputs as a source: under the right site, traced to their files, and free of what was mended."""

from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from dqkit.audit.engine import evaluate
from dqkit.harmonize.as_source import as_source
from dqkit.harmonize.run import RunOptions, RunSummary, harmonize
from dqkit.index.progress import Silent
from dqkit.rulebook.load import load_rule
from dqkit.shipped import shipped
from tests.dicom_exam import write
from tests.harmonize.conftest import Archive, cases, indexed, series
from tests.harmonize.solids import recipe

HOW = recipe("ct-1mm-iso", spacing={"mm": 4})
RULES = tuple(
    load_rule(next((shipped("rules") / "geo").glob(f"{rule}-*.yaml"))) for rule in ("GEO-003", "GEO-004", "GEO-014")
)


class Mended(NamedTuple):
    """An archive, the folder of what became of it, and what the run said."""

    archive: Archive
    out: Path
    summary: RunSummary


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Mended:
    """Return an archive with a tilted, an uneven and an interrupted CT, and what became of it, as its own source."""
    root = tmp_path_factory.mktemp("mended")
    for name in ("tilt", "wider", "missing"):
        write(series(name, cases()[name]), root / "archive" / name)
    archive = indexed(root / "archive", root / "catalog")
    summary = harmonize(archive.plan(HOW), archive.catalog, root / "out", RunOptions(("nifti", "dicom")))
    assert as_source(archive.catalog, root / "out", HOW, summary.manifest, 1, Silent()) == HOW.name
    return Mended(archive, root / "out", summary)


def outputs(archive: Archive) -> pl.LazyFrame:
    ours = archive.catalog.scan("sources").filter(pl.col("made_by").is_not_null()).select("source_id")
    return archive.catalog.scan("instances").join(ours, on="source_id", how="semi")


def test_an_audit_finds_the_mended_faults_in_the_sources_alone(mended: Mended) -> None:
    archive = mended.archive
    failed = evaluate(RULES, archive.catalog).failed.select("rule_id", stack_id="entity")
    ours = outputs(archive).select("source_id").unique()
    stacks = archive.catalog.scan("stacks").join(ours, on="source_id", how="semi")
    made = set(stacks.collect()["stack_id"])
    assert set(failed["rule_id"]) == {"GEO-003", "GEO-004", "GEO-014"}
    assert len(made) == 2
    assert not made & set(failed["stack_id"])
    assert set(stacks.collect()["verdict"]) == {"OK"}


def test_outputs_stand_under_the_site_of_what_they_were_made_of(mended: Mended) -> None:
    archive = mended.archive
    assert outputs(archive).collect()["site"].unique().to_list() == ["North"]


def test_every_output_is_joined_to_its_sources_by_checksums(mended: Mended) -> None:
    archive, _, summary = mended
    made_of = archive.catalog.scan("provenance").collect()
    files = outputs(archive).collect()
    assert set(made_of["output_file_id"]) == set(files["file_id"])
    assert set(made_of["output_sha256"]) == set(summary.manifest["sha256"].drop_nulls())
    sources = made_of["source_file_id"].unique()
    assert set(sources) <= set(archive.catalog.scan("instances").collect()["file_id"])
    assert not set(sources) & set(files["file_id"])


def test_the_same_outputs_change_nothing_the_second_time(mended: Mended) -> None:
    archive, out, summary = mended
    before = archive.catalog.scan("runs").collect().filter(pl.col("command") == "harmonize").height
    as_source(archive.catalog, out, HOW, summary.manifest, 1, Silent())
    assert archive.catalog.scan("runs").collect().filter(pl.col("command") == "harmonize").height == before


def test_what_dqkit_wrote_is_not_planned_again(mended: Mended) -> None:
    archive = mended.archive
    plan = archive.plan(recipe())
    assert len(plan.images) + len(plan.refusals) == 3


def test_slices_of_derived_series_name_the_slices_that_they_were_made_of(
    mended: Mended,
) -> None:
    rows = mended.summary.manifest.filter(pl.col("format") == "dicom").sort("image_id", "first_slice")
    assert rows.height > 20
    for row in rows.iter_rows(named=True):
        assert len(row["slice_sources"]) == 1
        assert sum(row["slice_weights"][0]) == pytest.approx(1, abs=0.01)
        assert len(row["source_file_ids"]) == len(row["slice_sources"][0]) <= 8
