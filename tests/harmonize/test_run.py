"""Carrying a plan out: once, again, after a kill, on a full disk, over damaged files."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from dqkit.catalog.schema import HARMONIZED
from dqkit.errors import DqkitError, IncompleteError, NothingToCheckError
from dqkit.harmonize.files import write_whole
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.plan import Plan
from dqkit.harmonize.plan_file import write_plan
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.run import RunOptions, RunSummary, harmonize
from dqkit.harmonize.write import WRITERS
from dqkit.index.build import index
from tests import dicom_defects as defects
from tests.dicom_exam import Exam
from tests.dicom_factory import Grid, ct_series, mr_series, write
from tests.harmonize.conftest import Archive, indexed
from tests.harmonize.solids import recipe

HOW = recipe()


def five_series(root: Path) -> Archive:
    """Return four patients with a CT of five slices each, one slice of the last damaged, and an echo series."""
    grid = Grid(n=5, rows=24, columns=24)
    for k in range(4):
        paths = write(ct_series(Exam(patient=f"p{k}"), grid), root / "archive" / f"p{k}")
    defects.cut_pixels(paths[2], 600)
    write(mr_series(Exam(patient="p9"), grid, echoes_ms=(5.0, 10.0)), root / "archive" / "p9")
    return indexed(root / "archive", root / "catalog")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Return `five_series`, to be read only."""
    return five_series(tmp_path_factory.mktemp("small"))


@pytest.fixture
def own(tmp_path: Path) -> Archive:
    """Return `five_series` that a test may change."""
    return five_series(tmp_path)


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return path -> (mtime, content) of every file but locks."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def run(archive: Archive, out: Path, plan: Plan | None = None, **options: Any) -> RunSummary:
    return harmonize(plan or archive.plan(HOW), archive.catalog, out, RunOptions(**options))


def test_every_image_is_written_or_refused_and_the_manifest_says_which(small: Archive, tmp_path: Path) -> None:
    summary = run(small, tmp_path / "out")
    assert (summary.written, summary.unchanged, dict(summary.refused), summary.complete) == (4, 0, {"pixels": 1}, True)
    manifest = pl.read_parquet(tmp_path / "out" / "manifest.parquet")
    assert manifest.schema == pl.Schema(HARMONIZED)
    assert manifest.equals(summary.manifest)
    for row in manifest.filter(pl.col("path").is_not_null()).iter_rows(named=True):
        path = tmp_path / "out" / HOW.name / row["path"]
        assert path.stat().st_size == row["size"]
        assert json.loads(row["steps"])[0]["name"] == "load"
        assert {"dqkit", "SimpleITK", "numpy", "pydicom"} <= set(json.loads(row["versions"]))
        assert len(row["source_file_ids"]) == len(row["source_sha256"]) == len(row["source_frames"])


def test_the_manifest_traces_every_slice_to_its_files(small: Archive, tmp_path: Path) -> None:
    manifest = run(small, tmp_path / "out").manifest
    echoes = manifest.filter(pl.col("Modality") == "MR").row(0, named=True)
    assert echoes["shape"] == [24, 24, 5, 2]
    assert echoes["slice_sources"] == [[i] for i in range(10)]
    import hashlib

    files = {row[0]: row[1] for row in small.catalog.scan("instances").select("file_id", "path").collect().iter_rows()}
    for file_id, sha256 in zip(echoes["source_file_ids"], echoes["source_sha256"], strict=True):
        assert hashlib.sha256((small.root / files[file_id]).read_bytes()).hexdigest() == sha256


def test_a_second_run_touches_nothing(small: Archive, tmp_path: Path) -> None:
    run(small, tmp_path / "out")
    before = state(tmp_path / "out" / HOW.name)
    manifest = (tmp_path / "out" / "manifest.parquet").read_bytes()
    summary = run(small, tmp_path / "out")
    assert (summary.written, summary.unchanged) == (0, 4)
    assert state(tmp_path / "out" / HOW.name) == before
    assert (tmp_path / "out" / "manifest.parquet").read_bytes() == manifest


def test_two_processes_write_what_one_writes(small: Archive, tmp_path: Path) -> None:
    run(small, tmp_path / "one")
    run(small, tmp_path / "two", workers=2)
    one, two = ({name: data for name, (_, data) in state(tmp_path / name).items()} for name in ("one", "two"))
    assert one == two


def test_what_was_lost_or_cut_is_made_again_and_nothing_else(small: Archive, tmp_path: Path) -> None:
    run(small, tmp_path / "out")
    first, second, *others = sorted((tmp_path / "out" / HOW.name).rglob("*.nii.gz"))
    before = {path: path.read_bytes() for path in (first, second, *others)}
    times = {path: path.stat().st_mtime_ns for path in others}
    first.unlink()
    second.write_bytes(b"cut")
    assert (run(small, tmp_path / "out").written) == 2
    assert {path: path.read_bytes() for path in before} == before
    assert {path: path.stat().st_mtime_ns for path in others} == times


def test_a_file_that_changed_since_it_was_indexed_is_refused(own: Archive, tmp_path: Path) -> None:
    plan = own.plan(HOW)
    path = own.root / "p0" / "0001.dcm"
    path.write_bytes(path.read_bytes() + b"\0\0")
    assert dict(run(own, tmp_path / "out", plan).refused) == {"changed": 1, "pixels": 1}


def test_a_file_that_is_again_as_it_was_indexed_is_written(own: Archive, tmp_path: Path) -> None:
    """As after a restore from a backup: neither plan nor catalog is another, so that nothing else would ask again."""
    plan = own.plan(HOW)
    path = own.root / "p0" / "0001.dcm"
    was = path.stat().st_mtime_ns
    os.utime(path, ns=(was, was + 10**9))
    for _ in range(2):
        assert dict(run(own, tmp_path / "out", plan).refused) == {"changed": 1, "pixels": 1}
    os.utime(path, ns=(was, was))
    summary = run(own, tmp_path / "out", plan)
    assert (summary.written, dict(summary.refused)) == (1, {"pixels": 1})
    assert sorted(summary.manifest["status"].to_list()) == ["refused"] + ["written"] * 4


def test_a_plan_does_not_hold_for_a_stack_that_grew(own: Archive, tmp_path: Path) -> None:
    """Parts and steps were decided for the slices that there were."""
    plan = own.plan(HOW)
    one = ct_series(Exam(patient="p0"), Grid(n=6, rows=24, columns=24))[-1]
    one.ImagePositionPatient[2] = float(one.ImagePositionPatient[2]) + 1.5
    one.SOPInstanceUID += "9"
    write([one], own.root / "p0", "late.dcm")
    index(own.catalog, [])
    summary = run(own, tmp_path / "out", plan)
    assert dict(summary.refused) == {"changed": 1, "pixels": 1}
    assert dict(run(own, tmp_path / "out", own.plan(HOW)).refused).get("changed") is None


def test_slices_that_a_stack_does_not_have_are_no_fault_of_ours(small: Archive, tmp_path: Path) -> None:
    plan = small.plan(HOW)
    first = replace(plan.images[0], slices=(3, 900))
    summary = run(small, tmp_path / "out", replace(plan, images=(first, *plan.images[1:])))
    assert (summary.written, dict(summary.refused), summary.complete) == (3, {"changed": 1, "pixels": 1}, True)


def test_a_file_that_is_gone_makes_the_run_incomplete(own: Archive, tmp_path: Path) -> None:
    plan = own.plan(HOW)
    (own.root / "p0" / "0001.dcm").unlink()
    summary = run(own, tmp_path / "out", plan)
    assert not summary.complete
    assert summary.written == 3
    assert list(summary.failed) == ["a file of the source could not be read: No such file or directory"]


def test_new_slices_make_the_image_anew(own: Archive, tmp_path: Path) -> None:
    run(own, tmp_path / "out")
    write(ct_series(Exam(patient="p0"), Grid(n=5, rows=24, columns=24), BodyPartExamined="HEAD"), own.root / "p0")
    index(own.catalog, [])
    summary = run(own, tmp_path / "out")
    assert (summary.written, summary.unchanged) == (1, 3)
    assert summary.manifest.height == 5


def test_the_files_of_an_image_that_was_made_anew_do_not_stay_beside_it(
    own: Archive, tmp_path: Path, monkeypatch
) -> None:
    """A format of several files may have fewer of them than before."""
    counts = iter([3, 3, 3, 3, 2])

    def several(image: HarmonizedImage, folder: Path) -> list[Path]:
        paths = [folder / image.stem / f"{i}.raw" for i in range(next(counts))]
        return [write_whole(path, lambda file: file.write(image.stem.encode())) for path in paths]

    monkeypatch.setitem(WRITERS, "several", several)
    run(own, tmp_path / "out", formats=("several",))
    assert len(list((tmp_path / "out" / HOW.name).rglob("*.raw"))) == 12
    write(ct_series(Exam(patient="p0"), Grid(n=5, rows=24, columns=24), BodyPartExamined="HEAD"), own.root / "p0")
    index(own.catalog, [])
    run(own, tmp_path / "out", formats=("several",))
    assert len(list((tmp_path / "out" / HOW.name).rglob("*.raw"))) == 11


def test_another_format_is_added_without_making_the_first_again(small: Archive, tmp_path: Path, monkeypatch) -> None:
    def raw(image: HarmonizedImage, folder: Path) -> list[Path]:
        return [write_whole(folder / f"{image.stem}.raw", lambda file: file.write(b"raw"))]

    monkeypatch.setitem(WRITERS, "raw", raw)
    run(small, tmp_path / "out")
    before = state(tmp_path / "out" / HOW.name)
    summary = run(small, tmp_path / "out", formats=("nifti", "raw"))
    assert summary.written == 4
    after = state(tmp_path / "out" / HOW.name)
    assert {name: after[name] for name in before} == before
    assert sorted(summary.manifest["format"].drop_nulls().to_list()) == ["nifti"] * 4 + ["raw"] * 4
    assert run(small, tmp_path / "out", formats=("nifti", "raw")).written == 0


def test_an_image_that_one_format_cannot_hold_is_written_in_another_later(
    small: Archive, tmp_path: Path, monkeypatch
) -> None:
    def refuses(image: HarmonizedImage, folder: Path) -> list[Path]:
        raise Refused(Reason.FORMAT, "never")

    monkeypatch.setitem(WRITERS, "never", refuses)
    none = run(small, tmp_path / "out", formats=("never",))
    assert (none.written, dict(none.refused)) == (0, {"format": 4, "pixels": 1})
    assert run(small, tmp_path / "out", formats=("never", "nifti")).written == 4
    again = run(small, tmp_path / "out", formats=("nifti", "never"))
    assert (again.written, again.unchanged) == (0, 4)
    rows = again.manifest.group_by("status", "reason", "format").len().sort("status", "reason").rows()
    assert rows == [("refused", "format", "never", 4), ("refused", "pixels", None, 1), ("written", None, "nifti", 4)]


def test_a_lost_file_of_a_format_that_is_not_asked_for_now_is_made_again(
    small: Archive, tmp_path: Path, monkeypatch
) -> None:
    def raw(image: HarmonizedImage, folder: Path) -> list[Path]:
        return [write_whole(folder / f"{image.stem}.raw", lambda file: file.write(b"raw"))]

    monkeypatch.setitem(WRITERS, "raw", raw)
    run(small, tmp_path / "out", formats=("nifti", "raw"))
    lost = min((tmp_path / "out" / HOW.name).rglob("*.raw"))
    lost.unlink()
    assert run(small, tmp_path / "out").written == 1
    assert lost.exists()
    assert run(small, tmp_path / "out").written == 0


def test_an_unknown_format_is_told(small: Archive, tmp_path: Path) -> None:
    with pytest.raises(DqkitError, match="no format 'mhd'"):
        run(small, tmp_path / "out", formats=("mhd",))


def test_a_folder_belongs_to_one_recipe_and_holds_nothing_else(small: Archive, tmp_path: Path) -> None:
    run(small, tmp_path / "out")
    with pytest.raises(DqkitError, match="another recipe"):
        run(small, tmp_path / "out", small.plan(recipe("ct-1mm-iso")))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("important")
    with pytest.raises(DqkitError, match="not empty"):
        run(small, tmp_path / "mine")


def test_two_runs_do_not_write_to_one_folder(small: Archive, tmp_path: Path) -> None:
    from dqkit.harmonize.journal import opened

    with opened(tmp_path / "out", HOW), pytest.raises(DqkitError, match="another dqkit is writing"):
        run(small, tmp_path / "out")


def test_an_empty_plan_has_nothing_to_do(small: Archive, tmp_path: Path) -> None:
    plan = small.plan(HOW)
    with pytest.raises(NothingToCheckError):
        run(small, tmp_path / "out", Plan(plan.recipe, plan.catalog, plan.run))


def test_a_fault_of_ours_costs_one_image_and_makes_the_run_incomplete(
    small: Archive, tmp_path: Path, monkeypatch
) -> None:
    def broken(image: HarmonizedImage, folder: Path) -> list[Path]:
        if image.volume.voxels.ndim == 4:
            raise ZeroDivisionError("a value of a file")
        return list(nifti(image, folder))

    nifti = WRITERS["nifti"]
    monkeypatch.setitem(WRITERS, "nifti", broken)
    summary = run(small, tmp_path / "out")
    assert summary.written == 3
    (why,) = summary.failed
    assert why.startswith("ZeroDivisionError at test_run.py")
    assert "a value of a file" not in why
    monkeypatch.setitem(WRITERS, "nifti", nifti)
    assert run(small, tmp_path / "out").written == 1


def test_a_full_disk_ends_the_run_and_keeps_what_is_done(small: Archive, tmp_path: Path, monkeypatch) -> None:
    """The real thing, with a limit of the kernel's, is in tests/cli/test_harmonize.py."""
    done = []

    def full(image: HarmonizedImage, folder: Path) -> list[Path]:
        if len(done) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        done.append(image.stem)
        return list(nifti(image, folder))

    nifti = WRITERS["nifti"]
    monkeypatch.setitem(WRITERS, "nifti", full)
    with pytest.raises(IncompleteError, match="no space left"):
        run(small, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.part"))
    monkeypatch.setitem(WRITERS, "nifti", nifti)
    summary = run(small, tmp_path / "out")
    assert (summary.written, summary.unchanged) == (2, 2)


def test_a_refusal_in_the_journal_of_a_run_that_ended_early_is_read_back(
    own: Archive, tmp_path: Path, monkeypatch
) -> None:
    def full(image: HarmonizedImage, folder: Path) -> list[Path]:
        raise OSError(errno.ENOSPC, "No space left on device")

    plan = own.plan(HOW)
    os.utime(own.root / "p9" / "0001.dcm")  # of the largest image, which is the first
    nifti = WRITERS["nifti"]
    monkeypatch.setitem(WRITERS, "nifti", full)
    with pytest.raises(IncompleteError, match="no space left"):
        run(own, tmp_path / "out", plan)
    assert b'"changed"' in (tmp_path / "out" / "journal.jsonl").read_bytes()
    monkeypatch.setitem(WRITERS, "nifti", nifti)
    summary = run(own, tmp_path / "out", plan)
    assert (summary.written, dict(summary.refused)) == (3, {"changed": 1, "pixels": 1})


def test_a_killed_run_goes_on_where_it_was(small: Archive, tmp_path: Path) -> None:
    plan, out = small.plan(HOW), tmp_path / "out"
    write_plan(plan, tmp_path / "plan.yaml")
    child = subprocess.Popen([sys.executable, "-c", SLOWLY, str(tmp_path / "plan.yaml"), str(out)])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _lines(out / "journal.jsonl") < 2:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    done = _lines(out / "journal.jsonl")
    assert 2 <= done < 5
    (out / HOW.name / ".half.nii.gz.1.part").write_bytes(b"half")
    with (out / "journal.jsonl").open("ab") as journal:
        journal.write(b'[{"image_id": "cut')
    kept = {path: path.stat().st_mtime_ns for path in (out / HOW.name).rglob("*.nii.gz")}
    summary = run(small, out)
    assert summary.complete
    assert (summary.written + summary.unchanged, dict(summary.refused)) == (4, {"pixels": 1})
    assert summary.unchanged >= done - 1  # one of them may be the refusal
    assert not list(out.rglob("*.part"))
    again = [path for path, when in kept.items() if path.stat().st_mtime_ns != when]
    assert len(again) <= 1  # the image under work when it was killed
    run(small, tmp_path / "whole")
    assert summary.manifest.equals(pl.read_parquet(tmp_path / "whole" / "manifest.parquet"))


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


SLOWLY = """
import sys, time
from pathlib import Path
from dqkit.catalog.store import Catalog
from dqkit.harmonize import run
from dqkit.harmonize.plan_file import read_plan

def slow(*told, work=run.work):
    done = work(*told)
    time.sleep(0.3)
    return done

run.work = slow
plan = read_plan(Path(sys.argv[1]))
run.harmonize(plan, Catalog(plan.catalog), Path(sys.argv[2]))
"""


def test_half_a_file_is_never_seen(tmp_path: Path) -> None:
    def fails(file: Any) -> None:
        file.write(b"half")
        raise RuntimeError("in the middle")

    (tmp_path / "there").write_bytes(b"before")
    with pytest.raises(RuntimeError):
        write_whole(tmp_path / "there", fails)
    assert os.listdir(tmp_path) == ["there"]
    assert (tmp_path / "there").read_bytes() == b"before"


def test_sources_are_only_read(small: Archive, tmp_path: Path) -> None:
    before = state(small.root)
    run(small, tmp_path / "out")
    assert state(small.root) == before
    assert np.all([not name.endswith(".part") for name in before])
