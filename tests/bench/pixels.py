"""What measuring pixels costs beyond decoding them, and that that memory stays flat."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from dqkit.pixels.frame import Frame, decode_frame
from dqkit.pixels.measure import measure_frame, measures_of
from tests.bench.clock import Figure, interleaved
from tests.dicom_factory import Exam, Grid, ct_series, mr_series, write

_FINE = Grid(n=12, rows=512, columns=512, spacing_mm=(0.7, 0.7))
_SMALL = Grid(n=100, rows=64, columns=64)
_SERIES = 16
"""Of 100 images each."""

_INDEX = """
import sys
from pathlib import Path
from dqkit.catalog.store import Catalog
from dqkit.identity import load_key
from dqkit.index.build import IndexOptions, index
from tests.bench.clock import peak_bytes
if __name__ == "__main__":
    catalog = Catalog.create(Path(sys.argv[1]), load_key().fingerprint, "bench")
    index(catalog, [Path(sys.argv[2])], IndexOptions(pixels=sys.argv[3], workers=2))
    print(peak_bytes() / 1e6)
"""


def measure() -> list[Figure]:
    return [_beyond_decoding(), _memory()]


def _beyond_decoding() -> Figure:
    with TemporaryDirectory() as folder:
        paths = [
            os.fsencode(path)
            for name, series in (("ct", ct_series(grid=_FINE)), ("mr", mr_series(grid=_FINE)))
            for path in write(series, Path(folder) / name)
        ]
        first = decode_frame(paths[0], all_bits=True)
        if isinstance(first, Frame):
            measures_of(first)  # imports are start-up
        decoding, both = interleaved(
            lambda: [decode_frame(path, all_bits=True) for path in paths],
            lambda: [measure_frame(path) for path in paths],
        )
    each, decoded = (seconds / len(paths) * 1000 for seconds in (both, decoding))
    detail = f"{each:.1f} ms a slice of CT or MR, of which decoding native pixels takes {decoded:.1f} ms"
    return Figure("measures of a 512x512 slice, beyond decoding", each - decoded, "1 ms", 10, detail)


def _memory() -> Figure:
    with TemporaryDirectory() as folder:
        for number in range(_SERIES):
            write(ct_series(Exam(patient=f"P{number}"), _SMALL), Path(folder) / "archive" / str(number))
        headers, pixels = (_peak_mb(Path(folder), which) for which in ("none", "all"))
    detail = f"{pixels:.0f} MB against {headers:.0f} MB for {_SERIES * _SMALL.n:,} images, the process that leads"
    return Figure("memory of index with pixels", pixels / headers, "that without", 1.2, detail)


def _peak_mb(folder: Path, which: str) -> float:
    script = folder / "index.py"  # a file, as worker processes import it anew
    script.write_text(_INDEX)
    run = subprocess.run(
        [sys.executable, str(script), str(folder / f"catalog-{which}"), str(folder / "archive"), which],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout.strip().splitlines()[-1])
