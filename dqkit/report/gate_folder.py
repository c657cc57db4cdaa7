"""The folder that ``--out`` of a gate names: verdict.json, and a file for each format that was asked for."""

import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from dqkit.gate.result import GateResult
from dqkit.gate.verdict_file import FILE, verdict_bytes
from dqkit.report.folder import make_folder, telling_of_disk, write_file
from dqkit.report.gate_dataset import write_dataset
from dqkit.report.gate_github import render_github
from dqkit.report.gate_gitlab import render_gitlab
from dqkit.report.gate_junit import render_junit
from dqkit.report.gate_markdown import render_markdown
from dqkit.report.gate_sarif import render_sarif
from dqkit.report.gate_text import print_gate

SUMMARY = "GITHUB_STEP_SUMMARY"
"""Environment variable that names the file of a GitHub job's summary."""


def _text(result: GateResult, lang: str) -> bytes:
    console = Console(file=io.StringIO(), width=100, color_system=None, highlight=False)
    print_gate(result, console, lang)
    file = console.file
    assert isinstance(file, io.StringIO)  # noqa: S101 - made above
    return file.getvalue().encode()


FORMATS: Mapping[str, tuple[str, Callable[[GateResult, str], bytes]]] = {
    "text": ("gate.txt", _text),
    "json": (FILE, lambda result, _: verdict_bytes(result)),
    "junit": ("gate.junit.xml", render_junit),
    "sarif": ("gate.sarif", render_sarif),
    "github": ("gate.github.txt", render_github),
    "gitlab": ("gate.gitlab.json", render_gitlab),
    "markdown": ("gate.md", render_markdown),
}
"""Name of a format -> its file, and what writes it."""


def write_gate(result: GateResult, out: Path, formats: Sequence[str], lang: str = "en") -> dict[str, bytes]:
    """Write verdict.json, and a file for each of `formats`; return what each of them says.

    Raises
    ------
    DqkitError
        `out` is a file, or may not be made or written to.
    IncompleteError
        The disk is full or failed.
    """
    rendered = {name: FORMATS[name][1](result, lang) for name in formats}
    with telling_of_disk():
        make_folder(out)
        for name, content in rendered.items():
            if name != "json":
                write_file(out / FORMATS[name][0], content)
        write_dataset(result, out)
        write_file(out / FILE, rendered.get("json") or verdict_bytes(result))
    if "github" in formats:
        _append_summary(render_markdown(result, lang))
    return rendered


def _append_summary(markdown: bytes) -> None:
    """Add to the job's summary, where there is a job."""
    path = os.environ.get(SUMMARY)
    if not path:
        return
    with telling_of_disk(), open(path, "ab") as file:  # noqa: PTH123 - GitHub names it
        file.write(markdown)
