"""Puts grey images, marks and hatching on a dark ground, and encodes the result."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

GROUND = (17, 19, 24)
LOST = (255, 69, 58)
LOST_DARK = (96, 22, 22)
BEFORE = (64, 200, 255)
AFTER = (255, 196, 61)
OUTLINE = (170, 176, 190)
UNREADABLE = ((88, 94, 108), (40, 43, 51))
FAINT = (70, 75, 86)

MOST_WIDTH, MOST_HEIGHT = 900, 420
MARGIN = 12
_BORDER = 3
_MOST_BYTES = 60_000

Colour = tuple[int, int, int]
Picture = NDArray[np.uint8]
"""(height, width, 3), RGB."""


@dataclass(frozen=True)
class Rendered:
    """An encoded picture without any text in it; `mime` is ``image/webp``."""

    mime: str
    data: bytes
    width: int
    height: int


def colour(grey: NDArray[np.uint8]) -> Picture:
    """Return a grey image (height, width) as RGB."""
    return np.repeat(grey[..., None], 3, axis=2)


def hatch(picture: Picture, mask: NDArray[np.bool_], colours: tuple[Colour, Colour] = (LOST, LOST_DARK)) -> Picture:
    """Return `picture` with the pixels of `mask` hatched, in red where nothing was measured."""
    y, x = np.indices(mask.shape)
    stripes = (x + y) % 10 < 4  # noqa: PLR2004
    marked = picture.copy()
    marked[mask & stripes], marked[mask & ~stripes] = colours
    return marked


def frame(picture: Picture, edge: Colour, width: int = _BORDER) -> Picture:
    """Return `picture` in a border of one colour."""
    height, across = picture.shape[:2]
    framed = np.empty((height + 2 * width, across + 2 * width, 3), np.uint8)
    framed[:] = edge
    framed[width:-width, width:-width] = picture
    return framed


def pad(picture: Picture, left: int, top: int, right: int, bottom: int) -> Picture:
    """Return `picture` with ground around it."""
    height, width = picture.shape[:2]
    padded = np.empty((height + top + bottom, width + left + right, 3), np.uint8)
    padded[:] = GROUND
    padded[top : top + height, left : left + width] = picture
    return padded


def beside(pictures: Sequence[Picture]) -> Picture:
    """Put pictures side by side, centred, with a margin between them."""
    height = max(picture.shape[0] for picture in pictures)
    return _join([_to_height(picture, height) for picture in pictures], axis=1)


def above(pictures: Sequence[Picture]) -> Picture:
    """Put pictures one above the other, centred, with a margin between them."""
    width = max(picture.shape[1] for picture in pictures)
    wide = [_to_height(picture.transpose(1, 0, 2), width).transpose(1, 0, 2) for picture in pictures]
    return _join(wide, axis=0)


def _to_height(picture: Picture, height: int) -> Picture:
    spare = height - picture.shape[0]
    return pad(picture, 0, spare // 2, 0, spare - spare // 2)


def _join(pictures: Sequence[Picture], axis: int) -> Picture:
    parts: list[Picture] = []
    for picture in pictures:
        if parts:
            shape = (MARGIN, picture.shape[1], 3) if axis == 0 else (picture.shape[0], MARGIN, 3)
            parts.append(np.broadcast_to(np.array(GROUND, np.uint8), shape))
        parts.append(picture)
    return np.concatenate(parts, axis=axis)


def scaled(picture: Picture, width: int, height: int) -> Picture:
    """Return `picture` resized to `width` x `height` pixels."""
    from PIL import Image

    image = Image.fromarray(picture).resize((max(1, width), max(1, height)), Image.Resampling.LANCZOS)
    return np.asarray(image)


def lines(picture: Picture, points: Sequence[tuple[float, float]], edge: Colour, width: int = 2) -> Picture:
    """Return `picture` with a line through `points` (x, y)."""
    return _drawn(picture, lambda draw: draw.line(list(points), fill=edge, width=width))


def solid(picture: Picture, points: Sequence[tuple[float, float]], fill: Colour) -> Picture:
    """Return `picture` with a filled polygon of `points` (x, y)."""
    return _drawn(picture, lambda draw: draw.polygon(list(points), fill=fill))


def area(picture: Picture, points: Sequence[tuple[float, float]], fill: Colour, edge: Colour) -> Picture:
    """Return `picture` with a translucent polygon of `points` (x, y)."""
    shaded = _drawn(picture, lambda draw: draw.polygon(list(points), fill=fill, outline=edge, width=2))
    edged = _drawn(picture, lambda draw: draw.polygon(list(points), outline=edge, width=2))
    return ((shaded.astype(np.uint16) * 2 + edged.astype(np.uint16) * 3) // 5).astype(np.uint8)


def _drawn(picture: Picture, draw_on: Any) -> Picture:
    from PIL import Image, ImageDraw

    image = Image.fromarray(picture)
    draw_on(ImageDraw.Draw(image))
    return np.asarray(image)


def encode(picture: Picture) -> Rendered:
    """Encode a picture as WebP, small enough to travel in a report."""
    picture = pad(picture, MARGIN, MARGIN, MARGIN, MARGIN)
    rendered = _encoded(picture, 1.0)
    return rendered if len(rendered.data) <= _MOST_BYTES else _encoded(picture, 0.7)


def _encoded(picture: Picture, at_most: float) -> Rendered:
    from PIL import Image

    height, width = picture.shape[:2]
    shrink = min(1.0, MOST_WIDTH / width, MOST_HEIGHT / height) * at_most
    if shrink < 1:
        picture = scaled(picture, round(width * shrink), round(height * shrink))
    image = Image.fromarray(picture)
    for quality in (82, 70, 55, 40):
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=quality, method=4)
        if buffer.tell() <= _MOST_BYTES:
            break
    return Rendered("image/webp", buffer.getvalue(), image.width, image.height)
