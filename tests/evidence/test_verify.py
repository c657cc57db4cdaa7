"""Verifying: whoever changes, adds or takes away a byte is found out, with a key and without one."""

import hashlib
import json
from pathlib import Path

import pytest

from dqkit.errors import DqkitError, ExitCode
from dqkit.evidence.seal import HEADER, LIST, PUBLIC_KEY, SIGNATURE
from dqkit.evidence.signing import load_private, make_key, public_pem, read_public
from dqkit.evidence.verify import Signer, Verified, verify
from tests.evidence.conftest import Gated, opened, packed


@pytest.fixture
def check(gated: Gated, tmp_path: Path) -> "Check":
    return Check(gated, tmp_path)


class Check:
    """Verifies bytes under the key of the project, another one, or none."""

    def __init__(self, gated: Gated, folder: Path) -> None:
        self._public = gated.root / "key.pub.pem"
        self._file = folder / "evidence.zip"

    def __call__(self, data: bytes, key: Path | None = None, *, keyless: bool = False) -> Verified:
        self._file.write_bytes(data)
        return verify(self._file, None if keyless else read_public(key or self._public))


def faults(found: Verified) -> str:
    return " | ".join(text["en"] for text in found.faults)


def listed(members: dict[str, bytes]) -> dict[str, bytes]:
    """Write the list of members anew, as somebody would who has no key."""
    rest = {name: data for name, data in members.items() if name not in (LIST, SIGNATURE)}
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(rest.items())]
    return {**members, LIST: "".join(lines).encode()}


def test_evidence_as_it_was_written_is_verified(check: Check, evidence_zip: bytes) -> None:
    found = check(evidence_zip)
    assert (found.exit_code, found.signer, found.faults, found.complete) == (ExitCode.OK, Signer.VERIFIED, (), True)
    assert (found.verdict, found.policy) == ("pass", "<script>nightly</script>")


def test_without_a_key_to_hold_it_against_nothing_is_verified(
    check: Check, evidence_zip: bytes, unsigned_zip: bytes
) -> None:
    found = check(evidence_zip, keyless=True)
    assert (found.exit_code, found.signer, found.faults) == (ExitCode.INCOMPLETE, Signer.UNKNOWN, ())
    unsigned = check(unsigned_zip, keyless=True)
    assert (unsigned.exit_code, unsigned.signer, unsigned.faults) == (ExitCode.INCOMPLETE, Signer.UNSIGNED, ())


def test_unsigned_evidence_fails_where_a_key_was_given(check: Check, unsigned_zip: bytes) -> None:
    found = check(unsigned_zip)
    assert found.exit_code == ExitCode.FAILED
    assert "not signed" in faults(found)


def test_another_key_is_told(check: Check, evidence_zip: bytes, tmp_path: Path) -> None:
    public, _ = make_key(tmp_path / "other.pem")
    found = check(evidence_zip, public)
    assert (found.exit_code, found.signer) == (ExitCode.FAILED, Signer.OTHER)


def test_a_flipped_byte_anywhere_is_seen(check: Check, evidence_zip: bytes) -> None:
    data = bytearray(evidence_zip)
    for at in [*range(0, len(data), 20_011), *range(len(data) - 40, len(data))]:
        data[at] ^= 0x10
        assert check(bytes(data)).exit_code == ExitCode.FAILED, at
        data[at] ^= 0x10
    for cut in (0, 1, len(data) // 2, len(data) - 1):
        assert check(bytes(data[:cut])).exit_code == ExitCode.FAILED
    assert check(bytes(data) + b"\n").exit_code == ExitCode.FAILED


def test_every_member_that_is_changed_in_a_container_written_anew_is_named(check: Check, evidence_zip: bytes) -> None:
    members = opened(evidence_zip)
    some = [name for name in members if not name.startswith(("rules/", "vocabulary/", "recognisers/"))]
    for name in [*some, "rules/GEO-003-slice-gap.yaml"]:
        found = check(packed(members | {name: members[name] + b" "}))
        assert found.exit_code == ExitCode.FAILED, name
        if name not in (LIST, SIGNATURE):
            assert f"{name} was changed" in faults(found) or "as dqkit writes it" in faults(found)


def test_members_that_were_added_or_taken_away_are_named(check: Check, evidence_zip: bytes) -> None:
    members = opened(evidence_zip)
    assert "smuggled.txt was added" in faults(check(packed(members | {"smuggled.txt": b"x"})))
    for name in ("rules/GEO-003-slice-gap.yaml", "policy.yaml", "environment.json"):
        less = {one: data for one, data in members.items() if one != name}
        assert f"{name} was removed" in faults(check(packed(less)))
    for name in (HEADER, LIST, "verdict.json", "chain/runs.jsonl"):
        less = {one: data for one, data in members.items() if one != name}
        assert f"no file {name}" in faults(check(packed(less)))


def test_a_list_written_anew_does_not_fit_the_signature(check: Check, evidence_zip: bytes) -> None:
    members = opened(evidence_zip)
    found = check(packed(listed(members | {"policy.yaml": b"name: other\n"})), keyless=True)
    assert found.exit_code == ExitCode.FAILED
    assert "the signature does not fit" in faults(found)


def test_a_signature_that_was_taken_away_is_missed(check: Check, evidence_zip: bytes) -> None:
    members = opened(evidence_zip)
    found = check(packed({name: data for name, data in members.items() if name != SIGNATURE}), keyless=True)
    assert "its signature was taken away" in faults(found)


def test_signing_anew_with_another_key_is_found_out(check: Check, evidence_zip: bytes, tmp_path: Path) -> None:
    make_key(tmp_path / "forger.pem")
    forger = load_private(tmp_path / "forger.pem")
    members = opened(evidence_zip)
    header = json.loads(members[HEADER]) | {"signed_by": None}
    forged = listed(members | {PUBLIC_KEY: public_pem(forger.public_key()), HEADER: json.dumps(header).encode()})
    forged[SIGNATURE] = forger.sign(forged[LIST])
    assert check(packed(forged)).signer is Signer.OTHER
    assert "the signature does not fit" in faults(check(packed(forged), keyless=True))  # the header names nobody


@pytest.mark.parametrize("change", ["verdict", "conditions", "outcomes"])
def test_without_any_signature_a_verdict_that_was_edited_does_not_fit_the_chain(
    check: Check, unsigned_zip: bytes, change: str
) -> None:
    members = opened(unsigned_zip)
    verdict = json.loads(members["verdict.json"])
    verdict |= {"verdict": "fail"} if change == "verdict" else {change: []}
    members["verdict.json"] = json.dumps(verdict).encode()
    header = json.loads(members[HEADER]) | {"verdict_sha256": hashlib.sha256(members["verdict.json"]).hexdigest()}
    found = check(packed(listed(members | {HEADER: json.dumps(header).encode()})), keyless=True)
    assert found.exit_code == ExitCode.FAILED
    assert "the chain of runs does not know this verdict" in faults(found)


def test_a_chain_that_was_edited_is_broken(check: Check, unsigned_zip: bytes) -> None:
    members = opened(unsigned_zip)
    lines = members["chain/runs.jsonl"].splitlines()
    row = json.loads(lines[1]) | {"who": "somebody else"}
    lines[1] = json.dumps(row).encode()
    found = check(packed(listed(members | {"chain/runs.jsonl": b"\n".join(lines) + b"\n"})), keyless=True)
    assert "the chain of runs is broken at run 1" in faults(found)


@pytest.mark.parametrize("name", ["policy.yaml", "waivers.yaml", "baseline.json", "dataset/manifest.sha256"])
def test_parts_that_the_verdict_does_not_name_are_told(check: Check, unsigned_zip: bytes, name: str) -> None:
    members = opened(unsigned_zip)
    found = check(packed(listed(members | {name: b"another\n"})), keyless=True)
    assert f"{name} is not the one that the verdict names" in faults(found)


def test_other_versions_and_other_files_are_told(check: Check, evidence_zip: bytes, tmp_path: Path) -> None:
    members = opened(evidence_zip)
    for name, said in ((HEADER, "the evidence has format version 9"), ("verdict.json", "another format version")):
        other = json.loads(members[name]) | {"format_version": 9}
        with pytest.raises(DqkitError, match=said):
            check(packed(members | {name: json.dumps(other).encode()}))
    assert "no evidence of dqkit" in faults(check(packed(members | {HEADER: b"{}"})))
    for odd in (b"", b"[]", b"\xff"):
        assert check(packed(members | {HEADER: odd})).exit_code == ExitCode.FAILED
    assert check(b"hello").exit_code == ExitCode.FAILED
    with pytest.raises(DqkitError, match="cannot be read"):
        verify(tmp_path / "gone.zip")
