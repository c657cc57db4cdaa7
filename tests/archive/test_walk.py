"""Listing: every regular file once, with the size and the time that the file system says."""

import os
from pathlib import Path

import pytest

from dqkit.archive.paths import escape
from dqkit.archive.walk import Listing, walk


def listed(root: Path) -> Listing:
    return walk(os.fsencode(root))


def put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_every_file_is_listed_as_the_file_system_has_it(tmp_path: Path) -> None:
    names = ["a.dcm", "deep/er/b", "影像/100%.dcm", "line\nbreak/odd\t.dcm", "deep/c.nii.gz"]
    for number, name in enumerate(names):
        put(tmp_path / name, b"x" * number)
    os.rename(tmp_path / "a.dcm", os.fsencode(tmp_path) + b"/bad-\xff.dcm")
    found = {path: (size, mtime) for path, size, mtime in listed(tmp_path).files.iter_rows()}
    expected = {}
    for folder, _, files in os.walk(os.fsencode(tmp_path)):
        for file in files:
            path = os.path.join(folder, file)
            status = os.stat(path)
            expected[escape(os.path.relpath(path, os.fsencode(tmp_path)))] = (status.st_size, status.st_mtime_ns)
    assert found == expected
    assert len(found) == len(names)


def test_links_lead_to_files_and_once_to_folders(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(tmp_path / "outside" / "far.dcm", b"12345")
    put(root / "real.dcm", b"123")
    (root / "file").symlink_to(tmp_path / "outside" / "far.dcm")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "again").symlink_to(tmp_path / "outside")
    (root / "up").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    (root / "nowhere").symlink_to(root / "gone")
    found = listed(root)
    assert sorted(found.files.select("path", "size").iter_rows()) == [
        ("again/far.dcm", 5),
        ("file", 5),
        ("real.dcm", 3),
    ]
    assert found.unlisted == {}


def test_what_is_no_regular_file_is_left_out(tmp_path: Path) -> None:
    put(tmp_path / "a.dcm")
    os.mkfifo(tmp_path / "pipe.dcm")
    found = listed(tmp_path)
    assert found.files["path"].to_list() == ["a.dcm"]
    assert found.unlisted == {}


def test_furniture_and_system_folders_are_named_not_listed(tmp_path: Path) -> None:
    for name in ("DICOMDIR", "autorun.inf", "Viewer.EXE", "IMG1", "IMG2.DCM", "setup.dcm"):
        put(tmp_path / "disk" / name)
    put(tmp_path / "disk" / "__MACOSX" / "junk.dcm")
    found = listed(tmp_path)
    assert sorted(found.files["path"]) == ["disk/IMG1", "disk/IMG2.DCM", "disk/setup.dcm"]
    assert set(found.system) == {"disk/(disk files)", "disk/__MACOSX"}
    assert found.system["disk/(disk files)"].startswith("3 files")
    assert found.first_level == 1


def test_a_file_that_goes_while_its_folder_is_listed_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may be listed and not entered refuses the status of every file; so does a file that went."""
    for name in ("a.dcm", "b.dcm", "autorun.inf"):
        put(tmp_path / name)
    real = os.scandir

    def listing_that_ages(folder: int) -> object:
        entries = list(real(folder))
        for entry in entries:
            entry.is_file()
        (tmp_path / "a.dcm").unlink()

        class Entries:
            def __enter__(self) -> object:
                return iter(sorted(entries, key=lambda entry: entry.name))

            def __exit__(self, *_: object) -> None:
                pass

        return Entries()

    monkeypatch.setattr(os, "scandir", listing_that_ages)
    found = listed(tmp_path)
    assert found.files["path"].to_list() == ["b.dcm"]
    assert found.unlisted == {"a.dcm": "No such file or directory"}
    assert set(found.system) == {"(disk files)"}


def test_a_root_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        listed(put(tmp_path / "file"))
    with pytest.raises(FileNotFoundError):
        listed(tmp_path / "nowhere")
