"""The archive at a glance, where a part of it is a table without files."""

from pathlib import Path

from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import index
from dqkit.index.table import TableOptions, index_table
from dqkit.index.table_mapping import Column, TableMapping
from dqkit.profile.glance import glance_of
from tests.dicom_factory import Exam, ct_series, write


def test_volume_is_that_of_files_and_what_tables_tell_of_theirs(tmp_path: Path) -> None:
    catalog = Catalog.create(tmp_path / "catalog", load_key().fingerprint, "test")
    files = write(ct_series(Exam("North", "1")), tmp_path / "archive" / "North")
    index(catalog, [tmp_path / "archive"])
    told = tmp_path / "told.csv"
    told.write_text("SeriesInstanceUID,Modality,MB\n2.25.1,CT,1.5\n2.25.2,CT,2\n", encoding="utf-8")
    columns = (Column("SeriesInstanceUID", "SeriesInstanceUID"), Column("Modality", "Modality"),
               Column("MB", "size", unit="MB"))  # fmt: skip
    index_table(catalog, told, TableOptions(mapping=TableMapping("m", columns)))
    volumes = sorted(glance_of(catalog).sites["bytes"])
    assert volumes == sorted([sum(path.stat().st_size for path in files), 3_500_000])
