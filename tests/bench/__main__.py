"""``make bench``: ratios measured in one run, written to docs/benchmarks.md with the machine they were seen on."""

import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import dataset, gates, headers, idc, pixels, rules, volumes
from tests.bench.archive import make_bench_archive
from tests.bench.clock import Figure

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DQKIT_KEY", "a key for benchmarks alone")
    n = int(arguments[0]) if arguments else 20_000
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "archive"
        print(f"writing {n:,} instances", flush=True)
        make_bench_archive(archive, n)
        figures = headers.measure(archive, Path(scratch))
        figures += gates.measure(archive, Path(scratch))
        figures += idc.measure(Path(scratch))
        figures += dataset.measure(Path(scratch))
    figures += pixels.measure()
    figures += rules.measure()
    figures += volumes.measure()
    PAGE.write_text(page(figures, n), encoding="utf-8")
    for figure in figures:
        print(f"{figure.what}: {figure.ratio:.2f} x {figure.unit} ({figure.detail}); target {figure.target}")
    return 0 if all(figure.met for figure in figures) else 1


def page(figures: list[Figure], n: int) -> str:
    rows = [
        f"| {one.what} | {one.ratio:.2f} x {one.unit} | {one.target} | {_met(one)} | {one.detail} |" for one in figures
    ]
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `make bench`; every figure was measured in that one run. Machines are noisy, so that ratios",
            "count: CPU seconds (user and system, all threads and child processes) against a yardstick beside them.",
            "",
            f"- {datetime.now(UTC):%Y-%m-%d}, {machine}, Python {platform.python_version()}, {platform.system()}",
            f"- archive: {n:,} instances of nine kinds of scanner (tests/bench/archive.py), warm cache",
            "- raw16 = open + pread 16 KiB + fstat + close, from Python; scan = scandir + stat",
            "",
            "| what | measured | target | met | in figures |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _met(one: Figure) -> str:
    return "yes" if one.met else "**no**"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
