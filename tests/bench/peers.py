"""What other programs take to turn the same slices into the same NIfTI file.

They live in an environment of their own (`make bench` makes it from peers.txt), as dqkit needs none of them.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from time import process_time

from tests.bench.clock import Figure

PYTHON = Path(".venv-peers/bin/python")
_SCRIPT = Path(__file__).with_name("peer.py")
_ROUNDS = 3

KEEP, TO_1_MM = "keep-geometry", "ct-1mm-iso"
PEERS = {KEEP: ("torchio", "monai", "dicom2nifti"), TO_1_MM: ("torchio", "monai")}
"""Recipe -> programs that can do as much."""

_CALLED = {"torchio": "TorchIO", "monai": "MONAI", "dicom2nifti": "dicom2nifti"}
_NOTE = {("monai", TO_1_MM): ", which does not smooth"}


def measure(ours: Callable[[str], None], few: Path, slices: Path, scratch: Path) -> list[Figure]:
    """Compare `ours`, which carries out a recipe on `slices`, with every program; `few` slices warm them up."""
    if not PYTHON.exists():
        print("other programs are not measured: no .venv-peers (make bench makes it)", flush=True)
        return []
    return [figure for recipe in PEERS for figure in _compared(recipe, ours, few, slices, scratch)]


def _compared(recipe: str, ours: Callable[[str], None], few: Path, slices: Path, scratch: Path) -> Iterator[Figure]:
    with ExitStack() as stack:
        names: Sequence[str] = PEERS[recipe]
        asked = {name: stack.enter_context(_started(name, recipe, scratch)) for name in names}
        for ask in asked.values():
            ask(few)
        taken: dict[str, list[float]] = {name: [] for name in ("dqkit", *names)}
        for _ in range(_ROUNDS):
            began = process_time()
            ours(recipe)
            taken["dqkit"].append(process_time() - began)
            for name, ask in asked.items():
                taken[name].append(ask(slices))
    seconds = {name: median(times) for name, times in taken.items()}
    for name in names:
        theirs, note = seconds[name], _NOTE.get((name, recipe), "")
        detail = f"{seconds['dqkit']:.2f} s against {theirs:.2f} s{note}"
        yield Figure(f"that CT by {recipe}", seconds["dqkit"] / theirs, f"the CPU of {_CALLED[name]}", 1, detail)


@contextmanager
def _started(name: str, recipe: str, scratch: Path) -> Iterator[Callable[[Path], float]]:
    """Start a program; give what hands it a folder of slices and returns the CPU seconds that it took."""
    line = [str(PYTHON), str(_SCRIPT), name, "yes" if recipe == TO_1_MM else "no", str(scratch)]
    told = scratch / f"{name}.stderr"
    with (
        told.open("w") as errors,
        subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        given, answers = process.stdin, process.stdout

        def ask(folder: Path) -> float:
            given.write(f"{folder}\n")
            given.flush()
            answer = answers.readline()
            if not answer:
                raise RuntimeError(f"{name}: {told.read_text()[-2000:]}")
            return float(answer)

        yield ask
        given.close()
