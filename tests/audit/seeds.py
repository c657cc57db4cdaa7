"""What is seeded, and what must be found of it above info: sound series first, then single defects."""

import struct
from dataclasses import replace
from functools import partial

import numpy as np
import pydicom
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from tests import dicom_defects as defects
from tests.audit.pixel_seeds import PIXELS
from tests.audit.seeding import BODY, CHEST, HEAD, case, ct, damaged, each, made, mr, pt, rewritten
from tests.audit.seeds_acquisition import ACQUISITION
from tests.audit.seeds_con import CONSISTENCY
from tests.dicom_exam import PLANES
from tests.dicom_factory import (
    cr_image,
    ct_localizer,
    ct_series,
    enhanced_ct,
    fundus_image,
    mg_study,
    mr_series,
    pt_series,
    us_image,
    write,
)


def survey(series):
    """Turn a third of the slices each to another plane."""
    for at, plane in ((range(3, 6), "coronal"), (range(6, 8), "sagittal")):
        row, column = PLANES[plane]
        series = defects.vary(series, "ImageOrientationPatient", [str(v) for v in (*row, *column)], *at)
    return series


CLEAN = [
    *(case(f"ct-{vendor}", made(lambda e, v=vendor: ct_series(replace(e, vendor=v), CHEST)))
      for vendor in ("ge", "siemens", "philips", "uih")),
    *(case(f"mr-{vendor}", made(lambda e, v=vendor: mr_series(replace(e, vendor=v), HEAD)))
      for vendor in ("ge", "siemens", "philips", "uih")),
    *(case(f"mr-{contrast.lower()}", mr(contrast=contrast)) for contrast in ("T1", "FLAIR", "GRE")),
    *(case(f"mr-{plane}", mr(grid=replace(HEAD, plane=plane))) for plane in ("sagittal", "coronal", "oblique")),
    case("mr-echoes", mr(contrast="GRE", echoes_ms=(4.9, 9.8, 14.7))),
    case("mr-b-values", mr(contrast="DWI", b_values=(0, 500, 1000))),
    case("mr-time-points", mr(contrast="BOLD", time_points=4)),
    case("ct-tenths", ct(partial(defects.vary, keyword="SliceThickness", value="3.0"))),
    case("mr-survey", mr(survey)),
    case("ct-localizer", made(lambda e: [ct_localizer(e)])),
    case("ct-with-its-scout", made(lambda e: [ct_localizer(e), *ct_series(e, CHEST)])),
    case("ct-enhanced", made(lambda e: enhanced_ct(e, CHEST))),
    case("pt", pt()),
    case("mg", made(lambda e: mg_study(e, 80, 60))),
    case("cr", made(lambda e: cr_image(e, rows=64, columns=64))),
    case("us", made(lambda e: us_image(e, rows=60, columns=80))),
    case("fundus", made(lambda e: fundus_image(e, rows=64, columns=64))),
    case("gb18030", ct(defects.in_gb18030)),
    case("iso-2022", ct(defects.in_iso_2022)),
]  # fmt: skip


def vary(keyword, value, *at):
    return lambda series: defects.vary(series, keyword, value, *at)


def cropped(series, *at):
    """Half the matrix, with pixels to match."""
    for i in at:
        series = vary("Rows", 16, i)(series)
        series[i].PixelData = series[i].PixelData[: len(series[i].PixelData) // 2]
    return series


GEOMETRY = [
    case("gap", ct(lambda s: defects.drop_slice(s, 3)), "GEO-003"),
    case("gap-of-three", ct(lambda s: defects.drop_slice(s, 2, 3, 4)), "GEO-003"),
    case("gap-mr", mr(lambda s: defects.drop_slice(s, 3)), "GEO-003"),
    case("gap-in-one-echo", mr(lambda s: defects.drop_slice(s, 3), contrast="GRE", echoes_ms=(5, 10)), "GEO-003"),
    case("last-volume-cut", mr(lambda s: s[:-2], contrast="DWI", b_values=(0, 1000)), "GEO-018"),
    case("pt-gap", pt(lambda s: defects.drop_slice(s, 3)), "GEO-031"),
    case("pt-end-lost", pt(lambda s: s[:-2]), "GEO-031"),
    case("two-steps", ct(lambda s: defects.stretch(s, 4, 4.0)), "GEO-004"),
    case("one-slice-off", ct(lambda s: defects.shift_origin(s, 3, (0, 0, 0.5))), "GEO-004"),
    case("duplicate-position", ct(lambda s: defects.duplicate_slice(s, 3)), "GEO-005"),
    case("another-orientation", ct(lambda s: defects.mix_orientation(s, 3)), "GEO-006"),
    case("two-orientations", mr(lambda s: defects.join(s, [
        defects.put(i, {"SOPInstanceUID": i.SOPInstanceUID + ".1"}) for i in _coronal(s)])), "GEO-006"),
    case("scout-in-series", made(lambda e: defects.insert_scout(ct_series(e, CHEST), ct_localizer(e))), "GEO-007"),
    case("another-matrix", ct(lambda s: cropped(s, 3)), "GEO-008"),
    case("another-spacing", ct(vary("PixelSpacing", ["9", "9"], 3)), "GEO-009"),
    case("another-frame", ct(vary("FrameOfReferenceUID", "2.25.77", 3)), "GEO-010"),
    case("frame-replaced-image-by-image", ct(lambda s: _each_its_own(s, "FrameOfReferenceUID")), "GEO-010"),
    case("spacing-tag", mr(vary("SpacingBetweenSlices", "6")), "GEO-011"),
    case("thin-slices", ct(lambda s: defects.drift_thickness(s, 1.0)), "GEO-012"),
    case("tilted", made(lambda e: ct_series(e, replace(CHEST, tilt_deg=16))), "GEO-014"),
    case("sheared", ct(lambda s: defects.shear(s, 12)), "GEO-014"),
    case("tilt-tag", ct(vary("GantryDetectorTilt", "15")), "GEO-015"),
    case("off-the-line", ct(lambda s: defects.shift_origin(s, 3, (12, 0, 0))), "GEO-016"),
    case("thickness-varies", ct(vary("SliceThickness", "5", 3)), "GEO-026"),
    case("thickness-half", ct(vary("SliceThickness", "5", 4, 5, 6, 7)), "GEO-026"),
    case("thickness-missing", ct(vary("SliceThickness", None)), "GEO-024"),
    case("position-varies", ct(vary("PatientPosition", "HFP", 3)), "GEO-030"),
    case("no-position", ct(vary("ImagePositionPatient", None, 3)), "GEO-002"),
    case("no-orientation", ct(vary("ImageOrientationPatient", None, 3)), "GEO-002"),
    case("no-spacing", ct(vary("PixelSpacing", None, 3)), "GEO-021"),
    case("no-radiograph-spacing", made(lambda e: vary("PixelSpacing", None)(vary("ImagerPixelSpacing", None)(
        cr_image(e, rows=64, columns=64)))), "GEO-022"),
    case("spacing-implausible", made(lambda e: ct_series(e, replace(CHEST, spacing_mm=(100, 100)))), "GEO-023",
         times=8),
    case("not-perpendicular", ct(vary("ImageOrientationPatient", ["1", "0", "0", "0.1", "1", "0"])), "GEO-001"),
    case("kilometres-away", ct(lambda s: defects.shift_origin(s, 7, (9000, 0, 0))), "GEO-032"),
    case("no-frame-of-reference", ct(vary("FrameOfReferenceUID", None)), "GEO-036"),
    case("no-frame-of-reference-on-one", ct(vary("FrameOfReferenceUID", None, 3)), "GEO-036"),
    case("one-spacing-value", ct(vary("PixelSpacing", "5", 3)), "GEO-034"),
    case("five-cosines", ct(vary("ImageOrientationPatient", ["1", "0", "0", "0", "1"], 3)), "GEO-035"),
]  # fmt: skip


def _coronal(series):
    return mr_series(grid=replace(HEAD, plane="coronal"), StudyInstanceUID=series[0].StudyInstanceUID,
                     PatientID=series[0].PatientID, FrameOfReferenceUID=series[0].FrameOfReferenceUID,
                     InstitutionName=series[0].InstitutionName, AccessionNumber=series[0].AccessionNumber,
                     Manufacturer=series[0].Manufacturer, ManufacturerModelName=series[0].ManufacturerModelName,
                     DeviceSerialNumber=series[0].DeviceSerialNumber)  # fmt: skip


def _each_its_own(series, keyword):
    for i, image in enumerate(series):
        series = vary(keyword, f"{image.get(keyword)}.{i}", i)(series)
    return series


def twice(folder, exam, change=lambda path: None):
    """The CT, and a copy of one of its files."""
    paths = write(ct_series(exam, CHEST), folder / "series")
    copy = folder / "again" / "copy.dcm"
    copy.parent.mkdir()
    copy.write_bytes(paths[3].read_bytes())
    change(copy)


def recoded(path):
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)


def two_studies(exam, second, **attributes):
    return [*ct_series(exam, CHEST), *ct_series(replace(exam, **second), CHEST, **attributes)]


def two_sites(folder, exam, change=list):
    for target in (folder, folder.with_name(f"{folder.name}@2")):
        write(change(ct_series(exam, CHEST)), target / "series")


IDENTITY = [
    case("uid-twice", ct(lambda s: defects.duplicate_uid(s, 2, 5)), "IDN-001"),
    case("changed-copy", lambda f, e: twice(f, e, rewritten(WindowCenter="77")), "IDN-001"),
    case("same-file-twice", twice, "IDN-002"),
    case("no-sop-uid", damaged(rewritten(SOPInstanceUID=None)), "IDN-003"),
    case("no-study-uid", damaged(rewritten(StudyInstanceUID=None), at=-1), "IDN-004"),
    case("no-study-uids", each(rewritten(StudyInstanceUID=None)), "IDN-004", times=8),
    case("no-study-uid-in-the-middle", damaged(rewritten(StudyInstanceUID=None)), "IDN-004"),
    case("no-series-uid", damaged(rewritten(SeriesInstanceUID=None), at=-1), "IDN-005"),
    case("no-series-uid-in-the-middle", damaged(rewritten(SeriesInstanceUID=None)), "IDN-005"),
    case("recoded-copy", lambda f, e: twice(f, e, recoded), "IDN-030"),
    case("no-sop-class", damaged(rewritten(SOPClassUID=None)), "IDN-006"),
    case("malformed-uid", ct(vary("SOPInstanceUID", "1.2.3x", 3)), "IDN-007"),
    case("hostile-uid", ct(defects.hostile), "IDN-007", times=8),
    case("uid-of-the-standard", ct(vary("SOPInstanceUID", "1.2.840.10008.99.1", 3)), "IDN-008"),
    case("series-uid-is-study-uid", ct(lambda s: vary("SeriesInstanceUID", s[0].StudyInstanceUID)(s)), "IDN-009",
         times=8),
    case("meta-uid", damaged(rewritten(MediaStorageSOPInstanceUID="2.25.5")), "IDN-010"),
    case("meta-class", damaged(rewritten(MediaStorageSOPClassUID="1.2.840.10008.5.1.4.1.1.7")), "IDN-011"),
    case("no-patient", ct(vary("PatientID", None)), "IDN-012"),
    case("no-patient-on-one", ct(vary("PatientID", None, 3)), "IDN-015"),
    case("placeholder", ct(vary("PatientID", "ANONYMOUS")), "IDN-013"),
    case("rounded-by-a-spreadsheet", ct(vary("PatientID", "1.23457E+11")), "IDN-031"),
    case("two-patients", ct(vary("PatientID", "SOMEONE-ELSE", 3)), "IDN-014"),
    case("series-without-patient", made(lambda e: [*ct_series(e, CHEST), *ct_series(e, CHEST, 9, PatientID=None)]),
         "IDN-015"),
    case("series-in-two-studies", made(lambda e: two_studies(e, {"study": "2"}, SeriesInstanceUID=e.uid("CT", 2))),
         "IDN-016", times=2),
    case("series-at-two-sites", lambda f, e: two_sites(f, e, lambda s: s[:4] if f.exists() else s[4:]), "IDN-018",
         times=2),
    case("study-at-two-sites", two_sites, "IDN-018", times=2),
    case("ct-called-mr", ct(vary("Modality", "MR", 3)), "IDN-019"),
    case("two-object-kinds", ct(vary("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7", 7)), "IDN-020"),
    case("two-scanners", ct(vary("ManufacturerModelName", "Another", 3)), "IDN-021"),
    case("birth-dates", made(lambda e: two_studies(e, {"study": "2", "birth_date": "19700101"})), "IDN-024"),
    case("sexes", made(lambda e: two_studies(e, {"study": "2", "sex": "M"})), "IDN-025"),
    case("study-dates", ct(vary("StudyDate", "20240310", 3)), "IDN-027"),
]  # fmt: skip


def in_syntax(uid, **attributes):
    """Claim another transfer syntax than that of the pixel data."""

    def change(path):
        rewritten(**attributes)(path)
        before = path.stat().st_size
        defects.overwrite(path, 0x00020010, uid.encode() + b"\0" * (len(uid) % 2))
        data = bytearray(path.read_bytes())
        (length,) = struct.unpack("<I", data[140:144])
        data[140:144] = struct.pack("<I", length + len(data) - before)
        path.write_bytes(data)

    return change


def without_meta(path):
    """Keep the preamble, and lose the File Meta Information."""
    data = path.read_bytes()
    path.write_bytes(data[:132] + defects.dataset_only(path).read_bytes())


def deflated(series):
    for image in series[3:4]:
        image.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return series


def nifti(folder, exam, code=0):
    import nibabel

    image = nibabel.Nifti1Image(np.zeros((4, 4, 4), np.int16), None)
    image.set_qform(np.eye(4), code)
    image.set_sform(np.eye(4), code)
    folder.mkdir(parents=True)
    nibabel.save(image, folder / "volume.nii.gz")


def broken_rle(path):
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    dataset.PixelData = encapsulate([b"\x00\x00\x00\x09" + bytes(60)])
    dataset.save_as(path)


def multiframe(change):
    def make(exam):
        image = enhanced_ct(exam, CHEST)[0]
        change(image)
        return [image]

    return made(make)


def lose_a_frame(image):
    image.PerFrameFunctionalGroupsSequence = image.PerFrameFunctionalGroupsSequence[:-1]


def lose_positions(image):
    for frame in image.PerFrameFunctionalGroupsSequence:
        del frame.PlanePositionSequence


FILES = [
    case("empty-file", damaged(defects.zero_byte, at=-1), "FMT-001"),
    case("empty-file-in-the-middle", damaged(defects.zero_byte), "FMT-001"),
    case("damaged", damaged(defects.damaged, at=-1), "FMT-004"),
    case("damaged-in-the-middle", damaged(defects.damaged), "FMT-004"),
    case("cut-in-the-header", damaged(defects.truncate_header, at=-1), "FMT-005"),
    case("cut-in-the-header-in-the-middle", damaged(defects.truncate_header), "FMT-005"),
    case("cut-before-the-pixels", damaged(lambda p: defects.truncate(p, 0.4)), "FMT-005"),
    case("preallocated", damaged(lambda p: defects.zero_pixels_from(p, 0.9))),
    case("empty-pt-file", damaged(defects.zero_byte, make=lambda e: pt_series(e, BODY)), "FMT-001"),
    case("cut-in-the-pixels", damaged(lambda p: defects.truncate(p, 0.8)), "FMT-006"),
    case("last-bytes-lost", damaged(defects.cut_pixels), "FMT-006"),
    case("cut-in-compressed-pixels", damaged(lambda p: (recoded(p), defects.truncate(p, 0.8))), "FMT-057"),
    case("too-few-pixels", ct(vary("PixelData", bytes(1024), 3)), "FMT-007"),
    case("too-many-pixels", ct(vary("PixelData", bytes(range(256)) * 16, 3)), "FMT-008"),
    case("no-preamble", damaged(defects.no_preamble), "FMT-009"),
    case("data-set-only", damaged(defects.dataset_only), "FMT-009"),
    case("big-endian", ct(lambda s: [*s[:7], *defects.big_endian(s[7:])]), "FMT-013"),
    case("big-endian-all", ct(defects.big_endian), "FMT-013", times=8),
    case("lossy-flag", ct(vary("LossyImageCompression", "01", 3)), "FMT-017"),
    case("wrong-vr", damaged(defects.wrong_vr), "FMT-018", "PIX-001"),  # a warning never hides what is critical
    case("bad-date", damaged(defects.bad_date), "FMT-019"),
    case("undeclared-charset", damaged(defects.undeclared_charset), "FMT-022"),
    case("unknown-charset", damaged(rewritten(SpecificCharacterSet="LATIN")), "FMT-023"),
    case("class-contradicts", ct(vary("Modality", "MR")), "FMT-026", times=8),
    case("no-modality", ct(vary("Modality", None)), "FMT-027", times=8),
    case("no-modality-on-one", ct(vary("Modality", None, 3)), "FMT-027"),
    case("odd-modality", ct(vary("Modality", "CTX")), "FMT-028"),
    case("no-pixels", ct(vary("PixelData", None, 3)), "FMT-029"),
    case("no-bits", damaged(rewritten(BitsAllocated=None)), "FMT-030"),
    case("no-rows", damaged(rewritten(Rows=None)), "FMT-030"),
    case("photometric", ct(vary("PhotometricInterpretation", "GREY", 3)), "FMT-031"),
    case("samples", ct(vary("SamplesPerPixel", 3, 3)), "FMT-032"),
    case("bits", ct(vary("BitsStored", 17, 3)), "FMT-033"),
    case("high-bit", ct(vary("HighBit", 11, 3)), "FMT-034"),
    case("sign", ct(vary("PixelRepresentation", 2, 3)), "FMT-036"),
    case("no-planar", damaged(rewritten(PlanarConfiguration=None), 0, lambda e: fundus_image(e, rows=64, columns=64)),
         "FMT-037"),
    case("no-rescale", ct(vary("RescaleSlope", None, 3)), "FMT-038"),
    case("slope-zero", ct(vary("RescaleSlope", "0", 3)), "FMT-039"),
    case("window", ct(vary("WindowWidth", "0", 3)), "FMT-040"),
    case("no-image-type", ct(vary("ImageType", None)), "FMT-041"),
    case("no-sequence", mr(vary("ScanningSequence", None)), "FMT-042"),
    case("no-units", pt(vary("Units", None)), "FMT-043"),
    case("no-intent", made(lambda e: vary("PresentationIntentType", None, 1)(mg_study(e, 80, 60))), "FMT-044"),
    case("no-side", made(lambda e: vary("ImageLaterality", None, 1)(mg_study(e, 80, 60))), "FMT-045"),
    case("sex", ct(vary("PatientSex", "X")), "FMT-046"),
    case("date-to-come", ct(vary("StudyDate", "21240310")), "FMT-048"),
    case("born-1700", ct(vary("PatientBirthDate", "17000101")), "FMT-049"),
    case("born-later", ct(vary("PatientBirthDate", "20240601")), "FMT-050"),
    case("acquired-before", ct(vary("AcquisitionDate", "20240101")), "FMT-051"),
    case("does-not-decode", damaged(broken_rle), "PIX-001"),
    case("constant", ct(lambda s: defects.flatten(s, 3)), "PIX-002"),
]  # fmt: skip


HEADERS = [
    case("wrong-vr-unseen", damaged(defects.wrong_vr), "FMT-018"),
    case("no-meta", damaged(without_meta), "FMT-010"),
    case("no-syntax", damaged(in_syntax("")), "FMT-011"),
    case("private-syntax", damaged(in_syntax("1.2.840.113619.5.2")), "FMT-012"),
    case("retired-jpeg", damaged(in_syntax("1.2.840.10008.1.2.4.66")), "FMT-013"),
    case("deflated", ct(deflated), "FMT-014"),
    case("lossy", damaged(in_syntax("1.2.840.10008.1.2.4.50", LossyImageCompression="01")), "FMT-015"),
    case("lossy-undeclared", damaged(in_syntax("1.2.840.10008.1.2.4.50"), 0,
         lambda e: us_image(e, rows=60, columns=80)), "FMT-016"),
    case("odd-allocation", damaged(rewritten(BitsAllocated=12, BitsStored=12, HighBit=11, PixelData=bytes(1536))),
         "FMT-035"),
    case("native-in-fragments", damaged(lambda path: (recoded(path), in_syntax("1.2.840.10008.1.2.1")(path))),
         "FMT-056"),
    case("nifti-without-orientation", nifti, "FMT-054"),
    case("nifti", lambda folder, exam: nifti(folder, exam, 1)),
    case("thick-slabs", ct(lambda s: defects.drift_thickness(s, 900)), "GEO-025"),
    case("frame-without-position", multiframe(lose_a_frame), "GEO-027"),
    case("frames-without-positions", multiframe(lose_positions), "GEO-033"),
]  # fmt: skip
"""Of these no image is decoded: some cannot be, as a consequence."""

CASES = [*CLEAN, *GEOMETRY, *IDENTITY, *FILES, *ACQUISITION, *CONSISTENCY, *PIXELS]
