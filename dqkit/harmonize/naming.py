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

MOST_BYTES = 160
"""Of a folder or a file in a name: file systems hold 255, and ids of labels, parts and endings come behind."""

_FIELD_BYTES = 20

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
    if any(_longest(part) > MOST_BYTES for part in text.split("/")):
        return f"a folder of a name takes more than {MOST_BYTES} bytes", "such as {patient}/{modality}-{stack}"
    return None if "stack" in used else ("names would not be distinct", "put {stack} into the pattern")


def _longest(part: str) -> int:
    """Return how many bytes a part of a pattern takes, filled in."""
    return sum(len(text) + (_FIELD_BYTES if field else 0) for text, field, _, _ in string.Formatter().parse(part))


def name_of(pattern: str, fields: dict[str, str]) -> str:
    """Return the name that `pattern` makes of `fields`."""
    return pattern.format_map(fields)
