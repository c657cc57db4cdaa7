"""``dqkit rules infer``: reads a catalog, writes the pack, says what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dqkit.errors import DqkitError, NothingToCheckError

if TYPE_CHECKING:
    from dqkit.catalog.store import Catalog
    from dqkit.profile.infer import Inferred
    from dqkit.rulebook.rule import Rule


def learn_pack(path: Path, out: Path, by: list[str], site: str | None, min_support: int, rules: Sequence[Path]) -> None:
    """Learn from the catalog at `path` and write the pack `out`.

    Raises
    ------
    DqkitError
        The file stands already or cannot be written, or groups cannot be made so.
    NothingToCheckError
        No group is large enough.
    """
    from dqkit.catalog.store import Catalog
    from dqkit.cli.targets import keep_out_of
    from dqkit.profile.infer import DEFAULT_BY
    from dqkit.profile.pack_text import pack_name, pack_text
    from dqkit.rulebook.book import load_book

    if out.exists():
        raise DqkitError(f"{out} stands already and may have been reviewed", "name another file with -o")
    if not out.absolute().parent.is_dir():
        raise DqkitError(f"there is no folder for {out}", "make it first, or name another file with -o")
    catalog = Catalog(path)
    keep_out_of(catalog, out, "pack")
    book = load_book(list(rules))
    found = _learnt(catalog, book.rules, by or list(DEFAULT_BY), site, min_support)
    if not (found.series or found.studies):
        raise NothingToCheckError(
            f"no group has {min_support} series",
            "ask for fewer with --min-support, or make wider groups with --by Modality",
        )
    text = pack_text(found, pack_name(out.stem), datetime.now(UTC).date())
    _write(out, text)
    _check(out, rules)
    _say(found, out)


def _learnt(catalog: Catalog, rules: Sequence[Rule], by: list[str], site: str | None, min_support: int) -> Inferred:
    from dqkit.audit.frames import frame_of
    from dqkit.cli.progress import shown_progress
    from dqkit.model import Level
    from dqkit.profile.infer import infer

    sites = catalog.scan("series").select("site").unique().sort("site").collect()["site"].to_list()
    if site is not None and site not in sites:
        raise DqkitError(f"there is no site {site!r} in this catalog", "its sites: " + ", ".join(map(str, sites[:20])))
    with shown_progress() as progress:
        progress.stage("learning")
        series, studies = frame_of(Level.SERIES, catalog), frame_of(Level.STUDY, catalog)
        return infer(series, studies, rules, by, min_support, site)


def _write(out: Path, text: str) -> None:
    from dqkit.report.folder import telling_of_disk, write_file

    with telling_of_disk():
        write_file(out, text.encode())


def _check(out: Path, rules: Sequence[Path]) -> None:
    """Load what was written, as an audit will: an error here is one of ours, and better seen now."""
    from dqkit.rulebook.book import load_book
    from dqkit.rulebook.pack import load_pack
    from dqkit.rulebook.pack_rules import with_packs

    with_packs(load_book(list(rules)), [load_pack(str(out.resolve()))])


def _say(found: Inferred, out: Path) -> None:
    from rich.text import Text

    from dqkit.cli.screen import screen
    from dqkit.profile.pack_text import left_out
    from dqkit.report.visible import visible

    console = screen()
    groups = (*found.series, *found.studies)
    lines = [line for group in groups for line in group.lines]
    off = sum(line.usual.n - line.usual.kept for line in lines)
    series = sum(group.n for group in found.series)
    console.print(Text(f"{series:,} series in {len(found.series):,} groups, {len(lines):,} lines, {off:,} exceptions"))
    for text in left_out(found):
        console.print(Text(text, style="dim"), soft_wrap=True)
    console.print(Text(f"Pack: {visible(out, 4096)} (in-house: it names protocols)"), soft_wrap=True)
    console.print(Text(f"Next: read it, then dqkit audit --pack {visible(out, 4096)}", style="dim"), soft_wrap=True)
