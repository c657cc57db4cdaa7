"""Options that several commands share, so that they read alike everywhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CATALOG = Path("dqkit-catalog")
DEFAULT_OUT = Path("dqkit-report")


class Language(StrEnum):
    """Languages of reports and messages."""

    EN = "en"
    ZH = "zh"


class FailOn(StrEnum):
    """From which severity on a failing rule fails the run."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


class Pixels(StrEnum):
    """Which images are decoded."""

    NONE = "none"
    SAMPLE = "sample"
    ALL = "all"


class Engine(StrEnum):
    """Who counts."""

    POLARS = "polars"
    GX = "gx"


CatalogOption = Annotated[
    Path, typer.Option("--catalog", help="Folder of the catalog. Never inside a source.", show_default=True)
]
SiteOption = Annotated[str | None, typer.Option("--site", help="Name the one hospital that all these files are from.")]
SiteFromOption = Annotated[
    str | None,
    typer.Option(
        "--site-from",
        metavar="path:1|tag:InstitutionName|FILE.csv",
        help="Where a file's hospital is named: the n-th folder below the root, an attribute, or a table (folder,site)."
        " Unless told: the first folder where the root holds two or more, else InstitutionName, else the root's name.",
    ),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes that read headers.", show_default="one a core")
]
PixelsOption = Annotated[
    Pixels, typer.Option("--pixels", help="Decode no image, the first, middle and last of every series, or all.")
]
ConfirmOption = Annotated[
    bool, typer.Option("--confirm-removed", help="Accept that more than 1 % of a source's files are gone.")
]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key-file", help="Key of the pseudonyms (else DQKIT_KEY, else the one in your configuration)."),
]
LangOption = Annotated[Language, typer.Option("--lang", help="Language of the report and of messages.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
SelectOption = Annotated[
    list[str] | None,
    typer.Option("--select", metavar="RULE", help="Only these rules: an id, a family (GEO), a name or a pattern."),
]
IgnoreOption = Annotated[list[str] | None, typer.Option("--ignore", metavar="RULE", help="Not these rules.")]
RulesOption = Annotated[
    list[Path] | None,
    typer.Option("--rules", metavar="FILE|DIR", help="Further rules of your own beside those shipped."),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="site=NAME|Modality=CT", help="Judge these sites and modalities alone; repeat it."),
]
CohortOption = Annotated[
    Path | None,
    typer.Option("--cohort", metavar="FILE", help="Look at the series of this cohort alone (dqkit select writes it)."),
]
WaiversOption = Annotated[
    Path | None,
    typer.Option(
        "--waivers", metavar="FILE", help="Accepted findings, with owner, reason and expiry (docs/waivers.md)."
    ),
]
PackOption = Annotated[
    list[str] | None,
    typer.Option(
        "--pack",
        metavar="NAME[@VERSION]|FILE",
        help="Judge by this protocol pack beside the book (dqkit packs list).",
    ),
]


def many(values: list[str] | None) -> list[str]:
    """Return what was given, commas apart: ``--select GEO,IDN-001`` names two."""
    return [part for value in values or [] for part in value.split(",") if part]
