"""On what the evidence was collected: versions, for whoever wants to do it again."""

import platform
from importlib import metadata
from typing import Any

from dqkit import __version__


def environment() -> dict[str, Any]:
    """Return versions of dqkit, Python, the system and every package beside it, and no name of a machine."""
    packages = {(one.metadata["Name"] or "").lower(): one.version for one in metadata.distributions()}
    return {
        "of": "the program that collected this evidence; verdict.json names the one that judged",
        "dqkit": __version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "packages": dict(sorted((name, version) for name, version in packages.items() if name)),
    }
