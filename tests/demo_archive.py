"""Writes a small archive of six sites with the faults that such archives have: ``python -m tests.demo_archive FOLDER``.

Two sites are the real files in pydicom's wheel, four are generated; each generated site has the faults of one way
in which hospitals hand data over. The same bytes come out every time.
"""

import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom.data

from tests import dicom_defects as defects
from tests.dicom_factory import (
    Exam,
    Grid,
    cr_image,
    ct_localizer,
    ct_series,
    fundus_image,
    mg_study,
    mr_series,
    pt_series,
    us_image,
    write,
)

VERSION = "1"
CHEST = Grid(n=24, rows=128, columns=128, spacing_mm=(2.8, 2.8), step_mm=5.0)
BRAIN = Grid(n=20, rows=128, columns=128, spacing_mm=(1.8, 1.8), step_mm=5.0)


def north_general(root: Path) -> None:
    """A teaching hospital: lost slices, and another slice thickness since a software update."""
    for k in range(6):
        updated = k >= 3
        exam = Exam(
            "North General Hospital", f"{100200 + k}", vendor="ge", date=f"2024{3 + k:02d}1{k}", name=f"Doe^Pat{k}",
            software="revo_ct_22bc.60" if updated else "",
        )  # fmt: skip
        series = ct_series(exam, replace(CHEST, n=32, step_mm=2.5) if updated else CHEST)
        if k == 1:
            series = defects.drop_slice(series, 9)
        if k == 4:
            series = defects.drop_slice(series, 5, 6, 7)
        folder = root / exam.patient / exam.date / "CT-chest"
        paths = write(series, folder, "IM{number:05d}.dcm")
        if k == 2:
            defects.truncate(paths[12], 0.6)
            defects.zero_byte(paths[13])
    exam = Exam("North General Hospital", "100200", study="2", vendor="ge", date="20240902", name="Doe^Pat0")
    write(cr_image(exam), root / exam.patient / exam.date / "CR-chest")
    write(us_image(exam), root / exam.patient / exam.date / "US-abdomen")
    pet = Exam("North General Hospital", "100209", date="20240911", name="Doe^Pat9")
    write(pt_series(pet, replace(CHEST, n=20)), root / pet.patient / pet.date / "PT")


def harbour_clinic(root: Path) -> None:
    """A clinic that burns discs: system files, scouts in series, no PatientID, a big-endian export."""
    for k in range(4):
        exam = Exam("Harbour Clinic", f"HC-{k}7", vendor="philips", date=f"2023061{k}", name=f"Roe^Robin{k}")
        series = ct_series(exam, CHEST)
        if k in (0, 2):
            series = defects.insert_scout(series, ct_localizer(exam))
        if k == 1:
            series = defects.remove(series, "PatientID")
        if k == 3:
            series = defects.duplicate_uid(series, 4, 11)
        write(series, root / f"disc{k + 1}" / "DICOM" / "S0001", "I{number:04d}")
        (root / f"disc{k + 1}" / "autorun.inf").write_text("[autorun]\nopen=viewer.exe\n")
    old = Exam("Harbour Clinic", "HC-99", vendor="siemens", date="20090225", name="Roe^Old", birth_date="19460704")
    write(defects.big_endian(mr_series(old, BRAIN)), root / "disc5" / "DICOM" / "S0001", "I{number:04d}")
    bin_of_the_disc = root / "disc1" / "$RECYCLE.BIN"
    bin_of_the_disc.mkdir()
    (bin_of_the_disc / "desktop.ini").write_text("[.ShellClassInfo]\n")
    viewer = root / "disc1" / "VIEWER"
    viewer.mkdir()
    (viewer / "README.TXT").write_text("Start viewer.exe\n")
    shutil.copy(_pydicom_data() / "test_files/dicomdirtests/DICOMDIR", root / "disc1" / "DICOMDIR")


def st_lucia(root: Path) -> None:
    """A hospital with an old gantry and a breast centre: tilt that no tag tells, mixed orientation, views missing."""
    for k in range(3):
        exam = Exam("St. Lucia", f"SL{k:06d}", vendor="siemens", date=f"2022112{k}", name=f"Poe^Sam{k}")
        series = ct_series(exam, replace(CHEST, tilt_deg=16.0) if k == 0 else CHEST)
        if k == 0:
            series = defects.vary(series, "GantryDetectorTilt", "0")
        if k == 1:
            series = defects.stretch(series, 12, 6.5)
        write(series, root / exam.patient / "CT", "{uid}.dcm")
    for k in range(3):
        exam = Exam("St. Lucia", f"SL{k:06d}", study="2", vendor="siemens", date=f"2022121{k}", name=f"Poe^Sam{k}")
        series = mr_series(exam, BRAIN, contrast="FLAIR" if k else "T2")
        if k == 1:
            series = defects.join(series, mr_series(exam, replace(BRAIN, n=6, plane="coronal"), 9, "FLAIR"))
        write(series, root / exam.patient / "MR", "{uid}.dcm")
    for k in range(3):
        exam = Exam("St. Lucia", f"SL1{k:05d}", study="3", date=f"2023010{k + 1}", name=f"Poe^Jo{k}")
        views = mg_study(exam)
        if k == 1:
            views = views[:3]
        if k == 2:
            views = defects.remove(views, "ImageLaterality", 0, 1)
        write(views, root / exam.patient / "MG", "view{number}.dcm")


def xishan(root: Path) -> None:
    """A hospital that writes GB18030: undeclared character sets, dates of asterisks, doubled positions, a NIfTI."""
    for k in range(4):
        exam = Exam(
            "Xishan Hospital", f"XS{k:04d}", vendor="uih", date=f"2024050{k + 1}", name=f"Zhang^San{k}=张^三"
        )  # fmt: skip
        if k == 0:
            series = mr_series(exam, replace(BRAIN, n=12), contrast="DWI", b_values=(0, 1000))
        else:
            series = mr_series(exam, BRAIN, contrast="T1" if k == 3 else "T2")
        if k == 1:
            series = defects.duplicate_slice(series, 7)
        if k == 2:
            series = defects.flatten(defects.in_gb18030(series), 8)
        paths = write(series, root / exam.patient / "头部", "{number:03d}.dcm")
        for path in paths if k == 3 else []:
            defects.bad_date(defects.undeclared_charset(path))
    exam = Exam("Xishan Hospital", "XS0009", vendor="uih", date="20240520", name="Li^Si=李^四")
    paths = write(ct_series(exam, CHEST), root / exam.patient / "胸部", "{number:03d}.dcm")
    defects.cut_pixels(paths[3], 9000)
    defects.junk(root / exam.patient / "胸部" / "021.dcm")
    fundus = Exam("Xishan Hospital", "XS0010", date="20240521", name="Wang^Wu=王^五")
    write(fundus_image(fundus), root / fundus.patient / "眼底")
    _write_nifti(root / "XS0001" / "lesion.nii.gz")


def _write_nifti(path: Path) -> None:
    import nibabel

    mask = np.zeros((32, 32, 20), np.uint8)
    mask[12:18, 10:16, 6:10] = 1
    nibabel.save(nibabel.Nifti1Image(mask, np.diag([7.2, 7.2, 5.0, 1.0])), path)


def _pydicom_data() -> Path:
    return Path(pydicom.data.__file__).parent


def riverside(root: Path) -> None:
    """Real studies that pydicom carries for its DICOMDIR tests, as a PACS exported them."""
    tests = _pydicom_data() / "test_files" / "dicomdirtests"
    for study in sorted(path for path in tests.iterdir() if path.is_dir()):
        shutil.copytree(study, root / study.name, copy_function=shutil.copyfile)


def teaching_files(root: Path) -> None:
    """Real single images that pydicom tests with: every encoding, character set and oddity."""
    data = _pydicom_data()
    for folder, target in (("test_files", "images"), ("charset_files", "names")):
        (root / target).mkdir(parents=True)
        for path in sorted((data / folder).glob("*.dcm")):
            shutil.copyfile(path, root / target / path.name)


SITES = {
    "north-general": north_general,
    "harbour-clinic": harbour_clinic,
    "st-lucia": st_lucia,
    "西山医院": xishan,
    "riverside": riverside,
    "teaching-files": teaching_files,
}


def _marker(folder: Path) -> Path:
    """Return the file, beside `folder`, that says that the folder was made here and is complete."""
    return folder.with_name(f".{folder.name}.dqkit-demo")


def make(folder: Path) -> bool:
    """Write the archive to `folder`, all or nothing; return False where it stands already.

    Raises
    ------
    FileExistsError
        `folder` holds something else.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if _marker(folder).exists() and _marker(folder).read_text() == VERSION:
            return False
        raise FileExistsError(f"{folder} holds something that is not this demo archive: name an empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        made = Path(scratch) / "archive"
        for name, site in SITES.items():
            (made / name).mkdir(parents=True)
            site(made / name)
        _marker(folder).write_text(VERSION)
        made.rename(folder)
    return True


def summary(folder: Path) -> str:
    """Return one line: files and megabytes of each site."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    counts = Counter(path.relative_to(folder).parts[0] for path in files)
    size = sum(path.stat().st_size for path in files) / 1e6
    sites = ", ".join(f"{name} {counts[name]}" for name in SITES)
    return f"{len(files)} files, {size:.0f} MB in {folder}: {sites}"


def main(arguments: list[str]) -> int:
    """Run the command; 2 for wrong use."""
    if len(arguments) != 1:
        print("usage: python -m tests.demo_archive FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0]).absolute()
    try:
        made = make(folder)
    except FileExistsError as error:
        print(error, file=sys.stderr)
        return 2
    print(("wrote " if made else "there already: ") + summary(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
