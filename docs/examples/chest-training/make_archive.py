"""Writes the archive of this example: ``python make_archive.py FOLDER``, and mended: ``… FOLDER --resent``.

Two hospitals, eight CT series of twelve slices, all from the header of a test image that pydicom brings. On its way
from South one slice of patient 3 was lost; the resend brings it. North's patient 1 has a gap that stays.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

SLICES = 12
STEP_MM = 5.0
SITES = {"north": 4, "south": 4}
LOST = ("south", 3, 6)
NEVER_ACQUIRED = ("north", 1, 11)
ROOT_UID = "1.2.826.0.1.3680043.10.1599.20"


def uid(*parts: object) -> str:
    """Return a UID that depends on `parts` alone."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()
    return f"{ROOT_UID}.{int(digest[:16], 16)}"


def slice_of(template: Dataset, site: str, patient: int, number: int) -> Dataset:
    """Return one slice of one patient; `number` counts from 1."""
    image = template.copy()
    image.PatientID, image.PatientName = f"{site}-{patient}", f"Example^{site}{patient}"
    image.InstitutionName = f"{site.capitalize()} Hospital"
    image.StudyInstanceUID = uid(site, patient)
    image.SeriesInstanceUID = uid(site, patient, "series")
    image.FrameOfReferenceUID = uid(site, patient, "frame")
    image.SOPInstanceUID = uid(site, patient, number)
    image.file_meta = template.file_meta
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.StudyID, image.AccessionNumber = str(patient), f"{site[0]}{patient}"
    image.SeriesDescription, image.InstanceNumber = "Chest", number
    image.ImagePositionPatient = [-158.135803, -179.035797, -75.699997 + STEP_MM * number]
    image.SliceLocation = image.ImagePositionPatient[2]
    image.SliceThickness = STEP_MM
    noise = np.random.default_rng([ord(site[0]), patient, number]).integers(-20, 20, (image.Rows, image.Columns))
    image.PixelData = (template.pixel_array + noise).astype(np.int16).tobytes()
    return image


def main(arguments: list[str]) -> int:
    """Write the archive; 2 for wrong use."""
    if not arguments or arguments[1:] not in ([], ["--resent"]):
        print("usage: python make_archive.py FOLDER [--resent]", file=sys.stderr)
        return 2
    template = dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    for site, patients in SITES.items():
        for patient in range(1, patients + 1):
            folder = Path(arguments[0]) / site / f"patient-{patient}"
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(1, SLICES + 2):
                gap = (site, patient, number) == NEVER_ACQUIRED
                lost = (site, patient, number) == LOST and "--resent" not in arguments
                if not gap and not lost and (number <= SLICES or (site, patient) == NEVER_ACQUIRED[:2]):
                    slice_of(template, site, patient, number).save_as(folder / f"slice-{number:02d}.dcm")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
