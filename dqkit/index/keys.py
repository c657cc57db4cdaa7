"""Fills the keys of patients, studies and series, and the hash that tells copies from clashes."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from dqkit import identity
from dqkit.archive.checksum import checksum_of
from dqkit.archive.paths import unescape
from dqkit.model import FileStatus

_KEYED = ["site", "StudyInstanceUID", "SeriesInstanceUID", "folder", "IssuerOfPatientID", "PatientID"]


def with_keys(instances: pl.DataFrame) -> pl.DataFrame:
    """Fill `patient_key`, `study_key` and `series_key` of all DICOM rows; they are null elsewhere."""
    # Without both UIDs the folder stands for the series; with them it would only multiply the combinations.
    has_uids = pl.col("StudyInstanceUID").is_not_null() & pl.col("SeriesInstanceUID").is_not_null()
    parts = instances.select(
        *(pl.col(name) for name in _KEYED if name != "folder"),
        pl.when(has_uids).then(pl.lit("")).otherwise(pl.col("folder")).alias("folder"),
        (pl.col("status") == FileStatus.DICOM).alias("keyed"),
    )
    combinations = parts.filter("keyed").unique()
    rows = combinations.select(_KEYED).iter_rows()
    keys = pl.DataFrame(
        [
            (
                identity.patient_key(site, issuer, patient),
                identity.study_key(site, study, folder),
                identity.series_key(site, study, series, folder),
            )
            for site, study, series, folder, issuer, patient in rows
        ],
        schema={"patient_key": pl.String, "study_key": pl.String, "series_key": pl.String},
        orient="row",
    )
    joined = parts.join(
        pl.concat([combinations, keys], how="horizontal"), on=[*_KEYED, "keyed"], how="left", nulls_equal=True,
        maintain_order="left",
    )  # fmt: skip
    return instances.with_columns(joined[name] for name in keys.columns)


def with_content_hashes(instances: pl.DataFrame, root_of: Callable[[str], bytes | None]) -> pl.DataFrame:
    """Fill `content_sha256` of files that share their SOPInstanceUID with another file of the frame.

    Files of one SOPInstanceUID in different studies need no hash: they differ in the study they name.

    Parameters
    ----------
    instances
        All rows of one or more buckets, so that copies within a study are together.
    root_of
        Root of a source by its id; None where it is offline.
    """
    shared = pl.col("SOPInstanceUID").is_not_null() & (pl.len().over("SOPInstanceUID") > 1)
    # A file whose copy went keeps no hash, so that a catalog does not tell how it came about.
    instances = instances.with_columns(pl.when(shared).then("content_sha256").alias("content_sha256"))
    wanting = instances.filter(shared & pl.col("content_sha256").is_null()).select("file_id", "source_id", "path")
    if wanting.is_empty():
        return instances
    with ThreadPoolExecutor() as pool:  # hashlib and reads release the GIL
        hashes = list(
            pool.map(lambda row: _sha256(root_of(row[0]), row[1]), wanting.select("source_id", "path").iter_rows())
        )
    found = wanting.select("file_id", pl.Series("found", hashes, dtype=pl.String))
    return (
        instances.join(found, on="file_id", how="left", maintain_order="left")
        .with_columns(pl.coalesce("content_sha256", "found").alias("content_sha256"))
        .drop("found")
    )


def _sha256(root: bytes | None, path: str) -> str | None:
    if root is None:
        return None
    return checksum_of(os.path.join(root, unescape(path))).sha256 or None  # noqa: PTH118 - gone: the next run sees it
