"""UIDs that follow from what a file is made of: made twice, the same file has the same name."""

import hashlib
import uuid

from dqkit.harmonize.tasks import WORK_VERSION

DERIVED_VERSION = 1
"""Of what is written: where it changes, instances are others."""


def uid_of(*parts: str) -> str:
    """Return a UID under 2.25 (PS3.5 B.2) that depends on `parts` and on the version of this work alone."""
    text = "\0".join((str(WORK_VERSION), str(DERIVED_VERSION), *parts))
    name = hashlib.sha256(text.encode()).digest()[:16]
    return f"2.25.{uuid.UUID(bytes=name, version=5).int}"
