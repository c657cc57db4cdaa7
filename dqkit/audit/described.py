"""What the descriptions of a series say of it: modality, plane, side, contrast agent, position of the patient.

Each function returns an expression that is a word of dqkit's own or "" where the texts say nothing, or say both: a
description that names left and right is no contradiction to either. Words are in English, German, French, Spanish
and Chinese, in the Rust dialect of regular expressions.
"""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from dqkit.rulebook.recogniser import normalised, usual_recognisers
from dqkit.rulebook.vocabulary import load_table

NOTHING = ""

_SERIES = ("SeriesDescription", "ProtocolName")
_ALL = ("SeriesDescription", "ProtocolName", "StudyDescription")

_BETWEEN = r"[_\^,;:=()\[\]{}<>\\.|]+"
"""What parts words and is no word character of regular expressions, or (underscore) is one."""

_MODALITIES = {
    "CT": r"\b(ct|cta|ccta|hrct|ldct|tdm)\b|computed tomograph|computertomogra|tomodensitom|tomograf[ií]a comput",
    "MR": r"\b(mr|mri|mra|mrt|mrcp|fmri|irm|rmn)\b|magnetic resonance|magnetresonanz|kernspin|resonancia magn"
    r"|磁共振|核磁",
    "other": r"\b(pet|spect|pt|nm|us|dx|cr|fusion|fused|fus|registered|resampled|coreg\w*)\b|ultraso|融合|超声",
}

_PLANES = {
    "AXIAL": r"\b(ax|axi|axial|axiale?s?|tra|transv?|transverse|transversale?)\b|横断|轴位",
    "SAGITTAL": r"\b(sag|sagg?it+ale?s?)\b|矢状",
    "CORONAL": r"\b(cor|coronale?s?|koronare?|kor)\b|冠状",
}

_NO_SIDE = (
    r"\b(left|right|lt|rt)\s+(\w+\s+)?(oblique|decubitus|ventric\w*|atri\w*|anterior|posterior)\b"
    r"|\b(left|right)\s+to\s+(left|right)\b|\bright\s+(away|now|before|after)\b"
)
"""Views and parts of unpaired organs, which say nothing of the side of the body."""

_SIDES = {
    "L": r"\b(left|links?|linker?|gauche|izquierd[oa]|izda?|izq)\b|左|\b[lL][ -]?(cc|mlo|ml|lm|xccl)\b",
    "R": r"\b(right|rechts?|rechter?|droite?|derech[oa]|dcha?)\b|右|\b[rR][ -]?(cc|mlo|ml|lm|xccl)\b",
    "both": r"\b(bilat\w*|both|beide\w*|bds|ambos|ambas|deux)\b|双侧|两侧|双",
}

_CONTRAST = {
    "with": (
        r"(^|\s)\+\s?(c|k|km|gd)\b|\b(c|km|gd)\+|\bpost\s?-?(contrast|gad\w*|gd|gado|km|inj\w*|c)\b"
        r"|\bcontrast[ -]?enhanced\b|\b(with|w|w/|mit|nach|avec|apr[eè]s|con)\s?(iv\s)?"
        r"(contrast\w*|contraste|km|kontrast\w*|injection|gado\w*|gd)\b"
        r"|\b(arterial|portal|portovenous|nephrographic|excretory)\b|\binject[eé]e?\b|增强|动脉期|静脉期|门脉期|延迟期"
        r"|\b(gadovist|dotarem|magnevist|omniscan|primovist|eovist|isovue|omnipaque|ultravist|visipaque|iomeron)\b"
    ),
    "without": (
        r"\b(without|w/o|wo|ohne|sans|sin)\b|\bnon[ -]?(contrast|con|ce|enhanced)\b|\bunenhanced\b|\bplain\b"
        r"|\bnative?\b|\bpre\s?-?(contrast|gad\w*|gd|km|c)\b|\bc-(\s|$)|(^|\s)-c\b|平扫"
    ),
}

_NO_AGENT = r"\b(with|without|w/o|wo|w)\s*(fs|fat\w*|sat\w*|motion|asir|mar|sense|breath\w*|bh|fluid|tilt|angle)\b"
"""What can be left out besides an agent."""

_LYING = {
    "supine": r"\b(supine|r[uü]ckenlage|d[eé]cubitus dorsal|dec[uú]bito supino)\b|仰卧",
    "prone": r"\b(prone|bauchlage|procubitus|dec[uú]bito prono)\b|俯卧",
}


def described_modality() -> pl.Expr:
    """Return ``CT`` or ``MR`` where SeriesDescription or ProtocolName names that modality and no other."""
    return _sole_word(_SERIES, _MODALITIES, silent=("other",))


def described_plane() -> pl.Expr:
    """Return the plane (``AXIAL``, ``SAGITTAL``, ``CORONAL``) that SeriesDescription names."""
    return _sole_word(("SeriesDescription",), _PLANES)


def described_side() -> pl.Expr:
    """Return the side (``L``, ``R``) that the descriptions of series, protocol and study name."""
    return _sole_word(_ALL, _SIDES, silent=("both",), drop=_NO_SIDE)


def described_contrast() -> pl.Expr:
    """Return ``with`` or ``without`` contrast agent, as SeriesDescription says."""
    return _sole_word(("SeriesDescription",), _CONTRAST, drop=_NO_AGENT)


def described_lying() -> pl.Expr:
    """Return ``prone`` or ``supine``, as the descriptions of series and protocol say."""
    return _sole_word(_SERIES, _LYING)


def described_region() -> pl.Expr:
    """Return the region (a key of regions.yaml) that the first description to name one names."""
    worded = [one for one in usual_recognisers().regions if one.words]

    def region_in(column: str) -> pl.Expr:
        text = normalised(column)
        return pl.coalesce(pl.when(text.str.contains(one.words)).then(pl.lit(one.name)) for one in worded)

    told = [
        _once(pl.col(column), lambda texts: texts.select("text", region_in("text").alias("word"))) for column in _ALL
    ]
    return pl.coalesce(*told, pl.lit(NOTHING))


def body_part_region() -> pl.Expr:
    """Return the region (a key of regions.yaml) of the term in BodyPartExamined; "" for other texts."""
    regions = {term: str(row["region"]) for term, row in load_table("body-parts").items()}
    term = pl.col("BodyPartExamined").str.to_uppercase().str.replace_all(r"[^A-Z]+", "")
    return term.replace_strict(regions, default=NOTHING, return_dtype=pl.String).fill_null(NOTHING)


def _sole_word(columns: Sequence[str], words: Mapping[str, str], silent: Sequence[str] = (), drop: str = "") -> pl.Expr:
    """Return the one word of which the texts have a form; "" where there is none, several, or one of those `silent`."""

    def told(texts: pl.LazyFrame) -> pl.LazyFrame:
        return texts.select("text", _word_in(_plain(pl.col("text"), drop), words, silent).alias("word"))

    joined = pl.concat_str(columns, separator=" | ", ignore_nulls=True)
    return _once(joined, told).fill_null(NOTHING)


def _once(text: pl.Expr, told: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.Expr:
    """Return what `told` makes (`word`) of each distinct `text`: one that a thousand series bear is looked at once."""

    def of_texts(texts: pl.Series) -> pl.Series:
        every = texts.alias("text").to_frame().lazy()
        found = every.join(told(every.unique()), on="text", how="left", nulls_equal=True, maintain_order="left")
        return found.select("word").collect().to_series()

    return text.map_batches(of_texts, return_dtype=pl.String(), is_elementwise=False)


def _plain(text: pl.Expr, drop: str) -> pl.Expr:
    text = text.str.to_lowercase().str.replace_all(_BETWEEN, " ")
    return text.str.replace_all(drop, " ") if drop else text


def _word_in(text: pl.Expr, words: Mapping[str, str], silent: Sequence[str]) -> pl.Expr:
    found = {word: text.str.contains(forms) for word, forms in words.items()}
    number = pl.sum_horizontal(found.values())
    chosen = pl.lit(NOTHING)
    for word, there in found.items():
        if word not in silent:
            chosen = pl.when(there & (number == 1)).then(pl.lit(word)).otherwise(chosen)
    return chosen
