"""How much pixel data a file holds, without reading it."""

import struct

import pytest

from dqkit.archive.header import UnusualError
from dqkit.archive.pixeldata import locate
from tests.archive.headers import pread_of

NATIVE = b"\xe0\x7f\x10\x00OW\x00\x00" + struct.pack("<I", 512)
ENCAPSULATED = b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff"
OFFSETS = b"\xfe\xff\x00\xe0\x00\x00\x00\x00"
FRAGMENT = b"\xfe\xff\x00\xe0" + struct.pack("<I", 100) + bytes(100)
END = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"


def located(content: bytes, *, explicit: bool | None = True):
    return locate(pread_of(content), len(content), 0, explicit=explicit)


@pytest.mark.parametrize(("there", "present"), [(512, 512), (511, 511), (0, 0), (600, 512)])
def test_native_pixel_data_is_measured_by_sizes(there: int, present: int) -> None:
    found = located(NATIVE + bytes(there))
    assert (found.offset, found.declared, found.present, found.terminated) == (12, 512, present, None)


@pytest.mark.parametrize(
    ("behind", "terminated"),
    [
        (OFFSETS + FRAGMENT + END, True),
        (OFFSETS + FRAGMENT + END + b"\xfc\xff\xfc\xffOB\x00\x00" + bytes(90), True),
        (OFFSETS + FRAGMENT + FRAGMENT, False),
        (OFFSETS + FRAGMENT[:50], False),
        (b"", False),
        (bytes(64), False),
    ],
)
def test_fragments_end_with_a_delimiter(behind: bytes, terminated: bool) -> None:
    found = located(ENCAPSULATED + behind)
    assert (found.declared, found.present, found.terminated) == (None, len(behind), terminated)


def test_the_bytes_tell_whether_there_is_a_vr() -> None:
    implicit = b"\xe0\x7f\x10\x00" + struct.pack("<I", 512) + bytes(512)
    assert located(implicit, explicit=None).declared == 512
    assert located(NATIVE + bytes(512), explicit=None).declared == 512


@pytest.mark.parametrize("content", [NATIVE[:9], b"\xe0\x7f\x10\x00CS\x00\x00\x00\x00\x00\x00"])
def test_what_is_no_pixel_data_element_is_handed_on(content: bytes) -> None:
    with pytest.raises(UnusualError):
        located(content)
