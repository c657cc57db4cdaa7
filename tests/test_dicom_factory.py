"""What the factory makes is clean, and a defect changes the one thing that it names."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from tests import dicom_defects as defects
from tests import dicom_factory as factory
from tests.dicom_factory import Exam, Grid

CLEAN: dict[str, Callable[[], list[Dataset]]] = {
    "ct": factory.ct_series,
    "ct-siemens": lambda: factory.ct_series(Exam(vendor="siemens")),
    "ct-tilted": lambda: factory.ct_series(Exam(vendor="uih"), Grid(tilt_deg=12)),
    "ct-localizer": lambda: [factory.ct_localizer()],
    "mr": factory.mr_series,
    "mr-dwi": lambda: factory.mr_series(contrast="DWI", b_values=(0, 1000)),
    "mr-echoes-in-time": lambda: factory.mr_series(contrast="GRE", echoes_ms=(5, 10), time_points=2),
    "pt": factory.pt_series,
    "mg": factory.mg_study,
    "cr": factory.cr_image,
    "us": factory.us_image,
    "fundus": factory.fundus_image,
    "enhanced-ct": factory.enhanced_ct,
}


@pytest.mark.dciodvfy
@pytest.mark.parametrize("name", CLEAN)
def test_clean_images_are_valid_dicom(name: str, tmp_path: Path) -> None:
    for path in factory.write(CLEAN[name](), tmp_path)[:4]:
        said = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True, check=False)
        assert "Error" not in said.stderr + said.stdout


@pytest.mark.parametrize("name", CLEAN)
def test_the_same_names_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    first, second = (factory.write(CLEAN[name](), tmp_path / run)[0] for run in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("tilt_deg", [0.0, 18.5])
@pytest.mark.parametrize("plane", ["axial", "sagittal", "coronal", "oblique"])
def test_slices_stand_one_step_apart_on_their_normal(plane: str, tilt_deg: float) -> None:
    series = factory.ct_series(grid=Grid(n=4, step_mm=2.5, plane=plane, tilt_deg=tilt_deg))
    axes = np.array(series[0].ImageOrientationPatient, float)
    normal = np.cross(axes[:3], axes[3:])
    origins = np.array([image.ImagePositionPatient for image in series], float)
    assert np.diff(origins @ normal) == pytest.approx(2.5, abs=1e-4)
    travel = origins[-1] - origins[0]
    lean = np.degrees(np.arccos(np.clip(travel @ normal / np.linalg.norm(travel), -1, 1)))
    assert lean == pytest.approx(tilt_deg, abs=0.01)


def test_two_hospitals_share_no_uid() -> None:
    here, there = factory.ct_series(Exam(site="A"))[0], factory.ct_series(Exam(site="B"))[0]
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        assert here[keyword].value != there[keyword].value


def test_ct_air_and_bone_are_where_they_belong() -> None:
    image = factory.ct_series(Exam(vendor="siemens"), Grid(n=3))[1]
    hu = np.frombuffer(image.PixelData, "<u2").astype(float) + float(image.RescaleIntercept)
    assert np.median(hu[:64]) == pytest.approx(-1000, abs=30)
    assert hu.max() > 350


def test_a_defect_leaves_the_clean_series_alone() -> None:
    series = factory.ct_series()
    before = [image.to_json() for image in series]
    for defect in (
        defects.drop_slice(series, 4),
        defects.duplicate_slice(series, 4),
        defects.duplicate_uid(series, 2, 5),
        defects.vary(series, "KVP", "80", 3),
        defects.remove(series, "PatientID"),
        defects.shift_origin(series, 3, (0, 0, 1.5)),
        defects.stretch(series, 5, 5.0),
        defects.shear(series, 15),
        defects.mix_orientation(series, 0),
        defects.flatten(series, 2),
        defects.flip_numbers(series),
        defects.insert_scout(series, factory.ct_localizer()),
        defects.hostile(series),
    ):
        assert [image.to_json() for image in defect] != before
    assert [image.to_json() for image in series] == before


@pytest.mark.parametrize(
    ("defect", "readable"),
    [
        (defects.truncate, True),
        (defects.truncate_header, True),
        (defects.zero_byte, False),
        (defects.no_preamble, True),
        (defects.dataset_only, True),
        (defects.cut_pixels, True),
        (defects.junk, False),
        (defects.bad_date, True),
        (defects.nul_bytes, True),
        (defects.wrong_vr, True),
        (defects.undeclared_charset, True),
    ],
)
def test_faults_of_a_file_leave_what_they_promise(
    defect: Callable[[Path], Path], readable: bool, tmp_path: Path
) -> None:
    path = factory.write(factory.ct_series(grid=Grid(n=1)), tmp_path)[0]
    before = path.read_bytes()
    assert defect(path) == path
    assert path.read_bytes() != before
    if readable:
        header = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        assert header.SOPClassUID == pydicom.uid.CTImageStorage


@pytest.mark.parametrize(("encode", "expected"), [(defects.in_gb18030, "王^小东"), (defects.in_iso_2022, "山田^太郎")])
def test_names_in_other_character_sets_are_read_back(
    encode: Callable[[list[Dataset]], list[Dataset]], expected: str, tmp_path: Path
) -> None:
    path = factory.write(encode(factory.ct_series(grid=Grid(n=1))), tmp_path)[0]
    assert pydicom.dcmread(path).PatientName.ideographic == expected
