"""Lists a source: every file with its size and mtime, and what could not be listed."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import compress

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

_TO_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

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
                below = self._list(folder, relative)
            except OSError as error:
                if first:
                    raise
                self._unlisted[relative.rstrip("/")] = error.strerror or type(error).__name__
                below = []
            if first:
                self._first_level, first = len(below), False
            pending.extend(sorted(below, reverse=True))

    def _list(self, folder: str, relative: str) -> list[tuple[str, str]]:
        """Take the files of one folder, and return the folders to enter next."""
        descriptor = os.open(folder, _TO_LIST)
        try:
            with os.scandir(descriptor) as entries:  # by descriptor: no file's path is looked up from the root again
                files, others = _parted(entries)
                furniture = self._files(files, relative)
        finally:
            os.close(descriptor)
        below = [found for entry in others if (found := self._other(entry, folder, relative))]
        if furniture:
            self._system[(relative + "(disk files)")] = (
                f"{furniture} files of the disk itself (viewer, autorun, DICOMDIR)"
            )
        if len(self._paths) >= _BATCH:
            self._flush()
        return below

    def _files(self, entries: list[os.DirEntry[str]], relative: str) -> int:
        """Take the regular files of one folder, all at once; return how many are furniture of a disk."""
        try:
            statuses = [entry.stat() for entry in entries]
        except OSError:
            entries, statuses = self._with_status(entries, relative)
        names = [entry.name for entry in entries]
        images = [name.endswith(".dcm") or not _is_furniture(name.lower()) for name in names]
        if not all(images):
            names, statuses = list(compress(names, images)), list(compress(statuses, images))
        together = "".join(names)
        if not together.isprintable() or "%" in together:
            names = [escape_text(name) for name in names]
        self._paths += [relative + name for name in names]
        self._sizes += [status.st_size for status in statuses]
        self._mtimes += [status.st_mtime_ns for status in statuses]
        return len(images) - len(names)

    def _with_status(
        self, entries: list[os.DirEntry[str]], relative: str
    ) -> tuple[list[os.DirEntry[str]], list[os.stat_result]]:
        """Return the entries that have a status, and it; the others are gone meanwhile, or may not be looked at."""
        found, statuses = [], []
        for entry in entries:
            try:
                statuses.append(entry.stat())
            except OSError as error:
                if not entry.is_symlink():
                    self._unlisted[relative + escape_text(entry.name)] = error.strerror or type(error).__name__
            else:
                found.append(entry)
        return found, statuses

    def _other(self, entry: os.DirEntry[str], folder: str, relative: str) -> tuple[str, str] | None:
        """Return the folder that an entry is or leads to; sockets, pipes, devices and dead links are none."""
        path = os.path.join(folder, entry.name)  # noqa: PTH118
        if entry.is_dir(follow_symlinks=False):
            return self._folder(entry.name, path, relative)
        return self._linked_folder(entry.name, path, relative) if os.path.isdir(path) else None  # noqa: PTH112

    def _folder(self, name: str, path: str, relative: str) -> tuple[str, str] | None:
        escaped = relative + escape_text(name)
        if name.lower() in SYSTEM_FOLDERS:
            self._system[escaped] = "system folder"
            return None
        return path, escaped + "/"

    def _linked_folder(self, name: str, path: str, relative: str) -> tuple[str, str] | None:
        """Enter a linked folder unless it leads to one that holds it, or was entered before."""
        target = os.path.realpath(path)
        root = os.path.realpath(self._root)
        if target == root or root.startswith(target + os.sep) or target.startswith(root + os.sep):
            return None  # its files are listed in their own place
        status = os.stat(path)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in self._linked:
            return None
        self._linked.add((status.st_dev, status.st_ino))
        return self._folder(name, path, relative)

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


def _parted(entries: Iterable[os.DirEntry[str]]) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
    """Return the regular files (and links to such), and all else, sorted: of two links to a folder the first counts."""
    files: list[os.DirEntry[str]] = []
    others: list[os.DirEntry[str]] = []
    for entry in entries:
        try:
            (files if entry.is_file() else others).append(entry)
        except OSError:  # a link to itself, or behind a folder that may not be entered
            others.append(entry)
    return files, sorted(others, key=lambda entry: entry.name)
