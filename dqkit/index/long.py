"""Long columns of text: many attributes of all files of a chunk, one attribute after the other.

What a step would have to look for in every value is first looked for in all values at once, joined: most chunks hold
no NUL, no escape sequence and nothing but ASCII.
"""

from collections.abc import Sequence

import polars as pl

from dqkit.archive.text import decode
from dqkit.index.faults import Faults
from dqkit.index.kinds import ANY_SCRIPT, LONGEST, ONE_VALUE, Column

Raw = Sequence[bytes | None]


class LongText:
    """Text of some attributes, without NULs and padding; null where absent or empty.

    Parameters
    ----------
    columns
        The attributes.
    flat
        Their raw values: all files' of the first attribute, then of the next.
    charsets
        Raw SpecificCharacterSet of each file.
    faults
        Where empty, undecodable and overlong values and NULs are noted.
    """

    def __init__(self, columns: Sequence[Column], flat: list[bytes | None], charsets: Raw, faults: Faults) -> None:
        self.columns = columns
        self.keywords = [column.name for column in columns]
        self.files = len(charsets)
        self._flat = flat
        self._charsets = charsets
        self._faults = faults
        self._joined = b"\n" + b"\n".join(filter(None, flat)) + b"\n"
        self.text = self._decoded()
        self._drop_nul()
        self._strip()

    def cut(self, values: pl.Series) -> dict[str, pl.Series]:
        """Return the columns of a long series."""
        return {name: values.slice(at * self.files, self.files) for at, name in enumerate(self.keywords)}

    def note(self, fault: str, at: pl.Series) -> None:
        """Note a fault at these indices of the long column."""
        if len(at):
            self._faults.add_all(fault, self.keywords, at.to_list(), self.text.gather(at).to_list())

    def check_length(self) -> None:
        """Note values longer than their VR allows."""
        sizes = self.text.str.len_bytes()
        for at, column in enumerate(self.columns):
            limit = LONGEST.get(column.vr)
            of_column = sizes.slice(at * self.files, self.files)
            if limit and (of_column.max() or 0) > limit:  # type: ignore[operator]
                suspects = (of_column > limit).arg_true().to_list()
                overlong = [at * self.files + row for row in suspects if self._is_overlong(at * self.files + row)]
                self._faults.add_all("overlong", self.keywords, overlong)

    def components(self) -> pl.Series:
        """Split multi-valued attributes into lists, and note components that are too long."""
        lists = self.text.str.split("\\")
        if (lists.explode().str.len_bytes() > min(LONGEST[column.vr] for column in self.columns)).any():
            self.check_length()
        return lists

    def _decoded(self) -> pl.Series:
        plain = self._joined.isascii()
        if plain:
            text = pl.Series(self._flat, dtype=pl.Binary).cast(pl.String)
        else:
            ascii_only = [value if value is None or value.isascii() else b"?" for value in self._flat]
            text = pl.Series(ascii_only, dtype=pl.Binary).cast(pl.String)
        if plain and b"\x1b" not in self._joined:
            return text
        places = [i for i, value in enumerate(self._flat) if value and not (value.isascii() and b"\x1b" not in value)]
        return self._decode_each(text, places)

    def _decode_each(self, text: pl.Series, places: list[int]) -> pl.Series:
        decoded, misfits = [], []
        for place in places:
            at, row = divmod(place, self.files)
            charset = self._charsets[row] if self.columns[at].vr in ANY_SCRIPT else None
            value, fits = decode(self._flat[place] or b"", charset)
            decoded.append(value)
            if not fits:
                misfits.append(place)
        self._faults.add_all("undecodable", self.keywords, misfits)
        return text.scatter(places, decoded)

    def _drop_nul(self) -> None:
        """Drop NULs; the one that pads a UI to even length is no fault (PS3.5 6.2)."""
        nuls = self._joined.count(b"\0")
        if not nuls:
            return
        if self.columns[0].vr == "UI":
            self.text = self.text.str.strip_suffix("\0")
            if nuls == self._joined.count(b"\0\n"):
                return
        self.note("with_nul", self.text.str.contains("\0", literal=True).arg_true())
        self.text = self.text.str.replace_all("\0", "", literal=True)

    def _strip(self) -> None:
        if b" \n" in self._joined or b"\n " in self._joined or b"\0" in self._joined:
            self.text = self.text.str.strip_chars(" ")
        empty = self.text == ""  # a series
        if empty.any():
            self._faults.add_all("empty", self.keywords, empty.arg_true().to_list())
            self.text = pl.select(pl.when(~empty).then(self.text)).to_series()

    def _is_overlong(self, place: int) -> bool:
        vr, text = self.columns[place // self.files].vr, self.text[place]
        parts = [text] if vr in ONE_VALUE else text.split("\\")
        if vr == "PN":
            parts = [group for part in parts for group in part.split("=")]
        return any(len(part.strip(" ")) > LONGEST.get(vr, 1 << 31) for part in parts)
