"""A sphere and an oblique ellipsoid at known millimetres keep their volume and their place on every path."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.harmonize.solids import (
    Scan,
    ellipsoid,
    made,
    measured,
    recipe,
    rotation,
    scanned,
    soft_ellipsoid_mm3,
    soft_sphere_mm3,
    sphere,
)

CENTRE = (7.0, -5.0, 4.0)
RADIUS = 28.0
RADII = (30.0, 16.0, 22.0)
TURN = rotation((20, 35, -50))

VOLUME = 0.01
"""Share by which a volume may be off."""


def places(step: float) -> tuple[float, ...]:
    return tuple(step * i for i in range(round(110 / step)))


def check(image, volume_mm3: float, voxel_mm: float) -> None:
    found = measured(image)
    assert found.volume == pytest.approx(volume_mm3, rel=VOLUME)
    assert np.abs(found.centre - CENTRE).max() < voxel_mm / 2


RECIPES = {
    "as acquired": recipe(),
    "turned": recipe(orientation={"axes": "RAS"}),
    "1 mm": recipe("ct-1mm-iso"),
    "2 mm along the patient": recipe("ct-1mm-iso", spacing={"mm": 2}, orientation={"axes": "LPS", "align": "patient"}),
    "coarser": recipe("ct-1mm-iso", spacing={"mm": [4, 4, 5]}),
    # A floor would cut the lower half of the ringing that cubic splines have at edges
    "B-spline": recipe("ct-1mm-iso", spacing={"mm": 2}, resampling={"interpolator": "bspline"}, padding={}),
}


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("tilt", [0.0, 18.5])
def test_a_sphere_keeps_volume_and_place(tmp_path: Path, name: str, tilt: float) -> None:
    stack = scanned(tmp_path, sphere(CENTRE, RADIUS), Scan(places=places(3.0), tilt_deg=tilt))
    check(made(stack, RECIPES[name]), soft_sphere_mm3(RADIUS), 3.0)


@pytest.mark.parametrize("name", RECIPES)
def test_an_oblique_ellipsoid_keeps_volume_and_place(tmp_path: Path, name: str) -> None:
    scan = Scan(places=places(3.0), axes=rotation((70, -15, 25)), middle=(2, 3, 1))
    stack = scanned(tmp_path, ellipsoid(CENTRE, RADII, TURN), scan)
    check(made(stack, RECIPES[name]), soft_ellipsoid_mm3(RADII), 3.0)


@settings(max_examples=8)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    row=st.floats(1.8, 3.5),
    column=st.floats(1.8, 3.5),
    step=st.floats(2.0, 5.0),
    tilt=st.sampled_from([0.0, 0.2, 7.5, 18.5, -25.0]),
    name=st.sampled_from(sorted(RECIPES)),
)
@example((0, 0, 0), 2.0, 2.0, 2.5, 30.0, "as acquired")
@example((90, 0, 0), 2.0, 3.0, 5.0, -10.0, "1 mm")
def test_whatever_the_orientation_spacing_and_tilt(angles, row, column, step, tilt, name) -> None:
    size = round(100 / row), round(100 / column)
    scan = Scan(size, (row, column), places(step), rotation(angles), tilt)
    with tempfile.TemporaryDirectory() as folder:
        stack = scanned(Path(folder), ellipsoid(CENTRE, RADII, TURN, 6.0), scan)
        check(made(stack, RECIPES[name]), soft_ellipsoid_mm3(RADII, 6.0), min(row, column, step))
