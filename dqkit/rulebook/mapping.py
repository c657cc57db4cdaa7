"""Mapping files (what the columns of a table mean) and the usual names of columns, from YAML."""

import unicodedata
from functools import cache
from importlib import metadata
from pathlib import Path

from dqkit.catalog.schema import PER_INSTANCE
from dqkit.errors import DqkitError
from dqkit.index.table_guess import Headers
from dqkit.index.table_mapping import IDS, LEVELS, TARGETS, Column, TableMapping
from dqkit.index.table_units import UNITS, factor
from dqkit.rulebook.document import Node, parse_document
from dqkit.rulebook.section import Section, close_to
from dqkit.rulebook.vocabulary import load_table
from dqkit.shipped import shipped


def shipped_mappings() -> dict[str, Path]:
    """Return the mappings that dqkit brings, by name."""
    return {path.stem: path for path in sorted((shipped("rules") / "mappings").glob("*.yaml"))}


def load_mapping(name: str) -> TableMapping:
    """Load a mapping by the name of one that dqkit brings, or from a file.

    Raises
    ------
    DqkitError
        There is none, or it is wrong: says file, line and what is allowed.
    """
    known = shipped_mappings()
    if name in known:
        return _read(known[name])
    path = Path(name)
    if not path.is_file():
        raise DqkitError(
            f"there is no mapping {name!r}",
            close_to(name, [*known, "guess"], "") or f"name a file, guess, or one of: {', '.join(known)}",
        )
    return _read(path)


@cache
def known_headers() -> Headers:
    """Return what knows the headers of tables."""
    return Headers({to: tuple(row["names"]) for to, row in load_table("table-headers").items()})


def find_in_package(mapping: TableMapping) -> Path:
    """Return the table that the mapping's package brings.

    Raises
    ------
    DqkitError
        The mapping names no package, or it is not installed.
    """
    if not mapping.package:
        raise DqkitError(f"the mapping {mapping.name} brings no table", "name one: --table FILE --mapping …")
    try:
        files = metadata.files(mapping.package) or []
    except metadata.PackageNotFoundError as error:
        raise DqkitError(
            f"the table of {mapping.name} is not installed", f"pip install 'dqkit[{mapping.name}]'"
        ) from error
    for file in files:
        if file.name == mapping.file:
            return Path(str(file.locate())).resolve()
    raise DqkitError(f"the package {mapping.package} has no {mapping.file}", "install another version of it")


def _read(path: Path) -> TableMapping:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DqkitError(f"the mapping {path} cannot be read ({type(error).__name__})", "check the path") from error
    section = Section(parse_document(text, path), "a mapping")
    columns = _columns(section)
    site, site_column = _site(section)
    mapping = TableMapping(
        name=section.text("name", path.stem),
        columns=columns,
        level=section.choice("level", LEVELS, "series"),
        constants=_constants(section),
        site=site,
        site_column=site_column,
        sheet=section.text("sheet", "") if section.take("sheet") else "",
        package=section.text("package", "") if section.take("package") else "",
        file=section.text("file", "") if section.take("file") else "",
    )
    section.take("title")
    section.finish()
    _check_twice(section, mapping)
    return mapping


def _columns(section: Section) -> tuple[Column, ...]:
    node = section.need("columns")
    columns = Section(node, "columns")
    if not columns.keys():
        raise node.mark.error("'columns' names no column", "write header: keyword")
    return tuple(_column(header, columns.need(header)) for header in columns.keys())  # noqa: SIM118


def _column(header: str, node: Node) -> Column:
    if isinstance(node.value, str):
        return Column(header, _target(node))
    inner = Section(node, f"the column {header!r}")
    to = _target(inner.need("keyword"))
    given = {
        key: unicodedata.normalize("NFC", inner.text(key)) if inner.take(key) else ""
        for key in ("unit", "split", "format", "decimal", "varies")
    }
    inner.finish()
    if given["decimal"] not in ("", ".", ","):
        raise node.mark.error(f"'decimal' cannot be {given['decimal']!r}", "allowed: '.' or ','")
    if given["unit"] and to != "PatientAge" and factor(to, given["unit"]) is None:
        allowed = ", ".join(UNITS.get(to, {})) or "it has none"
        raise node.mark.error(f"{to} is not measured in {given['unit']!r}", f"units: {allowed}")
    return Column(header, to, **given)


def _target(node: Node) -> str:
    name = node.value
    if not isinstance(name, str) or name not in TARGETS:
        why = " (it differs from image to image, and a catalog of series has no place for it)"
        told = why if name in PER_INSTANCE else ""
        raise node.mark.error(f"a column cannot be mapped to {node.word}{told}", close_to(str(name), TARGETS, ""))
    return name


def _constants(section: Section) -> dict[str, str]:
    node = section.take("constants")
    if node is None:
        return {}
    inner = Section(node, "constants")
    found = {}
    for key in inner.keys():  # noqa: SIM118
        value = inner.need(key)
        to = _target(Node(key, value.mark))
        if to in IDS and to not in {"SOPClassUID", "TransferSyntaxUID"}:
            raise value.mark.error(f"{to} cannot be the same in all rows", "map a column to it, or leave it out")
        if not isinstance(value.value, str | int | float) or isinstance(value.value, bool):
            raise value.mark.error(f"a constant is text or a number, not {value.word}")
        found[to] = str(value.value)
    return found


def _site(section: Section) -> tuple[str, str]:
    node = section.take("site")
    if node is None:
        return "", ""
    if isinstance(node.value, str) and node.value.strip():
        return node.value.strip(), ""
    inner = Section(node, "site")
    column = inner.text("column")
    inner.finish()
    return "", column


def _check_twice(section: Section, mapping: TableMapping) -> None:
    seen: dict[str, str] = {}
    for column in mapping.columns:
        if column.to in seen or column.to in mapping.constants:
            other = seen.get(column.to, "a constant")
            raise section.need("columns").mark.error(f"{column.header!r} and {other!r} both stand for {column.to}")
        seen[column.to] = column.header
