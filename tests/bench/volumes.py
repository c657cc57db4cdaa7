"""What harmonizing a CT of 200 slices costs beside decoding, smoothing, resampling and packing it by hand."""

import os
import subprocess
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from dqkit.harmonize.one_image import Pending, Task
from dqkit.harmonize.plan import PlannedImage
from dqkit.harmonize.read_recipe import load_recipe
from dqkit.harmonize.stack import SourceFile, Stack
from dqkit.harmonize.work import work
from tests.bench import peers
from tests.bench.clock import Figure, interleaved
from tests.dicom_exam import Exam, Grid, write
from tests.dicom_factory import ct_series

ROWS, SLICES, PIXEL_MM, STEP_MM = 512, 200, 0.7, 1.25
_VOLUME = 4 * SLICES * ROWS * ROWS
"""Bytes of the volume in 32-bit floating point."""

_FEW = 8
"""Slices that warm a program up."""

_SERIES = 12
"""Such CTs, to compare one process with two."""

_ROUNDS = 2
"""Of that: what else the machine does only ever takes from wall clock, and more from two."""

_PEAK = """
import sys
from copy import deepcopy
from pathlib import Path
from tests.bench import volumes
from tests.bench.clock import peak_bytes
if __name__ == "__main__":
    volumes.warm(Path(sys.argv[1]) / "few")
    before = peak_bytes()
    volumes.ours(volumes.pending(Path(sys.argv[1]) / "ct"), Path(sys.argv[1]) / "out")
    print(peak_bytes() - before)
"""

_RUN = """
if __name__ == "__main__":  # workers import this file and, as those of the command, nothing of it
    import shutil, sys, tempfile, time
    from pathlib import Path
    from dqkit.catalog.store import Catalog
    from dqkit.harmonize.make_plan import make_plan
    from dqkit.harmonize.read_recipe import load_recipe
    from dqkit.harmonize.run import RunOptions, harmonize
    from dqkit.identity import load_key
    from dqkit.index.build import index
    root, workers = Path(sys.argv[1]), int(sys.argv[2])
    scratch = Path(tempfile.mkdtemp(dir=root))
    catalog = Catalog.create(scratch / "catalog", load_key().fingerprint, "bench")
    index(catalog, [root / "archive"])
    plan = make_plan(catalog, load_recipe("ct-1mm-iso"), (), load_key())
    began = time.monotonic()
    harmonize(plan, catalog, scratch / "out", RunOptions(workers=workers))
    print(time.monotonic() - began)
    shutil.rmtree(scratch)
"""


def measure() -> list[Figure]:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write(_noisy(SLICES), root / "ct")
        write(_noisy(_FEW), root / "few")
        return [_cost(root), *_against_others(root), _memory(root), _two_workers(root)]


def _noisy(count: int, patient: str = "P") -> list[Dataset]:
    """Return a CT whose pixels are as hard to pack as a patient's: smooth shapes under noise."""
    template = ct_series(Exam(patient=patient), Grid(n=1, rows=8, columns=8))[0]
    intercept = float(template.RescaleIntercept)
    images = []
    for i in range(count):
        image = deepcopy(template)
        image.SOPInstanceUID, image.InstanceNumber = f"{template.SOPInstanceUID}{i}"[-60:], i + 1
        image.Rows = image.Columns = ROWS
        image.PixelSpacing, image.ImagePositionPatient = [str(PIXEL_MM)] * 2, ["0", "0", f"{i * STEP_MM:.3f}"]
        image.PixelData = _pixels(i, intercept)
        images.append(image)
    return images


@cache
def _pixels(i: int, intercept: float) -> bytes:
    y, x = np.mgrid[-1 : 1 : ROWS * 1j, -1 : 1 : ROWS * 1j]
    body = np.where(x**2 + y**2 < 0.7, 40 + 60 * np.sin(9 * x) * np.cos(7 * y), -1000)
    hu = body + np.random.default_rng(i).normal(0, 12, body.shape)
    return np.rint(hu - intercept).astype("<i2").tobytes()


def pending(folder: Path, recipe: str = "ct-1mm-iso") -> Pending:
    files = []
    for path in sorted(folder.iterdir()):
        stat = path.stat()
        files.append(SourceFile(path.name, os.fsencode(path), stat.st_size, stat.st_mtime_ns, is_native=True))
    stack = Stack("s" * 20, "CT", "frames", tuple(files), (1,) * len(files))
    planned = PlannedImage("i" * 20, recipe, (stack.stack_id,), None, ("orient", "resample"), modality="CT")
    return Pending(Task(planned, (stack,), load_recipe(recipe)), "task")


def ours(one: Pending, out: Path) -> None:
    done = work(one, ("nifti",), out)
    if not done.rows or done.rows[0]["status"] != "written":
        raise RuntimeError(done.failed or done.rows[0]["reason"])


def warm(folder: Path) -> None:
    """Import what is imported once."""
    ours(pending(folder), folder.parent / "warm")


def by_hand(folder: Path) -> None:
    """Do the same by pydicom, SimpleITK and isal: decode, rescale, smooth where it gets coarser, resample, pack."""
    import SimpleITK as sitk  # noqa: N813 - its own documentation's name
    from isal import igzip

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    voxels = np.empty((SLICES, ROWS, ROWS), np.float32)
    for i, path in enumerate(sorted(folder.iterdir())):
        image = dcmread(path)
        voxels[i] = image.pixel_array * np.float32(image.RescaleSlope) + np.float32(image.RescaleIntercept)
    volume = sitk.GetImageFromArray(voxels)
    volume.SetSpacing((PIXEL_MM, PIXEL_MM, STEP_MM))
    variance = (1 - PIXEL_MM**2) / (8 * np.log(2))
    in_mm = True
    volume = sitk.DiscreteGaussian(volume, [variance, variance, 0.0], 64, 0.001, in_mm)
    size = [round(ROWS * PIXEL_MM), round(ROWS * PIXEL_MM), round(SLICES * STEP_MM)]
    plain = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), np.eye(3).ravel().tolist(), -1024.0, sitk.sitkFloat32
    moved = sitk.Resample(volume, size, sitk.Transform(), sitk.sitkLinear, *plain)
    with igzip.open(folder.parent / "by-hand.gz", "wb", compresslevel=1) as file:
        file.write(np.rint(sitk.GetArrayFromImage(moved)).astype(np.int16).tobytes())


def _cost(root: Path) -> Figure:
    warm(root / "few")
    one = pending(root / "ct")
    hand, done = interleaved(lambda: by_hand(root / "ct"), lambda: ours(one, root / "out"), times=3)
    what = f"CT of {ROWS} x {ROWS} x {SLICES} to 1 mm, with checksums and manifest"
    detail = f"{done:.2f} s against {hand:.2f} s of decoding, SimpleITK's Gaussian and resampling, and isal"
    return Figure(what, done / hand, "the same by hand", 1.2, detail)


def _against_others(root: Path) -> list[Figure]:
    def done(recipe: str) -> None:
        ours(pending(root / "ct", recipe), root / "out")

    return peers.measure(done, root / "few", root / "ct", root)


def _memory(root: Path) -> Figure:
    peak = float(_told(root, _PEAK))
    return Figure("memory of that", peak / _VOLUME, "the volume", 3, f"{peak / 1e6:.0f} MB for {_VOLUME / 1e6:.0f} MB")


def _two_workers(root: Path) -> Figure:
    for k in range(_SERIES):
        write(_noisy(SLICES, f"P{k}"), root / "archive" / str(k))
    taken: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(_ROUNDS):
        for workers, times in taken.items():
            times.append(float(_told(root, _RUN, str(workers))))
    one, two = map(min, taken.values())
    detail = f"{_SERIES} such CTs: {one:.1f} s and {two:.1f} s, wall clock, starting the workers too, best of {_ROUNDS}"
    return Figure("two workers", one / two, "the speed of one", 1.7, detail, at_least=True)


def _told(root: Path, script: str, *arguments: str) -> str:
    file = root / "bench_script.py"  # a file, as worker processes import it anew
    file.write_text(script)
    line = [sys.executable, str(file), str(root), *arguments]
    told = subprocess.run(
        line, env={**os.environ, "PYTHONPATH": os.getcwd()}, capture_output=True, text=True, check=True
    )
    return told.stdout.strip().splitlines()[-1]
