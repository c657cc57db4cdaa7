"""JPEG Extended (Process 4) with 12 bits a sample, which pydicom 3.0.2 decodes with a GPL library alone.

GDCM reads it too: its 8-bit codec gives up first, which is what pydicom's plugin goes by, and then its 12-bit codec
decodes the stream. The values agree with those that pydicom's own tests give for its sample file.
"""

from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_BITS = 12


def is_twelve_bit(syntax: str, bits_stored: int) -> bool:
    """Tell whether pixel data are JPEG Extended with more than 8 bits (PS3.5 8.2.1)."""
    return syntax == "1.2.840.10008.1.2.4.51" and bits_stored != 8  # noqa: PLR2004


def decode_twelve_bit(source: "IO[bytes] | bytes", header: "Dataset", k: int) -> NDArray[Any]:
    """Decode frame `k` of encapsulated pixel data that `source` holds, from its Basic Offset Table on.

    Returns
    -------
    numpy.ndarray
        uint16, (rows, columns) or (rows, columns, samples).

    Raises
    ------
    ValueError
        The stream is damaged, or not of 12 bits.
    """
    import gdcm
    from pydicom.encaps import get_frame

    frames = max(1, int(header.get("NumberOfFrames") or 1))
    stream = get_frame(source, k, number_of_frames=frames)
    _refuse_others(stream, header)
    data = _image(gdcm, stream, header).GetBuffer().encode("utf-8", "surrogateescape")
    shape = (int(header.Rows), int(header.Columns), int(header.SamplesPerPixel))
    pixels = np.frombuffer(data, "<u2").reshape(shape)
    return pixels[..., 0] if shape[2] == 1 else pixels


def _refuse_others(stream: bytes, header: "Dataset") -> None:
    """Read the frame header (ITU-T T.81 B.2.2): GDCM trusts the data set where the two differ."""
    at = next((i for marker in (b"\xff\xc0", b"\xff\xc1") if (i := stream.find(marker)) >= 0), -1)
    if at < 0 or len(stream) < at + 10:
        raise ValueError("no frame header")
    rows, columns = int.from_bytes(stream[at + 5 : at + 7]), int.from_bytes(stream[at + 7 : at + 9])
    declared = (_BITS, int(header.Rows), int(header.Columns), int(header.SamplesPerPixel))
    if (stream[at + 4], rows, columns, stream[at + 9]) != declared:
        raise ValueError("the stream is not what the data set says")


def _image(gdcm: Any, stream: bytes, header: "Dataset") -> Any:
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(stream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((int(header.Columns), int(header.Rows), 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType(str(header.PhotometricInterpretation))
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType("1.2.840.10008.1.2.4.51")))
    image.SetPixelFormat(gdcm.PixelFormat(int(header.SamplesPerPixel), 16, _BITS, _BITS - 1, 0))
    return image
