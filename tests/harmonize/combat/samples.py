"""Tables with a site effect that is known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

SITES = ("north", "south", "west")


@dataclass(frozen=True)
class Sample:
    """Features as a scanner without an effect would give them (`truth`), and as the sites do."""

    site: NDArray[np.intp]
    age: Values
    sex: Values
    truth: Values
    seen: Values

    @property
    def design(self) -> Values:
        return np.column_stack([self.age, self.sex])


def sample(rows: int = 240, features: int = 8, seed: int = 5) -> Sample:
    """Sites shift every feature by up to two of its deviations and stretch it up to 1.8 times; south's are older."""
    noise = np.random.default_rng(seed)
    site = np.arange(rows) % 3
    age = noise.integers(30, 70, rows) + 10.0 * (site == 1)
    sex = noise.integers(0, 2, rows).astype(float)
    effect = np.outer(age - 50, noise.uniform(0.02, 0.08, features)) + np.outer(sex, noise.uniform(-1, 1, features))
    level, spread = noise.uniform(10, 100, features), noise.uniform(1, 5, features)
    own = noise.normal(0, 1, (rows, features))
    shift = noise.normal([[0.0], [1.5], [-1.0]], 0.3, (3, features))
    stretch = noise.uniform([[0.6], [1.0], [1.5]], [[0.8], [1.2], [1.8]], (3, features))
    truth = level + spread * (effect + own)
    return Sample(site, age, sex, truth, level + spread * (effect + shift[site] + stretch[site] * own))


def write_table(path: Path, made: Sample, seen: Values | None = None) -> Path:
    """Write `made` as CSV; every third of its rows is of the test part."""
    values = made.seen if seen is None else seen
    lines = ["patient,site,age,sex,split," + ",".join(f"f{k}" for k in range(values.shape[1]))]
    for i, row in enumerate(values):
        split = "test" if i // 3 % 3 == 2 else "train"
        start = f"p{i:04},{SITES[made.site[i]]},{made.age[i]:.0f},{'FM'[int(made.sex[i])]},{split}"
        lines.append(start + "," + ",".join(repr(float(v)) for v in row))
    path.write_text("\n".join(lines) + "\n")
    return path
