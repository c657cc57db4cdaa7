"""Raw bytes of elements that pydicom read."""

from collections.abc import Iterable
from typing import Any

_WIDTHS = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "AT": 2, "UV": 8, "SV": 8}


def raw_value(element: Any) -> tuple[bytes | None, str | None]:
    """Return the bytes of an element, little endian, and the VR that the file gives it, if it gives one."""
    from pydicom.dataelem import RawDataElement

    if not isinstance(element, RawDataElement):
        return (None, None) if element.VR == "SQ" else (_written(element.value), None)
    value = bytes(element.value or b"")
    width = _WIDTHS.get(element.VR or "", 0)
    if width and not element.is_little_endian:
        value = b"".join(value[i : i + width][::-1] for i in range(0, len(value), width))
    return value, None if element.is_implicit_VR else element.VR


def _written(value: object) -> bytes:
    """Return a converted text value as a file would hold it (pydicom converts TransferSyntaxUID while it reads)."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return str("" if value is None else value).encode()
    return "\\".join(str(part) for part in value).encode()
