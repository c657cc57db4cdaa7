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


@dataclass(frozen=True)
class InTurns:
    """CPU seconds of a yardstick and of what it measures, done in turns so that noise meets both."""

    rounds: list[tuple[float, float]]

    @property
    def ratio(self) -> float:
        """Median over the rounds: the yardstick of a round saw the same machine."""
        return median(self.ratios)

    @property
    def ratios(self) -> list[float]:
        return sorted(subject / yardstick for yardstick, subject in self.rounds)

    def each(self, n: int) -> str:
        """Say what one of `n` things takes, and how far the rounds lie apart."""
        yardstick, subject = (median(times) / n * 1e6 for times in zip(*self.rounds, strict=True))
        spread = f"{self.ratios[0]:.1f} to {self.ratios[-1]:.1f} x in {len(self.rounds)} rounds"
        return f"{subject:.1f} µs a file against {yardstick:.1f} µs; {spread}"


def in_turns(yardstick: Callable[[], object], subject: Callable[[], object], times: int = 7) -> InTurns:
    """Measure two short pieces of work in turns, the yardstick before and after its subject: caches warm up."""
    before, rounds = seconds(yardstick), []
    for _ in range(times):
        taken, after = seconds(subject), seconds(yardstick)
        rounds.append(((before + after) / 2, taken))
        before = after
    return InTurns(rounds)


def interleaved(first: Callable[[], object], second: Callable[[], object], times: int = 5) -> tuple[float, float]:
    """Return the median CPU seconds of two long pieces of work done in turns."""
    pairs = [(seconds(first), seconds(second)) for _ in range(times)]
    return median(one for one, _ in pairs), median(other for _, other in pairs)
