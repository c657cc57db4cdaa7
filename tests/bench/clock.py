"""CPU time, and what a measurement says."""

import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """One line of the benchmarks: `ratio` x `unit`, and the bound it should keep."""

    what: str
    ratio: float
    unit: str
    bound: float
    detail: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.ratio >= self.bound if self.at_least else self.ratio <= self.bound

    @property
    def target(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


def cpu() -> float:
    """Return user and system seconds of this process and of its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_bytes() -> int:
    """Return the most memory that this program has held.

    `ru_maxrss` would count what the parent held, too: Linux keeps it when a program is started.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def seconds(work: Callable[[], T], times: int = 1) -> float:
    """Return the median CPU seconds of `work`."""
    taken = []
    for _ in range(times):
        began = cpu()
        work()
        taken.append(cpu() - began)
    return median(taken)


def interleaved(first: Callable[[], object], second: Callable[[], object], times: int = 5) -> tuple[float, float]:
    """Return the median CPU seconds of two pieces of work done in turns, so that noise meets both."""
    pairs = [(seconds(first), seconds(second)) for _ in range(times)]
    return median(one for one, _ in pairs), median(other for _, other in pairs)
