"""Headers, the whole index, and a rescan without changes, against what reading from Python costs at least."""

import os
import shutil
from pathlib import Path

import pydicom

from dqkit.archive.reader import read_header
from dqkit.archive.walk import walk
from dqkit.catalog.schema import ATTRIBUTES, NESTED
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import index
from dqkit.index.kinds import kinds
from dqkit.index.read import read_files
from tests.bench.clock import Figure, in_turns

_WITH_PYDICOM = 600
KEYWORDS = [name for name in ATTRIBUTES if name not in NESTED]


def measure(archive: Path, scratch: Path) -> list[Figure]:
    files = [os.path.join(folder, name) for folder, _, names in os.walk(archive) for name in names]
    some = files[:: max(1, len(files) // _WITH_PYDICOM)]
    read_headers(some)  # imports and tables are start-up
    with_pydicom(some[:5])
    index(new_catalog(scratch), [warm_up(archive, scratch)])
    header = in_turns(lambda: raw16(files), lambda: read_headers(files))
    against_pydicom = in_turns(lambda: read_headers(some), lambda: with_pydicom(some), 3)
    whole = in_turns(lambda: raw16(files), lambda: index(new_catalog(scratch), [archive]))
    catalog = new_catalog(scratch)
    index(catalog, [archive])
    rescan = in_turns(lambda: scan_and_stat(archive), lambda: index(catalog, [archive]), 15)
    n = len(files)
    return [
        Figure("headers", header.ratio, "raw16", 8, f"{header.each(n)}; {pydicom_share(archive)}"),
        Figure(
            "headers, faster than pydicom", against_pydicom.ratio, "of our speed", 20,
            f"dcmread(stop_before_pixels) + the same attributes, many series: {against_pydicom.each(len(some))}",
            at_least=True,
        ),
        Figure("whole index", whole.ratio, "raw16", 16, whole.each(n)),
        Figure("rescan, nothing changed", rescan.ratio, "scan", 3, rescan.each(n)),
    ]  # fmt: skip


def raw16(files: list[str]) -> None:
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        os.pread(descriptor, 16384, 0)
        os.fstat(descriptor)
        os.close(descriptor)


def read_headers(files: list[str]) -> None:
    wanted = kinds().wanted
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        size = os.fstat(descriptor).st_size
        read_header(lambda n, at, d=descriptor: os.pread(d, n, at), size, wanted)
        os.close(descriptor)


def with_pydicom(files: list[str]) -> None:
    for path in files:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        for keyword in KEYWORDS:
            dataset.get(keyword)


def scan_and_stat(root: Path) -> None:
    pending = [str(root)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    pending.append(entry.path)
                else:
                    entry.stat()


def new_catalog(scratch: Path) -> Catalog:
    shutil.rmtree(scratch / "catalog", ignore_errors=True)
    return Catalog.create(scratch / "catalog", load_key().fingerprint, "bench")


def warm_up(archive: Path, scratch: Path) -> Path:
    """Return a source of one series, so that the first index measured meets nothing for the first time."""
    series = next(folder for folder, folders, names in os.walk(archive) if names and not folders)
    return Path(shutil.copytree(series, scratch / "warm-up", dirs_exist_ok=True))


def pydicom_share(archive: Path) -> str:
    root = os.fsencode(archive)
    frame = read_files(root, "bench", walk(root).files.rows())
    slow = frame.filter(frame["reader"] == "pydicom").height
    return f"{slow} of {frame.height} files read by pydicom"
