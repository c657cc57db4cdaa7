"""What a folder of outputs already holds: a manifest of earlier runs, and a journal of the one that was killed.

Each image that is done is a line of the journal, on the disk before the next one counts; at its end a run makes one
manifest of all and clears the journal. Of a killed run the images under work alone are done again.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
from filelock import FileLock, Timeout

from dqkit.catalog.schema import HARMONIZED, conform, empty
from dqkit.errors import DqkitError, IncompleteError
from dqkit.harmonize.files import PARTIAL, write_whole
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.refusal import PASSING

MANIFEST = "manifest.parquet"
SITES = "sites.csv"
PAGE = "report.html"
_MARKER, _JOURNAL, _LOCK = "harmonize.json", "journal.jsonl", ".lock"
_OURS = frozenset({MANIFEST, SITES, PAGE, _MARKER, _JOURNAL, _LOCK})

_A_ROW = ("task", "image_id", "path", "format", "label_file_id", "label_name", "reason")
_TOLD = ("task", "kind", "format", "path", "size", "status", "reason")
_IN_ORDER = ("image_id", "kind", "format", "path", "label_name")

Row = dict[str, Any]


class OutFolder:
    """The folder of a recipe's outputs, held by one run.

    Attributes
    ----------
    images
        Where outputs lie: a folder that is called as the recipe is, and that becomes a source of the catalog.
    """

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self.path = path
        self.images = images_of(path, recipe)
        self.images.mkdir(exist_ok=True)
        self._earlier = _read_manifest(path / MANIFEST)
        self._journal = _read_journal(path / _JOURNAL)
        self._file = (path / _JOURNAL).open("ab")

    def done(self) -> dict[str, list[Row]]:
        """Return task -> what its rows say of themselves (`_TOLD`), for every task that is done."""
        told = self._earlier.select(_TOLD).to_dicts()
        told += [{name: row.get(name) for name in _TOLD} for rows in self._journal for row in rows]
        found: dict[str, list[Row]] = {}
        for row in told:
            found.setdefault(row["task"], []).append(row)
        return found

    def is_whole(self, rows: Sequence[Row]) -> bool:
        """Tell whether every file of `rows` is there with its size."""
        return all(row["path"] is None or _size(self.images / row["path"]) == row["size"] for row in rows)

    def add(self, rows: Sequence[Row]) -> None:
        """Note what became of an image; it counts once it is on the disk."""
        self._file.write(json.dumps(rows, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._journal.append(list(rows))

    def close(self, current: Mapping[str, str], known: frozenset[str]) -> pl.DataFrame:
        """Write the manifest and clear the journal; return the manifest.

        Rows, and files, of what is no longer so go: those of an image's other tasks, and those of stacks that the
        catalog no longer has.

        Parameters
        ----------
        current
            Image id -> its task.
        known
            Ids of all stacks (and files) of the catalog.
        """
        fresh = conform(pl.DataFrame([row for rows in self._journal for row in rows], schema=HARMONIZED), HARMONIZED)
        told = _as_it_is_now(pl.concat([self._earlier, fresh]))
        tasks = {"image_id": list(current), "now": list(current.values())}
        now = pl.DataFrame(tasks, schema={"image_id": pl.String, "now": pl.String})
        here = pl.col("stack_ids").list.eval(pl.element().is_in(list(known))).list.all()
        kept = told.join(now, on="image_id", how="left").filter(
            (pl.col("now").is_null() & here) | (pl.col("now") == pl.col("task"))
        )
        manifest = kept.select(list(HARMONIZED)).sort(_IN_ORDER, nulls_last=True)
        write_whole(self.path / MANIFEST, manifest.write_parquet, mode=0o600)
        for path in set(told["path"].drop_nulls()) - set(manifest["path"].drop_nulls()):
            (self.images / path).unlink(missing_ok=True)
        self._file.truncate(0)
        self._journal.clear()
        self._earlier = manifest
        return manifest


def _as_it_is_now(told: pl.DataFrame) -> pl.DataFrame:
    """Return each row once, the last that was told, without refusals that a later run of the same task took back."""
    told = told.unique(_A_ROW, keep="last", maintain_order=True).with_row_index("nth")
    is_last = pl.col("nth") == pl.col("nth").max().over("task")
    return told.filter(
        is_last | ~pl.col("reason").is_in([str(reason) for reason in PASSING]).fill_null(value=False)
    ).drop("nth")


def images_of(path: Path, recipe: Recipe) -> Path:
    """Return where the outputs of a recipe lie below the folder of a run."""
    return path / recipe.name


@contextmanager
def opened(path: Path, recipe: Recipe) -> Iterator[OutFolder]:
    """Hold the folder of the outputs of `recipe`, made where there is none.

    Raises
    ------
    DqkitError
        It holds something else, outputs of another recipe, or another run is at it.
    IncompleteError
        It cannot be written.
    """
    lock = FileLock(path / _LOCK)
    try:
        _prepare(path, recipe)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DqkitError(f"another dqkit is writing to {path}", "wait for it, or name another folder") from error
    except OSError as error:
        raise not_written(path, error.strerror or type(error).__name__) from error
    try:
        yield _held(path, recipe)
    finally:
        lock.release()


def _held(path: Path, recipe: Recipe) -> OutFolder:
    try:
        folder = OutFolder(path, recipe)
        _sweep(folder.images)
    except OSError as error:
        raise not_written(path, error.strerror or type(error).__name__) from error
    return folder


def not_written(path: Path, why: str) -> IncompleteError:
    """Return the error of a folder that takes no more."""
    return IncompleteError(
        f"{path} could not be written: {why.lower()}", "make room (or mend the disk) and run the same command again"
    )


def _prepare(path: Path, recipe: Recipe) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        foreign = sorted(entry.name for entry in path.iterdir() if entry.name not in _OURS)
        marker = json.loads((path / _MARKER).read_text()) if (path / _MARKER).exists() else None
    except (FileExistsError, NotADirectoryError) as error:
        raise DqkitError(f"{path} is a file, not a folder", "name a folder with --out") from error
    except ValueError as error:
        raise DqkitError(f"{path / _MARKER} is damaged", "name another folder with --out") from error
    if marker is None and foreign:
        raise DqkitError(f"{path} is not empty and holds no outputs of dqkit", "name a new or empty folder with --out")
    if marker is None:
        said = {"recipe": recipe.name, "recipe_sha256": recipe.sha256}
        write_whole(path / _MARKER, lambda file: file.write(json.dumps(said, sort_keys=True).encode()))
    elif marker.get("recipe_sha256") != recipe.sha256:
        raise DqkitError(
            f"{path} holds outputs of another recipe ({marker.get('recipe')})", "name another folder with --out"
        )


def _sweep(images: Path) -> None:
    """Remove what a killed run was writing."""
    for folder, _, files in os.walk(images):
        for name in files:
            if name.startswith(".") and name.endswith(PARTIAL):
                Path(folder, name).unlink(missing_ok=True)


def _read_manifest(path: Path) -> pl.DataFrame:
    if not path.exists():
        return empty(HARMONIZED)
    try:
        return conform(pl.read_parquet(path), HARMONIZED)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DqkitError(f"{path} is damaged", "remove it, and run again: outputs are made anew") from error


def _read_journal(path: Path) -> list[list[Row]]:
    """Read the journal that a killed run left; a last line that was cut short counts for nothing."""
    if not path.exists():
        return []
    rows, whole = [], 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            rows.append(json.loads(line))
            whole += len(line)
    os.truncate(path, whole)
    return rows


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
