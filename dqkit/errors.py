"""Expected failures and the exit codes that every command ends with."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command; see docs/exit-codes.md."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INCOMPLETE = 3
    NOTHING = 4
    INTERRUPTED = 130


class DqkitError(Exception):
    """Something a person can mend: says what is wrong, where, and what to do.

    Faults of the data are findings, never exceptions. The command line prints the message without a
    traceback and ends with `exit_code`.

    Parameters
    ----------
    message
        What is wrong and where. Must hold no identifying value (PS3.15 Table E.1-1).
    hint
        What to do about it.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NothingToCheckError(DqkitError):
    """There is no file, or no rule, to work on."""

    exit_code = ExitCode.NOTHING


class IncompleteError(DqkitError):
    """Our side failed (disk full, I/O): the work is not done, and nothing is lost."""

    exit_code = ExitCode.INCOMPLETE
