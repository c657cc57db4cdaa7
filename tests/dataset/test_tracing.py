"""Tracing: what of a dataset was audited, what was not, and what changed since."""

import os
import shutil
from pathlib import Path

import polars as pl
import pydicom
import pytest

from dqkit.audit.only import Only, part_of
from dqkit.catalog.runs import Record
from dqkit.dataset.entries import Asked
from dqkit.dataset.tracing import TraceOptions, Unfit
from dqkit.index.checksums import Rehash
from tests.dataset.conftest import Project


def keeping_times(path: Path, data: bytes) -> None:
    """Write `data` of the same length so that no listing shows it."""
    met = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(met.st_atime_ns, met.st_mtime_ns))


def other_byte(path: Path) -> bytes:
    data = bytearray(path.read_bytes())
    data[-1] ^= 0xFF
    return bytes(data)


def test_files_and_folders_of_a_source_are_traced_to_their_series(project: Project) -> None:
    table = project.table("path,label\n../archive/north/ct0,benign\n../archive/south/ct1/1.dcm,malignant\n")
    traced = project.trace(table)
    assert traced["state"].to_list() == ["traced"] * 5
    assert traced["how"].unique().to_list() == ["path"]
    assert traced["site"].to_list() == ["north"] * 4 + ["south"]
    assert traced["series_key"].n_unique() == 2
    assert traced["sha256"].null_count() == 0


def test_paths_hang_on_the_root_that_was_told(project: Project) -> None:
    table = project.table("file\nnorth/ct0/1.dcm\n")
    assert project.states(table) == {"1.dcm": "missing"}
    assert project.states(table, asked=Asked(root=project.archive)) == {"1.dcm": "traced"}


def test_a_link_into_a_source_is_traced_by_its_path(project: Project) -> None:
    (project.work / "here").symlink_to(project.archive / "north" / "ct0")
    (project.work / "one.dcm").symlink_to(project.archive / "south" / "ct0" / "2.dcm")
    traced = project.trace(project.table("path\nhere/1.dcm\none.dcm\n"))
    assert traced.select("state", "how").rows() == [("traced", "path")] * 2


def test_a_copy_is_traced_by_its_bytes_whatever_it_is_called(project: Project) -> None:
    shutil.copy(project.archive / "north" / "ct1" / "3.dcm", project.work / "x.bin")
    shutil.copy(project.archive / "north" / "mask-b.nii", project.work / "y.nii")
    table = project.table("path\nx.bin\ny.nii\n")
    for _ in range(2):  # the second time by the checksums that the first has kept
        traced = project.trace(table)
        assert traced.select("state", "how").rows() == [("traced", "content")] * 2
        files = project.catalog.scan("instances").select("file_id", "path").collect()
        found = traced.join(files, on="file_id", maintain_order="left")["path"].to_list()
        assert found == ["north/ct1/3.dcm", "north/mask-b.nii"]


def test_a_copy_with_another_byte_has_changed_and_a_stranger_is_untraceable(project: Project) -> None:
    copy = project.work / "x.dcm"
    copy.write_bytes(other_byte(project.archive / "north" / "ct1" / "3.dcm"))
    stranger = pydicom.dcmread(project.archive / "north" / "ct1" / "3.dcm")
    stranger.SOPInstanceUID = stranger.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    stranger.save_as(project.work / "stranger.dcm")
    (project.work / "nothing.nii").write_bytes(b"not even a NIfTI")
    table = project.table("path\nx.dcm\nstranger.dcm\nnothing.nii\n")
    assert project.states(table) == {
        "x.dcm": "changed",
        "stranger.dcm": "untraceable",
        "nothing.nii": "untraceable",
    }


def test_a_file_that_was_changed_since_it_was_indexed_has_changed(project: Project) -> None:
    file = project.archive / "north" / "ct0" / "1.dcm"
    file.write_bytes(other_byte(file))
    table = project.table("path\n../archive/north/ct0/1.dcm\n")
    assert project.states(table) == {"1.dcm": "changed"}
    project.reindex()
    assert project.states(table) == {"1.dcm": "traced"}


def test_a_file_that_was_only_touched_is_traced_by_the_checksum_it_had(project: Project) -> None:
    file = project.archive / "north" / "ct0" / "1.dcm"
    table = project.table("path\n../archive/north/ct0/1.dcm\n")
    project.trace(table)
    os.utime(file, ns=(1, 1))
    assert project.states(table) == {"1.dcm": "traced"}


def test_a_silent_change_is_found_by_reading_again(project: Project) -> None:
    file = project.archive / "north" / "ct0" / "1.dcm"
    table = project.table("path\n../archive/north/ct0/1.dcm\n")
    project.trace(table)
    keeping_times(file, other_byte(file))
    assert project.states(table) == {"1.dcm": "traced"}
    traced = project.trace(table, TraceOptions(Rehash.ALL))
    assert traced["state"].to_list() == ["changed"]
    assert "size and modification time did not" in traced["detail"][0]


def test_what_is_missing_or_cannot_be_read_is_told_apart(project: Project) -> None:
    os.mkfifo(project.work / "pipe")
    (project.work / "empty").mkdir()
    table = project.table("path,label\ngone.dcm,1\n,2\npipe,3\nempty,4\n")
    traced = project.trace(table)
    assert traced.select("row", "state").rows() == [(1, "missing"), (2, "missing"), (3, "unread"), (4, "missing")]


def test_a_file_of_a_source_that_is_no_image_is_untraceable(project: Project) -> None:
    assert project.states(project.table("path\n../archive/north/notes.txt\n")) == {"notes.txt": "untraceable"}


def test_a_copy_of_a_file_whose_source_is_away_is_unread_and_not_untraceable(project: Project) -> None:
    shutil.copy(project.archive / "north" / "ct1" / "3.dcm", project.work / "x.dcm")
    project.archive.rename(project.root / "unplugged")
    assert project.states(project.table("path\nx.dcm\n")) == {"x.dcm": "unread"}


def test_a_file_listed_twice_or_under_two_names_is_known_as_such(project: Project) -> None:
    shutil.copy(project.archive / "north" / "ct0" / "1.dcm", project.work / "again.dcm")
    table = project.table(
        "path,split\n../archive/north/ct0/1.dcm,train\n../archive/north/./ct0/1.dcm,train\nagain.dcm,val\n"
        "../archive/north/ct0,train\n"
    )
    traced = project.trace(table)
    assert traced["times"].to_list() == [3, 1, 1, 1, 1]
    assert [place and os.path.basename(place) for place in traced["same_as"]] == [None, "1.dcm", None, None, None]
    assert traced["splits"].to_list() == [2, 2, 1, 1, 1]
    assert traced["state"].unique().to_list() == ["traced"]


def test_a_series_that_is_not_judged_is_outside_and_one_with_findings_is_unfit(project: Project) -> None:
    table = project.table("path\n../archive/north/ct0/1.dcm\n../archive/south/ct0/2.dcm\n../archive/south/ct1/3.dcm\n")
    bad = project.trace(table)["series_key"][1]
    judged = part_of(project.catalog, Only(sites=("south",)))
    states = project.states(table, TraceOptions(judged=judged, unfit=Unfit(frozenset({bad}))))
    assert states == {"1.dcm": "outside", "2.dcm": "unfit", "3.dcm": "traced"}


def with_provenance(project: Project, output: Path, sources: list[str]) -> None:
    """Say that `output` was made of `sources` (paths relative to the archive), as harmonize does."""
    import hashlib

    files = project.catalog.scan("instances").select("path", "file_id").collect()
    ids = dict(files.iter_rows())
    sha256 = hashlib.sha256(output.read_bytes()).hexdigest()
    rows = [
        {
            "output_file_id": "output",
            "output_sha256": sha256,
            "source_file_id": ids.get(path, "gone"),
            "source_sha256": hashlib.sha256((project.archive / path).read_bytes()).hexdigest(),
            "recipe": "test 1",
            "stack_id": "stack",
        }
        for path in sources
    ]
    with project.catalog.write() as writer:
        writer.append("provenance", pl.DataFrame(rows))
        writer.commit(Record("harmonize", "test"))


@pytest.fixture
def output(project: Project) -> Path:
    path = project.work / "volume.nii.gz"
    path.write_bytes(b"made of slices")
    return path


def test_an_output_is_traced_through_its_provenance(project: Project, output: Path) -> None:
    with_provenance(project, output, [f"north/ct0/{n}.dcm" for n in range(1, 5)])
    traced = project.trace(project.table("path\nvolume.nii.gz\n"))
    assert traced.select("state", "how", "site").rows() == [("traced", "provenance", "north")]
    series = project.catalog.scan("instances").filter(pl.col("path") == "north/ct0/1.dcm").collect()["series_key"]
    assert traced["series_key"].to_list() == series.to_list()


def test_an_output_is_unfit_only_for_what_no_recipe_mends(project: Project, output: Path) -> None:
    with_provenance(project, output, ["north/ct0/1.dcm"])
    table = project.table("path\nvolume.nii.gz\n")
    series = frozenset(project.trace(table)["series_key"])
    assert project.states(table, TraceOptions(unfit=Unfit(series))) == {"volume.nii.gz": "traced"}
    assert project.states(table, TraceOptions(unfit=Unfit(series, series))) == {"volume.nii.gz": "unfit"}


def test_an_output_whose_source_changed_has_changed(project: Project, output: Path) -> None:
    with_provenance(project, output, [f"north/ct0/{n}.dcm" for n in range(1, 5)])
    file = project.archive / "north" / "ct0" / "2.dcm"
    file.write_bytes(other_byte(file))
    project.reindex()
    assert project.states(project.table("path\nvolume.nii.gz\n")) == {"volume.nii.gz": "changed"}


def test_an_output_of_a_file_that_is_not_in_the_catalog_is_untraceable(project: Project, output: Path) -> None:
    (project.archive / "new.dcm").write_bytes(b"x")
    with_provenance(project, output, ["north/ct0/1.dcm", "new.dcm"])
    assert project.states(project.table("path\nvolume.nii.gz\n")) == {"volume.nii.gz": "untraceable"}


def test_an_output_with_another_byte_is_untraceable(project: Project, output: Path) -> None:
    with_provenance(project, output, ["north/ct0/1.dcm"])
    output.write_bytes(b"made of slicez")
    assert project.states(project.table("path\nvolume.nii.gz\n")) == {"volume.nii.gz": "untraceable"}


def test_tracing_leaves_the_catalog_that_was_handed_over_where_it_was(project: Project) -> None:
    from dqkit.dataset.entries import read_dataset
    from dqkit.dataset.files import files_of
    from dqkit.dataset.tracing import trace_files
    from dqkit.index.progress import Silent

    catalog = project.catalog
    before = catalog.versions
    table = project.table("path\n../archive/north/ct0\n")
    trace_files(files_of(read_dataset(table), Silent()), catalog)
    assert catalog.versions == before
    assert project.catalog.scan("checksums").collect().height == 4


def test_a_file_that_a_resend_replaced_is_outside(project: Project) -> None:
    from dqkit.archive.site import SiteRule
    from dqkit.catalog.store import Catalog
    from dqkit.identity import load_key
    from dqkit.index.build import IndexOptions, index

    again = project.root / "again" / "ct0"
    shutil.copytree(project.archive / "north" / "ct0", again)
    for file in again.iterdir():
        file.write_bytes(other_byte(file))
    table = project.table("path\n../archive/north/ct0/1.dcm\n../again/ct0/1.dcm\n../archive/north/ct1/1.dcm\n")
    options = IndexOptions(SiteRule("name", "north"), resend=True)
    index(Catalog(project.root / "catalog", load_key().fingerprint), [project.root / "again"], options)
    traced = project.trace(table)
    assert traced["state"].to_list() == ["outside", "traced", "traced"]
    assert "resend" in traced["detail"][0]


def test_a_file_without_a_series_is_not_outside_a_cohort_of_series(project: Project) -> None:
    class Nothing:
        def scan(self, table: str) -> pl.LazyFrame:
            return project.catalog.scan(table).filter(pl.lit(value=False))

    table = project.table("path\n../archive/north/mask-a.nii\n../archive/north/ct1/1.dcm\n")
    assert project.states(table, TraceOptions(judged=Nothing())) == {"mask-a.nii": "traced", "1.dcm": "outside"}
