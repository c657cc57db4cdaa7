"""Open rules, filled in and judged on whole examinations: from the file to the finding."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dqkit.audit.result import AuditResult
from dqkit.audit.run import audit
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import IndexOptions, index
from dqkit.rulebook.book import load_book
from dqkit.rulebook.document import Mark, as_node
from dqkit.rulebook.params import instantiate
from tests.audit.seeding import BODY, CHEST, HEAD
from tests.dicom_factory import Exam, ct_series, fundus_image, mg_study, mr_series, pt_series, write

UNKNOWN = "unknown"

CASES: list[tuple[str, str, dict[str, Any], str | None]] = [
    ("ACQ-101", "chest", {"max_mm": 2.5}, "SliceThickness 3"),
    ("ACQ-101", "chest", {"min_mm": 1, "max_mm": 3}, None),
    ("ACQ-102", "diffusion", {"max_mm": 2}, "acquired pixel along the phase direction 7.5 mm"),
    ("ACQ-103", "diffusion", {"max_mm": 7.5}, None),
    ("ACQ-104", "diffusion", {"max_mm": 220}, "field of view 240 mm"),
    ("ACQ-105", "diffusion", {"max_mm": 0}, None),
    ("ACQ-106", "diffusion", {"min_t": 7}, "field strength 3 T"),
    ("ACQ-111", "diffusion", {"ranges": [[0, 100], [1400, None]]}, "b-values 0, 500, 1000; none at least 1400"),
    ("ACQ-111", "diffusion", {"ranges": [[0, 100], [800, 1000]]}, None),
    ("ACQ-112", "dynamic", {"max_s": 1}, "time from volume to volume 2 s"),
    ("ACQ-113", "dynamic", {"min_s": 60}, "duration of dynamic imaging 8 s"),
    ("ACQ-114", "chest", {"max_mgy": 3}, "CTDIvol 6.2 mGy"),
    ("ACQ-115", "chest", {"min_rows": 128}, "detector rows: 64"),
    ("ACQ-117", "breast", {"views": ["R-CC", "L-CC", "R-MLO", "L-MLO"]}, "views without L-MLO"),
    ("ACQ-118", "eye", {"min_pixels": 20}, "pixels a degree: 2"),
    ("ACQ-120", "chest", {"values": ["B70f"]}, "kernel STANDARD"),
    ("ACQ-121", "chest", {"min_slices": 9}, "slices: 8"),
    ("ACQ-123", "tracer", {"min_min": 55, "max_min": 75}, None),
    ("ACQ-123", "tracer", {"min_min": 90}, "uptake time 60 minutes"),
    ("ACQ-112", "chest", {"max_s": 15}, UNKNOWN),
    ("ACQ-117", "diffusion", {"views": ["R-CC"]}, UNKNOWN),
    ("ACQ-125", "eye", {"min_rows": 65, "min_columns": 90}, "Rows 64"),
]
"""rule, examination, values of a pack, what is observed: None where it passes, UNKNOWN where nothing was recorded."""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Return a catalog of one examination a folder; what it is stands in its name."""
    root = tmp_path_factory.mktemp("protocols") / "archive"
    made = {
        "diffusion": mr_series(Exam(site="diffusion"), HEAD, contrast="DWI", b_values=(0, 500, 1000)),
        "dynamic": mr_series(Exam(site="dynamic"), HEAD, contrast="GRE", time_points=4),
        "chest": ct_series(Exam(site="chest"), CHEST, TotalCollimationWidth=40.0, SingleCollimationWidth=0.625),
        "breast": mg_study(Exam(site="breast"), 80, 60)[:3],
        "tracer": pt_series(Exam(site="tracer"), BODY),
        "eye": fundus_image(Exam(site="eye"), rows=64, columns=90),
    }
    for name, series in made.items():
        write(series, root / name)
    catalog = Catalog.create(root.parent / "catalog", load_key().fingerprint, "test")
    index(catalog, [root], IndexOptions(pixels="none"))
    return catalog


@pytest.fixture(scope="module")
def result(catalog: Catalog) -> AuditResult:
    """Return the audit of all cases at once, each a variant of its rule."""
    book, mark = load_book(), Mark(Path("pack.yaml"), 1)
    filled = []
    for number, (rule_id, _, values, _) in enumerate(CASES):
        rule = instantiate(book.get(rule_id), {name: as_node(value, mark) for name, value in values.items()})
        filled.append(replace(rule, variant=f"pack/{number}"))
    return audit(catalog, filled, load_key())


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{CASES[n][0]}-{CASES[n][1]}")
def test_a_protocol_is_held_against_the_files(number: int, result: AuditResult) -> None:
    _, site, _, observed = CASES[number]
    here = (pl.col("variant") == f"pack/{number}") & (pl.col("site") == site)
    verdicts = result.outcomes.filter(here)["verdict"].to_list()
    assert verdicts == ["unknown" if observed == UNKNOWN else "pass" if observed is None else "fail"]
    assert result.findings.filter(here)["observed"].to_list()[:1] == ([observed] if verdicts == ["fail"] else [])
