"""Tables that rules refer to (rules/vocabulary/*.yaml): SOP classes, transfer syntaxes, terms of the standard.

A table maps a key (a UID, a term) to its properties; rule text names tables and never holds code.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import yaml

from dqkit.shipped import shipped

Table = Mapping[str, Mapping[str, Any]]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def table_names() -> tuple[str, ...]:
    """Return the names of all tables."""
    return tuple(sorted(path.stem for path in (shipped("rules") / "vocabulary").glob("*.yaml")))


@cache
def load_table(name: str) -> Table:
    """Return the table called `name`: key -> properties."""
    text = (shipped("rules") / "vocabulary" / f"{name}.yaml").read_text(encoding="utf-8")
    rows: dict[str, dict[str, Any]] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
    return MappingProxyType({str(key): MappingProxyType(dict(properties or {})) for key, properties in rows.items()})


def keys_where(name: str, **wanted: Any) -> tuple[str, ...]:
    """Return the keys of a table whose properties are as `wanted` (``lossy="always"``), sorted."""
    return tuple(
        sorted(
            key
            for key, properties in load_table(name).items()
            if all(properties.get(prop) == value for prop, value in wanted.items())
        )
    )


def image_sop_classes() -> tuple[str, ...]:
    """Return the UIDs of the SOP classes that store images a person reads (PS3.4 B.5).

    Segmentations, parametric maps, RT Dose, presentation states and the like hold pixels and are none: rules about
    images do not speak of them.
    """
    return keys_where("sop-classes", image=True)


def image_modalities() -> tuple[str, ...]:
    """Return the values of Modality that SOP classes of images have, sorted."""
    rows = load_table("sop-classes").values()
    return tuple(sorted({name for row in rows if row.get("image") for name in row.get("modalities", ())}))
