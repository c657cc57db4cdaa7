"""A run that is killed at any moment costs its own work and nothing else."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dqkit.catalog import runs
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import IndexOptions, index

KILLS = 50

VICTIM = """
import sys
from pathlib import Path
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import IndexOptions, index
catalog = Catalog(Path(sys.argv[1]), load_key().fingerprint)
print("ready", flush=True)
index(catalog, [Path(sys.argv[2])], IndexOptions(confirm_removed=True))
print("done", flush=True)
"""


def change_something(archive: Path, step: int) -> None:
    """Add, remove and change a file, so that every run has buckets to write."""
    files = sorted(archive.rglob("*.dcm"))
    chance = random.Random(step)
    shutil.copy(chance.choice(files), archive / "north" / f"copy-{step}.dcm")
    chance.choice(files).unlink()
    left = sorted(archive.rglob("*.dcm"))
    victim = chance.choice(left)
    victim.write_bytes(chance.choice(left).read_bytes())
    os.utime(victim, ns=(step * 10**9, step * 10**9))


def tables(catalog: Catalog) -> dict[str, pl.DataFrame]:
    keys = {"instances": "file_id", "stacks": "stack_id", "series": "series_key", "labels": "label_id"}
    return {name: catalog.scan(name).sort(key).collect() for name, key in keys.items()}


@pytest.mark.slow
def test_fifty_kills_leave_the_catalog_of_an_undisturbed_run(archive: Path, tmp_path: Path) -> None:
    fingerprint = load_key().fingerprint
    catalog = Catalog.create(tmp_path / "catalog", fingerprint, "test")
    index(catalog, [archive])
    killed_midway = 0
    longest = 0.4
    for step in range(KILLS):
        change_something(archive, step)
        delay = longest * (step % 10 + random.Random(step).random()) / 10
        finished, seconds = run_and_kill(catalog.path, archive, delay)
        killed_midway += not finished
        longest = max(longest, seconds) if finished else longest
        catalog = Catalog(catalog.path, fingerprint)
        index(catalog, [archive], IndexOptions(confirm_removed=True))
        assert runs.broken_link(catalog.path) is None
        if step % 5 == 0 or step == KILLS - 1:
            fresh = Catalog.create(tmp_path / f"fresh-{step}", fingerprint, "test")
            index(fresh, [archive])
            expected = tables(fresh)
            for name, frame in tables(catalog).items():
                assert_frame_equal(frame, expected[name])
    assert killed_midway >= KILLS / 2


def run_and_kill(catalog: Path, archive: Path, delay: float) -> tuple[bool, float]:
    """Kill an index run `delay` seconds after it began; say whether it had ended before, and how long it took."""
    process = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(catalog), str(archive)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    began = time.monotonic()
    try:
        process.wait(timeout=delay)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    rest = process.communicate()[0]
    return "done" in rest, time.monotonic() - began
