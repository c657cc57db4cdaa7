"""Seals evidence: a list of all members, signed where a key is given, and the container around them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dqkit.evidence.collect import Evidence
from dqkit.evidence.container import Content, sha256_of, write_container
from dqkit.evidence.signing import fingerprint, public_pem
from dqkit.evidence.texts import as_json

FORMAT, FORMAT_VERSION = "dqkit-evidence", 1

HEADER = "evidence.json"
LIST = "evidence.sha256"
SIGNATURE = "evidence.sha256.sig"
PUBLIC_KEY = "public-key.pem"


@dataclass(frozen=True)
class Sealed:
    """What was sealed: `sha256` of the list of members, which the signature covers; fingerprint empty = unsigned."""

    sha256: str
    members: int
    fingerprint: str


def seal(
    evidence: Evidence, pages: Mapping[str, bytes], key: Ed25519PrivateKey | None, write: Callable[[bytes], object]
) -> Sealed:
    """Write evidence and its pages as one container; the same input gives the same bytes.

    Parameters
    ----------
    pages
        Name -> what a person reads.
    key
        Signs; None leaves the evidence unsigned, which it says.
    """
    members: dict[str, Content] = dict(evidence.members) | dict(pages)
    if key is not None:
        members[PUBLIC_KEY] = public_pem(key.public_key())
    members[HEADER] = as_json(_header(evidence, key))
    listed = b"".join(f"{sha256_of(members[name])}  {name}\n".encode() for name in sorted(members))
    members[LIST] = listed
    if key is not None:
        members[SIGNATURE] = key.sign(listed)
    write_container(members, write)
    return Sealed(sha256_of(listed), len(members), fingerprint(key.public_key()) if key is not None else "")


def _header(evidence: Evidence, key: Ed25519PrivateKey | None) -> dict[str, object]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "verdict_sha256": evidence.verdict.sha256,
        "complete": evidence.complete,
        "missing": [dict(text) for text in evidence.missing],
        "pseudonymous_paths": evidence.pseudonymous_paths,
        "signed_by": fingerprint(key.public_key()) if key is not None else None,
    }
