"""What pydicom reads, as bytes before any normalising: the measure of the walker."""

import io
import struct
import warnings

import pydicom
from pydicom.dataelem import DataElement, RawDataElement

from dqkit.archive.wanted import Wanted

Values = list[bytes | None]


def pydicom_values(content: bytes, wanted: Wanted) -> Values:
    """Return the raw values of `wanted`, as pydicom finds them in a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True, force=True)
        row = wanted.blank()
        for tag, slot in wanted.slots.items():
            group, element = struct.unpack("<HH", tag)
            of = dataset.file_meta if group == 2 else dataset
            if (group, element) in of:
                row[slot] = _raw(of.get_item((group, element)), content)
        for sequence, slots in zip(wanted.sequences, wanted.inner, strict=True):
            items = dataset[struct.unpack("<HH", sequence)].value if struct.unpack("<HH", sequence) in dataset else None
            for tag, slot in slots.items():
                if items and struct.unpack("<HH", tag) in items[0]:
                    row[slot] = _raw(items[0].get_item(struct.unpack("<HH", tag)), content)
    return row


def _raw(element: RawDataElement | DataElement, content: bytes) -> bytes:
    if isinstance(element, RawDataElement):
        return bytes(element.value or b"")
    # pydicom converts TransferSyntaxUID and the like while it reads: look where they stand.
    at = element.file_tell
    explicit = content[at - 4 : at - 2] == str(element.VR).encode()
    length = struct.unpack("<H", content[at - 2 : at])[0] if explicit else struct.unpack("<I", content[at - 4 : at])[0]
    return content[at : at + length]
