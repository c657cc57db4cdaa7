"""The commands ``evidence`` and ``gate verify`` as a user types them: exit codes, both streams, both languages."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, dqkit
from tests.evidence.conftest import PLANTED, Gated


@pytest.fixture
def evidence_file(evidence_zip: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "evidence.zip"
    path.write_bytes(evidence_zip)
    return path


def evidence(gated: Gated, *more: object) -> Ran:
    return dqkit("evidence", gated.out, "--catalog", gated.catalog, "--baseline", gated.baseline, *more)


def test_evidence_is_written_for_its_owner_alone_and_verified(gated: Gated, tmp_path: Path) -> None:
    out = tmp_path / "evidence.zip"
    ran = evidence(gated, "-o", out, "--key", gated.private_key)
    assert (ran.code, out.stat().st_mode & 0o777) == (0, 0o600)
    assert "Signed by the key with the fingerprint" in ran.said
    checked = dqkit("evidence", "verify", out, "--public-key", gated.root / "key.pub.pem")
    assert (checked.code, "Verified: nothing was changed" in checked.said) == (0, True)
    assert not [hidden for hidden in PLANTED if hidden in ran.said + checked.said]


def test_evidence_that_lacks_something_ends_with_3(gated: Gated, tmp_path: Path) -> None:
    out = tmp_path / "evidence.zip"
    ran = dqkit("evidence", gated.out, "--catalog", gated.catalog, "-o", out, "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["complete"], told["signed_by"]) == (3, False, None)
    assert told["missing"][0]["zh"] == "基线文件：请用 --baseline 指定"


def test_verify_says_what_it_does_not_know(evidence_file: Path) -> None:
    ran = dqkit("evidence", "verify", evidence_file)
    assert (ran.code, "Not verified" in ran.said, "nobody vouches" in ran.said) == (3, True, True)
    told = json.loads(dqkit("evidence", "verify", evidence_file, "--json").out)
    assert (told["verified"], told["unchanged"], told["signer"]) == (False, True, "key unknown")


def test_verify_ends_with_1_where_a_byte_changed(evidence_file: Path) -> None:
    data = bytearray(evidence_file.read_bytes())
    data[len(data) // 2] ^= 1
    evidence_file.write_bytes(data)
    ran = dqkit("evidence", "verify", evidence_file, "--lang", "zh")
    assert (ran.code, "已改变：请勿依赖此文件" in ran.said) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["evidence", "gone"], 2, "there is no verdict"),
        (["evidence", "verify", "gone.zip"], 2, "cannot be read"),
        (["evidence", "verify", "EVIDENCE", "--public-key", "EVIDENCE"], 2, "no PEM of a public key"),
        (["evidence", "OUT", "--catalog", "CATALOG", "--key", "gone.pem"], 2, "the key gone.pem cannot be read"),
        (["evidence", "OUT", "--catalog", "CATALOG", "-o", "CATALOG/e.zip"], 2, "inside the catalog"),
        (["evidence", "OUT", "--catalog", "CATALOG", "-o", "ARCHIVE/e.zip"], 2, "inside the source"),
        (["gate", "verify", "gone"], 2, "there is no verdict"),
        (["gate", "verify", "OUT", "--catalog", "gone", "--dataset", "TRAIN"], 3, "there is no catalog at gone"),
    ],
)
def test_wrong_use_is_told(gated: Gated, evidence_file: Path, arguments: list[str], code: int, said: str) -> None:
    places = {
        "EVIDENCE": str(evidence_file), "OUT": str(gated.out), "CATALOG": str(gated.catalog),
        "ARCHIVE": str(gated.root / "archive"), "TRAIN": str(gated.dataset),
    }  # fmt: skip
    for name, place in places.items():
        arguments = [one.replace(name, place) for one in arguments]
    ran = dqkit(*arguments)
    assert (ran.code, said in ran.said) == (code, True), ran.said
    assert not (gated.root / "archive" / "e.zip").exists()


def test_keygen_tells_what_to_do_with_each_file(tmp_path: Path) -> None:
    ran = dqkit("evidence", "keygen", "-o", tmp_path / "my.pem")
    assert ran.code == 0
    assert sorted(os.listdir(tmp_path)) == ["my.pem", "my.pub.pem"]
    assert dqkit("evidence", "keygen", "-o", tmp_path / "my.pem").code == 2


def test_gate_verify_speaks_both_languages_and_json(gated: Gated) -> None:
    line = ["gate", "verify", gated.out, "--catalog", gated.catalog, "--dataset", gated.dataset]
    ran = dqkit(*line)
    assert (ran.code, "The verdict stands" in ran.said) == (0, True)
    assert "判定仍然有效" in dqkit(*line, "--lang", "zh").said
    told = json.loads(dqkit(*line[:-2], "--json").out)
    assert (told["exit_code"], told["not_looked_at"][0]["about"]) == (3, "dataset")
