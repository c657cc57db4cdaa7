"""Signatures (Ed25519, RFC 8032) under a key that the user keeps; PEM files as OpenSSL reads and writes them."""

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from dqkit.errors import DqkitError

PASSPHRASE = "DQKIT_EVIDENCE_PASSPHRASE"  # noqa: S105 - the name of the variable
"""Environment variable with the passphrase of an encrypted key."""

_BEGIN = b"-----BEGIN "
_DER = serialization.Encoding.DER
_PEM = serialization.Encoding.PEM
_SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


def make_key(path: Path) -> tuple[Path, str]:
    """Write a new private key (0600, encrypted where DQKIT_EVIDENCE_PASSPHRASE is set) and its public key beside it.

    Returns
    -------
    The file of the public key, and its fingerprint.

    Raises
    ------
    DqkitError
        A file stands there already, or it cannot be written.
    """
    public = path.with_name(f"{path.stem}.pub.pem")
    passphrase = os.environ.get(PASSPHRASE)
    encryption: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, encryption)
    for target, data, mode in ((path, private, 0o600), (public, public_pem(key.public_key()), 0o644)):
        _write_new(target, data, mode)
    return public, fingerprint(key.public_key())


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    except FileExistsError as error:
        raise DqkitError(
            f"{path} stands there already", "name another file with -o: a lost key cannot be had again"
        ) from error
    except OSError as error:
        raise DqkitError(f"the key {path} cannot be written: {error.strerror}", "name another file with -o") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def load_private(path: Path) -> Ed25519PrivateKey:
    """Load the key that signs.

    Raises
    ------
    DqkitError
        It cannot be read, is encrypted and the passphrase is missing or wrong, or is of another kind.
    """
    passphrase = os.environ.get(PASSPHRASE)
    data = _read(path)
    try:
        key = serialization.load_pem_private_key(data, passphrase.encode() if passphrase else None)
    except TypeError as error:  # encrypted without a passphrase, or a passphrase for a key without encryption
        if passphrase:
            return _ed25519(serialization.load_pem_private_key(data, None), path)
        raise DqkitError(f"the key {path} is encrypted", f"give its passphrase in {PASSPHRASE}") from error
    except ValueError as error:
        raise DqkitError(
            f"the key {path} cannot be opened: no PEM of a private key, or another passphrase",
            f"make one with: dqkit evidence keygen -o key.pem; the passphrase is read from {PASSPHRASE}",
        ) from error
    return _ed25519(key, path)


def _ed25519(key: object, path: Path) -> Ed25519PrivateKey:
    if not isinstance(key, Ed25519PrivateKey):
        raise DqkitError(f"the key {path} is no Ed25519 key", "make one with: dqkit evidence keygen -o key.pem")
    return key


def load_public(data: bytes, what: str) -> Ed25519PublicKey:
    """Load a public key from PEM; `what` names it in errors.

    Raises
    ------
    DqkitError
        It is no PEM of an Ed25519 public key.
    """
    try:  # the library would find a key in the middle of another file, too
        key = serialization.load_pem_public_key(data if data.lstrip().startswith(_BEGIN) else b"")
    except ValueError as error:
        raise DqkitError(f"{what} is no PEM of a public key", "give the .pub.pem that keygen wrote") from error
    if not isinstance(key, Ed25519PublicKey):
        raise DqkitError(f"{what} is no Ed25519 key", "give the .pub.pem that keygen wrote")
    return key


def read_public(path: Path) -> Ed25519PublicKey:
    """Load the public key of a file; see `load_public`."""
    return load_public(_read(path), f"the key {path}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DqkitError(f"the key {path} cannot be read: {error.strerror}", "check the path") from error


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key as PEM."""
    return key.public_bytes(_PEM, _SPKI)


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return SHA-256 of the key's SubjectPublicKeyInfo: what names a key where people compare keys."""
    return hashlib.sha256(key.public_bytes(_DER, _SPKI)).hexdigest()


def is_signed(key: Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    """Tell whether `signature` is that of `data` under `key`."""
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True
