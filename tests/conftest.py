"""What all tests share: where the real data is, and saying at the end what was not run."""

import os
import shutil
from pathlib import Path

import polars as pl
import pydicom.data
import pytest
from hypothesis import settings

from dqkit.archive.paths import escape

_KIND = frozenset({
    "folder", "status", "TransferSyntaxUID", "SOPClassUID", "PhotometricInterpretation", "SamplesPerPixel", "Rows",
    "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PlanarConfiguration",
    "NumberOfFrames", "reader", "pixel_data_terminated",
})  # fmt: skip
"""What tells one decoder's work from another's."""

NEEDS = {
    "corpus": lambda: None if os.environ.get("DQKIT_CORPUS") else "DQKIT_CORPUS names no folder of real data",
    "browser": lambda: None if chromium() else "no chromium here (Debian: apt-get install chromium fonts-noto-cjk)",
    "dciodvfy": lambda: None if shutil.which("dciodvfy") else "no dciodvfy here (Debian: apt-get install dicom3tools)",
}

# Machines are noisy, so that no example has a deadline; CI runs the same examples every time, people run new ones.
settings.register_profile("people", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "people")


def chromium() -> str | None:
    for path in (os.environ.get("DQKIT_CHROMIUM"), "/usr/bin/chromium", "/usr/bin/chromium-browser"):
        if path and Path(path).exists():
            return path
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin long files first, so that no process is left alone with one at the end."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, why_not in NEEDS.items():
        if item.get_closest_marker(marker) and (reason := why_not()):
            if os.environ.get("DQKIT_RUN_EVERYTHING"):  # .ci/run sets it
                pytest.fail(f"everything must run: {reason}")
            pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        terminalreporter.section("not run, and why")
        for reason, count in reasons.items():
            terminalreporter.write_line(f"{count} tests: {reason}")


@pytest.fixture(scope="session")
def corpus() -> Path:
    return Path(os.environ["DQKIT_CORPUS"])


@pytest.fixture(scope="session")
def corpus_kinds(corpus: Path) -> list[Path]:
    """Return the first and the last file of each kind in each folder: decoders meet the others as the same again.

    tests/audit/test_corpus_pixels.py decodes every one of them.
    """
    from dqkit.index.read import read_files

    paths = sorted(path for path in corpus.rglob("*") if path.is_file())
    listed = [(escape(os.fsencode(path.relative_to(corpus))), 0, 0) for path in paths]
    rows = read_files(os.fsencode(corpus), "corpus", listed).with_row_index("at")
    kind = [name for name in rows.columns if name in _KIND]
    of_kind = rows.group_by(kind).agg(pl.col("at").min().alias("first"), pl.col("at").max().alias("last"))
    return [paths[at] for at in sorted({*of_kind["first"], *of_kind["last"]})]


@pytest.fixture(scope="session")
def pydicom_files() -> list[Path]:
    """Return every file that pydicom's wheel ships as data."""
    root = Path(pydicom.data.__file__).parent
    return sorted(p for p in root.rglob("*") if p.is_file() and p.suffix not in {".py", ".pyc"})


@pytest.fixture(autouse=True)
def _own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
