"""What `dqkit select` writes: the cohort file, and beside it what tells of it."""

import csv
import hashlib
import io
import json
import os
from pathlib import Path

import polars as pl

from dqkit.archive.paths import unescape
from dqkit.catalog.cohort import cohort_bytes
from dqkit.cohort.select import Selected
from dqkit.identity import Pseudonyms
from dqkit.index.sources import root_path
from dqkit.report.cohort_html import render_cohort
from dqkit.report.cohort_text import attrition_markdown, selected_to_json
from dqkit.report.flow_svg import flow_svg
from dqkit.report.folder import make_folder, replacing, telling_of_disk, write_file
from dqkit.report.neutral import neutral
from dqkit.report.words import LANGUAGES


def write_cohort(selected: Selected, out: Path, lang: str, *, by_site: bool) -> dict[str, Path]:
    """Write the cohort file and, beside it, its attrition as JSON, Markdown and HTML and a flow picture a language.

    All files are 0600. The cohort file comes last, so that it is there when all is.

    Returns
    -------
    What each file is (``cohort``, ``json``, ``markdown``, ``html``, ``svg-en`` …), and where.
    """
    content = cohort_bytes(selected.decisions, selected.basis)
    told = selected_to_json(selected, hashlib.sha256(content).hexdigest())
    title = selected.policy.title
    beside = {
        "json": (".json", json.dumps(told, ensure_ascii=False, indent=1)),
        "markdown": (".md", attrition_markdown(selected, lang)),
        "html": (".html", render_cohort(selected, lang, by_site=by_site)),
        **{
            f"svg-{name}": (f".{name}.svg", flow_svg(selected.attrition, title[name], name, by_site=by_site))
            for name in LANGUAGES
        },
    }
    paths = {"cohort": out, **{what: _beside(out, suffix) for what, (suffix, _) in beside.items()}}
    with telling_of_disk():
        make_folder(out.parent)
        for what, (_, text) in beside.items():
            write_file(paths[what], text.encode())
        write_file(out, content)
    return paths


def _beside(out: Path, suffix: str) -> Path:
    stem = out.name.removesuffix(".parquet")
    return out.with_name(stem + suffix)


def write_paths(files: pl.DataFrame, path: Path, pseudonyms: Pseudonyms) -> None:
    """Write the list of `files` (cohort.files.FILES) as CSV: absolute paths byte by byte, in-house, 0600."""
    columns = ("site", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Modality", "InstanceNumber")
    people: dict[str | None, str] = {None: ""}
    roots = {root: os.fsencode(root_path(root)) for root in files["root"].unique()}
    with telling_of_disk():
        make_folder(path.parent)
        with replacing(path) as raw:
            file = io.TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", newline="", write_through=True)
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("path", "patient", *columns))
            for row in files.iter_rows(named=True):
                key = row["patient_key"]
                if key not in people:
                    people[key] = pseudonyms.of("patient", key)
                where = os.fsdecode(os.path.join(roots[row["root"]], unescape(row["path"])))  # noqa: PTH118 - bytes
                cells = ("" if row[name] is None else neutral(str(row[name])) for name in columns)
                writer.writerow((where, people[key], *cells))
            file.detach()
