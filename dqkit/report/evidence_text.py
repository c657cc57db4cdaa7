"""What the terminal says of evidence: written, or verified."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from dqkit.errors import ExitCode
from dqkit.evidence.collect import Evidence
from dqkit.evidence.seal import Sealed
from dqkit.evidence.verify import Signer, Verified
from dqkit.report.evidence_words import words
from dqkit.report.visible import visible

_STYLES = {ExitCode.OK: "bold green", ExitCode.FAILED: "bold red", ExitCode.INCOMPLETE: "bold yellow"}


def print_sealed(evidence: Evidence, sealed: Sealed, out: Path, console: Console, lang: str) -> None:
    """Say what was written."""
    _line(console, words("said.written", file=visible(out, 4096), n=sealed.members)[lang])
    _line(console, words("said.list", sha256=sealed.sha256)[lang])
    if sealed.fingerprint:
        _line(console, f"{words('signed')[lang]} {sealed.fingerprint}")
    else:
        _line(console, f"{words('unsigned')[lang]} {words('said.sign')[lang]}", "yellow")
    if evidence.missing:
        _line(console, words("missing")[lang], "bold yellow")
    for text in evidence.missing:
        _line(console, f"  - {visible(text[lang], 400)}")


def print_verified(found: Verified, console: Console, lang: str) -> None:
    """Say what an evidence file is: whether it is as it was written, who signed it, and what verdict it is of."""
    style = _STYLES[found.exit_code]
    _line(console, words(_headline(found))[lang], style)
    for text in found.faults:
        _line(console, f"  ✗ {visible(text[lang], 400)}", "red")
    if found.faults:
        return
    key = f" {found.fingerprint}" if found.fingerprint else ""
    _line(console, f"  {words(f'signer.{found.signer.name.lower()}')[lang]}{key}")
    _line(
        console, "  " + words("said.of", verdict=found.verdict, policy=visible(found.policy), at=found.decided_at)[lang]
    )
    _line(console, "  " + words("said.holds", files=found.members, runs=found.runs)[lang])
    if not found.complete:
        _line(console, f"  {words('missing')[lang]}", "yellow")
    for text in found.missing:
        _line(console, f"  - {visible(text[lang], 400)}")


def _headline(found: Verified) -> str:
    if found.faults:
        return "said.changed"
    if found.signer is Signer.OTHER:
        return "said.other"
    return "said.verified" if found.exit_code == ExitCode.OK else "said.not_verified"


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)
