"""Where slices stand along their normal, and which of them stand at one place."""

import numpy as np

from dqkit.geometry.frames import Floats, Frames, Ints
from dqkit.geometry.tolerances import SAME_PLACE_DEFAULT_MM, SAME_PLACE_LIMITS_MM, SAME_PLACE_PIXELS


def normals(directions: Floats, groups: Ints) -> Floats:
    """Return the unit slice normal of each group, shape (g, 3), row x column (PS3.3 C.7.6.2.1.1); zeros for none.

    Parameters
    ----------
    directions
        Unit row and column vectors of the frames, shape (n, 6).
    groups
        Number of each frame's group, shape (n,), every number from 0 on in use.
    """
    total = np.stack([np.bincount(groups, weights=column) for column in directions.T], axis=1)
    normal = np.cross(total[:, :3], total[:, 3:])
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return np.asarray(np.divide(normal, length, out=np.zeros_like(normal), where=length > 0))


def positions_mm(frames: Frames, normal: Floats, groups: Ints) -> Floats:
    """Return the projection of each origin on the normal of its group, shape (n,), mm."""
    return np.asarray((frames.origin_mm * normal[groups]).sum(axis=1))


def nearness_mm(spacing_mm: Floats) -> Floats:
    """Return for each frame how near another one must be to stand at the same place, shape (n,), mm."""
    smallest = spacing_mm.min(axis=1)
    return np.where(smallest > 0, np.clip(SAME_PLACE_PIXELS * smallest, *SAME_PLACE_LIMITS_MM), SAME_PLACE_DEFAULT_MM)


def places(position_mm: Floats, groups: Ints, near_mm: Floats) -> Ints:
    """Return the index of each frame's place inside its group, shape (n,): 0 for the lowest position."""
    if groups.size == 0:
        return np.empty(0, dtype=np.int64)
    order = np.lexsort((position_mm, groups))
    group, position = groups[order], position_mm[order]
    opens_group = np.diff(group, prepend=-1) != 0
    opens_place = opens_group | (np.diff(position, prepend=np.inf) > near_mm[order])
    running = np.cumsum(opens_place)
    first = running[np.flatnonzero(opens_group)]
    index = np.empty(groups.size, dtype=np.int64)
    index[order] = running - first[np.cumsum(opens_group) - 1]
    return index
