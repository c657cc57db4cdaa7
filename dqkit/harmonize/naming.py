"""Names of outputs: made of pseudonyms, ids of dqkit and words of its own, never of a value in a file."""

import re
import string

FIELDS = {
    "stack": "id of the stack, 12 digits",
    "series": "pseudonym of the series",
    "study": "pseudonym of the study",
    "patient": "pseudonym of the patient",
    "site": "pseudonym of the site",
    "modality": "ct, mr, pt …",
    "recipe": "name of the recipe",
}
"""What `naming` may use. Which volume of a series it is (``echo-2``, ``b1000``, ``part-1``) is always added."""

_PLAIN = re.compile(r"[A-Za-z0-9_.\-/]*")


def check_naming(text: str) -> tuple[str, str] | None:
    """Return what is wrong with a pattern of names, and what is allowed; None where it can be used."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        parts = [("", None, None, None), (text, "{", None, None)]
    used = [name for _, name, _, _ in parts if name is not None]
    whole = all(name in FIELDS for name in used) and not any(spec or conversion for _, _, spec, conversion in parts)
    if not whole:
        return f"{text!r} is no pattern of names", f"fields: {', '.join('{' + name + '}' for name in FIELDS)}"
    if not all(_PLAIN.fullmatch(literal) for literal, _, _, _ in parts):
        return "between its fields a name holds letters, digits and . _ - /", "such as {patient}/{modality}-{stack}"
    if any(not part or part.startswith(".") for part in text.split("/")):
        return "no folder of a name is empty or begins with a dot", "such as {patient}/{modality}-{stack}"
    return None if "stack" in used else ("names would not be distinct", "put {stack} into the pattern")


def name_of(pattern: str, fields: dict[str, str]) -> str:
    """Return the name that `pattern` makes of `fields`."""
    return pattern.format_map(fields)
