"""Text of data sets: character sets as SpecificCharacterSet (0008,0005) says, or as they must be guessed."""

import re
import warnings
from functools import lru_cache
from typing import NamedTuple

from dqkit.archive.quiet import quiet_pydicom

_HIGH_RUNS = re.compile(rb"[\x80-\xff]+")
_UNKNOWN = "iso8859"  # what pydicom makes of a term that nobody knows
_DEFAULT = ("", "ISO_IR 6", "ISO 2022 IR 6")


class Text(NamedTuple):
    """A decoded value, and whether it fits the character set that the file declares."""

    text: str
    fits: bool


@lru_cache(maxsize=4096)
def decode(raw: bytes, charset: bytes | None) -> Text:
    """Decode a value that is not plain ASCII.

    Parameters
    ----------
    raw
        The value; for PN all component groups, for multi-valued attributes all values.
    charset
        Raw value of SpecificCharacterSet, if the file has it.

    Returns
    -------
    Where the text does not fit the declared character set (PS3.3 C.12.1.1.2, PS3.5 6.1), a guess that loses nothing:
    UTF-8, else GB18030 where all bytes above 127 come in pairs, else Latin-1.
    """
    terms = [term.strip(" \0") for term in (charset or b"").decode("latin-1").split("\\")]
    if all(term in _DEFAULT for term in terms):  # then only ASCII is allowed, and escapes mean nothing
        return Text(_guess(raw), raw.isascii() and b"\x1b" not in raw)
    return _declared(raw, terms) or Text(_guess(raw), False)


def _declared(raw: bytes, terms: list[str]) -> Text | None:
    """Decode as declared; None where the value does not fit the declaration, or nobody knows what it means."""
    from pydicom.charset import convert_encodings, decode_bytes
    from pydicom.valuerep import TEXT_VR_DELIMS

    with quiet_pydicom() as misspelt:  # pydicom 3.0 warns where it mends or replaces something
        try:
            encodings = convert_encodings(terms if len(terms) > 1 else terms[0])
            fits = not misspelt
            if not fits and encodings[0] == _UNKNOWN:
                return None
            warnings.simplefilter("error")
            return Text(decode_bytes(raw, encodings, TEXT_VR_DELIMS), fits)
        except (UserWarning, LookupError, ValueError):
            return None


def _guess(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if all(len(run) % 2 == 0 for run in _HIGH_RUNS.findall(raw)):
        try:
            return raw.decode("gb18030")
        except UnicodeDecodeError:
            pass
    return raw.decode("latin-1")
