"""b-values and tiles of the vendors."""

import struct

import pytest

from dqkit.archive import private


def block(group: int, creator: bytes, element: int, value: bytes, number: int = 0x10) -> dict[bytes, bytes]:
    creator_tag = private.tag_bytes(group, number)
    return {creator_tag: creator, private.tag_bytes(group, number << 8 | element): value}


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        (block(0x0019, b"SIEMENS MR HEADER ", 0x0C, b"800 "), 800),
        (block(0x0019, b"SIEMENS MR HEADER ", 0x0C, b"800 ", number=0x51), 800),
        (block(0x0043, b"GEMS_PARM_01", 0x39, b"1000000800\\8\\0\\0 "), 800),
        (block(0x0043, b"GEMS_PARM_01", 0x39, b"50\\8\\0\\0"), 50),
        (block(0x2001, b"Philips Imaging DD 001", 0x03, struct.pack("<f", 1000)), 1000),
        (block(0x2001, b"PHILIPS IMAGING DD 001", 0x03, struct.pack("<f", 0)), 0),
        (block(0x0065, b"Image Private Header", 0x09, struct.pack("<d", 928.25)), 928.25),
        (block(0x0019, b"SOMEBODY ELSE", 0x0C, b"800 "), None),
        (block(0x0019, b"SIEMENS MR HEADER ", 0x0C, b"many"), None),
        (block(0x0019, b"SIEMENS MR HEADER ", 0x0C, b""), None),
        (block(0x2001, b"Philips Imaging DD 001", 0x03, b"\x00"), None),
        (block(0x2001, b"Philips Imaging DD 001", 0x03, struct.pack("<f", float("nan"))), None),
        (block(0x0065, b"Image Private Header", 0x09, struct.pack("<d", -1)), None),
        ({}, None),
    ],
)
def test_b_values_of_the_vendors(elements: dict[bytes, bytes], expected: float | None) -> None:
    assert private.b_value(elements) == expected


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        (block(0x0019, b"SIEMENS MR HEADER ", 0x0A, struct.pack("<H", 36)), 36),
        (block(0x0065, b"Image Private Header", 0x50, b"20"), 20),
        (block(0x0065, b"Image Private Header", 0x50, b"0 "), None),
        (block(0x0065, b"Image Private Header", 0x50, b"2.5 "), None),
    ],
)
def test_tiles_of_the_vendors(elements: dict[bytes, bytes], expected: int | None) -> None:
    assert private.tiles(elements) == expected


def test_every_tag_that_is_looked_at_is_read() -> None:
    assert private.tag_bytes(0x0019, 0x100C) in private.PRIVATE_TAGS
    assert private.tag_bytes(0x0065, 0xFF50) in private.PRIVATE_TAGS
    assert private.tag_bytes(0x0019, 0x0010) in private.PRIVATE_TAGS
    assert private.tag_bytes(0x0019, 0x100B) not in private.PRIVATE_TAGS
