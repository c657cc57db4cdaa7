"""What a header says between its lines: localizer, mosaic, b-value, how many bytes of pixel data there should be."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from dqkit.archive import private
from dqkit.archive.header import Header
from dqkit.index.typed import Columns

_NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")  # PS3.5 A.1-A.5
_MOST_BYTES = 2.0**62
_SCOUTS = ("LOCALIZER", "SCOUT", "TOPOGRAM")


class _ImageKind(NamedTuple):
    """What ImageType (0008,0008) says (PS3.3 C.7.6.1.1.2)."""

    is_localizer: bool | None = None
    is_derived: bool | None = None
    is_mosaic: bool | None = None
    is_vframe: bool | None = None


def derived_columns(headers: Sequence[Header | None], columns: Columns) -> Columns:
    """Derive columns from what was read and typed.

    Parameters
    ----------
    headers
        What was read of each file.
    columns
        Their typed columns.
    """
    pixels = [header.pixels if header else None for header in headers]
    found = _image_kinds(columns["ImageType"]) | _private(headers, columns) | _frames(headers)
    found["has_preamble"] = _flags([header.has_preamble if header else None for header in headers])
    found["has_file_meta"] = _flags([header.has_file_meta if header else None for header in headers])
    found["header_truncated"] = _flags([header.truncated if header else None for header in headers])
    found["has_pixel_data"] = _flags([header.pixels is not None if header else None for header in headers])
    found["pixel_data_bytes"] = _integers([at.declared if at else None for at in pixels])
    found["pixel_data_present_bytes"] = _integers([at.present if at else None for at in pixels])
    found["pixel_data_terminated"] = _flags([at.terminated if at else None for at in pixels])
    found["pixel_data_expected_bytes"] = _expected_bytes(columns | found)
    return found


def _flags(values: list[bool | None]) -> pl.Series:
    return pl.Series(values, dtype=pl.Boolean)


def _integers(values: list[int | None]) -> pl.Series:
    return pl.Series(values, dtype=pl.Int64)


def _image_kinds(image_type: pl.Series) -> Columns:
    texts = image_type.list.join("\\").to_list()
    codes = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    kinds = pl.DataFrame(
        [_image_kind(text) for text in codes], schema=dict.fromkeys(_ImageKind._fields, pl.Boolean), orient="row"
    )
    return kinds[[codes[text] for text in texts]].to_dict()


def _image_kind(text: str | None) -> _ImageKind:
    if text is None:
        return _ImageKind()
    values = text.upper().split("\\")
    scout = any(word in value for value in values[2:] for word in _SCOUTS)
    return _ImageKind(scout, values[0] == "DERIVED", "MOSAIC" in values, "VFRAME" in values)


def _private(headers: Sequence[Header | None], columns: Columns) -> Columns:
    """Read b-values and tiles from private elements, where the standard attribute is absent."""
    b_values: list[float | None] = columns["DiffusionBValue"].to_list()
    tiles: list[int | None] = [None] * len(headers)
    known: dict[tuple[tuple[bytes, bytes], ...], tuple[float | None, int | None]] = {}
    for row, header in enumerate(headers):
        if header and header.private:
            key = tuple(header.private.items())
            if key not in known:
                known[key] = private.b_value(header.private), private.tiles(header.private)
            b_value, tiles[row] = known[key]
            if b_values[row] is None:
                b_values[row] = b_value
    return {
        "diffusion_b_value": pl.Series(b_values, dtype=pl.Float64).fill_null(_of_name(columns["SequenceName"])),
        "mosaic_tiles": _integers(tiles),
    }


def _of_name(sequence_names: pl.Series) -> pl.Series:
    """Return the b-value in Siemens' names of sequences (``*ep_b1000#12``), where no element has it."""
    return sequence_names.str.extract(r"^\*ep_b(\d{1,5})(?:t|#\d+)?$").cast(pl.Float64)


def _frames(headers: Sequence[Header | None]) -> Columns:
    frames = [header.frames if header else None for header in headers]
    reals, texts = pl.List(pl.Float64), pl.List(pl.String)
    return {
        "frame_positions_mm": pl.Series([f.positions if f else None for f in frames], dtype=reals),
        "frame_orientations": pl.Series([f.orientations if f else None for f in frames], dtype=reals),
        "frame_groups": pl.Series([f.groups if f else None for f in frames], dtype=texts),
    }


def _expected_bytes(columns: Columns) -> pl.Series:
    """Return how long native pixel data must be (PS3.5 8.1, 8.2): padded to even, chroma of 4:2:2 halved."""
    one = pl.lit(1.0)
    samples = pl.coalesce(pl.col("SamplesPerPixel").cast(pl.Float64), one)
    samples = pl.when(pl.col("PhotometricInterpretation") == "YBR_FULL_422").then(2.0).otherwise(samples)
    frames = pl.coalesce(pl.col("NumberOfFrames").cast(pl.Float64), one)
    pixels = pl.col("Rows").cast(pl.Float64) * pl.col("Columns") * samples * frames
    size = ((pixels * pl.col("BitsAllocated") / 8).ceil() / 2).ceil() * 2
    native = pl.coalesce(pl.col("TransferSyntaxUID").is_in(_NATIVE), pl.col("pixel_data_bytes").is_not_null())
    usable = native & pl.col("has_pixel_data") & (size >= 0) & (size < _MOST_BYTES)
    names = ("SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "BitsAllocated",
             "TransferSyntaxUID", "pixel_data_bytes", "has_pixel_data")  # fmt: skip
    frame = pl.DataFrame({name: columns[name] for name in names})
    return frame.select(pl.when(usable).then(size).cast(pl.Int64)).to_series()
