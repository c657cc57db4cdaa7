"""Compares what a hospital says it sent with what the catalog holds: missing, partial, extra and changed studies."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from dqkit import identity
from dqkit.catalog.schema import DATE, INT, TEXT, TEXTS, Schema, conform, empty
from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError, ExitCode
from dqkit.steward.expected import ExpectedList

COMPLETE, PARTIAL, MISSING, EXTRA, UNMATCHED = "complete", "partial", "missing", "extra", "unmatched"
STATUSES = (COMPLETE, PARTIAL, MISSING, EXTRA, UNMATCHED)

CHANGES = ("patient", "date", "modality", "uid")
"""What can be another in the catalog than in the list."""

STUDIES: Schema = {
    "site": TEXT,  # null = nobody told, and nothing of the study is there
    "status": TEXT,
    "changed": TEXTS,
    "StudyInstanceUID": TEXT,
    "AccessionNumber": TEXT,
    "expected_PatientID": TEXT,
    "found_PatientID": TEXTS,
    "expected_date": DATE,
    "found_dates": pl.List(pl.Date()),
    "expected_modalities": TEXTS,
    "found_modalities": TEXTS,
    "expected_series": INT,
    "found_series": INT,
    "expected_instances": INT,
    "found_instances": INT,
    "missing_series": INT,
    "missing_instances": INT,  # null = the list does not say how many there should be
    "more_instances": INT,  # beyond what is expected
    "row": INT,  # first row of the list that names it
    "rows": INT,  # how many do
    "study_key": TEXT,  # of the catalog; of a missing study what it would be
}
"""A study of the list or of the catalog: in-house."""

BY_SITE: Schema = {
    "site": TEXT, "expected": INT, **dict.fromkeys(STATUSES, INT), "changed": INT, "missing_series": INT,
    "missing_instances": INT,
}  # fmt: skip


@dataclass(frozen=True)
class Reconciled:
    """What a comparison found.

    Attributes
    ----------
    studies
        STUDIES.
    by_site
        BY_SITE; `expected` counts studies of the list.
    rows, repeated, contradicting
        Of the list: rows, those beyond the first of a study (or series), and studies whose rows give several numbers.
    outside
        Studies of the catalog before or after the dates of the list, which are not extra.
    unlisted
        Sites of the catalog of which the list says nothing.
    respelt
        Studies whose PatientID differs in case, zeros in front or punctuation alone.
    offline
        Sources that were judged as they were last seen.
    """

    studies: pl.DataFrame
    by_site: pl.DataFrame
    rows: int
    repeated: int
    contradicting: int
    outside: int
    unlisted: tuple[str, ...]
    respelt: int
    offline: tuple[str, ...]
    listed: ExpectedList

    @property
    def exit_code(self) -> ExitCode:
        """1 where something is missing or partial, 3 where rows cannot be matched, else 0."""
        status = self.studies["status"]
        if status.is_in([MISSING, PARTIAL]).any():
            return ExitCode.FAILED
        return ExitCode.INCOMPLETE if (status == UNMATCHED).any() else ExitCode.OK


def reconcile(tables: Tables, listed: ExpectedList, site: str = "") -> Reconciled:
    """Compare the studies of `tables` with those that `listed` expects.

    A study is found by its StudyInstanceUID, else by AccessionNumber (its UID then is another); within its site where
    the list names that.

    Parameters
    ----------
    site
        The one hospital of all rows; empty = as the list says, else where a study is found.

    Raises
    ------
    DqkitError
        There is no such site.
    """
    held = _held(tables)
    sites = sorted({str(name) for name in held["site"].drop_nulls()})
    if site and site not in sites:
        raise DqkitError(f"there is no site {site!r} in this catalog", f"there are: {', '.join(sites) or 'none'}")
    rows = _of_one_site(listed.rows, sites)
    wanted = _wanted(rows, listed)
    matches = _matches(wanted, held, listed)
    found = _compared(wanted, matches, held)
    series = _series_compared(rows, matches, tables) if rows["SeriesInstanceUID"].null_count() < rows.height else None
    found = _with_numbers(found, series)
    found = _with_sites(found, held)
    extra, outside, unlisted = _extra(held, matches, found, rows)
    studies = pl.concat([conform(found, STUDIES), extra]).sort("site", "status", "row", "study_key", nulls_last=True)
    per = wanted.filter(~pl.col("unmatched"))
    return Reconciled(
        studies=studies,
        by_site=_by_site(studies),
        rows=rows.height,
        repeated=_repeated(rows),
        contradicting=int(per["contradicts"].sum()),
        outside=outside,
        unlisted=() if site else unlisted,
        respelt=int(found["respelt"].sum()),
        offline=tuple(tables.scan("sources").filter(state="offline").select("name").collect()["name"]),
        listed=listed,
    )


def _held(tables: Tables) -> pl.DataFrame:
    """Return the studies of the catalog."""
    distinct = [
        pl.col(name).drop_nulls().unique().sort() for name in ("PatientID", "study_date", "Modality", "AccessionNumber")
    ]
    series = tables.scan("series").filter(pl.col("study_key").is_not_null())
    grouped = series.group_by("study_key").agg(
        pl.col("site").first(), pl.col("StudyInstanceUID").first(), *distinct,
        pl.len().cast(INT).alias("found_series"), pl.col("n_instances").sum().alias("found_instances"),
    )  # fmt: skip
    return grouped.sort("study_key").collect()


def _of_one_site(rows: pl.DataFrame, sites: Sequence[str]) -> pl.DataFrame:
    """Take the institution for the site where the catalog has a site of that name."""
    named = pl.when(pl.col("institution").is_in(sites)).then("institution")
    return rows.with_columns(pl.coalesce("site", named).alias("site"))


def _wanted(rows: pl.DataFrame, listed: ExpectedList) -> pl.DataFrame:
    """Return a row a study of the list; what names no study, or names it in damaged numbers, stands for itself."""
    uid = pl.col("StudyInstanceUID")
    accession = pl.when(~pl.col("damaged")).then(pl.col("AccessionNumber"))
    key = pl.coalesce(pl.lit("uid ") + uid, pl.lit("accession ") + accession)
    keyed = rows.with_columns(
        key.is_null().alias("unmatched"),
        pl.coalesce(key, pl.lit("row ") + pl.col("row").cast(pl.String)).alias("key"),
        pl.col("site").fill_null("").alias("of site"),
    )
    whole = listed.level not in ("series", "instance")
    counts = pl.max_horizontal("study_instances", "n_instances") if whole else pl.col("study_instances")
    grouped = keyed.group_by("key", "of site", maintain_order=True).agg(
        pl.col("unmatched").first(),
        pl.col("site", "institution").drop_nulls().first(),
        uid.drop_nulls().first(),
        accession.drop_nulls().first().alias("AccessionNumber"),
        pl.col("PatientID").drop_nulls().first().alias("expected_PatientID"),
        pl.col("PatientID").drop_nulls().n_unique().alias("patients"),
        pl.col("study_date").drop_nulls().first().alias("expected_date"),
        pl.col("modalities").explode().drop_nulls().unique().sort().alias("expected_modalities"),
        pl.col("study_series").max().alias("expected_series"),
        counts.max().alias("expected_instances"),
        pl.max_horizontal(counts.drop_nulls().n_unique(), pl.col("study_series").drop_nulls().n_unique()).alias(
            "numbers"
        ),
        pl.col("row").min(),
        pl.len().cast(INT).alias("rows"),
    )
    return grouped.with_columns(((pl.col("numbers") > 1) | (pl.col("patients") > 1)).alias("contradicts"))


def _repeated(rows: pl.DataFrame) -> int:
    """Count the rows beyond the first of what they stand for."""
    named = rows.filter(pl.col("StudyInstanceUID").is_not_null() | pl.col("AccessionNumber").is_not_null())
    what = ["site", "StudyInstanceUID", "AccessionNumber", "SeriesInstanceUID", "SOPInstanceUID"]
    return named.height - named.select(what).unique().height


def _matches(wanted: pl.DataFrame, held: pl.DataFrame, listed: ExpectedList) -> pl.DataFrame:
    """Return key, of site, study_key: what of the catalog each study of the list is."""
    known = wanted.filter(~pl.col("unmatched"))
    place = pl.col("site").alias("held at")
    studies = held.select("study_key", place, "StudyInstanceUID").drop_nulls("StudyInstanceUID")
    accessions = held.select("study_key", place, "AccessionNumber").explode("AccessionNumber")
    at_home = (pl.col("of site") == "") | (pl.col("of site") == pl.col("held at"))
    by_uid = known.join(studies, on="StudyInstanceUID").filter(at_home)
    by_accession = known.join(by_uid, on=["key", "of site"], how="anti")
    parts = [by_uid, by_accession.join(accessions.drop_nulls("AccessionNumber"), on="AccessionNumber")]
    if "AccessionNumber" in listed.zeros_lost:
        parts.append(_without_zeros(by_accession, accessions, parts[1]))
    found = pl.concat([part.filter(at_home).select("key", "of site", "study_key") for part in parts])
    return found.unique(maintain_order=True)


def _without_zeros(wanted: pl.DataFrame, accessions: pl.DataFrame, exact: pl.DataFrame) -> pl.DataFrame:
    """Match numbers whose zeros in front a spreadsheet lost, where they can be one study alone."""
    bare = pl.col("AccessionNumber").str.strip_chars_start("0").alias("bare")
    left = wanted.join(exact, on=["key", "of site"], how="anti").with_columns(bare)
    there = accessions.drop_nulls("AccessionNumber").with_columns(bare)
    alone = there.filter(pl.col("AccessionNumber").n_unique().over("bare") == 1).drop("AccessionNumber")
    return left.join(alone, on="bare")


def _compared(wanted: pl.DataFrame, matches: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Put what the catalog holds beside what is expected, and say what is another."""
    every = [pl.col(name).explode().drop_nulls().unique().sort() for name in ("PatientID", "study_date", "Modality")]
    sums = matches.join(held, on="study_key").group_by("key", "of site").agg(
        pl.col("site").first().alias("held at"),
        pl.col("study_key").sort().first(),
        pl.col("StudyInstanceUID").first().alias("held uid"),
        *every,
        pl.col("found_series", "found_instances").sum(),
        pl.lit(value=True).first().alias("is there"),
    )  # fmt: skip
    both = wanted.join(sums, on=["key", "of site"], how="left", maintain_order="left")
    fold = pl.element().str.to_lowercase().str.replace_all(r"[^0-9\p{L}]", "").str.strip_chars_start("0")
    folded = pl.concat_list("expected_PatientID").list.eval(fold).list.first()
    same_patient = pl.col("PatientID").list.contains(pl.col("expected_PatientID"))
    alike = pl.col("PatientID").list.eval(fold).list.contains(folded)
    other_date = ~pl.col("study_date").list.contains(pl.col("expected_date"))
    modalities = pl.col("Modality").list.set_intersection("expected_modalities").list.len()
    other_modality = (modalities == 0) & (pl.col("expected_modalities").list.len() > 0)
    is_there = pl.col("is there").fill_null(value=False)
    changed = [
        pl.when(is_there & test.fill_null(value=False) & there).then(pl.lit(name))
        for name, test, there in (
            ("patient", ~same_patient & ~alike, pl.col("expected_PatientID").is_not_null()),
            ("date", other_date & pl.col("expected_date").is_not_null(), pl.col("study_date").list.len() > 0),
            ("modality", other_modality, pl.col("Modality").list.len() > 0),
            ("uid", pl.col("StudyInstanceUID") != pl.col("held uid"), pl.col("StudyInstanceUID").is_not_null()),
        )
    ]
    return both.with_columns(
        is_there.alias("is there"),
        (is_there & ~same_patient & alike).fill_null(value=False).alias("respelt"),
        pl.concat_list(changed).list.drop_nulls().alias("changed"),
        pl.coalesce("StudyInstanceUID", "held uid").alias("StudyInstanceUID"),
    ).rename({"PatientID": "found_PatientID", "study_date": "found_dates", "Modality": "found_modalities"})


def _series_compared(rows: pl.DataFrame, matches: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Compare the series that the list names: key, of site, how many of them, instances, and what is missing."""
    uid = pl.col("StudyInstanceUID")
    key = pl.coalesce(pl.lit("uid ") + uid, pl.lit("accession ") + pl.col("AccessionNumber")).alias("key")
    named = rows.filter(pl.col("SeriesInstanceUID").is_not_null()).with_columns(
        key, pl.col("site").fill_null("").alias("of site")
    )
    by_instance = pl.col("SOPInstanceUID").drop_nulls().n_unique().cast(INT)
    number = pl.when(by_instance > 0).then(by_instance).otherwise(pl.col("n_instances").max())
    wanted = named.drop_nulls("key").group_by("key", "of site", "SeriesInstanceUID").agg(number.alias("wanted"))
    series = (
        tables.scan("series").select("study_key", "SeriesInstanceUID", "n_instances").drop_nulls("SeriesInstanceUID")
    )
    there = matches.lazy().join(series, on="study_key").group_by("key", "of site", "SeriesInstanceUID")
    held = there.agg(pl.col("n_instances").max().alias("held"), pl.len().alias("copies")).collect()
    both = wanted.join(held, on=["key", "of site", "SeriesInstanceUID"], how="left")
    lacks = (pl.col("wanted") - pl.col("held").fill_null(0)).clip(lower_bound=0)
    return both.group_by("key", "of site").agg(
        pl.len().cast(INT).alias("named_series"),
        pl.when(pl.col("wanted").null_count() == 0).then(pl.col("wanted").sum()).alias("named_instances"),
        pl.col("copies").null_count().cast(INT).alias("series_not_there"),
        lacks.sum().alias("instances_not_there"),
    )


def _with_numbers(found: pl.DataFrame, series: pl.DataFrame | None) -> pl.DataFrame:
    """Count what is missing of each study, and say its status."""
    blank = {"named_series": INT, "named_instances": INT, "series_not_there": INT, "instances_not_there": INT}
    if series is None:
        both = found.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in blank.items())
    else:
        both = found.join(series, on=["key", "of site"], how="left", maintain_order="left")
    expected_series = pl.max_horizontal("expected_series", "named_series")
    expected = pl.max_horizontal("expected_instances", "named_instances")
    there = pl.col("is there")
    has_series, has = (pl.col(name).fill_null(0) for name in ("found_series", "found_instances"))
    fewer_series = (expected_series - has_series).clip(lower_bound=0)
    fewer = (expected - has).clip(lower_bound=0)
    both = both.with_columns(
        expected_series.alias("expected_series"),
        expected.alias("expected_instances"),
        pl.max_horizontal(fewer_series, "series_not_there").alias("missing_series"),
        pl.max_horizontal(fewer, pl.when(pl.col("named_instances").is_not_null()).then("instances_not_there")).alias(
            "missing_instances"
        ),
        pl.when(there).then((has - expected).clip(lower_bound=0)).alias("more_instances"),
    )
    is_partial = (pl.col("missing_series").fill_null(0) > 0) | (pl.col("missing_instances").fill_null(0) > 0)
    status = (
        pl.when("unmatched").then(pl.lit(UNMATCHED)).when(~there).then(pl.lit(MISSING))
        .when(is_partial).then(pl.lit(PARTIAL)).otherwise(pl.lit(COMPLETE))
    )  # fmt: skip
    return both.with_columns(status.alias("status"))


def _with_sites(found: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Give each study its site: as told, where it is, where its institution or patient is, or the only one there is."""
    usual = found.drop_nulls(["institution", "held at"]).group_by("institution")
    by_institution = usual.agg(pl.col("held at").mode().sort().first().alias("by institution"))
    people = held.explode("PatientID").drop_nulls("PatientID").group_by("PatientID")
    by_patient = people.agg(
        pl.when(pl.col("site").n_unique() == 1).then(pl.col("site").first()).first().alias("by patient")
    ).rename({"PatientID": "expected_PatientID"})
    joined = found.join(by_institution, on="institution", how="left", maintain_order="left")
    joined = joined.join(by_patient, on="expected_PatientID", how="left", maintain_order="left")
    matched = found["held at"].drop_nulls().unique()
    only = pl.lit(matched[0] if len(matched) == 1 else None, dtype=pl.String)
    site = pl.coalesce("site", "held at", "by institution", "by patient", only)
    placed = joined.with_columns(site.alias("site"))
    keys = [
        key or identity.study_key(place or "", uid, f"accession {accession or row}")
        for key, place, uid, accession, row in placed.select(
            "study_key", "site", "StudyInstanceUID", "AccessionNumber", "row"
        ).iter_rows()
    ]
    return placed.with_columns(pl.Series("study_key", keys, dtype=pl.String))


def _extra(
    held: pl.DataFrame, matches: pl.DataFrame, found: pl.DataFrame, rows: pl.DataFrame
) -> tuple[pl.DataFrame, int, tuple[str, ...]]:
    """Return studies of the catalog that the list lacks, of its sites and dates; and what lies beyond both."""
    listed = found["site"].drop_nulls().unique()
    here = held.filter(pl.col("site").is_in(listed.implode()))
    left = here.join(matches, on="study_key", how="anti")
    period = rows.select(pl.col("study_date").min().alias("first"), pl.col("study_date").max().alias("last")).row(0)
    if rows["study_date"].null_count() == 0 and rows.height:
        inside = pl.col("study_date").list.eval(pl.element().is_between(*period)).list.any()
        within = left.filter(inside | (pl.col("study_date").list.len() == 0))
    else:
        within = left
    extra = within.select(
        "site",
        pl.lit(EXTRA).alias("status"),
        pl.lit([], dtype=TEXTS).alias("changed"),
        "StudyInstanceUID",
        pl.col("AccessionNumber").list.first(),
        pl.col("PatientID").alias("found_PatientID"),
        pl.col("study_date").alias("found_dates"),
        pl.col("Modality").alias("found_modalities"),
        "found_series",
        "found_instances",
        "study_key",
    )
    unlisted = sorted({str(name) for name in held["site"].drop_nulls()} - set(listed))
    return conform(extra, STUDIES), left.height - within.height, tuple(unlisted)


def _by_site(studies: pl.DataFrame) -> pl.DataFrame:
    if studies.is_empty():
        return empty(BY_SITE)
    counted = studies.group_by("site").agg(
        (pl.col("status") != EXTRA).sum().cast(INT).alias("expected"),
        *((pl.col("status") == status).sum().cast(INT).alias(status) for status in STATUSES),
        (pl.col("changed").list.len() > 0).sum().cast(INT).alias("changed"),
        pl.col("missing_series", "missing_instances").sum(),
    )
    return counted.sort("site", nulls_last=True).select(list(BY_SITE))
