"""Pixels are decoded once, in batches that a kill does not lose."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index import measure
from dqkit.index.build import IndexOptions, index
from tests.dicom_factory import Exam, Grid, ct_series, enhanced_ct, write
from tests.index.conftest import MakeCatalog

ALL, SAMPLE = IndexOptions(pixels="all"), IndexOptions(pixels="sample")


def measures(catalog: Catalog) -> pl.DataFrame:
    return catalog.scan("pixel_measures").sort("file_id", "frame").collect()


def runs(catalog: Catalog, command: str) -> int:
    return catalog.scan("runs").filter(pl.col("command") == command).collect().height


def test_a_sample_is_the_first_the_middle_and_the_last_of_each_series(archive: Path, catalog: Catalog) -> None:
    index(catalog, [archive], SAMPLE)
    assert measures(catalog).height == 3 * 4
    index(catalog, [archive], ALL)
    images = catalog.scan("instances").filter(pl.col("Rows").is_not_null()).collect().height
    assert measures(catalog)["file_id"].n_unique() == measures(catalog).height == images


def test_a_second_run_decodes_nothing(archive: Path, catalog: Catalog) -> None:
    index(catalog, [archive], ALL)
    before, n = measures(catalog), runs(catalog, "measure")
    index(catalog, [archive], ALL)
    assert measures(catalog).equals(before)
    assert runs(catalog, "measure") == n


def test_a_file_that_changed_is_measured_again_and_one_that_went_is_forgotten(archive: Path, catalog: Catalog) -> None:
    index(catalog, [archive], ALL)
    before = measures(catalog)
    first, second, *_ = sorted((archive / "north" / "ct").iterdir())
    third = sorted((archive / "south" / "ct").iterdir())[4]
    first.unlink()
    shutil.copy(third, second)
    index(catalog, [archive], IndexOptions(pixels="all", confirm_removed=True))
    after = measures(catalog)
    assert after.height == before.height - 1
    assert after["pixel_sha256"].n_unique() == before["pixel_sha256"].n_unique() - 2


def test_measures_of_an_older_version_are_made_again(
    archive: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(catalog, [archive], ALL)
    monkeypatch.setattr(measure, "MEASURE_VERSION", 99)
    monkeypatch.setattr("dqkit.pixels.decode.MEASURE_VERSION", 99)
    index(catalog, [archive], ALL)
    assert measures(catalog)["measure_version"].unique().to_list() == [99]
    assert measures(catalog)["file_id"].is_unique().all()


def test_frames_left_out_of_a_sample_are_measured_when_all_are_wanted(tmp_path: Path, catalog: Catalog) -> None:
    write(enhanced_ct(grid=Grid(n=7, rows=32, columns=32)), tmp_path / "archive")
    index(catalog, [tmp_path / "archive"], SAMPLE)
    assert measures(catalog)["frame"].to_list() == [1, 4, 7]
    index(catalog, [tmp_path / "archive"], ALL)
    assert measures(catalog)["frame"].to_list() == [1, 2, 3, 4, 5, 6, 7]
    index(catalog, [tmp_path / "archive"], SAMPLE)
    assert measures(catalog).height == 7


def test_many_files_are_measured_alike_by_one_process_and_by_several(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    for n in range(16):
        write(ct_series(Exam(patient=f"P{n}"), Grid(n=8, rows=16, columns=16)), tmp_path / "archive" / str(n))
    one, two = make_catalog("one"), make_catalog("two")
    index(one, [tmp_path / "archive"], IndexOptions(pixels="all", workers=1))
    index(two, [tmp_path / "archive"], IndexOptions(pixels="all", workers=2))
    assert measures(one).height == 128
    keys = ["pixel_sha256", "frame", "snr", "signature"]
    assert measures(one).select(keys).sort(keys[0]).equals(measures(two).select(keys).sort(keys[0]))


def test_few_tasks_wait_at_a_time(archive: Path) -> None:
    class Counting:
        waiting = most = 0

        def submit(self, *_: object, **__: object) -> "Counting":
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            return self

        def result(self) -> pl.DataFrame:
            self.waiting -= 1
            return pl.DataFrame()

    pool = Counting()
    tasks = ((b"", [("id", "path", 1, 1, 1, 1)], True) for _ in range(1000))
    assert sum(files for files, _ in measure._measured(pool, tasks, 2)) == 1000  # type: ignore[arg-type]
    assert pool.most <= 3 * 2


VICTIM = """
import sys
from pathlib import Path
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index import measure
from dqkit.index.build import IndexOptions, index
measure._SECONDS_A_BATCH = 0.0
measure._CHUNK = 4
print("ready", flush=True)
index(Catalog(Path(sys.argv[1]), load_key().fingerprint), [Path(sys.argv[2])], IndexOptions(pixels="all"))
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_what_was_measured_before_a_kill_or_an_interrupt_stays(end: int, tmp_path: Path, catalog: Catalog) -> None:
    for n in range(6):
        write(ct_series(Exam(patient=f"P{n}"), Grid(n=12, rows=256, columns=256)), tmp_path / "archive" / str(n))
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(catalog.path), str(tmp_path / "archive")],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while _measured_so_far(catalog) < 8 and time.monotonic() < deadline:
        time.sleep(0.02)
    victim.send_signal(end)
    assert victim.wait() != 0
    left = _measured_so_far(catalog)
    assert 8 <= left < 72
    index(catalog, [tmp_path / "archive"], ALL)
    assert measures(catalog)["file_id"].is_unique().all()
    assert measures(catalog).height == 72


def _measured_so_far(catalog: Catalog) -> int:
    fresh = Catalog(catalog.path, load_key().fingerprint)
    return int(fresh.scan("pixel_measures").select(pl.len()).collect().item())
