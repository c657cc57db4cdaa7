"""No value that identifies a person leaves the catalog: every such attribute of an archive full of faults is marked."""

import copy
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from dqkit.archive.paths import unescape
from dqkit.catalog.store import Catalog
from tests import dicom_defects as defects
from tests.audit import seeding, seeds
from tests.audit.seeding import case, damaged, exam_of, rewritten
from tests.cli.conftest import Ran, dqkit, dqkit_process, giving_up_rights
from tests.dicom_factory import write

pytestmark = pytest.mark.slow

MARK = "QZXWKV"
UID_MARK = "2.25.99770099"
A_TIME = ".738291"

UNREAD = (
    "OperatorsName", "ReferringPhysicianName", "PerformingPhysicianName", "PatientComments", "ImageComments",
    "RequestedProcedureDescription", "PatientAddress", "InstitutionAddress", "InstitutionalDepartmentName",
    "OtherPatientNames", "PatientBirthName", "PatientTelephoneNumbers", "AdditionalPatientHistory",
    "PerformedProcedureStepDescription", "PerformedProcedureStepID", "ScheduledProcedureStepDescription",
)  # fmt: skip
"""Attributes that dqkit does not read today."""

TEXTS = (
    "PatientName", "PatientID", "IssuerOfPatientID", "AccessionNumber", "StudyID", "StationName", "InstitutionName",
    "StudyDescription", "SeriesDescription", "ProtocolName", "DerivationDescription", "DeviceSerialNumber",
    "ContrastBolusAgent",
)  # fmt: skip

IN_FINDINGS = ["paths", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]
"""Columns of findings.parquet that name files and objects: the table stays in the house."""

HOSTILE = [
    *(
        case(f"hostile-{tag:08x}", damaged(lambda path, t=tag, v=value: defects.overwrite(path, t, v)))
        for tag, value in {
            0x00080020: b"QZXWKVSTUDYDATE", 0x00080030: b"QZXWKVSTUDYTIME", 0x00100030: b"QZXWKVBIRTHDATE",
            0x00101010: b"QZXWKVAGE", 0x00101020: b"QZXWKVSIZE", 0x00101030: b"QZXWKVWEIGHT", 0x00100040: b"QZXWKVSEX",
            0x00280030: b"QZXWKVSPACING\\QZXWKVY", 0x00180050: b"QZXWKVTHICKNESS", 0x00180060: b"QZXWKVKVP",
            0x00200013: b"QZXWKVNUMBER", 0x00200032: b"QZXWKVPLACE\\1\\2",
            0x0020000D: b"QZXWKV/../../uid", 0x0020000E: b"QZXWKV\0series", 0x00080018: b"QZXWKV instance",
            0x00100020: b"QZXWKV" * 15, 0x00100010: b"QZXWKV^\xff\xfe\x80name",
            0x00081030: b"QZXWKV<script>QZXWKV\x1b[31m\0\r\n",
        }.items()
    ),
    case("no-identity", damaged(rewritten(PatientID=None, StudyInstanceUID=None, SeriesInstanceUID=None))),
]  # fmt: skip

CASES = [*seeds.GEOMETRY, *seeds.IDENTITY, *seeds.FILES, *seeds.HEADERS, *HOSTILE]


@dataclass
class Planter:
    """Writes series with marks in place of all that identifies; equal values get equal marks, so that faults stay."""

    marks: dict[str, str] = field(default_factory=dict)
    folders: dict[Path, str] = field(default_factory=dict)

    def write(self, series: list[Dataset], folder: Path, names: str = "") -> list[Path]:
        """Write as tests.dicom_exam.write does, to a folder and files with marks for names."""
        name = self.folders.setdefault(folder, f"{MARK}folder{len(self.folders):04d}")
        self.marks[name] = "a folder"
        planted = [self._planted(image) for image in series]
        return write(planted, folder.parent / name, MARK + "file{number:04d}.dcm")

    def _planted(self, image: Dataset) -> Dataset:
        twin = copy.deepcopy(image)
        twin.walk(self._replace)
        for keyword in UNREAD:
            if not twin.get(keyword):
                setattr(twin, keyword, self._text(keyword, str(image.get("StudyInstanceUID"))))
        block = twin.private_block(0x0009, "QZXWKVCREATOR", create=True)
        block.add_new(0x01, "LO", self._text("private", str(image.get("SOPInstanceUID"))))
        if "MediaStorageSOPInstanceUID" in twin.file_meta:
            twin.file_meta.MediaStorageSOPInstanceUID = twin.get("SOPInstanceUID")
        return twin

    def _replace(self, dataset: Dataset, element: DataElement) -> None:
        change = self._change_of(element)
        if change and element.value and element.VM == 1:
            element.value = change(element.keyword, str(element.value))

    def _change_of(self, element: DataElement) -> Callable[[str, str], str] | None:
        if element.keyword in TEXTS:
            return self._text
        return {"DA": self._date, "TM": self._time, "UI": self._uid}.get(element.VR)

    def _text(self, keyword: str, value: str) -> str:
        return self._marked(f"{MARK}{zlib.crc32(f'{keyword}/{value}'.encode()):08x}", keyword)

    def _date(self, keyword: str, value: str) -> str:
        if not re.fullmatch(r"20\d{6}|19\d{6}", value):
            return value
        moved = date(int(value[:4]), int(value[4:6]), int(value[6:])) - timedelta(days=18_047)
        self._marked(moved.isoformat(), keyword)
        return self._marked(f"{moved:%Y%m%d}", keyword)

    def _time(self, keyword: str, value: str) -> str:
        return self._marked(value[:6] + A_TIME, keyword)

    def _uid(self, keyword: str, value: str) -> str:
        if not value.startswith("2.25."):
            return value
        return self._marked(f"{UID_MARK}{zlib.crc32(value.encode()):010d}{value[-8:]}", keyword)

    def _marked(self, mark: str, keyword: str) -> str:
        self.marks[mark] = f"{self.marks.get(mark, '')} {keyword}"  # a date stands in several attributes
        return mark


@dataclass(frozen=True)
class Audits:
    """An archive full of marks, its audits by language, and what they printed."""

    marks: dict[str, str]
    catalog: Path
    outs: dict[str, Path]
    ran: dict[str, Ran]


@pytest.fixture(scope="module")
def audits(tmp_path_factory: pytest.TempPathFactory) -> Audits:
    root = tmp_path_factory.mktemp("private")
    planter = Planter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
        patch.setattr(seeding, "write", planter.write)
        patch.setattr(seeds, "write", planter.write)
        patch.setattr(pydicom.config.settings, "writing_validation_mode", pydicom.config.IGNORE)
        patch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.IGNORE)
        for number, one in enumerate(CASES):
            one.seed(
                root / "archive" / f"site-{number % 4}" / one.name,
                replace(exam_of(one.name, number), name=f"Doe^{number}"),
            )
        catalog, outs = root / "catalog", {lang: root / lang for lang in ("en", "zh")}
        with closed_to_us(root / "archive"):
            indexed = dqkit_process("index", root / "archive", "--catalog", catalog, "--site-from", "path:1",
                                    under=giving_up_rights())  # fmt: skip
        assert indexed.code == 3
        ran = {"json": dqkit("audit", catalog, "--out", outs["en"], "--json")}
        ran["for people"] = dqkit("audit", catalog, "--out", outs["zh"], "--lang", "zh", "--fail-on", "warning")
        ran["index"] = Ran(indexed.code, indexed.out, "")  # stderr names the folders that were closed, for the steward
    return Audits(planter.marks, catalog, outs, ran)


class closed_to_us:  # noqa: N801 - used like a function
    """Close a folder and a file while the body runs."""

    def __init__(self, root: Path) -> None:
        self._paths = [next(root.glob("*/gap/*")), next(root.glob("*/two-steps/*/*.dcm"))]

    def __enter__(self) -> None:
        for path in self._paths:
            path.chmod(0)

    def __exit__(self, *_: object) -> None:
        for path in self._paths:
            path.chmod(0o700)


def marks_in(text: str, marks: dict[str, str]) -> dict[str, str]:
    """Return the marks that stand in `text`, with their attribute."""
    found = set(re.findall(rf"{MARK}\w*|{re.escape(UID_MARK)}\d*|\d+\{A_TIME}", text))
    dates = set(re.findall(r"\d{8}|\d{4}-\d\d-\d\d", text)) & marks.keys()
    return {mark: marks.get(mark, "as it stands in the file") for mark in found | dates}


def test_the_marks_are_there_and_faults_of_many_kinds_are_found(audits: Audits) -> None:
    planted = {"StudyDate", "StudyTime", "PatientBirthDate", "SOPInstanceUID", "private", *UNREAD, *TEXTS[:10]}
    assert planted - {"IssuerOfPatientID"} <= set(" ".join(audits.marks.values()).split())
    read = Catalog(audits.catalog).scan("instances").collect()
    for keyword in (*TEXTS[:2], *TEXTS[3:10], "StudyInstanceUID", "StudyDate", "StudyTime", "PatientBirthDate"):
        assert set(read[keyword].drop_nulls()) & audits.marks.keys(), keyword
    assert sum(MARK.encode() in unescape(path) for path in read["path"]) > 1000
    findings = pl.read_parquet(audits.outs["en"] / "findings.parquet")
    assert findings["rule_id"].n_unique() > 90
    assert {"fail", "error"} <= set(pl.read_parquet(audits.outs["en"] / "outcomes.parquet")["verdict"])


def test_what_is_printed_holds_no_mark(audits: Audits) -> None:
    for name, ran in audits.ran.items():
        assert ran.code in (0, 1, 3), name
        assert marks_in(ran.out + ran.err, audits.marks) == {}, name


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_leaves_the_house_holds_no_mark(lang: str, audits: Audits) -> None:
    for path in audits.outs[lang].iterdir():
        if path.suffix in {".html", ".json"}:
            assert marks_in(path.read_text(encoding="utf-8"), audits.marks) == {}, path.name
    assert json.loads((audits.outs[lang] / "result.json").read_text(encoding="utf-8"))["complete"] is False


@pytest.mark.parametrize("table", ["problems", "outcomes", "findings"])
def test_tables_hold_marks_only_where_the_design_puts_them(table: str, audits: Audits) -> None:
    frame = pl.read_parquet(audits.outs["en"] / f"{table}.parquet")
    found = {
        column: marks_in(json.dumps(frame[column].unique().to_list(), default=str, ensure_ascii=False), audits.marks)
        for column in frame.columns
        if table != "findings" or column not in IN_FINDINGS
    }
    assert {column: marks for column, marks in found.items() if marks} == {}


def test_the_names_of_files_in_the_out_folder_come_from_nothing_in_the_archive(audits: Audits) -> None:
    names = [str(path.relative_to(out)) for out in audits.outs.values() for path in out.rglob("*")]
    assert marks_in("\n".join(names), audits.marks) == {}
    assert all(re.fullmatch(r"[a-z]+(\.zh|\.en)?\.[a-z]+|pictures(/[0-9a-f]{16}\.\w+|/index\.json)?", n) for n in names)


def test_an_error_of_ours_names_no_value(audits: Audits, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError(f"{MARK} stands in the message of an exception")

    monkeypatch.setattr("dqkit.audit.run.findings_of", broken)
    ran = dqkit("audit", audits.catalog, "--out", audits.outs["en"])
    assert ran.code == 3
    assert "ValueError" in ran.err
    assert marks_in(ran.out + ran.err, audits.marks) == {}
