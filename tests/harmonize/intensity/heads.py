"""Head phantoms whose tissues, bias field and scale are known, and what a step is called with."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqkit.harmonize.steps import INTENSITY, StepContext
from dqkit.harmonize.volume import Volume
from dqkit.rulebook.document import Mark, as_node
from dqkit.rulebook.section import Section

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])
SIDE = 48

TISSUES = {"scalp": 300.0, "csf": 150.0, "grey": 450.0, "white": 600.0}


@cache
def tissue_map(side: int = SIDE) -> NDArray[np.int8]:
    """0 air, 1 scalp, 2 CSF, 3 grey, 4 white matter: ellipsoids, shape (side, side, side)."""
    axis = (np.arange(side) - (side - 1) / 2) / (side / 2)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    found = np.zeros((side,) * 3, np.int8)
    for code, radius in enumerate((0.88, 0.78, 0.72, 0.58), start=1):
        found[(x / radius) ** 2 + (y / radius) ** 2 + (z / (radius * 0.95)) ** 2 <= 1] = code
    return found


@cache
def _noisy(seed: int) -> NDArray[np.float64]:
    noise = np.random.default_rng(seed)
    signal = np.array([0.0, *TISSUES.values()])[tissue_map()]
    return np.abs(signal + noise.normal(0, 12, signal.shape))


def head(scale: float = 1.0, offset: float = 0.0, seed: int = 1, gamma: float = 1.0) -> NDArray[np.float32]:
    """A T1-like head with noise: ``scale * signal ** gamma + offset``, air near zero."""
    return np.asarray(scale * 600 * (_noisy(seed) / 600) ** gamma + offset, np.float32)


def bias(strength: float = 0.4) -> NDArray[np.float32]:
    """A smooth multiplicative field around 1, as of a surface coil."""
    axis = np.linspace(-1, 1, SIDE)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.asarray(np.exp(strength * (0.8 * x - 0.5 * y + 0.6 * z * x)), np.float32)


def volume(voxels: NDArray[Any], unit: str = "", background: float = 0.0) -> Volume:
    return Volume(np.asarray(voxels, np.float32), AFFINE, unit, background)


def context(
    role: str = "t1", modality: str = "MR", folder: Path | None = None, warned: list[str] | None = None
) -> StepContext:
    return StepContext(modality, {"role": role}, (), folder, (warned if warned is not None else []).append)


def step(name: str, given: Volume, about: StepContext | None = None, **params: Any) -> Volume:
    """Run a step as a recipe would: its parameters read from what would stand in the YAML."""
    read = INTENSITY[name].read(Section(as_node(params, Mark(Path("recipe.yaml"), 1)), f"the step {name}"))
    return INTENSITY[name].apply(given, read, about or context())
