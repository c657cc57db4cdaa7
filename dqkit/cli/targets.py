"""What a command was pointed at: folders of images, or a catalog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dqkit.cli import index as indexing
from dqkit.errors import DqkitError

if TYPE_CHECKING:
    from dqkit.catalog.store import Catalog


def meant(targets: list[Path], catalog: Path, done: str) -> tuple[list[Path], Path]:
    """Tell folders of images from a catalog; return the folders, and the catalog to use.

    Parameters
    ----------
    done
        What is done to it, for the error.

    Raises
    ------
    DqkitError
        A catalog was named beside something else, or a folder cannot be indexed.
    """
    catalogs = [target for target in targets if (target / "dqkit.json").is_file()]
    if not targets:
        return [], catalog
    if not catalogs:
        return indexing.checked_roots(targets, catalog), catalog
    if len(targets) > 1:
        raise DqkitError(f"a catalog is {done} alone", "name one catalog, or folders of images")
    return [], catalogs[0]


def keep_out_of(catalog: Catalog, out: Path, what: str) -> None:
    """Refuse to write `out` into the catalog or into one of its sources.

    Raises
    ------
    DqkitError
        It would lie there.
    """
    from dqkit.index.sources import keep_out, root_path

    if out.resolve().is_relative_to(catalog.path.resolve()):
        raise DqkitError(f"the {what} would lie inside the catalog", "name another folder with --out")
    keep_out(out, [root_path(root) for root in catalog.scan("sources").select("root").collect()["root"]], what)
