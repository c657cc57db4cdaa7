"""How each attribute is typed: which VR it has in PS3.6, and which type the catalog keeps it in."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from dqkit.archive.wanted import Wanted, compile_wanted
from dqkit.catalog.schema import ATTRIBUTES, INT, INTS, NESTED, REAL, REALS, TEXT, TEXTS

OF_THE_META = ("TransferSyntaxUID", "MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID")

BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
"""VR -> struct code of one value (PS3.5 6.2), little endian."""

LONGEST = {
    "AE": 16, "AS": 4, "CS": 16, "DA": 8, "DS": 16, "DT": 26, "IS": 12, "LO": 64, "LT": 10240, "PN": 64, "SH": 16,
    "ST": 1024, "TM": 14, "UI": 64,
}  # fmt: skip
"""VR -> most characters of one value, of one component group for PN (PS3.5 6.2)."""

ANY_SCRIPT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
"""VRs whose text SpecificCharacterSet governs (PS3.5 6.1.2.3)."""

ONE_VALUE = frozenset({"LT", "ST", "UT"})
"""VRs in which a backslash is text."""


@dataclass(frozen=True)
class Column:
    """One attribute: its slot in the walker's rows, and its VR."""

    name: str
    slot: int
    vr: str


@dataclass(frozen=True)
class Kinds:
    """The attributes by the way they are typed."""

    wanted: Wanted
    uids: list[Column] = field(default_factory=list)
    dates: list[Column] = field(default_factory=list)
    times: list[Column] = field(default_factory=list)
    text: list[Column] = field(default_factory=list)
    texts: list[Column] = field(default_factory=list)
    real: list[Column] = field(default_factory=list)
    reals: list[Column] = field(default_factory=list)
    integer: list[Column] = field(default_factory=list)
    integers: list[Column] = field(default_factory=list)
    binary: dict[str, list[Column]] = field(default_factory=dict)
    binaries: list[Column] = field(default_factory=list)


@cache
def kinds() -> Kinds:
    """Return the attributes of the schema, sorted by kind (made once a process: it imports pydicom)."""
    plain: Iterable[str] = (name for name in ATTRIBUTES if name not in NESTED)
    wanted = compile_wanted([*OF_THE_META, *plain], NESTED)
    found = Kinds(wanted)
    by_type = {TEXT: found.text, TEXTS: found.texts, REAL: found.real, REALS: found.reals}
    by_type |= {INT: found.integer, INTS: found.integers}
    by_vr = {"UI": found.uids, "DA": found.dates, "TM": found.times}
    for slot, (name, vr) in enumerate(zip(wanted.names, wanted.vrs, strict=True)):
        column, kind = Column(name, slot, vr), ATTRIBUTES.get(name, TEXT)
        if vr in by_vr:
            by_vr[vr].append(column)
        elif vr not in BINARY:
            by_type[kind].append(column)
        elif kind in (REAL, INT):
            found.binary.setdefault(vr, []).append(column)
        else:
            found.binaries.append(column)
    return found
