"""Recognisers: what a series is (its role) and what it shows (its region), by attributes first, by words second.

rules/recognisers/{roles,regions}.yaml hold those that ship; a pack may bring further ones. A recogniser is

  {as: flair, where: {Modality: MR, ScanningSequence: IR, EchoTime: {min: 70}}}     # by attributes
  {as: flair, where: {Modality: MR}, words: [flair, dark fluid], without: [t1]}     # by description

The first of the list that holds names the series. Where it has no words, each condition must be met; where it has
words, an attribute that is absent stands in no way. Words are regular expressions that stand between spaces or
punctuation; those in Chinese may stand anywhere. Descriptions identify people (PS3.15 Table E.1-1): they are looked
at, and never shown.
"""

import re
from dataclasses import dataclass, replace
from functools import cache

import polars as pl

from dqkit.model import Level
from dqkit.rulebook.document import Node, parse_document
from dqkit.rulebook.scope import Scope, read_scope
from dqkit.rulebook.section import Section, close_to
from dqkit.rulebook.vocabulary import load_table
from dqkit.shipped import shipped

ATTRIBUTES, DESCRIPTION = "attributes", "description"
"""What a series was recognised by."""

_HAN = re.compile(r"[\u4e00-\u9fff]")
_NO_READING = frozenset({"role", "role_by"})
"""Columns that recognisers themselves fill."""


@dataclass(frozen=True)
class Recogniser:
    """One way to recognise a role or a region.

    Attributes
    ----------
    name
        The role or region.
    where
        Conditions on the columns of a series.
    words
        Regular expression that a normalised description must hold (`normalised`); empty = it needs no words.
    without
        Regular expression that it must not hold; empty = whatever.
    by
        ATTRIBUTES or DESCRIPTION.
    contrast
        Whether contrast must have been given, by ContrastBolusAgent or else by a description.
    """

    name: str
    where: Scope
    words: str = ""
    without: str = ""
    by: str = ATTRIBUTES
    contrast: bool = False

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities it looks at; empty = all."""
        found = (c.values for c in self.where.conditions if c.column == "Modality" and c.kind == "in")
        return tuple(str(value) for values in found for value in values)

    def holds(self, hit: pl.Expr | None) -> pl.Expr:
        """Return whether a series is recognised; `hit` tells whether the words stand in its description."""
        met = [condition.compile().fill_null(value=self.by == DESCRIPTION) for condition in self.where.conditions]
        if hit is not None:
            met.append(hit)
        return pl.all_horizontal(met)


@dataclass(frozen=True)
class Recognisers:
    """All that are in use, in the order in which they are tried.

    `contrast_words` say in a description that contrast was given, `contrast_without` that it was not.
    """

    roles: tuple[Recogniser, ...]
    regions: tuple[Recogniser, ...]
    contrast_words: str
    contrast_without: str

    def after(self, roles: tuple[Recogniser, ...]) -> "Recognisers":
        """Return these, tried after further recognisers of roles."""
        return replace(self, roles=(*roles, *self.roles)) if roles else self


def read_recognisers(node: Node, table: str) -> tuple[Recogniser, ...]:
    """Read a list of recognisers; their names are keys of the vocabulary `table` (roles, regions).

    Raises
    ------
    DqkitError
        One makes no sense; names the file, the line, what is wrong and what is allowed.
    """
    if not isinstance(node.value, tuple):
        raise node.mark.error(f"{table} is a list of recognisers, not {node.word}")
    return tuple(_recogniser(Section(item, "the recogniser", Level.SERIES), table) for item in node.value)


@cache
def usual_recognisers() -> Recognisers:
    """Return those that ship with dqkit."""
    roles, regions = (_shipped(name) for name in ("roles", "regions"))
    contrast = Section(roles.need("contrast"), "contrast")
    found = Recognisers(
        read_recognisers(roles.need("recognise"), "roles"),
        read_recognisers(regions.need("recognise"), "regions"),
        _pattern(contrast, "words"),
        _pattern(contrast, "without"),
    )
    for section in (roles, regions, contrast):
        section.finish()
    return found


def _shipped(name: str) -> Section:
    path = shipped("rules") / "recognisers" / f"{name}.yaml"
    return Section(parse_document(path.read_text(encoding="utf-8"), path), "the file")


def normalised(column: str) -> pl.Expr:
    """Return a text as recognisers read it: lower case, words apart by single spaces, Chinese apart from the rest."""
    text = pl.col(column).str.to_lowercase().str.replace_all(r"[\s_\-^/\\,;:.()\[\]{}<>|=&'\"]+", " ")
    return text.str.replace_all(r"(\p{Han}+)", " $1 ")


def _recogniser(section: Section, table: str) -> Recogniser:
    name = section.text("as")
    known = load_table(table)
    if name not in known:
        raise section.need("as").mark.error(f"there is no {name!r} among the {table}", close_to(name, known, table))
    where = section.take("where")
    scope = read_scope(Section(where, "where", Level.SERIES)) if where is not None else Scope()
    for column in scope.columns:
        if column in _NO_READING:
            raise section.need("where").mark.error(f"a recogniser cannot read {column}, which it fills in")
    words, without = (_pattern(section, key) for key in ("words", "without"))
    by = section.choice("by", (ATTRIBUTES, DESCRIPTION), DESCRIPTION if words else ATTRIBUTES)
    contrast = section.flag("contrast", default=False)
    section.finish()
    if not words and (by == DESCRIPTION or not scope.conditions):
        raise section.error("has nothing to go by", "allowed: where (conditions on attributes), words")
    return Recogniser(name, scope, words, without, by, contrast)


def _pattern(section: Section, key: str) -> str:
    """Return one regular expression for all words under `key`."""
    texts = section.texts(key)
    anywhere = [text for text in texts if _HAN.search(text)]
    bounded = [text for text in texts if not _HAN.search(text)]
    parts = [*anywhere, *([rf"(?:^|\s)(?:{'|'.join(bounded)})(?:\s|$)"] if bounded else [])]
    pattern = "|".join(parts)
    try:
        pl.select(pl.lit("").str.contains(pattern))
    except pl.exceptions.PolarsError as error:
        raise section.need(key).mark.error(f"{key!r} holds no regular expression that Rust knows") from error
    return pattern
