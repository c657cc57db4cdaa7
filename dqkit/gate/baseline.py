"""A baseline: the findings that were there when somebody drew a line; only new ones fail a gate.

It holds pseudonyms of findings of rules, never what a gate asks for beside them: a catalog that was too old once may
not be too old for ever.
"""

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dqkit.catalog.store import write_atomically
from dqkit.errors import DqkitError, IncompleteError

FORMAT = "dqkit-baseline"
FORMAT_VERSION = 1

_ID = re.compile(r"[0-9a-f]{12}")
_AGAIN = "make a new one: dqkit gate … --write-baseline FILE"


@dataclass(frozen=True)
class Baseline:
    """Findings (by pseudonym) that were there at `made_at`."""

    made_at: datetime
    dqkit_version: str
    key_fingerprint: str
    rules_digest: str
    findings: frozenset[str]
    sha256: str = ""


@dataclass(frozen=True)
class UsedBaseline:
    """A baseline that was held against findings.

    Attributes
    ----------
    known
        How many of its findings are still there.
    same_rules
        Whether it was made by the same rules; where not, findings of changed rules may seem new.
    """

    baseline: Baseline
    known: int
    same_rules: bool

    @property
    def gone(self) -> int:
        """How many of its findings are not there any more."""
        return len(self.baseline.findings) - self.known


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write `baseline`, one finding a line, so that a change shows what came and went.

    Raises
    ------
    DqkitError
        The file cannot be written there.
    IncompleteError
        The disk is full or failed.
    """
    data: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "dqkit_version": baseline.dqkit_version,
        "made_at": baseline.made_at.astimezone(UTC).isoformat(),
        "key_fingerprint": baseline.key_fingerprint,
        "rules_digest": baseline.rules_digest,
        "findings": sorted(baseline.findings),
    }
    try:
        write_atomically(path, json.dumps(data, indent=0).encode() + b"\n")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise DqkitError(f"the baseline cannot be written: {error.strerror}", "name another file") from error
    except OSError as error:
        raise IncompleteError(
            f"the baseline could not be written: {error.strerror}", "make room on the disk"
        ) from error


def read_baseline(path: Path, key_fingerprint: str) -> Baseline:
    """Read a baseline.

    Raises
    ------
    DqkitError
        It cannot be read, is none, has another format version, or was made with another key: its findings would all
        seem new.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DqkitError(f"there is no baseline {path}", _AGAIN) from error
    except OSError as error:
        raise DqkitError(f"the baseline {path} cannot be read: {error.strerror}", "name another file") from error
    data = _checked(content, path)
    if data.get("key_fingerprint") != key_fingerprint:
        raise DqkitError(
            f"the baseline {path} was made with the key {str(data.get('key_fingerprint'))[:16]}, yours is "
            f"{key_fingerprint}: its findings would all seem new",
            "give its key with DQKIT_KEY or --key-file, or " + _AGAIN,
        )
    try:
        baseline = _read(data)
    except (KeyError, TypeError, ValueError) as error:
        raise DqkitError(f"the baseline {path} is damaged", _AGAIN) from error
    return replace(baseline, sha256=hashlib.sha256(content).hexdigest())


def _checked(content: bytes, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except ValueError as error:
        raise DqkitError(f"the baseline {path} is damaged: it is no JSON", _AGAIN) from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise DqkitError(f"{path} is no baseline", _AGAIN)
    if data.get("format_version") != FORMAT_VERSION:
        raise DqkitError(
            f"the baseline {path} has format version {str(data.get('format_version'))[:20]}, this dqkit reads "
            f"{FORMAT_VERSION}",
            "use the dqkit that made it, or " + _AGAIN,
        )
    return data


def _read(data: dict[str, Any]) -> Baseline:
    findings = frozenset(data["findings"])
    if not all(isinstance(one, str) and _ID.fullmatch(one) for one in findings):
        raise ValueError("a finding's id is none")
    return Baseline(
        datetime.fromisoformat(data["made_at"]).astimezone(UTC),
        str(data["dqkit_version"]),
        str(data["key_fingerprint"]),
        str(data["rules_digest"]),
        findings,
    )
