"""What segments are called in outputs: words of a vocabulary and verified codes, never text as people typed it.

ROIName and SegmentLabel are free text that can name a patient ("GTV Smith"), and so can the meaning of a code: texts
are looked up, and what is not found is left out.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from dqkit.labels.segments import Code, Said
from dqkit.rulebook.vocabulary import load_table

CATEGORIES = {
    "anatomy": Code("91723000", "SCT", "Anatomical Structure"),
    "tissue": Code("85756007", "SCT", "Tissue"),
    "altered": Code("49755003", "SCT", "Morphologically Abnormal Structure"),
    "region": Code("309825002", "SCT", "Spatial and Relational Concept"),
}
"""Categories of the vocabulary -> PS3.16 CID 7150."""

UNKNOWN = Code("111099", "DCM", "Selected region")
"""Kind of a segment whose name and code say nothing that may be kept."""

SIDES = {"left": Code("7771000", "SCT", "Left"), "right": Code("24028007", "SCT", "Right")}
_SIDE_WORDS = {
    **dict.fromkeys(("l", "lt", "left", "sin", "左"), "left"),
    **dict.fromkeys(("r", "rt", "right", "dex", "右"), "right"),
}
_SCHEMES = frozenset({"SCT", "SRT", "DCM", "FMA", "NCIt", "RADLEX", "UMLS"})
_VALUE = re.compile(r"[A-Za-z0-9.\-]{1,16}")
_NUMBER = re.compile(r"\d{1,3}")
_WORDS = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CHINESE = re.compile(r"[一-鿿]")

INTERPRETED = frozenset(
    {
        "EXTERNAL", "PTV", "CTV", "GTV", "TREATED_VOLUME", "IRRAD_VOLUME", "OAR", "BOLUS", "AVOIDANCE", "ORGAN",
        "MARKER", "REGISTRATION", "ISOCENTER", "CONTRAST_AGENT", "CAVITY", "BRACHY_CHANNEL", "BRACHY_ACCESSORY",
        "BRACHY_SRC_APP",
        "BRACHY_CHNL_SHLD", "SUPPORT", "FIXATION", "DOSE_REGION", "CONTROL", "DOSE_MEASUREMENT", "DEVICE",
    }
)  # fmt: skip
"""Defined terms of RTROIInterpretedType (PS3.3 C.8.8.8.1)."""

ALGORITHMS = frozenset({"AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"})


@dataclass(frozen=True)
class Named:
    """What may be said of a segment.

    Attributes
    ----------
    name
        Key of the vocabulary with side and number (``lung-left``, ``gtv-2``); empty where it is not known.
    kind, category, side
        Codes whose meanings are those of the standard, not of the file.
    interpreted
        RTROIInterpretedType where it is a defined term.
    algorithm
        AUTOMATIC, SEMIAUTOMATIC or MANUAL; empty where the file does not say.
    """

    name: str = ""
    kind: Code | None = None
    category: Code | None = None
    side: Code | None = None
    interpreted: str = ""
    algorithm: str = ""


def named(said: Said) -> Named:
    """Return what may be said of a segment: by its code where that is known, else by its name."""
    key, side, number = _looked_up(said.text)
    kind = verified(said.kind)
    row = load_table("structures").get(key)
    if row is None and kind is not None:
        key = _keys_by_code().get((kind.value, kind.scheme), "")
        row = load_table("structures").get(key)
    if kind is None and row is not None:
        kind = verified(Code(str(row["sct"]), "SCT"))
    told = verified(said.modifier)
    side = side or next((name for name, code in SIDES.items() if told is not None and told.value == code.value), "")
    category = verified(said.category) or (CATEGORIES[row["category"]] if row is not None else None)
    return Named(
        name="-".join(part for part in (key, side, number) if part) if key else "",
        kind=kind,
        category=category,
        side=SIDES.get(side),
        interpreted=said.interpreted if said.interpreted in INTERPRETED else "",
        algorithm=said.algorithm if said.algorithm in ALGORITHMS else "",
    )


def verified(code: Code | None) -> Code | None:
    """Return a code with the meaning that pydicom's dictionaries have for it, SNOMED-RT ones as SNOMED CT.

    Codes of well-known schemes that the dictionaries lack keep value and scheme without a meaning; others are None.
    """
    if code is None or not _VALUE.fullmatch(code.value) or code.scheme not in _SCHEMES | {"99SDM", "SNM3"}:
        return None
    value, scheme = code.value, code.scheme
    if scheme in {"SRT", "SNM3", "99SDM"}:
        from pydicom.sr._snomed_dict import mapping

        value = mapping["SRT"].get(value, value)
        scheme = "SCT" if value != code.value else "SRT"
    return Code(value, scheme, _meanings().get((value, scheme), ""))


@cache
def _meanings() -> dict[tuple[str, str], str]:
    """Return the usual meaning of each code: "Lung" rather than "Lung structure (body structure)"."""
    from pydicom.sr._concepts_dict import concepts

    found: dict[tuple[str, str], list[tuple[bool, int, str]]] = {}
    for scheme, keywords in concepts.items():
        for values in keywords.values():
            for value, (meaning, groups) in values.items():
                # What most context groups of PS3.16 call it, its full name in SNOMED CT last
                found.setdefault((value, scheme), []).append((meaning.endswith(")"), -len(groups), meaning))
    return {code: min(meanings)[-1] for code, meanings in found.items()}


@cache
def _keys_by_code() -> dict[tuple[str, str], str]:
    return {(str(row["sct"]), "SCT"): key for key, row in reversed(list(load_table("structures").items()))}


@cache
def _keys_by_words() -> dict[str, str]:
    """Return the rows by their words, as `_tokens` cuts them and joined without gaps."""
    found = {}
    for key, row in load_table("structures").items():
        for word in row["words"]:
            found["".join(_tokens(str(word)))] = key
    return found


def _tokens(text: str) -> list[str]:
    plain = _CAMEL.sub(" ", unicodedata.normalize("NFKC", text))
    return [token.casefold() for token in _WORDS.findall(plain)]


def _looked_up(text: str) -> tuple[str, str, str]:
    """Return key, side and number of a name all of whose words are known; empty texts otherwise."""
    tokens = []
    for token in _tokens(text):
        chinese = _CHINESE.match(token) and token[0] in _SIDE_WORDS and len(token) > 1
        tokens += [token[0], token[1:]] if chinese else [token]
    whole = _keys_by_words().get("".join(tokens))
    if whole is not None:
        return whole, "", ""
    sides = [_SIDE_WORDS[token] for token in tokens if token in _SIDE_WORDS]
    numbers = [token for token in tokens if token.isdigit()]
    rest = "".join(token for token in tokens if token not in _SIDE_WORDS and not token.isdigit())
    key = _keys_by_words().get(rest, "")
    if not key or len(sides) > 1 or len(numbers) > 1 or not all(_NUMBER.fullmatch(number) for number in numbers):
        return "", "", ""
    return key, "".join(sides), "".join(str(int(number)) for number in numbers)
