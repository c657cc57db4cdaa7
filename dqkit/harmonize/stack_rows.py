"""What the catalog says of the stacks (or single images) that a recipe could take, a row each."""

from collections.abc import Sequence

import polars as pl

from dqkit.audit.frames import frame_of
from dqkit.audit.recognise import recognised
from dqkit.catalog.schema import RECOGNISED, SERIES
from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError
from dqkit.harmonize.stack import NATIVE_SYNTAXES
from dqkit.index.sources import OFFLINE, root_path
from dqkit.model import FileStatus, Level
from dqkit.rulebook.scope import Scope
from dqkit.rulebook.vocabulary import image_sop_classes

_OF_THE_STACK = ("stack_id", "site", "patient_key", "study_key", "series_key", "source_id", "Modality", "split_key",
                 "verdict", "order_inferred", "is_localizer", "is_derived", "n_slices", "slice_positions_mm",
                 "file_ids", "frame_numbers", "instance_numbers", "slice_step_mm", "gap_after", "slices_missing",
                 "duplicates_at", "tilt_deg", "off_axis_mm", "orthonormality_error", "Rows", "Columns",
                 "PixelSpacing", "SliceThickness", "SpacingBetweenSlices")  # fmt: skip

_XYZ = 3
_SEVERAL = pl.col("NumberOfFrames").fill_null(1) > 1


def series_in_scope(tables: Tables, scope: Scope, conditions: Sequence[Scope]) -> pl.DataFrame:
    """Return `series_key` and `in_scope` of the series that meet all `conditions`, by the series frame.

    A series is in scope where every condition of `scope` is known to be met.
    """
    columns = [name for one in (scope, *conditions) for name in one.columns]
    frame = series_columns(tables, ["series_key", *columns])
    for one in conditions:
        frame = frame.filter(_met(one))
    return frame.select("series_key", _met(scope).alias("in_scope")).collect()


def series_columns(tables: Tables, columns: Sequence[str]) -> pl.LazyFrame:
    """Return columns of the series frame; most stand in the catalog's table, and the rest need not be worked out."""
    names = list(dict.fromkeys(columns))
    if SERIES.keys() >= set(names):
        return tables.scan("series").select(names)
    if SERIES.keys() | RECOGNISED.keys() >= set(names):
        return tables.scan("series").join(recognised(tables).lazy(), on="series_key", how="left").select(names)
    return frame_of(Level.SERIES, tables).select(names)


def _met(scope: Scope) -> pl.Expr:
    met = [condition.compile().fill_null(value=False) for condition in scope.conditions]
    return pl.all_horizontal(met) if met else pl.lit(value=True)


def stack_rows(tables: Tables, series: pl.DataFrame) -> pl.DataFrame:
    """Return the stacks of `series`, with what `decide` needs beside their own columns.

    Returns
    -------
    pl.DataFrame
        Columns of the table `stacks`, and `in_scope`, `kind` (stack.Stack), `photometric`, `image_type`, `corner`
        (ImagePositionPatient as text) and `frames_unplaced` (frames beyond those that functional groups place) of the
        first file, `pixels` (why pixels cannot be had, else null), `has_stray_sisters` (images of the series are in no
        stack), `offline`.
    """
    stacks = _acquired(tables, tables.scan("stacks").select(_OF_THE_STACK))
    stacks = stacks.join(series.lazy(), on="series_key", how="inner")
    first = tables.scan("instances").select(
        pl.col("file_id").alias("first_file"),
        pl.col("PhotometricInterpretation").alias("photometric"),
        pl.col("ImageType").list.join("\\").alias("image_type"),
        pl.col("ImagePositionPatient").list.eval(pl.element().round(2)).cast(pl.List(pl.String)).list.join("\\")
        .alias("corner"),
        _kind_of_file().alias("kind_of_file"),
        pl.col("path").alias("first_path"),
        (_SEVERAL & pl.col("frame_positions_mm").list.len().is_between(1, _XYZ * pl.col("NumberOfFrames") - 1))
        .fill_null(value=False).alias("frames_unplaced"),
        "mosaic_tiles",
    )  # fmt: skip
    rows = stacks.with_columns(pl.col("file_ids").list.first().alias("first_file")).join(
        first, on="first_file", how="left"
    )
    several_files = pl.col("slice_positions_mm").is_not_null() | (pl.col("file_ids").list.len() > 1)
    kind = pl.when(several_files).then(pl.lit("frames")).otherwise(pl.col("kind_of_file").fill_null("frames"))
    found = rows.with_columns(kind.alias("kind")).join(_faults_of_stacks(tables), on="stack_id", how="left")
    found = found.join(_with_strays(tables, series), on="series_key", how="left")
    return found.join(_offline(tables).lazy(), on="source_id", how="left").collect().sort("series_key", "stack_id")


def image_rows(tables: Tables, series: pl.DataFrame) -> pl.DataFrame:
    """Return the single images of `series`: a row a file that holds one, with the columns of `stack_rows` it can have.

    `stack_id` is the file's id: an image that is no volume has no stack.
    """
    rows = _images(tables).join(series.lazy(), on="series_key", how="inner").select(
        pl.col("file_id").alias("stack_id"),
        "site", "patient_key", "study_key", "series_key", "source_id", "Modality", "in_scope", "is_localizer",
        pl.lit("").alias("split_key"),
        pl.concat_list("file_id").alias("file_ids"),
        pl.concat_list(pl.lit(1, pl.Int64)).alias("frame_numbers"),
        pl.concat_list("InstanceNumber").alias("instance_numbers"),
        pl.when(_SEVERAL).then(pl.lit("plain")).otherwise(pl.lit("image")).alias("kind"),
        pl.col("PhotometricInterpretation").alias("photometric"),
        _fault().alias("pixels"),
        pl.lit(value=False).alias("frames_unplaced"),
        pl.col("path").alias("first_path"),
        "SOPClassUID", "ImageType", "BurnedInAnnotation", "PresentationIntentType",
        pl.coalesce("PixelSpacing", "ImagerPixelSpacing").is_not_null().alias("has_spacing"),
    )  # fmt: skip
    return rows.join(_offline(tables).lazy(), on="source_id", how="left").collect().sort("series_key", "stack_id")


def _with_strays(tables: Tables, series: pl.DataFrame) -> pl.LazyFrame:
    """Return series_key and `has_stray_sisters` of those of `series` with images that are in no stack.

    A copy of an image that is in one is not missed.
    """
    placed = tables.scan("stacks").select(pl.col("file_ids").alias("file_id")).explode("file_id")
    images = _images(tables).join(series.lazy(), on="series_key", how="semi")
    images = images.select("series_key", "file_id", "SOPInstanceUID")
    in_stacks = images.join(placed, on="file_id", how="semi").select("series_key", "SOPInstanceUID")
    strays = images.join(placed, on="file_id", how="anti").join(
        in_stacks, on=["series_key", "SOPInstanceUID"], how="anti"
    )
    return strays.select("series_key").unique().with_columns(pl.lit(value=True).alias("has_stray_sisters"))


def _images(tables: Tables) -> pl.LazyFrame:
    """Return the files that hold an image, and were not written by dqkit."""
    is_image = pl.col("SOPClassUID").is_in(image_sop_classes()).fill_null(value=False)
    return _acquired(tables, tables.scan("instances")).filter((pl.col("status") == FileStatus.DICOM) & is_image)


def _acquired(tables: Tables, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Leave out what dqkit itself wrote: nothing is harmonized twice."""
    ours = tables.scan("sources").filter(pl.col("made_by").is_not_null()).select("source_id")
    return rows.join(ours, on="source_id", how="anti")


def _kind_of_file() -> pl.Expr:
    return (
        pl.when(pl.col("is_mosaic").fill_null(value=False))
        .then(pl.lit("mosaic"))
        .when(pl.col("is_vframe").fill_null(value=False))
        .then(pl.lit("vframe"))
        .when(_SEVERAL & (pl.col("frame_positions_mm").list.len().fill_null(0) == 0))
        .then(pl.lit("plain"))
        .otherwise(pl.lit("frames"))
    )


def _fault() -> pl.Expr:
    """Say why the pixels of a file cannot be had, by its header; null where nothing speaks against them."""
    native = pl.col("TransferSyntaxUID").is_in(sorted(NATIVE_SYNTAXES))
    short = pl.col("pixel_data_present_bytes") < pl.col("pixel_data_expected_bytes") - 1  # odd lengths, unpadded
    return (
        pl.when(~pl.col("has_pixel_data").fill_null(value=False))
        .then(pl.lit("no_pixel_data"))
        .when((native & short).fill_null(value=False))
        .then(pl.lit("too_short"))
    )


def _faults_of_stacks(tables: Tables) -> pl.LazyFrame:
    """Return stack_id and `pixels` of the stacks with a file whose pixels cannot be had."""
    told = tables.scan("instances").select("file_id", _fault().alias("pixels")).drop_nulls()
    tried = tables.scan("pixel_measures").filter(~pl.col("decodes")).select("file_id", pixels="decode_error")
    faults = pl.concat([told, tried.drop_nulls()]).unique("file_id", keep="first", maintain_order=True)
    of_files = tables.scan("stacks").select("stack_id", pl.col("file_ids").alias("file_id")).explode("file_id")
    return of_files.join(faults, on="file_id").group_by("stack_id").agg(pl.col("pixels").min())


def _offline(tables: Tables) -> pl.DataFrame:
    """Return source_id and `offline` of every source."""
    sources = tables.scan("sources").select("source_id", "root", "state").collect()
    gone = [state == OFFLINE or not root_path(root).is_dir() for _, root, state in sources.iter_rows()]
    return sources.select("source_id").with_columns(pl.Series("offline", gone, dtype=pl.Boolean))


def check_any(rows: pl.DataFrame, selected: Sequence[str]) -> None:
    """Refuse a selection that nothing meets: an empty plan would look like one that has nothing to do.

    Raises
    ------
    DqkitError
        No series meets it.
    """
    if rows.is_empty() and selected:
        raise DqkitError(
            f"no series meets {' and '.join(selected)}", "see what is there: dqkit profile, or dqkit index"
        )
