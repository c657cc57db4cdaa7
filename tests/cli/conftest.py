"""Runs the command line in this process or in one of its own, and what several tests audit once."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests import dicom_defects as defects
from tests.dicom_factory import Exam, ct_series, write

KEY = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Ran:
    """What a run of the command left behind."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both streams on one line and without frames, as lines break where the terminal is narrow."""
        return " ".join((self.out + " " + self.err).replace("│", " ").split())


@contextlib.contextmanager
def ctrl_c_kept() -> Iterator[None]:
    """Give this process its own way with Ctrl-C back."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def dqkit(*arguments: object) -> Ran:
    """Run the command in this process, through the same entry as the console script."""
    from dqkit.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with (
        ctrl_c_kept(),
        mock.patch.object(sys, "argv", ["dqkit", *map(str, arguments)]),
        mock.patch.object(sys, "unraisablehook", sys.unraisablehook),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as left,
    ):
        main()
    return Ran(int(left.value.code or 0), out.getvalue(), err.getvalue())


def command(*arguments: object) -> list[str | bytes]:
    """Return the command line of a process of its own."""
    return [sys.executable, "-m", "dqkit", *(a if isinstance(a, bytes) else str(a) for a in arguments)]


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of such a process."""
    return {**os.environ, "DQKIT_KEY": KEY, "COLUMNS": "100", **changes}


def dqkit_process(*arguments: object, under: tuple[str, ...] = (), **options: Any) -> Ran:
    """Run the command in a process of its own, behind the words of `under`."""
    options.setdefault("env", environment())
    ran = subprocess.run([*under, *command(*arguments)], capture_output=True, timeout=120, check=False, **options)
    return Ran(ran.returncode, ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace"))


@dataclass(frozen=True)
class Audited:
    """An archive, its catalog, the folder of its report, and how the run ended."""

    archive: Path
    catalog: Path
    out: Path
    ran: Ran


@pytest.fixture(scope="session")
def two_sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an archive to be read only: a clean CT from North, one with a lost slice from South."""
    root = tmp_path_factory.mktemp("cli") / "two"
    write(ct_series(Exam(site="North", patient="n-1")), root / "north" / "ct")
    write(defects.drop_slice(ct_series(Exam(site="South", patient="s-1")), 5), root / "south" / "ct")
    return root


@pytest.fixture
def archive(two_sites: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may change."""
    return Path(shutil.copytree(two_sites, tmp_path / "archive"))


@pytest.fixture(scope="session")
def audited(two_sites: Path, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """Audit `two_sites` once, with all rules."""
    folder = tmp_path_factory.mktemp("audited")
    with mock.patch.dict(os.environ, DQKIT_KEY=KEY):
        ran = dqkit("audit", two_sites, "--catalog", folder / "catalog", "--out", folder / "out")
    return Audited(two_sites, folder / "catalog", folder / "out", ran)


@pytest.fixture
def catalog(audited: Audited, tmp_path: Path) -> Path:
    """Return a copy of the audited catalog that a test may change."""
    return Path(shutil.copytree(audited.catalog, tmp_path / "catalog"))


def giving_up_rights() -> tuple[str, ...]:
    """Return the words that start a process which permissions bind; root is bound by none unless it gives that up."""
    if os.geteuid():
        return ()
    words = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("root could not give up its rights (setpriv of util-linux is missing or may not)")
    return words


@pytest.fixture(scope="session")
def as_nobody_special() -> tuple[str, ...]:
    """Return the words that start a process which permissions bind."""
    return giving_up_rights()
