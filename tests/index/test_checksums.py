"""Checksums: computed once, kept, reused while size and mtime stay, and read again on demand."""

import hashlib
import os
from pathlib import Path

import polars as pl
import pytest

from dqkit.archive.checksum import checksum_of
from dqkit.catalog.store import Catalog
from dqkit.index.checksums import Rehash, checksums, known_checksums, outside_id, places_of
from dqkit.index.progress import Silent
from dqkit.index.sources import registered
from tests.index.conftest import MakeCatalog


class Counting(Silent):
    """Counts the files that were read."""

    def __init__(self) -> None:
        self.read = 0

    def advance(self, steps: int) -> None:
        self.read += steps


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for n in range(5):
        (folder / f"{n}.bin").write_bytes(bytes([n]) * 1000)
    return folder


def wanted(folder: Path) -> pl.DataFrame:
    files = sorted(folder.iterdir())
    rows = [(outside_id(str(p)), p.stat().st_size, p.stat().st_mtime_ns, str(p)) for p in files]
    return pl.DataFrame(rows, schema=["file_id", "size", "mtime_ns", "place"], orient="row")


def summed(catalog: Catalog, files: pl.DataFrame, rehash: Rehash = Rehash.NONE) -> tuple[pl.DataFrame, int]:
    counting = Counting()
    with catalog.write() as writer:
        sums = checksums(writer, files, rehash, 2, counting)
    return files.select("file_id").join(sums, on="file_id", how="left", maintain_order="left"), counting.read


def test_every_file_gets_the_checksum_that_sha256sum_gives_it(catalog: Catalog, folder: Path) -> None:
    sums, read = summed(catalog, wanted(folder))
    assert sums["sha256"].to_list() == [hashlib.sha256(bytes([n]) * 1000).hexdigest() for n in range(5)]
    assert read == 5


def test_what_is_known_is_not_read_again(catalog: Catalog, folder: Path) -> None:
    first, _ = summed(catalog, wanted(folder))
    again, read = summed(catalog, wanted(folder))
    assert read == 0
    assert again.equals(first)


def test_a_file_with_another_mtime_is_read_again(catalog: Catalog, folder: Path) -> None:
    summed(catalog, wanted(folder))
    (folder / "3.bin").write_bytes(b"x" * 1000)
    os.utime(folder / "3.bin", ns=(1, 1))
    sums, read = summed(catalog, wanted(folder))
    assert read == 1
    assert sums["sha256"][3] == sums["first_sha256"][3] == hashlib.sha256(b"x" * 1000).hexdigest()


def rot(path: Path) -> None:
    """Change a byte and nothing else that a listing shows."""
    met = path.stat()
    path.write_bytes(b"!" + path.read_bytes()[1:])
    os.utime(path, ns=(met.st_atime_ns, met.st_mtime_ns))


def test_reading_again_finds_a_change_that_size_and_mtime_hide(catalog: Catalog, folder: Path) -> None:
    summed(catalog, wanted(folder))
    rot(folder / "2.bin")
    hidden, _ = summed(catalog, wanted(folder))
    assert (hidden["sha256"] == hidden["first_sha256"]).all()
    sums, read = summed(catalog, wanted(folder), Rehash.ALL)
    assert read == 5
    assert (sums["sha256"] != sums["first_sha256"]).to_list() == [False, False, True, False, False]


def test_a_silent_change_stays_known_until_the_file_is_mended(catalog: Catalog, folder: Path) -> None:
    summed(catalog, wanted(folder))
    rot(folder / "2.bin")
    for _ in range(3):
        summed(catalog, wanted(folder), Rehash.ALL)
    sums, read = summed(catalog, wanted(folder))
    assert read == 0
    assert sums["sha256"][2] != sums["first_sha256"][2]
    met = (folder / "2.bin").stat()
    (folder / "2.bin").write_bytes(bytes([2]) * 1000)
    os.utime(folder / "2.bin", ns=(met.st_atime_ns, met.st_mtime_ns))
    sums, _ = summed(catalog, wanted(folder), Rehash.ALL)
    assert sums["sha256"][2] == sums["first_sha256"][2]


def test_reading_again_many_times_keeps_two_rows_of_a_file(catalog: Catalog, folder: Path) -> None:
    for _ in range(4):
        summed(catalog, wanted(folder), Rehash.ALL)
    assert catalog.scan("checksums").collect().height == 10
    assert known_checksums(catalog).collect().height == 5


def test_a_sample_takes_those_that_waited_longest(catalog: Catalog, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for n in range(150):
        (many / f"{n:03d}").write_bytes(b"%d" % n)
    files = wanted(many)
    summed(catalog, files)
    _, first = summed(catalog, files, Rehash.SAMPLE)
    before = known_checksums(catalog).collect()["checked_at"].max()
    _, second = summed(catalog, files, Rehash.SAMPLE)
    assert (first, second) == (100, 100)
    waited = known_checksums(catalog).filter(pl.col("checked_at") < before).collect()
    assert waited.is_empty()  # two samples of a hundred met all hundred and fifty


def test_a_file_that_is_gone_or_no_file_is_told_and_not_kept(catalog: Catalog, folder: Path) -> None:
    files = wanted(folder)
    (folder / "0.bin").unlink()
    (folder / "1.bin").unlink()
    os.mkfifo(folder / "1.bin")
    sums, _ = summed(catalog, files)
    assert sums["status"].to_list() == ["vanished", "io_error", None, None, None]
    assert sums["sha256"].null_count() == 2
    assert catalog.scan("checksums").collect().height == 3


def test_files_of_a_source_are_found_whatever_their_name(
    catalog: Catalog, make_catalog: MakeCatalog, tmp_path: Path
) -> None:
    from dqkit.index.build import index

    root = tmp_path / "od%d root"
    root.mkdir()
    name = os.fsencode(root) + b"/caf\xe9 %41\n.dcm"
    with open(name, "wb") as file:
        file.write(b"not DICOM")
    index(catalog, [root])
    files = catalog.scan("instances").collect()
    places = places_of(files, registered(catalog.scan("sources").collect()))
    sums, _ = summed(catalog, places)
    assert sums["sha256"].to_list() == [hashlib.sha256(b"not DICOM").hexdigest()]
    assert checksum_of(name).size == 9
