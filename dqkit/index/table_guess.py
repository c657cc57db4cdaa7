"""Finds out what the columns of a table mean by their headers: keywords, names and tags of PS3.6, usual names."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from dqkit.errors import DqkitError
from dqkit.index.table_file import RawTable
from dqkit.index.table_mapping import INSTANCE_LEVEL, SERIES_LEVEL, STUDY_LEVEL, TARGETS, Column, TableMapping
from dqkit.index.table_units import split_header

KEYWORD, NAME, TAG, NEAR = "keyword", "name", "tag", "near"
_CERTAIN = (KEYWORD, TAG, NAME, NEAR)
"""How a header can be recognised, the surest first."""

_NEAR_ENOUGH = 91.0
"""Similarity (rapidfuzz ratio, 0 to 100) from which a header counts as misspelt: two letters in a name of twenty."""

_LONG_ENOUGH = 6
_MOST_NEAR = 500
"""Columns of a table that are compared letter by letter."""

_TAG = re.compile(r"[(\[]?\s*([0-9A-Fa-f]{4})[,\s_]?\s*([0-9A-Fa-f]{4})\s*[)\]]?")
_NOISE = re.compile(r"[\s_\-./\\'’#:：·]+")
_VALUE_LIKE = re.compile(r"[0-9]{4,}|[^\w\s.,()（）\[\]/%#:°²-]|\^|.{61,}")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Meaning:
    """What a header means, and how that was found."""

    to: str
    how: str
    unit: str = ""


class Headers:
    """Knows what headers mean.

    Parameters
    ----------
    usual
        Attribute (a key of TARGETS) -> usual names of it.
    """

    def __init__(self, usual: Mapping[str, tuple[str, ...]]) -> None:
        self._keywords = {fold(name): name for name in TARGETS}
        self._names: dict[str, str] = {}
        for name, words in _names_of_the_standard().items():
            self._names.setdefault(fold(words), name)
        for name, words_of_one in usual.items():
            for words in words_of_one:
                self._names.setdefault(fold(words), name)
        self._tags = _tags()

    def exactly(self, header: str) -> Meaning | None:
        """Return what a header means that is spelt as somebody knows it."""
        header = unicodedata.normalize("NFKC", header).strip()
        if found := _TAG.fullmatch(header):
            to = self._tags.get((found[1] + found[2]).upper())
            if to:
                return Meaning(to, TAG)
        bare, unit = split_header(header)
        without_tag = _TAG.sub("", bare).strip() or bare
        for text in (header, bare, without_tag):
            folded = fold(text)
            if folded in self._keywords:
                return Meaning(self._keywords[folded], KEYWORD, unit if text != header else "")
            if folded in self._names:
                return Meaning(self._names[folded], NAME, unit if text != header else "")
        return None

    def nearly(self, header: str) -> Meaning | None:
        """Return what a misspelt header of Latin letters may mean."""
        from rapidfuzz import fuzz, process

        bare, unit = split_header(header)
        folded = fold(bare)
        if len(folded) < _LONG_ENOUGH or not folded.isascii() or folded[-1].isdigit():
            return None
        known = {text: to for text, to in (self._names | self._keywords).items() if len(text) >= _LONG_ENOUGH}
        best = process.extract(folded, list(known), scorer=fuzz.ratio, score_cutoff=_NEAR_ENOUGH, limit=2)
        meant = {known[text] for text, _, _ in best}
        return Meaning(meant.pop(), NEAR, unit) if len(meant) == 1 else None


def guess(raw: RawTable, headers: Headers) -> TableMapping:
    """Return a mapping of the columns whose headers are known.

    Raises
    ------
    DqkitError
        Nothing in it names a study, a series or a patient.
    """
    found: dict[str, Column] = {}
    near_ones = len(raw.headers) <= _MOST_NEAR
    for header in dict.fromkeys(raw.headers):
        meaning = headers.exactly(header) or (headers.nearly(header) if near_ones and header else None)
        if meaning is None:
            continue
        better = found.get(meaning.to)
        if better is None or _CERTAIN.index(meaning.how) < _CERTAIN.index(better.how):
            unit = meaning.unit if meaning.to != "PatientAge" else _age_unit(header)
            found[meaning.to] = Column(header, meaning.to, unit=unit, how=meaning.how)
    if "PatientAge" in found and not found["PatientAge"].unit:
        found["PatientAge"] = Column(found["PatientAge"].header, "PatientAge", unit="Y", how=found["PatientAge"].how)
    if not found.keys() & {"StudyInstanceUID", "SeriesInstanceUID", "AccessionNumber", "PatientID"}:
        raise DqkitError(
            f"none of the {len(raw.headers):,} headers of the table names a patient, study or series",
            "does its first row hold headers? Otherwise write a mapping: docs/tables.md",
        )
    columns = tuple(sorted(found.values(), key=lambda column: raw.headers.index(column.header)))
    return TableMapping("guess", columns, level=_level(found))


def _age_unit(header: str) -> str:
    folded = fold(header)
    return next(
        (unit for word, unit in (("month", "M"), ("月", "M"), ("day", "D"), ("天", "D")) if word in folded), "Y"
    )


def _level(found: Mapping[str, Column]) -> str:
    if "SOPInstanceUID" in found:
        return INSTANCE_LEVEL
    of_series = {"SeriesInstanceUID", "SeriesNumber", "SeriesDescription"}
    return SERIES_LEVEL if found.keys() & of_series else STUDY_LEVEL


def fold(text: str) -> str:
    """Return a header without case, blanks and punctuation, in compatibility form."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", text)).casefold()


def may_be_shown(header: str) -> bool:
    """Tell whether a header is words rather than a value: a table without headers begins with a patient."""
    return bool(_LETTER.search(header)) and not _VALUE_LIKE.search(header)


@cache
def _names_of_the_standard() -> dict[str, str]:
    from pydicom.datadict import dictionary_description, tag_for_keyword

    return {name: dictionary_description(tag) for name in TARGETS if (tag := tag_for_keyword(name)) is not None}


@cache
def _tags() -> dict[str, str]:
    from pydicom.datadict import tag_for_keyword

    tags = {f"{tag:08X}": name for name in TARGETS if (tag := tag_for_keyword(name)) is not None}
    return tags | {"00201209": "n_instances", "00083002": "TransferSyntaxUID"}  # what QIDO-RS says of a series
