"""Files that share a SOPInstanceUID: the same bytes, the same object in another encoding, or other content.

An object keeps its UID when it is written in another lossless transfer syntax (PS3.5 10 and Annex A); lossy
compression and any edit of its attributes make it another object (PS3.3 C.7.6.1.1.5, C.12.1). Without decoding,
"the same object" means: every attribute of the catalog is the same.
"""

import polars as pl

from dqkit.catalog.schema import ATTRIBUTES
from dqkit.catalog.tables import Tables
from dqkit.model import FileStatus
from dqkit.rulebook.vocabulary import keys_where

FILES_COLUMNS = ("files_same", "files_recoded", "files_different")

_ENCODING = ("TransferSyntaxUID", "has_preamble", "has_file_meta")
_MAY_CHANGE = ("PhotometricInterpretation", "PlanarConfiguration")
"""Attributes that a lossless change of the transfer syntax may change."""

_REVERSIBLE = {"YBR_RCT": "RGB"}
"""JPEG 2000's reversible colour transform (PS3.3 C.7.6.3.1.2), which decoding undoes exactly."""

_ONE_UID = ("SOPInstanceUID", "whole")


def copies_of(tables: Tables) -> pl.LazyFrame:
    """Return file_id, n_copies and FILES_COLUMNS of the files that share their SOPInstanceUID with others.

    A truncated file is no other content: that it is cut is the matter of another rule.

    Which UIDs those are is looked up at once, so that the attributes of all other files need not be held.
    """
    uid = pl.col("SOPInstanceUID")
    named = tables.scan("instances").filter((pl.col("status") == FileStatus.DICOM) & uid.is_not_null())
    repeated = named.group_by(uid).len().filter(pl.col("len") > 1).select(uid).collect()["SOPInstanceUID"]
    shared = (
        named.filter(uid.is_in(repeated.implode()))
        .with_columns((pl.len().over(uid).cast(pl.Int64) - 1).alias("n_copies"))
        .select("file_id", "site", uid, "n_copies", _is_whole(), _content(), _object(), _encoding())
    )
    same, like = _number(*_ONE_UID, "content"), _number(*_ONE_UID, "object")
    recoded = like - _number(*_ONE_UID, "object", "encoding")
    counted = shared.with_columns(
        (same > 1).alias("is_same"),
        (recoded > 0).alias("is_recoded"),
        (_number(*_ONE_UID) - same - recoded > 0).alias("is_different"),
    )
    return counted.select(
        "file_id",
        "n_copies",
        _named("files_same", "is_same", *_ONE_UID, "content"),
        _named("files_recoded", "is_recoded", *_ONE_UID),
        _named("files_different", "is_different", *_ONE_UID),
    )


def _is_whole() -> pl.Expr:
    cut = pl.col("pixel_data_present_bytes") < pl.col("pixel_data_bytes")
    unfinished = ~pl.col("pixel_data_terminated")
    return (~pl.any_horizontal(pl.col("header_truncated"), cut, unfinished).fill_null(value=False)).alias("whole")


def _content() -> pl.Expr:
    # Files of one study are hashed when they are indexed; one without a hash is its own content.
    return pl.coalesce("content_sha256", "file_id").alias("content")


def _object() -> pl.Expr:
    """Hash what makes the object, whatever its encoding; a lossy encoding is an object of its own."""
    lossy = pl.col("TransferSyntaxUID").is_in(keys_where("transfer-syntaxes", lossy="always"))
    parts = [pl.col(name).hash().alias(name) for name in ATTRIBUTES if name not in _MAY_CHANGE]
    photometric = pl.col("PhotometricInterpretation").replace(_REVERSIBLE).alias("photometric")
    return (
        pl.struct(*parts, photometric, pl.when(lossy).then("TransferSyntaxUID").alias("lossy")).hash().alias("object")
    )


def _encoding() -> pl.Expr:
    return pl.struct(_ENCODING).hash().alias("encoding")


def _number(*by: str) -> pl.Expr:
    return pl.len().over(*by).cast(pl.Int64)


def _named(name: str, flag: str, *by: str) -> pl.Expr:
    """List the files of a group at the first of each site, so that one cause is one finding there."""
    first = pl.col("file_id") == pl.col("file_id").min().over("site", *by)
    files = pl.col("file_id").sort().over(*by, mapping_strategy="join")
    return pl.when(pl.col("whole") & first & pl.col(flag).any().over(*by)).then(files).alias(name)
