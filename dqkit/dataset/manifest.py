r"""The manifest: one line a file, ``sha256  path``, sorted by path, as ``sha256sum -c`` takes it.

Paths are relative to the root of the dataset. GNU coreutils write a name that holds a backslash, a line feed or a
carriage return with ``\\``, ``\n`` and ``\r``, and a backslash in front of such a line; so do we.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dqkit.archive.paths import escape, parent, unescape
from dqkit.catalog.schema import TEXT, Schema
from dqkit.errors import DqkitError
from dqkit.identity import Pseudonyms

NAME = "manifest.sha256"
"""Name of the file."""

LISTED: Schema = {"place": TEXT, "sha256": TEXT}
"""A file of a manifest: absolute path (escaped), and its checksum."""

_CHUNK = 50_000
_SPECIAL = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
_PLAIN = {written: meant for meant, written in _SPECIAL.items()}
_LINE = re.compile(rb"(\\?)([0-9a-f]{64}) [ *](.+)")


@dataclass(frozen=True)
class Manifest:
    """What names a manifest: its own checksum, how many files it lists, and their bytes together."""

    sha256: str
    files: int
    bytes: int


def manifest_lines(files: pl.DataFrame, root: Path) -> Iterator[bytes]:
    """Give the lines of the manifest, some thousands at a time.

    Parameters
    ----------
    files
        LISTED; those without a checksum are left out, each path is listed once.
    root
        Absolute; where paths are relative to.
    """
    listed = files.filter(pl.col("sha256").is_not_null()).select(LISTED.keys()).unique("place")
    yield from lines_of(listed.select("sha256", relative_paths(listed["place"], root)))


def lines_of(listed: pl.DataFrame) -> Iterator[bytes]:
    """Give the lines of a manifest of `sha256` and `path` (relative, escaped), sorted, some thousands at a time."""
    for part in listed.sort("path").select("sha256", "path").iter_slices(_CHUNK):
        yield b"".join(_line(sha256, path) for sha256, path in part.iter_rows())


def manifest_of(files: pl.DataFrame, root: Path) -> Manifest:
    """Return what names the manifest of `files` without writing it."""
    return _summed(manifest_lines(files, root), files)


def write_manifest(files: pl.DataFrame, root: Path, write: Callable[[bytes], object]) -> Manifest:
    """Hand the manifest to `write` piece by piece; return what names it."""

    def written() -> Iterator[bytes]:
        for piece in manifest_lines(files, root):
            write(piece)
            yield piece

    return _summed(written(), files)


def _summed(pieces: Iterable[bytes], files: pl.DataFrame) -> Manifest:
    total = hashlib.sha256()
    lines = 0
    for piece in pieces:
        total.update(piece)
        lines += piece.count(b"\n")
    size = files.filter(pl.col("sha256").is_not_null()).unique("place")["size"].sum() if "size" in files.columns else 0
    return Manifest(total.hexdigest(), lines, int(size))


def relative_paths(places: pl.Series, root: Path) -> pl.Series:
    """Return escaped paths relative to `root`, with ``..`` where they lie beside it."""
    base = os.fsencode(root)
    prefix = escape(base).rstrip("/") + "/"
    paths = [
        place[len(prefix) :] if place.startswith(prefix) else escape(os.path.relpath(unescape(place), base))
        for place in places
    ]
    return pl.Series("path", paths, dtype=TEXT)


def _line(sha256: str, path: str) -> bytes:
    name = unescape(path) if "%" in path else path.encode()
    mark = b""
    if any(byte in name for byte in _SPECIAL):
        name, mark = re.sub(rb"[\\\n\r]", lambda found: _SPECIAL[found[0]], name), b"\\"
    return mark + sha256.encode() + b"  " + name + b"\n"


def read_manifest(path: Path, root: Path) -> pl.DataFrame:
    """Read a manifest as LISTED, its paths hung on `root`.

    Raises
    ------
    DqkitError
        It cannot be read, or a line is none of a manifest.
    """
    base = os.fsencode(root)
    rows = read_rows(path)
    places = [escape(os.path.normpath(os.path.join(base, unescape(name)))) for name in rows["path"]]  # noqa: PTH118
    return rows.select(pl.Series("place", places, dtype=TEXT), "sha256")


def read_rows(path: Path) -> pl.DataFrame:
    """Read a manifest as `sha256` and `path`, relative as it stands there and escaped.

    Raises
    ------
    DqkitError
        It cannot be read, or a line is none of a manifest.
    """
    paths, sums = [], []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                found = _LINE.fullmatch(line.rstrip(b"\n"))
                if found is None:
                    raise DqkitError(f"{path.name}:{number}: this is no line of a manifest", "restore the file")
                name = re.sub(rb"\\[\\nr]", lambda hit: _PLAIN[hit[0]], found[3]) if found[1] else found[3]
                paths.append(escape(name))
                sums.append(found[2].decode())
    except OSError as error:
        raise DqkitError(f"the manifest {path} cannot be read: {error.strerror}", "restore the file") from error
    return pl.DataFrame({"sha256": sums, "path": paths}, schema={"sha256": TEXT, "path": TEXT})


def pseudonymous(rows: pl.DataFrame, pseudonyms: Pseudonyms) -> pl.DataFrame:
    """Replace the paths of `read_rows` by two pseudonyms each: of the folder, and of the file, as findings name it."""
    folders: dict[str, str] = {}
    paths = []
    for path in rows["path"]:
        folder = parent(path)
        if folder not in folders:
            folders[folder] = pseudonyms.of("folder", folder)
        paths.append(f"{folders[folder]}/{pseudonyms.of('file', path)}")
    return rows.select("sha256", pl.Series("path", paths, dtype=TEXT))
