"""``dqkit waive``: accept a finding, with an owner, a reason and a last day."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dqkit.cli import options as opt
from dqkit.errors import DqkitError

if TYPE_CHECKING:
    from dqkit.catalog.store import Catalog
    from dqkit.identity import Pseudonyms

FILE = Path("waivers.yaml")


class Wide(StrEnum):
    """How much is accepted."""

    FINDING = "finding"
    SERIES = "series"
    PATIENT = "patient"
    PROBLEM = "problem"
    SITE = "site"


def waive(
    finding: Annotated[
        str, typer.Argument(metavar="FINDING_ID", help="Its id or pseudonym, or the first characters of it.")
    ],
    owner: Annotated[str, typer.Option("--owner", metavar="NAME", help="Who answers for it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it is acceptable.")],
    expires: Annotated[str, typer.Option("--expires", metavar="YYYY-MM-DD", help="The last day on which it holds.")],
    scope: Annotated[
        Wide, typer.Option("--scope", help="What else of its rule is accepted: all of its series, patient …")
    ] = Wide.FINDING,
    waivers: Annotated[Path, typer.Option("--waivers", metavar="FILE", help="The file to add it to.")] = FILE,
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    key_file: opt.KeyOption = None,
) -> None:
    """Accept a finding: add a waiver to waivers.yaml. It neither fails nor disappears, until the day that you name.

    [bold]Examples[/bold]

      dqkit waive 3f9a2c --owner "Ada Example" --reason "outside the organ" --expires 2027-05-31

      dqkit waive 3f9a2c --scope problem --owner "Ada Example" --reason "known fault, see minutes" --expires 2027-05-31
    """
    from dqkit.audit.explanation import finding_named
    from dqkit.catalog.store import Catalog
    from dqkit.gate.waiver_file import append_waiver, read_day
    from dqkit.gate.waivers import Waiver
    from dqkit.identity import load_key

    pseudonyms = load_key(key_file)
    opened = Catalog(catalog, pseudonyms.fingerprint)
    row = finding_named(opened, finding, pseudonyms)
    if not owner.strip() or not reason.strip():
        raise DqkitError("a waiver names its owner and its reason", "give both --owner and --reason")
    value = _value(scope, row, opened, pseudonyms)
    waiver = Waiver(
        rule=row["rule_id"],
        variant=row["variant"] or "",
        scope={scope.value: value},
        owner=owner.strip(),
        reason=reason.strip(),
        expires=read_day(expires, "--expires"),
    )
    append_waiver(waivers, waiver)
    typer.echo(f"{waivers}: {waiver.what}, until {waiver.expires}")


def _value(scope: Wide, row: dict[str, Any], catalog: Catalog, pseudonyms: Pseudonyms) -> str:
    """Return what the waiver's scope says: a pseudonym, a problem or a site."""
    import polars as pl

    from dqkit.catalog.schema import FINDINGS
    from dqkit.gate.places import with_places
    from dqkit.gate.waivers import SCOPES

    placed = with_places(pl.DataFrame([row], schema=FINDINGS), catalog, pseudonyms).row(0, named=True)
    value = placed[SCOPES[scope.value]]
    if not value:
        raise DqkitError(f"this finding belongs to no {scope.value}", "choose another --scope")
    return str(value)
