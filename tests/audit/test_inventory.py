"""What counts as new, gone and changed of files, and of series that a table tells of."""

from typing import Any

from dqkit.audit.inventory import inventory_of
from dqkit.index.sources import TABLE
from tests.audit.conftest import HandMade


def series(key: str, **more: Any) -> dict[str, Any]:
    study, _, _ = key.partition(".")
    return {"series_key": key, "study_key": study, "patient_key": "p", "site": "north", "n_files": 1, "size": 9, **more}


def file(name: str, key: str, mtime: int = 1, **more: Any) -> dict[str, Any]:
    return {"file_id": name, "series_key": key, "site": "north", "size": 9, "mtime_ns": mtime, **more}


def counted(then: HandMade, now: HandMade) -> dict[tuple[str, str], tuple[int, ...]]:
    return {(row[0], row[1]): row[2:] for row in inventory_of(then, now).rows()}


def test_a_file_that_was_written_again_changes_all_that_it_belongs_to() -> None:
    rows = [series("a.1"), series("b.1")]
    then = HandMade({"series": rows, "instances": [file("f", "a.1"), file("g", "b.1")]})
    now = HandMade({"series": rows, "instances": [file("f", "a.1", mtime=2), file("g", "b.1")]})
    assert counted(then, now) == {
        ("north", "files"): (0, 0, 1, 1), ("north", "series"): (0, 0, 1, 1),
        ("north", "studies"): (0, 0, 1, 1), ("north", "patients"): (0, 0, 1, 0),
    }  # fmt: skip


def test_a_file_in_the_place_of_another_changes_the_series_though_the_numbers_are_the_same() -> None:
    then = HandMade({"series": [series("a.1")], "instances": [file("f", "a.1")]})
    now = HandMade({"series": [series("a.1")], "instances": [file("h", "a.1")]})
    found = counted(then, now)
    assert (found["north", "files"], found["north", "series"]) == ((1, 1, 0, 0), (0, 0, 1, 0))


def test_a_series_of_a_table_changes_with_its_row() -> None:
    source = [{"source_id": "t", "kind": TABLE}]
    thin, thick = (series("a.1", source_id="t", SliceThickness=mm, n_files=0) for mm in (1.0, 5.0))
    same = series("b.1", source_id="t", n_files=0)
    found = counted(
        HandMade({"series": [thin, same], "sources": source}), HandMade({"series": [thick, same], "sources": source})
    )
    assert found["north", "series"] == (0, 0, 1, 1)


def test_a_site_that_was_renamed_is_gone_and_new() -> None:
    then = HandMade({"series": [], "instances": [file("f", "a.1")]})
    now = HandMade({"series": [], "instances": [file("f", "a.1", site="south")]})
    assert counted(then, now) == {("north", "files"): (0, 1, 0, 0), ("south", "files"): (1, 0, 0, 0)}
