"""Single defects of pixels, seeded into sound series; taken up by tests/audit/seeds.py."""

import copy
from dataclasses import replace

import numpy as np

from tests import dicom_defects as defects
from tests.audit.seeding import CHEST, case, ct, made, mr, pt
from tests.dicom_factory import Grid, cr_image, ct_series, mg_study

FINE = Grid(n=3, rows=128, columns=128, spacing_mm=(2.5, 2.5))
RANDOM = np.random.default_rng(22)


def pixels_of(image):
    kind = f"{'i' if image.PixelRepresentation else 'u'}{image.BitsAllocated // 8}"
    return np.frombuffer(image.PixelData, f"<{kind}").reshape(image.Rows, image.Columns)


def repaint(change, *at, **attributes):
    """Change the stored values of the slices `at` (all where none is named), and attributes with them."""

    def paint(series):
        series = [copy.deepcopy(image) for image in series]
        for image in [series[i] for i in at] or series:
            pixels = pixels_of(image)
            image.PixelData = np.ascontiguousarray(change(pixels)).astype(pixels.dtype).tobytes()
            for keyword, value in attributes.items():
                setattr(image, keyword, value)
        return series

    return paint


def noise(pixels):
    return RANDOM.integers(0, 1000, pixels.shape)


def swapped(pixels):
    return pixels.byteswap()


def near_blank(pixels):
    blank = np.full_like(pixels, -1024)
    blank[5, 5] = 40
    return blank


def repeated(series):
    series = [copy.deepcopy(image) for image in series]
    series[4].PixelData = series[3].PixelData
    return series


def twice_the_person(exam):
    """One CT under two patient IDs."""
    series = ct_series(exam, CHEST)
    other = replace(exam, patient=f"{exam.patient}-OTHER")
    return [
        *series,
        *(
            defects.put(image, {"PixelData": mine.PixelData})
            for image, mine in zip(ct_series(other, CHEST), series, strict=True)
        ),
    ]


def blank_ends(series):
    return repaint(lambda p: np.full_like(p, -1024), 0, 7)(series)


# ge stores Hounsfield units, philips adds 1024 to them
PIXELS = [
    case("bits-unused", ct(repaint(lambda p: p + 0x4000, 3, BitsStored=12, HighBit=11)), "PIX-003"),
    case("bytes-swapped", ct(repaint(swapped)), "PIX-004", times=8),
    case("bytes-swapped-on-one", ct(repaint(swapped, 3)), "PIX-004"),
    case("bytes-swapped-mr", mr(repaint(swapped, 3)), "PIX-004"),
    case("noise-radiograph", made(lambda e: repaint(noise)(cr_image(e, rows=64, columns=64))), "PIX-005"),
    case("noise-mammogram", made(lambda e: repaint(noise, 1)(mg_study(e, 80, 60))), "PIX-005"),
    case("blank-slice", ct(repaint(near_blank, 3)), "PIX-006"),
    case("repeated-slice", ct(repeated), "PIX-007"),
    case("noise-slice", ct(repaint(noise, 3)), "PIX-008"),
    case("noise-volume", mr(repaint(noise)), "PIX-008"),
    case("mirrored-slice", ct(repaint(np.fliplr, 3)), "PIX-009"),
    case("mirrored-half", ct(repaint(np.fliplr, 5, 6, 7)), "PIX-009"),
    case("mirrored-first", ct(repaint(np.flipud, 0)), "PIX-009"),
    case("clipped-mr", mr(repaint(lambda p: np.minimum(p, 500))), "PIX-010"),
    case("clipped-pt", pt(repaint(lambda p: np.minimum(p, 8000), 3)), "PIX-010"),
    case("cut-to-window", ct(repaint(lambda p: np.clip(p, -160, 240))), "PIX-011"),
    case("eight-bits", made(lambda e: repaint(lambda p: (p + 1024) // 16)(ct_series(e, FINE))), "PIX-012"),
    case("intercept-lost", made(lambda e: defects.vary(ct_series(replace(e, vendor="philips"), CHEST),
         "RescaleIntercept", "0")), "PIX-013"),
    case("slope-doubled", made(lambda e: defects.vary(ct_series(replace(e, vendor="philips"), CHEST),
         "RescaleSlope", "2")), "PIX-014"),
    case("corners-undeclared", ct(repaint(lambda p: np.where(p < -990, -2000, p)))),
    case("corners-declared", ct(repaint(lambda p: np.where(p < -990, -2000, p), PixelPaddingValue=-2000))),
    case("blank-ends", ct(blank_ends)),
    case("negative-uptake", pt(repaint(lambda p: p - 200))),
    case("two-people", made(twice_the_person), "PIX-022", times=2),
]  # fmt: skip
