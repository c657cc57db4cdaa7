"""What a profile is cut by: site, scanner, protocol, or any attribute of a series."""

import difflib
from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from dqkit.catalog.schema import PER_INSTANCE, SERIES
from dqkit.errors import DqkitError
from dqkit.identity import Pseudonyms
from dqkit.privacy.identifying import is_identifying

FIRST_YEAR = 1970
"""Earlier and future studies do not count for years; rule FMT-048 names them."""

_PSEUDONYM = 6
"""Digits of a pseudonym, as many as the protocols of findings have."""

_LONGEST = 80

NAMED = ("site", "modality", "scanner", "protocol", "vendor", "year")
"""Words that ``--by`` knows besides the attributes of a series."""


def with_modality(names: tuple[str, ...]) -> tuple[str, ...]:
    """Add the modality: completeness of KVP says nothing over CT and MR together."""
    return names if "modality" in names else (*names, "modality")


def parse_grouping(words: Sequence[str]) -> tuple[str, ...]:
    """Read what was typed behind ``--by``; return the names of the columns, ``site`` where nothing was.

    Raises
    ------
    DqkitError
        A word is neither one of `NAMED` nor an attribute of a series.
    """
    allowed = {name.lower(): name for name in (*NAMED, *(n for n in SERIES if n[:1].isupper()))}
    names: list[str] = []
    for word in words:
        name = allowed.get(word.strip().lower())
        if name is None:
            close = difflib.get_close_matches(word.lower(), list(allowed), 3)
            meant = f"; did you mean {', '.join(allowed[c] for c in close)}?" if close else ""
            inside = next((n for n in PER_INSTANCE if n.lower() == word.strip().lower()), None)
            reason = f"{inside} differs from image to image" if inside else "there is nothing of that name in a series"
            raise DqkitError(
                f"a profile cannot be cut by {word.strip()[:60]!r}: {reason}",
                f"name {', '.join(NAMED)}, or an attribute such as SliceThickness{meant}",
            )
        names.append("modality" if name == "Modality" else name)
    return tuple(dict.fromkeys(names)) or ("site",)


def scanner_name() -> pl.Expr:
    """Name a scanner by manufacturer and model, neither of which Table E.1-1 of PS3.15 lists."""
    name = pl.concat_str("Manufacturer", "ManufacturerModelName", separator=" ", ignore_nulls=True)
    return name.str.replace_all(r"\s+", " ").str.strip_chars().str.slice(0, _LONGEST).replace("", None)


def plausible_year(date: str = "study_date") -> pl.Expr:
    """Return the year of a date, null where no study can be of that year."""
    year = pl.col(date).dt.year()
    return pl.when(year.is_between(FIRST_YEAR, datetime.now(UTC).year)).then(year)


def grouped(
    series: pl.LazyFrame, names: tuple[str, ...], pseudonyms: Pseudonyms | None
) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """Give every series the number of its group.

    Identifying values (PS3.15 Table E.1-1) never name a group: a pseudonym does.

    Parameters
    ----------
    names
        As `parse_grouping` returns them.

    Returns
    -------
    The series with `group`, and one row a group: group, a column of text for each name, series (count).
    """
    cut = series.with_columns(_text_of(name).alias(f"by {name}") for name in names)
    own = [f"by {name}" for name in names]
    groups = (
        cut.group_by(own).agg(pl.len().cast(pl.Int64).alias("series")).sort(*own, nulls_last=True).collect()
    ).with_row_index("group")
    cut = cut.join(groups.lazy().select("group", *own), on=own, how="left", nulls_equal=True).drop(own)
    named = groups.rename({f"by {name}": name for name in names})
    hidden = [name for name in names if name == "protocol" or is_identifying(name)]
    return cut, named.with_columns(_pseudonymous(named[name], pseudonyms) for name in hidden)


def _text_of(name: str) -> pl.Expr:
    named = {
        "site": pl.col("site"),
        "modality": pl.col("Modality"),
        "scanner": scanner_name(),
        "vendor": pl.col("Manufacturer").str.strip_chars().replace("", None),
        "year": plausible_year().cast(pl.String),
        "protocol": pl.concat_str("ProtocolName", "SeriesDescription", separator="\x1f", ignore_nulls=True),
    }
    if name in named:
        return named[name].replace("", None)
    value = pl.col(name)
    if isinstance(SERIES[name], pl.List):
        value = value.list.eval(pl.element().cast(pl.String)).list.join("\\")
    text = value.cast(pl.String)
    return text if is_identifying(name) else text.str.slice(0, _LONGEST)


def _pseudonymous(values: pl.Series, pseudonyms: Pseudonyms | None) -> pl.Series:
    if pseudonyms is None:
        return pl.Series(values.name, [None] * len(values), dtype=pl.String)
    known = values.drop_nulls().unique().to_list()
    kind = "protocol" if values.name == "protocol" else f"profile {values.name}"
    names = {value: pseudonyms.of(kind, value)[:_PSEUDONYM] for value in known}
    return values.replace_strict(names, default=None, return_dtype=pl.String)
