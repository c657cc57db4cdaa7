"""What a hospital sends again takes the place of what it sent before, and nothing else changes."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from dqkit.archive.site import SiteRule
from dqkit.catalog.schema import INSTANCES, conform, empty
from dqkit.catalog.store import Catalog
from dqkit.errors import DqkitError
from dqkit.identity import load_key
from dqkit.index.build import IndexOptions, index
from dqkit.index.change_sources import relocate_source, remove_source
from dqkit.index.supersede import READ, superseded
from tests import dicom_defects as defects
from tests.dicom_defects import Series
from tests.dicom_factory import Exam, Grid, ct_series, write
from tests.index.conftest import MakeCatalog

SMALL = Grid(n=8, rows=16, columns=16, spacing_mm=(20.0, 20.0))
NORTH = IndexOptions(site_rule=SiteRule("name", "North"))
RESEND = IndexOptions(site_rule=SiteRule("name", "North"), resend=True, confirm_removed=True)
TABLES = {"instances": "file_id", "stacks": "stack_id", "series": "series_key", "labels": "label_id"}

ALL = set(range(1, 9))


def images(series: Series, folder: Path, prefix: str = "IM") -> dict[int, Path]:
    """Write images as ``IM1.dcm`` …, by InstanceNumber."""
    return {int(one.InstanceNumber): write([one], folder, f"{prefix}{one.InstanceNumber}.dcm")[0] for one in series}


def without(series: Series, *numbers: int) -> Series:
    return [one for one in series if one.InstanceNumber not in numbers]


def only(series: Series, *numbers: int) -> Series:
    return [one for one in series if one.InstanceNumber in numbers]


def every(catalog: Catalog) -> pl.DataFrame:
    return catalog.scan("instances", superseded=True).collect()


def gave_way(catalog: Catalog, folder: str = "ct") -> set[int]:
    """Return the numbers of the files of the first delivery that are superseded."""
    hidden = every(catalog).filter(pl.col("superseded_by").is_not_null() & (pl.col("folder") == folder))
    return {int(path.rpartition("/IM")[2].removesuffix(".dcm")) for path in hidden["path"]}


def tables(catalog: Catalog) -> dict[str, pl.DataFrame]:
    return {name: catalog.scan(name).sort(key).collect() for name, key in TABLES.items()}


Deliver = Callable[[Series, Path], object]


@dataclass(frozen=True)
class Case:
    """A first delivery, what is sent again, and the numbers of the first files that give way."""

    first: Deliver
    again: Deliver
    gives_way: set[int]


def emptied(*numbers: int) -> Deliver:
    def deliver(series: Series, folder: Path) -> None:
        paths = images(series, folder)
        for number in numbers:
            paths[number].write_bytes(b"")

    return deliver


def spoilt(number: int, spoil: Callable[[Path], object]) -> Deliver:
    return lambda series, folder: spoil(images(series, folder)[number])


def cut_before_study(path: Path) -> None:
    """Cut the header between SOPInstanceUID and StudyInstanceUID: the file lies in the bucket of its folder."""
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\x20\x00\x0d\x00UI")])


def cut_in_meta(path: Path) -> None:
    """Cut the file before its SOPInstanceUID: the meta information alone names it."""
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"\x08\x00\x18\x00UI")])


def cut(path: Path) -> None:
    defects.truncate(path, 0.9)


def junk(path: Path) -> None:
    path.write_bytes(b"no image at all")


def copy_under_another_name(series: Series, folder: Path) -> None:
    write(only(series, 5), folder, "IM4.dcm")


def another_patients_file(series: Series, folder: Path) -> None:
    images(ct_series(Exam(site="North", patient="somebody else"), SMALL), folder)


def as_lossy(series: Series, folder: Path) -> None:
    images(defects.vary(series, "LossyImageCompression", "01"), folder)


def other_names(series: Series, folder: Path) -> None:
    images(series, folder, "other")


CASES: Mapping[str, Case] = {
    "lost slice comes": Case(lambda s, f: images(without(s, 5), f), lambda s, f: images(only(s, 5), f), set()),
    "whole series comes": Case(lambda s, f: images(without(s, 5), f), other_names, ALL - {5}),
    "cut file comes whole": Case(spoilt(4, cut), lambda s, f: images(only(s, 4), f), {4}),
    "cut file comes cut again": Case(spoilt(4, cut), lambda s, f: cut(images(only(s, 4), f)[4]), set()),
    "sound file comes cut": Case(images, lambda s, f: cut(images(only(s, 4), f)[4]), set()),
    "sound file comes empty": Case(images, lambda s, f: images(only(s, 4), f)[4].write_bytes(b""), set()),
    "sound file comes as junk": Case(images, lambda s, f: junk(images(only(s, 4), f)[4]), set()),
    "sound series comes lossy": Case(images, as_lossy, set()),
    "cut file comes lossy": Case(spoilt(4, cut), as_lossy, {4}),
    "empty file comes under its name": Case(emptied(4), lambda s, f: images(only(s, 4), f), {4}),
    "junk comes as image under its name": Case(spoilt(4, junk), lambda s, f: images(only(s, 4), f), {4}),
    "empty file comes with its series under other names": Case(emptied(4), other_names, ALL),
    "damaged file comes with its series": Case(spoilt(4, defects.damaged), other_names, ALL),
    "junk stays though its series came under other names": Case(spoilt(4, junk), other_names, ALL - {4}),
    "two are empty and one comes under another name": Case(
        emptied(4, 6), lambda s, f: images(without(s, 4), f, "other"), ALL - {4, 6}
    ),
    "its name comes with the image of its neighbour": Case(emptied(4), copy_under_another_name, {5}),
    "its name comes with the image of somebody else": Case(emptied(4), another_patients_file, set()),
    "header cut before its study": Case(spoilt(4, cut_before_study), lambda s, f: images(only(s, 4), f, "x"), {4}),
    "header cut in its meta information": Case(spoilt(4, cut_in_meta), lambda s, f: images(only(s, 4), f, "x"), {4}),
    "all are empty and come under their names": Case(emptied(*ALL), images, ALL),
    "two images under one UID and one comes": Case(
        lambda s, f: images(defects.duplicate_uid(s, 2, 6), f), lambda s, f: images(only(s, 3), f), {3}
    ),
    "two images under one UID and the mended series comes": Case(
        lambda s, f: images(defects.duplicate_uid(s, 2, 6), f), images, ALL
    ),
}


@pytest.fixture(scope="module")
def resent(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Return a catalog of all cases, a patient each: delivered, and sent again."""
    root = tmp_path_factory.mktemp("resent")
    for name, case in CASES.items():
        series = ct_series(Exam(site="North", patient=name), SMALL)
        case.first(series, root / "first" / name)
        case.again(series, root / "again" / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
        catalog = Catalog.create(root / "catalog", load_key().fingerprint, "test")
    index(catalog, [root / "first"], NORTH)
    index(catalog, [root / "again"], RESEND)
    return catalog


@pytest.mark.parametrize("name", CASES)
def test_only_what_came_better_gives_way(name: str, resent: Catalog) -> None:
    source = resent.scan("sources").filter(pl.col("name") == "first").collect()["source_id"].item()
    hidden = every(resent).filter(pl.col("superseded_by").is_not_null() & (pl.col("folder") == name))
    assert gave_way(resent, name) == CASES[name].gives_way
    assert set(hidden["source_id"]) <= {source}


def test_superseded_files_are_in_no_series_and_no_stack(resent: Catalog) -> None:
    hidden = set(every(resent).filter(pl.col("superseded_by").is_not_null())["file_id"])
    assert hidden
    assert hidden.isdisjoint(resent.scan("instances").collect()["file_id"])
    assert hidden.isdisjoint(resent.scan("stacks").collect()["file_ids"].explode())
    files = resent.scan("instances").filter(pl.col("status") == "dicom").collect()
    assert resent.scan("series").collect()["n_files"].sum() == files.height


def test_each_gives_way_to_a_file_that_counts_and_is_its_own_image(resent: Catalog) -> None:
    rows = every(resent)
    pairs = rows.filter(pl.col("superseded_by").is_not_null()).join(
        resent.scan("instances").collect(), left_on="superseded_by", right_on="file_id", how="left", suffix="_new"
    )
    assert pairs["path_new"].null_count() == 0
    assert (
        pairs.filter(pl.col("SOPInstanceUID") != pl.col("SOPInstanceUID_new"))
        .filter(pl.col("folder") != "two images under one UID and the mended series comes")
        .is_empty()
    )
    by_name = pairs.filter(pl.col("status") == "not_dicom")
    assert by_name["path"].to_list() == by_name["path_new"].to_list()


def test_a_gap_closes_when_its_slice_comes(resent: Catalog) -> None:
    stacks = resent.scan("stacks").join(resent.scan("series").select("series_key", "PatientID"), on="series_key")
    verdicts = dict(stacks.select("PatientID", "verdict").collect().iter_rows())
    assert verdicts["lost slice comes"] == verdicts["whole series comes"] == "OK"


def test_copies_are_hashed_among_files_that_count_alone(resent: Catalog) -> None:
    hashed = every(resent).filter(pl.col("content_sha256").is_not_null())
    assert hashed.filter(pl.col("superseded_by").is_not_null()).is_empty()
    assert "sound file comes cut" in set(hashed["folder"])
    assert "whole series comes" not in set(hashed["folder"])


@pytest.fixture(scope="module")
def sound() -> Series:
    return ct_series(Exam(site="North", patient="n-1"), SMALL)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return tmp_path / "first"


@pytest.fixture
def again(tmp_path: Path) -> Path:
    return tmp_path / "again"


def test_files_of_other_sites_stay(catalog: Catalog, first: Path, again: Path, sound: Series) -> None:
    images(sound, first / "north")
    images(sound, first / "south")
    index(catalog, [first], IndexOptions(site_rule=SiteRule("path", "1")))
    with pytest.raises(DqkitError, match="whose it is") as caught:
        index(catalog, [images(sound, again)[1].parent], IndexOptions(resend=True))
    assert "north, south" in caught.value.hint
    with pytest.raises(DqkitError, match="no site 'nroth'"):
        index(catalog, [again], IndexOptions(site_rule=SiteRule("name", "nroth"), resend=True))
    index(catalog, [again], IndexOptions(site_rule=SiteRule("name", "south"), resend=True))
    hidden = every(catalog).filter(pl.col("superseded_by").is_not_null())
    assert hidden["site"].unique().to_list() == ["south"]
    assert hidden.height == 8


def test_a_resend_needs_something_to_supersede_and_a_folder(catalog: Catalog, again: Path, sound: Series) -> None:
    images(sound, again)
    with pytest.raises(DqkitError, match="nothing yet"):
        index(catalog, [again], IndexOptions(resend=True))
    with pytest.raises(DqkitError, match="names no folder"):
        index(catalog, [], IndexOptions(resend=True))
    assert catalog.scan("sources").collect().is_empty()


def test_a_later_resend_supersedes_an_earlier_one_and_an_unchanged_one_is_not_read(
    catalog: Catalog, first: Path, again: Path, tmp_path: Path, sound: Series
) -> None:
    images(sound, first / "ct")
    index(catalog, [first], NORTH)
    images(sound, again, "second")
    index(catalog, [again], IndexOptions(resend=True))  # there is one site: whose it is goes without saying
    third = tmp_path / "third"
    images(only(sound, 1, 2), third, "third")
    index(catalog, [third], RESEND)
    by = dict(every(catalog).select("file_id", "path").iter_rows())
    taken = {row["path"]: by.get(row["superseded_by"]) for row in every(catalog).iter_rows(named=True)}
    assert taken["ct/IM1.dcm"] == taken["second1.dcm"] == "third1.dcm"
    assert taken["ct/IM3.dcm"] == "second3.dcm"
    assert taken["third1.dcm"] is None
    before = catalog.versions
    summary = index(catalog, [])
    assert (summary.new, summary.changed, summary.removed) == (0, 0, 0)
    assert summary.resends == {"again": 6, "third": 4}
    assert catalog.versions["instances"] == before["instances"]


@pytest.fixture(scope="module")
def ways_back(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, pl.DataFrame]]:
    """Return a folder of a delivery with two faults, its resend and their catalog; and the tables before the resend."""
    root = tmp_path_factory.mktemp("ways")
    series = ct_series(Exam(site="North", patient="n-1"), SMALL)
    paths = images(series, root / "first" / "ct")
    paths[3].write_bytes(b"")
    cut(paths[6])
    catalog = Catalog.create(root / "catalog", load_key().fingerprint, "test")
    index(catalog, [root / "first"], NORTH)
    before = tables(catalog)
    images(series, root / "again", "again")
    index(catalog, [root / "again"], RESEND)
    assert gave_way(catalog) == ALL
    return root, before


Back = Callable[[Catalog, Path], object]


def some_files_go(catalog: Catalog, root: Path) -> None:
    for path in sorted((root / "again").iterdir())[1:]:
        path.unlink()
    index(catalog, [root / "again"], RESEND)


def moved_elsewhere(catalog: Catalog, root: Path) -> None:
    images(ct_series(Exam(site="North", patient="n-4"), SMALL)[:1], root / "elsewhere")
    relocate_source(catalog, "again", root / "elsewhere")
    index(catalog, [root / "elsewhere"], RESEND)


def unmounted(catalog: Catalog, root: Path) -> None:
    (root / "again").rename(root / "away")
    assert index(catalog, []).offline == ("again",)


@pytest.mark.parametrize(
    ("how", "left"),
    [
        (lambda catalog, root: remove_source(catalog, "again"), set()),
        (lambda catalog, root: index(catalog, [root / "again"], IndexOptions(resend=False)), set()),
        (some_files_go, {1}),
        (moved_elsewhere, set()),
        (unmounted, ALL),
    ],
    ids=["removed", "no longer a resend", "some files go", "moved elsewhere", "unmounted"],
)
def test_older_files_come_back_when_the_resend_goes(
    how: Back, left: set[int], ways_back: tuple[Path, dict[str, pl.DataFrame]], tmp_path: Path
) -> None:
    made, before = ways_back
    root = Path(shutil.copytree(made, tmp_path / "root"))
    catalog = Catalog(root / "catalog")
    relocate_source(catalog, "first", root / "first")
    relocate_source(catalog, "again", root / "again")
    how(catalog, root)
    assert gave_way(catalog) == left
    if catalog.scan("sources").collect().height == 1:
        for name, frame in tables(catalog).items():
            assert_frame_equal(frame, before[name])


def test_removing_the_first_delivery_leaves_the_resend(
    ways_back: tuple[Path, dict[str, pl.DataFrame]], tmp_path: Path, make_catalog: MakeCatalog
) -> None:
    root = Path(shutil.copytree(ways_back[0], tmp_path / "root"))
    catalog, alone = Catalog(root / "catalog"), make_catalog("alone")
    remove_source(catalog, "first")
    index(alone, [root / "again"], NORTH)
    for name, frame in tables(catalog).items():
        assert_frame_equal(frame, tables(alone)[name])


def test_a_resend_that_comes_in_parts_ends_as_one_that_comes_at_once(
    make_catalog: MakeCatalog, first: Path, again: Path, sound: Series
) -> None:
    paths = images(defects.duplicate_uid(sound, 1, 6), first / "ct")
    paths[3].write_bytes(b"")
    images(sound, again, "again")
    parts, at_once = make_catalog("parts"), make_catalog("at-once")
    part = again.with_name("part")
    index(parts, [first], NORTH)
    for numbers in (range(1, 4), range(4, 9)):
        images(only(sound, *numbers), part, "again")
        index(parts, [part], RESEND)
    index(at_once, [first], NORTH)
    index(at_once, [again], RESEND)
    assert gave_way(parts) == gave_way(at_once) == ALL
    columns = ["SOPInstanceUID", "status", "site", "path"]
    of_parts, whole = (one.scan("instances").select(columns).sort("path").collect() for one in (parts, at_once))
    assert_frame_equal(of_parts, whole)


def test_a_run_that_never_commits_supersedes_nothing(
    catalog: Catalog, first: Path, again: Path, sound: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt(4, cut)(sound, first / "ct")
    index(catalog, [first], NORTH)
    before = tables(catalog)
    images(sound, again)
    monkeypatch.setattr("dqkit.index.build._summarize", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        index(catalog, [again], RESEND)
    monkeypatch.undo()
    reopened = Catalog(catalog.path)
    for name, frame in tables(reopened).items():
        assert_frame_equal(frame, before[name])
    index(reopened, [again], RESEND)
    assert gave_way(reopened) == ALL


UIDS = st.sampled_from([None, "1.1", "1.2", "1.3"])
FILES = st.lists(
    st.fixed_dictionaries(
        {
            "rank": st.integers(0, 2),
            "site": st.sampled_from(["North", "South"]),
            "status": st.sampled_from(["dicom", "dicom", "empty", "not_dicom"]),
            "SOPInstanceUID": UIDS,
            "SeriesInstanceUID": st.sampled_from([None, "2.1"]),
            "StudyInstanceUID": st.sampled_from([None, "3.1"]),
            "InstanceNumber": st.integers(1, 2),
            "header_truncated": st.booleans(),
            "has_pixel_data": st.booleans(),
            "folder": st.sampled_from(["a", "b"]),
            "name": st.sampled_from(["x", "y"]),
        }
    ),
    max_size=9,
)


@settings(max_examples=60)
@given(FILES)
def test_whatever_was_delivered_only_whole_later_files_of_the_site_take_a_place(files: list[dict[str, Any]]) -> None:
    uids = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
    rows = [
        {**file, "file_id": f"{n}", "path": f"{file['folder']}/{file['name']}", "source_id": f"{file['rank']}"}
        | ({} if file["status"] == "dicom" else dict.fromkeys(uids))
        for n, file in enumerate(files)
    ]
    schema = {name: INSTANCES[name] for name in READ} | {"site": pl.String(), "rank": pl.Int64()}
    known = {name: kind for name, kind in schema.items() if rows and name in rows[0]}
    frame = conform(pl.DataFrame(rows, schema_overrides=known), schema) if rows else empty(schema)
    found = superseded(frame)
    assert found["file_id"].is_unique().all()
    taken = found.join(frame, on="file_id").join(frame, left_on="superseded_by", right_on="file_id", suffix="_new")
    assert taken.height == found.height
    assert (taken["rank_new"] > taken["rank"]).all()
    assert (taken["status_new"] == "dicom").all()
    assert (~taken["header_truncated_new"]).all()
    assert taken.filter(pl.col("SOPInstanceUID").is_not_null() & (pl.col("site") != pl.col("site_new"))).is_empty()
    assert taken.filter(pl.col("SOPInstanceUID").ne(pl.col("SOPInstanceUID_new"))).is_empty()
    again = superseded(frame.reverse())
    assert_frame_equal(found.sort("file_id"), again.sort("file_id"))


def test_among_files_of_one_delivery_nothing_gives_way(resent: Catalog) -> None:
    files = every(resent).with_columns(rank=pl.lit(0, pl.Int64))
    assert superseded(files).is_empty()
