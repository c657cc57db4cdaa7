"""Finds what ships beside the code: in a wheel inside the package, in a checkout at its top."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Return the folder of shipped data called `name` (``rules``).

    A wheel carries it as ``dqkit/_shipped/<name>`` (hatchling force-include, which editable installs do
    not see); a checkout has it beside the package.

    Raises
    ------
    FileNotFoundError
        Neither place has it: the installation is broken.
    """
    for candidate in (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"dqkit was installed without its folder {name!r}: install it again")
