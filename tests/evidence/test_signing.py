"""Keys: made once, kept private, read as OpenSSL writes them."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dqkit.errors import DqkitError
from dqkit.evidence.signing import PASSPHRASE, fingerprint, is_signed, load_private, make_key, read_public


def test_a_key_is_private_and_signs(tmp_path: Path) -> None:
    public, name = make_key(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    key = load_private(tmp_path / "key.pem")
    assert fingerprint(key.public_key()) == fingerprint(read_public(public)) == name
    assert is_signed(read_public(public), key.sign(b"x"), b"x")
    assert not is_signed(read_public(public), key.sign(b"x"), b"y")


def test_a_key_that_stands_is_never_written_over(tmp_path: Path) -> None:
    make_key(tmp_path / "key.pem")
    with pytest.raises(DqkitError, match="stands there already"):
        make_key(tmp_path / "key.pem")
    with pytest.raises(DqkitError, match="cannot be written"):
        make_key(tmp_path / "nowhere" / "key.pem")


def test_a_passphrase_encrypts_and_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "correct horse")
    _, name = make_key(tmp_path / "key.pem")
    assert b"ENCRYPTED" in (tmp_path / "key.pem").read_bytes()
    assert fingerprint(load_private(tmp_path / "key.pem").public_key()) == name
    monkeypatch.setenv(PASSPHRASE, "wrong")
    with pytest.raises(DqkitError, match="another passphrase"):
        load_private(tmp_path / "key.pem")
    monkeypatch.delenv(PASSPHRASE)
    with pytest.raises(DqkitError, match="is encrypted") as caught:
        load_private(tmp_path / "key.pem")
    assert PASSPHRASE in caught.value.hint


def test_a_passphrase_in_the_environment_does_not_spoil_a_plain_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, name = make_key(tmp_path / "key.pem")
    monkeypatch.setenv(PASSPHRASE, "for another key")
    assert fingerprint(load_private(tmp_path / "key.pem").public_key()) == name


def test_keys_of_openssl_are_read(tmp_path: Path) -> None:
    for line in (
        ["genpkey", "-algorithm", "ed25519", "-out", "key.pem"],
        ["pkey", "-in", "key.pem", "-pubout", "-out", "key.pub.pem"],
    ):
        subprocess.run(["openssl", *line], cwd=tmp_path, check=True, capture_output=True)
    assert load_private(tmp_path / "key.pem").public_key() == read_public(tmp_path / "key.pub.pem")


def test_other_keys_and_other_files_are_refused(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    (tmp_path / "rsa.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (tmp_path / "rsa.pub.pem").write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "text").write_text("hello")
    (tmp_path / "around").write_bytes(b"x" + make_key(tmp_path / "k.pem")[0].read_bytes())
    for read, names in (
        (load_private, ("rsa.pem", "text", "gone")),
        (read_public, ("rsa.pub.pem", "text", "gone", "around")),
    ):
        for name in names:
            with pytest.raises(DqkitError, match=r"no Ed25519|no PEM|cannot be (read|opened)"):
                read(tmp_path / name)
