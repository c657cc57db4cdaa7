"""What is known of the real corpus, folder by folder, and what the audit must say of it."""

from collections import Counter

import polars as pl
import pytest

from dqkit.archive.paths import unescape
from dqkit.audit.recognise import recognised
from dqkit.audit.result import AuditResult
from dqkit.catalog.store import Catalog
from dqkit.errors import ExitCode
from dqkit.model import Verdict
from tests.audit.both_engines import both_of, differences

pytestmark = [pytest.mark.corpus, pytest.mark.slow]

D2N = "icometrix__dicom2nifti/tests/data"
FO = "fo-dicom__fo-dicom/Tests/FO-DICOM.Tests/Test Data"
PY = "pydicom__pydicom/src/pydicom/data"
NIH, QA_CT = "neurolabusc__dcm_qa_nih/In", "neurolabusc__dcm_qa_ct/In"

OBSERVED = [
    ("GEO-003", f"{D2N}/failing/sliceincrement/001", "10 mm between slices, usually 5 mm; gap after slice 3"),
    ("GEO-003", f"{D2N}/failing/sliceincrement/002", "1.5 mm between slices, usually 0.75 mm; gap after slice 3"),
    ("GEO-003", f"{PY}/test_files/dicomdirtests/77654033/CT2",
     "202.5 mm between slices, usually 1.25 mm; gap after slice 1"),
    ("GEO-003", "moloney__dcmstack/test/data/dcmstack", "21 mm between slices, usually 10.5 mm; gap after slice 2"),
    ("GEO-014", f"{D2N}/failing/gantrytilting/001", "measured tilt 14"),
    ("GEO-014", f"{D2N}/failing/sliceincrement/002", "measured tilt 15.5"),
    ("GEO-014", f"{QA_CT}/GE", "measured tilt 18.5"),
    ("GEO-014", f"{QA_CT}/Philips/S21610", "measured tilt 18.5"),
    ("GEO-006", f"{D2N}/failing/sliceorientation/001", "2 slice orientations"),
    ("GEO-006", f"{PY}/test_files/dicomdirtests/98892003/MR700", "7 slice orientations"),
    ("GEO-039", f"{FO}/abd1.zip.d", "three perpendicular planes"),
    ("GEO-026", f"{QA_CT}/GE", "SliceThickness: 2 values"),
    ("GEO-012", f"{NIH}/20180918GE/mr_0004", "step between slices 5 mm, SliceThickness 3"),
    ("GEO-012", "neurolabusc__dcm_qa_philips/In/Magdeburg_2014/fmri", "step between slices 8 mm, SliceThickness 6"),
    ("GEO-031", f"{FO}/GH184.dcm", "images: 1, NumberOfSlices 267"),
    ("FMT-005", f"{PY}/test_files/rtplan_truncated.dcm", "header cut off"),
    ("FMT-006", f"{PY}/test_files/MR_truncated.dcm", "present 8130 bytes, declared 8192 bytes"),
    ("FMT-007", f"{FO}/GH1146.dcm", "declared 0 bytes, needed 524288 bytes"),
    ("FMT-008", f"{PY}/test_files/MR_small_padded.dcm", "declared 8320 bytes, needed 8192 bytes"),
    ("FMT-009", f"{PY}/test_files/rtstruct.dcm", "no preamble"),
    ("FMT-011", f"{PY}/test_files/meta_missing_tsyntax.dcm", "missing: TransferSyntaxUID"),
    ("FMT-013", f"{PY}/test_files/MR_small_bigendian.dcm", "TransferSyntaxUID Explicit VR Big Endian"),
    ("FMT-014", f"{PY}/test_files/image_dfl.dcm", "TransferSyntaxUID Deflated Explicit VR Little Endian"),
    ("FMT-019", f"{PY}/test_files/badVR.dcm", "NumberOfFrames"),
    ("FMT-019", "neurolabusc__dcm_qa_uih", "StudyDate, SeriesDate, ContentDate and 2 more"),
    ("FMT-057", f"{FO}/GH1339.dcm", "compressed pixel data do not end"),
    ("IDN-001", f"{PY}/test_files/JPEG2000.dcm", "2 files of one UID, not all alike"),
    ("IDN-002", "QIICR__dcmqi/data/paramaps/pm-example-slice.dcm", "2 identical files"),
    ("IDN-024", D2N, "4 birth dates"),
    ("IDN-030", f"{D2N}/generic/compressed_jpegls/001", "5 files of one image, in several encodings"),
    ("ACQ-002", f"{PY}/charset_files/chrJapMulti.dcm", "KVP 0"),
    ("ACQ-007", f"{FO}/FreezePattern.dcm", "SpiralPitchFactor 53"),
    ("ACQ-013", f"{D2N}/hitachi/anatomical/001", "missing: MagneticFieldStrength"),
    ("ACQ-020", f"{FO}/MOVEKNEE.dcm", "PixelBandwidth 32000"),
    ("ACQ-027", "neurolabusc__dcm_qa_uih", "ImagingFrequency 128176000, field strength 3 T"),
    ("ACQ-067", f"{FO}/GH610.dcm", "Units PROPCPS"),
]  # fmt: skip
"""rule, folder or file, what is observed there."""

FILES = {
    "FMT-005": {"fo-dicom__fo-dicom": 4, "pydicom__pydicom": 1},
    "FMT-009": {"fo-dicom__fo-dicom": 2, "pydicom__pydicom": 3},
    "FMT-013": {"fo-dicom__fo-dicom": 1, "pydicom__pydicom": 7},
    "FMT-014": {"fo-dicom__fo-dicom": 2, "pydicom__pydicom": 1},
    "FMT-029": {"fo-dicom__fo-dicom": 6, "pydicom__pydicom": 53},
    "GEO-037": {"icometrix__dicom2nifti": 2, "neurolabusc__dcm_qa_nih": 8},
    "GEO-038": {"neurolabusc__dcm_qa_uih": 17},
    "IDN-001": {"QIICR__dcmqi": 2, "fo-dicom__fo-dicom": 6, "pydicom__pydicom": 13, "qurit__rt-utils": 1},
    "IDN-002": {"QIICR__dcmqi": 1, "icometrix__dicom2nifti": 6, "pydicom__pydicom": 2},
    "IDN-003": {"fo-dicom__fo-dicom": 4, "pydicom__pydicom": 8},
    "IDN-004": {"fo-dicom__fo-dicom": 7, "pydicom__pydicom": 12},
    "IDN-010": {"icometrix__dicom2nifti": 34, "fo-dicom__fo-dicom": 5, "pydicom__pydicom": 9},
    "IDN-030": {"icometrix__dicom2nifti": 4, "fo-dicom__fo-dicom": 1, "pydicom__pydicom": 1},
}
"""rule -> site -> findings; each is one file, or one group of files that share a UID."""

STACKS = {"GEO-003": 4, "GEO-006": 2, "GEO-014": 5, "GEO-026": 1, "GEO-039": 3}
"""rule -> findings in the whole corpus: what OBSERVED names, and no more."""

SOUND = {
    "TorchIO-project__torchio": {"IDN-013", "ACQ-001", "ACQ-003"},
    "neurolabusc__dcm_qa_agfa": set(),
    "neurolabusc__dcm_qa_ct": {"GEO-014", "GEO-026"},
    "neurolabusc__dcm_qa_nih": {"GEO-012", "CON-085"},
    "neurolabusc__dcm_qa_philips": {"GEO-012", "IDN-013"},
    "neurolabusc__dcm_qa_uih": {"FMT-019", "IDN-013", "ACQ-027"},
    "qurit__rt-utils": {"IDN-001"},
}
"""site -> the only rules above info that have anything to say of it."""


@pytest.fixture(scope="module")
def findings(corpus_audit: tuple[Catalog, AuditResult]) -> pl.DataFrame:
    return corpus_audit[1].findings


@pytest.mark.parametrize(("rule_id", "place", "observed"), OBSERVED, ids=lambda value: str(value)[-40:])
def test_a_known_defect_is_found_where_it_is(rule_id: str, place: str, observed: str, findings: pl.DataFrame) -> None:
    here = [
        row["observed"]
        for row in findings.filter(pl.col("rule_id") == rule_id).iter_rows(named=True)
        if any(unescape(path).decode().startswith(place) for path in row["paths"])
    ]
    assert here
    assert all(text.startswith(observed) for text in here)


@pytest.mark.parametrize("rule_id", FILES)
def test_as_many_files_are_found_as_are_known(rule_id: str, findings: pl.DataFrame) -> None:
    assert Counter(findings.filter(pl.col("rule_id") == rule_id)["site"]) == FILES[rule_id]


@pytest.mark.parametrize("rule_id", STACKS)
def test_no_more_volumes_are_found_than_are_known(rule_id: str, findings: pl.DataFrame) -> None:
    assert findings.filter(pl.col("rule_id") == rule_id).height == STACKS[rule_id]


@pytest.mark.parametrize("site", SOUND)
def test_sound_sites_have_no_other_finding(site: str, findings: pl.DataFrame) -> None:
    own = findings.filter((pl.col("site") == site) & (pl.col("severity") != "info"))
    assert set(own["rule_id"]) == SOUND[site]


def test_the_audit_is_complete_and_fails(corpus_audit: tuple[Catalog, AuditResult]) -> None:
    judgement = corpus_audit[1].judgement
    assert (judgement.complete, judgement.verdict, judgement.exit_code) == (True, Verdict.FAIL, ExitCode.FAILED)
    assert corpus_audit[1].outcomes["errors"].sum() == 0
    assert set(corpus_audit[1].findings["origin"]) == {"data"}
    assert corpus_audit[0].scan("instances").filter(pl.col("status") == "dicom").collect().height >= 1800


def test_engines_agree_on_the_corpus(corpus_audit: tuple[Catalog, AuditResult]) -> None:
    assert differences(*both_of(corpus_audit[0])) == []


def test_the_real_corpus_is_recognised(corpus_audit: tuple[Catalog, AuditResult]) -> None:
    catalog, _ = corpus_audit
    found = dict(recognised(catalog)["role"].value_counts().iter_rows())
    assert found["localizer"] >= 8
    assert found["dwi"] == 3
    assert found["flair-3d"] >= 3
    assert found["bold"] == 4
    assert found["adc"] == found["t2-3d"] == 1
