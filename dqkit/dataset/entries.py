"""A dataset as its file names it: which files training reads, of which class and in which split.

The file is read strictly, other than metadata extracts (index/table_file.py): a row that is passed over here would be
trained on all the same.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from dqkit.archive.checksum import checksum_of
from dqkit.catalog.schema import INT, TEXT, Schema
from dqkit.dataset.rows import Rows, rows_of
from dqkit.errors import DqkitError, NothingToCheckError

ENTRIES: Schema = {
    "row": INT,  # 1-based, of the table without its header
    "entry": TEXT,  # as the file has it; null = an empty cell
    "label": TEXT,
    "split": TEXT,
}
"""A cell of a column of paths."""

_PATHS = (
    "path", "file", "filepath", "filename", "image", "imagepath", "imagefile", "img", "imgpath", "dicom", "dicompath",
    "dicomfile", "nifti", "niftipath", "nii", "scan", "volume", "volumepath", "series", "seriespath", "folder", "dir",
    "directory", "input", "路径", "文件", "文件名", "文件路径", "图像", "影像", "图像路径", "影像路径", "目录",
)  # fmt: skip
"""Usual names of a column of paths, folded; the first that is there counts."""

_MASKS = (
    "mask", "maskpath", "maskfile", "seg", "segpath", "segmentation", "segmentationpath", "labelpath", "labelfile",
    "annotation", "annotationpath", "掩膜", "分割", "标注文件",
)  # fmt: skip
"""Names of columns that training reads too, where their cells are paths."""

_LABELS = (
    "label", "labels", "class", "classname", "target", "diagnosis", "category", "grade", "y", "标签", "类别", "诊断",
    "分级",
)  # fmt: skip

_SPLITS = ("split", "fold", "partition", "subset", "划分", "数据划分", "折")

_LIKE_A_PATH = re.compile(r"[/\\]|\.[A-Za-z][A-Za-z0-9]{0,7}$")
_PROBED = 1000


@dataclass(frozen=True)
class Asked:
    """What somebody said of a dataset file; empty = found by the usual names.

    Attributes
    ----------
    path, label, split
        Columns.
    root
        Where relative paths hang; None = on the folder of the file.
    """

    path: str = ""
    label: str = ""
    split: str = ""
    root: Path | None = None


@dataclass(frozen=True)
class Dataset:
    """A dataset file.

    Attributes
    ----------
    root
        Absolute; where relative paths hang.
    sha256
        Of the file; empty for a folder that stands for itself.
    entries
        ENTRIES.
    columns
        What was found: path (several, where masks are read too), label, split -> headers.
    headers
        All of them.
    kind
        csv | jsonl | parquet | folder.
    """

    path: Path
    root: Path
    sha256: str
    entries: pl.DataFrame
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    kind: str = "csv"


def read_dataset(path: Path, asked: Asked | None = None) -> Dataset:
    """Read which files a dataset names.

    Parameters
    ----------
    path
        CSV (of any usual delimiter, UTF-8), JSON lines or parquet, or a folder: all files in it.

    Raises
    ------
    DqkitError
        It cannot be read, has no column of paths, or holds a formula where a path should be.
    NothingToCheckError
        It names no file.
    """
    asked = asked or Asked()
    root = _root(path, asked)
    if path.is_dir():
        return Dataset(path, root, "", pl.DataFrame([(1, ".", None, None)], ENTRIES, orient="row"), kind="folder")
    rows = rows_of(path)
    columns = _columns(rows, asked, path)
    entries = _entries(rows, columns)
    if entries.is_empty():
        raise NothingToCheckError(f"the dataset file {path.name} names no file", "was the export complete?")
    _refuse_formulas(entries, path)
    found = checksum_of(bytes(path))
    if not found.sha256:
        raise DqkitError(f"the dataset file {path.name} cannot be read to its end", "mend the disk, or copy it again")
    return Dataset(path, root, found.sha256, entries, columns, rows.headers, rows.kind)


def _root(path: Path, asked: Asked) -> Path:
    if not path.exists():
        raise DqkitError(f"there is no dataset file {path}", "check the path after --dataset")
    root = asked.root or (path if path.is_dir() else path.parent)
    if not root.is_dir():
        raise DqkitError(f"the root of the dataset, {root}, is no folder", "check `root` of the policy's `dataset`")
    return root.absolute()


def _columns(rows: Rows, asked: Asked, path: Path) -> dict[str, tuple[str, ...]]:
    """Find the columns that were asked for, or those of the usual names."""
    label = _named(rows, asked.label, path) or _first(rows, _LABELS)
    paths = _named(rows, asked.path, path) or _first(rows, _PATHS)
    if not paths:
        raise DqkitError(
            f"the dataset file {path.name} has no column that is called as columns of paths are: {_told(rows.headers)}",
            "name it in the policy, dataset: {file: COLUMN}; the first line must hold the headers",
        )
    masks = [name for name in rows.headers if _fold(name) in _MASKS or name in label]
    read_too = tuple(name for name in masks if name not in paths and _holds_paths(rows, name))
    return {
        "path": (*paths, *read_too),
        "label": tuple(name for name in label if name not in read_too),
        "split": _named(rows, asked.split, path) or _first(rows, _SPLITS),
    }


def _named(rows: Rows, name: str, path: Path) -> tuple[str, ...]:
    if not name:
        return ()
    if name not in rows.headers:
        raise DqkitError(
            f"the dataset file {path.name} has no column {name!r}: {_told(rows.headers)}", "check its name"
        )
    return (name,)


def _first(rows: Rows, usual: Sequence[str]) -> tuple[str, ...]:
    by_name = {_fold(name): name for name in reversed(rows.headers)}
    return next(((by_name[name],) for name in usual if name in by_name), ())


def _fold(name: str) -> str:
    return re.sub(r"[\s_\-.]+", "", name).casefold()


def _told(headers: Iterable[str]) -> str:
    """Name the headers; what looks like a value (a file without a header line) is only counted."""
    names = [name for name in headers if name.isprintable() and len(name) <= 40 and not _LIKE_A_PATH.search(name)]  # noqa: PLR2004
    hidden = sum(1 for _ in headers) - len(names)
    told = [*names[:30], *([f"{hidden} that look like values"] if hidden else [])]
    return f"it has {', '.join(told) or 'none'}"


def _holds_paths(rows: Rows, name: str) -> bool:
    cells = rows.frame[name].drop_nulls().head(_PROBED)
    return bool(cells.len()) and sum(bool(_LIKE_A_PATH.search(cell)) for cell in cells) > cells.len() // 2


def _entries(rows: Rows, columns: dict[str, tuple[str, ...]]) -> pl.DataFrame:
    """Return a row for each cell of the columns of paths; only of the first one is an empty cell kept."""
    parts = []
    for at, name in enumerate(columns["path"]):
        part = rows.frame.select(
            (pl.int_range(pl.len(), dtype=pl.Int64) + 1).alias("row"),
            pl.col(name).replace("", None).alias("entry"),
            *(_or_null(columns[role], role) for role in ("label", "split")),
        )
        parts.append(part if at == 0 else part.filter(pl.col("entry").is_not_null()))
    return pl.concat(parts)


def _or_null(names: tuple[str, ...], role: str) -> pl.Expr:
    return (pl.col(names[0]) if names else pl.lit(None, dtype=TEXT)).alias(role)


def _refuse_formulas(entries: pl.DataFrame, path: Path) -> None:
    """Refuse what a spreadsheet would compute: it is no path, and nothing here computes it."""
    formulas = entries.filter(pl.col("entry").str.contains(r"^[=@]"))
    if formulas.height:
        raise DqkitError(
            f"{path.name}: row {formulas['row'][0]} holds a formula of a spreadsheet, not a path",
            "export values, not formulas; a file that is called so is written ./=…",
        )
