"""Decoders in a process of their own: one that hangs or crashes on a hostile file takes nothing else with it.

The process reads requests from its standard input and answers on its standard output: a line of JSON, then as many
raw bytes as the line announces. It ends with its input, and so with the process that started it.
"""

import atexit
import base64
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from typing import IO, Any

import numpy as np

from dqkit.pixels.frame import Frame, PixelFault, decode_frame

SECONDS_A_FILE = 30.0
"""House style: the slowest healthy frame seen (16,384 x 16,384 in JPEG 2000) takes a third of it."""

_SECONDS_TO_START = 120.0
_MOST_MEMORY = 8 << 30
"""Address space of the process, in bytes: a codestream can claim any size whatever the header says."""

Request = dict[str, Any]
Answer = tuple[dict[str, Any], bytes]


def decode_isolated(path: bytes, k: int = 0, *, partial: bool = False, all_bits: bool = False) -> Frame | PixelFault:
    """Decode frame `k` of a file as `decode_frame` does, in the decoding process."""
    answer, data = ask({"do": "frame", "path": os.fsdecode(path), "k": k, "partial": partial, "all_bits": all_bits})
    if "fault" in answer:
        return PixelFault(answer["fault"])
    pixels = np.frombuffer(data, answer.pop("dtype")).reshape(answer.pop("shape"))
    for name in ("window", "spacing_mm", "orientation", "position_mm"):
        if answer[name] is not None:
            answer[name] = tuple(answer[name])
    return Frame(pixels=pixels, **answer)


def ask(request: Request, seconds: float = SECONDS_A_FILE) -> Answer:
    """Have the decoding process of this process answer; ``{"fault": …}`` where it hangs or dies."""
    global _process  # noqa: PLW0603 - one decoding process a process, also across calls of an executor
    if _process is None or not _process.is_usable():
        _process = _DecodingProcess()
        atexit.register(_process.close)
    return _process.ask(request, seconds)


class _DecodingProcess:
    """The process that decodes, as the one that asks sees it."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109
        self._child = subprocess.Popen(
            [sys.executable, "-c", "from dqkit.pixels.isolated import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # C libraries write what they found in a file there
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        self._received = b""
        self._started = False

    def is_usable(self) -> bool:
        """Tell whether it lives and was started by this very process, not by the one that this was forked from."""
        return self._owner == os.getpid() and self._child.poll() is None

    def ask(self, request: Request, seconds: float) -> Answer:
        try:
            if not self._started:
                self._receive_line(time.monotonic() + _SECONDS_TO_START)
                self._started = True
            deadline = time.monotonic() + seconds
            stdin = _pipe(self._child.stdin)
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
            answer = json.loads(self._receive_line(deadline))
            return answer, self._receive(answer.pop("bytes", 0), deadline)
        except TimeoutError:
            fault = PixelFault.TIMEOUT
        except (OSError, EOFError, ValueError):
            fault = PixelFault.CRASHED
        self.close()
        return {"fault": fault.value}, b""

    def _receive_line(self, deadline: float) -> bytes:
        while b"\n" not in self._received:
            self._read_more(deadline)
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _receive(self, count: int, deadline: float) -> bytes:
        parts, have = [self._received], len(self._received)
        while have < count:
            self._received = b""
            self._read_more(deadline)
            parts.append(self._received)
            have += len(self._received)
        data = b"".join(parts)
        self._received = data[count:]
        return data[:count]

    def _read_more(self, deadline: float) -> None:
        stdout = _pipe(self._child.stdout).fileno()
        if not select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError
        data = os.read(stdout, 1 << 20)
        if not data:
            raise EOFError
        self._received += data

    def close(self) -> None:
        """End the process; harmless when it has ended."""
        if self._owner != os.getpid():
            return
        atexit.unregister(self.close)
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            try:
                _pipe(pipe).close()
            except OSError:  # what was not written when it died
                continue


_process: _DecodingProcess | None = None


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise EOFError
    return pipe


def serve() -> None:
    """Answer requests from standard input until it ends."""
    _limit_memory()
    import pydicom.pixels  # noqa: F401 - before the clock of the first file starts

    works: dict[str, Callable[[Request], Answer]] = {
        "frame": _answer_frame,
        "measure": _answer_measures,
    }
    # What a library prints must not mix with the answers
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    answers.write(b"ready\n")
    answers.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        answer, data = works[request["do"]](request)
        answers.write(json.dumps({**answer, "bytes": len(data)}).encode() + b"\n" + data)
        answers.flush()


def _limit_memory() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _MOST_MEMORY if hard == resource.RLIM_INFINITY else min(_MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def _answer_measures(request: Request) -> Answer:
    """Measure frames of a file (``frames``, from 0), up to the first that cannot be had."""
    from dqkit.pixels.measure import measure_frame

    path, measured = os.fsencode(request["path"]), []
    for k in request.get("frames", [0]):
        found = measure_frame(path, k)
        if "signature" in found:
            found["signature"] = base64.b64encode(found["signature"]).decode()
        measured.append(found)
        if "fault" in found:
            break
    return {"frames": measured}, b""


def _answer_frame(request: Request) -> Answer:
    frame = decode_frame(
        os.fsencode(request["path"]), request["k"], partial=request["partial"], all_bits=request["all_bits"]
    )
    if isinstance(frame, PixelFault):
        return {"fault": frame.value}, b""
    described = {field.name: getattr(frame, field.name) for field in fields(frame) if field.name != "pixels"}
    described |= {"dtype": frame.pixels.dtype.str, "shape": frame.pixels.shape}
    return described, np.ascontiguousarray(frame.pixels).tobytes()
