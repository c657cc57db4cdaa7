"""Character sets."""

import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.archive.text import decode

FOLDER = Path(pydicom.__file__).parent / "data" / "charset_files"
CHARSETS = sorted(path for path in FOLDER.glob("*.dcm") if "PatientName" in pydicom.dcmread(path))


@pytest.mark.parametrize("path", CHARSETS, ids=lambda path: path.stem)
def test_declared_text_is_that_of_pydicom(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path)
        raw = dataset.get_item("PatientName").value
        declared = dataset.get("SpecificCharacterSet", "")
        expected = str(dataset.PatientName)
    charset = declared if isinstance(declared, str) else "\\".join(declared)
    text, fits = decode(raw, charset.encode())
    assert text.rstrip("= ") == expected  # pydicom drops empty component groups at the end
    assert fits


@pytest.mark.parametrize("charset", [None, b"", b"ISO_IR 6", b"ISO_IR 6 "])
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("王^小东".encode(), "王^小东"),
        ("王^小东".encode("gb18030"), "王^小东"),
        ("Müller".encode("latin-1"), "Müller"),
    ],
)
def test_undeclared_text_is_guessed_and_told(raw: bytes, expected: str, charset: bytes | None) -> None:
    assert decode(raw, charset) == (expected, False)


def test_text_that_does_not_fit_its_declaration_is_guessed_and_told() -> None:
    assert decode("王".encode("gb18030"), b"ISO_IR 192") == ("王", False)


def test_a_misspelt_declaration_is_told_and_understood() -> None:
    assert decode("Müller".encode("latin-1"), b"ISO-IR 100") == ("Müller", False)


@pytest.mark.parametrize("charset", [b"NOBODY KNOWS", b"\xff\xfe", b"ISO_IR 192\x00x", b"\\\\"])
def test_an_unknown_declaration_loses_nothing(charset: bytes) -> None:
    text, fits = decode("日本".encode(), charset)
    assert text == "日本"
    assert not fits


DECLARED = (None, b"ISO_IR 192", b"GB18030", b"\\ISO 2022 IR 87", b"ISO 2022 IR 58")


@given(st.binary(max_size=40), st.sampled_from(DECLARED))
def test_no_bytes_are_beyond_it(raw: bytes, charset: bytes | None) -> None:
    assert isinstance(decode(raw, charset).text, str)
