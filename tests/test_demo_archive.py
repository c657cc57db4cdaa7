"""The demo archive is small, the same every time, and never written over anything."""

from pathlib import Path

import pytest

from tests import demo_archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "archive"
    assert demo_archive.main([str(folder)]) == 0
    return folder


def test_it_is_a_small_archive_of_several_sites(archive: Path) -> None:
    files = [path for path in archive.rglob("*") if path.is_file()]
    assert {path.name for path in archive.iterdir()} == set(demo_archive.SITES)
    assert 400 <= len(files) <= 800
    assert sum(path.stat().st_size for path in files) < 60e6


def test_a_second_run_leaves_it_as_it_is(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in archive.rglob("*")}
    assert demo_archive.main([str(archive)]) == 0
    assert capsys.readouterr().out.startswith("there already: ")
    assert {path: path.stat().st_mtime_ns for path in archive.rglob("*")} == before


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    assert demo_archive.main([str(tmp_path)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_nothing_half_written_is_left_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(root: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(demo_archive.SITES, "st-lucia", full)
    with pytest.raises(OSError, match="No space"):
        demo_archive.make(tmp_path / "archive")
    assert list(tmp_path.iterdir()) == []
