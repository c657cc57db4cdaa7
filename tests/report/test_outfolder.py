import dataclasses
import json
import resource
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dqkit.audit.result import AuditResult
from dqkit.errors import DqkitError, IncompleteError
from dqkit.report.html import render_html
from dqkit.report.outfolder import read_out, write_out
from tests.report.sample import SITES, sample_result


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "out"


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_was_written_reads_back_the_same(result: AuditResult, out: Path) -> None:
    write_out(result, out)
    again = read_out(out, result.rules)
    for name in ("findings", "problems", "outcomes"):
        assert_frame_equal(getattr(again, name), getattr(result, name))
    for name in ("sites", "modalities", "scanners", "distributions"):
        columns = getattr(again.glance, name).columns
        assert_frame_equal(
            getattr(again.glance, name), getattr(result.glance, name).select(columns), check_dtypes=False
        )
    plain = ("title", "dqkit_version", "run_id", "finished_at", "rules", "judgement", "engine", "not_expressible")
    assert [getattr(again, name) for name in plain] == [getattr(result, name) for name in plain]
    assert again.pictures == result.pictures


def test_a_site_in_chinese_renders_from_the_folder_alone(result: AuditResult, out: Path) -> None:
    write_out(result, out)
    assert f"{SITES[2]} 未通过检查" in render_html(read_out(out, result.rules), lang="zh", site=SITES[2])


def test_rendering_again_gives_the_report_that_was_written(result: AuditResult, out: Path) -> None:
    write_out(result, out, "zh")
    assert render_html(read_out(out, result.rules), "zh") == (out / "report.html").read_text(encoding="utf-8")


def test_the_folder_and_its_files_are_the_owners_alone(result: AuditResult, out: Path) -> None:
    write_out(result, out)
    assert out.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in out.rglob("*") if path.is_file()} == {0o600}
    assert names(out) >= {"findings.parquet", "problems.parquet", "outcomes.parquet", "report.html", "result.json"}


def test_a_second_run_replaces_the_first_and_its_pictures(result: AuditResult, out: Path) -> None:
    write_out(result, out)
    (out / "notes.txt").write_text("mine")
    write_out(sample_result(10, problems=2, pictures=0), out)
    assert read_out(out, result.rules).problems.height == 2
    assert [name for name in names(out) if name.endswith((".webp", ".png"))] == []
    assert (out / "notes.txt").read_text() == "mine"


def test_empty_results_round_trip(out: Path) -> None:
    nothing = sample_result(0, problems=0, sites=(), scanners=())
    write_out(nothing, out)
    assert read_out(out, ()).findings.is_empty()


def test_hostile_values_round_trip(out: Path) -> None:
    hostile = sample_result(hostile=True, problems=60)
    write_out(hostile, out)
    assert_frame_equal(read_out(out, hostile.rules).problems, hostile.problems)


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Files end at 20 kB, as on a full disk: the kernel refuses the next write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_incomplete_and_leaves_the_old_files(result: AuditResult, out: Path, request) -> None:
    write_out(sample_result(10, problems=2), out)
    before = {name: (out / name).read_bytes() for name in names(out)}
    request.getfixturevalue("small_disk")
    with pytest.raises(IncompleteError) as caught:
        write_out(result, out)
    assert "disk" in caught.value.hint
    assert {name: (out / name).read_bytes() for name in names(out)} == before


def test_a_file_in_the_way_is_wrong_use(result: AuditResult, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(DqkitError) as caught:
        write_out(result, tmp_path / "out")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"{", "damaged"),
        (b"\xff\xfe", "damaged"),
        (b"[]", "not the result of an audit"),
        (b"{}", "not the result of an audit"),
        (b'{"format": "dqkit-audit", "format_version": 99}', "format version 99"),
        (b'{"format": "dqkit-audit", "format_version": 1}', "damaged"),
    ],
)
def test_a_folder_that_is_no_result_is_refused_with_what_to_do(
    result: AuditResult, out: Path, content: bytes, word: str
) -> None:
    write_out(result, out)
    (out / "result.json").write_bytes(content)
    with pytest.raises(DqkitError, match=word) as caught:
        read_out(out, result.rules)
    assert caught.value.hint


def test_an_empty_folder_and_no_folder_are_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DqkitError) as caught:
            read_out(folder, ())
        assert "dqkit audit" in caught.value.hint


def test_tables_of_another_run_are_noticed(result: AuditResult, out: Path, tmp_path: Path) -> None:
    write_out(result, out)
    write_out(sample_result(10, problems=2), tmp_path / "other")
    (tmp_path / "other" / "findings.parquet").replace(out / "findings.parquet")
    with pytest.raises(DqkitError, match="half written"):
        read_out(out, result.rules)
    (out / "findings.parquet").unlink()
    with pytest.raises(DqkitError, match="missing"):
        read_out(out, result.rules)


def test_a_picture_index_cannot_reach_outside(result: AuditResult, out: Path) -> None:
    write_out(result, out)
    index = out / "pictures" / "index.json"
    rows = json.loads(index.read_bytes())
    index.write_text(json.dumps([{**rows[0], "file": "../report.html"}, rows[1]]))
    assert len(read_out(out, result.rules).pictures) == 1


def test_values_stay_as_they_are_in_parquet(result: AuditResult, out: Path) -> None:
    formula = dataclasses.replace(result, problems=result.problems.with_columns(observed=pl.lit("=1+1")))
    write_out(formula, out)
    assert set(pl.read_parquet(out / "problems.parquet").get_column("observed")) == {"=1+1"}
