"""The two streams: stdout has the result, stderr the progress; both outlive whoever reads them."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console


def screen(*, stderr: bool = False) -> Console:
    """Return a console that writes no escape codes at all where NO_COLOR is set: rich would keep bold and dim."""
    from rich.console import Console

    return Console(stderr=stderr, color_system=None if os.environ.get("NO_COLOR") else "auto")


class _Outliving(io.FileIO):
    """A stream that goes on silently when its reader went away, as in ``dqkit audit FOLDER | head -1``.

    The work is done and its verdict is the exit code, however much of the output was wanted.
    """

    def write(self, data: Any) -> int:
        """Write `data`, or drop it where nobody reads any more."""
        try:
            return super().write(data)
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())  # said once: what is buffered must not fail again at exit
            os.close(nowhere)
            if not isinstance(error, BrokenPipeError):
                raise
            return len(data)


def outlive_readers() -> None:
    """Let stdout and stderr survive a closed pipe and characters that their encoding lacks."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if _is_ours(stream):
            stream.flush()
            raw = io.BufferedWriter(_Outliving(stream.fileno(), "wb", closefd=False))
            lasting = io.TextIOWrapper(raw, stream.encoding, "backslashreplace", line_buffering=name == "stderr")
            setattr(sys, name, lasting)


def _is_ours(stream: TextIO | None) -> bool:
    """Tell whether `stream` is the one the interpreter opened, not a test's or a console's own."""
    return os.name == "posix" and stream in (sys.__stdout__, sys.__stderr__) and stream is not None
