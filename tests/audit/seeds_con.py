"""Single defects of consistency: what a series, study, patient or protocol says in two ways."""

from dataclasses import replace

from tests import dicom_defects as defects
from tests.audit.seeding import BODY, CHEST, case, ct, made, mr, pt
from tests.dicom_factory import cr_image, ct_series, mg_study, pt_series, write


def vary(keyword, value, *at):
    return lambda series: defects.vary(series, keyword, value, *at)


def all_of(*changes):
    def change(series):
        for one in changes:
            series = one(series)
        return series

    return change


def dated(day):
    return all_of(*(vary(keyword, day) for keyword in ("SeriesDate", "AcquisitionDate", "ContentDate")))


def with_another(**attributes):
    """The CT, and a second series of the same study."""
    return made(lambda e: [*ct_series(e, CHEST), *ct_series(e, CHEST, 9, **attributes)])


def another_patient(who):
    return made(lambda e: [*ct_series(e, CHEST), *ct_series(replace(e, study="2", **who(e)), CHEST)])


def hand(side, words):
    return made(lambda e: all_of(vary("Laterality", side), vary("BodyPartExamined", "HAND"),
                                 vary("SeriesDescription", words))(cr_image(e, rows=64, columns=64)))  # fmt: skip


def cut_short(folder, exam):
    """Ten patients of one protocol, of whom one lost the end of the scan."""
    for k in range(10):
        one = replace(exam, patient=f"{exam.patient}-{k}", name=f"Doe^Kim{k}")
        write(ct_series(one, CHEST)[: 3 if k == 4 else None], folder / one.patient)


CONSISTENCY = [
    case("two-voltages", ct(vary("KVP", "80", 3)), "CON-001"),
    case("two-kernels", ct(vary("ConvolutionKernel", "SHARP", 4, 5, 6, 7)), "CON-002"),
    case("two-fields", mr(vary("MagneticFieldStrength", "1.2", 3)), "CON-003"),
    case("two-polarities", ct(vary("PhotometricInterpretation", "MONOCHROME1", 3)), "CON-005"),
    case("two-pixel-formats", ct(all_of(vary("BitsStored", 15, 3), vary("HighBit", 14, 3))), "CON-006"),
    case("two-intercepts", ct(vary("RescaleIntercept", "-1023", 3)), "CON-007"),
    case("two-units", pt(vary("Units", "CNTS", 3)), "CON-008"),
    case("two-series-numbers", ct(vary("SeriesNumber", 9, 4, 5, 6, 7)), "CON-010"),
    case("two-weights", pt(vary("PatientWeight", "76", 3)), "CON-013"),
    case("two-ages", with_another(PatientAge="040Y"), "CON-020"),
    case("pt-and-ct-weights", made(lambda e: [*pt_series(e, BODY), *ct_series(e, CHEST, PatientWeight="96")]),
         "CON-021"),
    case("three-weeks-of-images", with_another(**dict.fromkeys(("SeriesDate", "AcquisitionDate", "ContentDate"),
         "20240401")), "CON-024"),
    case("end-lost", cut_short, "CON-042"),
    case("called-mr", ct(vary("SeriesDescription", "MRI of the chest")), "CON-060"),
    case("other-side", hand("R", "Left hand"), "CON-062"),
    case("same-side", hand("L", "Left hand")),
    case("two-sides", made(lambda e: [*vary("Laterality", "L")(mg_study(e, 80, 60)[:1]), *mg_study(e, 80, 60)[1:]]),
         "CON-063"),
    case("series-before-study", ct(vary("SeriesDate", "20240101")), "CON-080"),
    case("acquired-later", ct(dated("20240501")), "CON-081"),
    case("age-and-birth-date", ct(vary("PatientBirthDate", "19400704")), "CON-083"),
    case("methuselah", ct(all_of(vary("PatientBirthDate", ""), vary("PatientAge", "150Y"))), "CON-084"),
    case("heavy-newborn", ct(all_of(vary("PatientBirthDate", ""), vary("PatientAge", "000Y"))), "CON-085"),
    case("grams", mr(vary("PatientWeight", "66000")), "CON-086"),
    case("centimetres", ct(vary("PatientSize", "168")), "CON-087"),
    case("registered-anew", another_patient(lambda e: {"patient": "7" + e.patient}), "CON-090", times=2),
    case("lower-case-id", another_patient(lambda e: {"patient": e.patient.lower(), "name": "Doe^Kim"}), "CON-091",
         times=2),
]  # fmt: skip
"""One defect each, and one series that has none."""
