"""Keys and ids: what makes two files, series or findings the same one.

Ids inside the catalog are plain hashes; what may leave the house is an HMAC under a key that never stands in the
catalog, so that nobody can find a patient again by hashing candidate values.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from dqkit.errors import DqkitError

_ID_BYTES = 10


def digest(*parts: str | bytes | None) -> str:
    """Hash `parts` to a short hexadecimal id; ("ab", "c") and ("a", "bc") and (None,) differ."""
    return hashlib.blake2b(_framed(parts), digest_size=_ID_BYTES).hexdigest()


def digests(*prefix: str, last: Iterable[str | bytes]) -> list[str]:
    """Return ``digest(*prefix, one)`` for each of `last`, hashing the prefix once."""
    start = hashlib.blake2b(_framed(prefix), digest_size=_ID_BYTES)
    found = []
    for one in last:
        data = b"\x01" + (one.encode() if isinstance(one, str) else one)  # as `_framed` has it: one call less a file
        h = start.copy()
        h.update(len(data).to_bytes(4, "little") + data)
        found.append(h.hexdigest())
    return found


def _framed(parts: Iterable[str | bytes | None]) -> bytes:
    """Write parts one after the other, each with its length, so that no two lists read alike."""
    framed = []
    for part in parts:
        data = b"\x00" if part is None else b"\x01" + (part.encode() if isinstance(part, str) else part)
        framed.append(len(data).to_bytes(4, "little") + data)
    return b"".join(framed)


def bucket_of(study_uid: str | None, folder: str, buckets: int) -> int:
    """Return the partition of a file: that of its study, else of its folder."""
    return int(digest("bucket", study_uid or folder)[:8], 16) % buckets


def study_key(site: str, study_uid: str | None, folder: str) -> str:
    """Return the key of a study; without a UID, the folder stands for it."""
    return digest("study", site, study_uid) if study_uid else digest("study-folder", site, folder)


def series_key(site: str, study_uid: str | None, series_uid: str | None, folder: str) -> str:
    """Return the key of a series: (site, study, series), else (site, folder)."""
    if study_uid and series_uid:
        return digest("series", site, study_uid, series_uid)
    return digest("series-folder", site, folder, series_uid or "")


def patient_key(site: str, issuer: str | None, patient_id: str | None) -> str | None:
    """Return the key of a patient; 000123 at two hospitals is two people."""
    return digest("patient", site, issuer or "", patient_id) if patient_id else None


def stack_id(series: str, split_key: str) -> str:
    """Return the id of a stack: its series and what tells it from its sisters, never an ordinal."""
    return digest("stack", series, split_key)


def finding_ids(rule_id: str, variant: str, entities: Iterable[str]) -> list[str]:
    """Return the ids of a rule's findings, free of observed values, messages and thresholds."""
    return digests("finding", rule_id, variant, last=entities)


class Pseudonyms:
    """Keyed pseudonyms for what may leave the house (HMAC-SHA256, cut to 48 bits)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, kind: str, value: str | None) -> str:
        """Return the pseudonym of `value` among those of `kind`; empty for no value."""
        if value is None:
            return ""
        return hmac.digest(self._key, f"{kind}\x00{value}".encode(), "sha256").hex()[:12]

    @property
    def fingerprint(self) -> str:
        """Name of the key that gives nothing of it away; it stands in the catalog and in baselines."""
        return hashlib.sha256(b"dqkit key fingerprint\x00" + self._key).hexdigest()[:16]


def load_key(key_file: Path | None = None) -> Pseudonyms:
    """Load the key from DQKIT_KEY, `key_file`, or the user's configuration (made on first use, 0600).

    Raises
    ------
    DqkitError
        The file cannot be read, or holds fewer than 16 characters.
    """
    text = os.environ.get("DQKIT_KEY")
    if text is None:
        path = key_file or _configured_key()
        try:
            text = path.read_text().strip()
        except OSError as error:
            raise DqkitError(
                f"the key file cannot be read: {error.strerror}", "name another one with --key-file or DQKIT_KEY"
            ) from error
        except UnicodeDecodeError as error:
            raise DqkitError("the key file is not text", "write 32 or more random hexadecimal digits to it") from error
    if len(text) < 16:  # noqa: PLR2004
        raise DqkitError("the key is shorter than 16 characters", "use 32 or more random hexadecimal digits")
    return Pseudonyms(text.encode())


def _configured_key() -> Path:
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    path = home / "dqkit" / "key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:  # another dqkit made it just now
            return path
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return path
