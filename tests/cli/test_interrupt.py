"""Ctrl-C, and two of us at once: the catalog is as its last complete run left it, and nobody is left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dqkit.catalog import runs
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from tests.cli.conftest import dqkit, environment

pytestmark = pytest.mark.slow

MANY = 400

WITH_WORKERS = """
import sys
from dqkit.index import build, shards
build._WORTH_PROCESSES, shards.CHUNK = 1, 50
from dqkit.cli.main import main
if __name__ == "__main__":
    print("ready", flush=True)
    main()
"""
"""The command, with tasks so small that few files keep worker processes busy."""

Moment = Callable[[Path], bool]

MOMENTS: dict[str, Moment] = {
    "as it starts": lambda catalog: True,
    "the writer has the lock": lambda catalog: (catalog / ".work").is_dir(),
    "workers read": lambda catalog: any((catalog / ".work").glob("*.arrow")),
    "tables are written": lambda catalog: versions(catalog, "instances") > 1,
    "the last table is written": lambda catalog: versions(catalog, "labels") > 1,
}


def versions(catalog: Path, table: str) -> int:
    return len(list((catalog / table / "_delta_log").glob("*.json")))


@pytest.fixture(scope="module")
def many_files(two_sites: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("many") / "archive"
    files = sorted(two_sites.rglob("*.dcm"))
    for i in range(MANY):
        folder = root / f"site-{i % 2}" / f"series-{i // len(files)}"
        folder.mkdir(parents=True, exist_ok=True)
        os.link(files[i % len(files)], folder / f"{i}.dcm")
    return root


@pytest.fixture(scope="module")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "catalog"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", environment()["DQKIT_KEY"])
        Catalog.create(path, load_key().fingerprint, "test")
    return path


def start(*arguments: object) -> subprocess.Popen[bytes]:
    """Start the command as a terminal does: in a process group of its own, which Ctrl-C reaches as a whole."""
    line = [sys.executable, "-c", WITH_WORKERS, *map(str, arguments)]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def press_ctrl_c(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):  # it has ended: its exit code will tell
        os.killpg(process.pid, signal.SIGINT)


def somebody_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(happens: Callable[[], bool], seconds: float = 60.0) -> bool:
    until = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_costs_this_run_alone(moment: str, many_files: Path, empty_catalog: Path, tmp_path: Path) -> None:
    catalog = Path(shutil.copytree(empty_catalog, tmp_path / "catalog"))
    process = start("index", many_files, "--catalog", catalog, "--workers", "2")
    assert wait_until(lambda: MOMENTS[moment](catalog) or process.poll() is not None)
    if moment == "as it starts":
        time.sleep(0.1)
    press_ctrl_c(process)
    _, err = process.communicate(timeout=60)
    assert b"Traceback" not in err
    if process.returncode == 0:  # heard when all was done
        assert Catalog(catalog).scan("instances").collect().height == MANY
        return
    assert process.returncode == 130, err.decode()
    assert b"interrupted" in err
    assert wait_until(lambda: not somebody_left(process.pid), 10), "a process was left behind"
    assert not (catalog / ".work").exists()
    assert runs.broken_link(catalog) is None
    assert Catalog(catalog).scan("instances").collect().is_empty()
    again = dqkit("index", many_files, "--catalog", catalog, "--workers", "1", "--json")
    assert again.code == 0
    assert f'"new": {MANY}' in again.out


def test_ctrl_c_twice_ends_at_once(many_files: Path, empty_catalog: Path, tmp_path: Path) -> None:
    catalog = Path(shutil.copytree(empty_catalog, tmp_path / "catalog"))
    process = start("index", many_files, "--catalog", catalog, "--workers", "2")
    assert wait_until(lambda: MOMENTS["workers read"](catalog) or process.poll() is not None)
    for _ in range(2):
        press_ctrl_c(process)
        time.sleep(0.05)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert wait_until(lambda: not somebody_left(process.pid), 10)
    assert dqkit("index", many_files, "--catalog", catalog, "--workers", "1").code == 0


def test_ctrl_c_during_an_audit(catalog: Path, tmp_path: Path) -> None:
    before = Catalog(catalog).versions
    process = start("audit", catalog, "--out", tmp_path / "out")
    assert wait_until(lambda: (catalog / ".work").is_dir() or process.poll() is not None)
    press_ctrl_c(process)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err.decode()
    assert b"Traceback" not in err
    assert out == b""
    assert Catalog(catalog).versions == before
    assert not (tmp_path / "out").exists()
    assert dqkit("audit", catalog, "--out", tmp_path / "out", "--select", "GEO-003").code == 1


def test_a_second_writer_waits_and_says_so(two_sites: Path, empty_catalog: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(empty_catalog, tmp_path / "catalog"))
    with Catalog(path).write():
        process = start("index", two_sites, "--catalog", path)
        assert process.stderr is not None
        assert b"another dqkit is writing this catalog: waiting" in process.stderr.readline()
        assert process.poll() is None
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()
    assert b"23 new" in out


def test_ctrl_c_while_waiting(two_sites: Path, empty_catalog: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(empty_catalog, tmp_path / "catalog"))
    with Catalog(path).write() as writer:
        process = start("index", two_sites, "--catalog", path)
        assert process.stderr is not None
        process.stderr.readline()
        press_ctrl_c(process)
        process.communicate(timeout=60)
        assert process.returncode == 130
        assert writer.work.is_dir(), "the one who waits takes nothing from the one who writes"


def test_a_killed_worker_is_told_and_nothing_is_lost(many_files: Path, empty_catalog: Path, tmp_path: Path) -> None:
    catalog = Path(shutil.copytree(empty_catalog, tmp_path / "catalog"))
    process = start("index", many_files, "--catalog", catalog, "--workers", "2")
    assert wait_until(lambda: MOMENTS["workers read"](catalog) or process.poll() is not None)
    for child in workers_of(process.pid):
        os.kill(child, signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert b"Traceback" not in err
    assert wait_until(lambda: not somebody_left(process.pid), 10)
    assert dqkit("index", many_files, "--catalog", catalog, "--workers", "1").code == 0


def workers_of(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
