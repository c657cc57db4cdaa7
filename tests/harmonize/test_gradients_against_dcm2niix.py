"""Tables of gradients against those of dcm2niix, each brought to the scanner by its own file's affine."""

import subprocess
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from dqkit.harmonize.run import harmonize
from tests.harmonize.conftest import indexed
from tests.harmonize.dcm2niix import closest, program, volumes
from tests.harmonize.solids import Floats, recipe
from tests.harmonize.weighted import in_scanner

pytestmark = pytest.mark.corpus

HOW = {
    "as acquired": recipe(),
    "turned over": recipe(orientation={"axes": "LPS"}),
    "resampled": recipe(orientation={"axes": "RAS", "align": "patient"}, spacing={"mm": 4}),
}

SERIES = {
    "neurolabusc__dcm_qa_philips/In/Vanderbilt_2018": (16, ("as acquired", "resampled")),  # 680 files: once less
    "neurolabusc__dcm_qa_uih/In/DTI_134434": (17, tuple(HOW)),
}
"""Series of gradients -> how many volumes they have, a trace image of Philips not counted, and what is made of them."""


class Table(NamedTuple):
    """b-values, and gradients in the scanner (RAS), a row a volume."""

    b: Floats
    gradients: Floats


def table_of(image: Path) -> Table:
    stem = image.name.removesuffix(".gz").removesuffix(".nii")
    b, bvec = (np.loadtxt(image.with_name(f"{stem}.{ending}"), ndmin=2) for ending in ("bval", "bvec"))
    affine: NDArray[np.float64] = np.asarray(nibabel.load(image).affine, np.float64)
    return Table(b[0], in_scanner(bvec, affine).T)


def away_deg(one: Floats, other: Floats) -> float:
    if not one.any() or not other.any():
        return 0.0 if not one.any() and not other.any() else 180.0
    sine, cosine = np.linalg.norm(np.cross(one, other)), np.dot(one, other)
    return float(np.degrees(np.arctan2(sine, cosine)))


@pytest.mark.parametrize("series", SERIES)
def test_gradients_are_those_of_dcm2niix(series: str, corpus: Path, tmp_path: Path) -> None:
    line = [program(), "-g", "i", "-z", "n", "-b", "n", "-p", "n", "-f", "dwi", "-o", tmp_path, corpus / series]
    subprocess.run(line, capture_output=True, check=True, timeout=300)
    theirs = table_of(tmp_path / "dwi.nii")
    archive = indexed(corpus / series, tmp_path / "catalog")
    count, ways = SERIES[series]
    for name in ways:
        how = HOW[name]
        manifest = harmonize(archive.plan(how), archive.catalog, tmp_path / name).manifest
        (path,) = manifest.filter(pl.col("path").str.ends_with("_4d.nii.gz"))["path"]
        ours = table_of(tmp_path / name / how.name / path)
        assert len(ours.b) == len(theirs.b) == count
        # Volumes are in the order of their times here and of b-values there
        nearest = [
            min(range(len(theirs.b)), key=lambda i: away_deg(one, theirs.gradients[i])) for one in ours.gradients
        ]
        assert sorted(nearest) == list(range(len(nearest)))
        assert np.allclose(ours.b, theirs.b[nearest], rtol=1e-3)
        off = [away_deg(one, theirs.gradients[i]) for one, i in zip(ours.gradients, nearest, strict=True)]
        assert max(off) < 0.1
        if name != "resampled":
            there, here = (list(volumes(one)) for one in (tmp_path / "dwi.nii", tmp_path / name / how.name / path))
            assert all(closest(one, [there[i]]).is_same for one, i in zip(here, nearest, strict=True))
