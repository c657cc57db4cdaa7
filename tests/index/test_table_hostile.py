"""Whatever stands in a table, it is read or refused; nothing else happens, and no value is told."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from dqkit.catalog.schema import SERIES
from dqkit.errors import DqkitError
from dqkit.index.table_file import read_table
from dqkit.index.table_guess import guess
from dqkit.index.table_mapping import TARGETS, TableMapping
from dqkit.index.table_series import series_of_table
from dqkit.index.table_typing import typed_table
from dqkit.rulebook.mapping import known_headers

_ODD = (
    "", "1,5", "1e400", "2024年13月40日",
    "1/2/3", "[[1]]", "\\\\", "=1+1", "nan", "1.2E+05", "١٢", "34岁", "12/31/2024",
)  # fmt: skip
_CELLS = st.one_of(
    st.sampled_from(_ODD),
    st.text(max_size=12),
    st.floats().map(str),
    st.dates().map(str),
)
_HEADERS = st.lists(st.sampled_from(sorted(TARGETS)), unique=True, min_size=1, max_size=8)


def through(data: bytes) -> None:
    headers = known_headers()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(data)
        try:
            raw = read_table(path, lambda text: headers.exactly(text) is not None)
            mapping = guess(raw, headers)
            found = series_of_table(typed_table(raw, mapping), mapping, "source", "site")
        except DqkitError:
            return
    assert dict(found.rows.schema) == SERIES
    assert found.rows["series_key"].null_count() == 0
    assert found.rows["series_key"].is_unique().all()
    assert TableMapping.from_json(mapping.to_json()) == mapping


@given(_HEADERS, st.lists(st.lists(_CELLS, min_size=9, max_size=9), max_size=4), st.sampled_from(",;\t|"))
def test_any_cells_are_typed_or_refused(headers: list[str], rows: list[list[str]], delimiter: str):
    names = ["PatientID", *(name for name in headers if name != "PatientID")]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([names, *(row[: len(names)] for row in rows)])
    through(text.getvalue().encode("utf-8", "replace"))


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_refused_or_read(data: bytes):
    through(data)
    through(b"PatientID,Modality\n" + data)
