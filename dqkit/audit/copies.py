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

COPY_COLUMNS = (
    "copies_same", "copies_recoded", "copies_different", "files_same", "files_recoded", "files_different",
)  # fmt: skip

_ENCODING = ("TransferSyntaxUID", "has_preamble", "has_file_meta")
_MAY_CHANGE = ("PhotometricInterpretation", "PlanarConfiguration")
"""Attributes that a lossless change of the transfer syntax may change."""

_REVERSIBLE = {"YBR_RCT": "RGB"}
"""JPEG 2000's reversible colour transform (PS3.3 C.7.6.3.1.2), which decoding undoes exactly."""


def copies_of(tables: Tables) -> pl.LazyFrame:
    """Return file_id and COPY_COLUMNS of the whole files that share their SOPInstanceUID with others.

    A truncated file is no other content: that it is cut is the matter of another rule.
    """
    uid = pl.col("SOPInstanceUID")
    shared = (
        tables.scan("instances")
        .filter((pl.col("status") == FileStatus.DICOM) & uid.is_not_null() & (pl.len().over(uid) > 1))
        .filter(_is_whole())
        .select("file_id", "site", uid, _content(), _object(), _encoding())
    )
    counted = shared.with_columns(_count("uid", uid), _count("same", uid, "content"), _count("object", uid, "object"))
    counted = counted.with_columns(
        (_count("encoded", uid, "object", "encoding")), (pl.col("n_same") - 1).alias("copies_same")
    )
    counted = counted.with_columns((pl.col("n_object") - pl.col("n_encoded")).alias("copies_recoded"))
    counted = counted.with_columns(
        (pl.col("n_uid") - pl.col("n_same") - pl.col("copies_recoded")).alias("copies_different")
    )
    return counted.with_columns(
        _named("files_same", "copies_same", uid, "content"),
        _named("files_recoded", "copies_recoded", uid),
        _named("files_different", "copies_different", uid),
    ).select("file_id", *COPY_COLUMNS)


def _is_whole() -> pl.Expr:
    cut = pl.col("pixel_data_present_bytes") < pl.col("pixel_data_bytes")
    return ~pl.col("header_truncated").fill_null(value=False) & ~cut.fill_null(value=False)


def _content() -> pl.Expr:
    # Files of one study are hashed when they are indexed; one without a hash is its own content.
    return pl.coalesce("content_sha256", "file_id").alias("content")


def _object() -> pl.Expr:
    """Hash what makes the object, whatever its encoding; a lossy encoding is an object of its own."""
    lossy = pl.col("TransferSyntaxUID").is_in(keys_where("transfer-syntaxes", lossy="always"))
    parts = [pl.col(name).hash().alias(name) for name in ATTRIBUTES if name not in _MAY_CHANGE]
    photometric = pl.col("PhotometricInterpretation").replace(_REVERSIBLE).alias("photometric")
    return pl.struct(*parts, photometric, pl.when(lossy).then("TransferSyntaxUID").alias("lossy")).hash().alias("object")


def _encoding() -> pl.Expr:
    return pl.struct(_ENCODING).hash().alias("encoding")


def _count(name: str, *by: str | pl.Expr) -> pl.Expr:
    return pl.len().over(*by).cast(pl.Int64).alias(f"n_{name}")


def _named(name: str, copies: str, *by: str | pl.Expr) -> pl.Expr:
    """List the files of a group at the first of each site, so that one cause is one finding there."""
    first = pl.col("file_id") == pl.col("file_id").min().over("site", *by)
    files = pl.col("file_id").sort().over(*by, mapping_strategy="join")
    return pl.when(first & (pl.col(copies).max().over(*by) > 0)).then(files).alias(name)
