"""dqkit only ever reads a source: not a byte, not a time of it changes."""

import hashlib
from pathlib import Path

from tests.cli.conftest import dqkit, dqkit_process


def fingerprint(root: Path) -> dict[str, tuple[object, ...]]:
    """Return what a change of any kind would change, for every file and folder; reading may renew the access time."""
    found = {}
    for path in [root, *root.rglob("*")]:
        at = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (at.st_mode, at.st_uid, at.st_size, at.st_mtime_ns, at.st_ctime_ns, at.st_ino, content)
    return found


def test_an_audit_changes_nothing(archive: Path, tmp_path: Path) -> None:
    (archive / "north" / "empty.dcm").touch()
    (archive / "north" / "text.txt").write_text("not an image")
    before = fingerprint(archive)
    run = [
        "--catalog",
        tmp_path / "catalog",
        "--out",
        tmp_path / "out",
        "--pixels",
        "all",
        "--select",
        "GEO,PIX,IDN-002",
    ]
    assert dqkit("audit", archive, *run).code == 1
    assert dqkit("audit", archive, *run).code == 1
    assert list((tmp_path / "out" / "pictures").glob("*.webp")) or list((tmp_path / "out" / "pictures").glob("*.png"))
    assert fingerprint(archive) == before


def test_an_archive_that_may_not_be_written_is_enough(
    archive: Path, tmp_path: Path, as_nobody_special: tuple[str, ...]
) -> None:
    everything = [archive, *archive.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = fingerprint(archive)
    run = ["index", archive, "--catalog", tmp_path / "catalog", "--pixels", "sample"]
    assert dqkit_process(*run, under=as_nobody_special).code == 0
    assert fingerprint(archive) == before
    for path in everything:
        path.chmod(0o700)
