"""Seeds one defect into sound series, each in a site folder of its own, so that one audit serves all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pydicom

from dqkit.audit.result import AuditResult
from dqkit.audit.run import audit
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import IndexOptions, index
from dqkit.rulebook.book import load_book
from tests.dicom_defects import Series
from tests.dicom_factory import Exam, Grid, ct_series, mr_series, pt_series, write

CHEST = Grid(n=8, rows=32, columns=32, spacing_mm=(10.0, 10.0))
HEAD = Grid(n=8, rows=32, columns=32, spacing_mm=(7.5, 7.5))
BODY = Grid(n=8, rows=32, columns=32, spacing_mm=(8.0, 8.0))

Seed = Callable[[Path, Exam], None]
"""Writes a study of `Exam` with its defect below the folder."""


@dataclass(frozen=True)
class Seeded:
    """One case: what is written, and what must be found of it above info: rule id -> number of findings."""

    name: str
    seed: Seed
    expect: Mapping[str, int] = field(default_factory=dict)


def case(name: str, seed: Seed, *expect: str, times: int = 1) -> Seeded:
    return Seeded(name, seed, dict.fromkeys(expect, times))


def ct(change: Callable[[Series], Series] = list, **attributes: Any) -> Seed:
    """Write a changed chest CT."""
    return lambda folder, exam: _write(change(ct_series(exam, CHEST, **attributes)), folder)


def mr(change: Callable[[Series], Series] = list, grid: Grid = HEAD, **settings: Any) -> Seed:
    """Write a changed head MR."""
    return lambda folder, exam: _write(change(mr_series(exam, grid, **settings)), folder)


def pt(change: Callable[[Series], Series] = list, **attributes: Any) -> Seed:
    """Write a changed PET."""
    return lambda folder, exam: _write(change(pt_series(exam, BODY, **attributes)), folder)


def made(make: Callable[[Exam], Series]) -> Seed:
    """Write what `make` returns."""
    return lambda folder, exam: _write(make(exam), folder)


def damaged(change: Callable[[Path], Any], at: int = 3, make: Callable[[Exam], Series] | None = None) -> Seed:
    """Write a CT, and then change the file of one of its images."""

    def seed(folder: Path, exam: Exam) -> None:
        change(_write(make(exam) if make else ct_series(exam, CHEST), folder)[at])

    return seed


def rewritten(at: int = 3, **attributes: Any) -> Callable[[Path], None]:
    """Return a change of a written file that a strict writer would refuse: None removes, meta_* is file meta."""

    def change(path: Path) -> None:
        dataset = pydicom.dcmread(path)
        for keyword, value in attributes.items():
            target = dataset.file_meta if keyword.startswith("MediaStorage") else dataset
            if value is None:
                delattr(target, keyword)
            else:
                setattr(target, keyword, value)
        dataset.save_as(path, enforce_file_format=False)

    return change


def each(change: Callable[[Path], Any], make: Callable[[Exam], Series] | None = None) -> Seed:
    """Write a CT, and then change all of its files."""

    def seed(folder: Path, exam: Exam) -> None:
        for path in _write(make(exam) if make else ct_series(exam, CHEST), folder):
            change(path)

    return seed


def _write(series: Series, folder: Path) -> list[Path]:
    return write(series, folder / "series")


def exam_of(name: str, number: int, **settings: Any) -> Exam:
    """Return an examination of a patient of one case alone."""
    return Exam(site=name, patient=f"P{number:05d}", **{"vendor": "ge", **settings})


def audited(work: Path, cases: list[Seeded], pixels: str) -> tuple[Catalog, AuditResult]:
    """Write all cases below ``work/archive``, each to the folder of its name, index and audit them."""
    for number, one in enumerate(cases):
        one.seed(work / "archive" / one.name, exam_of(one.name, number))
    catalog = Catalog.create(work / "catalog", load_key().fingerprint, "test")
    index(catalog, [work / "archive"], IndexOptions(pixels=pixels))
    return catalog, audit(catalog, load_book().rules, load_key())


def above_info(result: AuditResult) -> pl.DataFrame:
    """Return the findings above info with the case they are of: that of ``name@2`` is ``name``."""
    return result.findings.filter(pl.col("severity") != "info").with_columns(
        pl.col("site").str.split("@").list.first().alias("case")
    )
