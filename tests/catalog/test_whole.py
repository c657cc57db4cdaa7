"""A file of the catalog that is cut short is an error in one sentence: no panic, no trace, whatever reads it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import KEY, dqkit, dqkit_process

COMMANDS = [
    ["audit", "catalog", "--out", "out", "--select", "GEO"],
    ["index", "--catalog", "catalog"],
    ["sources", "list", "--catalog", "catalog"],
    ["report", "catalog"],
    ["explain", "a", "--catalog", "catalog"],
]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.dicom_factory import Exam, ct_series, write

    root = tmp_path_factory.mktemp("whole")
    write(ct_series(Exam()), root / "archive")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", KEY)
        patch.chdir(root)
        assert dqkit("audit", "archive", "--catalog", "catalog", "--fail-on", "never", "--select", "GEO").code == 0
    return root


def cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def overwrite_end(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-4, 2)
        file.write(b"\0\0\0\0")


@pytest.mark.parametrize("damage", [cut, overwrite_end, Path.unlink])
@pytest.mark.parametrize("table", ["runs", "sources", "instances"])
def test_a_damaged_file_is_told_in_one_sentence(
    damage: Callable[[Path], None],
    table: str,
    indexed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    root = Path(shutil.copytree(indexed, tmp_path / "root"))
    monkeypatch.chdir(root)
    for path in (root / "catalog" / table).rglob("*.parquet"):
        damage(path)
    for line in COMMANDS if damage is cut and table == "runs" else COMMANDS[1:2]:
        ran = dqkit(*line)
        assert ran.code == 2, ran.err
        assert f"is damaged: a file of its table {table}" in ran.said
        assert len(ran.err.splitlines()) == 2, ran.err
    assert capfd.readouterr().err == "", "a panic in Rust goes past Python's streams"


def test_the_same_in_a_process_of_its_own(indexed: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(indexed, tmp_path / "root"))
    for path in (root / "catalog" / "instances").rglob("*.parquet"):
        cut(path)
    ran = dqkit_process("index", "--catalog", "catalog", cwd=root)
    assert ran.code == 2
    assert "is damaged: a file of its table instances" in ran.said
    assert len(ran.err.splitlines()) == 2, ran.err
