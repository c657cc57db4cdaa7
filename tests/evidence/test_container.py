"""The container: every zip program reads it, and no byte of it can be other than it was written."""

import io
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.evidence.container import NAME, Container, Content, TamperedError, write_container

MEMBERS: dict[str, Content] = {
    "verdict.json": b'{"verdict": "pass"}',
    "rules/GEO-003-slice-gap.yaml": b"id: GEO-003\n",
    "empty.txt": b"",
    "dataset/manifest.sha256": bytes(range(256)) * 3,
}


def packed(members: Mapping[str, Content]) -> bytes:
    out = io.BytesIO()
    write_container(members, out.write)
    return out.getvalue()


def test_zipfile_and_unzip_read_it(tmp_path: Path) -> None:
    data = packed(MEMBERS)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == MEMBERS
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    (tmp_path / "e.zip").write_bytes(data)
    extracted = subprocess.run(
        ["python3", "-m", "zipfile", "-e", "e.zip", "out"], cwd=tmp_path, check=False, capture_output=True
    )
    assert extracted.returncode == 0
    assert (tmp_path / "out/rules/GEO-003-slice-gap.yaml").read_bytes() == b"id: GEO-003\n"


def test_the_order_of_members_does_not_matter_and_files_on_disk_are_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(range(256)) * 3)
    turned: dict[str, Content] = dict(reversed(MEMBERS.items())) | {"dataset/manifest.sha256": tmp_path / "big"}
    assert packed(turned) == packed(MEMBERS)


def test_it_reads_back(tmp_path: Path) -> None:
    container = Container(io.BytesIO(packed(MEMBERS)))
    assert {name: container.read(name) for name in container.members} == MEMBERS
    out = io.BytesIO()
    container.copy("dataset/manifest.sha256", out.write)
    assert out.getvalue() == MEMBERS["dataset/manifest.sha256"]


def test_every_flipped_bit_is_seen() -> None:
    data = bytearray(packed(MEMBERS))
    for at in range(len(data)):
        for bit in (0x01, 0x80):
            data[at] ^= bit
            with pytest.raises(TamperedError):
                Container(io.BytesIO(bytes(data)))
            data[at] ^= bit
    Container(io.BytesIO(bytes(data)))


def test_every_length_but_its_own_is_seen() -> None:
    data = packed(MEMBERS)
    for cut in range(len(data)):
        with pytest.raises(TamperedError):
            Container(io.BytesIO(data[:cut]))
    for more in (b"\0", b"PK\x03\x04", data):
        with pytest.raises(TamperedError):
            Container(io.BytesIO(data + more))
        with pytest.raises(TamperedError):
            Container(io.BytesIO(more + data))


def zipped(members: Mapping[str, bytes], **options: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "name", ["../escape.txt", "/etc/passwd", "a/../../b", ".hidden", "a\\b", "A" * 300, "a//b", ""]
)
def test_a_name_that_leads_out_of_its_folder_is_refused(name: str) -> None:
    with pytest.raises(TamperedError, match="a name that evidence cannot have"):
        Container(io.BytesIO(packed({name: b"x"})))


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = zipped({"bomb.txt": b"\0" * (20 << 20)}, compression=zipfile.ZIP_DEFLATED, compresslevel=9)
    assert len(bomb) < 100_000
    with pytest.raises(TamperedError):
        Container(io.BytesIO(bomb))


def test_a_member_twice_or_out_of_order_is_refused() -> None:
    one = packed({"b": b"1"})
    local = one[: one.index(b"PK\x01\x02")]
    for data in (local + one, local + packed({"a": b"1"})):
        with pytest.raises(TamperedError, match="twice or in the wrong place"):
            Container(io.BytesIO(data))


def test_what_is_no_zip_is_refused() -> None:
    for data in (b"", b"PK", b"hello, this is a text", packed({})[:-1]):
        with pytest.raises(TamperedError):
            Container(io.BytesIO(data))


@given(
    st.dictionaries(
        st.from_regex(NAME, fullmatch=True).filter(lambda n: ".." not in n), st.binary(max_size=50), max_size=6
    )
)
def test_any_members_come_back(members: dict[str, bytes]) -> None:
    container = Container(io.BytesIO(packed(members)))
    assert {name: container.read(name) for name in container.members} == members
