"""A baseline is refused where it would make everything seem new."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dqkit.errors import DqkitError
from dqkit.gate.baseline import Baseline, read_baseline, write_baseline

MADE = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY = "90279a15371ef402"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "known.json"
    write_baseline(path, Baseline(MADE, "0.1.0", KEY, "d" * 64, frozenset({"0123456789ab", "ba9876543210"})))
    return path


def test_what_is_written_is_read(path: Path) -> None:
    baseline = read_baseline(path, KEY)
    assert baseline.findings == {"0123456789ab", "ba9876543210"}
    assert (baseline.made_at, baseline.rules_digest) == (MADE, "d" * 64)
    assert len(baseline.sha256) == 64
    assert path.read_text().count("\n") > 8, "a finding a line"


def test_another_key_is_refused(path: Path) -> None:
    with pytest.raises(DqkitError, match="made with the key 90279a15371ef402, yours is 0000") as error:
        read_baseline(path, "0000")
    assert error.value.exit_code == 2
    assert "DQKIT_KEY" in error.value.hint


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"format_version": 2}, "has format version 2, this dqkit reads 1"),
        ({"format": "else"}, "is no baseline"),
        ({"findings": ["0123456789ab", 3]}, "is damaged"),
        ({"findings": None}, "is damaged"),
        ({"made_at": "yesterday"}, "is damaged"),
    ],
)
def test_another_version_or_a_damaged_file_is_refused(changes: dict[str, object], what: str, path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(DqkitError, match=what) as error:
        read_baseline(path, KEY)
    assert "--write-baseline" in error.value.hint


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\x00"])
def test_what_is_no_baseline_is_told(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(DqkitError, match=r"damaged|no baseline"):
        read_baseline(path, KEY)


def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DqkitError, match="there is no baseline"):
        read_baseline(tmp_path / "none.json", KEY)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DqkitError, match="cannot be written"):
        write_baseline(tmp_path / "no" / "known.json", Baseline(MADE, "0.1.0", KEY, "", frozenset()))
