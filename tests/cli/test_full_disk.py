"""A disk that takes no more: the run says so and ends with 3, and the catalog is as its last complete run left it."""

import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from dqkit.catalog import runs
from dqkit.catalog.store import Catalog
from tests.cli.conftest import Audited, Ran, command, dqkit, dqkit_process, environment
from tests.dicom_factory import Exam, mr_series, write

LARGEST = 8_000
"""Bytes a file may have in the child: less than any table of the catalog needs."""

BLOCK = 4096
"""Bytes in which a file system in memory counts."""

ROOM = 40_000
"""Bytes beside the catalog: less than an index of 240 more images needs."""

IN_A_SMALL_DISK = """
mount -t tmpfs -o size="$SIZE" none "$1" || exit 77
cp -a "$2/." "$1" || exit 77
shift 2
"$@"
code=$?
cp -a "$BEFORE/." "$AFTER"
exit $code
"""


def limited(*arguments: object) -> Ran:
    """Run the command where every file that grows beyond LARGEST bytes fails, as under a quota."""
    return dqkit_process(
        *arguments, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, resource.RLIM_INFINITY))
    )


def more(archive: Path) -> None:
    write(mr_series(Exam(site="North", patient="n-2")), archive / "north" / "mr")


def same_as_before(catalog: Path, versions: dict[str, int]) -> None:
    assert Catalog(catalog).versions == versions
    assert runs.broken_link(catalog) is None
    assert Catalog(catalog).scan("instances").collect().height == 23
    assert not (catalog / ".work").exists()


@pytest.fixture
def indexed(archive: Path, tmp_path: Path) -> Path:
    assert dqkit("index", archive, "--catalog", tmp_path / "catalog").code == 0
    return tmp_path / "catalog"


def test_no_room_for_the_tables(archive: Path, indexed: Path) -> None:
    before = Catalog(indexed).versions
    more(archive)
    ran = limited("index", archive, "--catalog", indexed)
    assert ran.code == 3
    assert "could not be written" in ran.said
    assert "make room" in ran.said
    assert "Traceback" not in ran.err
    same_as_before(indexed, before)
    assert "35 files" in dqkit("index", archive, "--catalog", indexed).out


def test_no_room_for_a_new_catalog(archive: Path, tmp_path: Path) -> None:
    ran = limited("index", archive, "--catalog", tmp_path / "catalog")
    assert ran.code == 3
    assert "Traceback" not in ran.err
    assert dqkit("index", archive, "--catalog", tmp_path / "catalog").code == 0


def test_no_room_for_the_report(audited: Audited, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    ran = limited("report", audited.out, "--out", tmp_path / "report.html")
    assert ran.code == 3
    assert "could not be written" in ran.said
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_no_space_left_on_the_device(archive: Path, indexed: Path, tmp_path: Path) -> None:
    """As above, on a file system with little room beside the catalog, where this machine lets us mount one."""
    before = Catalog(indexed).versions
    held = sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in indexed.rglob("*"))
    for n in range(20):
        write(mr_series(Exam(site="North", patient=f"n-{n}")), archive / "north" / f"mr-{n}")
    disk, after = tmp_path / "disk", tmp_path / "after"
    disk.mkdir()
    after.mkdir()
    line = [str(part) for part in command("index", archive, "--catalog", disk)]
    where = environment(BEFORE=str(disk), AFTER=str(after), SIZE=str(held + ROOM))
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", IN_A_SMALL_DISK, "sh", str(disk), str(indexed), *line],
        capture_output=True, text=True, check=False, env=where,
    )  # fmt: skip
    if ran.returncode in (1, 77) and "dqkit" not in ran.stderr:
        pytest.skip("no file system may be mounted here")
    assert ran.returncode == 3, ran.stderr
    assert "no space left on the disk" in ran.stderr
    shutil.rmtree(indexed)
    after.rename(indexed)
    same_as_before(indexed, before)
