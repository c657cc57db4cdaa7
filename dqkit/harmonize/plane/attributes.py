"""Attributes of a header, whatever a file holds there: a value of another kind counts as absent."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def texts(header: "Dataset", keyword: str) -> tuple[str, ...]:
    """Return the values of an attribute as text without blanks at their ends; none where it is absent."""
    try:
        value = header.get(keyword)
    except Exception:  # noqa: BLE001 - pydicom raises nearly anything where a value does not fit its VR
        return ()
    if value is None or value == "":
        return ()
    several = value if isinstance(value, list | tuple) or hasattr(value, "append") else [value]
    return tuple(str(one).strip() for one in several)


def text(header: "Dataset", keyword: str) -> str:
    """Return the first value of an attribute as text; empty where it is absent."""
    return next(iter(texts(header, keyword)), "")


def term(header: "Dataset", keyword: str) -> str:
    """Return an attribute as a defined term that may be shown: upper-case letters, digits and ``_``, else empty."""
    found = text(header, keyword).upper()
    return found if found.replace("_", "").replace(" ", "").isalnum() else ""


def numbers(header: "Dataset", keyword: str) -> tuple[float, ...]:
    """Return the values of an attribute as finite numbers; none where one of them is no number."""
    try:
        found = tuple(float(one) for one in texts(header, keyword))
    except ValueError:
        return ()
    return found if all(math.isfinite(number) for number in found) else ()


def items(header: "Dataset", keyword: str) -> "list[Dataset]":
    """Return the items of a sequence; none where it is absent."""
    try:
        value = header.get(keyword)
        return list(value) if value else []
    except Exception:  # noqa: BLE001
        return []
