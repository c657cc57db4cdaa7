"""A stack as the catalog knows it, with its files on disk: what is loaded."""

from dataclasses import dataclass

NATIVE_SYNTAXES = frozenset(
    {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"}
)  # PS3.5 A.1-A.5


@dataclass(frozen=True)
class SourceFile:
    """A file as it was indexed.

    Attributes
    ----------
    is_native
        Its pixels are not compressed, so that no decoder touches them.
    """

    file_id: str
    path: bytes
    size: int
    mtime_ns: int
    sop_instance_uid: str = ""
    sop_class_uid: str = ""
    is_native: bool = False


@dataclass(frozen=True)
class Stack:
    """The slices of a stack.

    Attributes
    ----------
    kind
        ``frames``: a file or a frame a slice; ``mosaic`` or ``vframe``: the tiles of one image; ``plain``: a
        multi-frame image whose frames have no place of their own.
    files, frames
        File and frame (from 1) of each slice, in the order of their positions; of a mosaic one file.
    tiles
        How many slices a mosaic or VFRAME holds, where something says so.
    thickness_mm
        SpacingBetweenSlices, else SliceThickness: the depth of a single slice.
    inferred
        No attribute tells it from its sisters: the order of volumes was inferred (docs/geometry.md).
    has_stray_sisters
        Its series holds images that nothing places, so that they are in no stack.
    """

    stack_id: str
    modality: str
    kind: str
    files: tuple[SourceFile, ...]
    frames: tuple[int, ...]
    tiles: int | None = None
    thickness_mm: float | None = None
    inferred: bool = False
    has_stray_sisters: bool = False
