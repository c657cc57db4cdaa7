"""Whether there is enough: patients, studies, series and images, by site and by class."""

from collections.abc import Iterable, Sequence

import polars as pl

from dqkit.audit.frames import frame_of
from dqkit.audit.recognise import recognised
from dqkit.catalog.schema import RECOGNISED, TEXT, empty
from dqkit.catalog.tables import Tables
from dqkit.gate.condition import Condition, one_finding
from dqkit.gate.dataset import DatasetTrace
from dqkit.gate.kinds import TOO_FEW, TOO_FEW_OF_A_CLASS
from dqkit.gate.policy import Counted, Minimum, Per
from dqkit.model import Level
from dqkit.rulebook.recogniser import Recognisers

_KEY = {Counted.PATIENTS: "patient_key", Counted.STUDIES: "study_key", Counted.SERIES: "series_key"}
_KEYS = ["site", "patient_key", "study_key", "series_key"]
_NO_ROLES = {"series_key": TEXT, **RECOGNISED}


def minimum_conditions(
    minimums: Sequence[Minimum],
    tables: Tables,
    sites: frozenset[str],
    dataset: DatasetTrace | None,
    recognisers: Recognisers | None = None,
) -> list[Condition]:
    """Return, for each minimum and each site or class that it speaks of, whether there is enough.

    With a dataset, what it holds is counted; else every series of images that was judged.

    Parameters
    ----------
    sites
        Those that are there.

    Raises
    ------
    DqkitError
        A minimum asks for classes, and no dataset names any.
    """
    if not minimums:
        return []
    _check_classes(minimums, dataset)
    series = _series(minimums, tables, recognisers)
    return [one for minimum in minimums for one in _conditions(minimum, _counted(minimum, series, dataset), sites)]


_MOST_CLASSES = 200
"""A column with more distinct values names no classes, but patients or files."""


def _check_classes(minimums: Sequence[Minimum], dataset: DatasetTrace | None) -> None:
    for minimum in minimums:
        if not minimum.per.needs_classes:
            continue
        if dataset is None:
            raise minimum.mark.error("a minimum counts classes, which a dataset names", "name it with --dataset FILE")
        if dataset.rows.height and not dataset.rows["label"].count():
            raise minimum.mark.error(
                "a minimum counts classes, and no file of the dataset has one",
                "name its column in the policy: dataset: {label: diagnosis}",
            )
        if (distinct := dataset.rows["label"].n_unique()) > _MOST_CLASSES:
            raise minimum.mark.error(
                f"the label column of the dataset has {distinct} distinct values, which are no classes",
                "name another column in the policy: dataset: {label: diagnosis}",
            )


def _series(minimums: Sequence[Minimum], tables: Tables, recognisers: Recognisers | None) -> pl.DataFrame:
    """Return every series of images, with a column a minimum that says whether it is inside its scope."""
    reads_roles = any(column in RECOGNISED for minimum in minimums for column in minimum.scope.columns)
    frame = frame_of(Level.SERIES, tables, recognised(tables, recognisers) if reads_roles else empty(_NO_ROLES))
    inside = [one.scope.compile().fill_null(value=False).alias(one.name) for one in minimums]
    return frame.filter(pl.col("is_image")).select(*_KEYS, "n_instances", *inside).collect()


def _counted(minimum: Minimum, series: pl.DataFrame, dataset: DatasetTrace | None) -> pl.DataFrame:
    """Return what a minimum counts as site, label, key; images that only their number is known of as `weight`."""
    inside = series.filter(pl.col(minimum.name))
    if dataset is not None:
        rows = dataset.rows.join(inside.select("series_key"), on="series_key", how="semi")
        key = _KEY.get(minimum.counted, "file_id")
        return rows.select("site", "label", pl.col(key).alias("key")).unique().with_columns(weight=1)
    key = _KEY.get(minimum.counted, "series_key")
    weight = pl.col("n_instances") if minimum.counted is Counted.IMAGES else pl.lit(1)
    label = pl.lit(None, dtype=TEXT).alias("label")
    return inside.select("site", label, pl.col(key).alias("key"), weight.alias("weight")).unique()


def _conditions(minimum: Minimum, counted: pl.DataFrame, sites: frozenset[str]) -> Iterable[Condition]:
    places: list[str | None] = [None]
    if minimum.per in {Per.SITE, Per.SITE_AND_CLASS}:
        places = [*(minimum.sites or sorted(sites))]
    classes: list[str | None] = [None]
    if minimum.per.needs_classes:
        classes = [*(minimum.classes or sorted(counted["label"].drop_nulls().unique()))]
    for site in places:
        for label in classes:
            yield _condition(minimum, counted, site, label)


def _condition(minimum: Minimum, counted: pl.DataFrame, site: str | None, label: str | None) -> Condition:
    rows = counted.drop_nulls("key")
    rows = rows if site is None else rows.filter(pl.col("site") == site)
    rows = rows if label is None else rows.filter(pl.col("label") == label)
    found = int(rows.unique(["site", "key"])["weight"].sum())
    enough = found >= minimum.number
    finding = one_finding(f"{found} {_word(minimum.counted, found)}", f"at least {minimum.number}", label or "")
    return Condition(
        TOO_FEW if label is None else TOO_FEW_OF_A_CLASS,
        minimum.severity,
        site,
        minimum.name if label is None else f"{minimum.name}: {label}",
        failed=0 if enough else 1,
        findings=finding.clear() if enough else finding,
    )


def _word(counted: Counted, number: int) -> str:
    one = {Counted.PATIENTS: "patient", Counted.STUDIES: "study", Counted.SERIES: "series", Counted.IMAGES: "image"}
    return one[counted] if number == 1 else counted.value
