"""What ships: a wheel carries the rules inside the package, a checkout beside it; both give the same book."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dqkit.rulebook.book import load_book

REPO = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it, away from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=REPO, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_gives_the_rules_of_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    code = "import dqkit.rulebook.book as b, dqkit; print(dqkit.__file__); print(*[r.id for r in b.load_book()])"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(unpacked), "PATH": ""},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    place, ids = ran.stdout.splitlines()
    assert place.startswith(str(unpacked))
    assert ids.split() == [rule.id for rule in load_book()]


def test_the_wheel_has_the_command_the_templates_and_nothing_of_the_tests(unpacked: Path) -> None:
    names = [str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()]
    (entry,) = (name for name in names if name.endswith("entry_points.txt"))
    assert "dqkit = dqkit.cli.main:main" in (unpacked / entry).read_text()
    assert "dqkit/report/templates/report.html.j2" in names
    assert not [name for name in names if name.startswith("tests/") or name.endswith(".dcm")]
