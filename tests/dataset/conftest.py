"""A small archive of two hospitals and a NIfTI mask, its catalog, and dataset files over it."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pytest

from dqkit.catalog.store import Catalog
from dqkit.dataset.entries import Asked, read_dataset
from dqkit.dataset.files import files_of
from dqkit.dataset.tracing import TraceOptions, trace_files
from dqkit.identity import load_key
from dqkit.index.build import index
from dqkit.index.progress import Silent
from tests.dicom_factory import Exam, Grid, ct_series, write

SMALL = Grid(n=4, rows=16, columns=16)


@dataclass(frozen=True)
class Project:
    """An archive that is a source, its catalog, and a folder for training outside of it."""

    root: Path

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def catalog(self) -> Catalog:
        return Catalog(self.root / "catalog")

    def table(self, text: str, name: str = "train.csv") -> Path:
        path = self.work / name
        path.write_text(text, encoding="utf-8")
        return path

    def trace(self, table: Path, options: TraceOptions | None = None, asked: Asked | None = None) -> pl.DataFrame:
        listed = files_of(read_dataset(table, asked), Silent())
        return trace_files(listed, self.catalog, options)

    def states(self, table: Path, options: TraceOptions | None = None, asked: Asked | None = None) -> dict[str, str]:
        """Return name of the file -> its state."""
        traced = self.trace(table, options, asked)
        return {os.path.basename(place): state for place, state in traced.select("place", "state").iter_rows()}

    def reindex(self) -> None:
        index(Catalog(self.root / "catalog", load_key().fingerprint), [self.archive])


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("dataset") / "project"
    for site in ("north", "south"):
        for k in range(2):
            exam = Exam(site=site, patient=f"{site}-{k}")
            write(ct_series(exam, SMALL), root / "archive" / site / f"ct{k}", "{number}.dcm")
    for name in ("a", "b"):
        mask = np.zeros((8, 8, 4), np.uint8)
        mask[2, 2, 2] = 1 if name == "a" else 2
        nibabel.save(nibabel.Nifti1Image(mask, np.eye(4)), root / "archive" / "north" / f"mask-{name}.nii")
    (root / "archive" / "north" / "notes.txt").write_text("notes")
    (root / "work").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQKIT_KEY", "0123456789abcdef0123456789abcdef")
        catalog = Catalog.create(root / "catalog", load_key().fingerprint, "test")
        index(catalog, [root / "archive"])
        yield root


@pytest.fixture
def project(_made: Path, tmp_path: Path) -> Project:
    """Return a copy that a test may change; times of files stay, the source is where the copy is."""
    from dqkit.index.change_sources import relocate_source

    root = tmp_path / "project"
    shutil.copytree(_made, root, copy_function=shutil.copy2)
    relocate_source(Catalog(root / "catalog"), "archive", root / "archive")
    return Project(root)
