"""An archive to measure on: headers as large and as varied as those of real scanners, tiny pixels.

Nothing but pydicom and the files of its wheel is needed. Every instance has its own SOPInstanceUID, position, number
and time; a series holds 100 slices.
"""

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
)

_ROOT = "1.2.826.0.1.3680043.10.1599"
_SLICES = 100


@dataclass(frozen=True)
class Slice:
    """Which instance a file is to be."""

    patient: int
    series: int
    number: int

    @property
    def instance_uid(self) -> str:
        return f"{_ROOT}.1.{self.series}.{self.number}"

    @property
    def z(self) -> str:
        return f"{-150 + 1.25 * self.number:g}"


_FIELDS: dict[str, Callable[[Slice], str]] = {
    "MediaStorageSOPInstanceUID": lambda s: s.instance_uid,
    "SOPInstanceUID": lambda s: s.instance_uid,
    "StudyInstanceUID": lambda s: f"{_ROOT}.3.{s.patient}",
    "SeriesInstanceUID": lambda s: f"{_ROOT}.2.{s.series}",
    "PatientID": lambda s: f"BENCH{s.patient}",
    "PatientName": lambda s: f"Bench^{s.patient}",
    "InstanceNumber": lambda s: str(s.number + 1),
    "SliceLocation": lambda s: s.z,
    "ImagePositionPatient": lambda s: f"-125.3\\-130.25\\{s.z}",
    "AcquisitionTime": lambda s: f"10{s.series % 60:02d}{s.number % 60:02d}.{s.number:06d}",
    "ContentTime": lambda s: f"11{s.series % 60:02d}{s.number % 60:02d}.{s.number:06d}",
}
"""What tells one instance from another; the lengths vary as they do in nature."""

_MARK = Slice(123_456, 654_321, 999)


@dataclass(frozen=True)
class Template:
    """A file with some elements cut out, to be filled in for each instance."""

    name: str
    parts: tuple[bytes | str, ...]
    """Bytes as they are, and keywords of `_FIELDS`."""
    implicit: bool

    @classmethod
    def of(cls, name: str, content: bytes, *, implicit: bool) -> "Template":
        """Cut the elements of `_FIELDS` out of a file written for `_MARK`."""
        parts: list[bytes | str] = [content]
        for keyword in sorted(_FIELDS, key=lambda name: tag_for_keyword(name) or 0):
            marked = _element(keyword, _MARK, implicit=implicit)
            head, found, tail = parts[-1].partition(marked)  # type: ignore[arg-type]
            assert found, f"{name} has no {keyword}"
            parts[-1:] = [head, keyword, tail]
        return cls(name, tuple(parts), implicit)

    def instance(self, of: Slice) -> bytes:
        """Return the file of one instance."""
        parts = (p if isinstance(p, bytes) else _element(p, of, implicit=self.implicit) for p in self.parts)
        content = b"".join(parts)
        (length,) = struct.unpack_from("<I", content, 140)
        length += len(of.instance_uid) - len(_MARK.instance_uid)
        length += len(of.instance_uid) % 2 - len(_MARK.instance_uid) % 2
        return content[:140] + struct.pack("<I", length) + content[144:]


def _element(keyword: str, of: Slice, *, implicit: bool) -> bytes:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    vr = dictionary_VR(tag)
    value = _FIELDS[keyword](of).encode()
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if implicit and tag >> 16 != 2:
        return head + struct.pack("<I", len(value)) + value
    return head + vr.encode() + struct.pack("<H", len(value)) + value


def make_bench_archive(folder: Path, n: int = 20_000) -> int:
    """Write `n` instances of nine kinds of scanner under `folder`, as site/patient/series; return how many."""
    templates = bench_templates()
    for series in range((n + _SLICES - 1) // _SLICES):
        template = templates[series % len(templates)]
        patient = series // 4
        place = (
            folder / f"site{series % len(templates) % 4}" / f"patient{patient:05d}" / f"{template.name}-{series:05d}"
        )
        place.mkdir(parents=True, exist_ok=True)
        for number in range(min(_SLICES, n - series * _SLICES)):
            (place / f"IM{number:05d}.dcm").write_bytes(template.instance(Slice(patient, series, number)))
    return n


@cache
def bench_templates() -> list[Template]:
    """Return the kinds of scanner."""
    return list(_templates())


def _templates() -> Iterator[Template]:
    """Yield the kinds of scanner, two of them from real headers."""
    makers: dict[str, Callable[[], Dataset]] = {
        "ge-ct": lambda: _ge(_image(CTImageStorage, "CT", "GE MEDICAL SYSTEMS", "Revolution CT")),
        "siemens-mr": lambda: _siemens(_image(MRImageStorage, "MR", "SIEMENS", "Prisma_fit")),
        "philips-mr": lambda: _philips(_image(MRImageStorage, "MR", "Philips Medical Systems", "Ingenia")),
        "uih-mr": lambda: _uih(_image(MRImageStorage, "MR", "UIH", "uMR 790")),
        "siemens-ct": lambda: _siemens_ct(_image(CTImageStorage, "CT", "SIEMENS", "SOMATOM Force")),
        "ge-mr": lambda: _ge(_image(MRImageStorage, "MR", "GE MEDICAL SYSTEMS", "SIGNA Premier")),
        "real-ct": lambda: _real("CT_small.dcm"),
        "real-mr": lambda: _real("MR_small.dcm"),
    }
    for name, make in makers.items():
        yield Template.of(name, _written(make(), ExplicitVRLittleEndian), implicit=False)
    implicit = _image(CTImageStorage, "CT", "TOSHIBA", "Aquilion ONE")
    _private(implicit, 0x7005, "TOSHIBA_MEC_CT3", 40)
    yield Template.of("implicit-ct", _written(implicit, ImplicitVRLittleEndian), implicit=True)


def _written(dataset: Dataset, syntax: UID) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    dataset.file_meta = meta
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True, implicit_vr=syntax == ImplicitVRLittleEndian,
                     little_endian=True)  # fmt: skip
    return buffer.getvalue()


def _mark(dataset: Dataset) -> Dataset:
    """Put the values of `_MARK` in, in the order of their tags, and small pixels."""
    for keyword, text in _FIELDS.items():
        if not keyword.startswith("MediaStorage"):
            setattr(dataset, keyword, text(_MARK))
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.Rows = dataset.Columns = 16
    dataset.NumberOfFrames = None
    del dataset.NumberOfFrames
    dataset.add_new(0x7FE00010, "OW", np.zeros((16, 16), np.uint16).tobytes())
    return dataset


def _real(name: str) -> Dataset:
    path = get_testdata_file(name, download=False)
    assert path is not None
    return _mark(pydicom.dcmread(str(path)))


_COMMON = {
    "SpecificCharacterSet": "ISO_IR 100", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "StudyDate": "20240305",
    "SeriesDate": "20240305", "AcquisitionDate": "20240305", "ContentDate": "20240305", "StudyTime": "101112.345",
    "SeriesTime": "101512.125", "AccessionNumber": "ACC1234567", "InstitutionName": "Bench Hospital",
    "InstitutionAddress": "1 Long Street, Town", "ReferringPhysicianName": "Doe^J", "StationName": "STATION1",
    "StudyDescription": "CHEST ROUTINE", "SeriesDescription": "thin axial", "InstitutionalDepartmentName": "Radiology",
    "OperatorsName": "OP1", "PatientBirthDate": "19600102", "PatientSex": "F", "PatientAge": "064Y",
    "PatientSize": "1.68", "PatientWeight": "70.5", "EthnicGroup": "", "AdditionalPatientHistory": "",
    "BodyPartExamined": "CHEST", "SliceThickness": "2.5", "DeviceSerialNumber": "12345", "SoftwareVersions": "1.2.3",
    "ProtocolName": "Routine", "DateOfLastCalibration": "20240301", "TimeOfLastCalibration": "060000",
    "PatientPosition": "HFS", "StudyID": "4711", "SeriesNumber": "3", "AcquisitionNumber": "1",
    "FrameOfReferenceUID": f"{_ROOT}.4.1", "PositionReferenceIndicator": "SN", "ImageComments": "",
    "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "PixelSpacing": ["0.683594", "0.683594"],
    "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0, "SmallestImagePixelValue": 0,
    "LargestImagePixelValue": 4095, "WindowCenter": "40", "WindowWidth": "400", "RescaleIntercept": "0",
    "RescaleSlope": "1", "PerformedProcedureStepStartDate": "20240305", "PerformedProcedureStepStartTime": "101100",
    "PerformedProcedureStepID": "PPS1", "PerformedProcedureStepDescription": "CHEST", "RequestedProcedurePriority": "",
    "RequestingPhysician": "Roe^R", "RequestedProcedureDescription": "CT CHEST",
}  # fmt: skip

_CT = {
    "ScanOptions": "HELICAL MODE", "KVP": "120", "DataCollectionDiameter": "500", "ReconstructionDiameter": "350",
    "DistanceSourceToDetector": "1085.6", "DistanceSourceToPatient": "595", "GantryDetectorTilt": "0",
    "TableHeight": "152", "RotationDirection": "CW", "ExposureTime": "500", "XRayTubeCurrent": "240",
    "Exposure": "120", "FilterType": "BODY FILTER", "GeneratorPower": "28800", "FocalSpots": "1.2",
    "ConvolutionKernel": "B31f", "RescaleType": "HU", "SpiralPitchFactor": 0.984, "CTDIvol": 6.2,
    "ExposureModulationType": "AUTO", "EstimatedDoseSaving": 10.5, "SingleCollimationWidth": 0.6,
    "TotalCollimationWidth": 38.4, "TableSpeed": 78.7, "TableFeedPerRotation": 39.37,
}  # fmt: skip

_MR = {
    "ScanningSequence": ["SE", "IR"], "SequenceVariant": ["SK", "SP"], "ScanOptions": ["PFP", "SFS"],
    "MRAcquisitionType": "2D", "SequenceName": "*tir2d1_15", "AngioFlag": "N", "RepetitionTime": "9000",
    "EchoTime": "87", "InversionTime": "2500", "NumberOfAverages": "1", "ImagingFrequency": "123.25",
    "ImagedNucleus": "1H", "EchoNumbers": "1", "MagneticFieldStrength": "3", "SpacingBetweenSlices": "2.5",
    "NumberOfPhaseEncodingSteps": "256", "EchoTrainLength": "15", "PercentSampling": "100",
    "PercentPhaseFieldOfView": "87.5", "PixelBandwidth": "150", "TransmitCoilName": "Body",
    "AcquisitionMatrix": [0, 320, 256, 0], "InPlanePhaseEncodingDirection": "ROW", "FlipAngle": "150",
    "VariableFlipAngleFlag": "N", "SAR": "0.54", "dBdt": "0", "TemporalPositionIdentifier": "1",
    "NumberOfTemporalPositions": "1", "TriggerTime": "0",
}  # fmt: skip


def _image(sop_class: UID, modality: str, manufacturer: str, model: str) -> Dataset:
    dataset = Dataset()
    for keyword, value in (_COMMON | (_CT if modality == "CT" else _MR)).items():
        setattr(dataset, keyword, value)
    dataset.SOPClassUID, dataset.Modality = sop_class, modality
    dataset.Manufacturer, dataset.ManufacturerModelName = manufacturer, model
    dataset.ProcedureCodeSequence = Sequence([_code("CTCHEST", "CT chest")])
    dataset.ReferencedImageSequence = Sequence([_reference(i) for i in range(3)])
    dataset.RequestAttributesSequence = Sequence([_code("RP1", "Chest")])
    return _mark(dataset)


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "99BENCH", meaning
    return item


def _reference(number: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = MRImageStorage, f"{_ROOT}.5.{number}"
    return item


def _private(dataset: Dataset, group: int, creator: str, count: int, first: int = 0x80) -> Dataset:
    """Add `count` private elements of the kinds that scanners write."""
    block = dataset.private_block(group, creator, create=True)
    values = (("DS", "12.345678"), ("IS", "17"), ("LO", "private text"), ("SH", "ON"), ("US", 7), ("FD", 0.5),
              ("CS", "YES"), ("FL", 2.5), ("SL", -4), ("UN", b"unknown!"))  # fmt: skip
    for i in range(count):
        vr, value = values[i % len(values)]
        block.add_new(first + i, vr, value)
    return dataset


def _ge(dataset: Dataset) -> Dataset:
    _private(dataset, 0x0009, "GEMS_IDEN_01", 12)
    _private(dataset, 0x0019, "GEMS_ACQU_01", 30)
    _private(dataset, 0x0027, "GEMS_IMAG_01", 15)
    _private(dataset, 0x0045, "GEMS_HELIOS_01", 15)
    dataset.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x39, "IS", ["1000000800", "8", "0", "0"])
    return _private(dataset, 0x0043, "GEMS_PARM_01", 20)


def _siemens(dataset: Dataset) -> Dataset:
    block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x08, "CS", "IMAGE NUM 4")
    block.add_new(0x0C, "IS", "800")
    csa = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    for element, size in ((0x10, 11_000), (0x20, 70_000)):
        csa.add_new(element, "OB", b"SV10\x04\x03\x02\x01" + bytes(size))
    return _private(dataset, 0x0051, "SIEMENS MR HEADER", 12)


def _siemens_ct(dataset: Dataset) -> Dataset:
    _private(dataset, 0x0021, "SIEMENS MED", 8)
    return _private(dataset, 0x0019, "SIEMENS CT VA0  COAD", 14)


def _philips(dataset: Dataset) -> Dataset:
    """Philips writes sequences of undefined length."""
    dataset.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x03, "FL", 800.0)
    _private(dataset, 0x2001, "Philips Imaging DD 001", 30)
    block = dataset.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    block.add_new(0x7F, "SQ", Sequence([_code("A", "a"), _code("B", "b")]))
    for sequence in (block[0x7F], dataset["ReferencedImageSequence"]):
        sequence.is_undefined_length = True
        for item in sequence.value:
            item.is_undefined_length_sequence_item = True
    return _private(dataset, 0x2005, "Philips MR Imaging DD 001", 40)


def _uih(dataset: Dataset) -> Dataset:
    block = dataset.private_block(0x0065, "Image Private Header", create=True)
    block.add_new(0x09, "FD", 800.0)
    return _private(dataset, 0x0065, "Image Private Header", 25)
