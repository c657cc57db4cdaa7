"""A decoder that hangs or dies costs one file."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from dqkit.pixels import isolated
from dqkit.pixels.frame import Frame, PixelFault, decode_frame
from tests.dicom_factory import Grid, ct_series, enhanced_ct, write


@pytest.fixture
def fifo(tmp_path: Path) -> str:
    """Return a file whose reading never ends."""
    path = tmp_path / "never"
    os.mkfifo(path)
    return str(path)


def test_the_decoding_process_gives_the_same_frame(tmp_path: Path) -> None:
    path = os.fsencode(write(enhanced_ct(grid=Grid(n=3)), tmp_path)[0])
    here, there = decode_frame(path, 2), isolated.decode_isolated(path, 2)
    assert isinstance(here, Frame)
    assert isinstance(there, Frame)
    assert np.array_equal(here.pixels, there.pixels)
    assert {k: v for k, v in vars(here).items() if k != "pixels"} == {
        k: v for k, v in vars(there).items() if k != "pixels"
    }


def test_a_file_name_that_is_not_utf8_is_found(tmp_path: Path) -> None:
    path = bytes(write(ct_series(grid=Grid(n=1)), tmp_path)[0])
    odd = os.path.join(os.path.dirname(path), b"\xff\xfe \n.dcm")
    os.rename(path, odd)
    assert isinstance(isolated.decode_isolated(odd), Frame)


def test_a_decoder_that_hangs_is_ended_and_the_next_file_decodes(fifo: str, tmp_path: Path) -> None:
    started = time.monotonic()
    answer, _ = isolated.ask({"do": "measure", "path": fifo}, seconds=0.5)
    assert answer == {"fault": PixelFault.TIMEOUT}
    assert time.monotonic() - started < 30
    assert isinstance(isolated.decode_isolated(bytes(write(ct_series(grid=Grid(n=1)), tmp_path)[0])), Frame)


def test_a_decoder_that_dies_is_told_from_one_that_hangs(fifo: str, tmp_path: Path) -> None:
    path = bytes(write(ct_series(grid=Grid(n=1)), tmp_path)[0])
    isolated.decode_isolated(path)
    child = isolated._process
    assert child is not None
    killer = threading.Timer(0.3, os.kill, (child._child.pid, signal.SIGSEGV))
    killer.start()
    answer, _ = isolated.ask({"do": "measure", "path": fifo}, seconds=60)
    assert answer == {"fault": PixelFault.CRASHED}
    assert isinstance(isolated.decode_isolated(path), Frame)


def test_the_decoding_process_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    path = str(write(ct_series(grid=Grid(n=1)), tmp_path)[0])
    script = (
        "import os, sys; from dqkit.pixels import isolated; isolated.decode_isolated(os.fsencode(sys.argv[1])); "
        "print(isolated._process._child.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    child = Path("/proc", ended.stdout.strip())
    deadline = time.monotonic() + 10
    while child.exists() and "Z" not in (child / "stat").read_text().split()[2] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not child.exists() or (child / "stat").read_text().split()[2] == "Z"
