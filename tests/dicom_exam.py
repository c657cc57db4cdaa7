"""Who was examined, where, with what, on which grid: the parts that every generated image shares."""

import copy
import io
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr, write_data_element, write_file_meta_info
from pydicom.multival import MultiValue
from pydicom.uid import ExplicitVRLittleEndian

from tests.phantoms import Values

_MOST_ENCODED = 50_000

_NAMESPACE = uuid.UUID("4a1c4b0e-6b57-4a56-9f8e-2d1f0f6f0d11")

PLANES: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "axial": ((1, 0, 0), (0, 1, 0)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "oblique": ((0.9659258, 0, -0.258819), (0.0669873, 0.9659258, 0.25)),
}
"""Direction cosines of a row and of a column (PS3.3 C.7.6.2.1.1)."""


@dataclass(frozen=True)
class Scanner:
    """One machine: General Equipment (PS3.3 C.7.5.1)."""

    manufacturer: str
    model: str
    software: str
    station: str
    serial: str


SCANNERS: dict[tuple[str, str], Scanner] = {
    ("CT", "ge"): Scanner("GE MEDICAL SYSTEMS", "Revolution EVO", "revo_ct_21b.32", "CT01", "482913"),
    ("CT", "siemens"): Scanner("SIEMENS", "SOMATOM Definition AS+", "syngo CT VA48A", "CTAWP73021", "73021"),
    ("CT", "philips"): Scanner("Philips", "Ingenuity CT", "4.1.7.30000", "HOST-7731", "7731"),
    ("CT", "uih"): Scanner("UIH", "uCT 760", "R002", "UCT760-1", "300219"),
    ("MR", "ge"): Scanner("GE MEDICAL SYSTEMS", "SIGNA Premier", "29\\LX\\MR RX29.1", "MR03", "551020"),
    ("MR", "siemens"): Scanner("SIEMENS", "Skyra", "syngo MR E11", "AWP45123", "45123"),
    ("MR", "philips"): Scanner("Philips Medical Systems", "Ingenia", "5.4.1\\5.4.1.2", "PHILIPS-2KA", "42120"),
    ("MR", "uih"): Scanner("UIH", "uMR 780", "V10", "UMR780-2", "200310"),
    ("MG", "hologic"): Scanner("HOLOGIC, Inc.", "Selenia Dimensions", "AWS:MAMMODROC_3_4_1_8", "MAMMO1", "H1KRHR8"),
    ("CR", "fuji"): Scanner("FUJIFILM Corporation", "CR-IR 357", "V8.0", "FCR-02", "98120"),
    ("PT", "siemens"): Scanner("SIEMENS", "Biograph 64", "VG60C", "PETCT1", "1104"),
    ("US", "philips"): Scanner("Philips Medical Systems", "EPIQ 7G", "EPIQ 7G_3.0.3", "US-EPIQ", "US81720"),
    ("OP", "topcon"): Scanner("TOPCON", "TRC-NW400", "1.3.2", "FUNDUS1", "TC4017"),
}


@dataclass(frozen=True)
class Exam:
    """One study of one patient at one hospital on one scanner; `vendor` is a key of SCANNERS, else the usual one."""

    site: str = "North General Hospital"
    patient: str = "100001"
    study: str = "1"
    vendor: str = ""
    date: str = "20240311"
    time: str = "093000"
    name: str = "Morgan^Alex"
    sex: str = "F"
    birth_date: str = "19610704"
    age: str = "062Y"
    software: str = ""
    charset: str = "ISO_IR 192"

    def uid(self, *parts: object) -> str:
        """Return the UID of a part of this study; the same names always give the same UID."""
        return uid(self.site, self.patient, self.study, *parts)

    @property
    def accession(self) -> str:
        """The accession number of this study."""
        return "A" + self.uid("accession")[-9:]


SOMEBODY = Exam()


@dataclass(frozen=True)
class Grid:
    """Where the slices of a volume stand.

    `step_mm` is the distance along the slice normal. With `tilt_deg` slices lean as under a tilted gantry, while
    their origins still move along the patient's axis.
    """

    n: int = 12
    rows: int = 64
    columns: int = 64
    spacing_mm: tuple[float, float] = (5.0, 5.0)  # between rows, between columns
    step_mm: float = 3.0
    thickness_mm: float | None = None  # the step, unless told
    tilt_deg: float = 0.0
    plane: str = "axial"

    @property
    def thickness(self) -> float:
        """SliceThickness in mm."""
        return self.step_mm if self.thickness_mm is None else self.thickness_mm

    @property
    def axes(self) -> tuple[Values, Values]:
        """Unit vectors along a row and along a column, LPS."""
        row, column = (np.array(axis, dtype=float) for axis in PLANES[self.plane])
        lean = np.radians(self.tilt_deg)
        return row, np.cos(lean) * column - np.sin(lean) * np.cross(row, column)

    def origin(self, i: int) -> Values:
        """Return ImagePositionPatient of slice `i`, in mm."""
        row, column = self.axes
        travel = np.cross(*(np.array(axis, dtype=float) for axis in PLANES[self.plane]))
        half = row * (self.columns - 1) / 2 * self.spacing_mm[1] + column * (self.rows - 1) / 2 * self.spacing_mm[0]
        along = (i - (self.n - 1) / 2) * self.step_mm / np.cos(np.radians(self.tilt_deg))
        return np.asarray(travel * along - half)

    def points(self, i: int) -> Values:
        """Return the places of the pixels of slice `i`, (rows, columns, 3), as fractions of the field of view."""
        row, column = self.axes
        down = np.arange(self.rows)[:, None, None] * self.spacing_mm[0] * column
        along = np.arange(self.columns)[None, :, None] * self.spacing_mm[1] * row
        return np.asarray((self.origin(i) + down + along) / (self.columns * self.spacing_mm[1]))


@dataclass(frozen=True)
class Kind:
    """What sort of image a series holds: modality, SOP class, default vendor and further attributes."""

    modality: str
    sop_class: str
    vendor: str
    description: str
    attributes: dict[str, Any] = field(default_factory=dict)


def uid(*parts: object) -> str:
    """Return a UID under 2.25 (PS3.5 B.2) that depends on `parts` alone."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, '/'.join(str(part) for part in parts)).int}"


def noise_of(name: str) -> np.random.Generator:
    """Return a random generator seeded by `name`."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def numbers(values: Iterable[float]) -> list[str]:
    """Return `values` as decimal strings of at most 16 characters."""
    return [f"{value:.6f}".rstrip("0").rstrip(".").replace("-0.000000", "0") or "0" for value in values]


def decimal(value: float) -> str:
    """Return `value` as a decimal string."""
    return numbers([value])[0]


def put(dataset: Dataset, attributes: dict[str, Any]) -> Dataset:
    """Set `attributes` on `dataset`; a value of None removes the attribute."""
    for keyword, value in attributes.items():
        if value is None:
            if keyword in dataset:
                delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def item(**attributes: Any) -> Dataset:
    """Return one item of a sequence."""
    return put(Dataset(), attributes)


def code(value: str, scheme: str, meaning: str) -> list[Dataset]:
    """Return a code sequence of one item (PS3.3 8.8)."""
    return [item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)]


def series_template(exam: Exam, kind: Kind, number: int) -> Dataset:
    """Return what all images of a series share: patient, study, series and equipment modules."""
    scanner = SCANNERS.get((kind.modality, exam.vendor)) or SCANNERS[kind.modality, kind.vendor]
    shared = Dataset()
    put(
        shared,
        {
            "SpecificCharacterSet": exam.charset,
            "SOPClassUID": kind.sop_class,
            "InstanceCreationDate": exam.date,
            "InstanceCreationTime": exam.time,
            **dict.fromkeys(("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"), exam.date),
            **dict.fromkeys(("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime"), exam.time),
            "AccessionNumber": exam.accession,
            "Modality": kind.modality,
            "Manufacturer": scanner.manufacturer,
            "InstitutionName": exam.site,
            "ReferringPhysicianName": "",
            "StationName": scanner.station,
            "StudyDescription": kind.description.split()[0],
            "SeriesDescription": kind.description,
            "ManufacturerModelName": scanner.model,
            "DeviceSerialNumber": scanner.serial,
            "SoftwareVersions": exam.software or scanner.software,
            "PatientName": exam.name,
            "PatientID": exam.patient,
            "PatientBirthDate": exam.birth_date,
            "PatientSex": exam.sex,
            "PatientAge": exam.age,
            "PatientSize": "1.68",
            "PatientWeight": "66",
            "ProtocolName": kind.description,
            "StudyInstanceUID": exam.uid(),
            "SeriesInstanceUID": exam.uid(kind.modality, number),
            "StudyID": exam.study,
            "SeriesNumber": number,
        },
    )
    return put(shared, kind.attributes)


def image_of(shared: Dataset, number: int) -> Dataset:
    """Return image `number` of the series of `shared`, without pixels."""
    image = _twin(shared)
    image.SOPInstanceUID = uid(shared.SeriesInstanceUID, number)
    image.InstanceNumber = number
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def _twin(shared: Dataset) -> Dataset:
    """Return a copy whose values may be changed, at less than half the cost of a deep one."""
    twin = Dataset()
    for element in shared:
        plain = element.VR != "SQ" and not isinstance(element.value, MultiValue)
        value = element.value if plain else copy.deepcopy(element.value)
        twin[element.tag] = DataElement(element.tag, element.VR, value, already_converted=True)
    return twin


def put_plane(image: Dataset, grid: Grid, i: int) -> Dataset:
    """Set the Image Plane module (PS3.3 C.7.6.2) of slice `i` of `grid`."""
    row, column = grid.axes
    origin = grid.origin(i)
    normal = np.cross(row, column)
    return put(
        image,
        {
            "PixelSpacing": numbers(grid.spacing_mm),
            "ImageOrientationPatient": numbers([*row, *column]),
            "ImagePositionPatient": numbers(origin),
            "SliceThickness": decimal(grid.thickness),
            "SliceLocation": decimal(float(origin @ normal)),
        },
    )


def put_pixels(image: Dataset, pixels: NDArray[Any], bits: int, *, signed: bool = False) -> Dataset:
    """Set the Image Pixel module (PS3.3 C.7.6.3) from `pixels`, (rows, columns) or (rows, columns, 3)."""
    allocated = 8 if bits <= 8 else 16
    kind = f"<{'i' if signed else 'u'}{allocated // 8}"
    colour = pixels.ndim == 3
    if colour:
        image.PlanarConfiguration = 0
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    put(
        image,
        {
            "SamplesPerPixel": 3 if colour else 1,
            "Rows": pixels.shape[0],
            "Columns": pixels.shape[1],
            "BitsAllocated": allocated,
            "BitsStored": bits,
            "HighBit": bits - 1,
            "PixelRepresentation": int(signed),
        },
    )
    if "PhotometricInterpretation" not in image:
        image.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    image.PixelData = np.clip(np.rint(pixels), low, high).astype(kind).tobytes()
    image["PixelData"].VR = "OB" if allocated == 8 else "OW"
    return image


def write(series: Iterable[Dataset], folder: Path, names: str = "{number:04d}.dcm") -> list[Path]:
    """Write each dataset of `series` to `folder`; `names` may use {number} (from 1) and {uid}."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, dataset in enumerate(series, start=1):
        path = folder / names.format(number=number, uid=dataset.get("SOPInstanceUID", number))
        path.write_bytes(encoded(dataset))
        paths.append(path)
    return paths


def encoded(dataset: Dataset) -> bytes:
    """Return the file of `dataset`, byte by byte what pydicom's save_as writes.

    Elements that images share are encoded once: a test run writes many thousands of files.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_deflated or not syntax.is_little_endian:
        return _saved(dataset)
    file = _stream(implicit=False)
    file.write(b"\0" * 128 + b"DICM")
    meta = copy.deepcopy(dataset.file_meta)
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID")
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID") or meta.get("MediaStorageSOPInstanceUID")
    write_file_meta_info(file, meta, enforce_standard=True)
    if "PixelData" in dataset:
        dataset["PixelData"].is_undefined_length = syntax.is_compressed
    charset = dataset.get("SpecificCharacterSet", "iso8859")
    elements = list(dataset)
    if any(len(element.VR) > len("US") for element in elements):  # as "US or SS"
        elements = list(correct_ambiguous_vr(dataset, True))
    implicit = syntax.is_implicit_VR
    for element in elements:
        file.write(_encoded(element, charset, implicit=implicit))
    return bytes(file.getvalue())


def _saved(dataset: Dataset) -> bytes:
    syntax, buffer = dataset.file_meta.TransferSyntaxUID, io.BytesIO()
    # A FileDataset carries what save_as needs to write a preamble and the File Meta Information
    whole = FileDataset(buffer, dataset, b"\0" * 128, dataset.file_meta, syntax.is_implicit_VR, syntax.is_little_endian)
    whole.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


_ENCODED: dict[tuple[object, ...], bytes] = {}


def _encoded(element: DataElement, charset: object, *, implicit: bool) -> bytes:
    if element.VR == "SQ" or isinstance(element.value, bytes):
        return _written(element, charset, implicit=implicit)
    key = (element.tag, element.VR, str(element.value), str(charset), implicit)
    if key not in _ENCODED:
        if len(_ENCODED) > _MOST_ENCODED:
            _ENCODED.clear()
        _ENCODED[key] = _written(element, charset, implicit=implicit)
    return _ENCODED[key]


def _written(element: DataElement, charset: object, *, implicit: bool) -> bytes:
    file = _stream(implicit=implicit)
    write_data_element(file, element, charset)
    return bytes(file.getvalue())


def _stream(*, implicit: bool) -> DicomBytesIO:
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = implicit, True
    return stream
