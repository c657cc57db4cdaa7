"""One other program turns a folder of slices into a NIfTI file, as its documentation shows; run by peers.py.

Runs where dqkit is not installed. Each line of stdin is a folder; the answer is the CPU seconds that it took.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path


def torchio(*, to_1_mm: bool) -> Callable[[Path, Path], None]:
    import torch
    import torchio as tio

    torch.set_num_threads(1)
    resample = tio.Resample(1, antialias=True) if to_1_mm else lambda image: image

    def job(folder: Path, out: Path) -> None:
        resample(tio.ScalarImage(folder)).save(out / "torchio.nii.gz")

    return job


def monai(*, to_1_mm: bool) -> Callable[[Path, Path], None]:
    import numpy as np
    import torch
    from monai.transforms import Compose, LoadImage, SaveImage, Spacing

    torch.set_num_threads(1)
    steps = [LoadImage(ensure_channel_first=True)]
    if to_1_mm:  # without smoothing, which it does not offer
        steps.append(Spacing((1, 1, 1), mode="bilinear", dtype=np.float32))

    def job(folder: Path, out: Path) -> None:
        save = SaveImage(out / "monai", output_ext=".nii.gz", output_dtype=np.int16, separate_folder=False,
                         print_log=False)  # fmt: skip
        Compose([*steps, save])(folder)

    return job


def dicom2nifti(*, to_1_mm: bool) -> Callable[[Path, Path], None]:
    import dicom2nifti

    if to_1_mm:
        raise SystemExit("dicom2nifti does not resample")

    def job(folder: Path, out: Path) -> None:
        dicom2nifti.dicom_series_to_nifti(folder, out / "dicom2nifti.nii.gz", reorient_nifti=True)

    return job


PEERS = {"torchio": torchio, "monai": monai, "dicom2nifti": dicom2nifti}


def main(name: str, to_1_mm: str, scratch: str) -> None:
    job = PEERS[name](to_1_mm=to_1_mm == "yes")
    answer = sys.stdout
    sys.stdout = sys.stderr  # what a program prints is no answer
    for line in sys.stdin:
        began = time.process_time()
        job(Path(line.strip()), Path(scratch))
        print(time.process_time() - began, file=answer, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
