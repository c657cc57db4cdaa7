"""The archive of docs/tutorials/five-hospitals.md, and what its hospitals do: ``python -m tests.five_hospitals VERB``.

Five hospitals give chest CT to a study of lung nodules. One lost slices, one cut a file short, one reconstructs too
thickly, one has a gantry that leans, and one did all as it was asked.
"""

import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import openpyxl

from tests import dicom_defects as defects
from tests.dicom_factory import Exam, Grid, ct_series, write

THIN = Grid(n=32, rows=64, columns=64, spacing_mm=(5.0, 5.0), step_mm=1.25)
THICK = replace(THIN, n=8, step_mm=5.0)
LEANING = replace(THIN, tilt_deg=12.0)

_DESCRIBED = {"SeriesDescription": "Chest thin lung", "BodyPartExamined": "CHEST", "ProtocolName": "Nodule follow-up"}


@dataclass(frozen=True)
class Hospital:
    """A hospital, its scanner and its patients."""

    name: str
    folder: str
    vendor: str
    patients: int
    serial: str
    grid: Grid = THIN


NORTH = Hospital("North General Hospital", "north", "ge", 4, "482913")
HARBOUR = Hospital("Harbour Clinic", "harbour", "philips", 3, "7731")
ST_LUCIA = Hospital("St. Lucia", "st-lucia", "siemens", 3, "73021", THICK)
XISHAN = Hospital("Xishan Hospital", "xishan", "uih", 3, "300219")
RIVERSIDE = Hospital("Riverside", "riverside", "ge", 4, "482988")
HOSPITALS = (NORTH, HARBOUR, ST_LUCIA, XISHAN, RIVERSIDE)


def _exam(hospital: Hospital, k: int) -> Exam:
    letters = hospital.folder[:2].upper()
    return Exam(
        hospital.name, f"{letters}{k + 1:04d}", vendor=hospital.vendor, date=f"2024030{k + 1}", name=f"Doe^{letters}{k}"
    )


def _write(root: Path, hospital: Hospital, k: int, *, faulty: bool) -> list[Path]:
    exam = _exam(hospital, k)
    grid = LEANING if hospital is XISHAN and k == 2 else hospital.grid
    machine = {"DeviceSerialNumber": hospital.serial, "StationName": f"{hospital.folder.upper()}-CT"}
    series = ct_series(exam, grid, **_DESCRIBED, **machine)
    if faulty and hospital is NORTH and k == 1:
        series = defects.drop_slice(series, 13, 14)
    paths = write(series, root / hospital.folder / exam.patient / "CT", "IM{number:04d}.dcm")
    if faulty and hospital is HARBOUR and k == 0:
        defects.cut_pixels(paths[11], 3000)
    return paths


def make(root: Path) -> None:
    """Write what the five hospitals sent."""
    for hospital in HOSPITALS:
        for k in range(hospital.patients):
            _write(root, hospital, k, faulty=True)


def resend(root: Path) -> None:
    """Write what north and harbour send when they are asked again: the whole series, and the one file."""
    _write(root, NORTH, 1, faulty=False)
    for path in _write(root, HARBOUR, 0, faulty=False):
        if path.name != "IM0012.dcm":
            path.unlink()


def answer(worklist: Path, said: str, comment: str) -> None:
    """Fill in a worklist as somebody at the hospital does: every problem gets the same answer."""
    book = openpyxl.load_workbook(worklist)
    sheet = book.worksheets[0]
    column = {cell.value: cell.column for cell in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, column["Answer"], said)
        sheet.cell(row, column["Comment"], comment)
        sheet.cell(row, column["Answered by"], "PACS desk")
    book.save(worklist)


def training_list(files: Path, out: Path) -> None:
    """Write train.csv, as a training project would: a row a slice, with the class of its patient.

    Parameters
    ----------
    files
        What ``dqkit select --paths`` wrote.
    """
    with files.open(newline="") as listed:
        rows = [(row["path"], row["patient"]) for row in csv.DictReader(listed)]
    classes = {patient: ("nodule", "none")[k % 2] for k, patient in enumerate(sorted({row[1] for row in rows}))}
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label"])
        writer.writerows((path, classes[patient]) for path, patient in rows)


def spoil(dataset: Path) -> None:
    """Change one byte in the pixels of the first image that `dataset` names."""
    with dataset.open(newline="") as file:
        image = Path(next(csv.DictReader(file))["path"])
    data = bytearray(image.read_bytes())
    data[-100] ^= 1
    image.write_bytes(data)


VERBS: dict[str, Callable[..., None]] = {
    "make": lambda root: make(Path(root)),
    "resend": lambda root: resend(Path(root)),
    "answer": lambda worklist, said, comment="": answer(Path(worklist), said, comment),
    "spoil": lambda dataset: spoil(Path(dataset)),
    "train": lambda files, out: training_list(Path(files), Path(out)),
}


def main(arguments: list[str]) -> int:
    """Run a verb; 2 for wrong use."""
    if not arguments or arguments[0] not in VERBS:
        print("usage: python -m tests.five_hospitals " + "|".join(VERBS) + " …", file=sys.stderr)
        return 2
    VERBS[arguments[0]](*arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
