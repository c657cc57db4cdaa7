"""Measures of files: the right numbers, one row a file, whatever the file is."""

import os
import pickle
from pathlib import Path

import numpy as np
import pydicom
import pytest

from dqkit.archive.paths import escape
from dqkit.catalog.schema import PIXEL_MEASURES
from dqkit.pixels.decode import MEASURE_VERSION, FileRow, measure_files
from dqkit.pixels.frame import PixelFault
from tests import dicom_defects as defects
from tests.dicom_factory import Grid, ct_series, write


def _rows(root: Path, paths: list[Path]) -> list[FileRow]:
    return [(path.name, escape(os.fsencode(path.relative_to(root))), 11, 22, 3) for path in paths]


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
def test_every_real_file_has_a_row(corpus: Path) -> None:
    paths = [path for path in sorted(corpus.rglob("*")) if path.is_file()]
    frame = measure_files(bytes(corpus), _rows(corpus, paths))
    assert frame.height == len(paths)
    assert set(frame["decode_error"].drop_nulls()) <= {kind.value for kind in PixelFault}
    assert frame.filter("decodes")["pixel_sha256"].null_count() == 0
