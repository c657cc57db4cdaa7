"""Ctrl-C that is never lost.

Python drops a KeyboardInterrupt that happens to be raised inside a destructor or a weak reference's callback, and
polars 2 makes a TypeError or a panic of one that meets it while it calls Python. So it is remembered here and raised
at the next step of progress; what fails after it counts as interrupted.
"""

import signal
import sys
import threading
from types import FrameType

_PRESSED = threading.Event()

_DELICATE = {"polars", "deltalake", "importlib"}
"""Called from native code, or calling it: the first Ctrl-C waits for their end."""


def listen() -> None:
    """Remember Ctrl-C from now on, unless whoever started us wants it ignored."""
    _PRESSED.clear()
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _press)
        sys.unraisablehook = _unraisable


def deafen() -> None:
    """Take no more Ctrl-C: what is left is said in an instant."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _unraisable(what: "sys.UnraisableHookArgs") -> None:
    """Say nothing of a dropped KeyboardInterrupt: `check` raises it again."""
    if what.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(what)


def _press(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    again = _PRESSED.is_set()
    _PRESSED.set()
    if again or not _delicate(frame):
        raise KeyboardInterrupt


def _delicate(frame: FrameType | None) -> bool:
    """Tell whether the interrupted code would make something else of an exception, with a trace on stderr."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).split(".")[0] in _DELICATE:
            return True
        frame = frame.f_back
    return False


def pressed() -> bool:
    """Tell whether Ctrl-C was pressed."""
    return _PRESSED.is_set()


def check() -> None:
    """Raise what was dropped.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C was pressed.
    """
    if pressed():
        raise KeyboardInterrupt
