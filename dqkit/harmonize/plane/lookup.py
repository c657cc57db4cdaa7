"""Lookup tables of PS3.3 C.11.1 and C.11.2: input value -> entry, the first and last one going on beyond the ends."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.plane.attributes import numbers
from dqkit.harmonize.refusal import Reason, Refused

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_MOST_BITS = 16


@dataclass(frozen=True)
class LookupTable:
    """A table.

    Attributes
    ----------
    first
        Input value of the first entry.
    entries
        Shape (entries,).
    bits
        Bits of an entry, from which the range of outputs follows.
    """

    first: int
    entries: NDArray[np.uint16]
    bits: int

    def apply(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return the entry of each value; between two entries the nearer one."""
        at = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1).astype(np.int64)
        return np.asarray(self.entries[at], np.float32)

    @property
    def highest(self) -> float:
        """The largest value that an entry can have."""
        return float(2**self.bits - 1)


def lookup_table(item: "Dataset", *, signed: bool, little_endian: bool) -> LookupTable:
    """Read a table from an item of Modality LUT Sequence or VOI LUT Sequence.

    Parameters
    ----------
    signed
        Whether the input is: the first input value is kept in the input's own representation (PS3.3 C.11.1.1).
    little_endian
        Of LUT Data in OW.

    Raises
    ------
    Refused
        The table is not as its descriptor says.
    """
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3:  # noqa: PLR2004
        raise Refused(Reason.MODALITY_LUT, "a lookup table without a descriptor")
    count, first, bits = (int(number) for number in descriptor)
    count = count or 1 << _MOST_BITS
    if signed and first >= 1 << 15:
        first -= 1 << 16
    if not 1 <= bits <= _MOST_BITS or not 1 <= count <= 1 << _MOST_BITS:
        raise Refused(Reason.MODALITY_LUT, "a lookup table whose descriptor cannot be")
    entries = _entries(item, count, little_endian=little_endian)
    if len(entries) < count:
        raise Refused(Reason.MODALITY_LUT, f"a lookup table of {count} entries that holds {len(entries)}")
    return LookupTable(first, entries[:count], bits)


def _entries(item: "Dataset", count: int, *, little_endian: bool) -> NDArray[np.uint16]:
    value = item.get("LUTData")
    if isinstance(value, bytes):
        if len(value) in {count, count + 1}:  # eight bits an entry, though PS3.3 C.11.1.1.1 wants a word
            return np.frombuffer(value, np.uint8).astype(np.uint16)
        whole = value[: len(value) // 2 * 2]
        return np.frombuffer(whole, "<u2" if little_endian else ">u2").astype(np.uint16)
    several = value if isinstance(value, list | tuple) or hasattr(value, "append") else [value]
    try:
        return np.asarray([int(entry) & 0xFFFF for entry in several], np.uint16)
    except (TypeError, ValueError) as error:
        raise Refused(Reason.MODALITY_LUT, "a lookup table whose entries are no numbers") from error
