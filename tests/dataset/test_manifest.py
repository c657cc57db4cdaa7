"""The manifest and the Croissant description: what other tools read of a dataset."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import mlcroissant
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dqkit.archive.checksum import checksum_of
from dqkit.archive.paths import escape
from dqkit.dataset.croissant import Known, croissant_bytes
from dqkit.dataset.entries import read_dataset
from dqkit.dataset.manifest import manifest_of, read_manifest, relative_paths, write_manifest
from dqkit.errors import DqkitError
from tests.dataset.conftest import Project

ODD = [
    b"plain.dcm",
    b"sp ace.dcm",
    "头部.dcm".encode(),
    b"per%41cent",
    b"new\nline",
    b"back\\slash",
    b"\xff\xfe",
    b"-n",
    b"*x",
]


NAMES = st.lists(
    st.binary(min_size=1, max_size=12).filter(lambda b: b"/" not in b and b"\0" not in b), max_size=8, unique=True
)


def files_in(folder: Path) -> pl.DataFrame:
    paths = [os.path.join(os.fsencode(folder), name) for name in os.listdir(os.fsencode(folder))]
    sums = [checksum_of(path) for path in paths]
    return pl.DataFrame(
        {"place": [escape(path) for path in paths], "sha256": [s.sha256 for s in sums], "size": [s.size for s in sums]}
    )


def written(files: pl.DataFrame, root: Path, path: Path) -> str:
    with path.open("wb") as out:
        return write_manifest(files, root, out.write).sha256


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "deep"
    folder.mkdir(parents=True)
    for name in ODD:
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(name)
    return folder


def test_sha256sum_accepts_every_name(odd: Path, tmp_path: Path) -> None:
    files = files_in(odd)
    for root in (odd, odd.parent, tmp_path / "data"):
        path = tmp_path / "manifest.sha256"
        assert written(files, root, path) == hashlib.sha256(path.read_bytes()).hexdigest()
        ran = subprocess.run(["sha256sum", "--check", "--strict", path], cwd=root, capture_output=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, b"")
        assert ran.stdout.count(b": OK") == len(ODD)


def test_files_beside_the_root_are_named_from_it(odd: Path, tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    written(files_in(odd), root, tmp_path / "m")
    assert all(
        line[-200:].split(b"  ", 1)[1].startswith(b"../data/deep/")
        for line in (tmp_path / "m").read_bytes().splitlines()
    )
    assert subprocess.run(["sha256sum", "--check", "--quiet", tmp_path / "m"], cwd=root, check=False).returncode == 0


def test_a_manifest_reads_back_as_it_was_written_and_is_sorted(odd: Path, tmp_path: Path) -> None:
    files = files_in(odd)
    written(files, odd, tmp_path / "m")
    back = read_manifest(tmp_path / "m", odd)
    assert sorted(back.rows()) == sorted(files.select("place", "sha256").rows())
    assert back.rows() == back.sort("place").rows()


@given(
    st.lists(
        st.binary(min_size=1, max_size=12).filter(lambda b: b"/" not in b and b"\0" not in b),
        min_size=1,
        max_size=8,
        unique=True,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_name_comes_back(tmp_path: Path, names: list[bytes]) -> None:
    names = [name for name in names if name not in (b".", b"..")]
    files = pl.DataFrame(
        {"place": [escape(b"/data/" + name) for name in names], "sha256": ["a" * 64] * len(names)},
        schema={"place": pl.String, "sha256": pl.String},
    )
    written(files, Path("/data"), tmp_path / "m")
    assert sorted(read_manifest(tmp_path / "m", Path("/data"))["place"]) == sorted(files["place"])


_NAME = st.sampled_from([b"a", b"b", b"c d", b"..x", b"%", b"\xff", "影像".encode(), b"a\nb"])
_PATH = st.lists(_NAME, min_size=1, max_size=4).map(lambda names: b"/" + b"/".join(names))


@given(st.lists(_PATH, min_size=1, max_size=6), _PATH)
def test_paths_are_relative_to_the_root_wherever_they_lie(paths: list[bytes], root: bytes) -> None:
    places = pl.Series("place", [escape(path) for path in paths])
    told = relative_paths(places, Path(os.fsdecode(root)))
    assert told.to_list() == [escape(os.path.relpath(path, root)) for path in paths]


def test_what_has_no_place_has_no_path() -> None:
    assert relative_paths(pl.Series("place", ["", "//a", "/data/a"]), Path("/data")).to_list() == ["", "../a", "a"]


def test_a_file_of_other_lines_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "m").write_text("a" * 64 + "  x\nnonsense\n")
    with pytest.raises(DqkitError, match="m:2: this is no line"):
        read_manifest(tmp_path / "m", tmp_path)


ROWS = [("north/ct0/1.dcm", "benign", "train"), ("south/ct1/2.dcm", "malignant", "val")]
COLUMNS = ("path", "label", "split")


def as_lines(separator: str) -> str:
    return "".join(separator.join(row) + "\n" for row in (COLUMNS, *ROWS))


def as_objects() -> str:
    return "".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in ROWS)


TABLES = {"train.csv": as_lines(","), "train.tsv": as_lines("\t"), "train.jsonl": as_objects()}


@pytest.mark.parametrize("name", TABLES)
def test_mlcroissant_validates_the_description_and_reads_the_records(project: Project, name: str) -> None:
    shutil.move(project.archive / "north", project.work / "north")
    shutil.move(project.archive / "south", project.work / "south")
    table = project.table(TABLES[name], name)
    dataset = read_dataset(table)
    traced = project.trace(table)
    known = Known(
        "Two files.", collection="By two hospitals.", raw_data="DICOM.", missing_data="None.", preprocessing=("None.",),
        biases=("Half is north.",), limitations=("Pixels were not looked at.",), personal=("Health data.",),
    )  # fmt: skip
    with (project.work / "manifest.sha256").open("wb") as out:
        manifest = write_manifest(traced, dataset.root, out.write)
    assert manifest == manifest_of(traced, dataset.root)
    content = croissant_bytes(dataset, manifest, known)
    assert content == croissant_bytes(dataset, manifest, known)
    (project.work / "croissant.json").write_bytes(content)
    described = mlcroissant.Dataset(jsonld=project.work / "croissant.json")
    assert not described.metadata.ctx.issues.errors
    assert described.metadata.data_biases == ["Half is north."]
    rows = [tuple(value.decode() for value in row.values()) for row in described.records("entries")]
    assert rows == ROWS
    files = [tuple(value.decode() for value in row.values()) for row in described.records("files")]
    assert [path for _, path in files] == ["north/ct0/1.dcm", "south/ct1/2.dcm"]
    assert files[0][0] == hashlib.sha256((project.work / "north/ct0/1.dcm").read_bytes()).hexdigest()


def test_a_folder_as_dataset_is_described_by_its_manifest_alone(project: Project) -> None:
    dataset = read_dataset(project.archive / "north" / "ct0")
    traced = project.trace(project.archive / "north" / "ct0")
    content = croissant_bytes(dataset, manifest_of(traced, dataset.root), Known("A folder."))
    assert b'"table"' not in content
    assert b'"manifest"' in content
