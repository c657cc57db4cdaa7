"""Lists a source: every file with its size and mtime, and what could not be listed."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import polars as pl

from dqkit.archive.paths import escape_text

SYSTEM_FOLDERS = frozenset(
    {
        "$recycle.bin", "system volume information", "recycler", ".trashes", ".spotlight-v100", ".fseventsd",
        "__macosx", "found.000", "lost+found", ".thumbnails", "@eadir", ".git",
    }
)  # fmt: skip
"""Folders of operating systems and file servers (lower case); they are named once, never entered."""

VIEWER_FILES = frozenset({"autorun.inf", "autorun.exe", "thumbs.db", "desktop.ini", ".ds_store", "dicomdir"})
"""Files of exported disks that are no images (lower case)."""

VIEWER_ENDINGS = (".exe", ".dll", ".msi", ".inf", ".lnk", ".chm", ".jar", ".ocx", ".cab", ".bat")
"""Endings of the viewers that hospitals burn beside the images."""

_BATCH = 50_000

LISTING = {"path": pl.String, "size": pl.Int64, "mtime_ns": pl.Int64}


@dataclass
class Listing:
    """What a walk found.

    Attributes
    ----------
    files
        path (escaped, relative), size (bytes), mtime_ns; one row a regular file.
    system
        Folders or disk furniture that hold no images, as escaped relative paths -> what they are.
    unlisted
        Folders that could not be entered, as escaped relative path -> reason (an OSError's text).
    first_level
        Number of folders directly under the root, system folders aside.
    """

    files: pl.DataFrame
    system: dict[str, str] = field(default_factory=dict)
    unlisted: dict[str, str] = field(default_factory=dict)
    first_level: int = 0


def walk(root: bytes, on_files: Callable[[int], None] = lambda _: None) -> Listing:
    """List all regular files under `root`, following links to folders at most once each.

    Raises
    ------
    OSError
        The root itself cannot be listed.
    """
    walker = _Walker(os.fsdecode(root), on_files)
    walker.run()
    return walker.listing()


class _Walker:
    def __init__(self, root: str, on_files: Callable[[int], None]) -> None:
        self._root = root
        self._on_files = on_files
        self._frames: list[pl.DataFrame] = []
        self._paths: list[str] = []
        self._sizes: list[int] = []
        self._mtimes: list[int] = []
        self._system: dict[str, str] = {}
        self._unlisted: dict[str, str] = {}
        self._linked: set[tuple[int, int]] = set()
        self._first_level = 0
        self._found = 0

    def run(self) -> None:
        status = os.stat(self._root)  # noqa: PTH116
        self._linked.add((status.st_dev, status.st_ino))
        pending: list[tuple[str, str]] = [(self._root, "")]
        first = True
        while pending:
            folder, relative = pending.pop()
            try:
                below = list(self._list(folder, relative))
            except OSError as error:
                if first:
                    raise
                self._unlisted[relative.rstrip("/")] = error.strerror or type(error).__name__
                below = []
            if first:
                self._first_level, first = len(below), False
            pending.extend(sorted(below, reverse=True))

    def _list(self, folder: str, relative: str) -> Iterator[tuple[str, str]]:
        """Take the files of one folder, and yield the folders to enter next."""
        furniture = 0
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    kept = self._folder(entry, relative)
                elif entry.is_symlink() and _leads_to_folder(entry):
                    kept = self._linked_folder(entry, relative)
                else:
                    kept, furniture = None, furniture + self._file(entry, relative)
                if kept:
                    yield kept
        if furniture:
            self._system[(relative + "(disk files)")] = (
                f"{furniture} files of the disk itself (viewer, autorun, DICOMDIR)"
            )
        if len(self._paths) >= _BATCH:
            self._flush()

    def _folder(self, entry: os.DirEntry[str], relative: str) -> tuple[str, str] | None:
        name = relative + escape_text(entry.name)
        if entry.name.lower() in SYSTEM_FOLDERS:
            self._system[name] = "system folder"
            return None
        return entry.path, name + "/"

    def _linked_folder(self, entry: os.DirEntry[str], relative: str) -> tuple[str, str] | None:
        """Enter a linked folder unless it leads to one that holds it, or was entered before."""
        target = os.path.realpath(entry.path)
        root = os.path.realpath(self._root)
        if target == root or root.startswith(target + os.sep) or target.startswith(root + os.sep):
            return None  # its files are listed in their own place
        status = entry.stat()
        if (status.st_dev, status.st_ino) in self._linked:
            return None
        self._linked.add((status.st_dev, status.st_ino))
        return self._folder(entry, relative)

    def _file(self, entry: os.DirEntry[str], relative: str) -> int:
        """Take a regular file; return 1 where it is furniture of a disk."""
        name = entry.name
        try:
            status = entry.stat()
        except OSError as error:  # a dangling link, or gone meanwhile
            if not entry.is_symlink():
                self._unlisted[relative + escape_text(name)] = error.strerror or type(error).__name__
            return 0
        if not stat.S_ISREG(status.st_mode):  # sockets, pipes, devices: reading one could hang
            return 0
        if not name.endswith(".dcm") and _is_furniture(name.lower()):  # most are images: ask them nothing more
            return 1
        self._paths.append(relative + (name if name.isprintable() and "%" not in name else escape_text(name)))
        self._sizes.append(status.st_size)
        self._mtimes.append(status.st_mtime_ns)
        return 0

    def _flush(self) -> None:
        self._found += len(self._paths)
        self._on_files(self._found)
        self._frames.append(
            pl.DataFrame({"path": self._paths, "size": self._sizes, "mtime_ns": self._mtimes}, schema=LISTING)
        )
        self._paths, self._sizes, self._mtimes = [], [], []

    def listing(self) -> Listing:
        self._flush()
        return Listing(pl.concat(self._frames), self._system, self._unlisted, self._first_level)


def _is_furniture(name: str) -> bool:
    return name in VIEWER_FILES or name.endswith(VIEWER_ENDINGS)


def _leads_to_folder(link: os.DirEntry[str]) -> bool:
    try:
        return link.is_dir()
    except OSError:  # a link to itself
        return False
