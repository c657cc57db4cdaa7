"""The whole audit of a million series against the bare polars plan of the same rules."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from dqkit.catalog.schema import TABLES, conform, empty
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import index
from dqkit.model import Level
from dqkit.rulebook.book import load_book
from tests.bench.audits import bare, whole
from tests.bench.clock import Figure, interleaved
from tests.dicom_factory import Exam, cr_image, ct_series, mg_study, mr_series, write

SERIES = 1_000_000
_FAULTY = 20
"""One in so many series has a fault."""

LEVELS = (Level.SERIES, Level.STUDY, Level.PATIENT, Level.SITE, Level.ARCHIVE)


class Many:
    """A catalog of a million series: those of a small real one, again and again under new keys."""

    def __init__(self, series: pl.DataFrame) -> None:
        self._tables = {name: empty(schema) for name, schema in TABLES.items()} | {"series": series}

    def scan(self, table: str) -> pl.LazyFrame:
        return self._tables[table].lazy()


def measure() -> list[Figure]:
    tables = Many(million())
    rules = [rule for rule in load_book().select() if rule.level in LEVELS]
    whole(rules, tables)
    found = [0]
    bare_seconds, audit_seconds = interleaved(
        lambda: bare(rules, tables), lambda: found.__setitem__(0, whole(rules, tables)), 3
    )
    detail = f"{audit_seconds:.1f} s against {bare_seconds:.1f} s: {len(rules)} rules, {found[0]:,} findings"
    return [
        Figure("audit of 1 M series, without GX's import", audit_seconds / bare_seconds, "the bare plan", 2, detail)
    ]


def million() -> pl.DataFrame:
    with TemporaryDirectory() as folder:
        root = Path(folder) / "archive"
        for site in ("north", "south"):
            exam = Exam(site=site, patient=site)
            for name, series in {"ct": ct_series(exam), "mr": mr_series(exam), "cr": [cr_image(exam)[0]]}.items():
                write(series, root / site / name)
            write(mg_study(exam), root / site / "mg")
        catalog = Catalog.create(Path(folder) / "catalog", load_key().fingerprint, "bench")
        index(catalog, [root])
        seeds = catalog.scan("series").collect()
    times = SERIES // seeds.height + 1
    many = pl.concat([seeds] * times).head(SERIES).with_row_index("i")
    new = pl.concat_str(pl.lit("."), (pl.col("i") // seeds.height).cast(pl.String))
    keys = ("series_key", "study_key", "patient_key", "StudyInstanceUID", "SeriesInstanceUID", "PatientID")
    faulty = pl.col("i") % _FAULTY == 0
    many = many.with_columns(*(pl.col(key) + new for key in keys)).with_columns(
        pl.when(~faulty).then("PixelSpacing").alias("PixelSpacing"),
        pl.when(~faulty).then("SliceThickness").alias("SliceThickness"),
        pl.when(pl.col("i") % (2 * _FAULTY) != 1).then("PatientID").alias("PatientID"),
    )
    return conform(many, TABLES["series"])
