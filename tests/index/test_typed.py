"""Raw values -> typed columns: absent, empty and untypeable stay distinct, and nothing is lost."""

import datetime as dt
import struct
import warnings
from pathlib import Path

import polars as pl
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqkit.archive.header import NO_PRIVATE, Header, PixelData
from dqkit.archive.reader import read_header
from dqkit.catalog.schema import INSTANCES
from dqkit.index.derived import derived_columns
from dqkit.index.kinds import kinds
from dqkit.index.read import read_files
from dqkit.index.typed import typed_columns
from tests.bench.archive import Slice, bench_templates


def header(odd: dict[str, str] | None = None, pixels: PixelData | None = None, **values: bytes) -> Header:
    wanted = kinds().wanted
    row = wanted.blank()
    for keyword, raw in values.items():
        row[wanted.names.index(keyword)] = raw
    odd_slots = [(wanted.names.index(keyword), vr) for keyword, vr in (odd or {}).items()]
    return Header(row, NO_PRIVATE, odd_slots, True, True, pixels, False, "walker", None)


def typed(*headers: Header | None) -> pl.DataFrame:
    columns = typed_columns(headers)
    columns |= derived_columns(headers, {name: pl.Series([None] * len(headers), dtype=kind)
                                         for name, kind in INSTANCES.items()} | columns)  # fmt: skip
    return pl.DataFrame(columns)


def one(**values: bytes) -> dict[str, object]:
    frame = typed(header(**values))
    return dict.fromkeys(INSTANCES) | frame.row(0, named=True)


@pytest.mark.parametrize(
    ("keyword", "raw", "expected"),
    [
        ("PatientID", b"A1 ", "A1"),
        ("PatientID", b" A1", "A1"),
        ("SOPInstanceUID", b"1.2.3\0", "1.2.3"),
        ("SliceThickness", b"2.5 ", 2.5),
        ("SliceThickness", b"+.5", 0.5),
        ("SliceThickness", b"1e-3", 0.001),
        ("ExposureTime", b"500 ", 500.0),
        ("InstanceNumber", b" 12 ", 12),
        ("InstanceNumber", b"+3", 3),
        ("InstanceNumber", b"1.0 ", 1),
        ("InstanceNumber", b"-7", -7),
        ("Rows", b"\x00\x02", 512),
        ("CTDIvol", struct.pack("<d", 6.25), 6.25),
        ("HorizontalFieldOfView", struct.pack("<f", 45), 45.0),
        ("ImagePositionPatient", b"-1.5\\2\\ 3.25", [-1.5, 2.0, 3.25]),
        ("EchoNumbers", b"1\\2 ", [1, 2]),
        ("AcquisitionMatrix", struct.pack("<4H", 0, 320, 256, 0), [0, 320, 256, 0]),
        ("DiffusionGradientOrientation", struct.pack("<3d", 0, 0.5, 1), [0.0, 0.5, 1.0]),
        ("ImageType", b"ORIGINAL\\PRIMARY\\ AXIAL ", ["ORIGINAL", "PRIMARY", "AXIAL"]),
        ("PatientOrientation", b"L\\ ", ["L", ""]),
        ("SoftwareVersions", b"1.2", ["1.2"]),
        ("StudyDate", b"20240229", "20240229"),
        ("study_date", b"20240229", dt.date(2024, 2, 29)),
        ("study_date", b"2024.02.29", dt.date(2024, 2, 29)),
        ("patient_age_years", b"045Y", 45.0),
        ("patient_age_years", b"006M", 0.5),
    ],
)
def test_values_are_typed(keyword: str, raw: bytes, expected: object) -> None:
    attribute = {"study_date": "StudyDate", "patient_age_years": "PatientAge"}.get(keyword, keyword)
    row = one(**{attribute: raw})
    assert row[keyword] == expected
    assert row["untypeable"] == row["empty"] == row["undecodable"] == row["with_nul"] == []


@pytest.mark.parametrize(
    ("keyword", "raw", "text"),
    [
        ("SliceThickness", b"thin", "thin"),
        ("SliceThickness", b"2,5 ", "2,5"),
        ("SliceThickness", b"nan ", "nan"),
        ("SliceThickness", b"inf ", "inf"),
        ("SliceThickness", b"1e999 ", "1e999"),
        ("SliceThickness", b"1\\2 ", "1\\2"),
        ("InstanceNumber", b"1.5 ", "1.5"),
        ("InstanceNumber", b"1_0 ", "1_0"),
        ("InstanceNumber", b"1e30", "1e30"),
        ("ImagePositionPatient", b"1\\2\\x", "1\\2\\x"),
        ("ImagePositionPatient", b"1\\\\3", "1\\\\3"),
        ("EchoNumbers", b"1\\1.5 ", "1\\1.5"),
        ("CTDIvol", struct.pack("<d", float("inf")), "inf"),
        ("CTDIvol", b"\x01\x02", "0102"),
        ("AcquisitionMatrix", b"\x01", "01"),
        ("Rows", struct.pack("<2H", 5, 6), "5\\6"),
    ],
)
def test_what_cannot_be_typed_is_null_and_its_text_is_kept(keyword: str, raw: bytes, text: str) -> None:
    row = one(**{keyword: raw})
    assert row[keyword] is None
    assert row["untypeable"] == [keyword]
    assert row["untypeable_text"] == [text]


@pytest.mark.parametrize(
    ("keyword", "raw"),
    [
        ("StudyDate", b"***"),
        ("StudyDate", b"20230229"),
        ("StudyDate", b"2023022"),
        ("StudyDate", b"00000000"),
        ("PatientBirthDate", b"1960-1-2"),
        ("StudyTime", b"***"),
        ("StudyTime", b"250000"),
        ("AcquisitionDateTime", b"20241301"),
        ("PatientAge", b"45"),
        ("PatientAge", b"0Y"),
    ],
)
def test_odd_dates_and_times_stay_as_text(keyword: str, raw: bytes) -> None:
    row = one(**{keyword: raw})
    assert row[keyword] == raw.decode()
    assert row["untypeable"] == [keyword]
    assert row["untypeable_text"] == [raw.decode()]


@pytest.mark.parametrize("raw", [b"10", b"101112", b"101112.123456", b"10:11:12", b"235960 "])
def test_times_fit(raw: bytes) -> None:
    assert one(StudyTime=raw)["untypeable"] == []


@pytest.mark.parametrize("raw", [b"2024", b"20240229101112.5+0800", b"202402291011"])
def test_date_times_fit(raw: bytes) -> None:
    assert one(AcquisitionDateTime=raw)["untypeable"] == []


@pytest.mark.parametrize(
    "keyword",
    ["PatientID", "SliceThickness", "Rows", "ImagePositionPatient", "ImageType", "SOPInstanceUID", "StudyDate"],
)
def test_absent_and_empty_are_told_apart(keyword: str) -> None:
    frame = typed(header(**{keyword: b""}), header(), None)
    assert frame[keyword].to_list() == [None, None, None] if keyword in frame.columns else True
    assert frame["empty"].to_list() == [[keyword], [], None]


def test_blank_is_empty() -> None:
    row = one(PatientID=b"    ", SliceThickness=b" ")
    assert row["PatientID"] is row["SliceThickness"] is None
    assert sorted(row["empty"]) == ["PatientID", "SliceThickness"]


def test_nul_bytes_are_dropped_and_told() -> None:
    row = one(PatientID=b"A\0B\0", SOPInstanceUID=b"1.2\0\0", SeriesInstanceUID=b"1.3\0", SliceThickness=b"2\0")
    assert (row["PatientID"], row["SOPInstanceUID"], row["SliceThickness"]) == ("AB", "1.2", 2.0)
    assert sorted(row["with_nul"]) == ["PatientID", "SOPInstanceUID", "SliceThickness"]
    assert one(PatientID=b"\0\0")["empty"] == ["PatientID"]


@pytest.mark.parametrize(
    ("keyword", "raw", "overlong"),
    [
        ("StationName", b"s" * 16, False),
        ("StationName", b"s" * 17, True),
        ("PatientName", b"=".join([b"n" * 64] * 3), False),
        ("PatientName", b"n" * 65, True),
        ("SliceThickness", b"0.12345678901234567", True),
        ("PixelSpacing", b"0.12345678901234\\0.12345678901234", False),
        ("PixelSpacing", b"0.1\\0.12345678901234567", True),
        ("SOPInstanceUID", b"1." * 33, True),
        ("PatientName", ("王" * 64).encode(), False),
    ],
)
def test_values_longer_than_their_vr_allows_are_told(keyword: str, raw: bytes, overlong: bool) -> None:
    row = one(**{keyword: raw, "SpecificCharacterSet": b"ISO_IR 192"})
    assert row["overlong"] == ([keyword] if overlong else [])
    assert row[keyword] is not None


def test_other_vrs_are_told_and_read() -> None:
    row = typed(
        header(
            {"Rows": "IS", "SliceThickness": "FD", "PatientID": "UN", "InstanceNumber": "US", "CTDIvol": "DS"},
            Rows=b"512 ",
            SliceThickness=struct.pack("<d", 2.5),
            PatientID=b"A1",
            InstanceNumber=b"\x07\0",
            CTDIvol=b"6.5 ",
        )
    ).row(0, named=True)
    assert (row["Rows"], row["SliceThickness"], row["PatientID"], row["InstanceNumber"]) == (512, 2.5, "A1", 7)
    assert row["CTDIvol"] == 6.5
    assert len(row["odd_vr"]) == 5
    assert row["untypeable"] == []


def test_faults_find_their_file_among_many() -> None:
    frame = typed(*(header(PatientID=b"A", SliceThickness=b"x" if i == 7 else b"2") for i in range(20)))
    assert [i for i, names in enumerate(frame["untypeable"].to_list()) if names] == [7]
    assert frame["SliceThickness"].null_count() == 1


@pytest.mark.parametrize(
    ("charset", "encoding", "undecodable"),
    [(b"GB18030", "gb18030", []), (b"ISO_IR 192", "utf-8", []), (b"", "gb18030", ["PatientName"])],
)
def test_chinese_names_are_decoded(charset: bytes, encoding: str, undecodable: list[str]) -> None:
    frame = typed(
        header(SpecificCharacterSet=charset, PatientName="王^小东".encode(encoding)), header(PatientName=b"Doe^Jane")
    )
    assert frame["PatientName"].to_list() == ["王^小东", "Doe^Jane"]
    assert frame["undecodable"].to_list() == [undecodable, []]


CHARSETS = sorted((Path(pydicom.__file__).parent / "data" / "charset_files").glob("chr*.dcm"))


def test_names_of_the_charset_files_are_those_of_pydicom() -> None:
    frame = read_files(bytes(CHARSETS[0].parent), "source", [(path.name, 0, 0) for path in CHARSETS])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [str(pydicom.dcmread(path).get("PatientName", "")) or None for path in CHARSETS]
    found = [name.rstrip("=") if name else None for name in frame["PatientName"].to_list()]
    assert found == expected


@pytest.mark.parametrize(
    ("image_type", "localizer", "derived", "mosaic", "vframe"),
    [
        (b"ORIGINAL\\PRIMARY\\LOCALIZER", True, False, False, False),
        (b"ORIGINAL\\PRIMARY\\LOCALIZER\\CT_SOM5 TOP", True, False, False, False),
        (b"ORIGINAL\\PRIMARY\\SCOUT MODE ", True, False, False, False),
        (b"ORIGINAL\\PRIMARY\\AXIAL", False, False, False, False),
        (b"DERIVED\\SECONDARY", False, True, False, False),
        (b"ORIGINAL\\PRIMARY\\M\\ND\\MOSAIC ", False, False, True, False),
        (b"ORIGINAL\\PRIMARY\\OTHER\\VFRAME", False, False, False, True),
        (b"LOCALIZER ", False, False, False, False),
        (None, None, None, None, None),
    ],
)
def test_image_type_tells_what_kind_of_image_it_is(
    image_type: bytes | None, localizer: object, derived: object, mosaic: object, vframe: object
) -> None:
    row = one(**({} if image_type is None else {"ImageType": image_type}))
    assert [row[name] for name in ("is_localizer", "is_derived", "is_mosaic", "is_vframe")] == [
        localizer, derived, mosaic, vframe,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, 2 * 512 * 256),
        ({"NumberOfFrames": b"10"}, 2 * 512 * 256 * 10),
        ({"BitsAllocated": b"\x01\0", "Columns": b"\x07\0"}, 448),
        ({"BitsAllocated": b"\x08\0", "Rows": b"\x03\0", "Columns": b"\x03\0"}, 10),
        ({"SamplesPerPixel": b"\x03\0", "BitsAllocated": b"\x08\0"}, 3 * 512 * 256),
        ({"SamplesPerPixel": b"\x03\0", "BitsAllocated": b"\x08\0", "PhotometricInterpretation": b"YBR_FULL_422"},
         2 * 512 * 256),
        ({"TransferSyntaxUID": b"1.2.840.10008.1.2.4.50"}, None),
        ({"Rows": b""}, None),
        ({"NumberOfFrames": b"999999999999999999"}, None),
    ],
)  # fmt: skip
def test_expected_pixel_bytes(values: dict[str, bytes], expected: int | None) -> None:
    usual = {"TransferSyntaxUID": b"1.2.840.10008.1.2.1", "Rows": b"\0\x02", "Columns": b"\0\x01",
             "BitsAllocated": b"\x10\0", "SamplesPerPixel": b"\x01\0"}  # fmt: skip
    frame = typed(header(pixels=PixelData(1000, 10, 10, None), **(usual | values)))
    assert frame["pixel_data_expected_bytes"].item() == expected


def test_the_standard_b_value_counts_more_than_a_private_one() -> None:
    private = {b"\x19\0\x10\0": b"SIEMENS MR HEADER", b"\x19\0\x0c\x10": b"700 "}
    both = header(DiffusionBValue=struct.pack("<d", 800))._replace(private=private)
    only = header()._replace(private=private)
    assert typed(both, only, header())["diffusion_b_value"].to_list() == [800, 700, None]


@given(
    st.lists(st.dictionaries(st.sampled_from(kinds().wanted.names), st.binary(max_size=24), max_size=12), max_size=6)
)
def test_no_values_make_it_fail(rows: list[dict[str, bytes]]) -> None:
    frame = typed(*(header(**row) for row in rows))
    assert frame.height == len(rows)


@given(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**31), 2**31 - 1), st.text("ABC xyz", max_size=20)
)
def test_what_is_written_is_read(real: float, integer: int, text: str) -> None:
    row = one(SliceThickness=repr(real).encode(), InstanceNumber=str(integer).encode(), PatientID=text.encode())
    assert row["SliceThickness"] == real
    assert row["InstanceNumber"] == integer
    assert row["PatientID"] == (text.strip(" ") or None)


_STEADY = st.fixed_dictionaries(
    {},
    optional={
        "Modality": st.sampled_from([b"CT", b"MR ", b""]),
        "SliceThickness": st.sampled_from([b"1.5 ", b"thick ", b""]),
        "Rows": st.sampled_from([b"\x00\x02", b"\x00"]),
        "PatientName": st.sampled_from([b"A^B ", b"\xd5\xc5^\xc8\xfd", b"x\0"]),
        "SpecificCharacterSet": st.sampled_from([b"GB18030 ", b"ISO_IR 100"]),
        "ImageType": st.sampled_from([b"ORIGINAL\\PRIMARY", b"DERIVED "]),
    },
)
_CHANGING = st.fixed_dictionaries(
    {},
    optional={
        "InstanceNumber": st.integers(0, 10**6).map(lambda n: b"%d" % n) | st.just(b"none"),
        "ImagePositionPatient": st.integers(0, 999).map(lambda z: b"0\\0\\%d" % z),
    },
)


@settings(max_examples=20)
@given(st.lists(_STEADY, min_size=1, max_size=3), st.lists(st.none() | _CHANGING, min_size=40, max_size=44))
def test_files_typed_together_get_what_each_gets_alone(
    series: list[dict[str, bytes]], instances: list[dict[str, bytes] | None]
) -> None:
    headers = [
        None if own is None else header(**series[row * len(series) // len(instances)] | own)
        for row, own in enumerate(instances)
    ]
    alone = pl.concat([pl.DataFrame(nulls(1) | typed_columns([one])) for one in headers])
    assert in_order(pl.DataFrame(nulls(len(headers)) | typed_columns(headers))).equals(in_order(alone))


def test_what_series_share_makes_no_difference() -> None:
    """Files that are read by what their series shares are typed by it, too."""
    templates = bench_templates()
    slices = [(series, number) for series in range(30) for number in range(40)]
    contents = [templates[series % 9].instance(Slice(series // 4, series, number)) for series, number in slices]
    wanted = kinds().wanted
    headers = [read_header(lambda n, at, c=c: c[at : at + n], len(c), wanted) for c in contents]
    assert sum(one is not None and one.shared is not None for one in headers) > len(headers) // 2
    plain = [one._replace(shared=None) if one else None for one in headers]
    assert pl.DataFrame(typed_columns(headers)).equals(pl.DataFrame(typed_columns(plain)))


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Sort the faults of each file: in which order they are told says nothing."""
    told = [
        sorted(zip(names or (), texts or (), strict=True))
        for names, texts in frame.select("untypeable", "untypeable_text").iter_rows()
    ]
    return frame.with_columns(
        pl.col("empty", "undecodable", "with_nul", "overlong", "odd_vr").list.sort(),
        untypeable=pl.when(pl.col("untypeable").is_not_null()).then(pl.Series([[n for n, _ in t] for t in told])),
        untypeable_text=pl.when(pl.col("untypeable").is_not_null()).then(pl.Series([[v for _, v in t] for t in told])),
    )


def nulls(n: int) -> dict[str, pl.Series]:
    return {name: pl.Series([None] * n, dtype=kind) for name, kind in INSTANCES.items()}
