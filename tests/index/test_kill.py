"""A run that is killed at any moment costs its own work and nothing else."""

import contextlib
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dqkit.catalog import runs
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import IndexOptions, index

KILLS = 50

NURSERY = """
import os, sys
from pathlib import Path
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import IndexOptions, index
for line in sys.stdin:
    catalog, archive = line.rstrip("\\n").split("\\t")
    child = os.fork()  # before polars has a thread: each victim is a process that has read nothing yet
    if not child:
        print(os.getpid(), flush=True)
        opened = Catalog(Path(catalog), load_key().fingerprint)
        print("ready", flush=True)
        index(opened, [Path(archive)], IndexOptions(confirm_removed=True))
        print("done", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""
"""Imports once what every victim needs, which takes longer than the runs that are killed."""


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
def test_fifty_kills_leave_the_catalog_of_an_undisturbed_run(
    archive: Path, tmp_path: Path, nursery: subprocess.Popen[bytes]
) -> None:
    fingerprint = load_key().fingerprint
    catalog = Catalog.create(tmp_path / "catalog", fingerprint, "test")
    index(catalog, [archive])
    killed_midway = 0
    longest = 0.4
    for step in range(KILLS):
        change_something(archive, step)
        delay = longest * (step % 10 + random.Random(step).random()) / 10
        finished, seconds = run_and_kill(nursery, catalog.path, archive, delay)
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


@pytest.fixture
def nursery() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def run_and_kill(nursery: subprocess.Popen[bytes], catalog: Path, archive: Path, delay: float) -> tuple[bool, float]:
    """Kill an index run `delay` seconds after it began; say whether it had ended before, and how long it took."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(f"{catalog}\t{archive}\n".encode())
    victim = int(nursery.stdout.readline())
    assert nursery.stdout.readline() == b"ready\n"
    began = time.monotonic()
    if not select.select([nursery.stdout], [], [], delay)[0]:  # it says when it is done
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    said = list(iter(nursery.stdout.readline, b"gone\n"))
    return b"done\n" in said, time.monotonic() - began
