"""What all tests share: where the real data is, and saying at the end what was not run."""

import os
import shutil
from pathlib import Path

import pydicom.data
import pytest
from hypothesis import settings

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
def pydicom_files() -> list[Path]:
    """Return every file that pydicom's wheel ships as data."""
    root = Path(pydicom.data.__file__).parent
    return sorted(p for p in root.rglob("*") if p.is_file() and p.suffix not in {".py", ".pyc"})


@pytest.fixture(autouse=True)
def _own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
