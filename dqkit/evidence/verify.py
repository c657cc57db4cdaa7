"""Verifies an evidence file offline: that no byte of it changed, who signed it, and that its parts fit each other."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dqkit.errors import DqkitError, ExitCode
from dqkit.evidence.chain import broken_link, run_ids, run_of
from dqkit.evidence.collect import BASELINE, CHAIN, MANIFEST, POLICY, VERDICT, WAIVERS
from dqkit.evidence.container import Container, TamperedError
from dqkit.evidence.seal import FORMAT, FORMAT_VERSION, HEADER, LIST, PUBLIC_KEY, SIGNATURE
from dqkit.evidence.signing import fingerprint, is_signed, load_public
from dqkit.evidence.texts import said
from dqkit.gate.verdict_file import FORMAT as GATE_FORMAT
from dqkit.gate.verdict_file import FORMAT_VERSION as GATE_FORMAT_VERSION
from dqkit.gate.verdict_file import decision_digest
from dqkit.rulebook.rule import Text

_LINE = re.compile(r"([0-9a-f]{64})  ([^\s]+)")
_AGAIN = "do not rely on it: ask whoever made it for a whole copy"


class Signer(StrEnum):
    """What is known of who signed."""

    VERIFIED = "verified"
    """The key that was given signed it."""
    UNKNOWN = "key unknown"
    """A key signed it, and nobody said whose it is."""
    OTHER = "other key"
    """A key signed it that is not the one that was given."""
    UNSIGNED = "unsigned"


@dataclass(frozen=True)
class Verified:
    """What an evidence file is.

    Attributes
    ----------
    faults
        What does not fit: empty where the file is as it was written and its parts fit each other.
    fingerprint
        Of the key that signed; empty where there is none.
    verdict, exit_code, decided_at, policy
        Of the verdict inside.
    complete
        Whether the evidence says that it holds everything that belongs to it.
    missing
        What it lacks.
    members, runs
        How many files and runs it holds.
    """

    signer: Signer
    fingerprint: str = ""
    faults: tuple[Text, ...] = ()
    verdict: str = ""
    verdict_exit_code: int = -1
    decided_at: str = ""
    policy: str = ""
    complete: bool = False
    missing: tuple[Text, ...] = ()
    members: int = 0
    runs: int = 0

    @property
    def exit_code(self) -> ExitCode:
        """0 whole and signed by the key that was given; 1 changed, or signed by another; 3 nobody knows by whom."""
        if self.faults or self.signer is Signer.OTHER:
            return ExitCode.FAILED
        return ExitCode.OK if self.signer is Signer.VERIFIED and self.complete else ExitCode.INCOMPLETE


@dataclass
class _Checking:
    """What was found so far."""

    faults: list[Text] = field(default_factory=list)

    def fault(self, en: str, zh: str) -> None:
        self.faults.append(said(en, zh))


def verify(path: Path, key: Ed25519PublicKey | None = None) -> Verified:
    """Look at every byte of an evidence file.

    Parameters
    ----------
    key
        Whose signature it must bear; None = nobody said.

    Raises
    ------
    DqkitError
        There is no such file, or it is evidence of another format version.
    """
    try:
        with path.open("rb") as file:
            try:
                container = Container(file)
                return _verified(container, key)
            except TamperedError as error:
                return Verified(
                    Signer.UNSIGNED, faults=(said(error.message, f"文件已被改动或不是证据文件：{error.message}"),)
                )
    except OSError as error:
        raise DqkitError(f"the evidence {path} cannot be read: {error.strerror}", "check the path") from error


def _verified(container: Container, key: Ed25519PublicKey | None) -> Verified:
    checking = _Checking()
    header = _json(container, HEADER)
    _check_format(header)
    _check_list(container, checking)
    signer, signed_by = _signer(container, header, key, checking)
    verdict = _json(container, VERDICT)
    if verdict.get("format") != GATE_FORMAT or verdict.get("format_version") != GATE_FORMAT_VERSION:
        raise DqkitError("the verdict in this evidence is of another format version", "use the dqkit that made it")
    lines = container.read(CHAIN)
    try:
        _check_parts(container, header, verdict, lines, checking)
        return Verified(
            signer,
            signed_by,
            tuple(checking.faults),
            str(verdict["verdict"]),
            int(verdict["exit_code"]),
            str(verdict["decided_at"]),
            str(verdict["policy"]["name"]),
            header["complete"] is True,
            tuple(header["missing"]),
            len(container.members),
            len(run_ids(lines)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TamperedError(
            f"a part of the evidence is not as dqkit writes it ({type(error).__name__})", _AGAIN
        ) from error


def _json(container: Container, name: str) -> dict[str, Any]:
    try:
        data = json.loads(container.read(name))
    except ValueError as error:
        raise TamperedError(f"{name} is no JSON", _AGAIN) from error
    if not isinstance(data, dict):
        raise TamperedError(f"{name} is not as dqkit writes it", _AGAIN)
    return data


def _check_format(header: Mapping[str, Any]) -> None:
    if header.get("format") != FORMAT:
        raise TamperedError("this is no evidence of dqkit", "name the file that dqkit evidence -o wrote")
    if header.get("format_version") != FORMAT_VERSION:
        raise DqkitError(
            f"the evidence has format version {str(header.get('format_version'))[:20]}, this dqkit reads "
            f"{FORMAT_VERSION}",
            "use the dqkit that made it",
        )


def _check_list(container: Container, checking: _Checking) -> None:
    """Hold every member against the list that the signature covers."""
    listed: dict[str, str] = {}
    for line in container.read(LIST).decode("ascii", errors="replace").splitlines():
        found = _LINE.fullmatch(line)
        if found is None or found[2] in listed:
            checking.fault(f"{LIST} has a line that is none of a list", f"{LIST} 含有无效的行")
            return
        listed[found[2]] = found[1]
    there = set(container.members) - {LIST, SIGNATURE}
    for name in sorted(there | set(listed)):
        if name not in listed:
            checking.fault(f"{name} was added", f"多出文件 {name}")
        elif name not in there:
            checking.fault(f"{name} was removed", f"缺少文件 {name}")
        elif container.members[name].sha256 != listed[name]:
            checking.fault(f"{name} was changed", f"文件 {name} 已改变")


def _signer(
    container: Container, header: Mapping[str, Any], key: Ed25519PublicKey | None, checking: _Checking
) -> tuple[Signer, str]:
    """Tell who signed; a signature that does not fit is a fault, and one that was taken away too."""
    if SIGNATURE not in container.members:
        if header.get("signed_by") is not None or PUBLIC_KEY in container.members:
            checking.fault("its signature was taken away", "签名已被移除")
        elif key is not None:
            checking.fault("it is not signed, and a key was given", "证据未签名，而指定了公钥")
        return Signer.UNSIGNED, ""
    signature, listed = container.read(SIGNATURE), container.read(LIST)
    try:
        inside = load_public(container.read(PUBLIC_KEY), f"{PUBLIC_KEY} of the evidence")
    except DqkitError as error:
        checking.fault(error.message, f"证据中的 {PUBLIC_KEY} 无效")
        return Signer.UNKNOWN, ""
    name = fingerprint(inside)
    if not is_signed(inside, signature, listed) or header.get("signed_by") != name:
        checking.fault("the signature does not fit", "签名不匹配")
    if key is None:
        return Signer.UNKNOWN, name
    return (Signer.VERIFIED if fingerprint(key) == name else Signer.OTHER), name


def _check_parts(
    container: Container, header: Mapping[str, Any], verdict: Mapping[str, Any], lines: bytes, checking: _Checking
) -> None:
    """Hold the parts against each other: whoever has no key can still not put one in the place of another."""
    if header.get("verdict_sha256") != container.members[VERDICT].sha256:
        checking.fault(f"{VERDICT} is not the one that this evidence is of", f"{VERDICT} 与证据不符")
    named = {
        POLICY: verdict["policy"]["sha256"],
        WAIVERS: (verdict["waivers"] or {}).get("sha256"),
        BASELINE: (verdict["baseline"] or {}).get("sha256"),
        MANIFEST: None
        if header["pseudonymous_paths"]
        else ((verdict["dataset"] or {}).get("manifest") or {}).get("sha256"),
    }
    for name, sha256 in named.items():
        if sha256 is not None and name in container.members and container.members[name].sha256 != sha256:
            checking.fault(f"{name} is not the one that the verdict names", f"{name} 与判定所记录的不符")
    if (broken := broken_link(lines)) is not None:
        checking.fault(f"the chain of runs is broken at run {broken}", f"运行链在第 {broken} 次运行处断开")
    run = run_of(lines, verdict["catalog"]["run_id"])
    if run is None or json.loads(run["counts"]).get("decision_sha256") != decision_digest(verdict):
        checking.fault("the chain of runs does not know this verdict", "运行链中没有该判定")
    if verdict["catalog"]["audit_run_id"] not in run_ids(lines):
        checking.fault("the chain of runs does not know the audit that was judged", "运行链中没有所判断的审核")


def verified_to_json(found: Verified) -> dict[str, Any]:
    """Return what an evidence file is as plain JSON values."""
    return {
        "verified": found.exit_code == ExitCode.OK,
        "exit_code": int(found.exit_code),
        "unchanged": not found.faults,
        "faults": [dict(text) for text in found.faults],
        "signer": found.signer.value,
        "fingerprint": found.fingerprint,
        "complete": found.complete,
        "missing": [dict(text) for text in found.missing],
        "verdict": found.verdict,
        "verdict_exit_code": found.verdict_exit_code,
        "decided_at": found.decided_at,
        "policy": found.policy,
        "files": found.members,
        "runs": found.runs,
    }
