"""b-values, gradients and tiles of the vendors."""

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


def several(group: int, creator: bytes, first: int, values: list[bytes]) -> dict[bytes, bytes]:
    return {tag: value for i, one in enumerate(values) for tag, value in block(group, creator, first + i, one).items()}


FLOATS = [struct.pack("<f", value) for value in (0.0, 1.0, 0.0)]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        (block(0x0019, b"SIEMENS MR HEADER ", 0x0E, struct.pack("<3d", 0, 0.6, 0.8)), ((0, 0.6, 0.8), "patient")),
        (several(0x2005, b"Philips MR Imaging DD 001", 0xB0, FLOATS), ((0, 1, 0), "patient")),
        (block(0x0065, b"Image Private Header", 0x37, struct.pack("<3d", 1, 0, 0)), ((1, 0, 0), "image")),
        (several(0x0019, b"GEMS_ACQU_01", 0xBB, [b"0.5 ", b"-0.5", b"0.7 "]), ((0.5, -0.5, 0.7), "gradient")),
        (several(0x2005, b"Philips MR Imaging DD 001", 0xB0, FLOATS[:2]), None),
        (several(0x2005, b"Philips MR Imaging DD 001", 0xB0, [FLOATS[0] * 2, *FLOATS[1:]]), None),
        (block(0x0019, b"SIEMENS MR HEADER ", 0x0E, struct.pack("<2d", 0, 1)), None),
        (block(0x0019, b"SIEMENS MR HEADER ", 0x0E, struct.pack("<4d", 0, 0, 0, 1)), None),
        (block(0x0019, b"SIEMENS MR HEADER ", 0x0E, struct.pack("<3d", 0, float("nan"), 1)), None),
        (block(0x0019, b"SOMEBODY ELSE", 0x0E, struct.pack("<3d", 0, 0.6, 0.8)), None),
        (several(0x0019, b"GEMS_ACQU_01", 0xBB, [b"0.5 ", b"many", b"0.7 "]), None),
        ({}, None),
    ],
)
def test_gradients_of_the_vendors(elements: dict[bytes, bytes], expected: tuple[tuple[float, ...], str] | None) -> None:
    assert private.direction(elements) == expected


def test_a_value_of_megabytes_is_no_work() -> None:
    assert private.b_value(block(0x0019, b"SIEMENS MR HEADER ", 0x0C, b"800\\" * 1_000_000)) == 800


def test_every_tag_that_is_looked_at_is_read() -> None:
    assert private.tag_bytes(0x0019, 0x100C) in private.PRIVATE_TAGS
    assert private.tag_bytes(0x0065, 0xFF50) in private.PRIVATE_TAGS
    assert private.tag_bytes(0x0019, 0x0010) in private.PRIVATE_TAGS
    assert private.tag_bytes(0x0019, 0x100B) not in private.PRIVATE_TAGS
