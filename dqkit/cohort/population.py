"""Everything that a policy chooses from: the series of a catalog, and what conditions read of every level."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from dqkit.audit.frames import KEY, frame_of
from dqkit.catalog.cohort import telling_of
from dqkit.catalog.tables import Tables
from dqkit.cohort.last_audit import LastAudit
from dqkit.model import Level

SERIES_COLUMNS = (
    "series_key", "study_key", "patient_key", "site", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "is_image",
    "role", "n_instances", "n_frames", "n_slices",
)  # fmt: skip


@dataclass(frozen=True)
class Population:
    """What there is to choose from.

    Attributes
    ----------
    series
        SERIES_COLUMNS and what tells that a series changed, a row a series, sorted by site and key.
    frames
        Level -> its key and the columns that conditions read, a row an entity.
    last_audit
        What the last audit found; None where the policy does not ask.
    """

    series: pl.DataFrame
    frames: Mapping[Level, pl.DataFrame]
    last_audit: LastAudit | None = None

    def of(self, level: Level, alive: pl.DataFrame) -> pl.DataFrame:
        """Return the frame of `level` for the entities that series of `alive` belong to."""
        return self.frames[level].join(alive, on=KEY[level], how="semi")


def population_of(tables: Tables, roles: pl.DataFrame, columns: Mapping[Level, Iterable[str]]) -> Population:
    """Return what there is to choose from.

    Parameters
    ----------
    roles
        What `audit.recognise.recognised` says of every series.
    columns
        Level -> the columns that conditions read there.
    """
    telling = telling_of(tables)
    series = frame_of(Level.SERIES, tables, roles).select(SERIES_COLUMNS).join(telling, on="series_key", how="left")
    frames = [
        frame_of(level, tables, roles).select(list(dict.fromkeys((KEY[level], *_varying(level), *names))))
        for level, names in columns.items()
    ]
    collected = pl.collect_all([series.sort("site", "study_key", "series_key", nulls_last=True), *frames])
    return Population(collected[0], dict(zip(columns, collected[1:], strict=True)))


def _varying(level: Level) -> tuple[str, ...]:
    return ("varying",) if level is Level.SERIES else ()
