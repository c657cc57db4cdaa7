"""Measures of files: the right numbers, one row a file, whatever the file is."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from dqkit.archive.paths import escape
from dqkit.catalog.schema import PIXEL_MEASURES
from dqkit.pixels import decode, isolated
from dqkit.pixels.decode import MEASURE_VERSION, MOST_FRAMES, FileRow, frames_of, measure_files
from dqkit.pixels.frame import PixelFault
from tests import dicom_defects as defects
from tests.dicom_factory import Grid, ct_series, enhanced_ct, write


def _rows(root: Path, paths: list[Path], frames: int = 1) -> list[FileRow]:
    return [(path.name, escape(os.fsencode(path.relative_to(root))), 11, 22, 3, frames) for path in paths]


def test_measures_are_those_of_the_stored_values(tmp_path: Path) -> None:
    series = ct_series(grid=Grid(n=2))
    frame = measure_files(bytes(tmp_path), _rows(tmp_path, write(series, tmp_path)))
    assert dict(frame.schema) == PIXEL_MEASURES
    first = frame.row(0, named=True)
    stored = np.frombuffer(series[0].PixelData, "<i2").astype(float)
    assert first["pixel_min"] == stored.min()
    assert first["pixel_max"] == stored.max()
    assert first["pixel_mean"] == pytest.approx(stored.mean())
    assert first["pixel_std"] == pytest.approx(stored.std())
    assert (first["size"], first["mtime_ns"], first["bucket"]) == (11, 22, 3)
    assert first["measure_version"] == MEASURE_VERSION
    assert frame["pixel_sha256"].n_unique() == 2


def test_a_constant_image_has_no_spread(tmp_path: Path) -> None:
    paths = write(defects.flatten(ct_series(grid=Grid(n=1)), 0, value=7), tmp_path)
    row = measure_files(bytes(tmp_path), _rows(tmp_path, paths)).row(0, named=True)
    assert (row["decodes"], row["pixel_min"], row["pixel_max"], row["pixel_std"]) == (True, 7.0, 7.0, 0.0)


def test_one_image_has_one_fingerprint_in_every_lossless_encoding() -> None:
    root = Path(pydicom.__file__).parent / "data" / "test_files"
    names = [
        "MR_small",
        "MR_small_RLE",
        "MR_small_implicit",
        "MR_small_expb",
        "MR_small_jp2klossless",
        "MR_small_jpeg_ls_lossless",
    ]
    frame = measure_files(bytes(root), _rows(root, [root / f"{name}.dcm" for name in names]))
    assert frame["decodes"].all()
    assert frame["pixel_sha256"].n_unique() == 1


def test_a_fault_is_a_row_and_a_file_that_is_gone_is_none(tmp_path: Path) -> None:
    paths = write(ct_series(grid=Grid(n=3)), tmp_path)
    defects.cut_pixels(paths[0])
    paths[1].unlink()
    frame = measure_files(bytes(tmp_path), _rows(tmp_path, paths))
    assert frame["file_id"].to_list() == ["0001.dcm", "0003.dcm"]
    assert frame["decodes"].to_list() == [False, True]
    assert frame["decode_error"].to_list() == [PixelFault.TOO_SHORT.value, None]
    assert frame["pixel_mean"].is_null().to_list() == [True, False]


def test_no_files_give_no_rows(tmp_path: Path) -> None:
    assert dict(measure_files(bytes(tmp_path), []).schema) == PIXEL_MEASURES


def test_workers_can_be_sent_the_function() -> None:
    assert pickle.loads(pickle.dumps(measure_files)) is measure_files


@pytest.mark.corpus
def test_every_real_file_has_a_row(corpus: Path, corpus_kinds: list[Path]) -> None:
    frame = measure_files(bytes(corpus), _rows(corpus, corpus_kinds))
    assert frame.height == len(corpus_kinds)
    assert set(frame["decode_error"].drop_nulls()) <= {kind.value for kind in PixelFault}
    assert frame.filter("decodes")["pixel_sha256"].null_count() == 0


@pytest.mark.parametrize(
    ("declared", "every", "frames"),
    [(None, True, [0]), (1, False, [0]), (2, False, [0, 1]), (9, False, [0, 4, 8]), (4, True, [0, 1, 2, 3])],
)
def test_a_sample_of_frames_is_the_first_the_middle_and_the_last(
    declared: int | None, every: bool, frames: list[int]
) -> None:
    assert frames_of(declared, every=every) == frames


def test_of_a_million_frames_some_thousand_are_measured() -> None:
    frames = frames_of(1_000_000, every=True)
    assert len(frames) == MOST_FRAMES
    assert (frames[0], frames[-1]) == (0, 999_999)
    assert frames == sorted(set(frames))


def test_a_multi_frame_file_has_a_row_a_frame(tmp_path: Path) -> None:
    path = write(enhanced_ct(grid=Grid(n=20, rows=32, columns=32)), tmp_path)[0]
    whole = measure_files(bytes(tmp_path), _rows(tmp_path, [path], 20))
    assert whole["frame"].to_list() == list(range(1, 21))
    assert whole["pixel_sha256"].n_unique() == 20
    sample = measure_files(bytes(tmp_path), _rows(tmp_path, [path], 20), every=False)
    assert sample["frame"].to_list() == [1, 10, 20]
    assert sample["frames_looked_at"].unique().to_list() == [3]


def test_frames_that_the_file_does_not_hold_end_it_with_one_fault(tmp_path: Path) -> None:
    path = write(enhanced_ct(grid=Grid(n=4)), tmp_path)[0]
    defects.cut_pixels(path, 64 * 64 * 2 + 100)  # the last frame and more
    frame = measure_files(bytes(tmp_path), _rows(tmp_path, [path], 4))
    assert frame.select("frame", "decodes", "decode_error").rows() == [
        (1, True, None), (2, True, None), (3, False, "too_short"),
    ]  # fmt: skip


def test_a_row_is_small(tmp_path: Path) -> None:
    frame = measure_files(bytes(tmp_path), _rows(tmp_path, write(ct_series(grid=Grid(n=8)), tmp_path)))
    assert frame.estimated_size() / frame.height < 2000


def test_a_decoder_that_hangs_makes_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "never")
    sound = write(ct_series(grid=Grid(n=1)), tmp_path)
    monkeypatch.setattr(decode, "ask", lambda request: isolated.ask(request, seconds=0.5))
    frame = measure_files(bytes(tmp_path), _rows(tmp_path, [tmp_path / "never"]))
    assert frame.select("decodes", "decode_error").rows() == [(False, "timeout")]
    monkeypatch.undo()
    assert measure_files(bytes(tmp_path), _rows(tmp_path, sound))["decodes"].all()


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"Rows": 0}, "bad_description"),
        ({"Rows": 65535, "Columns": 65535}, "too_large"),
        ({"Rows": 4000}, "too_short"),
        ({"SamplesPerPixel": 9}, "bad_description"),
        ({"BitsAllocated": 12}, "bad_description"),
        ({"PhotometricInterpretation": "NONSENSE"}, "corrupt"),
        ({"BitsStored": 99}, "corrupt"),
        ({"NumberOfFrames": 1000}, None),  # of which the file holds the first
    ],
)
def test_pixel_data_that_lie_become_a_row(attributes: dict[str, Any], error: str | None, tmp_path: Path) -> None:
    series = ct_series(grid=Grid(n=1))
    for keyword, value in attributes.items():
        series = defects.vary(series, keyword, value)
    frame = measure_files(bytes(tmp_path), _rows(tmp_path, write(series, tmp_path)))
    assert frame["decode_error"].to_list() == [error]
    assert frame["decodes"].to_list() == [error is None]


@pytest.mark.parametrize(
    ("keyword", "bits", "kind"), [("FloatPixelData", 32, "<f4"), ("DoubleFloatPixelData", 64, "<f8")]
)
def test_floating_point_pixels_are_measured_without_what_is_not_finite(
    keyword: str, bits: int, kind: str, tmp_path: Path
) -> None:
    image = ct_series(grid=Grid(n=1, rows=40, columns=40))[0]
    values = np.random.default_rng(3).normal(100, 5, (40, 40))
    values[0, :3] = np.nan, np.inf, -np.inf
    for name in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(image, name)
    image.BitsAllocated = bits
    setattr(image, keyword, values.astype(kind).tobytes())
    row = measure_files(bytes(tmp_path), _rows(tmp_path, write([image], tmp_path))).row(0, named=True)
    assert row["decodes"] is True
    assert row["pixel_dtype"] == f"float{bits}"
    assert row["pixel_max"] < 130
    assert 95 < row["pixel_mean"] < 105


@pytest.mark.parametrize(
    ("name", "frames"),
    [("liver_1frame.dcm", 1), ("rtdose.dcm", 15), ("examples_palette.dcm", 1), ("SC_rgb_rle_32bit.dcm", 1)],
)
def test_odd_files_of_pydicom_are_measured(name: str, frames: int, pydicom_files: list[Path]) -> None:
    path = next(path for path in pydicom_files if path.name == name)
    frame = measure_files(bytes(path.parent), _rows(path.parent, [path], frames))
    assert frame.height == frames
    assert frame["decodes"].all()
    assert frame["grey_levels"].min() >= 1
