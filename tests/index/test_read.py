"""One row a file, whatever the file is."""

import errno
import os
import shutil
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pydicom
import pytest
from pydicom.data import get_testdata_file

from dqkit import identity
from dqkit.archive.paths import escape
from dqkit.catalog.schema import BUCKETS, INSTANCES
from dqkit.index import read
from dqkit.index.read import READER_VERSION, read_files
from dqkit.model import FileStatus


def real(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    assert path is not None
    return Path(str(path))


def row_of(folder: Path, name: str | bytes) -> dict[str, object]:
    path = escape(os.fsencode(name))
    return read_files(bytes(folder), "source", [(path, -1, -2)]).row(0, named=True)


def test_rows_have_the_schema_and_the_order_of_the_files(tmp_path: Path) -> None:
    for name in ("CT_small.dcm", "MR_small.dcm"):
        shutil.copy(real(name), tmp_path)
    files = [("MR_small.dcm", 0, 0), ("gone.dcm", 5, 6), ("CT_small.dcm", 0, 0)]
    frame = read_files(bytes(tmp_path), "source", files)
    assert dict(frame.schema) == INSTANCES
    assert frame["path"].to_list() == [path for path, _, _ in files]
    assert frame["Modality"].to_list() == ["MR", None, "CT"]


def test_no_files_give_no_rows(tmp_path: Path) -> None:
    frame = read_files(bytes(tmp_path), "source", [])
    assert dict(frame.schema) == INSTANCES
    assert frame.is_empty()


def test_a_dicom_file_is_a_full_row(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    shutil.copy(real("CT_small.dcm"), tmp_path / "a" / "ct.dcm")
    dataset = pydicom.dcmread(real("CT_small.dcm"))
    met = (tmp_path / "a" / "ct.dcm").stat()
    row = row_of(tmp_path, "a/ct.dcm")
    assert row["status"] == FileStatus.DICOM
    assert row["reader"] == "walker"
    assert row["reader_version"] == READER_VERSION
    assert (row["size"], row["mtime_ns"]) == (met.st_size, met.st_mtime_ns)
    assert row["folder"] == "a"
    assert row["file_id"] == identity.digest("file", "source", b"a/ct.dcm")
    assert row["bucket"] == identity.bucket_of(dataset.StudyInstanceUID, "a", BUCKETS)
    assert row["SOPInstanceUID"] == dataset.SOPInstanceUID
    assert row["ImagePositionPatient"] == [float(x) for x in dataset.ImagePositionPatient]
    assert row["Rows"] == dataset.Rows
    assert row["has_pixel_data"]
    assert row["pixel_data_bytes"] == row["pixel_data_present_bytes"] == row["pixel_data_expected_bytes"] == 32768
    assert row["site"] is row["series_key"] is row["content_sha256"] is None


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", FileStatus.EMPTY),
        (b"just text", FileStatus.NOT_DICOM),
        (b"\x89PNG\r\n" + bytes(500), FileStatus.NOT_DICOM),
        (bytes(128) + b"DICM", FileStatus.DAMAGED),
        (bytes(128) + b"DICM" + b"\xff" * 40, FileStatus.DAMAGED),
        (b"\x08\x00\x16\x00 but it is no DICOM file at all", FileStatus.NOT_DICOM),
    ],
)
def test_what_is_no_header_has_a_status(tmp_path: Path, content: bytes, status: FileStatus) -> None:
    (tmp_path / "file").write_bytes(content)
    row = row_of(tmp_path, "file")
    assert row["status"] == status
    assert row["size"] == len(content)
    assert row["empty"] is None
    assert row["has_pixel_data"] is None


def test_nifti_files_are_rows(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((3, 4, 5), np.float32), np.eye(4)), tmp_path / "a.nii.gz")
    row = row_of(tmp_path, "a.nii.gz")
    assert row["status"] == FileStatus.NIFTI
    assert row["reader"] == "nibabel"
    assert row["nifti_shape"] == [3, 4, 5]
    assert row["nifti_affine"] == np.eye(4).ravel().tolist()
    assert row["nifti_dtype"] == "float32"


def test_a_broken_nifti_file_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(b"no")
    (tmp_path / "b.nii.gz").write_bytes(b"")
    assert row_of(tmp_path, "a.nii")["status"] == FileStatus.DAMAGED
    assert row_of(tmp_path, "b.nii.gz")["status"] == FileStatus.EMPTY


@pytest.mark.parametrize("name", ["gone.dcm", "gone.nii", "no/such/folder.dcm"])
def test_a_file_that_vanished_keeps_what_the_listing_said(tmp_path: Path, name: str) -> None:
    row = row_of(tmp_path, name)
    assert row["status"] == FileStatus.VANISHED
    assert (row["size"], row["mtime_ns"]) == (-1, -2)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (PermissionError(errno.EACCES, "denied"), FileStatus.DENIED),
        (OSError(errno.EIO, "broken disk"), FileStatus.IO_ERROR),
        (OSError(errno.ESTALE, "stale"), FileStatus.VANISHED),
    ],
)
def test_errors_of_the_system_have_a_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: OSError, status: FileStatus
) -> None:
    shutil.copy(real("CT_small.dcm"), tmp_path / "ct.dcm")

    def fail(*_: object) -> bytes:
        raise fault

    monkeypatch.setattr(os, "pread", fail)
    row = row_of(tmp_path, "ct.dcm")
    assert row["status"] == status
    assert row["status_detail"] == errno.errorcode[fault.errno]


def test_an_error_of_the_system_inside_pydicom_is_none_of_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(real("MR_small_bigendian.dcm"), tmp_path / "mr.dcm")
    plain, calls = os.pread, []

    def fail_later(descriptor: int, length: int, offset: int) -> bytes:
        calls.append(offset)
        if len(calls) > 1:
            raise OSError(errno.EIO, "broken disk")
        return plain(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", fail_later)
    assert row_of(tmp_path, "mr.dcm")["status"] == FileStatus.IO_ERROR


def test_a_crash_of_ours_names_only_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(real("CT_small.dcm"), tmp_path / "ct.dcm")

    def crash(*_: object) -> None:
        raise RuntimeError("patient Doe^John")

    monkeypatch.setattr(read, "read_header", crash)
    row = row_of(tmp_path, "ct.dcm")
    assert row["status"] == FileStatus.CRASHED
    assert row["status_detail"] == "RuntimeError"


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dcm")
    os.mkfifo(tmp_path / "pipe.nii")
    assert row_of(tmp_path, "pipe.dcm")["status"] == FileStatus.NOT_DICOM
    assert row_of(tmp_path, "pipe.nii")["status"] == FileStatus.NOT_DICOM


@pytest.mark.parametrize("name", [b"line\nbreak.dcm", b"bad-\xff\xfe.dcm", b"100%41.dcm", "影像.dcm".encode()])
def test_any_name_is_opened(tmp_path: Path, name: bytes) -> None:
    shutil.copy(real("CT_small.dcm"), os.fsencode(tmp_path) + b"/" + name)
    row = row_of(tmp_path, name)
    assert row["status"] == FileStatus.DICOM
    assert row["file_id"] == identity.digest("file", "source", name)


def test_pixel_data_cut_short_shows_in_sizes(tmp_path: Path) -> None:
    content = real("CT_small.dcm").read_bytes()
    (tmp_path / "cut.dcm").write_bytes(content[:-1000])
    whole = pydicom.dcmread(real("CT_small.dcm"))
    row = row_of(tmp_path, "cut.dcm")
    assert row["pixel_data_bytes"] == len(whole.PixelData)
    assert row["pixel_data_present_bytes"] < row["pixel_data_bytes"]
    assert not row["header_truncated"]


def test_encapsulated_pixel_data_has_an_end(tmp_path: Path) -> None:
    content = real("JPEG2000.dcm").read_bytes()
    (tmp_path / "whole.dcm").write_bytes(content)
    (tmp_path / "cut.dcm").write_bytes(content[:-100])
    assert row_of(tmp_path, "whole.dcm")["pixel_data_terminated"] is True
    assert row_of(tmp_path, "cut.dcm")["pixel_data_terminated"] is False
    assert row_of(tmp_path, "cut.dcm")["pixel_data_bytes"] is None


def test_enhanced_files_have_frames(tmp_path: Path) -> None:
    shutil.copy(real("liver_1frame.dcm"), tmp_path)
    row = row_of(tmp_path, "liver_1frame.dcm")
    assert row["reader_reason"] == "functional groups"
    frames = row["frame_groups"]
    assert isinstance(frames, list)
    assert len(row["frame_positions_mm"]) == 3 * len(frames)
    assert len(row["frame_orientations"]) == 6 * len(frames)


@pytest.mark.parametrize("path", sorted(real("CT_small.dcm").parent.glob("*.dcm")), ids=lambda path: path.stem)
def test_every_file_of_pydicom_is_a_row_without_a_crash(path: Path) -> None:
    row = row_of(path.parent, path.name)
    assert row["status"] in {FileStatus.DICOM, FileStatus.NOT_DICOM}
    assert (row["status"] == FileStatus.DICOM) == (path.stem != "no_meta")  # it begins with a blank


@pytest.mark.corpus
def test_no_file_of_the_corpus_crashes(corpus: Path) -> None:
    files = [(escape(bytes(p.relative_to(corpus))), 0, 0) for p in sorted(corpus.rglob("*")) if p.is_file()]
    frame = read_files(bytes(corpus), "source", files)
    statuses = set(frame["status"].unique())
    assert not statuses & {FileStatus.CRASHED, FileStatus.IO_ERROR, FileStatus.DENIED, FileStatus.VANISHED}
    assert frame.filter(pl.col("status") == FileStatus.DICOM).height > 1800
    assert frame.filter(pl.col("reader") == "pydicom").height < 60
