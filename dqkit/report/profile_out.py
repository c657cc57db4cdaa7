"""The folder that ``dqkit profile --out`` names: the page and the tables it was made from."""

from pathlib import Path

import polars as pl

from dqkit.profile.profile import Attributes
from dqkit.report.folder import make_folder, replacing, telling_of_disk, write_file
from dqkit.report.profile_html import ProfilePage, render_profile

PAGE = "profile.html"
ATTRIBUTES = "profile.parquet"
CHANGES = "changes.parquet"


def write_profile(
    page: ProfilePage, attributes: Attributes, changes: pl.DataFrame, out: Path, lang: str = "en"
) -> None:
    """Write the page, a row for each group and attribute, and every change; folder 0700, files 0600.

    Raises
    ------
    DqkitError
        `out` is a file, or may not be made or written to.
    IncompleteError
        The disk is full or failed.
    """
    with telling_of_disk():
        make_folder(out)
        for name, frame in ((ATTRIBUTES, attributes.rows), (CHANGES, changes)):
            with replacing(out / name) as file:
                frame.write_parquet(file)
        write_file(out / PAGE, render_profile(page, lang).encode())
