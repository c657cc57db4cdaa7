"""Phantoms that generated images are pictures of: functions of a place in the patient, so that every grid agrees.

Coordinates are LPS in mm, in fractions of the field of view; the bodies are made so that a coronal or sagittal
reformat shows vertebrae and organs, and a lost slice is seen in it.
"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def _ellipsoid(points: Values, centre: tuple[float, ...], radii: tuple[float, ...]) -> NDArray[np.bool_]:
    """Return which of `points` (…, 3) lie in an ellipsoid."""
    scaled = (points - np.array(centre)) / np.array(radii)
    return np.asarray(np.einsum("...i,...i->...", scaled, scaled) <= 1.0)


def chest_hu(points: Values, noise: np.random.Generator) -> Values:
    """Return Hounsfield units at `points` (…, 3), which are fractions of the field of view around the centre."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    hu = np.full(points.shape[:-1], -1000.0)
    body = (x / 0.44) ** 2 + (y / (0.30 + 0.03 * np.cos(6 * z))) ** 2 <= 1
    inner = (x / 0.40) ** 2 + (y / 0.265) ** 2 <= 1
    hu[body] = -90.0
    hu[inner] = 40.0
    for side in (-1, 1):
        hu[_ellipsoid(points, (side * 0.19, -0.01, 0.06), (0.145, 0.20, 0.30))] = -850.0
    hu[_ellipsoid(points, (0.05, -0.07, 0.0), (0.10, 0.10, 0.13))] = 45.0
    hu[_ellipsoid(points, (0.06, -0.08, 0.0), (0.06, 0.06, 0.08))] = 150.0
    hu[_ellipsoid(points, (-0.17, -0.02, -0.28), (0.19, 0.19, 0.17))] = 110.0
    ribs = inner & ((x / 0.37) ** 2 + (y / 0.235) ** 2 >= 1) & (np.mod(z + 0.25 * y, 0.085) < 0.032)
    hu[ribs] = 450.0
    spine = (x / 0.055) ** 2 + ((y - 0.17) / 0.05) ** 2 <= 1
    hu[spine] = np.where(np.mod(z[spine], 0.075) < 0.055, 420.0, 80.0)
    hu[(x / 0.018) ** 2 + ((y - 0.235) / 0.015) ** 2 <= 1] = 20.0
    sharp_lesion = _ellipsoid(points, (0.21, 0.03, 0.12), (0.025, 0.025, 0.025))
    hu[sharp_lesion] = 30.0
    return np.asarray(hu + noise.normal(0.0, 12.0, hu.shape))


def head_signal(points: Values, noise: np.random.Generator, decay: float = 1.0) -> Values:
    """Return MR signal in arbitrary units at `points` (…, 3); `decay` dims tissue (echo time, b-value)."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    signal = np.zeros(points.shape[:-1])
    signal[_ellipsoid(points, (0, 0, 0), (0.34, 0.42, 0.42))] = 620.0
    signal[_ellipsoid(points, (0, 0, 0), (0.31, 0.39, 0.39))] = 90.0
    brain = _ellipsoid(points, (0, 0.0, 0.02), (0.285, 0.36, 0.35))
    folds = 60.0 * np.sin(60 * x) * np.sin(48 * y) * np.sin(50 * z)
    signal[brain] = 430.0 + folds[brain]
    signal[_ellipsoid(points, (0, 0.0, 0.02), (0.21, 0.28, 0.26))] = 520.0
    for side in (-1, 1):
        signal[_ellipsoid(points, (side * 0.06, 0.02, 0.05), (0.035, 0.13, 0.07))] = 820.0
    signal[_ellipsoid(points, (0, 0.16, -0.24), (0.15, 0.10, 0.09))] = 470.0
    signal[_ellipsoid(points, (0, 0.07, -0.25), (0.04, 0.05, 0.15))] = 560.0
    signal[_ellipsoid(points, (0.13, -0.12, 0.12), (0.05, 0.05, 0.05))] = 900.0
    signal *= decay
    return np.asarray(np.abs(signal + noise.normal(0.0, 9.0, signal.shape)))


def breast(rows: int, columns: int, view: str, noise: np.random.Generator) -> Values:
    """Return a mammogram (rows, columns) in 12 bits with the chest wall at the left edge; `view` is CC or MLO."""
    y, x = np.mgrid[0:rows, 0:columns]
    v, u = (y - rows / 2) / rows, x / columns
    outline = (u / 0.80) ** 2 + (v / 0.42) ** 2 <= 1
    gland = ((u - 0.32) / 0.30) ** 2 + (v / 0.25) ** 2 <= 1
    texture = 260 * np.sin(31 * u + 7 * v) * np.cos(27 * v)
    image = np.where(outline, 1500.0 + 500 * (1 - u), 0.0)
    image[gland] += 700 + texture[gland]
    if view == "MLO":
        muscle = (u < 0.33) & (v < -0.08 - 1.1 * (u - 0.02)) & outline
        image[muscle] = 2900
    return np.asarray(np.clip(image + np.where(outline, noise.normal(0, 25, image.shape), 0), 0, 4095))


def radiograph(rows: int, columns: int, noise: np.random.Generator) -> Values:
    """Return a chest radiograph (rows, columns) in 12 bits, bone bright."""
    y, x = np.mgrid[0:rows, 0:columns]
    v, u = (y - rows / 2) / rows, (x - columns / 2) / columns
    image = np.where((u / 0.46) ** 2 + (v / 0.7) ** 2 <= 1, 2000.0, 150.0)
    for side in (-1, 1):
        image[((u - side * 0.2) / 0.15) ** 2 + ((v + 0.02) / 0.33) ** 2 <= 1] = 900
    image[(np.abs(u) < 0.05)] += 700
    image[np.mod(v + 0.9 * u * u, 0.09) < 0.025] += 220
    image[((u - 0.06) / 0.13) ** 2 + ((v - 0.13) / 0.13) ** 2 <= 1] += 600
    return np.asarray(np.clip(image + noise.normal(0, 20, image.shape), 0, 4095))


def fundus_rgb(rows: int, columns: int, noise: np.random.Generator) -> Values:
    """Return a colour photograph of a retina (rows, columns, 3) in 8 bits."""
    y, x = np.mgrid[0:rows, 0:columns]
    v, u = (y - rows / 2) / rows, (x - columns / 2) / columns
    inside = u**2 + v**2 <= 0.22
    disc = (u - 0.2) ** 2 + v**2 <= 0.004
    macula = (u + 0.05) ** 2 + v**2 <= 0.003
    vessel = np.abs(v - 0.6 * (u - 0.2) ** 2 * np.sign(v)) < 0.008
    image = np.zeros((rows, columns, 3))
    image[inside] = (176, 88, 44)
    image[inside & vessel] = (120, 36, 26)
    image[macula] = (112, 46, 26)
    image[disc] = (244, 206, 130)
    return np.asarray(np.clip(image + noise.normal(0, 3, image.shape) * inside[..., None], 0, 255))


def ultrasound(rows: int, columns: int, noise: np.random.Generator) -> Values:
    """Return a curved-array ultrasound image (rows, columns) in 8 bits."""
    y, x = np.mgrid[0:rows, 0:columns]
    v, u = y / rows + 0.15, (x - columns / 2) / columns
    depth, angle = np.hypot(u, v), np.arctan2(u, v)
    sector = (depth > 0.22) & (depth < 1.05) & (np.abs(angle) < 0.62)
    speckle = noise.rayleigh(42.0, (rows, columns)) * np.exp(-0.8 * depth)
    speckle[((u - 0.05) / 0.12) ** 2 + ((v - 0.6) / 0.09) ** 2 <= 1] *= 0.15
    return np.asarray(np.clip(np.where(sector, speckle + 20, 0), 0, 255))


def uptake_bq(points: Values, noise: np.random.Generator) -> Values:
    """Return activity concentration in Bq/ml at `points` (…, 3)."""
    activity = np.where(_ellipsoid(points, (0, 0, 0), (0.42, 0.28, 3.0)), 1800.0, 0.0)
    activity[_ellipsoid(points, (0.05, -0.07, 0.0), (0.09, 0.09, 0.12))] = 9000.0
    activity[_ellipsoid(points, (-0.17, -0.02, -0.28), (0.18, 0.18, 0.16))] = 6500.0
    activity[_ellipsoid(points, (0.21, 0.03, 0.12), (0.03, 0.03, 0.03))] = 24000.0
    return np.asarray(np.abs(activity + noise.normal(0.0, 90.0, activity.shape)))
