"""Paths as reversible text: Delta Lake and JSON know only UTF-8, and file systems know any bytes."""

import os
import re

_ESCAPE = re.compile(rb"%([0-9A-F]{2})")


def escape(path: bytes) -> str:
    """Write `path` as text: ``%``, control and unprintable characters and non-UTF-8 bytes become ``%XX``.

    Letters of any script stay as they are; `unescape` gives the same bytes back.
    """
    return escape_text(os.fsdecode(path))


def escape_text(path: str) -> str:
    """As `escape`, for a path as the os module gives it (surrogates stand for undecodable bytes)."""
    if path.isprintable() and "%" not in path:
        return path
    return "".join(
        c if c.isprintable() and c != "%" else "".join(f"%{byte:02X}" for byte in os.fsencode(c)) for c in path
    )


def unescape(text: str) -> bytes:
    """Return the path that `escape` wrote as `text`."""
    path = os.fsencode(text)
    return _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), path) if b"%" in path else path


def parent(path: str) -> str:
    """Return the folder of an escaped relative path; empty at the root."""
    return path.rpartition("/")[0]
