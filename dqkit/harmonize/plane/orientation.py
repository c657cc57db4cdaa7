"""Which way a projection or photograph lies, and how it is turned to a standard (PS3.3 C.7.6.1.1.1).

Patient Orientation says where rows and columns run to: the first letter of each is its main direction. It speaks of the
pixels as they are stored: Field of View Horizontal Flip and Rotation, which lead from the detector to them, are on
record and change nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dqkit.harmonize.intensity.foreground import foreground
from dqkit.harmonize.plane.attributes import items, numbers, term, text, texts
from dqkit.harmonize.volume import Matrix, Volume

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from dqkit.harmonize.recipe import Planar

Letters = tuple[str, str]
"""Where rows and where columns run to, a letter each of L, R, A, P, H and F."""

OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}
_AXIS = {letter: axis for axis, pair in enumerate(("LR", "AP", "HF")) for letter in pair}
_DIRECTION = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "H": (0, 0, 1), "F": (0, 0, -1)}

_LARGE_ENOUGH = 512
"""Pixels of the longer side in which the breast is looked for."""

_EDGE = 0.05
"""Part of an image's width that is its edge, where the chest wall is looked for. House style."""

_CLEARLY = 2.0
"""How many times more breast one edge holds than the other. House style."""


@dataclass(frozen=True)
class Lying:
    """Which way an image lies.

    Attributes
    ----------
    letters
        None where nothing says it.
    side
        R, L or B; empty where nothing says it.
    view
        View Position (0018,5101), such as CC or MLO.
    """

    letters: Letters | None
    side: str
    view: str


@dataclass(frozen=True)
class Turn:
    """How an image is turned: first rows become columns (`swap`), then columns and rows are turned over."""

    swap: bool = False
    flip_columns: bool = False
    flip_rows: bool = False

    @property
    def is_mirrored(self) -> bool:
        """Whether what was clockwise is anticlockwise afterwards."""
        return (self.swap + self.flip_columns + self.flip_rows) % 2 == 1

    def letters(self, letters: Letters) -> Letters:
        """Return where rows and columns run to afterwards."""
        row, column = letters[::-1] if self.swap else letters
        return OPPOSITE[row] if self.flip_columns else row, OPPOSITE[column] if self.flip_rows else column


def lying(header: "Dataset") -> Lying:
    """Return which way an image lies, by its header."""
    side = term(header, "ImageLaterality") or term(header, "Laterality")
    view = term(header, "ViewPosition") or _view_by_code(header)
    return Lying(_letters(header), side if side in {"R", "L", "B"} else "", view)


def _letters(header: "Dataset") -> Letters | None:
    found = texts(header, "PatientOrientation")
    if len(found) != 2 or term(header, "AnatomicalOrientationType") == "QUADRUPED":  # noqa: PLR2004
        return None
    row, column = (one[:1].upper() for one in found)
    known = row in _AXIS and column in _AXIS and _AXIS[row] != _AXIS[column]
    return (row, column) if known else None


def _view_by_code(header: "Dataset") -> str:
    """Return the view of a mammogram by its code (CID 4014): only whether it is cranio-caudal matters."""
    codes = [text(item, "CodeValue") for item in items(header, "ViewCodeSequence")]
    return "CC" if codes and codes[0] in {"399162004", "R-10242"} else ""


def standard_letters(lies: Lying, modality: str, planar: "Planar") -> Letters | None:
    """Return where rows and columns are to run to; None where nothing says how the image lies."""
    if lies.letters is None:
        return None
    axes = {_AXIS[letter] for letter in lies.letters}
    if modality == "MG" and 1 in axes:
        return _of_mammogram(lies, planar.chest_wall)
    if axes == {0, 2}:
        return "L", planar.down
    return (planar.lateral, planar.down) if axes == {1, 2} else ("L", "P")


def _of_mammogram(lies: Lying, chest_wall: str) -> Letters:
    """Return the standard of a breast: the chest wall at one side, the head or the outer half of the breast above."""
    at_left = chest_wall == "left" or (chest_wall == "hanging" and lies.side == "L")
    row = "A" if at_left else "P"
    other = next(letter for letter in lies.letters or ("", "F") if _AXIS.get(letter) != 1)
    if _AXIS[other] == 2:  # noqa: PLR2004 - head to foot
        return row, "F"
    if lies.side in {"R", "L"}:
        return row, OPPOSITE[lies.side]
    return row, other


def turn_to(found: Letters, wanted: Letters) -> Turn:
    """Return how an image that lies like `found` is turned to lie like `wanted`."""
    swap = _AXIS[found[0]] != _AXIS[wanted[0]]
    row, column = found[::-1] if swap else found
    return Turn(swap, row != wanted[0], column != wanted[1])


def chest_wall_side(volume: Volume) -> str:
    """Return at which side of a mammogram the chest wall lies: ``left``, ``right``, or empty where it is not clear."""
    stride = max(1, max(volume.voxels.shape[-2:]) // _LARGE_ENOUGH)
    breast = foreground(replace(volume, voxels=volume.voxels[..., ::stride, ::stride]))[0][0]
    width = max(1, round(breast.shape[1] * _EDGE))
    left, right = float(breast[:, :width].mean()), float(breast[:, -width:].mean())
    if max(left, right) < _EDGE or max(left, right) < _CLEARLY * min(left, right):
        return ""
    return "left" if left > right else "right"


def turned(volume: Volume, turn: Turn, told: dict[str, Any]) -> Volume:
    """Return an image turned, no value changed; `told` goes on record beside how it was turned."""
    rows, columns = volume.voxels.shape[-2:]
    voxels, affine = volume.voxels, volume.affine
    if turn.swap:
        voxels, affine = np.swapaxes(voxels, -1, -2), affine[:, [1, 0, 2, 3]]
        rows, columns = columns, rows
    if turn.flip_columns:
        voxels, affine = voxels[..., ::-1], affine @ _flip(0, columns)
    if turn.flip_rows:
        voxels, affine = voxels[..., ::-1, :], affine @ _flip(1, rows)
    record = told | {
        "swap": turn.swap, "flip_columns": turn.flip_columns, "flip_rows": turn.flip_rows, "mirrored": turn.is_mirrored,
    }  # fmt: skip
    return volume.after("orient", voxels=np.ascontiguousarray(voxels), affine=affine, parameters=record)


def _flip(axis: int, count: int) -> Matrix:
    matrix = np.eye(4)
    matrix[axis, axis], matrix[axis, 3] = -1.0, count - 1.0
    return matrix


def acquisition(header: "Dataset") -> dict[str, Any]:
    """Return how the stored pixels came from the detector's, for the record (PS3.3 C.8.11.3)."""
    rotation = numbers(header, "FieldOfViewRotation")
    return {"fov_flip": term(header, "FieldOfViewHorizontalFlip"), "fov_rotation": rotation[0] if rotation else None}


def in_patient(volume: Volume, letters: Letters | None, warn: Callable[[str], None]) -> Volume:
    """Return an image whose affine points along the patient's axes; its place is not known, and is called 0."""
    rows, columns = (float(step) for step in volume.spacing_mm[[1, 0]])
    if letters is None:
        warn("nothing says which way the image lies: rows were taken to run to the left and columns to the back")
        letters = "L", "P"
    affine = np.eye(4)
    affine[:3, 0] = np.array(_DIRECTION[letters[0]]) * columns
    affine[:3, 1] = np.array(_DIRECTION[letters[1]]) * rows
    affine[:3, 2] = np.cross(affine[:3, 0], affine[:3, 1]) / (rows * columns)
    return volume.after(
        "place", affine=affine, parameters={"patient_orientation": list(letters), "origin": "not known"}
    )
