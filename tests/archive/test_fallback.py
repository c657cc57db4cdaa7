"""What the walker hands on is read with pydicom, and nothing makes it fail."""

import io
import zlib
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from dqkit.archive.header import Header
from dqkit.archive.reader import read_header
from tests.archive.headers import make_wanted, pread_of
from tests.archive.pydicom_values import pydicom_values
from tests.archive.test_walker import item, undefined, written

WANTED = make_wanted()


def content_of(name: str) -> bytes:
    path = get_testdata_file(name, download=False)
    assert path is not None
    return Path(str(path)).read_bytes()


def read(content: bytes) -> Header:
    header = read_header(pread_of(content), len(content), WANTED)
    assert header is not None
    return header


def value(header: Header, keyword: str) -> bytes | None:
    return header.values[WANTED.names.index(keyword)]


@pytest.mark.parametrize("name", ["MR_small_bigendian.dcm", "SC_rgb_small_odd_big_endian.dcm"])
def test_big_endian_values_are_turned(name: str) -> None:
    content = content_of(name)
    dataset = pydicom.dcmread(io.BytesIO(content), force=True)
    header = read(content)
    assert header.reader == "pydicom"
    assert header.reason is not None
    assert header.reason.startswith("big endian")
    assert int.from_bytes(value(header, "Rows") or b"", "little") == dataset.Rows
    assert header.pixels is not None
    assert header.pixels.declared == header.pixels.present == len(dataset.PixelData)


@pytest.mark.parametrize("name", ["ExplVR_BigEnd.dcm", "ExplVR_BigEndNoMeta.dcm"])
def test_big_endian_structure_sets_are_read(name: str) -> None:
    content = content_of(name)
    expected = str(pydicom.dcmread(io.BytesIO(content), force=True).SOPInstanceUID)
    assert (value(read(content), "SOPInstanceUID") or b"").rstrip(b"\0") == expected.encode()


def test_deflated_data_sets_are_inflated() -> None:
    content = content_of("image_dfl.dcm")
    dataset = pydicom.dcmread(io.BytesIO(content))
    header = read(content)
    assert (header.reader, header.reason) == ("pydicom", "deflated")
    assert (value(header, "SOPInstanceUID") or b"").rstrip(b"\0") == str(dataset.SOPInstanceUID).encode()
    assert value(header, "TransferSyntaxUID") == b"1.2.840.10008.1.2.1.99"
    assert header.pixels is not None
    assert header.pixels.present == len(dataset.PixelData)


def test_deflated_files_of_a_series_are_told_one_by_one() -> None:
    found = [read(content_of("image_dfl.dcm")) for _ in range(4)]
    assert [header.reason for header in found] == ["deflated"] * 4
    assert {value(header, "TransferSyntaxUID") for header in found} == {b"1.2.840.10008.1.2.1.99"}
    assert {header.shared for header in found} == {None}


def test_damaged_deflation_keeps_what_came_before() -> None:
    content = content_of("image_dfl.dcm")
    header = read_header(pread_of(content[:2000]), 2000, WANTED)
    assert header is not None
    assert header.pixels is None or header.pixels.present < (header.pixels.declared or 0)


def test_a_deflated_bomb_is_not_inflated_whole() -> None:
    plain = content_of("image_dfl.dcm")
    start = plain[: plain.index(b"1.2.840.10008.1.2.1.99") + 22]
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = deflater.compress(b"\x08\x00\x60\x00CS\x02\x00CT\xe0\x7f\x10\x00OB\x00\x00\x00\x00\x00\x40")
    for _ in range(256):
        bomb += deflater.compress(bytes(1 << 20))
    content = start[:140] + (len(start) - 144).to_bytes(4, "little") + start[144:] + bomb + deflater.flush()
    header = read(content)
    assert value(header, "Modality") == b"CT"
    assert header.pixels is not None
    assert header.pixels.present < 1 << 27


@pytest.mark.parametrize("implicit", [False, True])
def test_a_header_that_ends_early_gives_what_it_holds(implicit: bool) -> None:
    whole = written(item(Modality="CT", PatientID="0123456789", StudyDescription="x" * 60, Rows=16), implicit=implicit)
    at = whole.index(b"0123456789")
    for end in range(at + 1, at + 10):
        header = read(whole[:end])
        assert header.truncated
        assert value(header, "Modality") == b"CT"
        assert header.reason == "truncated"


def test_an_end_inside_a_sequence_keeps_what_came_before() -> None:
    dataset = item(Modality="CT", PatientID="A", ReferencedStudySequence=[item(CodeMeaning="x" * 40)], Rows=16)
    undefined(dataset.ReferencedStudySequence)
    whole = written(dataset)
    header = read(whole[: whole.index(b"xxxx") + 5])
    assert header.truncated
    assert value(header, "Modality") == b"CT"


def test_an_end_between_elements_is_not_an_end_within_one() -> None:
    whole = written(item(Modality="CT", PatientID="AB", Rows=16))
    header = read(whole[: whole.index(b"AB") + 2])
    assert not header.truncated
    assert header.pixels is None


def test_a_length_beyond_the_file_allocates_nothing() -> None:
    content = bytearray(written(item(Modality="CT", PatientID="A", EncapsulatedDocument=b"1234", Rows=16)))
    at = content.index(b"1234") - 4
    content[at : at + 4] = b"\xf0\xff\xff\xff"
    header = read(bytes(content))
    assert header.truncated
    assert value(header, "Modality") == b"CT"


@pytest.mark.parametrize("name", ["ExplVR_LitEndNoMeta.dcm", "no_meta_group_length.dcm", "meta_missing_tsyntax.dcm"])
def test_files_without_parts_of_the_meta_information_are_read(name: str) -> None:
    content = content_of(name)
    header = read(content)
    assert header.values == pydicom_values(content, WANTED)
    assert header.has_preamble == (content[128:132] == b"DICM")


def test_other_vr_forms_than_declared_are_told() -> None:
    header = read(content_of("SC_rgb_jpeg.dcm"))
    assert header.reason == "VR form is not that of the transfer syntax"
    assert header.pixels is not None
    assert header.pixels.terminated


def test_private_elements_are_read_by_either_reader() -> None:
    dataset = item(Modality="MR")
    dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", "800")
    plain = read(written(dataset))
    dataset.SharedFunctionalGroupsSequence = [item()]
    enhanced = read(written(dataset))
    assert (plain.reader, enhanced.reader) == ("walker", "pydicom")
    assert plain.private == enhanced.private == {b"\x19\0\x10\0": b"SIEMENS MR HEADER ", b"\x19\0\x0c\x10": b"800 "}
