r"""The manifest: one line a file, ``sha256  path``, sorted by path, as ``sha256sum -c`` takes it.

Paths are relative to the root of the dataset. GNU coreutils write a name that holds a backslash, a line feed or a
carriage return with ``\\``, ``\n`` and ``\r``, and a backslash in front of such a line; so do we.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dqkit.archive.paths import escape, parent, unescape
from dqkit.catalog.schema import INT, TEXT, Schema, conform
from dqkit.errors import DqkitError
from dqkit.identity import Pseudonyms

NAME = "manifest.sha256"
"""Name of the file."""

LISTED: Schema = {"place": TEXT, "sha256": TEXT}
"""A file of a manifest: absolute path (escaped), and its checksum."""

_CHUNK = 50_000
_SPECIAL = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
_PLAIN = {written: meant for meant, written in _SPECIAL.items()}
_NOT_PLAIN = r"[%\\\n\r]"
"""Stands in paths that are written otherwise than they are escaped."""

_LINE = re.compile(rb"(\\?)([0-9a-f]{64}) [ *](.+)")


@dataclass(frozen=True)
class Manifest:
    """What names a manifest: its own checksum, how many files it lists, and their bytes together."""

    sha256: str
    files: int
    bytes: int


def lines_of(listed: pl.DataFrame) -> Iterator[bytes]:
    """Give the lines of a manifest of `sha256` and `path` (relative, escaped), sorted, some thousands at a time."""
    for part in listed.sort("path").select("sha256", "path").iter_slices(_CHUNK):
        if part["path"].str.contains(_NOT_PLAIN).any():
            yield b"".join(_line(sha256, path) for sha256, path in part.iter_rows())
        else:
            lines = part.select(pl.concat_str("sha256", pl.lit("  "), "path", pl.lit("\n")).str.join(""))
            yield lines.item().encode()


def manifest_of(files: pl.DataFrame, root: Path) -> Manifest:
    """Return what names the manifest of `files` without writing it."""
    return write_manifest(files, root, lambda _: None)


def write_manifest(files: pl.DataFrame, root: Path, write: Callable[[bytes], object]) -> Manifest:
    """Hand the manifest to `write` piece by piece; return what names it.

    Parameters
    ----------
    files
        LISTED, and `size` where the bytes are to be summed up; those without a checksum are left out, each path is
        listed once.
    root
        Absolute; where paths are relative to.
    """
    total, lines = hashlib.sha256(), 0
    listed = _listed(files, root)
    for piece in lines_of(listed):
        total.update(piece)
        lines += piece.count(b"\n")
        write(piece)
    return Manifest(total.hexdigest(), lines, int(listed["size"].sum()))


def _listed(files: pl.DataFrame, root: Path) -> pl.DataFrame:
    """Return sha256, size and relative path of each file, in the order of paths."""
    known = conform(files, LISTED | {"size": INT}).filter(pl.col("sha256").is_not_null())
    listed = known.select("sha256", "size", relative_paths(known["place"], root)).sort("path")
    return listed.filter(pl.col("path").ne_missing(pl.col("path").shift()))


def relative_paths(places: pl.Series, root: Path) -> pl.Series:
    """Return escaped paths relative to `root`, with ``..`` where they lie beside it; empty for no place."""
    base = os.path.abspath(os.fsencode(root))  # noqa: PTH100 - bytes, not text
    folders = _upwards(base)
    nearest = next((n for n, folder in enumerate(folders) if places.str.starts_with(folder).all()), len(folders) - 1)
    path = pl.lit(None, dtype=TEXT)
    for up, folder in reversed(list(enumerate(folders[: nearest + 1]))):
        below = "../" * up + pl.col("place").str.strip_prefix(folder)
        path = pl.when(pl.col("place").str.starts_with(folder)).then(below).otherwise(path)
    above = [folder.rstrip("/") for folder in folders]  # no place below them, and with two slashes none below `/`
    odd = pl.col("place").is_in(above) | ~pl.col("place").str.contains("^/[^/]")
    told = places.alias("place").to_frame().select(path.alias("path"), odd.alias("odd"))
    if not told["odd"].any():
        return told["path"]
    pairs = zip(places, told["path"], told["odd"], strict=True)
    return pl.Series("path", [_relative(place, base) if odd else path for place, path, odd in pairs], dtype=TEXT)


def _upwards(base: bytes) -> list[str]:
    """Return `base` and all folders above it, escaped, a slash behind each."""
    parts = [part for part in escape(base).split("/") if part]
    return ["/".join(["", *parts[:n], ""]) for n in range(len(parts), -1, -1)]


def _relative(place: str, base: bytes) -> str:
    return escape(os.path.relpath(unescape(place), base)) if place else ""


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
