"""Mapping files: those that ship, and errors that name the line."""

from pathlib import Path

import pytest

from dqkit.errors import DqkitError
from dqkit.index.table_mapping import TARGETS, TableMapping
from dqkit.rulebook.mapping import find_in_package, load_mapping, shipped_mappings
from dqkit.rulebook.vocabulary import load_table


def mapping(tmp_path: Path, text: str) -> TableMapping:
    path = tmp_path / "m.yaml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(str(path))


def test_every_shipped_mapping_loads_under_its_name():
    for name in shipped_mappings():
        assert load_mapping(name).name == name


def test_the_usual_headers_name_attributes_that_a_table_can_have_and_none_twice():
    names: dict[str, str] = {}
    for to, row in load_table("table-headers").items():
        assert to in TARGETS
        for name in row["names"]:
            assert names.setdefault(name.casefold(), to) == to, name


def test_a_mapping_says_all_that_a_column_needs(tmp_path: Path):
    found = mapping(
        tmp_path,
        "name: ris\nlevel: study\nsite: {column: Haus}\nconstants: {Modality: MG}\ncolumns:\n  Fall: AccessionNumber\n"
        '  Dicke: {keyword: SliceThickness, unit: cm, decimal: ","}\n  Tag: {keyword: StudyDate, format: "%d.%m.%y"}\n',
    )
    assert (found.level, found.site_column, found.constants) == ("study", "Haus", {"Modality": "MG"})
    assert [(c.to, c.unit, c.decimal, c.format) for c in found.columns][1:] == [
        ("SliceThickness", "cm", ",", ""), ("StudyDate", "", "", "%d.%m.%y"),
    ]  # fmt: skip


def test_a_mapping_written_by_dqkit_reads_back(tmp_path: Path):
    shipped = load_mapping("idc")
    again = mapping(tmp_path, shipped.to_yaml())
    assert again.columns == shipped.columns
    assert again.site_column == shipped.site_column
    assert TableMapping.from_json(shipped.to_json()) == shipped


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("columns:\n  A: SliceThicknes\n", 2, "did you mean SliceThickness"),
        ("columns:\n  A: ImagePositionPatient\n", 2, "differs from image to image"),
        ("columns:\n  A: {keyword: SliceThickness, unit: kg}\n", 2, "not measured in 'kg'"),
        ("columns:\n  A: {keyword: SliceThickness, unity: mm}\n", 2, "no key 'unity'"),
        ("columns:\n  A: {keyword: SliceThickness, decimal: ';'}\n", 2, "'decimal' cannot be"),
        ("columns:\n  A: KVP\n  B: KVP\n", 2, "both stand for KVP"),
        ("columns: {}\n", 1, "names no column"),
        ("level: file\ncolumns:\n  A: KVP\n", 1, "allowed: series, instance, study"),
        ("constants: {PatientID: x}\ncolumns:\n  A: KVP\n", 1, "cannot be the same in all rows"),
        ("colums:\n  A: KVP\n", 1, "lacks the key 'columns'"),
        ("columns:\n  A: KVP\nsight: North\n", 3, "no key 'sight'"),
    ],
)
def test_errors_name_file_line_and_what_is_allowed(tmp_path: Path, text: str, line: int, told: str):
    with pytest.raises(DqkitError) as caught:
        mapping(tmp_path, text)
    assert f"m.yaml:{line}:" in caught.value.message
    assert told in f"{caught.value.message} {caught.value.hint}"


def test_an_unknown_mapping_says_which_there_are():
    with pytest.raises(DqkitError) as caught:
        load_mapping("icd")
    assert "idc" in caught.value.hint


def test_a_package_that_is_not_installed_says_how_to_get_it(tmp_path: Path):
    found = mapping(tmp_path, "name: none\npackage: no_such_package_at_all\nfile: t.parquet\ncolumns:\n  A: KVP\n")
    with pytest.raises(DqkitError) as caught:
        find_in_package(found)
    assert caught.value.hint == "pip install 'dqkit[none]'"
