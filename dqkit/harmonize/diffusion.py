"""How the slices of a source were weighted by diffusion, by what their headers say."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from dqkit.archive.private import DIFFUSION_TAGS, HIGHEST_B, Direction, b_value, direction
from dqkit.harmonize.source import SourceSlice
from dqkit.harmonize.tiles import csa
from dqkit.pixels.frame import quiet

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_T = TypeVar("_T")

LOW_B = 10.0
"""s/mm2: a volume up to here counts as not weighted (BZeroThreshold of MRtrix3: UIH writes 1.25 for 0)."""

OFF_UNIT = 0.01
"""Vectors whose length is neither 0 nor 1 to within this scale the b-value by its square on some scanners and not on
others (MRtrix3, "b-value scaling"; GE: dcm2niix issue 245): what b is then is not known."""

_SAME_B = 1e-3
_SAME_COSINE = math.cos(math.radians(0.1))
"""Slices of one volume say the same to within 0.1 % and 0.1 degrees. House style."""

_NO_DIRECTION = ("ISOTROPIC", "NONE")
"""Diffusion Directionality (0018,9075) of images that no single gradient made."""

_NOT_OF_THE_PATIENT = ("BRUKER", "UIH", "UNITED IMAGING")
"""Makers whose Diffusion Gradient Orientation (0018,9089) is seen to have other axes than the patient's, against the
standard: those of the image (Bruker: dcm2niix issue 265) or of an unrotated one (UIH: issues 836 and 993)."""


@dataclass(frozen=True)
class Gradient:
    """The diffusion weighting of a slice.

    Attributes
    ----------
    b
        Diffusion b-value, s/mm2.
    direction
        Unit vector in the patient (LPS); None without weighting, of isotropic images, and where nothing tells it.
    """

    b: float
    direction: tuple[float, float, float] | None = None

    def is_like(self, other: "Gradient") -> bool:
        """Tell whether two slices say the same."""
        if not math.isclose(self.b, other.b, rel_tol=_SAME_B):
            return False
        if self.direction is None or other.direction is None:
            return self.direction is other.direction
        return float(np.dot(self.direction, other.direction)) >= _SAME_COSINE


def gradient_of(source: SourceSlice) -> Gradient | None:
    """Return how a slice was weighted; None where nothing says so, or where that cannot be relied on.

    Standard attributes (PS3.3 C.8.13.5.9, of the frame or at top level) come before private elements
    (`archive.private`), and those before Siemens' CSA header.

    Raises
    ------
    OSError
        The file cannot be read, which says nothing about the data.
    """
    header = source.header()
    try:
        with quiet():
            return _gradient(header, source)
    except Exception:  # noqa: BLE001 - a damaged element makes pydicom raise nearly anything
        return None


def _gradient(header: "Dataset", source: SourceSlice) -> Gradient | None:
    from dqkit.archive.fallback import private_elements

    roots = list(_roots(header, source.frame))
    places = [place for root in roots for place in _places(root)]
    private = [private_elements(root, DIFFUSION_TAGS) for root in roots]
    b = _first(_b(place.get("DiffusionBValue")) for place in places)
    if b is None:
        b = _first(b_value(elements) for elements in private)
    written = _written(header, places, _first(direction(elements) for elements in private))
    if (b is None or (b and written is None)) and "PerFrameFunctionalGroupsSequence" not in header:
        said = csa(header)
        b = _b(_first(said.get("B_value") or ())) if b is None else b
        written = written or _direction(said.get("DiffusionGradientDirection"), "patient")
    if b is None:
        return None
    directionality = next((str(told) for place in places if (told := place.get("DiffusionDirectionality"))), "")
    return _checked(b, None if directionality in _NO_DIRECTION else written, source)


def _checked(b: float, written: Direction | None, source: SourceSlice) -> Gradient | None:
    if not b or written is None:
        return Gradient(b)
    length = math.hypot(*written.vector)
    if length <= OFF_UNIT:
        return Gradient(b)
    if abs(length - 1) > OFF_UNIT:
        return Gradient(b) if b <= LOW_B else None
    return Gradient(b, _in_patient(written, source))


def _in_patient(written: Direction, source: SourceSlice) -> tuple[float, float, float] | None:
    """Return a gradient as a unit vector, LPS; None where nobody can say what its axes are."""
    vector = np.array(written.vector)
    if written.frame == "gradient":
        return None
    if written.frame == "image":
        row, column = np.reshape(source.orientation, (2, 3))
        vector = np.column_stack([row, column, np.cross(row, column)]) @ vector
    x, y, z = (vector / np.linalg.norm(vector)).tolist()
    return x, y, z


def _roots(header: "Dataset", frame: int) -> Iterator["Dataset"]:
    """Yield what speaks of a frame: its functional groups, then those that all share; else the header itself."""
    if "PerFrameFunctionalGroupsSequence" not in header:
        yield header
        return
    per_frame = header.PerFrameFunctionalGroupsSequence
    if frame <= len(per_frame):
        yield per_frame[frame - 1]
    yield from _only_item(header, "SharedFunctionalGroupsSequence")


def _places(root: "Dataset") -> Iterator["Dataset"]:
    """Yield the data sets below `root` that may hold the attributes, the innermost first."""
    for diffusion in (*_only_item(root, "MRDiffusionSequence"), root):
        yield from _only_item(diffusion, "DiffusionGradientDirectionSequence")
        yield diffusion


def _only_item(dataset: "Dataset", keyword: str) -> Sequence["Dataset"]:
    items: Sequence[Dataset] = dataset.get(keyword) or ()
    return items if len(items) == 1 else ()


def _written(header: "Dataset", places: Sequence["Dataset"], private: Direction | None) -> Direction | None:
    """Return the gradient that counts: the standard's, but for makers that write other axes there."""
    is_true = not str(header.get("Manufacturer") or "").upper().startswith(_NOT_OF_THE_PATIENT)
    frame = "patient" if is_true else "gradient"
    standard = _first(_direction(place.get("DiffusionGradientOrientation"), frame) for place in places)
    return standard or private if is_true else private or standard


def _first(found: Iterable[_T | None]) -> _T | None:
    return next((one for one in found if one is not None), None)


def _b(value: Any) -> float | None:
    number = _real(value)
    return number if number is not None and 0 <= number <= HIGHEST_B else None


def _direction(values: Any, frame: str) -> Direction | None:
    numbers = [_real(value) for value in values] if isinstance(values, Sequence) else []
    if len(numbers) != 3 or any(number is None for number in numbers):  # noqa: PLR2004
        return None
    x, y, z = (number or 0.0 for number in numbers)
    return Direction((x, y, z), frame)


def _real(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
