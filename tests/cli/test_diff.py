"""``dqkit diff`` as a person types it: audit, mend and break things, audit again."""

import json
import shutil
from pathlib import Path

import pytest

from dqkit.audit.run import audit
from dqkit.catalog.store import Catalog
from dqkit.identity import Pseudonyms
from dqkit.index.build import index
from dqkit.rulebook.book import load_book
from tests import dicom_defects as defects
from tests.audit.seeding import CHEST
from tests.cli.conftest import KEY, dqkit
from tests.dicom_factory import Exam, ct_series, write

SELECTED = ("GEO-003", "FMT-001")


def ct(folder: Path, patient: str, *, lost: bool = False) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    series = ct_series(Exam(patient=patient), CHEST)
    write(defects.drop_slice(series, 4) if lost else series, folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a catalog that was audited twice, and the report of the second audit."""
    root = tmp_path_factory.mktemp("diff")
    archive = root / "archive"
    ct(archive / "north" / "a", "n-secret-1")
    ct(archive / "south" / "b", "s-secret-1", lost=True)
    pseudonyms = Pseudonyms(KEY.encode())
    catalog = Catalog.create(root / "catalog", pseudonyms.fingerprint, "test")
    index(catalog, [archive])
    audit(catalog, load_book().select(SELECTED).rules, pseudonyms)
    ct(archive / "north" / "a", "n-secret-1", lost=True)
    ct(archive / "south" / "b", "s-secret-1")
    again = ("audit", archive, "--catalog", catalog.path, "--confirm-removed", "--select", ",".join(SELECTED))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", KEY)
        assert dqkit(*again, "--out", root / "second").code == 1
    return root


def test_it_tells_what_broke_and_what_was_mended_since_the_audit_before(made: Path) -> None:
    ran = dqkit("diff", made / "catalog")
    assert ran.code == 0
    for text in ("Fails now: GEO-003 · north", "Passes now: GEO-003 · south", "north +1 ■1 · · · 0 → 1",
                 "south · · −1 ■1 · 1 → 0", "Broke 1", "Mended 1"):  # fmt: skip
        assert text in ran.said
    assert "secret" not in ran.said


def test_it_speaks_chinese_and_of_one_site(made: Path) -> None:
    ran = dqkit("diff", made / "catalog", "--lang", "zh", "--site", "south")
    assert "现已通过：GEO-003 · south" in ran.said
    assert "north" not in ran.said


def test_json_is_for_machines(made: Path) -> None:
    told = json.loads(dqkit("diff", made / "catalog", "--since", "1", "--until", "4", "--json").out)
    assert (told["format"], told["since"]["run"], told["until"]["run"]) == ("dqkit-diff", 1, 4)
    assert told["compares_findings"] is False
    told = json.loads(dqkit("diff", made / "catalog", "--json").out)
    kinds = {(row["site"], row["change"], row["why"], row["findings"]) for row in told["counts"]}
    assert kinds == {("north", "new", "broke", 1), ("south", "gone", "mended", 1)}
    assert "secret" not in json.dumps(told)


def test_runs_are_listed(made: Path) -> None:
    told = json.loads(dqkit("catalog", "runs", "--catalog", made / "catalog", "--json").out)
    assert [row["command"] for row in told] == ["create", "index", "audit", "index", "audit"]
    assert [row["verdict"] for row in told] == [None, None, "fail", None, "fail"]
    assert "audit" in dqkit("catalog", "runs", "--catalog", made / "catalog").out


def test_the_report_of_the_second_audit_has_the_chapter_and_keeps_it(made: Path, tmp_path: Path) -> None:
    assert 'id="history"' in (made / "second" / "report.html").read_text()
    assert json.loads((made / "second" / "result.json").read_text())["history"]["trend"]["left_out"] == 0
    assert dqkit("report", made / "second", "--site", "south", "--out", tmp_path / "south.html").code == 0
    south = (tmp_path / "south.html").read_text()
    assert 'id="history"' in south
    assert "north" not in south


def test_wrong_use_is_told(made: Path, tmp_path: Path) -> None:
    for arguments, code, said in (
        ((made / "catalog", "--since", "77"), 2, "--since: there is no run 77"),
        ((made / "catalog", "--since", "1999-12-31"), 2, "there is no run before 1999-12-31"),
        ((made / "catalog", "--since", "soon"), 2, "'soon' is not understood"),
        ((made / "catalog", "--since", "4", "--until", "2"), 2, "is not before"),
        ((made / "catalog", "--site", "west"), 2, "no site 'west'"),
        ((made / "catalog", "--until", "2"), 4, "audited once"),
        ((tmp_path / "nowhere",), 2, "there is no catalog"),
    ):
        ran = dqkit("diff", *arguments)
        assert (ran.code, said in ran.said) == (code, True), ran.said
